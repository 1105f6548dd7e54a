"""What the pages look up of results in the order of time; ``st.cache_*`` by the same rules."""

from __future__ import annotations

from typing import Any

import numpy as np
import streamlit as st

from engine import Events, Judgement, Lanes, Result, SeriesColumns, SeriesFiles, SeriesResult, charts
from ui import cache, server


def series_of(found: Result) -> SeriesColumns | None:
    """Which columns make a result a series; None where the model judged every row for itself."""
    return SeriesColumns.of(cache.recipe(found.model), cache.dataset(found.dataset), found.mapping)


def series_result(found: Result, columns: SeriesColumns) -> SeriesResult:
    """A result in the order of time."""
    return in_order(*key(found, columns))


def events(
    found: Result, columns: SeriesColumns, answer: Judgement, choices: tuple[int, int, float]
) -> Events:
    """The events of what is flagged: bridged over so many readings, the shortest so long, above that severity."""
    own = None if answer.own is None else (answer.own.rule.kind, answer.own.rule.value)
    return _events(*key(found, columns), answer.threshold, own, choices)


def whole_line(found: Result, columns: SeriesColumns, channel: str, entity: str) -> np.ndarray:
    """The places of the readings, in the order of time, that draw all of a channel of one entity."""
    return _whole_line(found.dataset, columns.time, columns.entity, channel, entity)


def lanes(found: Result, columns: SeriesColumns, kind: str, entity: str) -> Lanes:
    """Highest severities over time: the ``strip`` of an entity, lanes of its ``channels``, or of the ``entities``."""
    return _lanes(*key(found, columns), kind, "" if kind == "entities" else entity)


def key(found: Result, columns: SeriesColumns | None) -> tuple[str, int, Any, Any]:
    """What tells a result, in the order of time or not, from every other."""
    time, entity = (None, None) if columns is None else (columns.time, columns.entity)
    return found.id, server.workspace().results.stamp(found.id), time, entity


@st.cache_resource(max_entries=8, show_spinner="Putting the readings in order …")
def files_of(dataset_id: str, time: str, entity: str | None) -> SeriesFiles:
    """A data set in the order of time."""
    return SeriesFiles.of(cache.dataset(dataset_id), time, entity)


@st.cache_resource(max_entries=4, show_spinner=False)
def in_order(id: str, stamp: int, time: str, entity: str | None) -> SeriesResult:
    """A result in the order of time, by its key."""
    found = cache.result(id)
    return SeriesResult.of(found, files_of(found.dataset, time, entity), cache.fingerprint(found.model))


@st.cache_resource(max_entries=4, show_spinner=False)
def _events(
    id: str,
    stamp: int,
    time: str,
    entity: str | None,
    threshold: float,
    own: tuple[str, float] | None,
    choices: tuple[int, int, float],
) -> Events:
    bridge, shortest, above = choices
    series = in_order(id, stamp, time, entity)
    lines = None if own is None else cache.judged_by_group(id, *own).own
    line = threshold if lines is None else lines.of_rows
    return series.events(line, bridge=bridge, shortest=shortest, above=above or None)


@st.cache_resource(max_entries=32, show_spinner=False)
def _whole_line(dataset_id: str, time: str, entity: str | None, channel: str, which: str) -> np.ndarray:
    files = files_of(dataset_id, time, entity)
    part = files.part(which)
    return part.start + charts.thin(files.seconds[part], files.channel(channel)[part])


@st.cache_resource(max_entries=32, show_spinner=False)
def _lanes(id: str, stamp: int, time: str, entity: str | None, kind: str, which: str) -> Lanes:
    series = in_order(id, stamp, time, entity)
    if kind == "entities":
        return series.lanes_of_entities()
    return series.strip(which) if kind == "strip" else series.lanes_of_channels(which)
