"""What the demo's parts share: commands shown as one would type them, processes, aligned lines."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

EXAMPLES = Path(__file__).resolve().parent
TIMONEL = Path(sys.executable).parent / "timonel"

DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")

console = Console(highlight=False, soft_wrap=True)


def command(*words: str | Path) -> list[str]:
    """Show a command as one would type it, and give it back as a list."""
    shown = " ".join(shorten(word) for word in words)
    console.print(f"[dim]$[/] [bold]timonel {shown}[/]")
    return [str(TIMONEL), *map(str, words)]


def shorten(word: str | Path) -> str:
    """A path as seen from the repository; of a digest so much that a shell finds it."""
    path = Path(word)
    shown = str(path.relative_to(EXAMPLES.parent)) if path.is_relative_to(EXAMPLES) else str(word)
    return DIGEST.sub(r"\1*", shown)


def launched(words: list[str], log: Path) -> subprocess.Popen[str]:
    """A command of Timonel's in the background, its log in a file."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as lines:
        # a session of its own: Ctrl-C reaches the demo alone, which then stops the process
        return subprocess.Popen(
            [*words, "--json"],
            stdout=subprocess.PIPE,
            stderr=lines,
            text=True,
            start_new_session=True,
        )


def announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    """What the server says of itself once it is ready; a server that ends first ends the demo."""
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        sys.exit(process.wait() or 1)
    facts: dict[str, Any] = json.loads(line)
    return facts


def say(what: str, text: str) -> None:
    """One aligned line of the story."""
    console.print(f"  {what:<10} {text}", markup=False)


def stop(process: subprocess.Popen[Any]) -> None:
    """End a server gracefully, and if it does not end, at once."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
