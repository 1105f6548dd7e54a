"""The smallest edit that would make a row normal: which few values, changed to what, bring its score below the line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import ColumnCode, decoded
from engine.data.prepared import Prepared
from engine.errors import UsageError
from engine.model import Model
from engine.scoring.reasons import MISSING, value_in_words
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

    @property
    def text(self) -> str:
        if self.value == MISSING:
            return f"fill in {self.column} with {self.instead}"
        return f"change {self.column} from {self.value} to {self.instead}"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"text": self.text}


def smallest_edit(model: Model, prepared: Prepared, row: int, threshold: float) -> list[Edit]:
    """Edits of at most ``MOST_EDITS`` columns after which the row's score is at most ``threshold``, if there are any.

    Greedy: each step tries every column with the value the others let expect (its typical value, where the detector
    expects none) and keeps the one that lowers the score most; a column may be set again when others have changed. What
    turns out not to be needed is left as it was. The last edit's score says whether they are enough; no edit helps
    where the list is empty. A reading of a series is judged with others, so it has none: :class:`UsageError`.
    """
    if model.recipe.ordered:
        raise UsageError(
            "edits are for the rows of a table; a reading of a series is judged together with its neighbours in time"
        )
    sources, score_of = model.recipe.encoder.sources, model.detector.decision_function
    before: Row = prepared.encoded.values[row]
    after, score, columns = before.copy(), float(score_of(before[None])[0]), list[int]()
    for _ in range(2 * MOST_EDITS):
        if score <= threshold:
            break
        free = range(len(model.recipe.encoder.codes)) if len(columns) < MOST_EDITS else columns
        tries = _each(after, _ordinary(model, after), list(free), sources)
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


def _ordinary(model: Model, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each cell of a row should be (n_features,): expected from the others, or typical of the training rows."""
    expectation = model.detector.expectation(x[None])
    typical: NDArray[np.float64] = model.recipe.encoder.typical_row
    if expectation is None:
        return typical
    ordinary = expectation.expected[0].copy()
    for number, code in enumerate(model.recipe.encoder.codes):
        at = np.flatnonzero(model.recipe.encoder.sources == number)
        if code.one_cell_a_level:  # a category is one of its levels, not a mixture
            ordinary[at] = np.eye(len(at))[np.argmax(ordinary[at])]
        elif code.kind != "number":
            ordinary[at] = typical[at]
    return ordinary


def _in_words(code: ColumnCode, cells: NDArray[np.float64]) -> str:
    """The encoded cells of one column as a person writes its value."""
    if code.one_cell_a_level:
        return f"'{list(code.levels)[min(int(np.argmax(cells)), len(code.levels) - 1)]}'"
    if code.kind == "number":
        return number_in_words(float(decoded(code, cells)[0]))
    return f"'{code.usual_level}'" if code.kind == "category" else value_in_words(code, _moment(code, cells))


def _moment(code: ColumnCode, cells: NDArray[np.float64]) -> Any:
    return pd.Timestamp(float(decoded(code, cells)[0]), unit="s")
