"""Lines drawn with known answers: at the lowest cost, and at the best F1; and the rows they are drawn on.

A line chosen and judged on the same labels looks better than it is. So labelled rows are split: on one half the line is
chosen, on the other half it is judged. Neither half sees the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError, UsageError
from engine.scoring.metrics import Curve, best_f1_of, curve, judged_rows, line_below
from engine.scoring.thresholds import N_QUANTILES, Rule

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST = 5  # anomalies, and normal rows, without which a figure says next to nothing


def choosing_half(scores: Array, labels: Array, blocks: NDArray[np.int64] | None = None) -> Flags:
    """The labelled, judged rows on which a line is chosen (n_samples,); the other labelled ones judge it.

    Half of the anomalies and half of the normal rows, drawn by seed. ``blocks`` (n_samples,) numbers rows that belong
    together, ascending in time; of a series the line is chosen on the earlier blocks with half of the anomalous ones.
    One class only, or fewer than five anomalies in a half, raise :class:`DataError`.
    """
    known = judged_rows(scores, labels)
    chosen = np.zeros(len(labels), dtype=bool)
    if blocks is None:
        rng = np.random.default_rng(0)
        for value in (labels > 0, ~(labels > 0)):
            rows = np.flatnonzero(known & value)
            chosen[rng.permutation(rows)[: len(rows) // 2]] = True
    else:
        anomalous = np.unique(blocks[known & (labels > 0)])
        if len(anomalous) >= 2:
            chosen = known & (blocks <= anomalous[len(anomalous) // 2 - 1])
    halves = [int((known & half & (labels > 0)).sum()) for half in (chosen, ~chosen)]
    if min(halves) < FEWEST:
        raise DataError(
            f"a line is chosen on one half of the labelled anomalies and judged on the other; each half needs "
            f"{FEWEST}, and they have {halves[0]} and {halves[1]}; label more, or choose another rule"
        )
    return chosen


def told(
    rule: Rule, scores: Array, labels: Array | None, blocks: NDArray[np.int64] | None = None
) -> Array | None:
    """The labels a rule may see (n_samples,), NaN for the half it is judged on; None for a rule that sees none."""
    if not rule.needs_labels or labels is None:
        return None
    return np.where(choosing_half(scores, labels, blocks), labels, np.nan)


@dataclass(frozen=True)
class LabelledRule(Rule):
    """A rule that is told the answers of some rows, and is judged on others."""

    needs_labels: ClassVar[bool] = True

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        """``labels`` (n_samples,) are NaN for the rows on which the line will be judged; see :func:`choosing_half`."""
        if labels is None:
            raise UsageError(
                f"the rule '{self.title}' needs a column with the role label; choose one under Data, or another rule"
            )
        return self.best(curve(here, labels))


@dataclass(frozen=True)
class LowestCost(LabelledRule):
    kind: ClassVar[str] = "cost"
    title: ClassVar[str] = "Lowest cost"
    help: ClassVar[str] = (
        "Draws the line where misses and false alarms together cost least. Chosen on one half of the labelled rows, "
        "judged on the other."
    )
    knob: ClassVar[str] = "A miss costs as much as so many false alarms"
    low: ClassVar[float] = 0.001
    step: ClassVar[float] = 1.0
    usual: ClassVar[float] = 10.0

    value: float = 10.0

    def best(self, points: Curve) -> float:
        """The strictest of the thresholds with the lowest cost (Elkan, 2001)."""
        return line_below(points, int(np.argmin(points.cost(self.value, 1.0))))

    @property
    def sentence(self) -> str:
        return (
            f"Draws the line where cost is lowest if a miss costs as much as {self.value:.4g} false alarms."
        )


@dataclass(frozen=True)
class BestF1(LabelledRule):
    kind: ClassVar[str] = "best_f1"
    title: ClassVar[str] = "Best F1"
    help: ClassVar[str] = (
        "Draws the line where precision and recall are best together. Chosen on one half of the labelled rows, judged "
        "on the other."
    )
    knob: ClassVar[str] = ""

    value: float = 0.0

    def best(self, points: Curve) -> float:
        return best_f1_of(points).threshold

    @property
    def sentence(self) -> str:
        return "Draws the line where F1, precision and recall together, is best."
