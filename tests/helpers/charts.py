"""The chart, rendered as a cluster would get it."""

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "helm" / "timonel"
VALUES = ROOT / "tests" / "chart" / "values"

Object = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of a release."""

    text: str

    @property
    def objects(self) -> list[Object]:
        """All of them."""
        return [one for one in yaml.safe_load_all(self.text) if one]

    def all(self, kind: str) -> dict[str, Object]:
        """Those of a kind, by name."""
        return {one["metadata"]["name"]: one for one in self.objects if one["kind"] == kind}

    def one(self, kind: str, name: str) -> Object:
        """One of them."""
        return self.all(kind)[name]


def _flags(settings: tuple[str, ...]) -> list[str]:
    """A version is text, whatever it looks like."""
    return [
        part
        for one in settings
        for part in ("--set-string" if ".version=" in one else "--set", one)
    ]


class Chart:
    """Helm, on this chart."""

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A Helm command on the chart."""
        command = ["helm", words[0], *words[1:]]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def template(self, values: str, *more: str) -> subprocess.CompletedProcess[str]:
        """`helm template` of the release fraud in namespace ml."""
        file = str(VALUES / f"{values}.yaml")
        return self.run(
            "template", "fraud", str(CHART), "--namespace", "ml", "--values", file, *more
        )

    def rendered(self, values: str, *settings: str) -> Rendered:
        """The objects of a values file, with settings as of --set."""
        done = self.template(values, *_flags(settings))
        assert done.returncode == 0, done.stderr
        return Rendered(done.stdout)

    def refusal(self, values: str, *settings: str) -> str:
        """What is said of values that contradict themselves."""
        done = self.template(values, *_flags(settings))
        assert done.returncode != 0, done.stdout
        return done.stderr
