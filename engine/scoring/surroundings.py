"""The readings around some of a series, with channels replaced by what an ordinary stretch has there, scored again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import decoded
from engine.data.prepared import Prepared
from engine.data.roles import Role, Roles
from engine.data.timeline import order_in_time, segments_of
from engine.data.windows import numeric_channels
from engine.model import Model

MOST_DONORS = 1_000  # ordinary stretches among which the most similar is looked for …
MOST_COMPARED = 64  # … by so many of their readings

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Segment:
    """Readings around one: all that its score depends on."""

    values: Array  # (n_readings, n_channels)
    at: int  # which of them is the one
    place: int  # and where that stands among all readings


Judge = Callable[[Sequence[Segment]], Array]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """The readings of a series in the order of time, and how a few of them are scored."""

    channels: list[str]  # those of numbers
    readings: Array  # (n_readings, n_channels)
    compared: Array  # the same on one scale, without gaps
    stretches: Rows  # (n_readings,): equal numbers for readings without a gap between them
    places: Rows  # (n_samples,): the reading of each row, -1 for a row without one
    ordinary: Rows  # readings with a score that is not above that of half of all
    back: int  # readings before one on which its score depends
    ahead: int  # and after it
    judge: Judge  # the score of the one reading of each segment
    units: Callable[[Array], Array]  # readings (n, n_channels) in the units of the table

    @classmethod
    def of(cls, model: Model, prepared: Prepared, scores: Array) -> Surroundings:
        """``scores`` (n_samples,) are those of the rows of a series, as the model gave them."""
        make = _of_readings if prepared.readings is not None else _of_windows
        found = make(model, prepared)
        judged = np.flatnonzero(np.isfinite(scores) & (found.places >= 0))
        calm = judged[scores[judged] <= np.median(scores[judged])] if len(judged) else judged
        return replace(found, ordinary=found.places[calm])

    def around(self, place: int) -> Segment:
        """The readings on which the score of one depends."""
        low, high = max(0, place - self.back), min(len(self.stretches), place + self.ahead + 1)
        same = np.flatnonzero(self.stretches[low:high] == self.stretches[place])
        low, high = low + int(same[0]), low + int(same[-1]) + 1
        return Segment(self.readings[low:high], place - low, place)

    def replaced(self, segment: Segment, channels: Sequence[int] | Rows) -> Segment:
        """The segment with some channels as in the ordinary stretch that is most like it in the other channels.

        Where no ordinary stretch is as long, the channels stand at their median in ordinary readings.
        """
        chosen = np.asarray(channels, dtype=np.int64)
        values, length = segment.values.copy(), len(segment.values)
        begins = self._begins(segment.at, length)
        if not len(begins):
            values[:, chosen] = np.median(self.readings[self.ordinary][:, chosen], axis=0)
            return replace(segment, values=values)
        kept = np.setdiff1d(np.arange(values.shape[1]), chosen)
        some = np.arange(0, length, -(-length // MOST_COMPARED))
        here = self.compared[segment.place - segment.at + some][:, kept]
        others = self.compared[begins[:, None] + some][:, :, kept]
        begin = begins[int(np.argmin(((others - here) ** 2).sum(axis=(1, 2))))]
        values[:, chosen] = self.readings[begin : begin + length][:, chosen]
        return replace(segment, values=values)

    def _begins(self, at: int, length: int) -> Rows:
        """Where ordinary stretches of this length begin that have an ordinary reading in this place (n_donors,)."""
        begins = self.ordinary - at
        begins = begins[(begins >= 0) & (begins + length <= len(self.stretches))]
        begins = np.unique(begins[self.stretches[begins] == self.stretches[begins + length - 1]])
        return begins[:: max(1, -(-len(begins) // MOST_DONORS))]


def _of_readings(model: Model, prepared: Prepared) -> Surroundings:
    """Of a detector that judges readings by the windows around them."""
    readings = prepared.readings
    assert readings is not None, "a sequential detector judges readings in order"
    codes = model.recipe.encoder.codes

    def judge(segments: Sequence[Segment]) -> Array:
        lengths = [len(segment.values) for segment in segments]
        stretches = np.repeat(np.arange(len(segments)), lengths)
        values = np.concatenate([segment.values for segment in segments])
        found = model.sequential.decision_function(values, stretches=stretches)
        return found[np.cumsum([0, *lengths[:-1]]) + np.array([segment.at for segment in segments])]

    def units(values: Array) -> Array:
        return np.stack([decoded(code, values[:, i]) for i, code in enumerate(codes)], axis=1)

    return Surroundings(
        channels=model.recipe.encoder.columns,
        readings=readings.values,
        compared=readings.values,
        stretches=readings.stretches,
        places=readings.places,
        ordinary=np.zeros(0, dtype=np.int64),
        back=model.sequential.window_ - 1,
        ahead=model.sequential.window_ - 1,
        judge=judge,
        units=units,
    )


def _of_windows(model: Model, prepared: Prepared) -> Surroundings:
    """Of a detector that judges readings by what each channel did over the last few of them."""
    recipe, table, windows = model.recipe, prepared.table, model.recipe.windows
    assert windows is not None, "rows of a table have no surroundings"
    order = order_in_time(table, recipe.roles)
    ordered = table.iloc[order]
    channels = [name for name in numeric_channels(table, recipe.roles) if name in recipe.channels]
    readings = ordered[channels].to_numpy(dtype=np.float64, na_value=np.nan)
    scaled = np.stack([_scaled(channel) for channel in readings.T], axis=1) if channels else readings
    places = np.empty(len(order), dtype=np.int64)
    places[order] = np.arange(len(order))
    length = windows.length

    def judge(segments: Sequence[Segment]) -> Array:
        return _judged_windows(model, ordered, channels, segments)

    return Surroundings(
        channels=channels,
        readings=readings,
        compared=scaled,
        stretches=segments_of(ordered, recipe.roles, windows.step_seconds),
        places=places,
        ordinary=np.zeros(0, dtype=np.int64),
        back=length - 1,
        ahead=0,
        judge=judge,
        units=lambda values: values,
    )


def _judged_windows(
    model: Model, ordered: pd.DataFrame, channels: list[str], segments: Sequence[Segment]
) -> Array:
    """Scores of the last readings of segments, each of which is a series of its own."""
    recipe, windows = model.recipe, model.recipe.windows
    assert windows is not None, "rows of a table have no windows"
    features = list(recipe.roles.features)
    lengths = [len(segment.values) for segment in segments]
    places = np.concatenate([np.arange(s.place - s.at, s.place - s.at + len(s.values)) for s in segments])
    frame = ordered[features].iloc[places].reset_index(drop=True)
    frame[channels] = np.concatenate([segment.values for segment in segments])
    clock, series = _free("time", features), _free("series", features)
    frame[clock] = np.concatenate([np.arange(n) * windows.step_seconds for n in lengths])
    frame[series] = np.repeat(np.arange(len(segments)), lengths)
    named: dict[str, Role] = {**dict.fromkeys(features, "feature"), clock: "time", series: "entity"}
    roles = Roles(named, kind="series")
    rolled, _ = windows.transform(frame, roles)
    return model.detector.decision_function(
        recipe.encoder.transform(rolled.iloc[np.cumsum(lengths) - 1]).values
    )


def _scaled(channel: Array) -> Array:
    """Readings of a channel (n_readings,) with mean 0 and deviation 1; what is not known stands at 0."""
    known = np.isfinite(channel)
    if not known.any():
        return np.zeros_like(channel)
    spread = float(channel[known].std())
    return np.where(known, channel - channel[known].mean(), 0.0) / (spread if spread > 0 else 1.0)


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name
