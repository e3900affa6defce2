"""The committed templates are what the code makes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

GOLDENS = Path(__file__).resolve().parents[2] / "infra" / "goldens"


def test_the_committed_templates_are_those_of_the_code(synthesised: Any) -> None:
    """A change of a stack shows as a change of its golden (`make generate-infra`), none is left over."""
    from timonel_infra.golden import text

    made = {stack: text(template) for stack, template in synthesised.templates.items()}
    committed = {
        f"{file.parent.name}/{file.stem}": file.read_text() for file in GOLDENS.glob("*/*.json")
    }
    assert sorted(committed) == sorted(made)
    assert [stack for stack in made if made[stack] != committed[stack]] == []


def test_stages_differ_in_data_alone(synthesised: Any) -> None:
    """dev and prod have the same stacks, made by the same code, with the same kinds of resources."""
    kinds: dict[str, set[tuple[str, str]]] = {"dev": set(), "prod": set()}
    for stack, template in synthesised.templates.items():
        stage, _, name = stack.partition("/")
        kinds[stage] |= {(name, part["Type"]) for part in template["Resources"].values()}
    assert kinds["prod"] - kinds["dev"] == {("network", "AWS::EC2::VPCEndpoint")} - kinds["dev"] | {
        ("network", "AWS::EC2::SecurityGroup")
    }
    assert kinds["dev"] <= kinds["prod"]


def test_goldens_name_no_machine() -> None:
    """No template has an asset's hash, an account's number or a path of the machine that made it."""
    for file in GOLDENS.glob("*/*.json"):
        text = file.read_text()
        assert not re.search(r"\b\d{12}\b|[0-9a-f]{64}|/home/", text), file
        assert f"{Path.home()}/" not in text, file
