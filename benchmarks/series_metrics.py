"""How long VUS-ROC and VUS-PR of a long series take.

No peer is timed: TSB-AD, whose figures are the same, is not among the libraries that are installed here.
"""

from __future__ import annotations

import time

from harness import median, met, options, p90, publish, table

SECONDS = 0.2
CASES = [  # readings, events, window
    (60_000, 20, 100),
    (60_000, 600, 100),
    (1_000_000, 300, 100),
]


def seconds(n: int, events: int, window: int, repeats: int) -> list[float]:
    """The time of each of several calls, on random scores that are higher in the events of 40 readings."""
    import numpy as np

    from engine.scoring.series_metrics import vus

    rng = np.random.default_rng(0)
    labels = np.zeros(n)
    for start in rng.integers(0, n - 40, events):
        labels[start : start + 40] = 1
    scores = rng.normal(size=n) + labels
    found = []
    for _ in range(repeats):
        started = time.perf_counter()
        vus(scores, labels, window)
        found.append(time.perf_counter() - started)
    return found


def main() -> None:
    chosen = options(__doc__, repeats={"type": int, "default": 11})
    rows = []
    for n, events, window in CASES:
        times = seconds(n, events, window, chosen.repeats)
        figure = f"{SECONDS} s: {met(median(times), SECONDS)}" if n == CASES[0][0] else ""
        rows.append(
            [f"{n:,}", events, window, f"{median(times):.3f} s", f"{p90(times):.3f} s", figure],
        )
    text = f"""VUS-ROC and VUS-PR of random series, {chosen.repeats} calls each, in one process.
Ours alone: TSB-AD, whose figures are the same, is not installed and was not timed.

{table(["readings", "events", "window", "median", "p90", "figure to reach"], rows)}"""
    publish("VUS of a long series", text, write=chosen.write)


if __name__ == "__main__":
    main()
