"""Waves: the same every time, labelled where they are disturbed and nowhere else, and a file the product reads."""

import numpy as np
import pandas as pd
import pytest

from engine.cli import main
from engine.data.reading import read_table
from engine.data.roles import suggest
from engine.data.synthetic.waves import EXTENTS, FAMILIAR, NOISE, NORMAL, SPIKES, UNFAMILIAR, waves
from engine.errors import UsageError
from engine.scoring.metrics import curve

ALL = FAMILIAR + UNFAMILIAR


@pytest.fixture(scope="module")
def hard():
    return waves(1_400, anomalies=0.5)


def windows_of(made, kind):
    chosen = made.types == kind
    return made.values[chosen], made.point_labels[chosen] == 1


def test_the_same_arguments_make_the_same_waves_and_other_seeds_or_parts_others():
    one, same = waves(50, seed=3), waves(50, seed=3)
    np.testing.assert_array_equal(one.values, same.values)
    np.testing.assert_array_equal(one.types, same.types)
    for other in (waves(50, seed=4), waves(50, seed=3, part="train")):
        assert not np.isin(np.round(other.values[:, 0], 9), np.round(one.values[:, 0], 9)).any()


@pytest.mark.parametrize(("part", "share", "types"), [("train", 0.03, FAMILIAR), ("test", 0.25, ALL)])
def test_each_part_has_its_share_of_anomalies_of_its_types(part, share, types):
    made = waves(2_000, part=part)
    assert made.labels.sum() == share * 2_000
    counts = {kind: int((made.types == kind).sum()) for kind in np.unique(made.types) if kind != NORMAL}
    assert set(counts) == set(types)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_a_window_is_labelled_just_when_one_of_its_readings_is(hard):
    np.testing.assert_array_equal(hard.labels, hard.point_labels.max(axis=1))
    np.testing.assert_array_equal(hard.labels == 1, hard.types != NORMAL)
    assert hard.values.shape == hard.point_labels.shape == (1_400, 100)


@pytest.mark.parametrize("kind", EXTENTS)
def test_a_stretch_is_one_piece_of_its_extent(hard, kind):
    _, inside = windows_of(hard, kind)
    low, high = EXTENTS[kind]
    lengths = inside.sum(axis=1)
    assert (lengths >= round(100 * low)).all()
    assert (lengths <= round(100 * high)).all()
    assert (np.abs(np.diff(inside.astype(int), axis=1)).sum(axis=1) <= 2).all()
    assert len(np.unique(lengths)) > 5
    if kind == "trend":
        assert inside[:, -1].all()
    else:
        assert len(np.unique(inside.argmax(axis=1))) > 20, "it begins anywhere"


def residuals(values):
    """What is left of each window when the sine that fits best is taken out."""
    t = np.arange(values.shape[1]) / values.shape[1]
    best = np.full(len(values), np.inf)
    left = values.copy()
    for cycles in np.arange(1.9, 6.2, 0.05):
        basis = np.stack([np.sin(2 * np.pi * cycles * t), np.cos(2 * np.pi * cycles * t)], axis=1)
        rest = values - values @ np.linalg.pinv(basis).T @ basis.T
        better = (rest**2).sum(axis=1) < best
        best[better], left[better] = (rest**2).sum(axis=1)[better], rest[better]
    return left


def test_a_normal_window_is_a_sine_and_noise(hard):
    values, inside = windows_of(hard, NORMAL)
    assert not inside.any()
    assert residuals(values).std() == pytest.approx(NOISE, rel=0.1)
    assert residuals(values).std(axis=1).max() < 2 * NOISE


@pytest.mark.parametrize("kind", ALL)
def test_an_anomalous_window_is_no_sine(hard, kind):
    values, _ = windows_of(hard, kind)
    left = residuals(values)
    assert np.median(np.abs(left).max(axis=1)) > 6 * NOISE


def test_spikes_are_one_to_three_readings_far_off(hard):
    values, inside = windows_of(hard, "spike")
    assert set(inside.sum(axis=1)) == set(range(1, SPIKES + 1))
    off = np.abs(residuals(values))[inside]
    assert off.min() > 0.3, "0.8 at least, of which noise and a sine fitted to it take some"


def test_spikes_and_noise_are_as_hard_for_the_nearest_window_as_in_the_study():
    known, judged = waves(2_000, part="train"), waves(2_000, anomalies=0.4, types=("spike", "noise"))
    ordinary = known.values[known.labels == 0]
    square = (judged.values**2).sum(axis=1)[:, None] + (ordinary**2).sum(axis=1)
    nearest = (square - 2 * judged.values @ ordinary.T).min(axis=1)
    for kind, expected in (("spike", 0.96), ("noise", 0.97)):
        some = np.isin(judged.types, (NORMAL, kind))
        assert curve(nearest[some], judged.labels[some].astype(float)).roc_auc == pytest.approx(
            expected, abs=0.015
        )


def test_a_signal_that_is_missing_is_constant(hard):
    values, inside = windows_of(hard, "missing")
    assert (values[inside] == 0).all()
    assert (values[~inside] != 0).all()


def test_a_trend_leaves_for_good_and_a_drift_comes_back_at_once(hard):
    values, inside = windows_of(hard, "trend")
    assert np.abs(values[:, -5:].mean(axis=1)).mean() > 1
    values, inside = windows_of(hard, "drift")
    after = inside.argmax(axis=1) + inside.sum(axis=1)
    rows = np.flatnonzero(after <= 90)
    ends = np.array([np.abs(values[row, after[row] : after[row] + 8]).max() for row in rows])
    assert ends.max() < 1.3 + 5 * NOISE


def test_a_changed_pace_stays_within_the_ordinary_range(hard):
    ordinary, _ = windows_of(hard, NORMAL)
    values, _ = windows_of(hard, "frequency")
    assert np.abs(values).max() < np.abs(ordinary).max() + 2 * NOISE


def test_an_amplitude_swells_or_shrinks_in_the_middle_of_its_stretch(hard):
    values, inside = windows_of(hard, "amplitude")
    middle = (np.cumsum(inside, axis=1) > inside.sum(axis=1, keepdims=True) // 3) & inside
    middle &= np.cumsum(inside, axis=1) <= 2 * inside.sum(axis=1, keepdims=True) // 3
    height = np.array([np.ptp(row[m]) / 2 for row, m in zip(values, middle, strict=True)])
    assert (height > 1.4).mean() > 0.25
    assert (height < 0.6).mean() > 0.25


def test_easy_waves_are_all_alike():
    made = waves(200, variant="easy", anomalies=0)
    assert made.values.std(axis=0).max() < 1.3 * NOISE
    assert made.labels.sum() == 0


def test_the_table_has_a_row_for_every_reading(hard):
    table = hard.table()
    assert list(table.columns) == ["window", "t", "value", "label", "anomaly_type"]
    np.testing.assert_array_equal(table["value"].to_numpy().reshape(1_400, 100), hard.values)
    np.testing.assert_array_equal(table["label"].to_numpy().reshape(1_400, 100), hard.point_labels)
    assert ((table["anomaly_type"] != NORMAL) == (table["label"] == 1)).all()
    assert table.groupby("window")["t"].apply(list).map(lambda ts: ts == list(range(100))).all()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n_windows": 0}, "there must be 1 to 100,000 windows, got 0"),
        ({"length": 10}, "a window must have at least 20 readings, got 10"),
        ({"variant": "odd"}, "the variant must be easy or hard, got 'odd'"),
        ({"part": "all"}, "the part must be train or test, got 'all'"),
        ({"anomalies": 1.5}, "must be from 0 to 1, got 1.5"),
        ({"types": ("spike", "hum")}, "types of anomalies are spike, .*; got 'hum'"),
        ({"types": ()}, "got none"),
        ({"seed": -1}, "the seed must be 0 or more, got -1"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(wrong, words):
    with pytest.raises(UsageError, match=words):
        waves(**({"n_windows": 20} | wrong))


def test_the_command_writes_a_file_that_is_read_as_a_series_of_windows(tmp_path, capsys):
    path = tmp_path / "waves.csv"
    assert main(["generate", "waves", "--output", str(path), "--windows", "40", "--seed", "5"]) == 0
    assert "40 windows of 100 readings: 30 normal, anomalies: amplitude 1, drift 2" in capsys.readouterr().out
    table = read_table(path)
    pd.testing.assert_frame_equal(
        table.frame, waves(40, seed=5).table().round({"value": 4}), check_dtype=False, check_index_type=False
    )
    roles = suggest(table.frame, table.types).roles
    assert (roles.kind, roles.entity, roles.time, roles.label) == ("series", "window", "t", "label")
    assert roles.features == ("value",), "the type would give the answer away"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--output", "waves.xlsx"], "a table of waves must end in .csv or .parquet, got 'waves.xlsx'"),
        (["--output", "waves.csv", "--windows", "-3"], "there must be 1 to 100,000 windows, got -3"),
    ],
)
def test_the_command_refuses_in_words(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert main(["generate", "waves", *arguments]) == 2
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
