"""The sections about flags: where the line lies and what it flags, and the worst rows with their reasons."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from engine import charts
from engine.charts.chart import counted
from engine.reporting.classes import class_columns
from engine.reporting.content import Block, Column, Facts, Figure, Table, Text
from engine.reporting.subject import Subject
from engine.reporting.wording import threshold_in_words, unjudged_in_words
from engine.scoring.wording import moment_in_words, percent

PERCENTILES = np.r_[np.arange(50.0, 99.0, 0.5), np.arange(99.0, 100.0001, 0.05)]
LISTED, TOLD, MAPPED = 25, 3, 20  # worst rows in the table, with all their reasons, in the map
LISTED_READINGS = 10  # of a series, whose events say more
HEIGHT = 220  # pixels of a chart
MOST_IN_WORKBOOK = 2_000
WORTH_TELLING, MOST_REASONS = 0.02, 6  # share of a row's score; reasons of a row
MOST_MARKS = 2  # columns that say which row it is


def the_threshold(subject: Subject) -> list[Block]:
    """Where the line lies, in words, numbers and two charts."""
    now, rule, word = subject.judgement, subject.rule, subject.row_word
    edges, counts = charts.histogram(np.asarray(subject.result.values))
    reference = subject.card.reference_scores
    at = np.interp(PERCENTILES, np.linspace(0, 100, len(reference)), reference)
    ascending = subject.result.ascending
    above = np.asarray(len(ascending) - np.searchsorted(ascending, at, side="right"), dtype=np.int64)
    facts = {
        "Rule": f"{rule.title} {rule.value:g}",
        "What it does": rule.help,
        "Threshold": f"{now.threshold:.6g}: an anomaly score strictly above it is flagged",
        "Flagged here": f"{now.flagged:,} of {now.judged:,} judged {word}s ({percent(now.share)})",
        "Flagged in training": percent(now.share_in_training),
        "To be expected": f"{1_000 * now.expected:.3g} flags in 1,000 {word}s of ordinary data",
    }
    histogram = charts.score_histogram(
        edges, counts, now.threshold, log=True, flagged=now.flagged, theme="light"
    )
    curve = charts.flagged_curve(PERCENTILES, above, (now.percentile, now.flagged), theme="light")
    blocks: list[Block] = [
        Text(threshold_in_words(now, rule, subject.result.drift, word), "lead"),
        Facts(facts),
        Figure(title="Anomaly scores and the threshold", chart=histogram, height=HEIGHT),
        Figure(title=f"How many {word}s other percentiles would flag", chart=curve, height=HEIGHT),
    ]
    remark = now.remark if now.own is None else now.own.sentence
    blocks += [Text(said, "small") for said in (remark, unjudged_in_words(now, word)) if said]
    return blocks


def worst_rows(subject: Subject) -> list[Block]:
    """The most unusual rows with their reasons, and where their scores come from."""
    now, result, word = subject.judgement, subject.result, subject.row_word
    if not len(result.worst):
        return [Text(f"No {word} could be judged.")]
    blocks: list[Block] = []
    if not now.flagged:
        blocks.append(
            Text(f"None is flagged; these are the {word}s that come nearest to the threshold.", "small")
        )
    blocks.append(_listed(subject))
    blocks += _shared(subject)
    blocks += _told(subject)
    rows = [int(row) for row in result.explained_rows[:MAPPED]]
    parts = np.asarray(result.contributions)[: len(rows)]
    names = [result.mapping.get(column) or column for column in result.columns]
    drawn = charts.contribution_map(rows, np.asarray(result.severity)[rows], names, parts, theme="light")
    blocks.append(Figure(title="Which columns their scores come from", chart=drawn))
    return blocks


def _listed(subject: Subject) -> Table:
    """The worst rows, one a line; in a workbook all that are flagged and explained, with all their columns."""
    result, word = subject.result, subject.row_word
    flagged, known = len(_flagged(subject)), len(result.worst)
    count = min(flagged or TOLD, LISTED if subject.series is None else LISTED_READINGS, known)
    places = _worst(subject, count)
    rows = result.explained_rows[places].tolist()
    severity = np.asarray(result.severity)
    columns = [Column(title=word.capitalize(), values=[row + 1 for row in rows])]
    columns += [
        Column(title=name, values=[_cell(value) for value in result.worst[name].iloc[places]])
        for name in _marks(subject)
    ]
    columns.append(Column(title="Severity", values=severity[rows].tolist(), digits=2))
    columns += class_columns(subject, rows)
    columns.append(Column(title="Why", values=[result.sentence(row) for row in rows]))
    more = f"The {count:,} most unusual of {counted(subject.judgement.flagged, f'flagged {word}')}. "
    return Table(
        title=f"The worst {word}s",
        columns=columns,
        below=(more if subject.judgement.flagged > count else "")
        + f"Severity: more unusual than this percentage of the {word}s the model learned from.",
        sheet=partial(_for_workbook, subject, min(flagged or count, MOST_IN_WORKBOOK)),
    )


def _flagged(subject: Subject) -> NDArray[np.int64]:
    """The places, among the explained rows, of those that are flagged."""
    return np.flatnonzero(subject.judgement.flags[subject.result.explained_rows])


def _worst(subject: Subject, count: int) -> NDArray[np.int64]:
    """The places, among the explained rows, of the worst flagged ones; of the worst of all where none is flagged."""
    places = _flagged(subject)
    return (places if len(places) else np.arange(len(subject.result.worst)))[:count]


def _shared(subject: Subject) -> list[Block]:
    """The flagged rows gathered by the reasons they share."""
    now, rows = subject.judgement, subject.result.explained_rows
    groups = subject.result.shared_reasons.groups(now.flags[rows])
    if not groups:
        return []
    columns = [
        Column(title="What they share", values=[group.text for group in groups]),
        Column(title=f"{subject.row_word.capitalize()}s", values=[len(group.places) for group in groups]),
    ]
    return [Table(title="Flagged, by shared reasons", columns=columns)]


def _for_workbook(subject: Subject, count: int) -> pd.DataFrame:
    """The worst rows as they stand in the table, behind what the model says of each."""
    result, word = subject.result, subject.row_word
    places = _worst(subject, count)
    rows = result.explained_rows[places].tolist()
    said = pd.DataFrame(
        {
            word.capitalize(): [row + 1 for row in rows],
            "Severity": np.asarray(result.severity)[rows],
            "Anomaly score": np.asarray(result.values)[rows],
            **{column.title: pd.array(column.values, dtype="str") for column in class_columns(subject, rows)},
            "Why": pd.array([result.sentence(row) for row in rows], dtype="str"),
        }
    )
    there = result.worst.iloc[places].reset_index(drop=True)
    taken = {name: f"{name} (data)" for name in said.columns if name in there.columns}
    return pd.concat([said, there.rename(columns=taken)], axis=1)


def _told(subject: Subject) -> list[Block]:
    """All reasons of the few worst rows."""
    result, word = subject.result, subject.row_word
    blocks: list[Block] = []
    for row in [int(row) for row in result.explained_rows[:TOLD]]:
        reasons = [r for r in result.reasons(row) or [] if r["share"] >= WORTH_TELLING][:MOST_REASONS]
        if not reasons:
            continue
        severity = f"{float(result.severity[row]):.2f}"
        blocks.append(
            Table(
                title=f"{word.capitalize()} {row + 1:,}, severity {severity}",
                columns=[
                    Column(
                        title="Column",
                        values=[": ".join(filter(None, (r["column"], r["measure"]))) for r in reasons],
                    ),
                    Column(title="Value", values=[r["value"] for r in reasons]),
                    Column(title="Usual", values=[r["expected"] or r["usual"] for r in reasons]),
                    Column(title="Share of the score", values=[percent(r["share"]) for r in reasons]),
                ],
            )
        )
    return blocks


def _marks(subject: Subject) -> list[str]:
    """The columns that say which row it is (its time, whose it is, its number), and the known answer."""
    roles = subject.dataset.roles
    wanted = [roles.time, roles.entity, *roles.of("id")]
    there = [name for name in wanted if name is not None and name in subject.result.worst][:MOST_MARKS]
    return there + [name for name in roles.of("label") if name in subject.result.worst]


def _cell(value: object) -> str:
    """A cell as text."""
    if value is None or value is pd.NaT or value != value:
        return ""
    if isinstance(value, pd.Timestamp):
        return moment_in_words(value)
    return f"{value:g}" if isinstance(value, float) else str(value)
