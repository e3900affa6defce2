"""What the documentation tells a reader to type works, and prints what it says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from page_runner import PAGES, ROOT, Shell, blocks, differences, shell, walk


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    """One terminal for all pages."""
    with shell(tmp_path_factory.mktemp("home")) as opened:
        yield opened


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_work(page: str, terminal: Shell) -> None:
    """Each command ends as the page says, and each output of the page is a real one."""
    text = (ROOT / "docs" / page).read_text()
    for step in walk(text, terminal):
        command = step.command.code
        assert step.code == step.command.exit_code, f"{command}\n{step.printed}"
        if step.shown is not None:
            assert differences(step) == [], f"{command}\nprinted:\n{step.printed}"


@pytest.mark.parametrize("page", PAGES)
def test_every_output_follows_a_command(page: str) -> None:
    """No output stands alone: each is compared with what a command printed."""
    found = blocks((ROOT / "docs" / page).read_text())
    outputs = [i for i, block in enumerate(found) if block.is_output]
    assert outputs
    assert all(found[i - 1].is_command for i in outputs)


def test_a_made_up_output_is_found_out(tmp_path: Path) -> None:
    """The comparison is loose about numbers and spaces, and about nothing else."""
    page = (
        "```bash\necho 'scored   300 rows'\n```\n<!-- output -->\n```text\nscored 12 rows\n{}```\n"
    )
    with shell(tmp_path) as opened:
        honest, invented = (next(walk(page.format(p), opened)) for p in ("", "and saved\n"))
    assert differences(honest) == []
    assert differences(invented) == ["and saved"]
