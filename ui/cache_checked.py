"""What the pages look up of results beside known answers and beside each other: ``st.cache_*`` by the same rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import (
    Checked,
    CheckedSeries,
    Dataset,
    Entry,
    GroupedRows,
    Half,
    Judgement,
    Leaderboard,
    Line,
    Result,
    SeriesColumns,
    charts,
    entry_of,
    kept_leaderboard,
    lines,
    stored_leaderboard,
    usual_rules,
)
from ui import cache, cache_series, server


def checked(found: Result, label: str, half: Half = "both", answer: Judgement | None = None) -> Checked:
    """A result against its labels, or the half that chooses a line or judges it. Too few raise a DataError.

    Where the ``answer`` has lines of their own, scores are levelled: the line of each row lies at the common one.
    """
    own = None if answer is None else answer.own
    by = None if own is None else (own.rule.kind, own.rule.value)
    return _checked(*cache_series.key(found, cache_series.series_of(found)), label, half, by)


def checked_series(
    found: Result, columns: SeriesColumns, label: str, window: int, half: Half = "both"
) -> CheckedSeries:
    """The same in the order of time; tolerance up to a window of so many readings."""
    return _checked_series(*cache_series.key(found, columns), label, window, half)


def every_line(found: Result, label: str | None) -> list[Line]:
    """Where every rule would put the line, its knob where it usually stands."""
    return _every_line(found.id, server.workspace().results.stamp(found.id), found.model, label)


def grouped(found: Result, label: str, column: str) -> tuple[GroupedRows, list[str]]:
    """The rows of a result by the groups of a column, and the names of these."""
    return _grouped(found.id, server.workspace().results.stamp(found.id), label, column)


def leaderboard(data: Dataset, results: tuple[str, ...], *, own_lines: bool = False) -> Leaderboard:
    """Models that have judged a data set side by side, and the baselines, by the known answers if there are any."""
    return _leaderboard(data.id, results, own_lines, _stamps(results), data.roles.as_dict())


def leaderboard_kept(data: Dataset, results: tuple[str, ...], *, own_lines: bool) -> Leaderboard | None:
    """The same as a job has kept it; None for nothing."""
    told = (data.id, results, own_lines, _stamps(results), data.roles.as_dict())
    found = _kept_leaderboard(*told)
    if found is None:
        _kept_leaderboard.clear(*told)  # a job may be at it
    return found


def _stamps(results: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(server.workspace().results.stamp(id) for id in results)


@st.cache_resource(max_entries=6, show_spinner=False)
def _checked(
    id: str,
    stamp: int,
    time: str | None,
    entity: str | None,
    label: str,
    half: Half,
    by: tuple[str, float] | None,
) -> Checked:
    found, (edges, _) = cache.result(id), cache.histogram(id)
    values = np.asarray(found.values)
    own = None if by is None else cache.judged_by_group(id, *by).own
    if own is not None:
        values = own.levelled(values)
        edges, _ = charts.histogram(values)
    files = None if time is None else cache_series.files_of(found.dataset, time, entity)
    known = cache.labels(found.dataset, label)[0]
    return Checked.of(values, known, edges, half, files)


@st.cache_resource(max_entries=4, show_spinner="Measuring how well events are found …")
def _checked_series(
    id: str, stamp: int, time: str, entity: str | None, label: str, window: int, half: Half
) -> CheckedSeries:
    series = cache_series.in_order(id, stamp, time, entity)
    return CheckedSeries.of(series, cache.labels(series.result.dataset, label)[0], window, half)


@st.cache_resource(max_entries=8, show_spinner=False)
def _every_line(id: str, stamp: int, model: str, label: str | None) -> list[Line]:
    found, told = cache.result(id), cache.card(model)
    rules, reference = usual_rules(labelled=label is not None), told.reference_scores
    told_of = (rules, reference, found.ascending, lambda: checked(found, str(label), "choosing").curve)
    return lines(*told_of, rows=told.independent_rows)


@st.cache_resource(max_entries=6, show_spinner=False)
def _grouped(id: str, stamp: int, label: str, column: str) -> tuple[GroupedRows, list[str]]:
    found = cache.result(id)
    codes, names = pd.factorize(cache.column(found.dataset, column), sort=True)
    answers = cache.labels(found.dataset, label)[0]
    rows = GroupedRows.of(codes, len(names), np.asarray(found.values), answers)
    return rows, [str(name) for name in names]


@st.cache_resource(max_entries=6, show_spinner="Comparing …")
def _leaderboard(
    dataset_id: str, results: tuple[str, ...], own_lines: bool, stamps: tuple[int, ...], roles: dict[str, Any]
) -> Leaderboard:
    data = cache.dataset(dataset_id)
    known = None if data.roles.label is None else cache.labels(dataset_id, data.roles.label)[0]
    return stored_leaderboard(data, _entries(results, own_lines=own_lines), known)


@st.cache_resource(max_entries=6, show_spinner=False)
def _kept_leaderboard(
    dataset_id: str, results: tuple[str, ...], own_lines: bool, stamps: tuple[int, ...], roles: dict[str, Any]
) -> Leaderboard | None:
    return kept_leaderboard(server.workspace(), cache.dataset(dataset_id), results, own_lines=own_lines)


def _entries(results: tuple[str, ...], *, own_lines: bool) -> list[Entry]:
    return [entry_of(server.workspace(), cache.result(id), own_lines=own_lines) for id in results]
