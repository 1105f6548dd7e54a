"""Text columns become numbers, dates, yes/no or stay text: decided per column, checked on every cell."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading import typed
from engine.data.reading.attempts import (
    TEXT_REASONS,
    Attempt,
    Setting,
    booleans_in,
    date_findings,
    dates_in,
    numbers_in,
)
from engine.data.reading.dates import Dates, iso_dates
from engine.data.reading.distinct import FEW, Distinct, quoted
from engine.data.reading.raw import parsed
from engine.data.reading.typed import Typed
from engine.data.reading.types import Finding

_SAMPLE = 2_000  # distinct texts tried before all of them are
_MANY = 0.5  # from this share of numbers on, staying text is worth a word


def plain_numbers(cells: pa.Array, name: str) -> Typed | None:
    """The quick way for a column that any program reads the same; None where it takes a closer look."""
    whole = parsed(cells, pa.int64())
    if whole is not None:
        odd = pc.match_substring_regex(cells, r"^[-+]?0[0-9xX]")
        return None if pc.any(odd).as_py() or whole.null_count == len(whole) else typed.integers(whole, name)
    values = parsed(cells, pa.float64())
    if values is None:
        return None
    if not pc.all(pc.is_finite(values)).as_py() or _only_whole(cells):
        return None  # a word for infinity or missing among them, or integers that need a closer look
    return Typed(values=values.to_numpy(zero_copy_only=False), type="number")


def _only_whole(cells: pa.Array) -> bool:
    """Integers that did not fit 64 bits, or carry a plus sign or zeros in front."""
    return not any(
        pc.any(pc.match_substring_regex(part, r"[.eE]")).as_py()
        for part in (cells.slice(0, 100), cells.slice(100))
    )


def plain_dates(cells: pa.Array, name: str) -> Typed | None:
    """The quick way for a column of ISO 8601 dates without a cell that is anything else."""
    quick = iso_dates(cells) if cells.null_count < len(cells) else None
    if quick is None:
        return None
    found = Dates(instants=np.empty(0, "M8[us]"), n_with_zone=int(quick[1]))
    return Typed(values=typed.instants(quick[0]).values, type="datetime", findings=date_findings(name, found))


def understood(distinct: Distinct, setting: Setting) -> Typed:
    """The best reading of one text column."""
    name = distinct.name
    if name in setting.options.number_columns:
        forced = numbers_in(distinct, setting, forced=True)
        return _with_bad_cells(distinct, forced) if forced else _no_numbers(distinct)
    if name in setting.options.datetime_columns:
        return _with_bad_cells(distinct, dates_in(distinct, setting))
    sample = distinct.sample(_SAMPLE)
    readers = [booleans_in, dates_in, *([numbers_in] if setting.numbers_allowed else [])]
    hopeful = [reader for reader in readers if sample is distinct or _holds(reader(sample, setting))]
    tries = [reader(distinct, setting) for reader in hopeful]
    fitting = [attempt for attempt in tries if attempt is not None and _fits(distinct, attempt)]
    if fitting:
        best = min(fitting, key=lambda attempt: distinct.weight(attempt.failed))
        return _with_bad_cells(distinct, best)
    return _text(distinct, tries)


def _fits(distinct: Distinct, attempt: Attempt) -> bool:
    n_cells = distinct.weight(~attempt.missing)
    return n_cells > 0 and distinct.weight(attempt.failed) <= FEW * n_cells


def _holds(attempt: Attempt | None) -> bool:
    """Whether a reading holds for any cell of a sample: a million remarks are not parsed as dates."""
    if attempt is None:
        return False
    kept_text = any(finding.kind in TEXT_REASONS for finding in attempt.column.findings)
    return kept_text or bool((~attempt.failed & ~attempt.missing).any())


def _with_bad_cells(distinct: Distinct, attempt: Attempt) -> Typed:
    column, n_bad = attempt.column, distinct.weight(attempt.failed)
    column.missing_words = distinct.tally(attempt.missing)
    if n_bad:
        words = {"number": "numbers", "integer": "numbers", "datetime": "dates"}.get(column.type, "yes or no")
        shown = quoted(distinct.examples(attempt.failed))
        column.findings.append(
            Finding(
                kind="bad_cells",
                text=f"{n_bad} of {distinct.weight(~attempt.missing)} cells in '{distinct.name}' "
                f"are no {words} (such as {shown}); read as missing.",
                level="warning",
                column=distinct.name,
                option="text_columns",
            )
        )
    return column


def _text(distinct: Distinct, tries: list[Attempt | None]) -> Typed:
    texts, missing = distinct.without_missing(among_values=False)
    column = typed.spread_text(distinct, texts)
    column.missing_words = distinct.tally(missing)
    n_cells = distinct.weight(~missing)
    for attempt in tries:
        if attempt is None or attempt.column.type == "boolean" or not n_cells:
            continue
        column.findings += [
            f for f in attempt.column.findings if f.kind in ("leading_zeros", "long_integers")
        ]
        n_failed = distinct.weight(attempt.failed)
        n_fitting = distinct.weight(~attempt.failed & ~attempt.missing)
        if not column.findings and n_fitting > _MANY * n_cells:
            kind = "dates" if attempt.column.type == "datetime" else "numbers"
            option = "datetime_columns" if kind == "dates" else "number_columns"
            shown = quoted(distinct.examples(attempt.failed))
            column.findings.append(
                Finding(
                    kind="mixed",
                    text=f"'{distinct.name}' kept as text: {n_failed} of {n_cells} cells are no {kind}, "
                    f"such as {shown}.",
                    level="warning",
                    column=distinct.name,
                    option=option,
                )
            )
    return column


def _no_numbers(distinct: Distinct) -> Typed:
    values = np.full(len(distinct.codes), np.nan)
    sentence = f"'{distinct.name}' holds no number at all; every cell is read as missing."
    finding = Finding(
        kind="bad_cells", text=sentence, level="warning", column=distinct.name, option="number_columns"
    )
    return Typed(values=values, type="number", findings=[finding])
