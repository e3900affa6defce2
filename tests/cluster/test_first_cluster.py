"""The tutorial of the first cluster: each of its commands, on the cluster at hand."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from clusters import Cluster, Namespace, run
from page_runner import ROOT, blocks, shell, walk

pytestmark = pytest.mark.timeout(900)  # two trainings, an installation, a release
PAGE = ROOT / "docs" / "tutorial" / "first-cluster.md"
SPACE = Namespace("first-cluster")


def test_the_commands_of_the_tutorial_work(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All but those that make the cluster and the images; in the end nothing of it is left."""
    monkeypatch.setenv("GATEWAY", cluster.gateway)
    remove = ("kubectl", "delete", "namespace", SPACE.name, "--ignore-not-found", "--timeout=120s")
    run(*remove)
    with ExitStack() as stack:
        stack.callback(run, *remove)
        for claim in ("packages", "accidents-monitor"):
            stack.enter_context(cluster.volume(SPACE, claim))
        terminal = stack.enter_context(shell(tmp_path))
        for step in walk(PAGE.read_text(), terminal):
            situation = "" if step.code == 0 else SPACE.situation()
            assert step.code == 0, f"{step.command.code}\n{step.printed}\n{situation}"
    assert not run("kubectl", "get", "namespace", SPACE.name, "--ignore-not-found")


def test_what_only_a_laptop_runs_is_there() -> None:
    """Scripts and targets of the steps that make the cluster."""
    laptop = [block.code for block in blocks(PAGE.read_text()) if block.wish == "laptop"]
    assert any("infra/kind/up.sh" in code for code in laptop)
    assert (ROOT / "infra" / "kind" / "up.sh").exists()
    targets = (ROOT / "Makefile").read_text()
    assert "\nimages:" in targets
    assert "\ninstall:" in targets
