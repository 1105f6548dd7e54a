"""What the pages look up of results in the order of time; the other file with ``st.cache_*``, by the same rules."""

from __future__ import annotations

import numpy as np
import streamlit as st

from engine import CheckedSeries, Events, Lanes, Result, SeriesColumns, SeriesFiles, SeriesResult, charts
from ui import cache, server


def series_of(found: Result) -> SeriesColumns | None:
    """Which columns make a result a series; None where the model judged every row for itself."""
    return SeriesColumns.of(cache.recipe(found.model), cache.dataset(found.dataset), found.mapping)


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


def checked_series(found: Result, columns: SeriesColumns, label: str, window: int) -> CheckedSeries:
    """A result against its labels in the order of time; tolerance up to a window of so many readings."""
    return _checked_series(*_key(found, columns), label, window)


def _key(found: Result, columns: SeriesColumns) -> tuple[str, int, str, str | None]:
    return found.id, server.workspace().results.stamp(found.id), columns.time, columns.entity


@st.cache_resource(max_entries=8, show_spinner="Putting the readings in order …")
def _files(dataset_id: str, time: str, entity: str | None) -> SeriesFiles:
    return SeriesFiles.of(cache.dataset(dataset_id), time, entity)


@st.cache_resource(max_entries=4, show_spinner=False)
def _series_result(id: str, stamp: int, time: str, entity: str | None) -> SeriesResult:
    found = cache.result(id)
    return SeriesResult.of(found, _files(found.dataset, time, entity), cache.fingerprint(found.model))


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


@st.cache_resource(max_entries=4, show_spinner="Measuring how well events are found …")
def _checked_series(
    id: str, stamp: int, time: str, entity: str | None, label: str, window: int
) -> CheckedSeries:
    series = _series_result(id, stamp, time, entity)
    return CheckedSeries.of(series, cache.labels(series.result.dataset, label)[0], window)
