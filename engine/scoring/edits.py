"""The smallest edit that would make a row normal: which few values, changed to what, bring its score below the line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.data.column_codes import ColumnCode, decoded
from engine.errors import UsageError
from engine.model import Model, Prepared
from engine.scoring.reasons import MISSING, value_in_words
from engine.scoring.wording import number_in_words

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
    """Edits, one after the other, until the row's score is at most ``threshold``; at most ``MOST_EDITS``.

    Each step tries every column with the value the others let expect (its typical value, where the detector expects
    none) and keeps the one that lowers the score most. The last edit's score says whether it was enough; no edit helps
    where the list is empty. A row of a series is made of readings before it, so it has none: :class:`UsageError`.
    """
    recipe = model.recipe
    if recipe.windows is not None:
        raise UsageError(
            "edits are for the rows of a table; a reading of a series is judged by those before it"
        )
    x = prepared.encoded.values[row].copy()
    cells = prepared.features.iloc[row]
    score = float(model.detector.decision_function(x[None])[0])
    edits: list[Edit] = []
    while score > threshold and len(edits) < MOST_EDITS:
        ordinary = _ordinary(model, x)
        tries = np.repeat(x[None], len(recipe.encoder.codes), axis=0)
        for number in range(len(tries)):
            at = recipe.encoder.sources == number
            tries[number, at] = ordinary[at]
        scores = model.detector.decision_function(tries)
        best = int(np.argmin(scores))
        if scores[best] >= score:
            break
        score, x = float(scores[best]), tries[best]
        code = recipe.encoder.codes[best]
        instead = _in_words(code, x[recipe.encoder.sources == best])
        edits.append(
            Edit(column=code.name, value=value_in_words(code, cells[code.name]), instead=instead, score=score)
        )
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
    import pandas as pd

    return pd.Timestamp(float(decoded(code, cells)[0]), unit="s")
