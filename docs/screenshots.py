"""Pictures of every page, light and dark, taken of the running app on a sample: ``make screenshots``."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.harness import app, browser_page

HERE = Path(__file__).parent / "screenshots"
WIDTH, HEIGHT = 1400, 1000
STORY_SECONDS = 120
PAGES = ("Results", "Evaluate", "Compare", "Detect", "Models")


def main() -> None:
    HERE.mkdir(exist_ok=True)
    for look in ("light", "dark"):
        with (
            tempfile.TemporaryDirectory() as folder,
            app(Path(folder)) as server,
            browser_page(WIDTH, HEIGHT) as page,
        ):
            page.emulate_media(color_scheme=look)
            _walk(page, server.address, lambda name, look=look, page=page: _take(page, f"{name}-{look}"))


def _walk(page: Any, address: str, take: Callable[[str], None]) -> None:
    """The way of somebody who is shown a story, looks around and takes a report away."""
    page.goto(address)
    _settle(page)
    take("data")
    _story(page, "fraud")
    take("inspect")
    for title in PAGES:
        page.get_by_test_id("stSidebarNavLink").get_by_text(title, exact=True).click()
        page.wait_for_url(f"**/{title.lower()}*")
        _settle(page)
        take(title.lower())
    page.goto(address)
    _settle(page)
    _story(page, "sensor")
    page.get_by_role("heading", name="As a network rebuilds it").scroll_into_view_if_needed()
    _settle(page)
    take("window")
    page.get_by_test_id("stSidebarNavLink").get_by_text("Results", exact=True).click()
    page.wait_for_url("**/results*")
    _settle(page)
    take("series")
    with tempfile.TemporaryDirectory() as folder:
        _report(page, Path(folder) / "report.html")
        take("report")


def _story(page: Any, key: str) -> None:
    page.locator(f'[class*="st-key-story-{key}"]').get_by_role("button").click()
    page.wait_for_url("**/inspect*", timeout=1000 * STORY_SECONDS)
    _settle(page)


def _report(page: Any, file: Path) -> None:
    """Write the report of what is on the page, and open it as the person who was sent it does."""
    page.get_by_test_id("stExpander").filter(has_text="A report to send").locator("summary").click()
    with page.expect_download(timeout=1000 * STORY_SECONDS) as waiting:
        page.get_by_role("button", name="Web page", exact=True).click()
    waiting.value.save_as(file)
    page.goto(file.as_uri())
    page.wait_for_timeout(1_000)


def _settle(page: Any) -> None:
    """Wait until the page has said all it has to say, charts drawn."""
    page.wait_for_timeout(500)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', state="attached")
    page.wait_for_timeout(2_500)


def _take(page: Any, name: str) -> None:
    """A picture of what is in sight, in 256 colours: a third of the size, and nobody sees the difference."""
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(256, dither=Image.Dither.NONE).save(HERE / f"{name}.png", optimize=True)
    print(f"{name}.png")


if __name__ == "__main__":
    main()
