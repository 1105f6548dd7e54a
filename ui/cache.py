"""Everything the pages look up more than once: the only file with ``st.cache_*``.

Keys are content hashes and ids, never frames: Streamlit hashes only a sample of a large frame, so one changed cell
could bring back somebody else's answer. Cached arrays are shared by all visitors and never written to.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import (
    Card,
    Checked,
    CheckedSeries,
    Contexts,
    Dataset,
    Events,
    FeatureRecipe,
    Fingerprint,
    Lanes,
    Leaderboard,
    ReasonGroup,
    Result,
    SeriesColumns,
    SeriesFiles,
    SeriesResult,
    as_binary,
    charts,
    load_fingerprint,
    load_recipe,
    stored_leaderboard,
)
from ui import server

ORDINARY = 90.0  # severity below which a row may serve as an example of the usual
MOST_COMPARED = 5_000  # ordinary rows searched for the nearest


def dataset(id: str) -> Dataset:
    """The data set of that id, with its roles as they are now."""
    return server.workspace().datasets.get(id)


def card(model: str) -> Card:
    """The card of a model (name@version): a stored version never changes."""
    return _card(model, str(server.workspace().models_root))


def result(id: str) -> Result:
    """Scores and reasons, by memory map."""
    return _result(id, server.workspace().results.stamp(id))


def forget_models() -> None:
    """Forget the cards, recipes and fingerprints of models, after one was deleted."""
    _card.clear()
    recipe.clear()
    fingerprint.clear()


def histogram(id: str) -> tuple[np.ndarray, np.ndarray]:
    """Edges and counts of a result's score histogram."""
    return _histogram(id, server.workspace().results.stamp(id))


def checked(result_id: str, label: str) -> Checked:
    """A result against its labels. One class only raises an error that says so."""
    return _checked(result_id, label, server.workspace().results.stamp(result_id))


def checked_series(found: Result, columns: SeriesColumns, label: str, window: int) -> CheckedSeries:
    """The same in the order of time; tolerance up to a window of so many readings."""
    return _checked_series(*_key(found, columns), label, window)


def leaderboard(dataset_id: str, results: tuple[str, ...], label: str | None) -> Leaderboard:
    """Models that have judged a data set side by side, and the baselines, by the known answers if there are any."""
    stamps = tuple(server.workspace().results.stamp(id) for id in results)
    return _leaderboard(dataset_id, results, label, stamps, dataset(dataset_id).roles.as_dict())


@st.cache_resource(max_entries=64, show_spinner=False)
def _card(model: str, root: str) -> Card:
    return Card.from_dict(server.workspace().models.card(model))


@st.cache_resource(max_entries=64, show_spinner=False)
def fingerprint(model: str) -> Fingerprint | None:
    """How the training columns of a model (name@version) were distributed; None where that was not kept."""
    return load_fingerprint(server.workspace().models, model)


@st.cache_resource(max_entries=4, show_spinner=False)
def _result(id: str, stamp: int) -> Result:
    return server.workspace().results.load(id)


@st.cache_resource(max_entries=32, show_spinner=False)
def _histogram(id: str, stamp: int) -> tuple[np.ndarray, np.ndarray]:
    return charts.histogram(_result(id, stamp).values)


@st.cache_resource(max_entries=8, show_spinner=False)
def preview(dataset_id: str) -> pd.DataFrame:
    """The first rows of a data set."""
    return dataset(dataset_id).rows_at(range(200))


@st.cache_resource(max_entries=6, show_spinner=False)
def column(dataset_id: str, name: str) -> pd.Series:
    """One column of a data set."""
    return dataset(dataset_id).frame([name])[name]


@st.cache_resource(max_entries=4, show_spinner=False)
def labels(dataset_id: str, name: str) -> tuple[np.ndarray, str]:
    """A label column as 1, 0 and NaN, and how it was understood."""
    return as_binary(column(dataset_id, name))


def series_of(found: Result) -> SeriesColumns | None:
    """Which columns make a result a series; None where the model judged every row for itself."""
    return SeriesColumns.of(recipe(found.model), dataset(found.dataset), found.mapping)


def series_result(found: Result, columns: SeriesColumns) -> SeriesResult:
    """A result in the order of time."""
    return _series_result(*_key(found, columns))


def events(
    found: Result, columns: SeriesColumns, threshold: float, choices: tuple[int, int, float]
) -> Events:
    """The events above a threshold: bridged over so many readings, the shortest so long, above that severity."""
    return _events(*_key(found, columns), threshold, choices)


def whole_line(found: Result, columns: SeriesColumns, channel: str, entity: str) -> np.ndarray:
    """The places of the readings, in the order of time, that draw all of a channel of one entity."""
    return _whole_line(found.dataset, columns.time, columns.entity, channel, entity)


def lanes(found: Result, columns: SeriesColumns, kind: str, entity: str) -> Lanes:
    """Highest severities over time: the ``strip`` of an entity, lanes of its ``channels``, or of the ``entities``."""
    return _lanes(*_key(found, columns), kind, "" if kind == "entities" else entity)


def _key(found: Result, columns: SeriesColumns) -> tuple[str, int, str, str | None]:
    return found.id, server.workspace().results.stamp(found.id), columns.time, columns.entity


@st.cache_resource(max_entries=8, show_spinner="Putting the readings in order …")
def _files(dataset_id: str, time: str, entity: str | None) -> SeriesFiles:
    return SeriesFiles.of(dataset(dataset_id), time, entity)


@st.cache_resource(max_entries=4, show_spinner=False)
def _series_result(id: str, stamp: int, time: str, entity: str | None) -> SeriesResult:
    found = _result(id, stamp)
    return SeriesResult.of(found, _files(found.dataset, time, entity), fingerprint(found.model))


@st.cache_resource(max_entries=4, show_spinner=False)
def _events(
    id: str, stamp: int, time: str, entity: str | None, threshold: float, choices: tuple[int, int, float]
) -> Events:
    bridge, shortest, above = choices
    series = _series_result(id, stamp, time, entity)
    return series.events(threshold, bridge=bridge, shortest=shortest, above=above or None)


@st.cache_resource(max_entries=32, show_spinner=False)
def _whole_line(dataset_id: str, time: str, entity: str | None, channel: str, which: str) -> np.ndarray:
    files = _files(dataset_id, time, entity)
    part = files.part(which)
    return part.start + charts.thin(files.seconds[part], files.channel(channel)[part])


@st.cache_resource(max_entries=32, show_spinner=False)
def _lanes(id: str, stamp: int, time: str, entity: str | None, kind: str, which: str) -> Lanes:
    series = _series_result(id, stamp, time, entity)
    if kind == "entities":
        return series.lanes_of_entities()
    return series.strip(which) if kind == "strip" else series.lanes_of_channels(which)


def row(dataset_id: str, number: int) -> pd.DataFrame:
    """One row of a data set, as a table of one row."""
    return _row(dataset_id, number)


def normal_rows(result_id: str) -> pd.DataFrame:
    """A sample of the rows a model finds ordinary, under their row numbers."""
    return _normal_rows(result_id, server.workspace().results.stamp(result_id))


def in_context(found: Result, group: ReasonGroup) -> ReasonGroup:
    """A group of flagged rows, with the category beside which its numbers are unusual."""
    if not group.beside_others:
        return group
    return _contexts(found.id, server.workspace().results.stamp(found.id)).told(group)


@st.cache_resource(max_entries=4, show_spinner=False)
def _contexts(result_id: str, stamp: int) -> Contexts:
    found = _result(result_id, stamp)
    return Contexts.of(recipe(found.model), found.worst, _normal_rows(result_id, stamp), found.mapping)


@st.cache_resource(max_entries=16, show_spinner=False)
def recipe(model: str) -> FeatureRecipe:
    """How a model (name@version) looks at rows."""
    return load_recipe(server.workspace().models, model)


@st.cache_resource(max_entries=64, show_spinner=False)
def _row(dataset_id: str, number: int) -> pd.DataFrame:
    return dataset(dataset_id).rows_at([number])


@st.cache_resource(max_entries=4, show_spinner=False)
def _normal_rows(result_id: str, stamp: int) -> pd.DataFrame:
    found = _result(result_id, stamp)
    ordinary = np.flatnonzero(np.asarray(found.severity) < ORDINARY)
    if len(ordinary) > MOST_COMPARED:
        ordinary = np.sort(np.random.default_rng(0).choice(ordinary, MOST_COMPARED, replace=False))
    return dataset(found.dataset).rows_at(ordinary.tolist())


@st.cache_resource(max_entries=4, show_spinner=False)
def _checked(result_id: str, label: str, stamp: int) -> Checked:
    found, (edges, _) = _result(result_id, stamp), _histogram(result_id, stamp)
    return Checked.of(np.asarray(found.values), labels(found.dataset, label)[0], edges)


@st.cache_resource(max_entries=4, show_spinner="Measuring how well events are found …")
def _checked_series(
    id: str, stamp: int, time: str, entity: str | None, label: str, window: int
) -> CheckedSeries:
    series = _series_result(id, stamp, time, entity)
    return CheckedSeries.of(series, labels(series.result.dataset, label)[0], window)


@st.cache_resource(max_entries=6, show_spinner="Comparing …")
def _leaderboard(
    dataset_id: str,
    results: tuple[str, ...],
    label: str | None,
    stamps: tuple[int, ...],
    roles: dict[str, Any],
) -> Leaderboard:
    judged = [(card(found.model), found) for found in map(result, results)]
    known = None if label is None else labels(dataset_id, label)[0]
    return stored_leaderboard(dataset(dataset_id), judged, known)
