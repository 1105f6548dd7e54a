"""From raw columns to a Reading: labels, rows that are no data, types, and everything that was noticed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading import numerals, typed
from engine.data.reading.attempts import Setting
from engine.data.reading.columns import plain_dates, plain_numbers, understood
from engine.data.reading.distinct import Distinct, quoted
from engine.data.reading.epochs import epoch_unit, from_epoch
from engine.data.reading.labels import labelled
from engine.data.reading.missing import is_missing
from engine.data.reading.raw import RawColumn, RawTable, is_text
from engine.data.reading.tidying import is_sum_row, tidied, totals_finding
from engine.data.reading.typed import Typed
from engine.data.reading.types import ColumnType, Finding, Reading, ReadingOptions
from engine.errors import ReadingError

_NUMERIC = ("integer", "number")
_SAMPLE = 5_000  # cells from three places that show how a column writes its numbers


def assembled(raw: RawTable, name: str, options: ReadingOptions) -> Reading:
    """Finish a table; ``name`` is the file's, for messages."""
    if not raw.columns:
        raise ReadingError(f"'{name}' holds no column that fits into a table; choose another file.")
    if not raw.n_rows:
        raise ReadingError(f"'{name}' holds column names but no rows; choose a file with data.")
    tidied(raw, options)
    if not raw.n_rows:
        raise ReadingError(f"'{name}' holds no rows with data; choose another file.")
    labels, renamed = labelled([column.name for column in raw.columns], has_header=raw.has_header)
    for column, label in zip(raw.columns, labels, strict=True):
        column.name = label
    _check_named_columns(options, labels, name)
    columns = _typed(raw, options)
    findings = [*raw.findings, *renamed, *_numbers_finding(raw, columns)]
    if options.drop_totals is not False and _ends_in_sums(columns):
        columns = {label: _shortened(column) for label, column in columns.items()}
        findings.append(totals_finding(1, "the sums of the rows above"))
    findings += [finding for column in columns.values() for finding in column.findings]
    findings += _missing_findings(columns)
    types: dict[str, ColumnType] = {label: column.type for label, column in columns.items()}
    return Reading(
        frame=pd.DataFrame({label: column.values for label, column in columns.items()}, copy=False),
        types=types,
        findings=tuple(sorted(findings, key=lambda finding: finding.level != "warning")),
        delimiter=raw.delimiter,
        encoding=raw.encoding,
        header_row=raw.header_row,
        sheet=raw.sheet,
        sheets=raw.sheets,
    )


def _check_named_columns(options: ReadingOptions, labels: list[str], name: str) -> None:
    wanted = [*options.text_columns, *options.number_columns, *options.datetime_columns]
    unknown = [column for column in wanted if column not in labels]
    if unknown:
        raise ReadingError(
            f"'{name}' has no column {quoted(unknown[:3])}; its columns are {quoted(labels[:12])}."
        )


def _typed(raw: RawTable, options: ReadingOptions) -> dict[str, Typed]:
    """Every column with its type: the easy ones first, the others by what the whole file shows."""
    done: dict[str, Typed] = {}
    closer: dict[str, pa.Array] = {}
    for column in raw.columns:
        if column.name in options.text_columns:
            done[column.name] = typed.text(column.cells.cast(pa.string()))
        elif not is_text(column.cells):
            done[column.name] = _native(column, raw)
        else:
            plain = _plain(column, raw, options)
            if plain is None:
                closer[column.name] = column.cells
            else:
                done[column.name] = plain
    setting, proof = _setting(raw, options, closer)
    raw.findings += proof
    if setting.decimal == "," and setting.decimal_is_proved:
        for column in raw.columns:
            if column.name in done and is_text(column.cells) and numerals.only_grouped(column.cells, ","):
                closer[column.name] = column.cells
    for label, cells in closer.items():
        quick = _with_decimal_commas(label, cells, setting)
        done[label] = understood(Distinct.of(label, cells), setting) if quick is None else quick
    return {column.name: _as_time(column.name, done[column.name], options) for column in raw.columns}


def _with_decimal_commas(label: str, cells: pa.Array, setting: Setting) -> Typed | None:
    """The quick way for a column of numbers in a file that is proved to have decimal commas."""
    options = setting.options
    if setting.decimal != "," or not (setting.decimal_is_proved or options.decimal):
        return None
    if label in options.datetime_columns or not setting.numbers_allowed or cells.null_count == len(cells):
        return None
    points = numerals.with_points(cells)
    return None if points is None else plain_numbers(points, label)


def _plain(column: RawColumn, raw: RawTable, options: ReadingOptions) -> Typed | None:
    is_date = column.name in options.datetime_columns
    numbers = raw.texts_may_be_numbers and not is_date and options.decimal != ","
    found = plain_numbers(column.cells, column.name) if numbers else None
    if found is None and column.name not in options.number_columns:
        found = plain_dates(column.cells, column.name)
    return found


def _native(column: RawColumn, raw: RawTable) -> Typed:
    result = typed.native(column.cells, column.name, may_be_integers=raw.integral_numbers_are_integers)
    if column.cells.null_count == len(column.cells):
        result.findings.append(_empty(column.name))
    return result


def _empty(label: str) -> Finding:
    return Finding(
        kind="empty_column", text=f"'{label}' holds no values at all.", level="warning", column=label
    )


def _setting(
    raw: RawTable, options: ReadingOptions, closer: dict[str, Distinct]
) -> tuple[Setting, list[Finding]]:
    """How this file writes numbers and dates, by the evidence of its columns together."""
    proofs, examples = [], []
    for label, cells in closer.items() if raw.texts_may_be_numbers else ():
        distinct = Distinct.of(label, _sample(cells))
        stripped, _ = numerals.bare(distinct.without_missing(among_values=True)[0])
        proof = numerals.evidence(stripped, distinct.counts)
        numeric = numerals.matches(stripped, numerals.pattern(numerals.DOT)) | numerals.matches(
            stripped, numerals.pattern(numerals.COMMA)
        )
        if distinct.weight(numeric) < 0.9 * distinct.weight(np.asarray(pc.is_valid(stripped))):
            continue
        proofs.append(proof)
        examples.append((stripped, proof, distinct.name))
    decimal = numerals.file_decimal(proofs, raw.delimiter)
    chosen = options.decimal or decimal or ("," if raw.delimiter == ";" else ".")
    setting = Setting(
        options=options,
        decimal=chosen,
        decimal_is_proved=decimal is not None,
        default_day_first=chosen == "," or raw.delimiter == ";",
        numbers_allowed=raw.texts_may_be_numbers,
        may_be_integers=raw.integral_numbers_are_integers,
    )
    return setting, _writing_findings(examples, setting)


def _sample(cells: pa.Array) -> pa.Array:
    """The first, middle and last cells of a long column."""
    n = len(cells)
    if n <= 3 * _SAMPLE:
        return cells
    return pa.concat_arrays([cells.slice(start, _SAMPLE) for start in (0, n // 2, n - _SAMPLE)])


def _writing_findings(
    examples: list[tuple[pa.Array, numerals.Evidence, str]], setting: Setting
) -> list[Finding]:
    """Decimal comma and thousands, each with the first cell that shows it."""
    findings: list[Finding] = []
    said: set[str] = set()
    for texts, proof, _ in examples:
        decimal = setting.options.decimal or proof.decimal or setting.decimal
        convention = numerals.Convention(decimal=decimal, thousands=setting.options.thousands)
        for kind, shown in numerals.peculiar(texts, convention).items():
            if kind in said or (kind == "decimal" and setting.options.decimal) or (
                kind == "thousands" and setting.options.thousands is not None
            ):  # fmt: skip
                continue
            said.add(kind)
            what = "Decimal comma" if kind == "decimal" else "Thousands are grouped"
            findings.append(
                Finding(
                    kind=kind,
                    text=f"{what}: '{shown.text}' is read as {shown.value:.15g}.",
                    option=kind,
                    value="," if kind == "decimal" else shown.mark,
                )
            )
    return findings


def _as_time(label: str, column: Typed, options: ReadingOptions) -> Typed:
    """Numbers that count the time since 1970, where name or size say so, as instants."""
    forced = label in options.datetime_columns
    if column.type not in _NUMERIC or label in options.number_columns or label in options.text_columns:
        return column
    unit = epoch_unit(label, column.values, forced=forced)
    if unit is None:
        return column
    moments = from_epoch(column.values, unit[1])
    finding = Finding(
        kind="epoch",
        text=f"'{label}' counts the {unit[0]} since 1970; it is read as date and time in UTC.",
        column=label,
        option="number_columns",
    )
    return Typed(
        values=moments,
        type="datetime",
        findings=[*column.findings, finding],
        missing_words=column.missing_words,
    )


def _ends_in_sums(columns: dict[str, Typed]) -> bool:
    """Whether the last row has no key but numbers that add up the column above."""
    first = next(iter(columns.values()))
    if len(first.values) < 4 or len(columns) < 2:
        return False
    numbers = [np.asarray(c.values, float) for c in columns.values() if c.type in _NUMERIC]
    keys = [column for column in columns.values() if column.type not in _NUMERIC]
    return (
        bool(numbers)
        and bool(keys)
        and is_sum_row(numbers, all(bool(pd.isna(key.values[-1])) for key in keys))
    )


def _shortened(column: Typed) -> Typed:
    values: Any = column.values[:-1]
    if column.type == "integer" and values.dtype.kind == "f" and not np.isnan(values).any():
        values = values.astype(np.int64)
    return Typed(
        values=values, type=column.type, findings=column.findings, missing_words=column.missing_words
    )


def _numbers_finding(raw: RawTable, columns: dict[str, Typed]) -> list[Finding]:
    """Cells a spreadsheet or JSON file keeps as text although they are numbers."""
    if not raw.cells_had_types:
        return []
    findings = []
    for column in raw.columns:
        if columns[column.name].type not in _NUMERIC or not is_text(column.cells):
            continue
        cells = (
            column.cells if column.written_as_text is None else column.cells.filter(column.written_as_text)
        )
        n = len(cells) - cells.null_count - (pc.sum(is_missing(cells, among_values=True)).as_py() or 0)
        if n:
            stored = "1 number was" if n == 1 else f"{n} numbers were"
            sentence = f"In '{column.name}' {stored} stored as text."
            findings.append(
                Finding(kind="numbers_as_text", text=sentence, column=column.name, option="text_columns")
            )
    return findings


def _missing_findings(columns: dict[str, Typed]) -> list[Finding]:
    """The words taken for missing, with their counts."""
    affected = {label: column.missing_words for label, column in columns.items() if column.missing_words}
    findings = []
    for label, words in list(affected.items())[:8]:
        listed = ", ".join(f"'{word}' ({n})" for word, n in list(words.items())[:4])
        sentence = f"Read as missing in '{label}': {listed}."
        findings.append(Finding(kind="missing", text=sentence, column=label, option="text_columns"))
    if len(affected) > 8:
        n_cells = sum(sum(words.values()) for words in list(affected.values())[8:])
        sentence = f"{n_cells} cells in {len(affected) - 8} more columns hold words for missing."
        findings.append(Finding(kind="missing", text=sentence))
    return findings
