"""A browser, and models to look at."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

import watched_models as models
from monitor_pages import served
from timonel import ModelMonitor

FLAGS = ["--no-sandbox", "--disable-quic", "--disable-background-networking"]
HOSTILE = "<script>alert(1)</script>"
POLICY = """addEventListener('securitypolicyviolation', event => {
  (window.broken ??= []).push(event.violatedDirective + ' ' + event.blockedURI);
});"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium without a window. Until it is closed Playwright's event loop runs, and no other
    can: it must not outlive the tests of the page."""
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: `make tools` does it")
    with sync_playwright() as playwright:
        with playwright.chromium.launch(executable_path=chromium, args=FLAGS) as found:
            yield found


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a monitor that watches a model in each state."""
    watched = {
        "fraud": models.played(models.SEED_INCIDENT),
        "credit": models.played(name="credit"),
        "young": models.learning(),
        "silent": ModelMonitor(),
        "hostile": models.hostile(HOSTILE),
    }
    with served(watched, tmp_path_factory.mktemp("monitor")) as (address, _):
        yield address


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the screenshots go."""
    given = os.environ.get("SCREENSHOTS")
    folder = Path(given) if given else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


class Tab:
    """A page of the browser that keeps what went wrong in it."""

    def __init__(self, context: BrowserContext, site: str, shots: Path) -> None:
        context.add_init_script(POLICY)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(8000)
        self.wrong: list[str] = []
        self._site, self._shots = site, shots
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("dialog", lambda dialog: self.wrong.append(f"dialog {dialog.message}"))
        self.page.on("request", self._request)

    def _request(self, request: object) -> None:
        address = str(getattr(request, "url", ""))
        if not address.startswith(self._site):
            self.wrong.append(f"asked {address}")

    def open(self, path: str) -> Page:
        """Go there, and wait until all is loaded."""
        answer = self.page.goto(self._site + path, wait_until="load")
        assert answer is not None
        assert answer.status < 500
        return self.page

    def problems(self) -> list[str]:
        """Errors of the script, what the policy stopped, what was asked of others."""
        return self.wrong + (self.page.evaluate("window.broken ?? []"))

    def shoot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        self.page.screenshot(path=self._shots / f"{name}.png", full_page=True)


@pytest.fixture
def tab(browser: Browser, site: str, shots: Path, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """A fresh tab; a test may give the context's options as its parameter."""
    options = getattr(request, "param", {"viewport": {"width": 1280, "height": 900}})
    with browser.new_context(**options) as context:
        yield Tab(context, site, shots)
