"""Dates and times the way people write them, read in bulk and without guessing behind anyone's back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading.raw import parsed

Basis = Literal["", "written", "given", "certain", "order", "guess"]

_TIME = (
    r"(?:(?:[T_]|,?\s+|:)(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?$"
)
_YEAR_FIRST = r"^(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})" + _TIME
_YEAR_MONTH = r"^(?P<year>(?:19|20)\d{2})-(?P<month>\d{2})$"
_COMPACT = (
    r"^(?P<year>(?:19|20)\d{2})(?P<month>\d{2})(?P<day>\d{2})"
    r"(?:[T_ ]?(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2}))?(?P<zone>Z|[+-]\d{2}:?\d{2})?)?$"
)
_YEAR_LAST = r"^(?P<first>\d{1,2})(?P<mark>[./-])(?P<second_>\d{1,2})[./-](?P<year>\d{4})" + _TIME
_SHORT_YEAR_LAST = r"^(?P<first>\d{2})(?P<mark>[./-])(?P<second_>\d{2})[./-](?P<year>\d{2})" + _TIME
_SHORT_SLASHED = r"^(?P<first>\d{1,2})(?P<mark>/)(?P<second_>\d{1,2})/(?P<year>\d{2})" + _TIME
_DAY_NAME = r"^(?:[A-Za-z]{2,9}\.?,?\s+)?"
_NAMED_MONTH = (
    _DAY_NAME + r"(?P<day>\d{1,2})\.?[-\s/]+(?P<name>[A-Za-zä]{3,9})\.?[-\s,/]+(?P<year>\d{4}|\d{2})" + _TIME
)
_MONTH_FIRST = (
    _DAY_NAME + r"(?P<name>[A-Za-zä]{3,9})\.?\s+(?P<day>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<year>\d{4})" + _TIME
)

_UNMISTAKABLE = (_YEAR_FIRST, _YEAR_MONTH, _NAMED_MONTH, _MONTH_FIRST)
_DAY_OR_MONTH = (_YEAR_LAST, _SHORT_YEAR_LAST, _SHORT_SLASHED)
_HEAD = 1_000

_MONTHS = {
    name: number
    for number, names in enumerate(
        ("jan january januar jän jänner", "feb february februar", "mar march mär märz mrz", "apr april",
         "may mai", "jun june juni", "jul july juli", "aug august", "sep sept september",
         "oct october okt oktober", "nov november", "dec december dez dezember"),
        start=1,
    )
    for name in names.split()
}  # fmt: skip
_MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(kw_only=True)
class Dates:
    """Distinct texts as instants; ``basis`` says how the order of day and month was settled."""

    instants: npt.NDArray[np.datetime64]  # NaT where a text is no date
    basis: Basis = ""
    day_first: bool | None = None
    n_with_zone: int = 0
    example: str = ""

    @property
    def ok(self) -> npt.NDArray[np.bool_]:
        """Which texts are dates."""
        return ~np.isnat(self.instants)


def iso_dates(texts: pa.Array) -> tuple[pa.Array, bool] | None:
    """The quick way for a column that is ISO 8601 throughout, and whether it had offsets."""
    for kind, zoned in ((pa.timestamp("us"), False), (pa.timestamp("us", "UTC"), True)):
        stamps = parsed(texts, kind)
        if stamps is not None:
            return stamps, zoned
    return None


def dates(
    texts: pa.Array,
    *,
    day_first: bool | None,
    default_day_first: bool,
    compact: bool,
    order: npt.NDArray[np.int64],
) -> Dates:
    """Read distinct ``texts``.

    ``order`` says which of them stands in each row: rows in order of time tell day from month.
    """
    found = Dates(instants=np.full(len(texts), "NaT", "M8[us]"))
    written = np.asarray(pc.is_valid(texts))
    for expression in _likely_first(
        texts, [*_UNMISTAKABLE, *([_COMPACT] if compact else []), *_DAY_OR_MONTH]
    ):
        if (found.ok | ~written).all():
            break
        parts = _parts(texts, expression)
        if parts is None or not (parts["matched"] & ~found.ok).any():
            continue
        if expression in _DAY_OR_MONTH:
            _settle(found, texts, parts, day_first, default_day_first, order)
        else:
            _take(found, parts)
    return found


def _likely_first(texts: pa.Array, expressions: list[str]) -> list[str]:
    """The ways of writing that occur among the first texts go first; mostly no other is needed."""
    head = texts.slice(0, _HEAD)
    unseen = {e: not pc.any(pc.match_substring_regex(head, e)).as_py() for e in expressions}
    return sorted(expressions, key=lambda expression: unseen[expression])


def _settle(
    found: Dates,
    texts: pa.Array,
    parts: dict[str, Any],
    day_first: bool | None,
    default_day_first: bool,
    order: npt.NDArray[np.int64],
) -> None:
    """Decide whether 03/04 is in March or in April, by the best evidence there is, and read accordingly."""
    first, second, matched = parts["first"], parts["second_"], parts["matched"]
    open_cells = matched & (first <= 12) & (second <= 12) & (first != second)
    n_day_first, n_month_first = int((matched & (first > 12)).sum()), int((matched & (second > 12)).sum())
    dotted = parts["mark"][matched] == "."
    basis: Basis
    if day_first is not None:
        basis, chosen = "given", day_first
    elif n_day_first or n_month_first:
        basis, chosen = "certain", n_day_first >= n_month_first
    elif dotted.all() or not open_cells.any():
        basis, chosen = "written", True
    else:
        runs = {choice: _rising(_read(parts, choice), order) for choice in (True, False)}
        basis, chosen = ("order", runs[True]) if runs[True] != runs[False] else ("guess", default_day_first)
    found.basis, found.day_first = basis, chosen
    if open_cells.any():
        found.example = texts[int(np.flatnonzero(open_cells)[0])].as_py()
    _take(found, parts, day_first=chosen)


def _rising(instants: npt.NDArray[np.datetime64], order: npt.NDArray[np.int64]) -> bool:
    rows = instants[order]
    rows = rows[~np.isnat(rows)]
    steps = np.diff(rows.astype("int64"))
    return bool(len(steps) >= 2 and ((steps >= 0).all() or (steps <= 0).all()))


def _parts(texts: pa.Array, expression: str) -> dict[str, Any] | None:
    """The pieces of every text that matches, numbers as integers; None where nothing does."""
    pieces = pc.extract_regex(texts, pattern=expression)
    matched = np.asarray(pc.is_valid(pieces))
    if not matched.any():
        return None
    parts: dict[str, Any] = {"matched": matched}
    for piece in pieces.type:
        column = pc.fill_null(pc.struct_field(pieces, piece.name), "")
        if piece.name in ("half", "zone", "mark", "name"):
            parts[piece.name] = np.asarray(column.to_pylist(), dtype=object)
        else:
            if piece.name == "fraction":
                column = pc.utf8_rpad(column, 9, "0")
            digits = pc.if_else(pc.equal(column, ""), "0", column)
            parts[piece.name] = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
    return parts


def _take(found: Dates, parts: dict[str, Any], *, day_first: bool = True) -> None:
    instants = _read(parts, day_first)
    fresh = ~np.isnat(instants) & ~found.ok
    found.instants = np.where(fresh, instants, found.instants)
    if "zone" in parts:
        found.n_with_zone += int((fresh & (parts["zone"] != "")).sum())


def _read(parts: dict[str, Any], day_first: bool) -> npt.NDArray[np.datetime64]:
    """Assemble the pieces to microseconds since 1970, UTC where an offset is written."""
    n = len(parts["matched"])
    zero = np.zeros(n, np.int64)
    year, day = parts["year"], parts.get("day", zero + 1)
    month = parts.get("month", zero)
    if "name" in parts:
        month = np.array([_MONTHS.get(name.lower(), 0) for name in parts["name"]], np.int64)
    if "first" in parts:
        day, month = (parts["first"], parts["second_"]) if day_first else (parts["second_"], parts["first"])
    year = (
        np.where(year < 100, np.where(year < 70, year + 2000, year + 1900), year)
        if _is_short(parts)
        else year
    )
    hour, minute, second = (parts.get(part, zero) for part in ("hour", "minute", "second"))
    if "half" in parts:
        half = np.array([mark[:1].lower() for mark in parts["half"]])
        hour = np.where(half == "p", hour % 12 + 12, np.where(half == "a", hour % 12, hour))
    good = (
        parts["matched"]
        & (month >= 1)
        & (month <= 12)
        & (day >= 1)
        & (hour <= 24)
        & (minute < 60)
        & (second < 61)
    )
    good &= year >= 1
    months = np.where(good, (year - 1970) * 12 + month - 1, 0).astype("M8[M]")
    good &= day <= ((months + 1).astype("M8[D]") - months.astype("M8[D]")).astype(np.int64)
    days = months.astype("M8[D]").astype(np.int64) + day - 1
    seconds = hour * 3600 + minute * 60 + second - _offsets(parts, n)
    moment = days * _MICROSECONDS_A_DAY + seconds * 1_000_000 + parts.get("fraction", zero) // 1000
    return np.where(good, moment.astype("M8[us]"), np.datetime64("NaT", "us"))


def _is_short(parts: dict[str, Any]) -> bool:
    """Years of two digits are only taken from patterns that end in the year."""
    return "first" in parts or "name" in parts


def _offsets(parts: dict[str, Any], n: int) -> npt.NDArray[np.int64]:
    """Seconds east of UTC."""
    if "zone" not in parts:
        return np.zeros(n, np.int64)
    seconds = {}
    for zone in set(parts["zone"]):
        digits = zone[1:].replace(":", "").ljust(4, "0") if zone[:1] in ("+", "-") and zone else "0000"
        east = int(digits[:2]) * 3600 + int(digits[2:4]) * 60
        seconds[zone] = -east if zone[:1] == "-" else east
    return np.array([seconds[zone] for zone in parts["zone"]], np.int64)
