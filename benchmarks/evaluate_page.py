"""The page Evaluate over 1,000,000 labelled rows in the real app: its first draw, and a move of the threshold.

The first draw is from the click on Evaluate, its labels and curves never asked for before, to the last frame in which a
chart changed. A move is from the key press on the slider to the same, over every chart of the page.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from harness import apart, app, browser_page, cpu_seconds, median, met, options, p90, publish, table
from threshold_move import WATCH, move

ROWS, COLUMNS = 1_000_000, 8
BASE_RATE = 0.01
FIRST_MS, MOVE_MS = 2_000, 250
CHARTS = 6
REST_MS = 500
ANY_CHART = WATCH.replace("/^threshold .*flagged$/", "/^threshold /").replace("'keydown'", "'click'", 1)
DRAWN = """([charts, rest]) => {
  const {changes} = __moves;
  const drawn = document.querySelectorAll('[data-testid="stVegaLiteChart"] svg').length;
  return drawn >= charts && changes.length && performance.now() - changes.at(-1)[0] > rest;
}"""


def prepare(folder: Path, rows: int) -> str:
    """A labelled table of that many rows, trained on and scored as the app would; the address of its result."""
    import numpy as np
    import pandas as pd

    from engine import Workspace
    from engine.tasks import run_train
    from engine.worker import JobContext

    rng = np.random.default_rng(0)
    values, odd = rng.normal(size=(rows, COLUMNS)), rng.random(rows) < BASE_RATE
    values[odd] *= 1.8
    file = folder / "million.parquet"
    frame = pd.DataFrame(values, columns=[f"sensor {i}" for i in range(COLUMNS)])
    frame.assign(site=rng.choice(["Oslo", "Bergen", "Bodø"], rows), anomaly=odd.astype(int)).to_parquet(
        file, index=False
    )
    space = Workspace(folder / "workspace", folder / "models")
    data = space.datasets.add(file, file.name)
    spec = {
        "workspace": str(space.root),
        "models": str(space.models_root),
        "dataset": data.id,
        "detector": "isolation_forest",
        "name": "million",
    }
    result = run_train(spec, JobContext(folder))["result"]
    return f"data={data.id}&result={result}"


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
        page.add_init_script(
            ANY_CHART.replace(
                "addEventListener(",
                "addEventListener('keydown', event => { seen.key = event.timeStamp; }, true);\n  addEventListener(",
                1,
            )
        )
        first = first_draw(page, f"{server.address}/results?{address}")
        page.get_by_role("slider", name="Percentile").focus()
        for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):  # the first moves pay for caches
            move(page, key)
        before = cpu_seconds(server.pid)
        found = [move(page, "ArrowLeft" if i % 4 < 2 else "ArrowRight") for i in range(count)]
        return first, found, (cpu_seconds(server.pid) - before) / count


def main() -> None:
    chosen = options(__doc__, moves={"type": int, "default": 24}, rows={"type": int, "default": ROWS})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        first, found, server = measure(folder, apart(prepare, folder, chosen.rows), chosen.moves)
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
