"""The words people write where a value is missing."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_EXCEL_ERRORS = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!", "#CALC!")
_ANYWHERE = ("NA", "N/A", "n/a", "N.A.", "n.a.", "NaN", "nan", "NAN", "NULL", "Null", "null", "None", "#NA",
             "<NA>", "NaT", "nil", "(null)", "(blank)", "\\N", *_EXCEL_ERRORS)  # fmt: skip
_DASHES = ("-", "--", "---", "–", "—")
_AMONG_VALUES = (
    "na",
    "none",
    "NONE",
    "?",
    ".",
    "*",
    "missing",
    "Missing",
    "nd",
    "n.d.",
    "k.A.",
    "k. A.",
    "keine Angabe",
)


def is_missing(texts: pa.Array, *, among_values: bool) -> pa.Array:
    """Where a text stands for nothing; ``among_values`` also takes words that could be a category."""
    words = list(_ANYWHERE)
    signs = pc.is_in(texts, pa.array(["+", "++"], texts.type))
    if among_values or not pc.any(signs).as_py():  # beside '+', a '-' is a value
        words += _DASHES
    if among_values:
        words += _AMONG_VALUES
    return pc.is_in(texts, pa.array(words, texts.type))
