"""A text column read as yes or no, as numbers or as dates: what it would be, and which cells disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from engine.data.reading import numerals, typed
from engine.data.reading.dates import Dates, dates, iso_dates
from engine.data.reading.distinct import Distinct, quoted, shortened
from engine.data.reading.epochs import is_time_like
from engine.data.reading.numerals import Convention, Decimal, Evidence, matches
from engine.data.reading.typed import Typed
from engine.data.reading.types import Finding, Level, ReadingOptions

_PAIRS = (("true", "false"), ("yes", "no"), ("ja", "nein"), ("wahr", "falsch"), ("oui", "non"))
_SHORT_PAIRS = (("y", "n"), ("t", "f"))  # only where both occur
_LEADING_ZEROS = r"^[-+]?0[0-9]+$"
ENOUGH = 20_000  # distinct texts that show how a column writes its numbers; every cell is checked later
TEXT_REASONS = ("leading_zeros", "long_integers")  # findings that say why digits are no quantity


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What the whole file says about its cells."""

    options: ReadingOptions
    decimal: Decimal = "."
    decimal_is_proved: bool = False
    default_day_first: bool = False
    numbers_allowed: bool = True
    may_be_integers: bool = False


@dataclass(kw_only=True)
class Attempt:
    """Distinct texts read one way: the result, which of them it holds for, and what it says about them."""

    column: Typed
    failed: npt.NDArray[np.bool_]
    missing: npt.NDArray[np.bool_]


def booleans_in(distinct: Distinct, _: Setting) -> Attempt | None:
    """Two words that mean yes and no; never 0 and 1."""
    texts, missing = distinct.without_missing(among_values=True)
    if len(texts) > 40:  # spellings and words for missing; more is a category
        return None
    words = [None if word is None else word.lower() for word in texts.to_pylist()]
    present = set(words) - {None}
    pairs = [*_PAIRS, *(pair for pair in _SHORT_PAIRS if present >= set(pair))]
    pair = next((pair for pair in pairs if present & set(pair)), None)
    if pair is None or not present <= set(pair):
        return None
    flags = pa.array([None if word is None else word == pair[0] for word in words], pa.bool_())
    rows = flags.take(pa.array(distinct.codes, mask=distinct.codes < 0))
    return Attempt(column=typed.booleans(rows), failed=np.zeros(len(texts), bool), missing=missing)


def numbers_in(distinct: Distinct, setting: Setting, *, forced: bool = False) -> Attempt | None:
    """Quantities; ``forced`` takes ids with leading zeros for quantities too."""
    name, options = distinct.name, setting.options
    texts, missing = distinct.without_missing(among_values=True)
    stripped, signs = numerals.bare(texts)
    proof = numerals.evidence(stripped[:ENOUGH], distinct.counts[:ENOUGH])
    convention = Convention(
        decimal=options.decimal or proof.decimal or setting.decimal, thousands=options.thousands
    )
    infinite = matches(stripped, r"^(?i)[-+]?inf(inity)?$")
    good = matches(stripped, numerals.pattern(convention))
    if not good.any():
        return None
    failed = ~good & ~missing & ~infinite
    findings: list[Finding] = []
    if len(signs) > 1:
        failed = ~missing
    else:
        findings += _number_findings(distinct, proof, setting, good, signs)
    kept_text = None if forced else _why_text(distinct, texts, stripped, convention, good)
    if kept_text:
        return Attempt(
            column=Typed(values=None, type="number", findings=[kept_text]), failed=~missing, missing=missing
        )
    numbers = pc.if_else(pa.array(good & ~failed), stripped, pa.scalar(None, stripped.type))
    whole = numerals.whole_numbers(numbers, convention) if not infinite.any() and not signs else None
    rows = pa.array(distinct.codes, mask=distinct.codes < 0)
    if whole is not None:
        column = typed.integers(whole.take(rows), name)
    else:
        values = np.where(infinite, np.inf, numerals.values(numbers, convention))
        column = typed.floats(distinct.spread(values, np.nan), name, may_be_integers=False)
    column.findings = findings + column.findings
    return Attempt(column=column, failed=failed, missing=missing)


def _why_text(
    distinct: Distinct,
    texts: pa.Array,
    stripped: pa.Array,
    convention: Convention,
    good: npt.NDArray[np.bool_],
) -> Finding | None:
    """Digits that are no quantity: ids with zeros in front, numbers beyond 64 bits."""
    zeros = matches(texts, _LEADING_ZEROS)
    if zeros.any():
        example = distinct.examples(zeros, 1)[0]
        sentence = f"'{distinct.name}' kept as text because of leading zeros such as `{example}`."
        return Finding(kind="leading_zeros", text=sentence, column=distinct.name, option="number_columns")
    long = matches(stripped, r"^[-+]?[0-9]{16,}$") & good
    digits = pc.if_else(pa.array(long), stripped, pa.scalar(None, stripped.type))
    if long.any() and numerals.whole_numbers(digits, convention) is None:
        example = shortened(str(next(d for d in digits.to_pylist() if d and abs(int(d)) >= 2**63)))
        sentence = f"'{distinct.name}' kept as text: {example} has more digits than a whole number can hold."
        return Finding(kind="long_integers", text=sentence, column=distinct.name, option="number_columns")
    return None


def _number_findings(
    distinct: Distinct, proof: Evidence, setting: Setting, good: npt.NDArray[np.bool_], signs: tuple[str, ...]
) -> list[Finding]:
    """Percent signs, currencies, and 1,234 that could be either."""
    name, findings = distinct.name, []
    if signs and good.any():
        example = distinct.examples(good, 1)[0]
        what = "percent" if signs[0] == "%" else signs[0]
        sentence = f"'{name}' is read in {what}: '{example}' without its sign."
        findings.append(Finding(kind="unit", text=sentence, column=name, option="text_columns"))
    if (
        proof.undecided
        and not proof.decimal
        and not setting.decimal_is_proved
        and setting.options.decimal is None
    ):
        shown = quoted(distinct.examples(good & matches(distinct.texts, r"[.,]"), 1))
        sign = "comma" if setting.decimal == "," else "point"
        findings.append(
            Finding(
                kind="decimal",
                text=f"{shown} in '{name}' could be a decimal or have its thousands grouped; "
                f"the decimal {sign} was assumed.",
                level="warning",
                column=name,
                option="decimal",
                value=setting.decimal,
            )
        )
    return findings


def dates_in(distinct: Distinct, setting: Setting) -> Attempt:
    """Dates and times, UTC where offsets are written."""
    texts, missing = distinct.without_missing(among_values=True)
    name, options = distinct.name, setting.options
    quick = iso_dates(texts)
    if quick is not None and quick[0].null_count < len(texts):
        stamps, zoned = quick
        instants = typed.instants(stamps).values
        found = Dates(instants=instants, n_with_zone=len(texts) if zoned else 0)
    else:
        found = dates(
            texts,
            day_first=options.day_first,
            default_day_first=setting.default_day_first,
            compact=is_time_like(name) or name in options.datetime_columns,
            order=distinct.codes[distinct.codes >= 0],
        )
    values: Any = distinct.spread(found.instants, np.datetime64("NaT"))
    column = Typed(values=values, type="datetime", findings=date_findings(name, found))
    return Attempt(column=column, failed=~found.ok & ~missing, missing=missing)


def date_findings(name: str, found: Dates) -> list[Finding]:
    """Time zones, and how day and month were told apart."""
    findings = []
    if found.n_with_zone:
        sentence = f"'{name}' has time zone offsets; its times are read as UTC."
        findings.append(Finding(kind="time_zone", text=sentence, column=name, option="text_columns"))
    if found.basis in ("certain", "order", "guess") and found.example:
        order = "day before month" if found.day_first else "month before day"
        certain = f"'{found.example}' in '{name}' is read with the {order}"
        why = {
            "certain": ", as other dates of the column show.",
            "order": ", because the rows are in order of time that way.",
            "guess": "; nothing in the file decides between day and month, please check.",
        }[found.basis]
        level: Level = "warning" if found.basis == "guess" else "info"
        findings.append(
            Finding(
                kind="day_first",
                text=certain + why,
                level=level,
                column=name,
                option="day_first",
                value=found.day_first,
            )
        )
    return findings
