"""All that the page of a rollout shows, as its template takes it."""

from collections.abc import Sequence
from typing import Any

from timonel_serving.monitor.page.rollouts import curves, words
from timonel_serving.monitor.rollouts.story import RUNNING, Story
from timonel_serving.problems import NotFound

_WATCHING = "Wait: it is judged again after each block."
NEXT = {
    "promote": "Give it all of the traffic, and the alias champion.",
    "rollback": "Take its traffic away; the reasons say what to mend.",
    "inconclusive": "Mend what the reasons name, or roll back: it is never a pass.",
    "continue": _WATCHING,
    RUNNING: _WATCHING,
}


def rollout_page(name: str, rollout: str, stories: Sequence[Story]) -> dict[str, Any]:
    """The template's variables; raises `NotFound`."""
    story = next((one for one in stories if one.id == rollout), None)
    if story is None:
        raise NotFound(f"the model {name} has no rollout {rollout[:100]!r}", fix="choose another")
    course = story.course if story.course and story.course.get("at") else None
    found = [] if course is None else curves.figures(course)
    return {
        "name": name,
        "story": story,
        "look": words.look(story.verdict),
        "headline": words.headline(story),
        "next": _next(story),
        "facts": _facts(story),
        "standings": words.standings(story),
        "timeline": words.timeline(story),
        "figures": found,
        "data": {} if course is None else curves.data(course, found),
    }


def _next(story: Story) -> str:
    """What whoever moves the traffic should do; the driver does it itself."""
    return "" if story.final and not story.hosted else NEXT.get(story.verdict, "")


def _facts(story: Story) -> list[tuple[str, str]]:
    said = story.decision or {}
    facts = [
        ("Judged", "by this monitor" if story.hosted else "by the driver, as the ledger tells")
    ]
    if said:
        facts += [
            ("Blocks", f"{said['blocks']:,} of at most {said['max_blocks']:,}"),
            ("Requests of the canary", f"{said['canary_requests']:,}"),
            ("Traffic it should have", f"{said['weight']} %"),
        ]
    return facts
