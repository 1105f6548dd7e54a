"""Move the threshold over 1,000,000 scored rows in the real app: until the histogram stands still, and what it costs.

The clock starts with the key press as the browser saw it. The label counts when a frame shows the new
"threshold … flagged" text; the chart is settled with the last frame in which anything in the histogram changed.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from harness import apart, app, browser_page, cpu_seconds, median, met, options, p90, publish, table
from million_rows import COLUMNS, ROWS, moves, prepare, warmed_up, watch

SETTLED_MS, SERVER_MS = 200, 120


def opened(page: Any, address: str) -> None:
    """Open the result, focus the slider, and move it a few times, which pays for caches."""
    watch(page, ".*flagged")
    page.goto(address)
    slider = page.get_by_role("slider", name="Percentile")
    slider.wait_for(timeout=60_000)
    page.wait_for_function("() => __moves.labels.length > 0", timeout=60_000)
    page.wait_for_timeout(2_000)
    slider.focus()
    warmed_up(page)


def idle_cost(pid: int, seconds: float) -> float:
    """Processor seconds a second of the server while nobody does anything."""
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds


def measure(folder: Path, address: str, count: int) -> tuple[list[dict[str, Any]], float, float]:
    """Every move, the server's processor seconds a move, and what it uses a second when idle."""
    with app(folder) as server, browser_page() as page:
        opened(page, f"{server.address}/results?{address}")
        idle = idle_cost(server.pid, 5.0)
        started, before = time.perf_counter(), cpu_seconds(server.pid)
        found = moves(page, count)
        used = cpu_seconds(server.pid) - before - idle * (time.perf_counter() - started)
    return found, used / count, idle


def main() -> None:
    chosen = options(__doc__, moves={"type": int, "default": 24}, rows={"type": int, "default": ROWS})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        address = apart(prepare, folder, chosen.rows, False)
        found, server, idle = measure(folder, address, chosen.moves)
    rows = []
    for title, key in (
        ("label drawn", "label"),
        ("chart settled", "settled"),
        ("every chart on the page", "page"),
    ):
        times = [one[key] for one in found]
        figure = f"{SETTLED_MS} ms: {met(median(times), SETTLED_MS)}" if key == "settled" else ""
        rows.append(
            [title, f"{median(times):.0f} ms", f"{p90(times):.0f} ms", f"{max(times):.0f} ms", figure]
        )
    figure = f"{SERVER_MS} ms: {met(1000 * server, SERVER_MS)}"
    rows.append(["server CPU a move", f"{1000 * server:.0f} ms", "", "", figure])
    text = f"""{chosen.rows:,} scored rows × {COLUMNS} columns, {len(found)} key presses on the percentile slider.

{table(["", "median", "p90", "longest", "figure to reach"], rows)}

The histogram changed in {median([one["frames"] for one in found]):.0f} frames a move (median). Idle, the server used
{100 * idle:.1f} % of a core, which is subtracted."""
    publish("Moving the threshold", text, write=chosen.write)


if __name__ == "__main__":
    main()
