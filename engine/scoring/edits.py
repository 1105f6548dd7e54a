"""The smallest edit that would make a row normal: which few values, changed to what, bring its score below the line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import ColumnCode, decoded
from engine.data.prepared import Prepared
from engine.model import Model
from engine.scoring.ordinary import ordinary_cells
from engine.scoring.reasons import MISSING, value_in_words
from engine.scoring.surroundings import Segment, Surroundings
from engine.scoring.wording import number_in_words

Row = NDArray[np.float64]  # (n_features,)

MOST_EDITS = 3  # more changes make another row rather than the same one mended


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One value changed: the column, what stands there, what would be ordinary, and the score after the change."""

    column: str
    value: str
    instead: str
    score: float
    when: str = ""  # of a series: between which readings

    @property
    def text(self) -> str:
        if self.when:
            return f"change {self.column} {self.when}: {self.instead} instead of {self.value}"
        if self.value == MISSING:
            return f"fill in {self.column} with {self.instead}"
        return f"change {self.column} from {self.value} to {self.instead}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"text": self.text}


def smallest_edit(
    model: Model, prepared: Prepared, row: int, threshold: float, scores: NDArray[np.float64] | None = None
) -> list[Edit]:
    """Edits of at most ``MOST_EDITS`` columns after which the row's score is at most ``threshold``, if there are any.

    Greedy: each step tries every column with the value the others let expect (its typical value, where the detector
    expects none) and keeps the one that lowers the score most; a column may be set again when others have changed. What
    turns out not to be needed is left as it was. The last edit's score says whether they are enough; no edit helps
    where the list is empty. A reading of a series is judged with others: there a channel is changed for some time, see
    :func:`smallest_stretch`, for which ``scores`` of all rows say which are ordinary (worked out where not given).
    """
    if model.recipe.ordered:
        return smallest_stretch(model, prepared, row, threshold, scores)
    sources, score_of = model.recipe.encoder.sources, model.detector.decision_function
    before: Row = prepared.encoded.values[row]
    after, score, columns = before.copy(), float(score_of(before[None])[0]), list[int]()
    for _ in range(2 * MOST_EDITS):
        if score <= threshold:
            break
        free = range(len(model.recipe.encoder.codes)) if len(columns) < MOST_EDITS else columns
        tries = _each(after, ordinary_cells(model, after[None])[0], list(free), sources)
        scores = score_of(tries)
        best = int(np.argmin(scores))
        if scores[best] >= score:
            break
        after, score = tries[best], float(scores[best])
        columns += [free[best]] if free[best] not in columns else []
    for column in columns[:-1]:
        without = _each(after, before, [column], sources)
        if score_of(without)[0] <= threshold:
            after, columns = without[0], [other for other in columns if other != column]
    return _told(model, prepared.features.iloc[row], before, after, columns)


def smallest_stretch(
    model: Model, prepared: Prepared, row: int, threshold: float, scores: NDArray[np.float64] | None = None
) -> list[Edit]:
    """The channels, and the readings around one, that would have to be others for its score to be below the line.

    A channel is given what it has in the ordinary stretch that is most like this one in the other channels; the channel
    that lowers the score most comes first. Then as few readings before and after are changed as is enough.
    """
    judged = model.judge(prepared).values if scores is None else scores
    around = Surroundings.of(model, prepared, judged)
    segment, score, chosen = around.around(int(around.places[row])), float(judged[row]), list[int]()
    altered = segment
    while score > threshold and len(chosen) < min(MOST_EDITS, len(around.channels)):
        free = [channel for channel in range(len(around.channels)) if channel not in chosen]
        tries = [around.replaced(segment, [*chosen, channel]) for channel in free]
        found = around.judge(tries)
        best = int(np.nanargmin(found))
        if not found[best] < score:
            break
        altered, score = tries[best], float(found[best])
        chosen.append(free[best])
    if not chosen:
        return []
    span = _shortest_span(around, segment, altered, chosen, threshold)
    steps = [_within(segment, altered, chosen[: count + 1], span) for count in range(len(chosen))]
    when = _when(
        model, prepared, around, range(span.start - segment.at, span.stop - segment.at), segment.place
    )
    before, after = (around.units(part.values[span.start : span.stop]) for part in (segment, steps[-1]))
    return [
        Edit(
            column=around.channels[channel],
            value=_range_in_words(before[:, channel]),
            instead=_range_in_words(after[:, channel]),
            score=float(told),
            when=when,
        )
        for channel, told in zip(chosen, around.judge(steps), strict=True)
    ]


def _shortest_span(
    around: Surroundings, segment: Segment, altered: Segment, channels: list[int], threshold: float
) -> range:
    """The fewest readings on either side of the one that have to be changed; all of them where fewer are not enough."""
    last = len(segment.values) - 1
    spans = [
        range(segment.at - before, segment.at + after + 1)
        for before in _reaches(segment.at)
        for after in _reaches(last - segment.at)
    ]
    spans.sort(key=len)
    scores = around.judge([_within(segment, altered, channels, span) for span in spans])
    enough = np.flatnonzero(scores <= threshold)
    return spans[int(enough[0])] if len(enough) else range(last + 1)


def _reaches(most: int) -> list[int]:
    """0, 1, 2, 4 … and all there are."""
    doubled = [1 << power for power in range(most.bit_length()) if 1 << power < most]
    return sorted({0, *doubled, most})


def _within(segment: Segment, altered: Segment, channels: list[int], span: range) -> Segment:
    """The segment with some channels as in another, for some of its readings alone."""
    values = segment.values.copy()
    at = np.ix_(np.arange(span.start, span.stop), np.array(channels))
    values[at] = altered.values[at]
    return Segment(values, segment.at, segment.place)


def _when(model: Model, prepared: Prepared, around: Surroundings, span: range, place: int) -> str:
    """From when to when the rows are whose readings are changed."""
    rows = np.flatnonzero((around.places >= place + span.start) & (around.places < place + span.stop))
    times = prepared.table[str(model.recipe.roles.time)].iloc[rows]
    first, last = (_time_in_words(time) for time in (times.min(), times.max()))
    return f"at {first}" if len(rows) == 1 else f"from {first} to {last} ({len(rows):,} readings)"


def _time_in_words(time: Any) -> str:
    if isinstance(time, pd.Timestamp):
        return f"{time:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    return number_in_words(float(time))


def _range_in_words(values: NDArray[np.float64]) -> str:
    low, high = (number_in_words(float(end(values))) for end in (np.min, np.max))
    return low if low == high else f"{low} to {high}"


def _each(x: Row, values: Row, columns: list[int], sources: NDArray[np.int64]) -> NDArray[np.float64]:
    """The row once for each column (n_columns, n_features), with this column as it is in ``values``."""
    tries = np.repeat(x[None], len(columns), axis=0)
    for i, column in enumerate(columns):
        tries[i, sources == column] = values[sources == column]
    return tries


def _told(model: Model, cells: pd.Series, before: Row, after: Row, columns: list[int]) -> list[Edit]:
    """The edits from one row to another, always the one next that brings the score furthest down."""
    sources, left, x, edits = model.recipe.encoder.sources, list(columns), before, list[Edit]()
    while left:
        tries = _each(x, after, left, sources)
        scores = model.detector.decision_function(tries)
        best = int(np.argmin(scores))
        x, column = tries[best], left.pop(best)
        code = model.recipe.encoder.codes[column]
        instead = _in_words(code, after[sources == column])
        value = value_in_words(code, cells[code.name])
        edits.append(Edit(column=code.name, value=value, instead=instead, score=float(scores[best])))
    return edits


def _in_words(code: ColumnCode, cells: NDArray[np.float64]) -> str:
    """The encoded cells of one column as a person writes its value."""
    if code.one_cell_a_level:
        return f"'{list(code.levels)[min(int(np.argmax(cells)), len(code.levels) - 1)]}'"
    if code.kind == "number":
        return number_in_words(float(decoded(code, cells)[0]))
    return f"'{code.usual_level}'" if code.kind == "category" else value_in_words(code, _moment(code, cells))


def _moment(code: ColumnCode, cells: NDArray[np.float64]) -> Any:
    return pd.Timestamp(float(decoded(code, cells)[0]), unit="s")
