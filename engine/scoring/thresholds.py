"""Where the line is drawn: rules that turn reference scores into a threshold, and scores into severities.

A row is flagged when its anomaly score is strictly above the threshold. Reference scores are those of the training
rows, kept as 2,001 quantiles, so moving a threshold never needs the model. Two rules look at the scores at hand and
say so: an alert budget counts them, and the best F1 uses their labels, with hindsight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError

Array = NDArray[np.float64]

N_QUANTILES = 2_001
GRID = np.linspace(0.0, 100.0, N_QUANTILES)  # percentiles at which reference scores are kept
NORMAL_MAD = (
    1.4826  # median absolute deviation of a normal distribution, as a share of its standard deviation
)


def reference_quantiles(scores: Array) -> Array:
    """The scores of training rows as ascending quantiles (2001,), rows that could not be judged left out."""
    return np.quantile(scores[np.isfinite(scores)], GRID / 100)


def severity(scores: Array, reference: Array) -> Array:
    """How unusual each score is, as a percentile of the reference scores: 0 to 100, NaN where not judged.

    The inverse of :meth:`Percentile.threshold`: below 100, a score is above the threshold of percentile ``P`` exactly
    when its severity is above ``P``. Scores beyond every training row have severity 100.
    """
    upper = np.clip(np.searchsorted(reference, scores, side="left"), 1, len(reference) - 1)
    low, high = reference[upper - 1], reference[upper]
    width = np.where(high > low, high - low, 1.0)
    within = np.clip((scores - low) / width, 0.0, 1.0)
    result = GRID[upper - 1] + within * (GRID[upper] - GRID[upper - 1])
    result = np.where(scores <= reference[0], 0.0, result)
    return np.where(np.isfinite(scores), result, np.nan)


@dataclass(frozen=True)
class Rule:
    """A way to draw the line. ``value`` is its one knob."""

    kind: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    knob: ClassVar[str]
    low: ClassVar[float] = 0.0
    high: ClassVar[float | None] = None
    needs_labels: ClassVar[bool] = False

    value: float

    def __post_init__(self) -> None:
        above = self.high is not None and self.value > self.high
        if not np.isfinite(self.value) or self.value < self.low or above:
            top = "" if self.high is None else f" and at most {self.high:g}"
            raise UsageError(f"{self.knob} must be at least {self.low:g}{top}, got {self.value:g}")

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        """The threshold, from reference quantiles (2001,) and, for the rules that say so, the scores at hand."""
        raise NotImplementedError

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Percentile(Rule):
    kind: ClassVar[str] = "percentile"
    title: ClassVar[str] = "Percentile"
    help: ClassVar[str] = (
        "Flags what is more unusual than this percentage of the rows the model learned from."
    )
    knob: ClassVar[str] = "Percentile"
    high: ClassVar[float | None] = 100.0

    value: float = 95.0

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        return float(np.interp(self.value, GRID, reference))


@dataclass(frozen=True)
class Contamination(Rule):
    kind: ClassVar[str] = "contamination"
    title: ClassVar[str] = "Expected share"
    help: ClassVar[str] = "Flags as large a share of the training rows as you expect to be anomalous."
    knob: ClassVar[str] = "Expected share of anomalies"
    high: ClassVar[float | None] = 0.5

    value: float = 0.05

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        return Percentile(100 * (1 - self.value)).threshold(reference, here)


@dataclass(frozen=True)
class FixedValue(Rule):
    kind: ClassVar[str] = "fixed"
    title: ClassVar[str] = "Fixed score"
    help: ClassVar[str] = "Flags every row whose anomaly score is above this number."
    knob: ClassVar[str] = "Anomaly score"
    low: ClassVar[float] = -np.inf

    value: float = 0.5

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        return self.value


@dataclass(frozen=True)
class MedianDeviation(Rule):
    kind: ClassVar[str] = "mad"
    title: ClassVar[str] = "Median + k × MAD"
    help: ClassVar[str] = (
        "Flags scores more than k robust standard deviations above the median of the training scores. "
        "Flags nothing in data without outliers."
    )
    knob: ClassVar[str] = "k"
    high: ClassVar[float | None] = 100.0

    value: float = 3.5

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        """``median + k · 1.4826 · MAD`` (Hampel, 1974; k = 3.5 after Iglewicz and Hoaglin, 1993)."""
        median = float(np.median(reference))
        return median + self.value * NORMAL_MAD * float(np.median(np.abs(reference - median)))


@dataclass(frozen=True)
class AlertBudget(Rule):
    kind: ClassVar[str] = "budget"
    title: ClassVar[str] = "Alert budget"
    help: ClassVar[str] = "Flags the most unusual rows of this data, as many as you have time to review."
    knob: ClassVar[str] = "Rows I can review"

    value: float = 100.0

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        """The highest score left unflagged; of rows with equal scores at the line none is flagged."""
        judged = here[np.isfinite(here)]
        count = int(self.value)
        if len(judged) == 0:
            return float(reference[-1])
        if count >= len(judged):
            return float(np.nextafter(judged.min(), -np.inf))
        return float(np.partition(judged, len(judged) - 1 - count)[len(judged) - 1 - count])


@dataclass(frozen=True)
class BestF1(Rule):
    kind: ClassVar[str] = "best_f1"
    title: ClassVar[str] = "Best F1 (with hindsight)"
    help: ClassVar[str] = (
        "The line that would have caught the labelled anomalies of this very data best. "
        "Optimistic by nature: new data will be caught less well."
    )
    knob: ClassVar[str] = ""
    needs_labels: ClassVar[bool] = True

    value: float = 0.0

    def threshold(self, reference: Array, here: Array, labels: Array | None = None) -> float:
        from engine.scoring.metrics import best_f1

        if labels is None:
            raise UsageError(
                "the best F1 needs a column with the role label; choose one under Data, or another rule"
            )
        return best_f1(here, labels).threshold


RULES: dict[str, type[Rule]] = {
    rule.kind: rule for rule in (Percentile, Contamination, AlertBudget, MedianDeviation, FixedValue, BestF1)
}


def rule_from_dict(values: Mapping[str, Any]) -> Rule:
    """The rule that :meth:`Rule.as_dict` described."""
    if values["kind"] not in RULES:
        raise UsageError(f"there is no threshold rule '{values['kind']}'; there are {', '.join(RULES)}")
    return RULES[values["kind"]](values["value"])
