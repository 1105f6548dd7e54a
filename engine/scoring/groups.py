"""How flags meet labels group by group: each machine, site or kind of anomaly by itself."""

from __future__ import annotations

from dataclasses import dataclass

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


def by_group(codes: Codes, n: int, scores: Array, labels: Array, threshold: float) -> Groups:
    """Flags (score strictly above ``threshold``) against labels for each of ``n`` groups.

    ``codes`` (n_samples,) say which group a row is in, -1 for none; ``scores``, ``labels`` (n_samples,) as in
    :mod:`engine.scoring.metrics`. Rows that could not be judged count nowhere.
    """
    judged = np.isfinite(scores) & (codes >= 0)
    with np.errstate(invalid="ignore"):
        flags = judged & (scores > threshold)
        anomaly, normal = judged & (labels > 0), judged & (labels == 0)
    rows, flagged, anomalies, ordinary, caught, false = (
        np.bincount(codes[mask], minlength=n)
        for mask in (judged, flags, anomaly, normal, flags & anomaly, flags & normal)
    )
    return Groups(
        rows=rows, flagged=flagged, anomalies=anomalies, normal=ordinary, caught=caught, false_alarms=false
    )


def _share(part: Codes, whole: Codes) -> Array:
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
