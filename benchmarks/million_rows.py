"""A million scored rows in the real app, and how long a chart takes to stand still: what two benchmarks share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

ROWS, COLUMNS = 1_000_000, 8
BASE_RATE = 0.01  # of the labelled anomalies, where there are any
REST_MS = 500  # when no chart has changed for so long, a move is over

# Vega charts are SVG here: every change inside one is noted, with the frame that shows it.
WATCH = """
(() => {
  const seen = window.__moves = {key: 0, changes: [], labels: [], pending: false};
  for (const begin of ['keydown', 'click']) {
    addEventListener(begin, event => { seen.key = event.timeStamp; }, true);
  }
  const label = svg => [...svg.querySelectorAll('text')].map(text => text.textContent)
    .find(text => /^threshold LABEL$/.test(text));
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


def watch(page: Any, label: str) -> None:
    """Note every change of a chart from here on; ``label`` ends the text at the threshold of those that have one."""
    page.add_init_script(WATCH.replace("LABEL", label))


def prepare(folder: Path, rows: int, labelled: bool) -> str:
    """A table of that many rows, trained on and scored as the app would; the address of its result.

    ``labelled``: with known answers and a column of groups.
    """
    import numpy as np
    import pandas as pd

    from engine import Workspace
    from engine.tasks import run_train
    from engine.worker import JobContext

    rng = np.random.default_rng(0)
    values, odd = rng.normal(size=(rows, COLUMNS)), np.arange(rows) % (rows // 1_000) == 0
    if labelled:
        odd = rng.random(rows) < BASE_RATE
    values[odd] *= 1.8 if labelled else 4
    frame = pd.DataFrame(values, columns=[f"sensor {i}" for i in range(COLUMNS)])
    if labelled:
        frame = frame.assign(site=rng.choice(["Oslo", "Bergen", "Bodø"], rows), anomaly=odd.astype(int))
    file = folder / "million.parquet"
    frame.to_parquet(file, index=False)
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


def move(page: Any, key: str) -> dict[str, Any]:
    """One key press, waited for until no chart changes any more."""
    page.evaluate(FORGET)
    page.keyboard.press(key)
    page.wait_for_function(RESTING, arg=REST_MS, timeout=30_000)
    return page.evaluate(TIMES)


def warmed_up(page: Any) -> None:
    """The first moves, which pay for caches."""
    for key in ("ArrowLeft", "ArrowLeft", "ArrowRight"):
        move(page, key)


def moves(page: Any, count: int) -> list[dict[str, Any]]:
    """Key presses on the slider that has the focus: some steps down, as many up."""
    return [move(page, "ArrowLeft" if i % 4 < 2 else "ArrowRight") for i in range(count)]
