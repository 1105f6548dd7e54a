"""The sections that come first: what was done, and what the data look like."""

from __future__ import annotations

from typing import Any

from engine.charts.chart import counted
from engine.reporting.content import Block, Column, Facts, Table, Text, Tone
from engine.reporting.subject import Subject
from engine.reporting.wording import flagged_in_words, unjudged_in_words
from engine.scoring.wording import moment_in_words, number_in_words, percent

MOST_COLUMNS = 60  # in the table of the page; a workbook has all
MOST_FINDINGS = 12


def what_was_done(subject: Subject) -> list[Block]:
    """Data, model, threshold and outcome in a few sentences."""
    data, card, now, word = subject.dataset, subject.card, subject.judgement, subject.row_word
    learned = "these very rows" if subject.result.drift.learned else f"{card.rows:,} rows of {card.dataset}"
    said = (
        f"{data.name} has {counted(data.rows, 'row')} and {counted(len(data.columns), 'column')}. Every {word} was "
        f"judged by the model {card.id} ({card.title}), which learned from {learned} what is usual. "
        f"{flagged_in_words(now, word)} {unjudged_in_words(now, word)}"
    )
    blocks: list[Block] = [Text(said.strip(), "lead")]
    order = subject.result.order
    if len(order):
        worst = int(order[0])
        why = subject.result.sentence(worst)
        blocks.append(Text(f"The most unusual of all is {word} {worst + 1:,}: {why}."))
    if subject.events is not None and len(subject.events):
        many = counted(len(subject.events), "event")
        blocks.append(Text(f"Flagged readings that follow one another make {many}."))
    drift = subject.result.drift
    tone: Tone = "good" if drift.verdict == "fits" else "caution"
    blocks.append(Text(f"{drift.sentence} {drift.advice}", tone))
    return blocks


def the_data(subject: Subject) -> list[Block]:
    """The profile of the data: size, roles, columns, and what reading the file found."""
    data, profile = subject.dataset, subject.dataset.profile
    columns = profile["columns"]
    cells = data.rows * len(data.columns)
    missing = sum(facts["missing"] for facts in columns.values())
    facts = {
        "File": data.name,
        "Size": f"{counted(data.rows, 'row')} × {counted(len(data.columns), 'column')}",
        "Missing cells": f"{missing:,} ({percent(missing / cells)})" if missing else "none",
        "Kind": "a series: rows follow one another in time"
        if data.roles.kind == "series"
        else "a table: rows stand alone",
    }
    sampling = profile["sampling"]
    if sampling and data.roles.kind == "series":
        facts["Usual step"] = f"{sampling['step_seconds']:g} s, {counted(sampling['gaps'], 'gap')}"
    blocks: list[Block] = [Facts(facts), _columns(subject, columns)]
    blocks += [Text(note, "small") for note in profile["notes"]]
    found = data.findings
    if found:
        blocks.append(Text("What reading the file found", "heading"))
        blocks += [
            Text(finding.text.replace("`", "'"), "caution" if finding.level == "warning" else "small")
            for finding in found[:MOST_FINDINGS]
        ]
    return blocks


def _columns(subject: Subject, columns: dict[str, Any]) -> Table:
    """Every column with its role, its type and its range."""
    data = subject.dataset
    names = data.columns
    shown = names[:MOST_COLUMNS]
    left = len(names) - len(shown)
    return Table(
        title="Columns",
        columns=[
            Column(title="Column", values=shown),
            Column(title="Role", values=[data.roles.columns.get(name, "ignore") for name in shown]),
            Column(title="Type", values=[data.types[name] for name in shown]),
            Column(title="Missing", values=[columns[name]["missing"] for name in shown]),
            Column(title="Distinct", values=[columns[name]["distinct"] for name in shown]),
            Column(title="Values", values=[_values(columns[name]) for name in shown]),
        ],
        below=f"{left:,} more columns are not listed." if left else "",
    )


def _values(facts: dict[str, Any]) -> str:
    """The range of a column of numbers or dates, the commonest values of another."""
    if commonest := facts.get("commonest"):
        first = [f"{value} ({count:,})" for value, count in list(commonest.items())[:3]]
        return ", ".join(first) + (", …" if facts["distinct"] > 3 else "")
    low, high = facts.get("low"), facts.get("high")
    if low is None or high is None:
        return "empty"
    if isinstance(low, str):
        return f"{moment_in_words(low)} to {moment_in_words(high)}"
    median = facts.get("median")
    middle = "" if median is None else f", median {number_in_words(median)}"
    return f"{number_in_words(low)} to {number_in_words(high)}{middle}"
