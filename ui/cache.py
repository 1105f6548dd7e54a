"""Everything the pages look up more than once: the only file with ``st.cache_*``.

Keys are content hashes and ids, never frames: Streamlit hashes only a sample of a large frame, so one changed cell
could bring back somebody else's answer. Cached arrays are shared by all visitors and never written to.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from engine import Card, Dataset, Evaluation, Job, Result, as_binary, charts, evaluate, seconds_of
from ui import server


def dataset(id: str) -> Dataset:
    """The data set of that id, with its roles as they are now."""
    return server.workspace().datasets.get(id)


def card(model: str) -> Card:
    """The card of a model (name@version): a stored version never changes."""
    return _card(model, str(server.workspace().models_root))


def result(id: str) -> Result:
    """Scores and reasons, by memory map."""
    return _result(id, server.workspace().results.stamp(id))


def histogram(id: str) -> tuple[np.ndarray, np.ndarray]:
    """Edges and counts of a result's score histogram."""
    return _histogram(id, server.workspace().results.stamp(id))


def preview(dataset_id: str) -> pd.DataFrame:
    """The first rows of a data set."""
    return _preview(dataset_id, 200)


def column(dataset_id: str, name: str) -> pd.Series:
    """One column of a data set."""
    return _column(dataset_id, name)


def labels(dataset_id: str, name: str) -> tuple[np.ndarray, str]:
    """A label column as 1, 0 and NaN, and how it was understood."""
    return _labels(dataset_id, name)


def evaluation(result_id: str, label: str, threshold: float) -> Evaluation:
    """A result against the labels of its data set."""
    found = result(result_id)
    return evaluate(found.values, labels(found.dataset, label)[0], threshold)


def explanation(job: Job) -> dict[str, Any]:
    """The answer of an explaining job that is done."""
    return job.result or {}


@st.cache_resource(max_entries=64, show_spinner=False)
def _card(model: str, root: str) -> Card:
    return Card.from_dict(server.workspace().models.card(model))


@st.cache_resource(max_entries=8, show_spinner=False)
def _result(id: str, stamp: int) -> Result:
    return server.workspace().results.load(id)


@st.cache_resource(max_entries=32, show_spinner=False)
def _histogram(id: str, stamp: int) -> tuple[np.ndarray, np.ndarray]:
    return charts.histogram(_result(id, stamp).values)


@st.cache_resource(max_entries=8, show_spinner=False)
def _preview(dataset_id: str, rows: int) -> pd.DataFrame:
    return dataset(dataset_id).rows_at(range(rows))


@st.cache_resource(max_entries=12, show_spinner=False)
def _column(dataset_id: str, name: str) -> pd.Series:
    return dataset(dataset_id).frame([name])[name]


@st.cache_resource(max_entries=4, show_spinner=False)
def _labels(dataset_id: str, name: str) -> tuple[np.ndarray, str]:
    return as_binary(_column(dataset_id, name))


@dataclass(frozen=True)
class Line:
    """One channel of a series in order of time."""

    rows: np.ndarray  # row numbers in the table
    times: np.ndarray  # seconds since 1970, or steps
    values: np.ndarray
    clock: bool  # whether times are dates


def line(dataset_id: str, time: str, channel: str, entity: str | None, which: str | None) -> Line:
    """One channel, of one entity where there are several."""
    return _line(dataset_id, time, channel, entity, which)


def entities(dataset_id: str, entity: str) -> list[str]:
    """The entities of a series, by name."""
    return _entities(dataset_id, entity)


def spans(times: np.ndarray, flags: np.ndarray) -> list[tuple[float, float]]:
    """Stretches of flagged readings as (start, end)."""
    edges = np.flatnonzero(np.diff(np.r_[False, flags, False].astype(np.int8)))
    return [(float(times[a]), float(times[b - 1])) for a, b in zip(edges[::2], edges[1::2], strict=True)]


@st.cache_resource(max_entries=16, show_spinner=False)
def _line(dataset_id: str, time: str, channel: str, entity: str | None, which: str | None) -> Line:
    stamps = _column(dataset_id, time)
    seconds = seconds_of(stamps)
    rows = np.flatnonzero(np.isfinite(seconds))
    if entity is not None:
        rows = rows[(_column(dataset_id, entity).astype(str) == which).to_numpy()[rows]]
    rows = rows[np.argsort(seconds[rows], kind="stable")]
    values = pd.to_numeric(_column(dataset_id, channel), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return Line(rows, seconds[rows], values[rows], bool(pd.api.types.is_datetime64_any_dtype(stamps)))


@st.cache_resource(max_entries=8, show_spinner=False)
def _entities(dataset_id: str, entity: str) -> list[str]:
    return sorted(_column(dataset_id, entity).dropna().astype(str).unique())[:5_000]
