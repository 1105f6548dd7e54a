"""Which sign separates the cells of a text file: every candidate is tried, the most regular reading wins."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from engine.data.reading.layout import is_value

CANDIDATES = (",", ";", "\t", "|", "\x01", "^", "~")
_ENOUGH_LINES = 120
_LONGEST_CELL = 120_000  # the csv module refuses cells beyond 131,072 characters
_PLAIN_TEXT = re.compile(r"^[\w .()/'°%#*+&:@\\-]*$")


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """How a line falls into cells; no delimiter means one column, a space stands for runs of them."""

    delimiter: str | None
    quote: str = '"'
    backslash: bool = False

    def rows(self, lines: Sequence[str]) -> list[list[str]]:
        """The cells of some lines."""
        return [cells for _, cells in self.numbered_rows(lines)]

    def numbered_rows(self, lines: Sequence[str]) -> list[tuple[int, list[str]]]:
        """Cells with the number of the line (from 0) a row begins in; stops where the csv module gives up."""
        if self.delimiter is None:
            return [(i, [line]) for i, line in enumerate(lines)]
        if self.delimiter == " ":
            return [(i, line.split()) for i, line in enumerate(lines)]
        reader = csv.reader(
            (line + "\n" for line in lines),
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar="\\" if self.backslash else None,
        )
        rows, start = [], 0
        try:
            for cells in reader:
                rows.append((start, cells))
                start = reader.line_num
        except csv.Error:  # a huge cell: what came before it is sample enough
            return rows
        return rows


def sniffed(lines: Sequence[str]) -> Dialect:
    """The dialect of sample ``lines`` (comments already taken out)."""
    body = [line for line in lines if line.strip()][-_ENOUGH_LINES:]
    body = [line for line in body if len(line) < _LONGEST_CELL] or body
    backslash = any('\\"' in line for line in body) and not any(
        '\\"";' in line or '\\"",' in line for line in body
    )
    quotes = ['"', "'"] if _single_quoted(body) else ['"']
    best, best_score = Dialect(delimiter=None), 0.0
    for quote in quotes:
        for delimiter in CANDIDATES:
            dialect = Dialect(delimiter=delimiter, quote=quote, backslash=backslash)
            score = _regularity(dialect, body)
            if score > best_score + 1e-9:
                best, best_score = dialect, score
    if best.delimiter == "," and _is_decimal_column(lines, body):
        return Dialect(delimiter=None)
    if best_score < 0.1 or best.delimiter is None:
        return _by_spaces(body) or (best if best_score >= 0.02 else Dialect(delimiter=None))
    return best


def _regularity(dialect: Dialect, lines: Sequence[str]) -> float:
    """High where lines have equally many cells and these look like values (CleverCSV, van den Burg 2019)."""
    if not any(str(dialect.delimiter) in line for line in lines):
        return 0.0
    rows = [row for row in dialect.rows(lines) if any(cell.strip() for cell in row)]
    if not rows:
        return 0.0
    lengths = Counter(len(row) for row in rows)
    even = sum(n * n * (length - 1) / length for length, n in lengths.items()) / len(rows) ** 2
    cells = [cell.strip() for row in rows for cell in row]
    wrapped = set(re.findall(rf"{dialect.quote}([^{dialect.quote}]+){dialect.quote}", "\n".join(lines)))
    known = sum(_trust(cell, wrapped) for cell in cells) / len(cells)
    return even * known * known


def _trust(cell: str, wrapped: set[str]) -> float:
    """How much a cell looks like one: values fully, words nearly, and what needed its quotation marks."""
    if is_value(cell):
        return 1.0
    return 0.8 if _PLAIN_TEXT.match(cell) or cell in wrapped else 0.0


def _single_quoted(lines: Sequence[str]) -> bool:
    """Cells wrapped in '…' on most lines."""
    return sum(bool(re.search(r"(^|[,;\t|])'[^']*'([,;\t|]|$)", line)) for line in lines) > 0.5 * len(lines)


def _is_decimal_column(lines: Sequence[str], body: Sequence[str]) -> bool:
    """'value' above 1,5 and 2,25 is one column with decimal commas, not two columns of integers."""
    first = next((line.strip() for line in lines if line.strip()), "")
    header = bool(first) and "," not in first and not is_value(first)
    rest = [line.strip() for line in body if line.strip() != first]
    return header and bool(rest) and all(re.fullmatch(r"[-+]?\d+(,\d+)?", line) for line in rest)


def _by_spaces(lines: Sequence[str]) -> Dialect | None:
    """Columns kept apart by spaces: at least two, equally many on every line, mostly numbers."""
    rows = [line.split() for line in lines]
    lengths = Counter(len(row) for row in rows)
    if not lengths:
        return None
    width, n = lengths.most_common(1)[0]
    if width < 2 or n < 0.9 * len(rows) or any('"' in line for line in lines):
        return None
    cells = [cell for row in rows[1:] or rows for cell in row]
    numbers = sum(is_value(cell) for cell in cells)
    is_stamp = width == 2 and all(
        re.fullmatch(r"[\d./-]+ [\d:.,]+", line.strip()) for line in lines[1:] or lines
    )
    return Dialect(delimiter=" ") if numbers > 0.6 * len(cells) and not is_stamp else None
