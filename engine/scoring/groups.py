"""How flags meet labels group by group: each machine, site or kind of anomaly by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Codes = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Groups:
    """Counts of judged rows for each group at one threshold: (n_groups,) each."""

    rows: Codes
    flagged: Codes  # with or without a label
    anomalies: Codes  # labelled
    normal: Codes  # labelled
    caught: Codes  # anomalies that are flagged
    false_alarms: Codes  # normal rows that are flagged

    @property
    def recall(self) -> Array:
        """The share of the group's anomalies that is flagged; NaN without any."""
        return _share(self.caught, self.anomalies)

    @property
    def precision(self) -> Array:
        """The share of the group's labelled flags that are anomalies; NaN without any."""
        return _share(self.caught, self.caught + self.false_alarms)

    @property
    def base_rate(self) -> Array:
        """The share of anomalies among the group's labelled rows; NaN without any."""
        return _share(self.anomalies, self.anomalies + self.normal)


@dataclass(frozen=True, kw_only=True)
class GroupedRows:
    """Which group each row is in, and what no threshold changes."""

    codes: Codes  # (n_samples,), -1 for no group
    labels: Array
    none: Groups  # with nothing flagged

    @classmethod
    def of(cls, codes: Codes, n: int, scores: Array, labels: Array) -> GroupedRows:
        """Rows of ``n`` groups; ``scores``, ``labels`` (n_samples,) as in :mod:`engine.scoring.metrics`."""
        judged = np.isfinite(scores) & (codes >= 0)
        rows, anomalies, normal = (
            np.bincount(codes[mask], minlength=n)
            for mask in (judged, judged & (labels > 0), judged & (labels == 0))
        )
        nothing = np.zeros(n, dtype=np.int64)
        none = Groups(
            rows=rows,
            flagged=nothing,
            anomalies=anomalies,
            normal=normal,
            caught=nothing,
            false_alarms=nothing,
        )
        return cls(codes=codes, labels=labels, none=none)

    def at(self, flagged: Codes) -> Groups:
        """The same with these row numbers (n_flagged,) flagged."""
        codes, labels = self.codes[flagged], self.labels[flagged]
        known = codes >= 0
        counts = (
            np.bincount(codes[mask], minlength=len(self.none.rows))
            for mask in (known, known & (labels > 0), known & (labels == 0))
        )
        return replace(self.none, **dict(zip(("flagged", "caught", "false_alarms"), counts, strict=True)))


def _share(part: Codes, whole: Codes) -> Array:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
