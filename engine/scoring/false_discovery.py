"""Flags of which only a chosen share is false on average: conformal p-values and the step-up of Benjamini-Hochberg.

The p-value of a row is the share of reference scores at least as high, the row itself counted among them (Vovk et al.,
2005, Algorithmic learning in a random world). It holds where the row, if it is ordinary, might as well have been one of
the reference rows. Rejecting by the step-up of Benjamini and Hochberg (1995) then keeps the expected share of false
flags below q (Bates et al., 2023, Testing for outliers with conformal p-values).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from engine.scoring.thresholds import N_QUANTILES, Rule

Array = NDArray[np.float64]


def level_p_values(rows: int) -> Array:
    """For each reference quantile (2001,), the p-value of a score just above it.

    A score above the quantile at position ``h`` of ``rows`` sorted ones is above floor(h) + 1 of them at least: what
    the 2,001 quantiles do not resolve makes a p-value too high, never too low.
    """
    steps = N_QUANTILES - 1
    below = np.arange(N_QUANTILES, dtype=np.int64) * (rows - 1) // steps
    p: Array = (rows - below) / (rows + 1)
    return p


def p_values(scores: Array, reference: Array, rows: int) -> Array:
    """Conformal p-values (n_samples,), at least the exact ones; NaN where a row could not be judged.

    ``reference`` (2001,) are the quantiles of ``rows`` reference scores.
    """
    level = (
        np.searchsorted(reference, scores, side="left") - 1
    )  # the highest quantile strictly below each score
    p = np.where(level < 0, 1.0, level_p_values(rows)[np.maximum(level, 0)])
    return np.where(np.isfinite(scores), p, np.nan)


def fewest_flags(n: int, rows: int, q: float) -> int:
    """How many of ``n`` rows must lie beyond every reference score before one of them can be flagged."""
    return max(1, ceil(n / (q * (rows + 1)) - 1e-9))


@dataclass(frozen=True)
class FalseDiscoveryRate(Rule):
    """Benjamini-Hochberg on conformal p-values."""

    kind: ClassVar[str] = "fdr"
    title: ClassVar[str] = "False-discovery rate"
    help: ClassVar[str] = (
        "Flags as many rows as possible while, on average, at most this share of the flags is false. Holds for new "
        "data whose ordinary rows are like those the model learned from; the training rows themselves never stand out."
    )
    knob: ClassVar[str] = "Share of flags that may be false"
    low: ClassVar[float] = 0.0001
    high: ClassVar[float | None] = 0.5
    step: ClassVar[float] = 0.01
    usual: ClassVar[float] = 0.1
    counts_rows: ClassVar[bool] = True
    by_group: ClassVar[bool] = True

    value: float = 0.1

    def carried_by(self, rows: int) -> bool:
        return self.value * (rows + 1) >= 1

    def threshold(
        self, reference: Array, here: Array, labels: Array | None = None, *, rows: int = N_QUANTILES
    ) -> float:
        """One of the reference quantiles: the lowest at which p stays below q times the share that is flagged."""
        return self.thresholds([(reference, here, rows)])[0]

    def thresholds(self, parts: Sequence[tuple[Array, Array, int]]) -> list[float]:
        """Each row has the p-value of its own group, and one step-up goes over the rows of all groups.

        A step-up for each group by itself would keep the share within the group, but not among all flags.
        """
        judged = [np.sort(here[np.isfinite(here)]) for _, here, _ in parts]
        n = sum(map(len, judged))
        levels, counts = [], []
        for mine, (reference, _, rows) in zip(judged, parts, strict=True):
            above = len(mine) - np.searchsorted(mine, reference, side="right")
            levels.append(level_p_values(rows))
            counts.append(above - np.append(above[1:], 0))  # rows with the p-value of each level
        p, count = np.concatenate(levels), np.concatenate(counts)
        order = np.argsort(p)
        rejected = np.cumsum(count[order])
        flagged = int(np.max(rejected[p[order] * n <= self.value * rejected], initial=0))
        lines = []
        for mine, level, (reference, _, _) in zip(judged, levels, parts, strict=True):
            held = level * n <= self.value * flagged
            if flagged and held.any():
                lines.append(float(reference[int(np.argmax(held))]))
            else:
                lines.append(float(max(reference[-1], mine[-1] if len(mine) else reference[-1])))
        return lines

    @property
    def sentence(self) -> str:
        return f"Flags as many rows as it can while at most {100 * self.value:.4g} % of the flags are false on average."

    def remark(self, reference: Array, here: Array, *, rows: int = N_QUANTILES) -> str:
        """Whether the reference is too small to reject anything, and whether nothing was."""
        judged = here[np.isfinite(here)]
        if len(judged) == 0:
            return ""
        beyond, needed = int((judged > reference[-1]).sum()), fewest_flags(len(judged), rows, self.value)
        if needed > len(judged):
            wanted = ceil(1 / self.value) - 1
            return (
                f"the reference is too small to flag anything at this rate: it has {rows:,} independent scores, and "
                f"needs at least {wanted:,}"
            )
        if self.threshold(reference, here, rows=rows) < reference[-1]:
            return ""
        if beyond >= needed:
            return ""
        return (
            f"nothing can be flagged at this rate: with {rows:,} independent reference scores at least {needed:,} of "
            f"{len(judged):,} rows must lie beyond all of them, and {beyond:,} "
            f"{'does' if beyond == 1 else 'do'}"
        )
