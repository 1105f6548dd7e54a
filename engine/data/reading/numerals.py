"""Numbers the way people write them: decimal commas, grouped thousands, currency and percent signs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Decimal = Literal[".", ","]

SPACES = " \u00a0\u202f\u2009"
_APOSTROPHES = "'’"
_SIGNS = r"€|\$|£|¥|₹|zł|kr|Kč|Fr\.|EUR|USD|GBP|CHF|JPY|PLN|SEK|NOK|DKK|CZK"
_NOT_BARE = r"[^-+0-9.,eE '’]"  # a column without such letters has no signs; looking is quicker than removing
_SIGN_IN_FRONT = rf"^([-+(]?)\s*(?P<sign>{_SIGNS})\s*"
_SIGN_BEHIND = rf"\s*(?P<sign>%|‰|{_SIGNS})(\)?)$"


@dataclass(frozen=True, kw_only=True)
class Convention:
    """How a column writes its numbers; ``thousands`` None allows every separator that is not the decimal."""

    decimal: Decimal = "."
    thousands: str | None = None


def pattern(convention: Convention) -> str:
    """A regular expression for one whole cell that is a number in this convention."""
    other = "," if convention.decimal == "." else r"\."
    if convention.thousands is None:
        grouped = "|".join(rf"(?:{mark}\d{{3}})+" for mark in (other, f"[{SPACES}]", f"[{_APOSTROPHES}]"))
    elif convention.thousands == "":
        grouped = r"(?:$.)"  # never matches
    else:
        mark = f"[{SPACES}]" if convention.thousands in SPACES else f"[{_in_class(convention.thousands)}]"
        grouped = rf"(?:{mark}\d{{3}})+"
    point = r"\." if convention.decimal == "." else ","
    whole = rf"(?:\d+|[1-9]\d{{0,2}}(?:{grouped}))"
    return rf"^[-+]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][-+]?\d+)?$"


def _in_class(mark: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\]^-" else letter for letter in mark)


DOT = Convention(decimal=".")
COMMA = Convention(decimal=",")
_GROUPS_OF_THREE = {".": r"^[-+]?[1-9]\d{0,2}(?:,\d{3})+$", ",": r"^[-+]?[1-9]\d{0,2}(?:\.\d{3})+$"}


def matches(texts: pa.Array, expression: str) -> npt.NDArray[np.bool_]:
    """Where a text matches; empty cells do not."""
    return np.asarray(pc.fill_null(pc.match_substring_regex(texts, expression), False))


def bare(texts: pa.Array) -> tuple[pa.Array, tuple[str, ...]]:
    """The texts without currency and percent signs, and the signs that were found."""
    if not pc.any(pc.match_substring_regex(texts, _NOT_BARE)).as_py():
        return texts, ()
    texts = pc.replace_substring(texts, "−", "-")
    signs: set[str] = set()
    for expression, kept in ((_SIGN_BEHIND, r"\2"), (_SIGN_IN_FRONT, r"\1")):
        found = pc.struct_field(pc.extract_regex(texts, pattern=_named(expression)), "sign")
        signs |= {sign for sign in pc.unique(found).to_pylist() if sign}
        if signs:
            texts = pc.replace_substring_regex(texts, _unnamed(expression), kept)
    # accountants write -5 as (5)
    texts = pc.replace_substring_regex(texts, r"^\(([\d.,' ]+)\)$", r"-\1")
    return texts, tuple(sorted(signs))


def _named(expression: str) -> str:
    return expression.replace("([-+(]?)", "(?P<front>[-+(]?)").replace(r"(\)?)", r"(?P<back>\)?)")


def _unnamed(expression: str) -> str:
    return expression.replace("(?P<sign>", "(")


def values(texts: pa.Array, convention: Convention) -> npt.NDArray[np.float64]:
    """Texts that match :func:`pattern` as floats; everything else must be null and becomes NaN."""
    grouping = (
        SPACES + _APOSTROPHES + ("," if convention.decimal == "." else ".") + (convention.thousands or "")
    )
    plain = pc.replace_substring_regex(texts, f"[{_in_class(grouping)}]", "")
    if convention.decimal == ",":
        plain = pc.replace_substring(plain, ",", ".")
    return pc.cast(plain, pa.float64()).to_numpy(zero_copy_only=False)


def whole_numbers(texts: pa.Array, convention: Convention) -> pa.Array | None:
    """The same as 64-bit integers, or None where one of them is no integer or does not fit."""
    grouping = (
        SPACES
        + _APOSTROPHES
        + "+"
        + ("," if convention.decimal == "." else ".")
        + (convention.thousands or "")
    )
    plain = pc.replace_substring_regex(texts, f"[{_in_class(grouping)}]", "")
    try:
        return pc.cast(plain, pa.int64())
    except pa.ArrowInvalid:
        return None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What one column's texts say about the decimal sign, counted in cells."""

    only_dot: int
    only_comma: int
    undecided: int  # groups of three behind one sign: 1,234

    @property
    def decimal(self) -> Decimal | None:
        """The decimal sign this column proves, if it does."""
        if self.only_dot == self.only_comma:
            return None
        return "." if self.only_dot > self.only_comma else ","


def evidence(texts: pa.Array, counts: npt.NDArray[np.int64]) -> Evidence:
    """Count which decimal sign the distinct ``texts`` can only be written with."""
    dot, comma = matches(texts, pattern(DOT)), matches(texts, pattern(COMMA))
    grouped = matches(texts, _GROUPS_OF_THREE["."]) | matches(texts, _GROUPS_OF_THREE[","])
    return Evidence(
        only_dot=int(counts[dot & ~comma].sum()),
        only_comma=int(counts[comma & ~dot].sum()),
        undecided=int(counts[grouped & dot & comma].sum()),
    )


def file_decimal(columns: Iterable[Evidence], delimiter: str | None) -> Decimal | None:
    """The decimal sign most columns prove; None where none of them proves one."""
    proofs = [proof.decimal for proof in columns if proof.decimal]
    n_comma = proofs.count(",")
    if not proofs:
        return None
    if 2 * n_comma == len(proofs):
        return "," if delimiter == ";" else "."
    return "," if 2 * n_comma > len(proofs) else "."


def only_grouped(texts: pa.Array, decimal: Decimal) -> bool:
    """True where all texts are integers, some in groups of three: 1.234 beside a decimal comma."""
    grouped = matches(texts, _GROUPS_OF_THREE[decimal])
    plain = matches(texts, r"^[-+]?\d{1,3}$")
    return bool(grouped.any() and (grouped | plain | np.asarray(pc.is_null(texts))).all())


def with_points(cells: pa.Array) -> pa.Array | None:
    """Decimal commas as points, the quick way: None where a cell has both signs and takes a closer look."""
    if pc.any(pc.match_substring(cells, ".")).as_py():
        return None
    return pc.replace_substring(cells, ",", ".", max_replacements=1)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A text that shows how numbers are written, what it is read as, and the sign that matters."""

    text: str
    value: float
    mark: str


def peculiar(texts: pa.Array, convention: Convention) -> dict[str, Shown]:
    """The first text with a decimal comma, and the first with grouped thousands."""
    good = matches(texts, pattern(convention))
    point = "," if convention.decimal == "," else r"\."
    grouped = good & matches(texts, rf"^[-+]?[1-9]\d{{0,2}}[^\d{point}eE+-]\d{{3}}")
    shown: dict[str, Shown] = {}
    candidates = {"thousands": grouped}
    if convention.decimal == ",":
        candidates["decimal"] = good & matches(texts, ",")
    for kind, mask in candidates.items():
        both = mask & grouped if (mask & grouped).any() else mask
        if both.any():
            place = int(np.flatnonzero(both)[0])
            text = texts[place].as_py()
            mark = next((letter for letter in text.lstrip("+-") if not letter.isdigit()), "")
            shown[kind] = Shown(
                text=text, value=float(values(texts.slice(place, 1), convention)[0]), mark=mark
            )
    return shown
