"""Where a table begins: title lines, the row of names, a row of units, and the first row of data."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.reading.types import Finding

_NUMBER = (
    r"[-+−(]?\s*(?:[€$£¥]\s*)?(?:\d[\d.,'’\u00a0\u202f ]*|[.,]\d+)(?:[eE][-+]?\d+)?"
    r"\s*(?:[%‰€$£¥]|EUR|USD|CHF|GBP)?\)?"
)
_DATE = (
    r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T_ ,:].*)?|\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp][Mm])?"
    r"|\d{1,2}[-. ]+[A-Za-z]{3,9}[-. ,]+\d{2,4}.*|[A-Za-z]{3,9} \d{1,2},? \d{4}.*|\d{8}T\d{4,6}Z?"
)
_VALUE = re.compile(rf"^(?:{_NUMBER}|{_DATE}|true|false|yes|no|ja|nein|nan|inf|-inf)$", re.IGNORECASE)
_MISSING = frozenset({"", "na", "n/a", "null", "none", "-", "--", "#n/a", "?", "nat"})
_UNIT = re.compile(
    r"^(?:[\[(].{0,20}[\])]|%|‰|-|1|°|°?[CFK]|°C|°F|deg.?C?|[kMGmµun]?(?:Pa|bar|V|A|W|Hz|m|s|g|N|J|l|L|Wh|VA|mol|Nm)"
    r"|mm/s|m/s|m/s2|m/s²|m³|m3|m³/h|m3/h|l/min|kg/h|km/h|rpm|1/min|min|h|ms|us|ppm|ppb|psi|dB|g|kWh|count)$"
)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Row numbers from 0: the names (None: nowhere), the first row of data, a row of units between."""

    header: int | None
    body: int
    units: int | None = None
    comment_header: bool = False  # the names stand in a comment: '# time,value'


def layout_findings(*, header: int | None, body: int, units: int | None, first: int = 1) -> list[Finding]:
    """What is said about the top of a table; rows are those of the file, counted from 1."""
    findings = []
    if header is None:
        begin = f"data begin in row {body}, " if body > first else ""
        sentence = f"No row of column names was found; {begin}the columns are numbered."
        findings.append(
            Finding(kind="header_row", text=sentence, level="warning", option="header_row", value=0)
        )
    elif header > first:
        before = "row 1 was" if header == 2 else f"rows 1 to {header - 1} were"
        sentence = f"Header found in row {header}; {before} left out."
        findings.append(Finding(kind="header_row", text=sentence, option="header_row", value=header))
    if units is not None:
        sentence = f"Row {units} holds units, not data; it was left out."
        findings.append(Finding(kind="units", text=sentence))
    return findings


def is_value(cell: str) -> bool:
    """Whether a cell is data by itself: a number, a date, a time, yes or no."""
    return bool(_VALUE.match(cell))


def is_comment(row: Sequence[str]) -> bool:
    """A line that begins with '#' or '//'."""
    return bool(row) and row[0].lstrip().startswith(("#", "//"))


def laid_out(rows: Sequence[Sequence[str]], header: int | None = None) -> Layout:
    """Find header and body in the first rows; ``header`` gives the row of names, -1 says there is none."""
    used = [i for i, row in enumerate(rows) if any(cell.strip() for cell in row) and not is_comment(row)]
    if header is not None and header >= 0:
        units = _units_below(rows, used, header)
        return Layout(header=header, body=(header if units is None else units) + 1, units=units)
    if not used:
        return Layout(header=None, body=len(rows))
    width = _usual_width(rows, used)
    full = [i for i in used if _n_filled(rows[i]) >= max(1, -(-3 * width // 4))]
    start = full[0] if full else used[0]
    if header == -1:
        return Layout(header=None, body=start)
    kinds = _value_columns(rows, used)
    first = next((i for i in used if i >= start and _is_data(rows[i], kinds, width)), None)
    if not kinds or first is None:
        return _all_text(rows, used, start)
    return _above(rows, used, full, first, kinds)


def _above(
    rows: Sequence[Sequence[str]], used: list[int], full: list[int], first: int, kinds: set[int]
) -> Layout:
    """The header is the nearest full row above the first row of data, unless that row is a header itself."""
    above = [i for i in full if i < first and not _has_values(rows[i], kinds)]
    if not above:
        comment = _comment_header(rows, first)
        if comment is not None:
            return Layout(header=comment, body=first, comment_header=True)
        is_header = _is_numbered_header(rows, used, first, kinds)
        return Layout(header=first, body=first + 1) if is_header else Layout(header=None, body=first)
    header = above[-1]
    if len(above) >= 2 and _are_units(rows[header]) and not _are_units(rows[above[-2]]):
        return Layout(header=above[-2], body=header + 1, units=header)
    return Layout(header=header, body=header + 1)


def _n_filled(row: Sequence[str]) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _usual_width(rows: Sequence[Sequence[str]], used: list[int]) -> int:
    """How many cells a row usually fills, by the later rows, which are data."""
    later = sorted(_n_filled(rows[i]) for i in used[len(used) // 3 :])
    return later[len(later) // 2]


def _value_columns(rows: Sequence[Sequence[str]], used: list[int]) -> set[int]:
    """Columns in which the later rows hold values rather than words."""
    later = used[len(used) // 2 :] if len(used) > 1 else used
    hits: Counter[int] = Counter()
    cells: Counter[int] = Counter()
    for i in later:
        for column, cell in enumerate(rows[i]):
            if cell.strip().lower() not in _MISSING:
                cells[column] += 1
                hits[column] += is_value(cell.strip())
    return {column for column, n in cells.items() if hits[column] >= 0.7 * n}


def _is_data(row: Sequence[str], kinds: set[int], width: int) -> bool:
    """A row whose cells in the value columns are values, and that is not nearly empty."""
    cells = [row[i].strip() for i in kinds if i < len(row)]
    filled = [cell for cell in cells if cell.lower() not in _MISSING]
    if not filled or 2 * _n_filled(row) < width:
        return False
    return sum(is_value(cell) for cell in filled) > 0.5 * len(filled) and len(cells) >= 0.5 * len(kinds)


def _has_values(row: Sequence[str], kinds: set[int]) -> bool:
    cells = (row[i].strip() for i in kinds if i < len(row))
    # "No" above a column of numbers is a name, though it could be an answer.
    return any(is_value(cell) and not cell.isalpha() for cell in cells)


def _all_text(rows: Sequence[Sequence[str]], used: list[int], start: int) -> Layout:
    """Without numbers to go by, the first full row is the header unless it turns up again among the data."""
    names = [cell.strip() for cell in rows[start]]
    below = [rows[i] for i in used if i > start]
    again = sum(
        any(len(row) > c and row[c].strip() == name for row in below) for c, name in enumerate(names) if name
    )
    repeats = any([cell.strip() for cell in row] == names for row in below)
    unique = len({name for name in names if name}) == sum(bool(name) for name in names)
    if any(is_value(name) for name in names) or not unique or (again and not repeats):
        return Layout(header=None, body=start)
    units = _units_below(rows, used, start)
    return Layout(header=start, body=(start if units is None else units) + 1, units=units)


def _units_below(rows: Sequence[Sequence[str]], used: list[int], header: int) -> int | None:
    below = next((i for i in used if i > header), None)
    later = next((i for i in used if below is not None and i > below), None)
    return below if below is not None and later is not None and _are_units(rows[below]) else None


def _are_units(row: Sequence[str]) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    marked = [cell for cell in cells if _UNIT.match(cell)]
    return len(marked) >= max(1, 0.6 * len(cells)) and not all(cell in ("-", "1") for cell in marked)


def _comment_header(rows: Sequence[Sequence[str]], first: int) -> int | None:
    """numpy writes the names into a comment above the data: '# time,value'."""
    above = next((i for i in range(first - 1, -1, -1) if any(cell.strip() for cell in rows[i])), None)
    if above is None or not is_comment(rows[above]):
        return None
    names = [cell.strip().lstrip("#/ ") for cell in rows[above]]
    same_width = len(names) == len(rows[first]) and len(names) > 1
    return above if same_width and all(names) and not any(is_value(name) for name in names) else None


def _is_numbered_header(rows: Sequence[Sequence[str]], used: list[int], first: int, kinds: set[int]) -> bool:
    """Years or running numbers as names: 'sensor,2019,2020' or '0,1,2,3' above other numbers."""
    below = [rows[i] for i in used if i > first]
    names = [rows[first][c].strip() for c in sorted(kinds) if c < len(rows[first])]
    words = [name for name in names if name.lower() not in _MISSING and not is_value(name)]
    if words and below:  # 'time,1,2,3': a word where only numbers or dates follow
        return True
    if len(names) < 2 or not below or not all(re.fullmatch(r"\d{1,4}", name) for name in names):
        return False
    numbers = [int(name) for name in names]
    steps = {b - a for a, b in itertools.pairwise(numbers)}
    if steps != {1} or not (numbers[0] in (0, 1) or 1900 <= numbers[0] <= 2100):
        return False
    body = {row[c].strip() for row in below for c in kinds if c < len(row)}
    few_in_common = len(names) >= 3 and len(body & set(names)) <= 0.2 * len(body)
    return few_in_common or any(re.search(r"[.,]\d", cell) for cell in body)
