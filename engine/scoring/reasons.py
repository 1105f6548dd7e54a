"""Contributions in words: which columns make a row unusual, their values, and what is usual instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine.data.column_codes import TYPICAL, ColumnCode, as_numbers, decoded, level_name
from engine.data.features import FeatureRecipe
from engine.data.prepared import Prepared
from engine.detectors.base import Expectation
from engine.model import Model
from engine.scoring import directions
from engine.scoring.explanations import ablation, nearest, shares
from engine.scoring.faithfulness import Faithfulness
from engine.scoring.wording import day_in_words, number_in_words, percent

SMALLEST_SHARE = 0.10  # a column answerable for less is not worth a word
MOST_REASONS = 3
ALONE = 0.95  # share above which a reason is the only one
MOST_KEPT = 12  # reasons kept of a row
MISSING = "is missing"  # said of an empty cell

Span = tuple[float, float, float, float]  # a number, and low, middle and high of what was expected


@dataclass(frozen=True, kw_only=True)
class Reason:
    """One column's part in making a row unusual."""

    column: str
    share: float  # of the row's contributions, 0 to 1
    measure: str  # what of a series' channel: "spread of the last 32 readings"; empty for the value itself
    value: str
    usual: str
    expected: str = ""  # what the row's other columns let expect; empty where the model cannot tell
    span: Span | None = None
    how: str = (
        ""  # in a few words, see :mod:`engine.scoring.directions`; empty where it was stored before they were
    )

    @property
    def text(self) -> str:
        what = f"{self.column}: {self.measure}" if self.measure else self.column
        return f"{what} {self.value} ({self.expected or self.usual})"

    @property
    def fields(self) -> dict[str, Any]:
        """What it is made of, JSON-ready: ``Reason(**fields)`` is the same again."""
        return {
            name: getattr(self, name) for name in self.__dataclass_fields__
        }  # asdict would copy every value

    def as_dict(self) -> dict[str, Any]:
        return {**self.fields, "text": self.text}


@dataclass(frozen=True, kw_only=True)
class Explained:
    """Contributions and reasons of some rows."""

    rows: NDArray[np.int64]  # row numbers in the table (n_rows,)
    columns: list[str]
    contributions: NDArray[np.float64]  # fall of the score per column (n_rows, n_columns)
    reasons: list[list[Reason]]  # strongest first
    check: Faithfulness | None = None  # None where it was not measured

    @classmethod
    def nothing(cls) -> Explained:
        """No row has been explained."""
        return cls(rows=np.empty(0, np.int64), columns=[], contributions=np.empty((0, 0)), reasons=[])

    def sentences(self) -> dict[int, str]:
        """Row number -> its strongest reasons in one line."""
        return {int(row): sentence(reasons) for row, reasons in zip(self.rows, self.reasons, strict=True)}


def sentence(reasons: list[Reason]) -> str:
    """The strongest reasons in one line."""
    if not reasons:
        return "no single column stands out"
    worth = [r for r in reasons[:MOST_REASONS] if r.share >= SMALLEST_SHARE] or reasons[:1]
    return "; ".join(reason.text for reason in worth)


def in_plain_words(reasons: Sequence[Mapping[str, Any]]) -> str:
    """One sentence on a row from its reasons as :meth:`Reason.as_dict` has them, strongest first."""
    worth = [r for r in reasons[:MOST_REASONS] if r["share"] >= SMALLEST_SHARE] or list(reasons[:1])
    if not worth:
        return "No single column stands out."
    said = []
    for reason in worth:
        what = f"{reason['column']} ({reason['measure']})" if reason["measure"] else reason["column"]
        # its value is said already
        known = reason["how"] in (directions.MISSING, reason["value"]) or reason["how"].startswith("'")
        brackets = reason["expected"] or reason["usual"]
        how = f" is {reason['how']}" if reason["how"] else ""
        said.append(f"{what}{how} ({brackets if known else reason['value'] + ', ' + brackets})")
    first = "Only because" if worth[0]["share"] > ALONE else "Mostly because"
    also = f"; also because {', and '.join(said[1:])}" if said[1:] else ""
    return f"{first} {said[0]}{also}."


def explain(model: Model, prepared: Prepared, rows: NDArray[np.int64], *, most: int = MOST_KEPT) -> Explained:
    """Contributions of the given judged rows, and the ``most`` strongest reasons of each."""
    recipe, X = model.recipe, prepared.encoded.values[rows]
    contributions = _contributions(model, prepared, rows)
    parts, sources = shares(contributions), recipe.encoder.sources
    members = [np.flatnonzero(recipe.groups == group) for group in range(len(recipe.channels))]
    # Of a series' channel the rolling feature that lies furthest out gives the words.
    furthest = [sources[m[np.nan_to_num(np.abs(X[:, m])).argmax(axis=1)]] for m in members]
    strongest = np.argsort(-parts, axis=1, kind="stable")[:, :most]
    strength = np.take_along_axis(parts, strongest, axis=1)
    numbers = np.take_along_axis(np.stack(furthest, axis=1), strongest, axis=1)
    told = np.empty(numbers.shape, dtype=object)
    expectation, features = model.expectation(prepared, rows), prepared.features.iloc[rows]
    # Column by column: what is the same for all of its cells is said once.
    for number in np.unique(numbers[strength > 0]).tolist():
        at = (numbers == number) & (strength > 0)
        here, cells = np.nonzero(at)[0], np.flatnonzero(sources == number)
        expected = None if expectation is None else expectation.of(here, cells)
        values = features[recipe.encoder.codes[number].name].iloc[here]
        told[at] = _column_reasons(recipe, number, strength[at], values, expected)
    reasons = [[reason for reason in row if reason is not None] for row in told.tolist()]
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
    return np.maximum(channels, 0.0)


def _column_reasons(
    recipe: FeatureRecipe,
    number: int,
    strength: NDArray[np.float64],
    cells: pd.Series,
    expected: Expectation | None,
) -> list[Reason]:
    """The reasons of some rows that lie in source column ``number``, given their shares, values and expected cells."""
    code = recipe.encoder.codes[number]
    column, what = recipe.describe(code)
    values: list[Any] = cells.tolist()
    yes_or_no = pd.api.types.is_bool_dtype(cells.dtype)
    if code.kind == "category":
        usual = [usual_in_words(code, value) for value in values]
    elif yes_or_no:
        usual = [f"usually {value_in_words(code, code.typical[TYPICAL.index(0.5)] >= 0.5)}"] * len(values)
    else:
        usual = [usual_in_words(code, None)] * len(values)
    words, spans = [""] * len(values), list[Span | None]([None]) * len(values)
    if expected is not None and code.one_cell_a_level:
        words = _likely_levels(code, expected.expected)
    elif expected is not None and code.kind == "number" and not yes_or_no:
        words, spans = _ranges(code, as_numbers(cells, code), expected)
    if code.kind == "category":
        likely = expected.expected if expected is not None and code.one_cell_a_level else None
        hows = directions.of_categories(code, values, likely)
    elif yes_or_no:
        hows = [value_in_words(code, value) for value in values]
    else:
        ends = _ends(code, expected) if expected is not None and code.kind == "number" else None
        hows = directions.of_numbers(code, as_numbers(cells, code), ends, ordered=recipe.ordered)
    return [
        Reason(
            column=column,
            share=float(strength[i]),
            measure=what,
            value=value_in_words(code, values[i]),
            usual=usual[i],
            expected=words[i],
            span=spans[i],
            how=hows[i],
        )
        for i in range(len(values))
    ]


def _ends(code: ColumnCode, expected: Expectation) -> NDArray[np.float64]:
    """Between what 90 % of ordinary rows would have in the place of a number (n_rows, 2), in the column's unit."""
    return np.stack([decoded(code, end[:, 0]) for end in (expected.low, expected.high)], axis=1)


def _ranges(
    code: ColumnCode, values: NDArray[np.float64], expected: Expectation
) -> tuple[list[str], list[Span | None]]:
    """What the rows' other columns let expect of a number, in words and as numbers beside its values."""
    ends = (expected.low, expected.expected, expected.high)
    spans = np.stack([values, *(decoded(code, end[:, 0]) for end in ends)], axis=1).tolist()
    words = [
        f"{number_in_words(low)} to {number_in_words(high)} expected from the other columns"
        for _, low, _, high in spans
    ]
    return words, [tuple(span) if isfinite(span[0]) else None for span in spans]


def _likely_levels(code: ColumnCode, likely: NDArray[np.float64]) -> list[str]:
    """The one or two levels that were to be expected in each row (n_rows, n_levels), with their probabilities."""
    names = list(code.levels)
    order = np.argsort(-likely[:, : len(names)], axis=1, kind="stable")[:, :2]
    found = []
    for levels, chances in zip(
        order.tolist(), np.take_along_axis(likely, order, axis=1).tolist(), strict=True
    ):
        pairs = zip(levels, chances, strict=True)
        said = [f"'{names[level]}' {100 * chance:.0f} %" for level, chance in pairs if chance >= 0.05]
        found.append(f"{' or '.join(said)} expected from the other columns" if said else "")
    return found


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
) -> tuple[NDArray[np.int64], NDArray[np.float64], list[str]]:
    """Positions in ``normal`` of the ``k`` rows most like ``row`` (one row), and their distances, nearest first.

    With each goes in words where it differs: the columns in which most of the squared distance lies.
    """
    typical = recipe.encoder.typical_row
    this, others = (_filled(recipe.encoder.transform(rows).values, typical) for rows in (row, normal))
    numbers, distances = nearest(this[0], others, min(k, len(normal)))
    apart = np.zeros((len(numbers), len(recipe.channels)))
    np.add.at(apart.T, recipe.groups, ((others[numbers] - this) ** 2).T)
    return numbers, distances, [_differences(recipe.channels, parts) for parts in shares(apart)]


def _differences(columns: list[str], parts: NDArray[np.float64]) -> str:
    order = np.argsort(-parts, kind="stable")[:MOST_REASONS].tolist()
    return ", ".join(f"{columns[i]} {percent(float(parts[i]))}" for i in order if parts[i] >= SMALLEST_SHARE)


def _filled(X: NDArray[np.float64], typical: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isnan(X), typical, X)


def value_in_words(code: ColumnCode, value: Any) -> str:
    """A cell as a person writes it."""
    if directions.is_missing(value):
        return MISSING
    if code.kind == "category":
        return f"'{str(value)[:40]}'"
    if code.kind == "moment":
        return f"{pd.Timestamp(value):%Y-%m-%d %H:%M}"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return number_in_words(float(value))


def usual_in_words(code: ColumnCode, value: Any) -> str:
    """What training saw in this column: the range of 90 % of its rows, or how common the category is."""
    if code.kind == "category":
        if pd.isna(value):
            return f"usually '{code.usual_level}'"
        share = code.levels.get(level_name(value))
        if share is not None:
            filled = code.n_rows / (code.n_rows + code.n_missing) if code.n_missing else 1.0
            return f"{100 * share * filled:.2g} % of training rows"
        known = f"not among the {len(code.levels):,} commonest in training"
        return "never seen in training" if code.knows_every_level else known
    low, middle, high = (code.typical[TYPICAL.index(q)] for q in (0.05, 0.5, 0.95))
    if code.kind == "moment":
        return f"training ran {day_in_words(code.typical[0])} to {day_in_words(code.typical[-1])}"
    if low == high:
        return f"usually {number_in_words(middle)}"
    return f"usually {number_in_words(low)} to {number_in_words(high)}"
