"""A million scores as a hundred bars: counting that survives extreme values."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.charts.chart import number

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

TAIL = 0.001  # the share of scores that may lie beyond the drawn range at either end
TAIL_ROWS = 3  # and in a small table, this many rows
WIDEST = 15.0  # a range reaches this many times as far from the median as nine in ten scores on that side do
ROOM = 2.0  # a range is cut only where its end lies this many times as far from the median as the bulk does


def histogram(scores: Array, bins: int = 120) -> tuple[Array, Counts]:
    """Scores counted in equal steps: edges (n_bins + 1,), counts (n_bins,). Unjudged rows (NaN) are left out.

    A few extreme scores would squeeze all others into one bar. Where they would, the first or last bin is
    left open (its outer edge is infinite) and holds them all; nothing is lost from the counts.
    """
    judged = scores[np.isfinite(scores)]
    if len(judged) == 0:
        return np.zeros(0), np.zeros(0, dtype=np.int64)
    tail = min(max(TAIL, TAIL_ROWS / len(judged)), 0.5)
    low, lowest, middle, highest, high = np.quantile(judged, [0.0, tail, 0.5, 1.0 - tail, 1.0])
    fifth, most = np.quantile(judged, [0.05, 0.95])
    first = middle - ROOM * (middle - lowest) if middle > lowest else low
    last = middle + ROOM * (highest - middle) if highest > middle else high
    first = max(first, middle - WIDEST * (middle - fifth)) if middle > fifth else first
    last = min(last, middle + WIDEST * (most - middle)) if most > middle else last
    first, last = max(low, first), min(high, last)
    if not last > first:
        # The only value ends the range, as the highest always does: at a threshold equal to it, not above.
        first = last - max(1.0, abs(last) / 1000)
    inner = np.linspace(first, last, bins + 1)
    counts = np.histogram(np.clip(judged, first, last), bins=inner)[0].astype(np.int64)
    inner[0] = -np.inf if low < first else inner[0]
    inner[-1] = np.inf if high > last else inner[-1]
    return inner, counts


def drawn_edges(edges: Array) -> tuple[Array, str]:
    """Edges with open bins drawn as wide as the others, and a note for the axis that says which are open."""
    drawn = edges.astype(np.float64).copy()
    inner = drawn[np.isfinite(drawn)]
    width = float(inner[1] - inner[0]) if len(inner) > 1 else 1.0
    notes = []
    if np.isneginf(drawn[0]):
        drawn[0] = inner[0] - width
        notes.append(f"first bar: {number(float(inner[0]))} and below")
    if np.isposinf(drawn[-1]):
        drawn[-1] = inner[-1] + width
        notes.append(f"last bar: {number(float(inner[-1]))} and above")
    return drawn, f" ({'; '.join(notes)})" if notes else ""
