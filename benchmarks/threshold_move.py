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

ROWS, COLUMNS = 1_000_000, 8
SETTLED_MS, SERVER_MS = 200, 120
REST_MS = 500  # when no chart has changed for so long, a move is over

# Vega charts are SVG here: every change inside one is noted, with the frame that shows it.
WATCH = """
(() => {
  const seen = window.__moves = {key: 0, changes: [], labels: [], pending: false};
  addEventListener('keydown', event => { seen.key = event.timeStamp; }, true);
  const label = svg => [...svg.querySelectorAll('text')].map(text => text.textContent)
    .find(text => /^threshold .*flagged$/.test(text));
  const inChart = node => {
    const element = node.nodeType === 1 ? node : node.parentElement;
    return element && element.closest('[data-testid="stVegaLiteChart"]');
  };
  const look = records => {
    const charts = new Set(records.map(record => inChart(record.target)).filter(Boolean));
    if (!charts.size) return;
    requestAnimationFrame(() => {  // what changed now is painted right after this
      const now = performance.now();
      for (const chart of charts) {
        const svg = chart.querySelector('svg'), text = svg && label(svg);
        seen.changes.push([now, Boolean(text)]);
        if (text && text !== seen.labels.at(-1)?.[1]) seen.labels.push([now, text]);
      }
    });
  };
  const what = {subtree: true, childList: true, attributes: true, characterData: true};
  new MutationObserver(look).observe(document, what);
})();
"""
FORGET = "() => { __moves.changes.length = 0; __moves.labels.splice(0, __moves.labels.length - 1); __moves.key = 0; }"
RESTING = """rest => {
  const {key, labels, changes} = __moves;
  return key > 0 && labels.length > 1 && performance.now() - changes.at(-1)[0] > rest;
}"""
TIMES = """() => {
  const {key, labels, changes} = __moves;
  const own = changes.filter(([at, histogram]) => histogram);
  return {label: labels.at(-1)[0] - key, settled: own.at(-1)[0] - key, page: changes.at(-1)[0] - key,
          text: labels.at(-1)[1], frames: own.length};
}"""


def prepare(folder: Path, rows: int) -> str:
    """A table of that many rows, kept, trained on and scored as the app would; returns the address of its result."""
    import numpy as np
    import pandas as pd

    from engine import Workspace
    from engine.tasks import run_train
    from engine.worker import JobContext

    values = np.random.default_rng(0).normal(size=(rows, COLUMNS))
    values[:: rows // 1_000] *= 4
    file = folder / "million.parquet"
    pd.DataFrame(values, columns=[f"sensor {i}" for i in range(COLUMNS)]).to_parquet(file, index=False)
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
    return f"/results?data={data.id}&result={result}"


def move(page: Any, key: str) -> dict[str, Any]:
    """One key press, waited for until no chart changes any more."""
    page.evaluate(FORGET)
    page.keyboard.press(key)
    page.wait_for_function(RESTING, arg=REST_MS, timeout=30_000)
    return page.evaluate(TIMES)


def moves(page: Any, address: str, count: int) -> list[dict[str, Any]]:
    """Open the result, focus the slider, and move it: some steps down, as many up."""
    page.add_init_script(WATCH)
    page.goto(address)
    slider = page.get_by_role("slider", name="Percentile")
    slider.wait_for(timeout=60_000)
    page.wait_for_function("() => __moves.labels.length > 0", timeout=60_000)
    page.wait_for_timeout(2_000)
    slider.focus()
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):  # the first moves pay for caches
        move(page, key)
    return [move(page, "ArrowLeft" if i % 4 < 2 else "ArrowRight") for i in range(count)]


def idle_cost(pid: int, seconds: float) -> float:
    """Processor seconds a second of the server while nobody does anything."""
    before = cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - before) / seconds


def measure(folder: Path, address: str, count: int) -> tuple[list[dict[str, Any]], float, float]:
    """Every move, the server's processor seconds a move, and what it uses a second when idle."""
    with app(folder) as server, browser_page() as page:
        moves(page, server.address + address, 0)
        idle = idle_cost(server.pid, 5.0)
        started, before = time.perf_counter(), cpu_seconds(server.pid)
        found = [move(page, "ArrowLeft" if i % 4 < 2 else "ArrowRight") for i in range(count)]
        used = cpu_seconds(server.pid) - before - idle * (time.perf_counter() - started)
    return found, used / count, idle


def main() -> None:
    chosen = options(__doc__, moves={"type": int, "default": 24}, rows={"type": int, "default": ROWS})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        address = apart(prepare, folder, chosen.rows)
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
