"""Does a table fit the columns a model learned from? Says what is missing, extra, renamed or of another type."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from engine.data.reading.types import ColumnType
from engine.errors import SchemaError

NUMBERS = {"integer", "number", "boolean"}


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
    needed: Mapping[str, str], types: Mapping[str, str], mapping: Mapping[str, str] | None = None
) -> Fit:
    """Compare the columns a model needs (name -> type) with those of a table, some of them mapped by hand.

    Whole numbers, numbers and booleans may stand for each other, and anything may be read as text.
    """
    mapping = mapping or {}
    stands_for = {column: mapping.get(column, column) for column in needed}
    missing = tuple(column for column, here in stands_for.items() if here not in types)
    extra = tuple(column for column in types if column not in stands_for.values())
    retyped = {
        column: (needed[column], types[here])
        for column, here in stands_for.items()
        if here in types and not _compatible(needed[column], types[here])
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
    """The needed columns of ``frame`` under the names the model knows, and notes on what was left aside."""
    fit = compare(needed, {str(c): type_of(frame[c]) for c in frame.columns}, mapping)
    if not fit.fits:
        raise SchemaError(
            f"this data does not fit the model: {fit.problem}; "
            "map the columns by hand, bring the columns it learned from, or train a new model"
        )
    chosen = frame[[mapping.get(column, column) for column in needed]].set_axis(list(needed), axis=1)
    # A sensor that happens to show only 0 and 1 in this file is still a number, with a window behind it.
    numbers = {
        column: "Float64"
        for column, learned in needed.items()
        if learned in ("integer", "number") and type_of(chosen[column]) == "boolean"
    }
    notes = [f"'{column}' is read from '{here}'" for column, here in mapping.items() if column in needed]
    return chosen.astype(numbers).reset_index(drop=True), notes


def _compatible(learned: str, found: str) -> bool:
    return learned == found or learned == "text" or (learned in NUMBERS and found in NUMBERS)


def _likely(column: str, candidates: list[str]) -> str | None:
    plain = {_plain(c): c for c in candidates}
    near = difflib.get_close_matches(_plain(column), plain, n=1, cutoff=0.75)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return "".join(ch for ch in name.lower() if ch.isalnum())
