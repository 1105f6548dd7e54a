"""Everything the pages look up more than once: the only file with ``st.cache_*``.

Keys are content hashes and ids, never frames: Streamlit hashes only a sample of a large frame, so one changed cell
could bring back somebody else's answer. Cached arrays are shared by all visitors and never written to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from engine import (
    Card,
    Curve,
    Dataset,
    FeatureRecipe,
    Fingerprint,
    Result,
    as_binary,
    best_f1_of,
    charts,
    curve,
    load_fingerprint,
    load_recipe,
    seconds_of,
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


def preview(dataset_id: str) -> pd.DataFrame:
    """The first rows of a data set."""
    return _preview(dataset_id, 200)


def column(dataset_id: str, name: str) -> pd.Series:
    """One column of a data set."""
    return _column(dataset_id, name)


def labels(dataset_id: str, name: str) -> tuple[np.ndarray, str]:
    """A label column as 1, 0 and NaN, and how it was understood."""
    return _labels(dataset_id, name)


@dataclass(frozen=True)
class Checked:
    """A result against the labels of its data set: everything that no threshold changes."""

    curve: Curve
    roc_auc: float
    average_precision: float
    roc: tuple[np.ndarray, np.ndarray]  # false positive rate, recall; thinned to what can be drawn
    precision_recall: tuple[np.ndarray, np.ndarray]  # recall, precision
    normal: np.ndarray  # labelled normal rows per bar of the histogram
    anomaly: np.ndarray
    best_threshold: float  # of the highest F1, with hindsight
    unjudged: tuple[int, int]  # labelled rows that could not be judged, and the anomalies among them


def checked(result_id: str, label: str) -> Checked:
    """A result against its labels. One class only raises an error that says so."""
    return _checked(result_id, label, server.workspace().results.stamp(result_id))


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
def _preview(dataset_id: str, rows: int) -> pd.DataFrame:
    return dataset(dataset_id).rows_at(range(rows))


@st.cache_resource(max_entries=6, show_spinner=False)
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


@dataclass(frozen=True)
class Series:
    """Which columns of the data make a result a time series."""

    time: str
    entity: str | None
    channels: list[str]


def series_of(found: Result) -> Series | None:
    """How to draw a result over time; None where the model judged every row for itself."""
    looked = recipe(found.model)
    if not looked.ordered or looked.roles.time is None:
        return None
    data, here = dataset(found.dataset), found.mapping
    channels = [here.get(c, c) for c in looked.channels]
    entity = looked.roles.entity
    return Series(
        time=here.get(looked.roles.time, looked.roles.time),
        entity=None if entity is None else here.get(entity, entity),
        channels=[c for c in channels if data.types.get(c) in ("integer", "number")],
    )


def entities(dataset_id: str, entity: str) -> list[str]:
    """The entities of a series, by name."""
    return _entities(dataset_id, entity)


@st.cache_resource(max_entries=8, show_spinner=False)
def _line(dataset_id: str, time: str, channel: str, entity: str | None, which: str | None) -> Line:
    rows, times, clock = _in_order(dataset_id, time, entity, which)
    numbers = pd.to_numeric(_column(dataset_id, channel), errors="coerce").to_numpy(
        dtype=float, na_value=np.nan
    )
    return Line(rows, times, numbers[rows], clock)


@st.cache_resource(max_entries=4, show_spinner=False)
def _in_order(
    dataset_id: str, time: str, entity: str | None, which: str | None
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Row numbers of a series, or of one entity of it, in order of time; their times; whether these are dates."""
    stamps = _column(dataset_id, time)
    seconds = seconds_of(stamps)
    rows = np.flatnonzero(np.isfinite(seconds))
    if entity is not None:
        rows = rows[(_column(dataset_id, entity).astype(str) == which).to_numpy()[rows]]
    rows = rows[np.argsort(seconds[rows], kind="stable")]
    return rows, seconds[rows], bool(pd.api.types.is_datetime64_any_dtype(stamps))


@st.cache_resource(max_entries=8, show_spinner=False)
def _entities(dataset_id: str, entity: str) -> list[str]:
    return sorted(_column(dataset_id, entity).dropna().astype(str).unique())[:5_000]


def row(dataset_id: str, number: int) -> pd.DataFrame:
    """One row of a data set, as a table of one row."""
    return _row(dataset_id, number)


def normal_rows(result_id: str) -> pd.DataFrame:
    """A sample of the rows a model finds ordinary, under their row numbers."""
    return _normal_rows(result_id, server.workspace().results.stamp(result_id))


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
    found = _result(result_id, stamp)
    truth = _labels(found.dataset, label)[0]
    scores = np.asarray(found.values)
    points = curve(scores, truth)
    rate, recall, precision = points.false_positive_rate, points.recall, points.precision
    drawn, steps = charts.corners(rate, recall), charts.corners(recall, precision)
    edges, _ = _histogram(result_id, stamp)
    judged = np.isfinite(scores)
    left = ~judged & np.isfinite(truth)
    return Checked(
        curve=points,
        roc_auc=points.roc_auc,
        average_precision=points.average_precision,
        roc=(rate[drawn], recall[drawn]),
        precision_recall=(recall[steps], precision[steps]),
        normal=np.histogram(scores[judged & (truth == 0)], bins=edges)[0],
        anomaly=np.histogram(scores[judged & (truth == 1)], bins=edges)[0],
        best_threshold=best_f1_of(points).threshold,
        unjudged=(int(left.sum()), int((truth[left] == 1).sum())),
    )
