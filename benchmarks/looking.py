"""The window around one of 1,000,000 readings: from asking the job to what a page can draw.

A real job manager hands each look to a spare worker, as the app does; each detector looks at rows all over the series.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from harness import apart, median, met, options, p90, publish, table

LEARNED, CHANNELS = 20_000, 2
FIGURE = 0.5  # seconds
DETECTORS = {"Nearest Windows": "nearest_windows", "Masked Series": "masked_series"}


def prepare(folder: Path, rows: int, detector: str) -> str:
    """A series of that many readings, judged by a detector that learned from another; the id of the result."""
    import numpy as np
    import pandas as pd

    from engine import Workspace
    from engine.tasks import run_score, run_train
    from engine.worker import JobContext

    space = Workspace(folder / "workspace", folder / "models")
    found = []
    for seed, n in enumerate((LEARNED, rows)):
        rng, t = np.random.default_rng(seed), np.arange(n)
        values = np.sin(t[:, None] / 7 + np.arange(CHANNELS)) + 0.1 * rng.normal(size=(n, CHANNELS))
        frame = pd.DataFrame(values, columns=[f"sensor {i}" for i in range(CHANNELS)])
        frame.insert(0, "time", pd.Timestamp("2024-01-01") + pd.to_timedelta(t, unit="min"))
        file = folder / f"readings-{n}.parquet"
        frame.to_parquet(file, index=False)
        found.append(space.datasets.add(file, file.name).id)
    places = {"workspace": str(space.root), "models": str(space.models_root)}
    few = {"num_epochs": 2} if detector == "masked_series" else {}
    wanted = {"dataset": found[0], "detector": detector, "hyperparameters": few, "name": detector}
    model = run_train({**places, **wanted}, JobContext(folder))["model"]
    return str(run_score({**places, "dataset": found[1], "model": model}, JobContext(folder))["result"])


def looks(folder: Path, result: str, count: int, rest: float) -> list[float]:
    """Seconds of some looks, each from the asking to the window kept; a rest before each, for the next spare."""
    import numpy as np

    from engine import Workspace, kept_window
    from engine.jobs import JobManager

    space = Workspace(folder / "workspace", folder / "models")
    found = space.results.load(result)
    places = {"workspace": str(space.root), "models": str(space.models_root), "dataset": found.dataset}
    rows = np.linspace(1_000, len(found.values) - 1_000, count).astype(int).tolist()
    jobs, times = JobManager(space.root), []
    try:
        for row in rows:
            time.sleep(rest)
            started = time.perf_counter()
            spec = {**places, "result": result, "rows": [row]}
            job = jobs.submit("look", spec, owner="reader", title="Looking")
            while kept_window(space.results, result, row) is None:
                time.sleep(0.005)
                if not job.active:
                    raise RuntimeError(f"the job ended as {job.state}: {job.error}")
                job = jobs.get(job.id)
            times.append(time.perf_counter() - started)
    finally:
        jobs.close()
    return times


def main() -> None:
    chosen = options(
        __doc__,
        rows={"type": int, "default": 1_000_000},
        looks={"type": int, "default": 7},
        rest={"type": float, "default": 15.0, "help": "seconds before each look"},
    )
    lines = []
    for title, detector in DETECTORS.items():
        with tempfile.TemporaryDirectory() as name:
            result = apart(prepare, Path(name), chosen.rows, detector)
            times = apart(looks, Path(name), result, chosen.looks, chosen.rest)
        figure = f"{FIGURE:g} s: {met(median(times), FIGURE)}"
        lines.append([title, f"{median(times):.2f} s", f"{p90(times):.2f} s", f"{max(times):.2f} s", figure])
    text = f"""{chosen.looks} looks at rows of {chosen.rows:,} readings of {CHANNELS} channels, each a job of its own
that a spare worker gets.

{table(["detector", "median", "90 %", "slowest", "figure"], lines)}"""
    publish("The window around a reading of a long series", text, write=chosen.write)


if __name__ == "__main__":
    main()
