"""A few rows of a series as its model sees them, read from the mapped layout and not with the rest of the table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.data.dataset import Dataset
from engine.data.pace import Pace
from engine.data.prepared import Prepared
from engine.model import Model
from engine.series_files import SeriesFiles
from engine.series_result import SeriesColumns

SLOWER = 1.5  # steps, at most, between rows that count as neighbouring readings

Rows = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class SeriesPart:
    """A data set of readings in order, of which a model is asked about few."""

    model: Model
    dataset: Dataset
    files: SeriesFiles
    mapping: Mapping[str, str]

    @classmethod
    def of(cls, model: Model, dataset: Dataset, mapping: Mapping[str, str]) -> Self | None:
        """None where the model does not judge readings in order."""
        columns = SeriesColumns.of(model.recipe, dataset, mapping)
        if columns is None or model.recipe.pace is None:
            return None
        files = SeriesFiles.of(dataset, columns.time, columns.entity)
        return cls(model=model, dataset=dataset, files=files, mapping=mapping)

    def around(self, row: int) -> tuple[Prepared, int]:
        """A row with all others its judgement depends on, and its place among them; a row without a time alone."""
        place = int(self.files.places(np.array([row]))[0])
        rows = np.array([row]) if place < 0 else self._rows(*self._near(place))
        return self._prepared(rows), int(np.flatnonzero(rows == row)[0])

    def at_reading(self, number: int, length: int) -> Prepared | None:
        """Some rows with those from which a reading was made, by its number, and the ``length`` from it on.

        About there: rows that are not judged do not count. None where the series has fewer readings.
        """
        up_to = self._readings_up_to
        if not len(up_to) or number >= up_to[-1]:
            return None
        first, last = np.minimum(
            np.searchsorted(up_to, [number, number + length], side="right"), len(up_to) - 1
        )
        return self._prepared(self._rows(self._near(int(first))[0], self._near(int(last))[1]))

    @cached_property
    def _readings_up_to(self) -> Rows:
        """How many readings there are up to each place (n_rows,)."""
        pace, seconds = self._pace, self.files.seconds
        joined = np.r_[False, np.diff(seconds) <= pace.gap_seconds][: len(seconds)]
        joined[self.files.starts] = False
        return np.cumsum(pace.counts(seconds, joined))

    @property
    def _pace(self) -> Pace:
        pace = self.model.recipe.pace
        assert pace is not None, "readings in order have a pace"
        return pace

    def _near(self, place: int) -> tuple[int, int]:
        """The first of the places near one, of the same entity, and the one after the last."""
        pace, files = self._pace, self.files
        reach = SLOWER * self.model.sequential.window_ * pace.step_seconds + 2 * pace.gap_seconds
        at = float(files.seconds[place])
        near = files.between(files.entity_at(place), at - reach, at + reach)
        return near.start, near.stop

    def _rows(self, first: int, stop: int) -> Rows:
        places = np.arange(first, stop)
        return places if self.files.order is None else self.files.order[places]

    def _prepared(self, rows: Rows) -> Prepared:
        return self.model.encode(self.dataset.rows_at(rows.tolist()).reset_index(drop=True), self.mapping)
