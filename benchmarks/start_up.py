"""From nothing to the first page, and what a large upload leaves behind in the web process."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from harness import apart, app, browser_page, median, memory_mb, met, options, publish, table

READY_S, DRAWN_S, AFTER_UPLOAD_MB = 2.0, 3.0, 250
UPLOAD_BYTES = 200_000_000
TIMES = 5


def first_page() -> tuple[float, float, float, float]:
    """Seconds until the server answers, until Chromium shows the first page, the same again warm, and idle memory."""
    with tempfile.TemporaryDirectory() as name, app(Path(name)) as server:
        idle = memory_mb(server.pid)
        with browser_page() as page:
            cold = _seconds_to_draw(page, server.address)
            warm = _seconds_to_draw(page, server.address)
        return server.seconds_to_ready, cold, warm, idle


def _seconds_to_draw(page: Any, address: str) -> float:
    """From the navigation until title, uploader and the last sample's button are visible."""
    started = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.get_by_role("heading", level=1).first.wait_for()
    page.get_by_test_id("stFileUploaderDropzone").wait_for()
    page.get_by_role("button", name="Open").last.wait_for()
    return time.perf_counter() - started


def write_csv(target: Path, size: int) -> None:
    """A CSV of nearly that many bytes: numbers, a category and a time."""
    import numpy as np
    import pandas as pd

    rng, rows = np.random.default_rng(0), 20_000
    block = pd.DataFrame({f"value {i}": rng.normal(size=rows).round(6) for i in range(10)})
    block["kind"] = rng.choice(["pump", "valve", "motor"], rows)
    block["seen"] = pd.date_range("2026-01-01", periods=rows, freq="min").astype(str)
    lines = block.to_csv(index=False, header=False).encode()
    with target.open("wb") as file:
        file.write((",".join(block.columns) + "\n").encode())
        while file.tell() + len(lines) <= size:
            file.write(lines)


class Watched:
    """Memory of a process, looked at all the time."""

    def __init__(self, pid: int) -> None:
        self.pid, self.most, self._done = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, memory_mb(self.pid))

    def stop(self) -> float:
        self._done.set()
        self._thread.join()
        return self.most


def upload(size: int) -> dict[str, float]:
    """One upload through the browser's file picker, watched until the data set is on the page."""
    with tempfile.TemporaryDirectory() as name, app(Path(name) / "home") as server, browser_page() as page:
        file = Path(name) / "large.csv"
        apart(write_csv, file, size)
        _seconds_to_draw(page, server.address)
        before, watched = memory_mb(server.pid), Watched(server.pid)
        started = time.perf_counter()
        with page.expect_file_chooser() as chooser:
            page.get_by_test_id("stFileUploaderDropzone").locator("button").click()
        chooser.value.set_files(file)
        page.get_by_test_id("stMetric").first.wait_for(timeout=300_000)
        seconds = time.perf_counter() - started
        page.wait_for_timeout(3_000)
        return {
            "file": file.stat().st_size / 1e6,
            "before": before,
            "peak": watched.stop(),
            "after": memory_mb(server.pid),
            "seconds": seconds,
        }


def main() -> None:
    chosen = options(__doc__, times={"type": int, "default": TIMES}, uploads={"type": int, "default": 3})
    ready, cold, warm, idle = zip(*(first_page() for _ in range(chosen.times)), strict=True)
    stays = [upload(UPLOAD_BYTES) for _ in range(chosen.uploads)]

    def of(key: str) -> list[float]:
        return [one[key] for one in stays]

    def row(title: str, values: Any, unit: str, limit: float | None = None) -> list[str]:
        figure = "" if limit is None else f"{limit:g} {unit}: {met(median(values), limit)}"
        form = ".2f" if unit == "s" else ".0f"
        return [title, *(f"{what(values):{form}} {unit}" for what in (median, min, max)), figure]

    rows = [
        row("app ready (health answers)", ready, "s", READY_S),
        row("first page drawn, fresh Chromium", cold, "s", DRAWN_S),
        row("the same page again", warm, "s"),
        row("memory before the first visitor", idle, "MB"),
        row(f"memory with one visitor, before the {median(of('file')):.0f} MB upload", of("before"), "MB"),
        row("memory after the upload", of("after"), "MB", AFTER_UPLOAD_MB),
        row("most memory while uploading", of("peak"), "MB"),
        row("upload, read, stored and shown", of("seconds"), "s"),
    ]
    text = f"""{chosen.times} cold starts, {chosen.uploads} uploads to a fresh server each.
Memory is the resident set of the web process; reading happens in a child process, see reading.py.

{table(["", "median", "least", "most", "figure to reach"], rows)}"""
    publish("Starting, and a large upload", text, write=chosen.write)


if __name__ == "__main__":
    main()
