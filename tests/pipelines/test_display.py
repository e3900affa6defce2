"""What a run shows of itself."""

from timonel_pipelines.display import Story, story
from timonel_pipelines.journal import Event


class Paper:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.now: list[tuple[str, int]] = []

    def line(self, text: str) -> None:
        self.lines.append(text)

    def status(self, text: str, done: int) -> None:
        self.now.append((text, done))


def test_a_story_tells_what_runs_and_what_came_of_it() -> None:
    """Parallel steps are named together; a finished one becomes a line with its time."""
    paper = Paper()
    told = Story(paper)
    told.event(Event(step="train", item="logistic", state="started", at=10))
    told.event(Event(step="train", item="boosting", state="started", at=11))
    told.event(Event(step="train", item="logistic", state="done", at=14, note="fine"))
    told.event(Event(step="train", item="boosting", state="done", at=15, note="better"))
    told.event(Event(step="register", state="started", at=16))
    told.event(Event(step="register", state="done", at=18))
    assert [line.split() for line in paper.lines] == [
        ["train", "logistic", "4.0", "s", "fine"],
        ["train", "boosting", "4.0", "s", "better"],
        ["register", "2.0", "s"],
    ]
    assert paper.now == [
        ("train logistic", 0),
        ("train logistic, train boosting", 0),
        ("train boosting", 1),
        ("starting the next step", 2),
        ("register", 2),
        ("finishing", 3),
    ]


def test_a_step_that_failed_is_no_line_of_the_story(capsys) -> None:
    """Its error is the message; with --quiet nothing is shown at all."""
    with story(4) as told:
        told.event(Event(step="prepare", state="started", at=0))
        told.event(Event(step="prepare", state="failed", at=1))
    with story(4, quiet=True) as silent:
        silent.event(Event(step="prepare", state="done", at=1, note="fine"))
        silent.stopping()
    assert capsys.readouterr().err == ""
