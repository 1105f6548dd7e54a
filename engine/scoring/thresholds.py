"""Where the line is drawn: what a rule is, the plain ones, and scores turned into severities.

A row is flagged when its anomaly score is strictly above the threshold. Reference scores are those of the training
rows, kept as 2,001 quantiles, so moving a threshold never needs the model. Rules learn from reference scores alone; an
alert budget and a false-discovery rate also count the scores at hand, without their labels. All rules together are in
:mod:`engine.scoring.rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.scoring.metrics import Curve

Array = NDArray[np.float64]

N_QUANTILES = 2_001
GRID = np.linspace(0.0, 100.0, N_QUANTILES)  # percentiles at which reference scores are kept
FEWEST_ABOVE = 4.999  # reference scores above the line of a small group: 5, but for rounding
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


def percentile_of(threshold: float, reference: Array) -> float:
    """The percentage of the reference scores at or below a threshold, 0 to 100: the percentile rule read backwards."""
    return float(np.interp(threshold, reference, GRID))


def share_above(threshold: float, reference: Array, rows: int) -> float:
    """The share of the reference scores above a threshold: what is to be expected of ordinary data.

    Beyond all of them, where the quantiles say 0, it is that of half a row among the ``rows`` behind them.
    """
    if threshold >= reference[-1]:
        return 0.5 / rows
    return 1 - percentile_of(threshold, reference) / 100


@dataclass(frozen=True)
class Rule:
    """A way to draw the line. ``value`` is its one knob."""

    kind: ClassVar[str]
    title: ClassVar[str]
    help: ClassVar[str]
    knob: ClassVar[str]
    low: ClassVar[float] = 0.0
    high: ClassVar[float | None] = None
    step: ClassVar[float] = 0.01  # of the knob
    usual: ClassVar[float] = 0.0  # where the knob stands when nobody has moved it
    needs_labels: ClassVar[bool] = False
    counts_rows: ClassVar[bool] = False  # whether the line also depends on the scores at hand
    by_group: ClassVar[bool] = (
        False  # whether it can draw a line for each group by the group's reference scores
    )

    value: float

    def __post_init__(self) -> None:
        above = self.high is not None and self.value > self.high
        if not np.isfinite(self.value) or self.value < self.low or above:
            top = "" if self.high is None else f" and at most {self.high:g}"
            raise UsageError(f"{self.knob} must be at least {self.low:g}{top}, got {self.value:g}")

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        """The threshold, from reference quantiles (2001,) and, for the rules that say so, the scores at hand.

        ``rows`` is how many independent scores stand behind the quantiles. ``labels`` (n_samples,) are 1, 0, and NaN
        for rows the rule must not look at. A rule that cannot draw a sound line raises :class:`DataError`.
        """
        raise NotImplementedError

    def thresholds(self, parts: Sequence[tuple[Array, Array, int]]) -> list[float]:
        """Those of a rule that counts rows and is ``by_group``: the line of each group of rows, drawn together.

        For each group its reference quantiles (2001,), its scores at hand and how many scores stand behind the former.
        """
        raise NotImplementedError

    @property
    def sentence(self) -> str:
        """What the rule does, with its knob where it stands."""
        raise NotImplementedError

    @property
    def text(self) -> str:
        """The rule as a command takes it: ``KIND=VALUE``, or ``KIND`` alone for one without a knob."""
        if not self.knob:
            return self.kind
        short = f"{self.value:.10g}"
        return f"{self.kind}={short if float(short) == self.value else repr(self.value)}"

    def best(self, points: Curve) -> float:
        """The threshold of a rule that needs labels, from the curve of the rows it is told the labels of."""
        raise NotImplementedError

    def expected_share(self, threshold: float, reference: Array, *, rows: int) -> float:
        """The share of ordinary rows to be expected above the line, see :func:`share_above`."""
        return share_above(threshold, reference, rows)

    def remark(self, reference: Array, here: Array, *, rows: int = N_QUANTILES) -> str:
        """What must be known of this line with these reference scores and rows; empty for nothing."""
        return ""

    def carried_by(self, rows: int) -> bool:
        """Whether so many independent reference scores are enough for this line; a few must lie above it."""
        return True

    def as_dict(self) -> dict[str, Any]:
        return {"kind": self.kind, **asdict(self)}


@dataclass(frozen=True)
class Percentile(Rule):
    kind: ClassVar[str] = "percentile"
    step: ClassVar[float] = 0.1
    usual: ClassVar[float] = 95.0
    title: ClassVar[str] = "Percentile"
    help: ClassVar[str] = (
        "Flags what is more unusual than this percentage of the rows the model learned from."
    )
    knob: ClassVar[str] = "Percentile"
    high: ClassVar[float | None] = 100.0
    by_group: ClassVar[bool] = True

    value: float = 95.0

    def carried_by(self, rows: int) -> bool:
        return (1 - self.value / 100) * rows >= FEWEST_ABOVE

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        return float(np.interp(self.value, GRID, reference))

    @property
    def sentence(self) -> str:
        than = "every row" if self.value >= 100 else f"{self.value:.4g} % of the rows"
        return f"Flags what is more unusual than {than} the model learned from."


@dataclass(frozen=True)
class Contamination(Rule):
    kind: ClassVar[str] = "contamination"
    step: ClassVar[float] = 0.005
    usual: ClassVar[float] = 0.05
    title: ClassVar[str] = "Expected share"
    help: ClassVar[str] = "Flags as large a share of the training rows as you expect to be anomalous."
    knob: ClassVar[str] = "Expected share of anomalies"
    high: ClassVar[float | None] = 0.5
    by_group: ClassVar[bool] = True

    value: float = 0.05

    def carried_by(self, rows: int) -> bool:
        return self.value * rows >= FEWEST_ABOVE

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        return Percentile(100 * (1 - self.value)).threshold(reference, here)

    @property
    def sentence(self) -> str:
        return f"Flags as large a share as lies above the line in training: {100 * self.value:.4g} %."


@dataclass(frozen=True)
class FixedValue(Rule):
    kind: ClassVar[str] = "fixed"
    step: ClassVar[float] = 0.01
    usual: ClassVar[float] = 0.5
    title: ClassVar[str] = "Fixed score"
    help: ClassVar[str] = "Flags every row whose anomaly score is above this number."
    knob: ClassVar[str] = "Anomaly score"
    low: ClassVar[float] = -np.inf

    value: float = 0.5

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        return self.value

    @property
    def sentence(self) -> str:
        return f"Flags every row whose anomaly score is above {self.value:.6g}."


@dataclass(frozen=True)
class MedianDeviation(Rule):
    kind: ClassVar[str] = "mad"
    step: ClassVar[float] = 0.5
    usual: ClassVar[float] = 3.5
    title: ClassVar[str] = "Median + k × MAD"
    help: ClassVar[str] = (
        "Flags scores more than k robust standard deviations above the median of the training scores. "
        "Flags nothing in data without outliers."
    )
    knob: ClassVar[str] = "k"
    high: ClassVar[float | None] = 100.0
    by_group: ClassVar[bool] = True

    value: float = 3.5

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        """``median + k · 1.4826 · MAD`` (Hampel, 1974; k = 3.5 after Iglewicz and Hoaglin, 1993)."""
        median = float(np.median(reference))
        return median + self.value * NORMAL_MAD * float(np.median(np.abs(reference - median)))

    @property
    def sentence(self) -> str:
        return f"Flags scores {self.value:.4g} robust standard deviations above the usual training score."


@dataclass(frozen=True)
class AlertBudget(Rule):
    kind: ClassVar[str] = "budget"
    step: ClassVar[float] = 1.0
    usual: ClassVar[float] = 100.0
    counts_rows: ClassVar[bool] = True
    title: ClassVar[str] = "Alert budget"
    help: ClassVar[str] = "Flags the most unusual rows of this data, as many as you have time to review."
    knob: ClassVar[str] = "Rows I can review"

    value: float = 100.0

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        """The highest score left unflagged; of rows with equal scores at the line none is flagged."""
        judged = here[np.isfinite(here)]
        count = int(self.value)
        if len(judged) == 0:
            return float(reference[-1])
        if count >= len(judged):
            return float(np.nextafter(judged.min(), -np.inf))
        return float(np.partition(judged, len(judged) - 1 - count)[len(judged) - 1 - count])

    @property
    def sentence(self) -> str:
        return f"Flags the {int(self.value):,} most unusual rows of this data, however unusual they are."
