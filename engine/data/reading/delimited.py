"""Text files with one record a line: a sample tells how they are built, Arrow then reads them whole."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.csv as arrow_csv

from engine.data.reading.dialects import Dialect, sniffed
from engine.data.reading.encodings import decoded
from engine.data.reading.layout import Layout, is_comment, laid_out, layout_findings
from engine.data.reading.limits import MAX_CELLS, MAX_COLUMNS, MB
from engine.data.reading.ragged import RaggedRows, unclosed_quote
from engine.data.reading.raw import RawColumn, RawTable, one_array
from engine.data.reading.types import Finding, ReadingOptions
from engine.errors import ReadingError

_SAMPLE_BYTES = 1 << 18
_SAMPLE_LINES = 400
_SURELY_LINES = 12  # very wide files: this many lines however long they are
_NO_DELIMITER = "\x1f"
_NAMES = {"\t": "tab", " ": "spaces", "\x01": "the control character 1"}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that bulk reading needs to know."""

    dialect: Dialect
    layout: Layout
    names: list[str]
    width: int
    body_line: int  # lines before the first row of data
    header_line: int | None
    findings: tuple[Finding, ...] = ()


def read_delimited(data: bytes, name: str, options: ReadingOptions) -> RawTable:
    """A CSV-like file as columns of text."""
    text = decoded(data, name, options.encoding)
    content = text.utf8
    if not content.strip():
        raise ReadingError(f"'{name}' is empty; choose a file with a header and rows.")
    if b"\r" in content and b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    plan = planned(content, name, options)
    columns, findings = _columns(content, plan, name)
    return RawTable(
        columns=columns,
        has_header=plan.header_line is not None,
        findings=[*text.findings, *plan.findings, *findings],
        delimiter=plan.dialect.delimiter,
        encoding=text.encoding,
        header_row=0 if plan.header_line is None else plan.header_line + 1,
    )


def planned(content: bytes, name: str, options: ReadingOptions) -> Plan:
    """Dialect, header and first data line, from the head of the file."""
    lines = _head(content)
    findings: list[Finding] = []
    skipped = 0
    declared = re.match(r"sep=(.)$", lines[0].strip("\"' "), re.IGNORECASE)  # Excel's own hint
    if declared:
        skipped, lines = 1, lines[1:]
    dialect = _dialect(lines, options, declared.group(1) if declared else None)
    if dialect.delimiter not in (None, ",") and options.delimiter is None:
        mark = _NAMES.get(dialect.delimiter or "", f"'{dialect.delimiter}'")
        sentence = f"Cells are separated by {mark}."
        findings.append(Finding(kind="delimiter", text=sentence, option="delimiter", value=dialect.delimiter))
    numbered = dialect.numbered_rows(lines)
    rows = [cells for _, cells in numbered]
    layout = laid_out(rows, _given_header(numbered, options, skipped, name))
    starts = [line + skipped for line, _ in numbered]
    names = [] if layout.header is None else [cell.strip() for cell in rows[layout.header]]
    if (
        names
        and names[0].startswith("#")
        and (layout.comment_header or not rows[layout.header or 0][0][1:2].isspace())
    ):
        names[0] = names[0].lstrip("#/ ")
    header_line = None if layout.header is None else starts[layout.header]
    body_line = starts[layout.body] if layout.body < len(starts) else skipped + len(lines)
    if layout.header is not None and layout.body == layout.header + 1 and layout.body >= len(starts):
        body_line = starts[layout.header] + 1
    findings += layout_findings(
        header=None if header_line is None else header_line + 1,
        body=body_line + 1,
        units=None if layout.units is None else starts[layout.units] + 1,
        first=skipped + 1,
    )
    names, width = _fitted(
        names, [row for row in rows[layout.body :] if any(row) and not is_comment(row)], dialect
    )
    return Plan(
        dialect=dialect,
        layout=layout,
        names=names,
        width=width,
        body_line=body_line,
        header_line=header_line,
        findings=tuple(findings),
    )


def _head(content: bytes) -> list[str]:
    """The first lines, enough of them to judge by."""
    end = _SAMPLE_BYTES
    while content.count(b"\n", 0, end) < _SURELY_LINES and end < len(content) and end < 32 * MB:
        end *= 2
    sample = content[:end]
    if end < len(content):
        sample = sample[: sample.rfind(b"\n") + 1] or sample
    text = sample.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    return text.split("\n", _SAMPLE_LINES)[:_SAMPLE_LINES]


def _dialect(lines: list[str], options: ReadingOptions, declared: str | None) -> Dialect:
    clean = [line for line in lines if not is_comment([line])] or lines
    given = options.delimiter or declared
    dialect = sniffed(clean)
    return replace(dialect, delimiter={"\\t": "\t", "tab": "\t"}.get(given, given)) if given else dialect


def _given_header(
    numbered: list[tuple[int, list[str]]], options: ReadingOptions, skipped: int, name: str
) -> int | None:
    """The analyst's header row (1-based line of the file) as an index into the sample rows; -1 for none."""
    if options.header_row is None:
        return None
    if options.header_row == 0:
        return -1
    found = next(
        (i for i, (line, _) in enumerate(numbered) if line + skipped + 1 == options.header_row), None
    )
    if found is None:
        raise ReadingError(
            f"'{name}' has no row {options.header_row} to hold the names; choose a row near the top."
        )
    return found


def _fitted(names: list[str], body: list[list[str]], dialect: Dialect) -> tuple[list[str], int]:
    """Names brought to the width of the rows: these may end in a delimiter, and R leaves a name out."""
    widths = sorted(len(row) for row in body)
    usual = max(set(widths), key=widths.count) if widths else len(names)
    while len(names) > usual and not names[-1]:
        names = names[:-1]
    if not names:
        return [""] * usual, usual
    if len(names) == usual - 1 and widths[0] == usual:
        last_is_empty = all(not row[-1].strip() for row in body)
        names = [*names, ""] if last_is_empty or dialect.delimiter is None else ["", *names]
    return names + [""] * (usual - len(names)), max(usual, len(names))


def _columns(content: bytes, plan: Plan, name: str) -> tuple[list[RawColumn], list[Finding]]:
    if plan.width > MAX_COLUMNS:
        raise ReadingError(
            f"'{name}' has {plan.width:,} columns, more than the {MAX_COLUMNS:,} that can be read; "
            "leave some out, or swap rows and columns."
        )
    start = 0
    for _ in range(plan.body_line):
        start = content.find(b"\n", start) + 1
        if not start:
            start = len(content)
            break
    body = content[start:]
    if plan.dialect.delimiter == " ":
        body = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", body)
        body = re.sub(rb"[ \t]+", b" ", body)
    if (body.count(b"\n") + 1) * plan.width > 2 * MAX_CELLS:
        raise too_many_cells(name)
    if not body.strip():
        return [RawColumn(name=column, cells=pa.array([], pa.string())) for column in plan.names], []
    ragged = RaggedRows(
        body=body, first_line=plan.body_line + 1, width=plan.width, dialect=plan.dialect, name=name
    )
    table = _bulk(body, plan, ragged)
    if ragged.found:
        body = ragged.mended()
        try:
            table = _bulk(body, plan, None) if body.strip() else table.slice(0, 0)
        except pa.ArrowInvalid as error:  # filling up did not help: a quotation mark swallows line ends
            raise ragged.beyond_mending() from error
    if body.count(plan.dialect.quote.encode()) % 2:
        unclosed_quote(table, content, plan.dialect.quote, name)
    if table.num_rows * plan.width > MAX_CELLS:
        raise too_many_cells(name)
    columns = [
        RawColumn(name=column, cells=one_array(cells))
        for column, cells in zip(plan.names, table.columns, strict=True)
    ]
    return columns, ragged.findings


def too_many_cells(name: str) -> ReadingError:
    """The sentence for tables beyond the limit."""
    return ReadingError(
        f"'{name}' has more than {MAX_CELLS // 1_000_000} million cells (rows times columns); "
        "bring fewer rows or columns."
    )


def _bulk(body: bytes, plan: Plan, ragged: RaggedRows | None) -> pa.Table:
    dialect = plan.dialect
    keys = [str(i) for i in range(plan.width)]
    quoted = dialect.delimiter not in (None, " ")
    parse = arrow_csv.ParseOptions(
        delimiter=dialect.delimiter or _NO_DELIMITER,
        quote_char=dialect.quote if quoted else False,
        double_quote=quoted,
        escape_char="\\" if dialect.backslash else False,
        newlines_in_values=quoted and dialect.quote.encode() in body,
        invalid_row_handler=None if ragged is None else ragged.noted,
    )
    # one block holds any row up to its size; a block per file costs Arrow nothing
    read = arrow_csv.ReadOptions(
        column_names=keys, use_threads=False, block_size=min(max(len(body), MB), 512 * MB)
    )
    convert = arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(keys, pa.string()), strings_can_be_null=False, check_utf8=False
    )
    return arrow_csv.read_csv(
        pa.BufferReader(body), read_options=read, parse_options=parse, convert_options=convert
    )
