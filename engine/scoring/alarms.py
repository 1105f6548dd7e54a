"""From flags to alarms: one flagged reading may be chance, several in a row are not; and how early an alarm came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import UsageError
from engine.scoring.events import runs

Array = NDArray[np.float64]
SUSTAINED = 6
"""Flagged readings in a row that make an alarm: an hour of ten-minute readings."""


@dataclass(frozen=True, kw_only=True)
class LeadTime:
    """How early a detector warned of a failure, and how often it warned of nothing. Times as they were given."""

    alarm: float | None  # when the first alarm after the onset was raised; None: it never was
    lead: float | None  # from that alarm to the failure
    false_alarms: int  # alarms raised before the onset


def sustained_alarms(flags: NDArray[np.bool_], length: int = SUSTAINED) -> NDArray[np.int64]:
    """The rows at which an alarm is raised (n_alarms,): the ``length``-th flagged reading in a row.

    ``flags`` (n_samples,) in the order of time; a reading that could not be judged is not flagged. However long
    readings stay flagged, it is one alarm, and it is raised when it is known, not when the run began.
    """
    if length < 1:
        raise UsageError(f"an alarm needs at least 1 flagged reading, got {length}")
    starts, stops = runs(flags)
    return starts[stops - starts >= length] + length - 1


def sustained(values: Array, length: int = SUSTAINED) -> Array:
    """The lowest of the last ``length`` values at each row (n_samples,): above a line just when an alarm lasts.

    ``values`` (n_samples,) in the order of time. NaN where one of them is, and at the first ``length`` - 1 rows.
    """
    result = np.full(len(values), np.nan)
    if len(values) >= length:
        result[length - 1 :] = np.lib.stride_tricks.sliding_window_view(values, length).min(axis=1)
    return result


def lead_time(
    times: Array, flags: NDArray[np.bool_], *, onset: float, failure: float, length: int = SUSTAINED
) -> LeadTime:
    """How long before ``failure`` the first alarm was raised that came with or after the fault's ``onset``.

    ``times`` (n_samples,) ascending, ``flags`` (n_samples,); ``onset`` and ``failure`` in the unit of ``times``.
    An alarm raised before the onset is a false one, also if it lasts beyond it: it told nothing of the fault.
    """
    if not onset <= failure:
        raise UsageError(f"the onset of a fault must come before the failure, got {onset:g} and {failure:g}")
    raised = times[sustained_alarms(flags, length)]
    true = raised[(raised >= onset) & (raised <= failure)]
    alarm = float(true[0]) if len(true) else None
    return LeadTime(
        alarm=alarm,
        lead=None if alarm is None else float(failure) - alarm,
        false_alarms=int((raised < onset).sum()),
    )
