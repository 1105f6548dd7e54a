"""Lines with too few or too many cells: short ones are filled up, a few long ones left out, many refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading.dialects import Dialect
from engine.data.reading.types import Finding
from engine.errors import ReadingError

_TOLERATED = 0.02  # share of lines with too many cells that may be left out
_TOO_MANY = 200_000


@dataclass(kw_only=True)
class RaggedRows:
    """The lines of ``body`` that do not have ``width`` cells, gathered while Arrow reads."""

    body: bytes
    first_line: int  # line of the file (from 1) in which the body begins
    width: int
    dialect: Dialect
    name: str
    found: list[tuple[int, str]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def noted(self, row: Any) -> str:
        """Arrow's handler: keep the row aside and go on."""
        if len(self.found) >= _TOO_MANY:
            return "error"
        self.found.append((row.actual_columns, row.text))
        return "skip"

    def mended(self) -> bytes:
        """The body with short rows filled up and long ones left out, or a ReadingError naming the line."""
        pieces, place, line, counted = [], 0, self.first_line, 0
        short: list[int] = []
        long: list[tuple[int, int]] = []
        for n_cells, text in self.found:
            raw = text.encode("utf-8", "surrogateescape")
            at = self._line_start(raw, place)
            if at < 0:
                continue
            line += self.body.count(b"\n", counted, at)
            counted = at
            pieces.append(self.body[place:at])
            replacement = self._replacement(raw, n_cells)
            if replacement is None:
                long.append((line, n_cells))
            elif replacement and sum(bool(cell.strip()) for cell in self.dialect.rows([text])[0]) > 1:
                short.append(line)
            pieces.append(replacement or b"")
            place = at + len(raw)
        pieces.append(self.body[place:])
        self._judge(short, long)
        return b"".join(pieces)

    def beyond_mending(self) -> ReadingError:
        """The sentence for lines that stay uneven, with the first one that has a quotation mark too many."""
        quote = self.dialect.quote
        texts = [text for _, text in self.found]
        odd = next((text for text in texts if text.count(quote) % 2), texts[0])
        place = max(0, self._line_start(odd.encode("utf-8", "surrogateescape"), 0))
        line = self.first_line + self.body.count(b"\n", 0, place)
        return ReadingError(
            f"line {line} of '{self.name}' does not have {self.width} cells; "
            "close its quotation marks, or mend the line."
        )

    def _line_start(self, raw: bytes, place: int) -> int:
        at = self.body.find(raw, place)
        while at > 0 and self.body[at - 1 : at] not in (b"\n", b"\r"):
            at = self.body.find(raw, at + 1)
        return at

    def _replacement(self, raw: bytes, n_cells: int) -> bytes | None:
        """What stands for a row: itself filled up or cut, nothing for a comment, None if it is too long."""
        delimiter = (self.dialect.delimiter or ",").encode()
        stripped = raw.strip()
        if not stripped or stripped.startswith((b"#", b"//")):
            return b""
        if n_cells < self.width:
            return raw + delimiter * (self.width - n_cells)
        surplus = n_cells - self.width
        ending = raw.rstrip()
        while surplus and ending.endswith(delimiter):
            ending, surplus = ending[: -len(delimiter)].rstrip(b" "), surplus - 1
        return None if surplus else ending

    def _judge(self, short: list[int], long: list[tuple[int, int]]) -> None:
        n_lines = self.body.count(b"\n") + 1
        if long and (len(long) > _TOLERATED * n_lines or n_lines < self.width):
            line, n_cells = long[0]
            others = f" ({len(long)} lines are like that)" if len(long) > 1 else ""
            raise ReadingError(
                f"line {line} of '{self.name}' has {n_cells} cells instead of {self.width}{others}; "
                "put quotation marks around text that contains the separator, or mend the line."
            )
        if long:
            lines = _listed([line for line, _ in long])
            verb = "was" if len(long) == 1 else "were"
            sentence = f"{lines} had more than {self.width} cells and {verb} left out."
            self.findings.append(Finding(kind="ragged", text=sentence, level="warning"))
        if short:
            verb = "ends" if len(short) == 1 else "end"
            sentence = f"{_listed(short)} {verb} early; the missing cells are empty."
            self.findings.append(Finding(kind="ragged", text=sentence, level="warning"))


def _listed(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"Line {lines[0]}"
    shown = ", ".join(str(line) for line in lines[:4])
    return f"Lines {shown} and {len(lines) - 4} more" if len(lines) > 4 else f"Lines {shown}"


def unclosed_quote(table: pa.Table, content: bytes, quote: str, name: str) -> None:
    """Raise if a cell has swallowed line ends because its quotation mark never closes."""
    if not table.num_rows:
        return
    last = table.slice(table.num_rows - 1)
    for column in last.columns:
        cell = column[0].as_py()
        if "\n" in cell and content.rstrip().endswith(cell.rstrip().encode()):
            place = content.rfind(quote.encode() + cell.split("\n")[0].encode())
            raise open_quote(content, place, name)
    many = [pc.max(pc.count_substring(column, "\n")).as_py() for column in table.columns]
    if max(many) > 1:
        column = table.column(many.index(max(many)))
        cell = column.filter(pc.equal(pc.count_substring(column, "\n"), max(many)))[0].as_py()
        place = content.find(quote.encode() + cell.split("\n")[0].encode())
        raise open_quote(content, place, name)


def open_quote(content: bytes, place: int, name: str) -> ReadingError:
    """The sentence for a quotation mark without its partner, with the line it stands in."""
    line = content.count(b"\n", 0, max(place, 0)) + 1
    return ReadingError(
        f"a quotation mark opened in line {line} of '{name}' is never closed; "
        "close it, or remove it, and try again."
    )
