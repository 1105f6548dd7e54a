"""A table as it comes out of a file, before anyone has decided what its cells mean."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading.types import Finding

_SAMPLE = 100


@dataclass(kw_only=True)
class RawColumn:
    """One column as an Arrow array; null is an empty cell, strings are still to be understood."""

    name: str
    cells: pa.Array
    written_as_text: pa.Array | None = None  # which cells of a mixed spreadsheet column were strings

    def kept(self, mask: pa.Array) -> RawColumn:
        """The column with only the rows where ``mask`` is true."""
        marks = self.written_as_text
        return RawColumn(
            name=self.name,
            cells=self.cells.filter(mask),
            written_as_text=None if marks is None else marks.filter(mask),
        )


@dataclass(kw_only=True)
class RawTable:
    """Columns of equal length with what the format itself could tell about them."""

    columns: list[RawColumn]
    has_header: bool = True
    texts_may_be_numbers: bool = True  # false where the format has number types of its own: Parquet
    integral_numbers_are_integers: bool = False  # spreadsheets store 3 as 3.0
    cells_had_types: bool = False  # the file could have stored numbers as numbers: spreadsheets, JSON
    findings: list[Finding] = field(default_factory=list)
    delimiter: str | None = None
    encoding: str | None = None
    header_row: int | None = None
    sheet: str | None = None
    sheets: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows of the table."""
        return len(self.columns[0].cells) if self.columns else 0

    def keep(self, mask: pa.Array) -> None:
        """Leave out every row where ``mask`` is not true."""
        self.columns = [column.kept(mask) for column in self.columns]


def parsed(texts: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Texts cast to ``kind`` if every one of them can be.

    Three samples go first: Arrow words an error for each cell that fails, which takes long.
    """
    n = len(texts)
    try:
        for start in (0, n // 2, max(0, n - _SAMPLE)):
            pc.cast(texts.slice(start, _SAMPLE), kind)
        return pc.cast(texts, kind)
    except pa.ArrowInvalid:
        return None


def is_text(cells: pa.Array) -> bool:
    """Whether a column still holds strings."""
    return pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type)


def one_array(chunks: Any) -> pa.Array:
    """A chunked array as a single array; long text becomes large_string."""
    if isinstance(chunks, pa.ChunkedArray):
        if pa.types.is_string(chunks.type) and chunks.nbytes > (1 << 31) - 1:
            chunks = chunks.cast(pa.large_string())
        return chunks.combine_chunks() if chunks.num_chunks != 1 else chunks.chunk(0)
    return chunks
