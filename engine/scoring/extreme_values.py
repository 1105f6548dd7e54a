"""The far tail of the reference scores, continued by a law for extremes: a line beyond what training has seen.

Scores above a high quantile follow a generalised Pareto distribution, whatever the rest looks like (Pickands, 1975). It
is fitted by the method of Zhang and Stephens (2009), which needs no search and never contradicts the highest score. The
fit is fragile where peaks are few or the tail is heavy, so a bad one is refused instead of used.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataError
from engine.scoring.thresholds import GRID, N_QUANTILES, Percentile, Rule

Array = NDArray[np.float64]

TAIL = 0.05  # share of the reference scores that are peaks
FEWEST_PEAKS = 50
HEAVIEST = 0.5  # shape beyond which the variance is infinite and a fit says nothing of what comes
LOOSEST = 0.08  # distance between the tail and its fit that is borne however many peaks there are
ELSE = "choose a false-discovery rate or a percentile instead"


@dataclass(frozen=True, kw_only=True)
class Tail:
    """A generalised Pareto distribution above ``start``; ``shape`` below 0 ends somewhere, above 0 is heavy."""

    start: float
    scale: float
    shape: float
    distance: float  # largest difference between the shares below, of the peaks and of the fit

    def threshold(self, share: float) -> float:
        """The score that this share of all rows exceeds; ``share`` at most that of the peaks."""
        depth = share / TAIL
        if abs(self.shape) < 1e-9:
            return self.start - self.scale * float(np.log(depth))
        return self.start + self.scale / self.shape * float(np.expm1(-self.shape * np.log(depth)))

    def share_above(self, threshold: float) -> float:
        """The share of all rows that exceeds a score at or above the start."""
        reach = (threshold - self.start) / self.scale
        if abs(self.shape) < 1e-9:
            return TAIL * float(np.exp(-reach))
        return TAIL * float(max(0.0, 1 + self.shape * reach) ** (-1 / self.shape))


def pareto_fit(excesses: Array) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution, from ascending excesses above 0 (n_peaks,).

    The quasi-Bayesian estimate of Zhang and Stephens (2009, A new and efficient estimation method for the generalized
    Pareto distribution).
    """
    n = len(excesses)
    points = 30 + int(np.sqrt(n))
    quarter = excesses[int(n / 4 + 0.5) - 1]
    spread = 1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))
    theta = 1 / excesses[-1] + spread / (3 * quarter)
    shapes = np.log1p(-theta[:, None] * excesses).mean(axis=1)
    likelihood = n * (np.log(-theta / shapes) - shapes - 1)
    weights = np.exp(likelihood - likelihood.max())
    best = float((theta * weights).sum() / weights.sum())
    shape = float(np.log1p(-best * excesses).mean())
    return shape, -shape / best


def fitted_tail(reference: Array, rows: int) -> Tail:
    """The tail of the reference scores (2001,), with ``rows`` behind them; a bad fit raises :class:`DataError`."""
    peaks = int(TAIL * rows)
    if peaks < FEWEST_PEAKS:
        raise DataError(
            f"an extreme-value tail needs {FEWEST_PEAKS} scores in the highest {100 * TAIL:.0f} % of the reference, "
            f"and there are {peaks}; {ELSE}"
        )
    start = Percentile(100 * (1 - TAIL)).threshold(reference, reference)
    # Not the highest score itself: among a hundred quantiles it would stand for a hundredth of the peaks.
    excesses = reference[(GRID > 100 * (1 - TAIL)) & (GRID < 100)] - start
    if np.mean(excesses > 0) < 0.9 or len(np.unique(excesses)) < len(excesses) / 2:
        raise DataError(f"the highest reference scores are equal, so no tail can be fitted to them; {ELSE}")
    excesses = excesses[excesses > 0]
    shape, scale = pareto_fit(excesses)
    tail = Tail(start=start, scale=scale, shape=shape, distance=0.0)
    seen = 1 - np.arange(1, len(excesses) + 1) / (len(excesses) + 1)
    told = np.array([tail.share_above(start + excess) for excess in excesses]) / TAIL
    distance = float(np.abs(seen - told).max())
    if not np.isfinite(distance) or shape > HEAVIEST:
        raise DataError(
            f"the tail of the reference scores is too heavy to be continued (shape {shape:.2f}, at most "
            f"{HEAVIEST}); {ELSE}"
        )
    if distance > max(LOOSEST, 1 / np.sqrt(peaks)):
        raise DataError(
            f"no extreme-value tail fits the reference scores (it misses them by up to {100 * distance:.0f} % of the "
            f"peaks); {ELSE}"
        )
    return Tail(start=start, scale=scale, shape=shape, distance=distance)


@dataclass(frozen=True)
class ExtremeTail(Rule):
    """Peaks over a threshold: the score that ordinary rows exceed as rarely as asked for."""

    kind: ClassVar[str] = "evt"
    title: ClassVar[str] = "Extreme-value tail"
    help: ClassVar[str] = (
        "Continues the tail of the training scores beyond the highest of them, and draws the line where ordinary rows "
        "come as rarely as asked for. Refuses where the tail cannot be fitted."
    )
    knob: ClassVar[str] = "False alarms in 10,000 ordinary rows"
    low: ClassVar[float] = 0.0001
    high: ClassVar[float | None] = 10_000 * TAIL
    step: ClassVar[float] = 1.0
    usual: ClassVar[float] = 10.0
    by_group: ClassVar[bool] = True

    value: float = 10.0

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        return fitted_tail(reference, rows).threshold(self.value / 10_000)

    @property
    def sentence(self) -> str:
        return f"Flags scores that about {self.value:.4g} in 10,000 ordinary rows exceed, by the tail of training."

    def expected_share(self, threshold: float, reference: Array, *, rows: int) -> float:
        return self.value / 10_000
