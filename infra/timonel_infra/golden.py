"""The templates of all stages as committed files: what a change of code changes on AWS is seen in review.

`python -m timonel_infra.golden` rewrites them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from timonel_infra.app import build

GOLDENS = Path(__file__).resolve().parents[1] / "goldens"


def normalised(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without what says nothing of the stack: the check of the CDK's bootstrap."""
    return {name: part for name, part in template.items() if name not in ("Rules", "Parameters")}


def read_templates(assembly: Path, *, raw: bool = False) -> dict[str, dict[str, Any]]:
    """Return the templates under an assembly by `STAGE/STACK`, normalised unless `raw`."""
    found: dict[str, dict[str, Any]] = {}
    for manifest in sorted(assembly.glob("assembly-*/manifest.json")):
        for artifact in json.loads(manifest.read_text())["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                stack = artifact["displayName"].removeprefix("timonel-")
                file = manifest.parent / artifact["properties"]["templateFile"]
                template = json.loads(file.read_text())
                found[stack] = template if raw else normalised(template)
    return found


def text(template: dict[str, Any]) -> str:
    """Return a template as committed: sorted, one space of indent, a final newline."""
    return json.dumps(template, indent=1, sort_keys=True) + "\n"


def main() -> None:
    """Rewrite the goldens."""
    for stack, template in read_templates(Path(build().synth().directory)).items():
        file = GOLDENS / f"{stack}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text(template))


if __name__ == "__main__":
    main()
