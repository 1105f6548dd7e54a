"""Rows and columns that are no data: empty ones, headers said again, notes and totals at the end."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading.distinct import shortened, trimmed
from engine.data.reading.raw import RawTable, is_text
from engine.data.reading.types import Finding, ReadingOptions

_TOTAL = re.compile(
    r"(?:grand |sub)?totals?(?: sum)?|sums?|(?:gesamt)?summen?|gesamt|insgesamt|sous-total|totale?s?"
    r"|somme|suma|razem|celkem|averages?|mean|mittelwert|durchschnitt|total general|Σ|∑",
    re.IGNORECASE,
)
_LAST_ROWS = 5  # totals and notes stand in the last rows or nowhere


def tidied(raw: RawTable, options: ReadingOptions) -> None:
    """Trim text, then leave out what is no data; ``raw`` is changed in place and says so in its findings."""
    for column in raw.columns:
        if is_text(column.cells):
            kept = column.name in options.text_columns
            column.cells = _emptied(column.cells) if kept else trimmed(column.cells)
    _drop_empty_columns(raw)
    _drop_empty_rows(raw)
    _drop_repeated_headers(raw)
    _drop_notes(raw)
    if options.drop_totals is not False:
        _drop_labelled_totals(raw)


def _emptied(cells: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(cells, ""), pa.scalar(None, cells.type), cells)


def _drop_empty_columns(raw: RawTable) -> None:
    """Columns without name and without a value: spacers, or rows that end in a delimiter."""
    empty = [
        not column.name.strip() and column.cells.null_count == len(column.cells) for column in raw.columns
    ]
    if not any(empty) or all(empty):
        return
    n = sum(empty)
    raw.columns = [column for column, is_empty in zip(raw.columns, empty, strict=True) if not is_empty]
    sentence = (
        "1 empty column without a name was left out." if n == 1 else f"{n} empty columns were left out."
    )
    raw.findings.append(Finding(kind="empty_columns", text=sentence))


def _drop_empty_rows(raw: RawTable) -> None:
    """Blank lines; in Parquet and JSON an empty row is a record like any other."""
    if raw.header_row is None or any(not column.cells.null_count for column in raw.columns):
        return
    filled = np.zeros(raw.n_rows, bool)
    for column in raw.columns:
        filled |= np.asarray(pc.is_valid(column.cells))
    n = int((~filled).sum())
    if n:
        raw.keep(pa.array(filled))
        sentence = "1 empty row was left out." if n == 1 else f"{n} empty rows were left out."
        raw.findings.append(Finding(kind="empty_rows", text=sentence))


def _drop_repeated_headers(raw: RawTable) -> None:
    """Files glued together say their names again in the middle."""
    named = [column for column in raw.columns if column.name.strip()]
    if not raw.has_header or not named or not all(is_text(column.cells) for column in named):
        return
    again = np.ones(raw.n_rows, bool)
    for column in named:
        same = pc.fill_null(pc.equal(column.cells, pa.scalar(column.name.strip(), column.cells.type)), False)
        again &= np.asarray(same)
        if not again.any():
            return
    n = int(again.sum())
    raw.keep(pa.array(~again))
    sentence = "The header occurs again 1 time; that row was left out." if n == 1 else (
        f"The header occurs again {n} times; those rows were left out."
    )  # fmt: skip
    raw.findings.append(Finding(kind="repeated_header", text=sentence))


def _last_rows(raw: RawTable) -> list[list[Any]]:
    columns = [column.cells.slice(max(0, raw.n_rows - _LAST_ROWS)).to_pylist() for column in raw.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _drop_notes(raw: RawTable) -> None:
    """'Source: …' below a table of three columns or more: one text in the first cell and nothing else."""
    if len(raw.columns) < 3 or raw.n_rows < 3:
        return
    notes = 0
    rows = _last_rows(raw)
    while notes < len(rows) - 1:
        row = rows[-1 - notes]
        filled = [cell for cell in row if cell is not None]
        is_note = len(filled) == 1 and filled[0] is row[0] and isinstance(row[0], str)
        if not is_note or not re.search(r"[A-Za-z]{3}|^[#*]", row[0]) or _TOTAL.fullmatch(row[0].strip(" :")):
            break
        notes += 1
    if notes:
        note = shortened(str(rows[-notes][0]))
        sentence = f"The note '{note}' below the table was left out."
        raw.findings.append(Finding(kind="notes", text=sentence))
        _cut_tail(raw, notes)


def _drop_labelled_totals(raw: RawTable) -> None:
    """Rows at the end whose first word is Total, Summe and the like, and nowhere above."""
    if raw.n_rows < 3:
        return
    rows, n_totals = _last_rows(raw), 0
    while n_totals < len(rows) - 1:
        row = rows[-1 - n_totals]
        place = next((i for i, cell in enumerate(row) if cell is not None), None)
        if place is None or not isinstance(row[place], str) or not _TOTAL.fullmatch(row[place].strip(" :.")):
            break
        if not any(cell is not None for cell in row[place + 1 :]) and len(row) > 1:
            break
        n_totals += 1
    if not n_totals:
        return
    label = str(rows[-n_totals][next(i for i, cell in enumerate(rows[-n_totals]) if cell is not None)])
    _cut_tail(raw, n_totals)
    raw.findings.append(totals_finding(n_totals, f"'{shortened(label)}'"))


def totals_finding(n: int, label: str) -> Finding:
    """What is said when totals are taken off the end."""
    rows = "row holds totals" if n == 1 else f"{n} rows hold totals"
    verb = "it was" if n == 1 else "they were"
    sentence = f"The last {rows} ({label}); {verb} left out."
    return Finding(kind="totals", text=sentence, level="warning", option="drop_totals", value=True)


def _cut_tail(raw: RawTable, n: int) -> None:
    for column in raw.columns:
        column.cells = column.cells.slice(0, len(column.cells) - n)
        if column.written_as_text is not None:
            column.written_as_text = column.written_as_text.slice(0, len(column.cells))


def is_sum_row(numbers: list[npt.NDArray[np.float64]], key_is_empty: bool) -> bool:
    """Whether the last row has no key and adds up the rows above in every number it has."""
    n_sums = 0
    for values in numbers:
        last, above = values[-1], values[:-1]
        if np.isnan(last):
            continue
        total = np.nansum(above)
        if not np.isclose(last, total, rtol=1e-6, atol=1e-9) or not np.any(above):
            return False
        n_sums += 1
    return key_is_empty and n_sums >= 1
