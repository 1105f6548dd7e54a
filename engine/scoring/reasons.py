"""Contributions in words: which columns make a row unusual, their values, and what is usual instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import TYPICAL, ColumnCode, as_numbers, decoded, level_name
from engine.data.encoding import Encoder
from engine.data.features import FeatureRecipe
from engine.data.prepared import Prepared
from engine.detectors.base import Expectation
from engine.model import Model
from engine.scoring.explanations import ablation, nearest, shares
from engine.scoring.wording import day_in_words, number_in_words

SMALLEST_SHARE = 0.10  # a column answerable for less is not worth a word
MOST_REASONS = 3
MOST_KEPT = 12  # reasons kept of a row
MISSING = "is missing"  # said of an empty cell


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One column's part in making a row unusual."""

    column: str
    share: float  # of the row's contributions, 0 to 1
    measure: str  # what of a series' channel: "spread of the last 32 readings"; empty for the value itself
    value: str
    usual: str
    expected: str = ""  # what the row's other columns let expect; empty where the model cannot tell
    span: tuple[float, float, float, float] | None = (
        None  # the number, and low, middle and high of what was expected
    )

    @property
    def text(self) -> str:
        what = f"{self.column}: {self.measure}" if self.measure else self.column
        return f"{what} {self.value} ({self.expected or self.usual})"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self) | {"text": self.text}


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Contributions and reasons of some rows."""

    rows: NDArray[np.int64]  # row numbers in the table (n_rows,)
    columns: list[str]
    contributions: NDArray[np.float64]  # fall of the score per column (n_rows, n_columns)
    reasons: list[list[Reason]]  # strongest first

    def sentences(self) -> dict[int, str]:
        """Row number -> its strongest reasons in one line."""
        return {int(row): sentence(reasons) for row, reasons in zip(self.rows, self.reasons, strict=True)}


def sentence(reasons: list[Reason]) -> str:
    """The strongest reasons in one line."""
    if not reasons:
        return "no single column stands out"
    worth = [r for r in reasons[:MOST_REASONS] if r.share >= SMALLEST_SHARE] or reasons[:1]
    return "; ".join(reason.text for reason in worth)


def explain(model: Model, prepared: Prepared, rows: NDArray[np.int64], *, most: int = MOST_KEPT) -> Explained:
    """Contributions of the given judged rows, and the ``most`` strongest reasons of each."""
    recipe, X = model.recipe, prepared.encoded.values[rows]
    contributions = _contributions(model, prepared, rows)
    expectation = model.expectation(prepared, rows)
    parts, features = shares(contributions), prepared.features.iloc[rows]
    members = [np.flatnonzero(recipe.groups == group) for group in range(len(recipe.channels))]
    sources = recipe.encoder.sources
    # Of a series' channel the rolling feature that lies furthest out gives the words.
    furthest = [sources[m[np.nan_to_num(np.abs(X[:, m])).argmax(axis=1)]] for m in members]
    strongest = np.argsort(-parts, axis=1, kind="stable")[:, :most]
    reasons = []
    for i, cells in enumerate(features.to_dict("records")):
        order = [int(g) for g in strongest[i] if parts[i][g] > 0]
        found = []
        for group in order:
            number = int(furthest[group][i])
            reason = _reason(recipe, recipe.encoder.codes[number], float(parts[i][group]), cells)
            if expectation is not None:
                reason = _with_expectation(reason, recipe.encoder, number, expectation, i, cells)
            found.append(reason)
        reasons.append(found)
    return Explained(rows=rows, columns=recipe.channels, contributions=contributions, reasons=reasons)


def _contributions(model: Model, prepared: Prepared, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each channel adds to the scores of rows (n_rows, n_channels): told by the detector, or by ablation."""
    recipe, X = model.recipe, prepared.encoded.values[rows]
    told = model.contributions(prepared, rows)
    if told is None:
        return ablation(model.detector.decision_function, X, recipe.encoder.typical_row, recipe.groups)
    first = np.unique(recipe.encoder.sources, return_index=True)[1]
    channels = np.zeros((len(X), len(recipe.channels)))
    np.add.at(channels.T, recipe.groups[first], told.T)
    return channels


def _with_expectation(
    reason: Reason, encoder: Encoder, number: int, expectation: Expectation, i: int, cells: Mapping[Any, Any]
) -> Reason:
    """The reason with what the row's other columns let expect of source column ``number``, where that can be said."""
    code, at = encoder.codes[number], np.flatnonzero(encoder.sources == number)
    if code.one_cell_a_level:
        return replace(reason, expected=_likely_levels(code, expectation.expected[i, at]))
    if code.kind != "number":
        return reason
    ends = (expectation.low, expectation.expected, expectation.high)
    low, middle, high = (float(decoded(code, end[i, at[:1]])[0]) for end in ends)
    value = float(as_numbers(pd.Series([cells[code.name]]), code)[0])
    text = f"{number_in_words(low)} to {number_in_words(high)} expected from the other columns"
    return replace(reason, expected=text, span=(value, low, middle, high) if np.isfinite(value) else None)


def _likely_levels(code: ColumnCode, likely: NDArray[np.float64]) -> str:
    """The one or two levels that were to be expected, with their probabilities."""
    names = list(code.levels)
    order = [int(level) for level in np.argsort(-likely[: len(names)], kind="stable")[:2]]
    said = [f"'{names[level]}' {100 * likely[level]:.0f} %" for level in order if likely[level] >= 0.05]
    return f"{' or '.join(said)} expected from the other columns" if said else ""


def _reason(recipe: FeatureRecipe, code: ColumnCode, share: float, cells: Mapping[Any, Any]) -> Reason:
    column, what = recipe.describe(code)
    value, usual = value_in_words(code, cells[code.name]), usual_in_words(code, cells[code.name])
    return Reason(column=column, share=share, measure=what, value=value, usual=usual)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a row's value of one numeric column lies among those of the training rows."""

    column: str
    value: float
    low: float  # 5 % of the training rows lie below
    median: float
    high: float  # 5 % lie above
    text: str


def places(recipe: FeatureRecipe, row: pd.Series) -> list[Place]:
    """The numeric columns of one row against their training range; missing and impossible values left out."""
    found = []
    for code in recipe.encoder.codes:
        if code.kind != "number" or code.name not in row.index or recipe.describe(code)[1]:
            continue
        value = float(as_numbers(pd.Series([row[code.name]]), code)[0])
        if np.isfinite(value):
            low, median, high = (code.typical[TYPICAL.index(q)] for q in (0.05, 0.5, 0.95))
            text = number_in_words(value)
            found.append(Place(column=code.name, value=value, low=low, median=median, high=high, text=text))
    return found


def nearest_normal(
    recipe: FeatureRecipe, row: pd.DataFrame, normal: pd.DataFrame, k: int = 3
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Positions in ``normal`` of the ``k`` rows most like ``row`` (one row), and their distances, nearest first."""
    typical = recipe.encoder.typical_row
    this, others = (recipe.encoder.transform(rows).values for rows in (row, normal))
    return nearest(_filled(this, typical)[0], _filled(others, typical), min(k, len(normal)))


def _filled(X: NDArray[np.float64], typical: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(X), typical, X)


def value_in_words(code: ColumnCode, value: Any) -> str:
    """A cell as a person writes it."""
    if pd.isna(value):
        return MISSING
    if code.kind == "category":
        return f"'{str(value)[:40]}'"
    if code.kind == "moment":
        return f"{pd.Timestamp(value):%Y-%m-%d %H:%M}"
    return number_in_words(float(value))


def usual_in_words(code: ColumnCode, value: Any) -> str:
    """What training saw in this column: the range of 90 % of its rows, or how common the category is."""
    if code.kind == "category":
        if pd.isna(value):
            return f"usually '{code.usual_level}'"
        share = code.levels.get(level_name(value))
        if share is not None:
            return f"{100 * share:.2g} % of training rows"
        known = f"not among the {len(code.levels):,} commonest in training"
        return "never seen in training" if code.knows_every_level else known
    low, middle, high = (code.typical[TYPICAL.index(q)] for q in (0.05, 0.5, 0.95))
    if code.kind == "moment":
        return f"training ran {day_in_words(code.typical[0])} to {day_in_words(code.typical[-1])}"
    if low == high:
        return f"usually {number_in_words(middle)}"
    return f"usually {number_in_words(low)} to {number_in_words(high)}"
