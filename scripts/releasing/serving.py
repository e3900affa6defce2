"""Which versions serve how much, as the chart's values say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Side:
    """One version and where its package is; None leaves that to the values."""

    version: str
    uri: str | None = None
    digest: str | None = None

    def settings(self, side: str) -> list[str]:
        """It as Helm's arguments, `side` being stable or canary."""
        found = {"version": self.version, "storageUri": self.uri, "digest": self.digest}
        told = [f"{side}.{key}={_escaped(v)}" for key, v in found.items() if v is not None]
        return [part for one in told for part in ("--set-string", one)]


@dataclass(frozen=True)
class Served:
    """What serves: `weight` percent go to the canary."""

    stable: Side
    canary: Side | None
    weight: int
    strategy: str = "gateway"
    hold: bool = (
        False  # Knative: after a canary 0 percent are kept until the stable version is ready
    )

    def settings(self) -> list[str]:
        """It as Helm's arguments."""
        told = [*self.stable.settings("stable"), "--set", f"rollout.weight={self.weight}"]
        told += ["--set", f"canary.enabled={'true' if self.canary else 'false'}"]
        if self.strategy == "knative":
            told += ["--set", f"rollout.hold={'true' if self.hold else 'false'}"]
        return told + (self.canary.settings("canary") if self.canary else [])


def served(values: dict[str, Any]) -> Served:
    """Read the values of a deployed release."""
    rollout, canary = values.get("rollout", {}), values.get("canary", {})
    return Served(
        _side(values.get("stable", {})),
        _side(canary) if canary.get("enabled") else None,
        int(rollout.get("weight") or 0),
        str(rollout.get("strategy") or "gateway"),
        bool(rollout.get("hold")),
    )


def _side(values: dict[str, Any]) -> Side:
    version, uri, digest = (values.get(key) for key in ("version", "storageUri", "digest"))
    return Side(str(version or ""), uri, digest)


def _escaped(value: str) -> str:
    """Helm splits at commas."""
    return value.replace("\\", "\\\\").replace(",", "\\,")
