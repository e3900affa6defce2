"""The journal: what steps did, told across processes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from timonel.errors import BadInput, TimonelError
from timonel_pipelines.journal import RUN_DIRECTORY, Event, Journal, step
from timonel_pipelines.troubles import overdue, raise_failure, unexplained, unfinished


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    """The journal of the run that this process is a step of."""
    monkeypatch.setenv(RUN_DIRECTORY, str(tmp_path))
    return Journal.of(tmp_path)


def test_a_step_that_ends_well_tells_what_it_came_to(journal: Journal) -> None:
    """Two events: started, and done with note and facts."""
    with step("train", "logistic") as outcome:
        outcome.note, outcome.facts = "fine", {"score": 0.5}
    (started, done), _ = journal.read()
    assert (started.state, started.step, started.item) == ("started", "train", "logistic")
    assert (done.state, done.note, done.facts) == ("done", "fine", {"score": 0.5})


def test_an_error_meant_for_the_user_comes_back_as_it_was(journal: Journal, tmp_path: Path) -> None:
    """Class, message, reason and fix survive the way through the file."""
    error = BadInput("the table is empty", why="no rows", fix="fill it")
    with pytest.raises(BadInput), step("prepare"):
        raise error
    (_, failed), _ = journal.read()
    with pytest.raises(BadInput) as found:
        raise_failure(failed, tmp_path)
    assert str(found.value) == str(error)


def test_a_defect_shows_where_it_happened_and_where_the_log_is(
    journal: Journal, tmp_path: Path
) -> None:
    """Any other exception is told with its class, its innermost frames and the path of the log."""
    with pytest.raises(ZeroDivisionError), step("evaluate"):
        _ = 1 / 0
    (_, failed), _ = journal.read()
    with pytest.raises(TimonelError) as found:
        raise_failure(failed, tmp_path)
    text = str(found.value)
    assert text.startswith("step evaluate failed: ZeroDivisionError: division by zero")
    assert "test_journal.py" in text
    assert str(tmp_path / "log.txt") in text


def test_lines_that_many_write_at_once_stay_whole(journal: Journal) -> None:
    """Events of parallel steps do not mix, and reading on from an offset misses none."""

    def work(n: int) -> None:
        with step("train", f"candidate-{n}") as outcome:
            outcome.note = "x" * 2000

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(50)))
    first, offset = journal.read()
    with step("evaluate"):
        pass
    second, _ = journal.read(offset)
    assert len(first) == 100
    assert [e.step for e in second] == ["evaluate", "evaluate"]


def test_a_line_that_is_not_whole_yet_is_left_for_the_next_look(journal: Journal) -> None:
    """Half a line is no event."""
    with step("train"):
        pass
    assert journal.path is not None
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole + b'{"step": "ev')
    events, offset = journal.read()
    assert len(events) == 2
    assert offset == len(whole)


def test_a_step_without_a_journal_still_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a pod nobody follows a journal: the step prints what it came to."""
    monkeypatch.delenv(RUN_DIRECTORY, raising=False)
    with step("train") as outcome:
        outcome.note = "fine"


def test_a_step_that_was_killed_is_named(tmp_path: Path) -> None:
    """A step that started and said no more, in a run that ended: it was killed, and memory is why."""
    events = [
        Event(step="prepare", state="started", at=0),
        Event(step="prepare", state="done", at=1),
        Event(step="train", item="boosting", state="started", at=1),
    ]
    text = str(unexplained(events, tmp_path))
    assert "step train (boosting) was killed" in text
    assert "memory" in text


def test_a_run_that_never_began_shows_the_end_of_its_log(tmp_path: Path) -> None:
    """With no step to name, the log's last lines are the message."""
    (tmp_path / "log.txt").write_text("noise\n" * 50 + "ModuleNotFoundError: no kfp\n")
    assert "ModuleNotFoundError: no kfp" in str(unexplained([], tmp_path))


def test_a_step_that_takes_too_long_is_told_apart_from_one_that_ended() -> None:
    """The time limit counts for a step that still runs, not for one that is done."""
    done = [Event(step="prepare", state="started", at=0), Event(step="prepare", state="done", at=9)]
    overdue(done, 1)
    running = Event(step="train", item="logistic", state="started", at=0)
    assert unfinished([*done, running]) == [running]
    with pytest.raises(TimonelError, match=r"step train \(logistic\) took longer than 1 s"):
        overdue([*done, running], 1)
