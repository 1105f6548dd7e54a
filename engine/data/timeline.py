"""The readings of a series in the order of time, and where one stretch without a gap ends and another begins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.roles import Roles, sampling, seconds_of

GAP = 3.0  # steps without a reading that start a new segment


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """How the rows of a series follow one another, for each entity apart. All arrays are (n_samples,)."""

    order: NDArray[np.int64]  # row numbers by entity and time
    segments: NDArray[np.int64]  # in that order: the same number for readings of one entity without a gap
    seconds: NDArray[np.float64]  # in that order: when each reading was taken

    @classmethod
    def of(cls, frame: pd.DataFrame, roles: Roles) -> Timeline:
        """The timeline of a table whose roles make it a series."""
        order = order_in_time(frame, roles)
        ordered = frame.iloc[order]
        facts = sampling(frame, roles)
        assert roles.time is not None, "a series has a time column"
        return cls(
            order=order,
            segments=segments_of(ordered, roles, facts["step_seconds"] if facts else 1.0),
            seconds=seconds_of(ordered[roles.time]),
        )


def order_in_time(frame: pd.DataFrame, roles: Roles) -> NDArray[np.int64]:
    """Row numbers by entity and time; rows of equal time keep their order."""
    assert roles.time is not None, "a series has a time column"
    keys = [seconds_of(frame[roles.time])]
    if roles.entity:
        keys.append(pd.factorize(frame[roles.entity], sort=True)[0])
    return np.lexsort(keys)


def segments_of(ordered: pd.DataFrame, roles: Roles, step_seconds: float) -> NDArray[np.int64]:
    """A number for each stretch of one entity without a gap (n_samples,)."""
    assert roles.time is not None
    seconds = seconds_of(ordered[roles.time])
    new = np.zeros(len(ordered), dtype=bool)
    with np.errstate(invalid="ignore"):
        new[1:] = ~(np.diff(seconds) <= GAP * step_seconds)
    if roles.entity:
        entity = pd.factorize(ordered[roles.entity])[0]
        new[1:] |= entity[1:] != entity[:-1]
    return np.cumsum(new)
