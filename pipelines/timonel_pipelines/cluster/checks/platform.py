"""Kubernetes itself: its version, its clock, its nodes, who enforces network policies."""

import re
from collections.abc import Iterator
from datetime import UTC
from email.utils import parsedate_to_datetime

from timonel_pipelines.cluster.answers import Facts, conditions
from timonel_pipelines.cluster.finding import Finding, failure, hidden, ok, warning

OLDEST = (1, 32)
"""The oldest Kubernetes that KServe 0.20 supports."""
SKEW_SECONDS = 30.0
_ENFORCING = ("calico", "cilium", "antrea", "kube-router", "weave-net", "ovnkube", "canal")


def version(facts: Facts) -> Iterator[Finding]:
    """New enough for KServe."""
    name, wanted = "Kubernetes", f"{OLDEST[0]}.{OLDEST[1]} or newer"
    answer = facts["version"]
    numbers = re.match(r"v(\d+)\.(\d+)", answer.body["gitVersion"]) if answer.ok else None
    if numbers is None:
        yield hidden(name, answer, wanted)
        return
    found = answer.body["gitVersion"]
    if (int(numbers[1]), int(numbers[2])) < OLDEST:
        yield failure(name, found, wanted, "upgrade the cluster: KServe 0.20 does not support it")
    else:
        yield ok(name, found)


def clock(facts: Facts) -> Iterator[Finding]:
    """This machine's and the API server's do not lie apart: leases and labels hang on them."""
    name, wanted = "clock", f"within {SKEW_SECONDS:.0f} s of this machine's"
    try:
        there = parsedate_to_datetime(facts["version"].date)
    except (TypeError, ValueError):
        yield hidden(name, facts["version"], wanted)
        return
    if there.tzinfo is None:
        there = there.replace(tzinfo=UTC)
    skew = (facts.now - there).total_seconds()
    if abs(skew) > SKEW_SECONDS:
        side = "behind" if skew > 0 else "ahead of"
        found = f"the API server's is {abs(skew):.0f} s {side} this machine's"
        yield failure(name, found, wanted, "timedatectl set-ntp true, on the machine that is wrong")
    else:
        yield ok(name, f"within {abs(skew):.0f} s")


def nodes(facts: Facts) -> Iterator[Finding]:
    """Ready, with room on their disks."""
    answer = facts["nodes"]
    if not answer.ok:
        yield hidden("nodes", answer, "ready, with room on their disks")
        return
    bad = list(_bad_nodes(answer.items))
    yield from bad
    if not bad:
        yield ok("nodes", f"{len(answer.items)} ready, none short of disk or memory")


def _bad_nodes(items: list[dict[str, object]]) -> Iterator[Finding]:
    for node in items:
        held = conditions(node)
        name = str(node["metadata"]["name"])  # type: ignore[index]  # as every object has
        look = f"kubectl describe node {name}"
        if held.get("Ready", {}).get("status") != "True":
            yield failure("nodes", f"{name} is not ready", "ready", look)
        for kind, what in (("DiskPressure", "disk"), ("MemoryPressure", "memory")):
            if held.get(kind, {}).get("status") == "True":
                found = f"{name} is short of {what}: pods are evicted from it"
                yield failure("nodes", found, f"room for {what}", look)


def policies(facts: Facts) -> Iterator[Finding]:
    """Whether network policies are enforced: the API takes them even where nobody does."""
    name, wanted = "network policies", "a network plugin that enforces them"
    answer = facts["daemonsets"]
    if not answer.ok:
        yield hidden(name, answer, wanted)
        return
    names = [str(one["metadata"]["name"]) for one in answer.items]
    known = next((one for one in names if any(e in one for e in _ENFORCING)), None)
    if known is not None:
        yield ok(name, f"{known} enforces them")
        return
    yield warning(
        name,
        "no plugin is known to enforce them: they may be stored and ignored",
        wanted,
        "ask who runs the cluster; do not count on them for isolation until then",
    )
