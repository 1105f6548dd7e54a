"""One server and one browser for all journeys; each journey has a browser context, and so a visitor, of its own."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from engine import Workspace
from tests.pages.prepared import brought, judged, pumps, sample

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-sync",
    "--disable-component-update",
]
SCREENSHOTS = Path(__file__).parent / "screenshots"
PATIENCE_SECONDS = 20
# Streamlit looks for its server below the page's own path first; a 404 there is how it learns better.
PROBE = re.compile(r"/[^/]+/_stcore/(health|host-config)$")


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


# ---- the server


@dataclass(frozen=True)
class Server:
    """The running app: its address, and the folders it keeps things in."""

    url: str
    space: Workspace
    log: Path


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The real app, started as ``make run`` starts it, with folders of its own."""
    folder = tmp_path_factory.mktemp("loupe")
    space = Workspace(folder / "workspace", folder / "models")
    found = Server(f"http://127.0.0.1:{_free_port()}", space, folder / "server.log")
    settings = {"LOUPE_WORKSPACE": str(space.root), "LOUPE_MODELS": str(space.models_root)}
    port = found.url.rsplit(":", 1)[1]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", port]
    with found.log.open("wb") as log:
        process = subprocess.Popen(
            command, cwd=PROJECT, env={**os.environ, **settings}, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait_until_healthy(found, process)
            yield found
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_healthy(found, process):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"the server ended at once:\n{found.log.read_text()}", pytrace=False)
        try:
            with urllib.request.urlopen(f"{found.url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    pytest.fail(f"the server was not ready in a minute:\n{found.log.read_text()}", pytrace=False)


# ---- the browser


@pytest.fixture(scope="session")
def browser():
    """Chromium. Without it these tests fail: a screen nobody looked at is not a tested screen."""
    if not CHROMIUM.exists():
        pytest.fail(
            f"The browser tests need Chromium, and there is none at {CHROMIUM}. Install it (on Debian: "
            "apt-get install chromium), or name another with the environment variable CHROMIUM.",
            pytrace=False,
        )
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield found
        found.close()


@dataclass
class Visitor:
    """Somebody with a browser: opens the app's pages and notes down whatever goes wrong in them."""

    server: Server
    context: BrowserContext
    page: Page = field(init=False)
    troubles: list[str] = field(default_factory=list)

    def __post_init__(self):
        self.context.set_default_timeout(PATIENCE_SECONDS * 1000)
        self.context.on("request", self._look_at_request)
        self.context.on("console", self._look_at_console)
        self.context.on("weberror", lambda problem: self.troubles.append(f"page error: {problem.error}"))
        self.new_tab()

    def new_tab(self) -> Page:
        self.page = self.context.new_page()
        return self.page

    def open(self, path="", **query):
        """Go to a page by its address, as with a link."""
        self.page.goto(f"{self.server.url}/{path}" + (f"?{urlencode(query)}" if query else ""))
        self.settle()

    def reload(self):
        self.page.reload()
        self.settle()

    def turn_to(self, title):
        """Go to another page by the navigation, within the session."""
        self.page.get_by_test_id("stSidebarNavLink").get_by_text(title, exact=True).click()
        self.page.wait_for_url(
            re.compile(rf"/({title.lower()})?(\?|$)" if title == "Data" else rf"/{title.lower()}")
        )
        self.settle()

    def settle(self):
        """Wait until the page has said all it has to say for now."""
        self.page.wait_for_timeout(200)  # a click takes a moment to become a run
        app = '[data-testid="stApp"][data-test-script-state="notRunning"][data-test-connection-state="CONNECTED"]'
        self.page.wait_for_selector(app, state="attached")
        self.page.wait_for_timeout(100)

    def stands_still(self, found: Locator):
        """Wait until a thing is where it was half a second before: pages grow while they are drawn."""
        boxes: list[dict | None] = []
        while len(boxes) < 6 or boxes[-6:] != boxes[-1:] * 6:
            boxes.append(found.bounding_box())
            self.page.wait_for_timeout(100)

    def click(self, name, within: Locator | None = None):
        (within or self.page).get_by_role("button", name=name, exact=True).click()
        self.settle()

    def choose(self, label, option):
        """Choose an option of a select box."""
        wanted = self.page.get_by_role("option", name=option, exact=True)
        for _ in range(3):  # an expander still opening under the box closes its list again
            self.page.get_by_label(label, exact=True).first.click()
            try:
                wanted.click(timeout=5000)
                break
            except PlaywrightTimeout:
                self.page.keyboard.press("Escape")
        else:
            raise AssertionError(f"'{label}' offers no option '{option}'")
        self.settle()

    def fill(self, label, value):
        """Type into a field and leave it."""
        box = self.page.get_by_label(label, exact=True).first
        box.fill(str(value))
        box.press("Tab")
        self.settle()

    def open_expander(self, title):
        expander = self.page.get_by_test_id("stExpander").filter(has_text=title)
        if expander.locator("details[open]").count() == 0:
            expander.locator("summary").click()
            self.settle()

    def metric(self, label) -> str:
        """The value of a metric as it stands on the screen."""
        tile = self.page.get_by_test_id("stMetric").filter(
            has=self.page.get_by_test_id("stMetricLabel").get_by_text(label, exact=True)
        )
        return tile.get_by_test_id("stMetricValue").inner_text().strip()

    def flagged(self) -> int:
        return int(self.metric("Flagged").replace(",", ""))

    def cells(self, number=0) -> list[list[str]]:
        """The visible cells of a table, which is painted on a canvas: read from its copy for screen readers."""
        table = self.page.get_by_test_id("stDataFrame").nth(number)
        table.scroll_into_view_if_needed()
        rows = table.locator("canvas table tbody tr")
        expect(rows.first).to_be_attached()
        return rows.evaluate_all("rows => rows.map(row => [...row.children].map(cell => cell.textContent))")

    def point(self, row, x, number=0):
        """Click into a row (from 1) of a table, ``x`` pixels from its left edge; row heads and rows are 35 high."""
        table = self.page.get_by_test_id("stDataFrame").nth(number)
        expect(table.locator("canvas table tbody tr").nth(row - 1)).to_be_attached()
        table.scroll_into_view_if_needed()
        table.click(position={"x": x, "y": 35 * row + 17})
        self.settle()

    def sees(self, text, *, seconds=PATIENCE_SECONDS):
        """A text stands visibly somewhere on the page."""
        expect(self.page.get_by_text(text).filter(visible=True).first).to_be_visible(timeout=1000 * seconds)

    def sees_not(self, text):
        expect(self.page.get_by_text(text).filter(visible=True)).to_have_count(0)

    def says(self, text, *, seconds=PATIENCE_SECONDS):
        """A message box says so."""
        box = self.page.get_by_test_id("stAlert").filter(has_text=text)
        expect(box.first).to_be_visible(timeout=1000 * seconds)
        return box.first

    def arrives(self, address, *, seconds=PATIENCE_SECONDS):
        """The page of that name opens by itself."""
        self.page.wait_for_url(re.compile(rf"/{address}"), timeout=1000 * seconds)
        self.settle()

    def sees_results(self, *, seconds=PATIENCE_SECONDS):
        """The job ends, and a click leads to its result."""
        self.page.get_by_role("button", name="See the results").click(timeout=1000 * seconds)
        self.arrives("results")

    def download(self, name, folder: Path) -> Path:
        with self.page.expect_download() as waiting:
            self.page.get_by_role("button", name=name, exact=True).click()
        path = folder / waiting.value.suggested_filename
        waiting.value.save_as(path)
        return path

    def picture(self, name):
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")

    def address(self) -> dict[str, str]:
        """What the address says after the question mark."""
        pairs = (part.split("=", 1) for part in urlsplit(self.page.url).query.split("&") if part)
        return dict(pairs)

    def check(self):
        """Nothing broke: no exception on the screen, no error in the console, no request to another machine."""
        for page in self.context.pages:
            shown = page.get_by_test_id("stException")
            incident = page.get_by_test_id("stAlert").filter(
                has_text="Something went wrong inside the program"
            )
            if shown.count() or incident.count():
                self.troubles.append(f"exception:\n{self.server.log.read_text()[-2000:]}")
        if self.troubles:
            pytest.fail("\n".join(self.troubles), pytrace=False)

    def _look_at_request(self, request):
        if request.url.startswith(("data:", "blob:")):
            return
        host = urlsplit(request.url).netloc
        if host != urlsplit(self.server.url).netloc:
            self.troubles.append(f"asked another machine: {request.url}")

    def _look_at_console(self, message):
        if message.type == "error" and not PROBE.search(message.location.get("url", "")):
            self.troubles.append(f"console: {message.text} ({message.location.get('url')})")


@pytest.fixture
def meet(server, browser, request):
    """Meet a visitor; everyone met is asked at the end whether something broke."""
    met: list[Visitor] = []

    def meet(**choices) -> Visitor:
        size = {"width": 1280, "height": 1000}
        context = browser.new_context(
            viewport=size, timezone_id="America/New_York", locale="en-US", **choices
        )
        met.append(Visitor(server, context))
        return met[-1]

    failed_before = request.session.testsfailed
    yield meet
    try:
        if request.session.testsfailed > failed_before:
            for number, visitor in enumerate(met):
                visitor.picture(f"failed-{request.node.name}-{number}")
        for visitor in met:
            visitor.check()
    finally:
        for visitor in met:
            visitor.context.close()


@pytest.fixture
def visitor(meet):
    """A stranger with an ordinary browser."""
    return meet()


# ---- what somebody else has judged before: links to open


@pytest.fixture(scope="session")
def pump_link(server, tmp_path_factory):
    """The judged pump readings, 400 rows with a label: what the address of the result says."""
    data = brought(server.space, pumps(), "pumps.csv", tmp_path_factory.mktemp("pumps"))
    return judged(server.space, data, "pumps", n_estimators=30)


@pytest.fixture(scope="session")
def compressor_link(server):
    """The judged air compressor: a series with labels."""
    return judged(server.space, sample(server.space, "machine_sensor.csv"), "compressor", n_estimators=20)
