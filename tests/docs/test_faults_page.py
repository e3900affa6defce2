"""The page of incidents: its example runs, and its measured table leaves none out."""

import re
from pathlib import Path
from typing import Any

from timonel.faults import INCIDENTS

PAGE = (Path(__file__).parents[2] / "docs/reference/faults.md").read_text()


def test_the_example_of_the_page_runs() -> None:
    """What a reader copies gives what the page says."""
    example = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(example[0], names)
    truths = [truth.to_dict() for truth in names["done"].truths]
    assert [t["incident"] for t in truths] == ["unit_change", "slow_dependency"]
    assert truths[0]["changed"] == ["amount", "score", "prediction"]


def test_the_effect_of_every_incident_is_on_the_page() -> None:
    """An incident that is added is measured, too."""
    assert re.findall(r"^\| `(\w+)` \| \d\.\d{3} /", PAGE, re.MULTILINE) == list(INCIDENTS)
