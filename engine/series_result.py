"""What a model said about a series, seen over time: events with what is to blame, and where severities are high."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.charts.series import joined
from engine.charts.thinning import highest_in
from engine.data.dataset import Dataset
from engine.data.features import FeatureRecipe
from engine.data.fingerprint import Fingerprint
from engine.results import Result
from engine.scoring.distributions import NumberPrint
from engine.scoring.events import Event, Events, blamed, events, runs
from engine.scoring.explanations import shares
from engine.scoring.wording import NOT_MEASURED, percent
from engine.series_files import SeriesFiles

STRIP = 400  # stretches of the time of one entity
COLUMNS, MOST_LANES = 120, 30  # stretches and lanes of the map
WORTH_A_CELL = 0.10  # share of a reading's score that puts a channel to blame

Array = NDArray[np.float64]
Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SeriesColumns:
    """Which columns of a data set make a result a series."""

    time: str
    entity: str | None
    channels: list[str]  # those of numbers: they can be drawn

    @classmethod
    def of(
        cls, recipe: FeatureRecipe, dataset: Dataset, mapping: Mapping[str, str] | None = None
    ) -> SeriesColumns | None:
        """The columns by which a model judges a data set; None where it judges every row for itself."""
        here, roles = mapping or {}, recipe.roles
        if not recipe.ordered or roles.time is None:
            return None
        channels = [here.get(channel, channel) for channel in recipe.channels]
        return cls(
            time=here.get(roles.time, roles.time),
            entity=None if roles.entity is None else here.get(roles.entity, roles.entity),
            channels=[c for c in channels if dataset.types.get(c) in ("integer", "number")],
        )


@dataclass(frozen=True, kw_only=True)
class Lanes:
    """The highest severity in equal stretches of time, a lane an entity or a channel."""

    names: list[str]
    edges: Array  # where the stretches begin and the last one ends (n_stretches + 1,)
    severity: Array  # (n_lanes, n_stretches), NaN where nothing was judged


@dataclass(frozen=True, kw_only=True)
class SeriesResult:
    """A result beside the readings it judges, in the order of time."""

    result: Result
    files: SeriesFiles
    usual: Mapping[str, float]  # what is usual of a channel of the model: its median in training

    @classmethod
    def of(cls, result: Result, files: SeriesFiles, printed: Fingerprint | None) -> SeriesResult:
        """A result beside its readings; without the fingerprint of its model nothing is known to be usual."""
        prints = {} if printed is None else {name: column.values for name, column in printed.columns.items()}
        usual = {
            name: values.quantile(0.5)
            for name, values in prints.items()
            if isinstance(values, NumberPrint) and len(values.points)
        }
        return cls(result=result, files=files, usual=usual)

    def events(
        self, threshold: float | Array, *, bridge: int = 0, shortest: int = 1, above: float | None = None
    ) -> Events:
        """The events above a threshold, or each row's own (n_rows,) in the order of the table.

        Choices as in :func:`engine.scoring.events.events`.
        """
        scores = self.files.arranged(self.result.values)
        line = self.files.arranged(threshold) if isinstance(threshold, np.ndarray) else threshold
        with np.errstate(invalid="ignore"):
            flags = scores > line
        return events(
            flags,
            self.files.arranged(self.result.severity),
            scores=scores,
            segments=self.files.segments,
            times=self.files.seconds,
            bridge=bridge,
            shortest=shortest,
            above=above,
        )

    def spans(self, marks: NDArray[np.bool_], part: slice, apart: float) -> list[tuple[float, float]]:
        """From when to when rows of the table are marked (n_rows,), of some readings; joined where nearer than that."""
        starts, stops = runs(self.files.arranged(marks, part), self.files.segments[part])
        seconds = self.files.seconds[part]
        return joined(seconds[starts], seconds[stops - 1], apart)

    def table(self, found: Events) -> pd.DataFrame:
        """Every event as a row, the worst first: when, how long, how severe, and what is to blame."""
        files, lines = self.files, self.blamed(found[number] for number in found.worst().tolist())
        whose = {"entity": [files.entity_at(event.start) for event in lines]} if files.named else {}
        starts, ends, peaks = (
            files.seconds[np.array([getattr(event, name) for event in lines], dtype=np.int64)]
            for name in ("start", "end", "peak")
        )
        return pd.DataFrame(
            {
                **whose,
                "start": files.written(starts),
                "end": files.written(ends),
                "seconds" if files.clock else "steps": ends - starts,
                "readings": [event.length for event in lines],
                "flagged_readings": [event.flagged for event in lines],
                "severity": [event.severity for event in lines],
                "anomaly_score": [event.score for event in lines],
                "peak": files.written(peaks),
                "peak_row": [files.row(event.peak) + 1 for event in lines],
                "channels": pd.array(
                    [
                        ", ".join(f"{name} {percent(share)}" for name, share in event.channels)
                        or NOT_MEASURED
                        for event in lines
                    ],
                    dtype="str",
                ),
                "direction": pd.array([event.direction or "" for event in lines], dtype="str"),
            }
        )

    def coverage(self, entity: str, found: Events) -> Array:
        """The share of the readings of each stretch of :meth:`strip` that lie in events; NaN without any."""
        part = self.files.part(entity)
        seconds = self.files.seconds[part]
        cuts = np.searchsorted(seconds, _edges(seconds[0], seconds[-1], STRIP))
        cuts[-1] = len(seconds)
        readings = np.diff(cuts)
        covered = np.diff(found.covered(cuts + part.start))
        return np.divide(covered, readings, out=np.full(STRIP, np.nan), where=readings > 0)

    def blamed(self, found: Iterable[Event]) -> list[Event]:
        """The same events with the channels to blame and their direction, as far as their readings were explained."""
        places, contributions, values = self._explained
        usual = np.array([self.usual.get(column, np.nan) for column in self.result.columns])
        return blamed(list(found), self._channels, contributions, rows=places, values=values, expected=usual)

    def strip(self, entity: str) -> Lanes:
        """The highest severity of one entity in each stretch of its time: one lane."""
        part = self.files.part(entity)
        seconds = self.files.seconds[part]
        edges = _edges(seconds[0], seconds[-1], STRIP)
        lane = highest_in(seconds, self.files.arranged(self.result.severity, part), edges)
        return Lanes(names=[entity], edges=edges, severity=lane[None])

    def lanes_of_entities(self) -> Lanes:
        """The entities with the highest scores, the worst first."""
        scores = self.files.arranged(self.result.values)
        highest = np.fmax.reduceat(scores, self.files.starts)
        worst = np.argsort(-np.nan_to_num(highest, nan=-np.inf), kind="stable")[:MOST_LANES]
        names = [self.files.entities[number] for number in worst.tolist()]
        parts = [self.files.part(name) for name in names]
        seconds = self.files.seconds
        first, last = min(seconds[p.start] for p in parts), max(seconds[p.stop - 1] for p in parts)
        edges = _edges(first, last, COLUMNS)
        lanes = [highest_in(seconds[p], self.files.arranged(self.result.severity, p), edges) for p in parts]
        return Lanes(names=names, edges=edges, severity=np.array(lanes))

    def lanes_of_channels(self, entity: str) -> Lanes:
        """The channels of one entity: readings whose score lies in the channel by a tenth at least, where explained."""
        part = self.files.part(entity)
        seconds = self.files.seconds[part]
        edges = _edges(seconds[0], seconds[-1], COLUMNS)
        places, contributions, _ = self._explained
        here = (places >= part.start) & (places < part.stop)
        severity = self.files.arranged(self.result.severity)[places[here]]
        guilty = shares(contributions[here]) >= WORTH_A_CELL
        at = self.files.seconds[places[here]]
        lanes = [
            highest_in(at[marks], severity[marks], edges) if marks.any() else np.full(COLUMNS, np.nan)
            for marks in guilty.T
        ]
        weight = (contributions[here] * guilty).sum(axis=0)
        order = [i for i in np.argsort(-weight, kind="stable").tolist() if guilty[:, i].any()][:MOST_LANES]
        severities = np.array([lanes[i] for i in order]).reshape(-1, COLUMNS)
        return Lanes(names=[self._channels[i] for i in order], edges=edges, severity=severities)

    @property
    def _channels(self) -> list[str]:
        """The model's columns under the names they have here."""
        return [self.result.mapping.get(column, column) for column in self.result.columns]

    @cached_property
    def _explained(self) -> tuple[Rows, Array, Array]:
        """The explained readings: their places in the order of time, ascending; contributions; the channels' values."""
        places = self.files.places(np.asarray(self.result.explained_rows))
        order = np.argsort(places, kind="stable")
        order = order[places[order] >= 0]
        table = self.result.worst.reindex(columns=self._channels)
        values = table.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        return places[order], np.asarray(self.result.contributions)[order], values[order]


def _edges(first: float, last: float, stretches: int) -> Array:
    """Equal stretches from a moment to another; of one second where the two are one."""
    return np.linspace(float(first), max(float(last), float(first) + 1.0), stretches + 1)
