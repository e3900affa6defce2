"""In which looks pages are seen, and what keeps people out of one."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

HOSTILE = "<script>alert(1)</script>"
LOOKS = {
    "light": {"viewport": {"width": 1280, "height": 900}},
    "dark": {"viewport": {"width": 1280, "height": 900}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}

ALL, COLOURS = {"reporter": "v2"}, {"runOnly": ["color-contrast"]}


def serious(page: Page, rules: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """What axe-core finds that keeps people out: the rule, and the first elements."""
    found = Axe().run(page, options=rules).response["violations"]
    kept = [v for v in found if v["impact"] in ("serious", "critical")]
    return [(v["id"], [node["html"][:120] for node in v["nodes"]][:3]) for v in kept]


def require_sound(
    tab: Any, look: str, views: dict[str, str], examined: dict[str, dict[str, Any]]
) -> None:
    """Open each view: no error, nothing stopped, no sideways scrolling, accessible by its look's rules."""
    for name, path in views.items():
        page = tab.open(path)
        width = page.viewport_size["width"]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        charts = page.locator("[data-chart]")
        assert charts.count() == page.locator("[data-chart] canvas").count(), name
        if rules := examined[look].get(name):
            assert serious(page, rules) == [], name
        assert tab.problems() == [], name
        tab.shoot(f"{name}-{look}")
