"""Excel workbooks, quick to write and safe to open: sheets of plain values that hold no formula.

openpyxl makes everything but the rows: styles, widths, filters and the package around them. The rows are
put into it as text, a column at a time, because a million cells one by one take openpyxl many times as long.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray

from engine.cells import risky, texts_of

if TYPE_CHECKING:
    import pyarrow as pa

HIGHLIGHT = "FFFFECB3"  # soft amber, on which black text is easy to read
FORMATS = {
    "general": "General",
    "integer": "0",  # General turns twelve digits into 1.2E+11
    "day": "yyyy-mm-dd",
    "second": "yyyy-mm-dd hh:mm:ss",
    "instant": "yyyy-mm-dd hh:mm:ss.000",
    "text": "General",
    "risky": "General",
    "header": "General",
}

_CHUNK_ROWS = 10_000  # rendered at a time, so that memory stays flat however long the sheet is
_SAMPLE_ROWS = 200  # looked at to choose a column's width
_NARROWEST, _WIDEST = 8, 60
DENSITY = 1.5  # pixels of a picture on one of the screen: 144 an inch on paper
ROW_PIXELS = 20  # of a row of usual height
_MOST_CELL_BYTES = 100  # of the XML around a value
_ZERO = np.datetime64("1899-12-30", "us")  # Excel's day 0
_DAY = 86_400_000_000.0  # microseconds

_PICTURES = {
    code: 0x2400 + code for code in range(32) if code not in b"\t\n\r"
}  # XML has no control characters
_NOT_XML: dict[int, str] = dict.fromkeys([0xFFFE, 0xFFFF], "\N{REPLACEMENT CHARACTER}")
_CHARACTERS: dict[int, str | int] = {
    **_PICTURES,
    **_NOT_XML,
    13: "&#13;",
}  # a bare carriage return would be read as a line feed
_LOOKS_ESCAPED = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")  # Excel reads _x0041_ as A


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """One sheet: a table with a header that stays in view, filters, and rows that stand out."""

    title: str
    table: pa.Table  # in the types of :func:`~engine.cells.fitted`
    marked: NDArray[np.bool_] | None = None  # (n_rows,) True where a row is highlighted
    pictures: Sequence[bytes] = ()  # PNG files, one below the other under the table


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """The sheets as an .xlsx file."""
    skeleton, styles = _skeleton(sheets)
    content = BytesIO()
    with (
        zipfile.ZipFile(skeleton) as old,
        zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as new,
    ):
        by_file = {f"xl/worksheets/sheet{number}.xml": sheet for number, sheet in enumerate(sheets, 1)}
        for name in old.namelist():
            if name not in by_file:
                new.writestr(name, old.read(name))
                continue
            before, place, after = old.read(name).partition(b"</sheetData>")
            assert place, "openpyxl writes an empty sheet in another way"
            with new.open(name, "w", force_zip64=_is_huge(by_file[name].table)) as file:
                file.write(before)
                for rows in _rendered(by_file[name], styles):
                    file.write(rows.encode())
                file.write(place + after)
    return content.getvalue()


def _skeleton(sheets: Sequence[Sheet]) -> tuple[BytesIO, dict[tuple[str, bool], int]]:
    """A workbook without rows, and the number of the style for each format, plain and highlighted."""
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font, PatternFill
    from openpyxl.utils import get_column_letter
    from openpyxl.writer.excel import ExcelWriter

    book = Workbook(write_only=True)
    for sheet in sheets:
        page = book.create_sheet(sheet.title)
        page.freeze_panes = "A2"
        page.auto_filter.ref = f"A1:{get_column_letter(sheet.table.num_columns)}{sheet.table.num_rows + 1}"
        for number, width in enumerate(_widths(sheet.table), 1):
            page.column_dimensions[get_column_letter(number)].width = width
        _hang(page, sheet)
    styles = {}
    for name, number_format in FORMATS.items():
        for marked in (False, True):
            cell = WriteOnlyCell(page)
            cell.number_format = number_format
            cell.quotePrefix = name == "risky"  # so that it stays text when somebody edits the cell
            cell.font = Font(bold=name == "header")
            if marked:
                cell.fill = PatternFill("solid", fgColor=HIGHLIGHT)
            styles[name, marked] = cell.style_id
    skeleton = BytesIO()
    ExcelWriter(book, zipfile.ZipFile(skeleton, "w")).save()  # not packed: it is unpacked at once
    return skeleton, styles


def _hang(page: Any, sheet: Sheet) -> None:
    """Put the pictures of a sheet below its table, smaller than they are by ``DENSITY``: they are drawn for paper."""
    from openpyxl.drawing.image import Image

    row = sheet.table.num_rows + 3
    for content in sheet.pictures:
        picture = Image(BytesIO(content))
        picture.width, picture.height = int(picture.width / DENSITY), int(picture.height / DENSITY)
        page.add_image(picture, f"A{row}")
        row += picture.height // ROW_PIXELS + 2


def _widths(table: pa.Table) -> Iterator[float]:
    for name, column in zip(table.column_names, table.columns, strict=True):
        shown = texts_of(column.slice(0, _SAMPLE_ROWS).combine_chunks()).to_pylist()
        longest = max((len(text) for text in shown if text), default=0)
        yield min(max(_NARROWEST, len(name) + 4, longest + 2), _WIDEST)  # the filter's button takes some room


def _is_huge(table: pa.Table) -> bool:
    # Whether the XML might pass 2 GiB; told beforehand, because ZIP64 is less widely understood.
    return _MOST_CELL_BYTES * table.num_rows * table.num_columns + 6 * table.nbytes > zipfile.ZIP64_LIMIT


def _rendered(sheet: Sheet, styles: dict[tuple[str, bool], int]) -> Iterator[str]:
    """The rows of a sheet as XML, some at a time."""
    import pyarrow as pa
    from openpyxl.utils import get_column_letter

    letters = [get_column_letter(number) for number in range(1, sheet.table.num_columns + 1)]
    heads = _text_cells(pa.array(sheet.table.column_names, pa.large_string()), styles, False, "header")
    yield _row(1, letters, heads)
    for start in range(0, sheet.table.num_rows, _CHUNK_ROWS):
        part = sheet.table.slice(start, _CHUNK_ROWS)
        marked = np.flatnonzero(sheet.marked[start : start + _CHUNK_ROWS]) if sheet.marked is not None else ()
        columns = [_column(values.combine_chunks(), styles, marked) for values in part.columns]
        rows = enumerate(zip(*columns, strict=True), start + 2)
        yield "".join(_row(number, letters, cells) for number, cells in rows)


def _row(number: int, letters: Sequence[str], cells: Sequence[str]) -> str:
    inner = "".join(
        [f'<c r="{letter}{number}"{cell}' for letter, cell in zip(letters, cells, strict=True) if cell]
    )
    return f'<row r="{number}">{inner}</row>'


def _column(values: pa.Array, styles: dict[tuple[str, bool], int], marked: Any) -> list[str]:
    """A cell of XML, less its address, for each value; an empty one is left out unless it is highlighted."""
    cells = _cells(values, styles, False)
    if len(marked):
        empty = f' s="{styles["general", True]}"/>'
        for row, cell in zip(marked, _cells(values.take(marked), styles, True), strict=True):
            cells[row] = cell or empty
    return cells


def _cells(values: pa.Array, styles: dict[tuple[str, bool], int], marked: bool) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if pa.types.is_large_string(kind):
        return _text_cells(values, styles, marked)
    if pa.types.is_boolean(kind):
        head = f' s="{styles["general", marked]}" t="b"><v>'
        return [
            head + ("1" if value else "0") + "</v></c>" if value is not None else ""
            for value in values.to_pylist()
        ]
    if pa.types.is_temporal(kind):
        name = "day" if pa.types.is_date(kind) else "second" if kind.unit == "s" else "instant"
        instants = values.to_numpy(zero_copy_only=False).astype("datetime64[us]")
        days = (instants - _ZERO) / np.timedelta64(1, "us") / _DAY
        values = pa.array(days, from_pandas=True)
    else:
        name = "integer" if pa.types.is_integer(kind) else "general"
    head = f' s="{styles[name, marked]}"><v>'
    numbers = pc.cast(values, pa.large_string()).to_pylist()
    cells = [f"{head}{number}</v></c>" if number is not None else "" for number in numbers]
    if pa.types.is_floating(kind):
        for row in np.flatnonzero(pc.fill_null(pc.invert(pc.is_finite(values)), False)):
            cells[row] = _text_cells(pa.array([numbers[row]], pa.large_string()), styles, marked)[0]
    return cells


def _text_cells(
    texts: pa.Array, styles: dict[tuple[str, bool], int], marked: bool, style: str = "text"
) -> list[str]:
    encoded = texts.dictionary_encode()
    distinct = encoded.dictionary
    cells = [
        f' s="{styles["risky" if danger else style, marked]}" t="inlineStr"><is><t xml:space="preserve">'
        f"{_xml(text)}</t></is></c>"
        for text, danger in zip(distinct.to_pylist(), risky(distinct).to_pylist(), strict=True)
    ]
    return [cells[code] if code is not None else "" for code in encoded.indices.to_pylist()]


def _xml(text: str) -> str:
    escaped = _LOOKS_ESCAPED.sub("_x005F_", escape(text))
    return escaped if escaped.isprintable() else escaped.translate(_CHARACTERS)
