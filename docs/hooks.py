"""Fills the pages that are generated from the code, so that they cannot go stale.

A line `<!-- generated: NAME -->` in a page is replaced by what the generator of that name writes.
"""

import re
from typing import Any

from command_line import describe_commands
from settings import describe_settings

GENERATORS = {"command line": describe_commands, "settings": describe_settings}
MARK = re.compile(r"^<!-- generated: (.+?) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace the marks of a page; an unknown name stops the build."""
    return MARK.sub(lambda mark: GENERATORS[mark[1]](), markdown)
