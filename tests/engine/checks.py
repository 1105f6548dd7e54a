"""What every detector promises, one small law each. The docstring is the law.

A check is called with the detector's name, a data set with planted anomalies (see ``tests/conftest.py``) and the
model trained on it. It fails with an AssertionError or with whatever the engine should not have raised.
"""

import importlib
import sys
import tempfile
import warnings
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from engine.analysis import explain_worst, train
from engine.data.roles import Roles
from engine.detectors import CATALOGUE
from engine.errors import Cancelled, DataError, EngineError, SchemaError, UsageError
from engine.hyperparameters import declared
from engine.model import Model
from engine.store import ModelStore
from tests import naive

TABULAR = [name for name, kind in CATALOGUE.items() if not kind.sequential]
SEQUENTIAL = [name for name, kind in CATALOGUE.items() if kind.sequential]


def same(a, b) -> bool:
    """Bit for bit the same numbers, unjudged rows included."""
    return np.array_equal(a, b, equal_nan=True)


def scores_of(detector, frame, roles, **hyperparameters):
    """Scores of a table by a model trained on it."""
    return train(frame, roles, detector, quick(detector) | hyperparameters).score(frame).values


def numbers_of(data) -> list[str]:
    """The numeric feature columns."""
    return [c for c in data.roles.features if pd.api.types.is_float_dtype(data.frame[c])]


def quick(detector) -> dict[str, int]:
    """Hyperparameters with which a detector that takes long learns just enough."""
    fast = {"epochs": 2, "num_epochs": 2, "d_model": 16, "nhead": 2, "members": "neighbours, one_class_svm"}
    fast |= {"max_epochs_pretrain": 1, "max_epochs_finetune": 2, "n_heads": 2, "n_layers": 1}
    layers = ("num_encoder_layers", "num_teacher_decoder_layers", "num_student_decoder_layers")
    return _declared(detector, fast | dict.fromkeys(layers, 1))


def shortened(detector) -> dict[str, int]:
    """Hyperparameters that spare time where a detector is wanted much as it is."""
    return _declared(detector, {"epochs": 15, "max_epochs_pretrain": 2, "n_layers": 1})


def quickest(detector) -> dict[str, int]:
    """Hyperparameters that make a detector quick where the law does not depend on what it finds."""
    return quick(detector) | _declared(detector, {"n_estimators": 15, "epochs": 1, "num_epochs": 1})


def _declared(detector, values) -> dict[str, int]:
    return {name: value for name, value in values.items() if name in declared(CATALOGUE[detector])}


def matrix(n_samples=80, n_features=4, seed=3):
    """A plain matrix for checks of a bare detector."""
    return np.random.default_rng(seed).normal(size=(n_samples, n_features))


# ---- what a score means


def finds_scattered_anomalies(detector, data, model):
    """Planted rows score above ordinary ones: ROC-AUC at least 0.9."""
    scores = model.score(data.frame).values
    judged = np.isfinite(scores)
    assert naive.roc_auc(scores[judged], data.labels[judged]) >= 0.9


def higher_is_more_anomalous(detector, data, model):
    """A planted row lies above nearly all ordinary rows, in score and in severity."""
    scores = model.score(data.frame)
    for numbers in (scores.values, scores.severity):
        planted, ordinary = numbers[data.labels == 1], numbers[(data.labels == 0) & scores.judged]
        assert np.median(planted) > np.quantile(ordinary, 0.95)


def further_out_never_scores_lower(detector, data, model):
    """Moving a typical row away from the others, column by column, never makes it less anomalous."""
    frame = data.frame.iloc[[0] * 4].reset_index(drop=True)
    for name in numbers_of(data):
        frame[name] = data.frame[name].median() + np.array([0.0, 3.0, 6.0, 12.0]) * data.frame[name].std()
    scores = model.score(frame).values
    assert (np.diff(scores) >= 0).all()
    assert scores[-1] > scores[0]


def every_row_is_answered(detector, data, model):
    """One score a row; a row that cannot be judged is NaN, has no severity, and its obstacle in words."""
    frame = data.frame.convert_dtypes()
    frame.loc[[50, 51], list(data.roles.features)] = pd.NA
    scores = model.score(frame)
    assert scores.values.shape == scores.severity.shape == (len(frame),)
    unjudged = set(np.flatnonzero(np.isnan(scores.values)).tolist())
    assert {50, 51} <= unjudged == set(scores.obstacles)
    assert all(scores.obstacles.values())
    assert same(np.isnan(scores.values), np.isnan(scores.severity))


# ---- the same question gets the same answer


def same_seed_same_scores(detector, data, model):
    """Training again with the same seed gives the same scores, bit for bit."""
    assert same(scores_of(detector, data.frame, data.roles), model.score(data.frame).values)


def rows_in_another_order_score_the_same(detector, data, model):
    """The order of the rows that are scored does not matter."""
    order = np.random.default_rng(1).permutation(len(data.frame))
    assert same(model.score(data.frame.iloc[order]).values, model.score(data.frame).values[order])


def columns_in_another_order_score_the_same(detector, data, model):
    """Columns are found by name, and columns the model does not need do not matter."""
    frame = data.frame[data.frame.columns[::-1]].assign(unheard_of="x")
    assert same(model.score(frame).values, model.score(data.frame).values)


def training_in_another_order_scores_the_same(detector, data, model):
    """A model of shuffled rows and columns gives the same scores, bit for bit."""
    rng = np.random.default_rng(2)
    frame = data.frame.sample(frac=1, random_state=4)
    frame = frame[rng.permutation(list(frame.columns))]
    roles = Roles({c: data.roles.columns[c] for c in rng.permutation(list(frame.columns))}, data.roles.kind)
    again = train(frame, roles, detector, quick(detector))
    assert same(again.score(data.frame).values, model.score(data.frame).values)
    assert again.card.threshold == model.card.threshold
    assert again.card.reference == model.card.reference


def training_with_columns_in_another_order_scores_the_same(detector, data, model):
    """In a series, whose rows have an order of their own: the order of the columns does not matter."""
    frame = data.frame[data.frame.columns[::-1]]
    roles = Roles({c: data.roles.columns[c] for c in frame.columns}, data.roles.kind)
    assert same(scores_of(detector, frame, roles), model.score(data.frame).values)


def a_row_scores_the_same_in_any_company(detector, data, model):
    """Alone, in a batch or in a longer slice: a row's score is its own."""
    whole = model.score(data.frame).values
    if not model.recipe.ordered:
        for row in (0, 17, 123, int(data.labels.argmax())):
            assert same(model.score(data.frame.iloc[[row]]).values, whole[[row]])
        assert same(model.score(data.frame.iloc[40:47]).values, whole[40:47])
        assert same(model.score(pd.concat([data.frame] * 3)).values, np.tile(whole, 3))
    elif model.recipe.pace is not None:
        reach = model.detector.window_
        for first, last in ((0, 300), (57, 391), (101, 400)):
            part = model.score(data.frame.iloc[first:last]).values
            inner = slice(first and reach, len(part) - reach if last < len(whole) else None)
            assert same(part[inner], whole[first:last][inner])
    else:
        reach = model.recipe.windows.length - 1
        for row in (60, 123, 399):
            assert same(model.score(data.frame.iloc[row - reach : row + 1]).values[-1:], whole[[row]])
        assert same(model.score(data.frame.iloc[150:250]).values[reach:], whole[150 + reach : 250])


def fitting_twice_is_fitting_once(detector, data, model):
    """A second fit forgets the first."""
    X, new = matrix(), partial(CATALOGUE[detector], **quick(detector))
    twice = new().fit(10 * matrix(50, 4, seed=9)).fit(X)
    assert same(twice.decision_function(X), new().fit(X).decision_function(X))
    assert same(twice.decision_scores_, new().fit(X).decision_scores_)


def saving_and_loading_keep_the_scores(detector, data, model):
    """A model read from disk answers bit for bit as the one that was saved, threshold and severity included."""
    with tempfile.TemporaryDirectory() as folder:
        card = model.save(ModelStore(Path(folder)))
        loaded = Model.load(ModelStore(Path(folder)), card.id)
    before, after = model.score(data.frame), loaded.score(data.frame)
    assert same(before.values, after.values)
    assert same(before.severity, after.severity)
    assert before.obstacles == after.obstacles
    assert loaded.card.threshold == model.card.threshold == loaded.detector.threshold_


# ---- nothing is touched, nothing is peeked at


def inputs_stay_unchanged(detector, data, model):
    """Training, scoring and explaining leave the table as it was."""
    frame = data.frame.copy()
    trained = train(frame, data.roles, detector, quick(detector))
    prepared = trained.encode(frame)
    explain_worst(trained, prepared, trained.judge(prepared), most=5)
    pd.testing.assert_frame_equal(frame, data.frame)


def labels_are_never_seen(detector, data, model):
    """Labels shuffled, or not there at all: the scores are the same."""
    label = data.roles.label
    shuffled = data.frame.assign(**{label: np.random.default_rng(5).permutation(data.labels)})
    bare = data.frame.drop(columns=label)
    roles = Roles({c: r for c, r in data.roles.columns.items() if c != label}, data.roles.kind)
    before = model.score(data.frame).values
    assert same(scores_of(detector, shuffled, data.roles), before)
    assert same(scores_of(detector, bare, roles), before)
    assert same(model.score(bare).values, before)


# ---- awkward columns


def a_constant_column_is_left_out(detector, data, model):
    """A column with one value changes nothing and is named on the card."""
    frame = data.frame.assign(dull=7.5)
    trained = train(
        frame, Roles({**data.roles.columns, "dull": "feature"}, data.roles.kind), detector, quick(detector)
    )
    assert trained.card.left_out == {"dull": "has the same value in every row"}
    assert same(trained.score(data.frame).values, model.score(data.frame).values)


def missing_cells_are_survived(detector, data, model):
    """Cells missing at training and at scoring, up to a whole column: every row with enough left is judged."""
    frame = data.frame.copy()
    names = numbers_of(data)
    frame.loc[::7, names[0]] = np.nan
    assert np.isfinite(scores_of(detector, frame, data.roles)).mean() > 0.9
    frame[names[0]] = np.nan
    scores = model.score(frame)
    assert np.isfinite(scores.values[scores.judged]).all()
    assert scores.judged.mean() > 0.9 or len(names) < 4


def an_unseen_category_is_survived(detector, data, model):
    """A category never seen in training is judged, and counted in a note."""
    frame = data.frame.copy()
    frame.loc[3, "product"] = "anvil"
    scores = model.score(frame)
    assert np.isfinite(scores.values[3])
    assert any("'product' holds 1 cells with a category" in note for note in scores.notes)


def duplicate_rows_are_fine(detector, data, model):
    """A table of which nine in ten rows repeat is ranked; equal rows get equal scores."""
    frame = data.frame.iloc[np.r_[np.zeros(270, dtype=int), np.arange(30)]].reset_index(drop=True)
    scores = scores_of(detector, frame, data.roles)
    assert np.isfinite(scores).all()
    assert len(set(scores[:271])) == 1


def impossible_cells_move_no_other_row(detector, data, model):
    """Infinite and absurd cells leave their rows unjudged, the column named, and all other ranks where they were.

    After training compared with a table that never had the row: a detector that samples would draw others otherwise.
    """
    frame, name = data.frame.copy(), numbers_of(data)[1]
    bad = np.flatnonzero(data.labels == 0)[[100, 110, 120]]
    rest = np.setdiff1d(np.arange(len(frame)), bad)
    frame.loc[bad, name] = [np.inf, -np.inf, 1e300]
    scores = model.score(frame)
    assert np.isnan(scores.values[bad]).all()
    assert all(scores.obstacles[row].startswith(f"'{name}' is impossibly large") for row in bad)
    assert same(scores.values[rest], model.score(data.frame).values[rest])
    frame = data.frame.copy()
    frame.loc[bad[0], name] = np.inf
    scores, rest = (
        train(frame, data.roles, detector, quick(detector)).score(frame),
        np.delete(np.arange(len(frame)), bad[0]),
    )
    assert np.flatnonzero(np.isnan(scores.values)).tolist() == [bad[0]]
    without = scores_of(detector, data.frame.drop(index=bad[0]), data.roles)
    assert same(scores.values[rest], without), "so every rank is kept: Kendall's tau is 1"


def an_impossible_reading_is_forgotten(detector, data, model):
    """In a series too: the reading is unjudged, the column named, and no other reading is lost."""
    frame, name = data.frame.copy(), numbers_of(data)[0]
    frame.loc[[210, 250], name] = [1e300, -np.inf]
    before = model.score(data.frame).judged
    for scores in (model.score(frame), train(frame, data.roles, detector, quick(detector)).score(frame)):
        assert np.flatnonzero(before & ~scores.judged).tolist() == [210, 250]
        assert all(f"'{name}' is impossibly large" in scores.obstacles[row] for row in (210, 250))


# ---- tables that do not fit


def a_missing_column_is_named(detector, data, model):
    """Scoring a table without a needed column says which one."""
    name = numbers_of(data)[0]
    with pytest.raises(SchemaError, match=f"column '{name}' missing"):
        model.score(data.frame.drop(columns=name))


def a_renamed_column_is_suggested(detector, data, model):
    """A column that now has another spelling is offered, and reading it from there gives the same scores."""
    name = numbers_of(data)[0]
    here = f"{name.replace('_', ' ').title()} 2"
    frame = data.frame.rename(columns={name: here})
    with pytest.raises(SchemaError, match=f"'{name}' \\(perhaps '{here}'\\?\\)"):
        model.score(frame)
    assert same(model.score(frame, mapping={name: here}).values, model.score(data.frame).values)


def a_number_that_became_text_is_refused(detector, data, model):
    """A column of another type is not guessed at."""
    name = numbers_of(data)[0]
    with pytest.raises(SchemaError, match=f"'{name}' holds text where the model learned from number"):
        model.score(data.frame.assign(**{name: "high"}))


def a_constant_table_is_refused(detector, data, model):
    """Where no column varies there is nothing to rank, and a sentence says so."""
    frame = pd.concat([data.frame.iloc[[0]]] * 30, ignore_index=True)
    with pytest.raises(
        DataError, match=r"no column is left to learn from: .*'flow_rate' has the same value in every row"
    ):
        train(frame, data.roles, detector, quick(detector))


def nine_rows_are_refused(detector, data, model):
    """Ten rows are the least; of nine the number is named."""
    with pytest.raises(DataError, match="at least 10 rows, got 9"):
        train(data.frame.iloc[:9], data.roles, detector, quick(detector))


def ten_rows_are_enough(detector, data, model):
    """Fewer rows than a batch, a neighbourhood or a subsample: still a model, with a warning on its card."""
    frame = data.frame.iloc[:10]
    trained = train(frame, data.roles, detector, quick(detector))
    assert np.isfinite(trained.score(frame).values).all()
    assert any("trained on only 10 rows" in note for note in trained.card.notes)


def no_rows_give_no_scores(detector, data, model):
    """An empty table with the right columns is scored: nothing comes back, nothing breaks."""
    scores = model.score(data.frame.iloc[:0])
    assert scores.values.shape == scores.severity.shape == (0,)


# ---- progress, cancelling, the threshold


def progress_rises_to_one(detector, data, model):
    """Progress is told from 0 to 1 and never falls, in training and in scoring."""
    told: list[float] = []
    with small_batches(detector):
        train(
            data.frame,
            data.roles,
            detector,
            quick(detector),
            progress=lambda done, message: told.append(done),
        )
        assert (told[0], told[-1]) == (0.0, 1.0)
        assert told == sorted(told)
        told.clear()
        prepared = model.encode(data.frame)
        model.judge(prepared, progress=lambda done, message: told.append(done))
    assert told[-1] == 1.0
    assert told == sorted(told)
    assert len(told) > 2, "several batches are told one by one"


def cancelling_stops_within_one_batch(detector, data, model):
    """When the listener raises Cancelled, nothing more is done: it is not asked a second time."""
    asked = 0

    def stop(done, message):
        nonlocal asked
        asked += 1
        if done > 0:
            raise Cancelled("stopped")

    with small_batches(detector):
        with pytest.raises(Cancelled):
            model.judge(model.encode(data.frame), progress=stop)
        assert asked == 1
        for last in (1, 2, 3, 4):
            asked = 0
            with pytest.raises(Cancelled):
                train(data.frame, data.roles, detector, quick(detector), progress=_stops_at(last))


def the_threshold_moves_predictions(detector, data, model):
    """set_threshold changes predict and labels_, strictly above, by value, percentile and contamination.

    Percentile and contamination are shares of the reference scores.
    """

    def above():
        return int((fitted.reference_scores_ > fitted.threshold_).sum())

    X = matrix()
    fitted = CATALOGUE[detector](contamination=0.1, **quick(detector)).fit(X)
    assert above() == 8
    for setting, count in (({"percentile": 75}, 20), ({"contamination": 0.05}, 4)):
        fitted.set_threshold(**setting)
        assert above() == count
        assert same(fitted.labels_, fitted.decision_scores_ > fitted.threshold_)
    fitted.set_threshold(float(np.sort(fitted.decision_scores_)[-2]))
    assert fitted.labels_.sum() == 1
    assert same(fitted.predict(X), fitted.labels_)


def a_loaded_detector_takes_a_score_as_threshold(detector, data, model):
    """Without its training scores a detector cannot know percentiles, and says so; a score moves predict as ever."""
    X, new = matrix(), partial(CATALOGUE[detector], **quick(detector))
    fitted, loaded = new().fit(X), new()
    with pytest.raises(NotFittedError):
        loaded.set_threshold(0.5)
    loaded.restore(fitted.arrays(), n_features=X.shape[1])
    check_is_fitted(loaded)
    for setting in ({"percentile": 90}, {"contamination": 0.1}, {}):
        with pytest.raises(UsageError, match=r"threshold needs a value|without its training scores"):
            loaded.set_threshold(**setting)
    line = float(np.sort(fitted.decision_scores_)[-6])
    assert same(loaded.set_threshold(line).predict(X), fitted.set_threshold(line).predict(X))
    assert fitted.labels_.sum() == 5
    assert not hasattr(loaded, "labels_")


def hostile_tables_end_in_scores_or_words(detector, data, model):
    """Forty tables nobody would make on purpose: finite scores for judged rows, or an EngineError; no warning."""
    refused = 0
    for seed, (frame, roles) in enumerate(hostile_tables(15 if quick(detector) else 40)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                trained = train(frame, roles, detector, quickest(detector))
                scores = trained.score(frame)
            except EngineError:
                refused += 1
                continue
        assert same(np.isfinite(scores.values), scores.judged), seed
        assert scores.judged.sum() == trained.card.judged, seed
        order = np.random.default_rng(seed).permutation(len(frame))
        assert same(trained.score(frame.iloc[order]).values, scores.values[order]), seed
    assert 0 < refused < 20


# ---- means to these ends


def hostile_tables(n: int) -> Iterator[tuple[pd.DataFrame, Roles]]:
    """Seeded tables of the worst columns that real files hold, in every mixture."""
    for seed in range(n):
        rng = np.random.default_rng(seed)
        rows = int(rng.choice([1, 9, 10, 11, 25, 60, 150]))
        kinds = list(COLUMNS)
        width = int(rng.choice([1, 2, 3, 6, 12, 40]))
        columns = {
            f"c{i} {kind}": COLUMNS[kind](rng, rows) for i, kind in enumerate(rng.choice(kinds, width))
        }
        frame = pd.DataFrame(columns)
        yield frame, Roles(dict.fromkeys(frame.columns, "feature"))


def _holes(rng, values, share=0.3):
    return np.where(rng.random(len(values)) < share, np.nan, values)


def _with(values, *strange):
    values = values.astype(float)
    values[: len(strange)] = strange[: len(values)]
    return values


COLUMNS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "heavy": lambda rng, n: rng.standard_cauchy(n) ** 3,
    "holes": lambda rng, n: _holes(rng, rng.normal(size=n)),
    "empty": lambda rng, n: np.full(n, np.nan),
    "constant": lambda rng, n: np.full(n, 3),
    "infinite": lambda rng, n: _with(rng.normal(size=n), np.inf, -np.inf),
    "absurd": lambda rng, n: _with(rng.normal(size=n), 1e300, -1e200, 1e39, 1e30),
    "huge": lambda rng, n: rng.normal(size=n) * 1e14,
    "tiny": lambda rng, n: rng.normal(size=n) * 1e-160,
    "denormal": lambda rng, n: _with(np.zeros(n), 1e-320, 5e-324),
    "tiny and huge": lambda rng, n: _with(rng.normal(size=n) * 1e-30, 1e15, 1e10),
    "nearly constant": lambda rng, n: _with(np.full(n, 0.1), np.nextafter(0.1, 1)),
    "epoch": lambda rng, n: 1_700_000_000_000_000_000 + rng.integers(0, 1000, n),
    "bool": lambda rng, n: rng.random(n) < 0.5,
    "bool with holes": lambda rng, n: pd.array(rng.choice([True, False, None], n), dtype="boolean"),
    "integers with holes": lambda rng, n: pd.array(rng.choice([1, 2, None], n), dtype="Int64"),
    "one date": lambda rng, n: np.full(n, np.datetime64("2024-01-01")),
    "dates": lambda rng, n: pd.to_datetime(rng.integers(0, 2_000_000_000, n), unit="s"),
    "zoned dates": lambda rng, n: pd.to_datetime(rng.integers(0, 2_000_000_000, n), unit="s", utc=True),
    "dates with holes": lambda rng, n: pd.to_datetime(
        _holes(rng, rng.integers(0, 10**9, n).astype(float)), unit="s"
    ),
    "long ago": lambda rng, n: np.array(rng.choice(["0001-01-01", "9999-12-31"], n), dtype="datetime64[s]"),
    "category": lambda rng, n: pd.Categorical(rng.choice(["a", "b", "c"], n)),
    "text with holes": lambda rng, n: rng.choice(np.array(["x", "y", None], dtype=object), n),
    "free text": lambda rng, n: [f"note {i} {rng.integers(1000)}" for i in range(n)],
    "empty text": lambda rng, n: np.full(n, ""),
    "blank or not": lambda rng, n: rng.choice(["", " ", "ß", "\u202e=1+1", "😀"], n),
    "mixed": lambda rng, n: rng.choice(np.array([1, 2.5, "three", None, True], dtype=object), n),
}


SMALL = {"CHUNK": 50, "CHUNK_CELLS": 2_000, "FEWEST_READINGS": 50, "CELLS": 100}


class small_batches:  # noqa: N801, reads as a sentence: with small_batches(detector)
    """Let a detector work in batches of a few rows, so that 300 rows are many batches."""

    def __init__(self, detector):
        families = [kind.__module__ for kind in CATALOGUE[detector].__mro__]
        places = [sys.modules[name] for name in families if name.startswith("engine.detectors.")]
        if detector not in TABULAR:
            places.append(importlib.import_module("engine.detectors.window_signals"))
        self.found = [(place, name) for place in places for name in SMALL if hasattr(place, name)]

    def __enter__(self):
        self.before = [getattr(place, name) for place, name in self.found]
        for place, name in self.found:
            setattr(place, name, SMALL[name])

    def __exit__(self, *_):
        for (place, name), value in zip(self.found, self.before, strict=True):
            setattr(place, name, value)


def _stops_at(last: int):
    """A listener that raises Cancelled the ``last`` time it is called, and objects to being called again."""
    calls = 0

    def listen(done, message):
        nonlocal calls
        calls += 1
        assert calls <= last, "work went on after it was cancelled"
        if calls == last:
            raise Cancelled("stopped")

    return listen


ON_BOTH = (
    finds_scattered_anomalies,
    higher_is_more_anomalous,
    same_seed_same_scores,
    columns_in_another_order_score_the_same,
    rows_in_another_order_score_the_same,
    a_row_scores_the_same_in_any_company,
    inputs_stay_unchanged,
    labels_are_never_seen,
    every_row_is_answered,
    saving_and_loading_keep_the_scores,
    a_constant_column_is_left_out,
    missing_cells_are_survived,
    a_missing_column_is_named,
    a_renamed_column_is_suggested,
    a_number_that_became_text_is_refused,
    nine_rows_are_refused,
    no_rows_give_no_scores,
    progress_rises_to_one,
    cancelling_stops_within_one_batch,
)
"""Promises kept on a table and on a series."""

ON_TABLES = (
    further_out_never_scores_lower,
    training_in_another_order_scores_the_same,
    a_loaded_detector_takes_a_score_as_threshold,
    fitting_twice_is_fitting_once,
    an_unseen_category_is_survived,
    duplicate_rows_are_fine,
    impossible_cells_move_no_other_row,
    a_constant_table_is_refused,
    ten_rows_are_enough,
    the_threshold_moves_predictions,
    hostile_tables_end_in_scores_or_words,
)

ON_SERIES = (an_impossible_reading_is_forgotten, training_with_columns_in_another_order_scores_the_same)

NOT_PROMISED = {
    ("nearest_windows", finds_scattered_anomalies): "eight equal spikes are each other's nearest windows",
    ("nearest_windows", higher_is_more_anomalous): "eight equal spikes are each other's nearest windows",
    (
        "masked_series",
        finds_scattered_anomalies,
    ): "a network of two epochs knows nothing, and see nearest_windows",
    (
        "masked_series",
        higher_is_more_anomalous,
    ): "a network of two epochs knows nothing, and see nearest_windows",
}
"""Promises a detector cannot keep on the series of ``conftest.py``, and why."""
