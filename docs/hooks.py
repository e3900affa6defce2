"""Fills the pages that are generated from the code, so that they cannot go stale.

A line `<!-- generated: NAME -->` in a page is replaced by what the generator of that name writes. The name
`output of COMMAND` stands for what the tutorial shows as the command's output.
"""

import re
from pathlib import Path
from typing import Any

from command_line import describe_commands
from incidents import describe_incidents
from monitor_api import describe_monitor_api
from settings import describe_settings

GENERATORS = {
    "command line": describe_commands,
    "incidents": describe_incidents,
    "monitor API": describe_monitor_api,
    "settings": describe_settings,
}
MARK = re.compile(r"^<!-- generated: (.+?) -->$", re.MULTILINE)
TUTORIAL = Path(__file__).parent / "tutorial/first-model.md"
OUTPUT = r"```bash\n%s\n```\n<!-- output -->\n(```.+?\n```)"


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marks of a page; an unknown name stops the build."""
    return MARK.sub(lambda mark: _generated(mark[1]), markdown)


def _generated(name: str) -> str:
    if name.startswith("output of "):
        return _tutorial_output(name.removeprefix("output of "))
    return GENERATORS[name]()


def _tutorial_output(command: str) -> str:
    found = re.search(OUTPUT % re.escape(command), TUTORIAL.read_text(), re.DOTALL)
    if found is None:
        raise ValueError(f"{TUTORIAL}: shows no output of {command}")
    return found[1]
