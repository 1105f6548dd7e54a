"""Does a table fit the columns a model learned from? Says what is missing, extra, renamed or of another type."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from engine.data.reading.types import ColumnType
from engine.errors import SchemaError

NUMBERS = {"integer", "number", "boolean"}
ABSENT = ""
"""In a mapping: the column is not in this data, and the model is to do without it."""

MOST_ABSENT = 0.2  # share of the columns a model may do without
EMPTY_AS = {"integer": "float64", "number": "float64", "boolean": "boolean", "datetime": "datetime64[us]"}
"""What a column without a single value is read as where the model learned from such a type."""


@dataclass(frozen=True)
class Fit:
    """How a table's columns compare with those a model needs."""

    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    retyped: dict[str, tuple[str, str]] = field(default_factory=dict)  # column -> (learned as, found)
    renamed: dict[str, str] = field(default_factory=dict)  # needed column -> likely column of the table

    @property
    def fits(self) -> bool:
        return not self.missing and not self.retyped

    @property
    def problem(self) -> str:
        """One sentence that names every difference that matters."""
        parts = []
        if self.missing:
            named = ", ".join(
                f"'{c}' (perhaps '{self.renamed[c]}'?)" if c in self.renamed else f"'{c}'"
                for c in self.missing
            )
            parts.append(f"{'columns' if len(self.missing) > 1 else 'column'} {named} missing")
        for column, (learned, found) in self.retyped.items():
            parts.append(f"'{column}' holds {found} where the model learned from {learned}")
        return "; ".join(parts)


def type_of(column: pd.Series) -> ColumnType:
    """The type of a column in an analyst's words."""
    if pd.api.types.is_bool_dtype(column):
        return "boolean"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    return "datetime" if pd.api.types.is_datetime64_any_dtype(column) else "text"


def compare(
    needed: Mapping[str, str],
    types: Mapping[str, str],
    mapping: Mapping[str, str] | None = None,
    empty: Collection[str] = (),
) -> Fit:
    """Compare the columns a model needs (name -> type) with those of a table, some of them mapped by hand.

    Whole numbers, numbers and booleans may stand for each other, and anything may be read as text. ``empty`` names
    the table's columns without a single value: whatever they were read as, they may stand for any.
    """
    mapping = mapping or {}
    stands_for = {column: mapping.get(column, column) for column in needed}
    missing = tuple(column for column, here in stands_for.items() if here not in types and here != ABSENT)
    extra = tuple(column for column in types if column not in stands_for.values())
    retyped = {
        column: (needed[column], types[here])
        for column, here in stands_for.items()
        if here in types and here not in empty and not _compatible(needed[column], types[here])
    }
    renamed: dict[str, str] = {}
    free = [column for column in extra if column not in needed]
    for column in missing:
        likely = _likely(column, [c for c in free if _compatible(needed[column], types[c])])
        if likely is not None:
            renamed[column] = likely
            free.remove(likely)
    return Fit(missing, extra, retyped, renamed)


def conformed(
    frame: pd.DataFrame, needed: Mapping[str, str], mapping: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    """The needed columns of ``frame`` under the names the model knows, and notes on what was left aside.

    A column mapped to ``ABSENT`` comes out empty; more than a fifth of them are a :class:`SchemaError`.
    """
    frame, mapping = named(frame), {column: str(here) for column, here in mapping.items()}
    types: dict[str, str] = {name: type_of(frame[name]) for name in frame.columns}
    absent = [column for column in needed if mapping.get(column) == ABSENT]
    if len(absent) > MOST_ABSENT * len(needed):
        raise SchemaError(
            f"the model can do without {int(MOST_ABSENT * len(needed))} of its {len(needed)} columns, and "
            f"{len(absent)} are not here: {', '.join(absent)}"
        )
    frame = frame.assign(**{ABSENT: np.nan}) if absent else frame
    types |= {ABSENT: "number"} if absent else {}
    wanted = {mapping.get(column, column) for column in needed} & types.keys()
    empty = {name for name in wanted if frame[name].isna().all()}
    fit = compare(needed, types, mapping, empty)
    if not fit.fits:
        raise SchemaError(
            f"this data does not fit the model: {fit.problem}; "
            "map the columns by hand, bring the columns it learned from, or train a new model"
        )
    chosen = frame[[mapping.get(column, column) for column in needed]].set_axis(list(needed), axis=1)
    notes = [
        f"'{column}' is read from '{here}'" for column, here in mapping.items() if column in needed and here
    ]
    notes += [f"'{column}' is not here; rows are judged by the other columns" for column in absent]
    for column, learned in needed.items():
        here = mapping.get(column, column)
        if here in empty and here != ABSENT and len(frame):
            notes.append(f"'{column}' holds no value here and counts as typical")
        if not _compatible(learned, types[here]):  # an empty column, whose type nothing tells
            chosen[column] = pd.Series(np.nan, index=frame.index).astype(EMPTY_AS.get(learned, "str"))
        elif learned in ("integer", "number") and types[here] == "boolean":
            # A sensor that happens to show only 0 and 1 in this file is still a number, with a window behind it.
            chosen[column] = chosen[column].astype("Float64")
    return chosen.reset_index(drop=True), notes


def named(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with its column names as text, as a card remembers them; the same name twice is refused."""
    names = [str(name) for name in frame.columns]
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise SchemaError(f"columns must have different names, got '{twice}' twice; rename one of them")
    return frame.set_axis(names, axis=1)


def _compatible(learned: str, found: str) -> bool:
    return learned == found or learned == "text" or (learned in NUMBERS and found in NUMBERS)


def _likely(column: str, candidates: list[str]) -> str | None:
    plain = {_plain(c): c for c in candidates}
    near = difflib.get_close_matches(_plain(column), plain, n=1, cutoff=0.75)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return "".join(ch for ch in name.lower() if ch.isalnum())
