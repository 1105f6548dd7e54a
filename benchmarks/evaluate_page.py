"""The page Evaluate over 1,000,000 labelled rows in the real app: its first draw, and a move of the threshold.

The first draw is from the click on Evaluate, its labels and curves never asked for before, to the last frame in which a
chart changed. A move is from the key press on the slider to the same, over every chart of the page.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from harness import apart, app, browser_page, cpu_seconds, median, met, options, p90, publish, table
from million_rows import BASE_RATE, COLUMNS, REST_MS, ROWS, moves, prepare, warmed_up, watch

FIRST_MS, MOVE_MS = 2_000, 250
CHARTS = 6
DRAWN = """([charts, rest]) => {
  const {changes} = __moves;
  const drawn = document.querySelectorAll('[data-testid="stVegaLiteChart"] svg').length;
  return drawn >= charts && changes.length && performance.now() - changes.at(-1)[0] > rest;
}"""


def first_draw(page: Any, address: str) -> float:
    """Milliseconds from the click on Evaluate to the last change of a chart."""
    page.goto(address)
    page.get_by_role("slider", name="Percentile").wait_for(timeout=60_000)
    page.wait_for_function("() => __moves.changes.length > 0", timeout=60_000)
    page.wait_for_timeout(2_000)
    page.evaluate("() => { __moves.changes.length = 0; __moves.key = 0; }")
    page.get_by_role("link", name="Evaluate").click()
    page.get_by_role("heading", name="By group").wait_for(timeout=60_000)
    page.wait_for_function(DRAWN, arg=[CHARTS, REST_MS], timeout=60_000)
    return float(page.evaluate("() => __moves.changes.at(-1)[0] - __moves.key"))


def measure(folder: Path, address: str, count: int) -> tuple[float, list[dict[str, Any]], float]:
    """The first draw, every move, and the server's processor seconds a move."""
    with app(folder) as server, browser_page(height=2_400) as page:
        watch(page, ".*")
        first = first_draw(page, f"{server.address}/results?{address}")
        page.get_by_role("slider", name="Percentile").focus()
        warmed_up(page)
        before = cpu_seconds(server.pid)
        found = moves(page, count)
        return first, found, (cpu_seconds(server.pid) - before) / count


def main() -> None:
    chosen = options(__doc__, moves={"type": int, "default": 24}, rows={"type": int, "default": ROWS})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, found, server = measure(folder, apart(prepare, folder, chosen.rows, True), chosen.moves)
    times = [one["page"] for one in found]
    rows = [
        ["first draw", f"{first:.0f} ms", "", "", f"{FIRST_MS} ms: {met(first, FIRST_MS)}"],
        [
            "a move, every chart settled",
            f"{median(times):.0f} ms",
            f"{p90(times):.0f} ms",
            f"{max(times):.0f} ms",
            f"{MOVE_MS} ms: {met(median(times), MOVE_MS)}",
        ],
        ["server CPU a move", f"{1000 * server:.0f} ms", "", "", ""],
    ]
    text = f"""{chosen.rows:,} scored and labelled rows × {COLUMNS} columns, {100 * BASE_RATE:g} % anomalies, {CHARTS}
charts with confidence bands, and a table by group; {len(found)} key presses on the percentile slider.

{table(["", "median", "p90", "longest", "figure to reach"], rows)}"""
    publish("The page Evaluate", text, write=chosen.write)


if __name__ == "__main__":
    main()
