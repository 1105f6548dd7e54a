"""What the pages look up more than once; ``st.cache_*`` lives here, in ``cache_series`` and in ``cache_checked`` alone.

Keys are content hashes and ids, never frames: Streamlit hashes only a sample of a large frame, so one changed cell
could bring back somebody else's answer. Cached arrays are shared by all visitors and never written to.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from engine import (
    GIVEN,
    Card,
    Contexts,
    Dataset,
    EngineError,
    FeatureRecipe,
    Fingerprint,
    GroupedResult,
    Judgement,
    Labels,
    ReasonGroup,
    Result,
    as_binary,
    charts,
    current_labels,
    load_fingerprint,
    load_recipe,
    rule_from_dict,
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


def result_of(model: str, dataset_id: str) -> str | None:
    """The id of what a model, ``name`` or ``name@version``, said of a data set; None where it has not been asked."""
    space = server.workspace()
    try:
        ref = str(space.models.resolve(model))
    except EngineError:
        return None
    return space.results.id_of(ref, dataset_id) if space.results.exists(ref, dataset_id) else None


def judged_by(dataset_id: str) -> dict[str, str]:
    """The models that have judged a data set and are still there, the newest first, and the ids of their results."""
    found: dict[str, str] = {}
    for id in server.workspace().results.of_dataset(dataset_id):
        try:
            model = result(id).model
            card(model)
        except EngineError:
            continue
        found.setdefault(model, id)
    return found


def forget_models() -> None:
    """Forget the cards, recipes and fingerprints of models, after one was deleted."""
    _card.clear()
    recipe.clear()
    fingerprint.clear()
    _grouped.clear()


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
    """A label column as 1, 0 and NaN, and how it was understood; or the labels given, by the name of their state."""
    return _answers_given(dataset_id, name) if name.startswith(GIVEN) else _labels(dataset_id, name)


def given_labels(data: Dataset) -> Labels:
    """The labels people gave to rows of a data set, as they stand now."""
    return _given_labels(data.id, str(data.roles.as_dict()), server.labels().stamp())


@st.cache_resource(max_entries=64, show_spinner=False)
def _card(model: str, root: str) -> Card:
    return Card.from_dict(server.workspace().models.card(model))


@st.cache_resource(max_entries=64, show_spinner=False)
def fingerprint(model: str) -> Fingerprint | None:
    """How the training columns of a model (name@version) were distributed; None where that was not kept."""
    return load_fingerprint(server.workspace().models, model)


def grouped(found: Result) -> GroupedResult | None:
    """A result by the groups of its model; None where that keeps none."""
    return _grouped(found.id, server.workspace().results.stamp(found.id))


@st.cache_resource(max_entries=8, show_spinner=False)
def _grouped(id: str, stamp: int) -> GroupedResult | None:
    return GroupedResult.of(server.workspace(), _result(id, stamp))


def judged_by_group(id: str, kind: str, value: float) -> Judgement:
    """What a rule flags in a result by lines of their own."""
    return _judged_by_group(id, server.workspace().results.stamp(id), kind, value)


@st.cache_resource(max_entries=12, show_spinner=False)
def _judged_by_group(id: str, stamp: int, kind: str, value: float) -> Judgement:
    found = _grouped(id, stamp)
    assert found is not None, "asked before"
    return found.judge(rule_from_dict({"kind": kind, "value": value}))


@st.cache_resource(max_entries=12, show_spinner=False)
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


@st.cache_resource(max_entries=4, show_spinner=False)
def _answers_given(dataset_id: str, name: str) -> tuple[np.ndarray, str]:
    data = dataset(dataset_id)
    found = given_labels(data)
    return found.spread(data.rows), found.in_words


@st.cache_resource(max_entries=8, show_spinner=False)
def _given_labels(dataset_id: str, roles: str, stamp: int) -> Labels:
    return current_labels(server.labels(), dataset(dataset_id))


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


def as_needed(found: Result, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows in the columns, and under the names, that the model knows; one it did without is empty."""
    needed = list(card(found.model).columns)
    here = [found.mapping.get(column, column) for column in needed]
    return rows.reindex(columns=here).set_axis(needed, axis=1)


@st.cache_resource(max_entries=16, show_spinner=False)
def recipe(model: str) -> FeatureRecipe:
    """How a model (name@version) looks at rows."""
    return load_recipe(server.workspace().models, model)


@st.cache_resource(max_entries=64, show_spinner=False)
def row(dataset_id: str, number: int) -> pd.DataFrame:
    """One row of a data set, as a table of one row."""
    return dataset(dataset_id).rows_at([number])


@st.cache_resource(max_entries=4, show_spinner=False)
def _normal_rows(result_id: str, stamp: int) -> pd.DataFrame:
    found = _result(result_id, stamp)
    ordinary = np.flatnonzero(np.asarray(found.severity) < ORDINARY)
    if len(ordinary) > MOST_COMPARED:
        ordinary = np.sort(np.random.default_rng(0).choice(ordinary, MOST_COMPARED, replace=False))
    return dataset(found.dataset).rows_at(ordinary.tolist())
