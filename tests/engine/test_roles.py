"""Roles are suggested with a reason, overruled by name, and contradict themselves never."""

import numpy as np
import pandas as pd
import pytest

from engine.data.roles import Roles, as_binary, overruled, sampling, seconds_of, suggest
from engine.data.samples import SAMPLES
from engine.data.schema import type_of
from engine.errors import UsageError
from tests.engine.checks import hostile_tables

N = 60
rng = np.random.default_rng(0)
DAYS = pd.date_range("2024-01-01", periods=N, freq="h")


def suggested(**columns):
    frame = pd.DataFrame(columns)
    return suggest(frame, {c: type_of(frame[c]) for c in frame})


def role_of(name, values):
    return suggested(**{name: values}).roles.columns[name]


@pytest.mark.parametrize(
    "name", ["label", "is_fraud", "Class", "anomaly", "target", "event_class", "failing", "outlier"]
)
def test_a_known_answer_is_never_suggested_as_a_feature(name):
    assert role_of(name, np.arange(N) % 2) == "label"


@pytest.mark.parametrize("known", [[0.0, 1.0], [1.0, -1.0], [1.0], [0.0, 1.0, 2.0, 3.0]])
def test_a_known_answer_with_missing_cells_is_never_suggested_as_a_feature(known):
    """pandas writes a partly labelled column as numbers with a point."""
    cells = np.where(np.arange(N) % 5 < 2, np.resize(known, N), np.nan)
    suggestion = suggested(is_fraud=cells, amount=rng.random(N))
    assert suggestion.roles.label == "is_fraud"
    assert suggestion.reasons["is_fraud"] == "looks like a known answer"
    assert role_of("label", np.where(np.arange(N) % 2, 0.5, np.nan)) == "feature"
    assert role_of("target", np.arange(N) / 1.0) == "feature", "sixty different numbers are measured"


@pytest.mark.parametrize(
    ("name", "values", "role"),
    [
        ("id", np.arange(N), "id"),
        ("Unnamed: 0", np.arange(N), "id"),
        ("order_no", rng.permutation(10_000)[:N], "id"),
        ("uuid", [f"{i:x}-{i}" for i in range(N)], "id"),
        ("customer_id", np.arange(N) % 7, "entity"),
        ("machine", ["a", "b", "c"] * 20, "entity"),
        ("when", DAYS, "time"),
        ("note", [f"text {i}" for i in range(55)] + ["x"] * 5, "ignore"),
        ("dull", [5] * N, "ignore"),
        ("void", [None] * N, "ignore"),
        ("anomaly_score", rng.random(N), "ignore"),
        ("baseline", np.arange(N) < 20, "ignore"),
        ("severity", rng.random(N), "ignore"),
        ("amount", rng.random(N), "feature"),
        ("kind", ["a", "b"] * 30, "feature"),
        ("label", rng.random(N), "feature"),  # a measured number is no answer
    ],
)
def test_a_role_suggests_itself(name, values, role):
    assert role_of(name, values) == role


def test_every_column_that_is_no_feature_has_a_reason():
    suggestion = suggested(id=np.arange(N), when=DAYS, x=rng.random(N), fraud=np.arange(N) % 2, dull=[1] * N)
    others = {c for c, role in suggestion.roles.columns.items() if role != "feature"}
    assert others == set(suggestion.reasons) == {"id", "when", "fraud", "dull"}


def test_a_second_answer_is_left_out_and_a_second_time_becomes_a_feature():
    roles = suggested(fraud=np.arange(N) % 2, attack=np.arange(N) % 3, a=DAYS, b=DAYS, x=rng.random(N)).roles
    assert (roles.label, roles.columns["attack"]) == ("fraud", "ignore")
    assert (roles.time, roles.columns["b"]) == ("a", "feature")


def test_what_is_sampled_is_a_series_and_what_merely_happens_is_a_table():
    assert suggested(at=DAYS, x=rng.random(N)).roles.kind == "series"
    events = pd.Timestamp("2024") + pd.to_timedelta(np.sort(rng.integers(0, 10**6, N)), unit="s")
    assert suggested(at=events, x=rng.random(N)).roles.kind == "table"
    assert suggested(at=DAYS, word=["a", "b"] * 30).roles.kind == "table", "a series needs a number"
    steps = suggested(t=np.arange(N), x=rng.random(N)).roles
    assert (steps.kind, steps.time) == ("series", "t")


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_the_roles_of_a_sample_are_consistent(sample):
    assert Roles(dict(sample.roles), sample.kind).features


def test_suggestions_never_fail():
    for frame, _ in hostile_tables(40):
        suggestion = suggest(frame, {c: type_of(frame[c]) for c in frame})
        assert list(suggestion.roles.columns) == list(frame.columns)


@pytest.mark.parametrize("role", ["time", "entity", "label"])
def test_two_columns_cannot_share_a_role_there_is_one_of(role):
    with pytest.raises(UsageError, match=f"at most can have the role {role}, got 'a', 'b'"):
        Roles({"a": role, "b": role})


def test_unknown_roles_and_a_series_without_time_are_refused():
    with pytest.raises(UsageError, match=r"the role of 'a' must be one of feature, .* got 'hero'"):
        Roles({"a": "hero"})
    with pytest.raises(UsageError, match="a time series needs a column with the role time"):
        Roles({"a": "feature"}, kind="series")


def test_roles_survive_being_written_down():
    roles = Roles(
        {"t": "time", "x": "feature", "y": "label", "m": "entity", "i": "id", "z": "ignore"}, kind="series"
    )
    assert Roles.from_dict(roles.as_dict()) == roles
    assert (roles.time, roles.label, roles.entity, roles.features) == ("t", "y", "m", ("x",))


def test_overruling_moves_a_role_and_frees_the_column_that_had_it():
    before = Roles({"a": "label", "b": "feature", "t": "time", "c": "feature"}, kind="series")
    after = overruled(before, label="b", ignore=["c"])
    assert dict(after.columns) == {"a": "ignore", "b": "label", "t": "time", "c": "ignore"}
    assert after.kind == "series"
    assert overruled(before, ignore=["t"]).kind == "table"


def test_overruling_a_column_that_does_not_exist_lists_those_that_do():
    with pytest.raises(UsageError, match="there is no column 'fraud'; the columns are 'a', 'b'"):
        overruled(Roles({"a": "feature", "b": "feature"}), label="fraud")


@pytest.mark.parametrize(
    ("cells", "expected", "said"),
    [
        ([0, 1, None], [0, 1, np.nan], "'0'"),
        ([0.0, 1.0, np.nan], [0, 1, np.nan], "'0'"),
        ([1, -1, 1], [0, 1, 0], "'1'"),
        ([True, False, False], [1, 0, 0], "'false'"),
        (["normal.", "smurf", "NORMAL."], [0, 1, 0], "'normal.'"),
        (["ok", "bad", " OK "], [0, 1, 0], "'ok'"),
        (["red", "blue", "red"], [0, 1, 0], "'red'"),
        ([1, 1, None], [1, 1, np.nan], "no value"),
        (["Fraud", "fraud"], [1, 1], "no value"),
    ],
)
def test_labels_are_understood_and_said_in_words(cells, expected, said):
    found, words = as_binary(pd.Series(cells))
    np.testing.assert_array_equal(found, expected)
    assert words == f"{said} counts as normal, every other value as anomaly"


def test_empty_labels_are_unknown():
    found, words = as_binary(pd.Series([None, np.nan]))
    assert np.isnan(found).all()
    assert words == "no label is filled in"


def test_sampling_knows_steps_gaps_and_entities():
    minutes = np.r_[np.arange(0, 50), np.arange(70, 100)]
    at = pd.Timestamp("2024") + pd.to_timedelta(minutes, unit="min")
    frame = pd.DataFrame({"t": np.r_[at, at], "m": ["a"] * 80 + ["b"] * 80, "x": 0.0})
    facts = sampling(frame, Roles({"t": "time", "m": "entity", "x": "feature"}))
    assert facts["step_seconds"] == 60
    assert (facts["gaps"], facts["entities"], facts["repeated"]) == (2, 2, 0)
    assert facts["longest_gap_seconds"] == 21 * 60
    assert facts["regular"] == pytest.approx(156 / 158)
    assert sampling(frame, Roles({"x": "feature"})) is None
    assert sampling(frame.iloc[:1], Roles({"t": "time"})) is None


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_are_seconds(unit):
    column = pd.Series(pd.to_datetime(["1970-01-01 00:00:10", None])).astype(f"datetime64[{unit}]")
    np.testing.assert_array_equal(seconds_of(column), [10.0, np.nan])


def test_zoned_times_are_seconds_of_the_same_moment():
    column = pd.Series(pd.to_datetime(["1970-01-01 01:00:10"])).dt.tz_localize("Europe/Berlin")
    assert seconds_of(column).tolist() == [10.0]
    assert seconds_of(pd.Series([3, None], dtype="Int64")).tolist()[0] == 3.0


def test_a_step_that_counts_up_for_each_entity_is_the_time():
    frame = pd.DataFrame({"window": np.repeat([4, 7, 9], 30), "t": np.tile(np.arange(30), 3)})
    frame["value"] = np.random.default_rng(0).normal(size=90)
    types = {"window": "integer", "t": "integer", "value": "number"}
    found = suggest(frame, types)
    assert (found.roles.entity, found.roles.time, found.roles.kind) == ("window", "t", "series")
    without = suggest(frame.drop(columns="window"), types)
    assert without.roles.time is None, "it begins again without a reason"
