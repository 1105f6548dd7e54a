"""Drift is found where there is some, not where there is none, however few rows there are; and it is said in words."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.analysis import drift_of, train
from engine.data.features import FeatureRecipe
from engine.data.fingerprint import Fingerprint
from engine.data.reading import read_table
from engine.data.roles import Roles
from engine.data.samples import SAMPLES
from engine.scoring.distributions import LevelPrint, NumberPrint, level_difference, number_difference
from engine.scoring.drift import Drift, judged_drift, score_drift
from engine.scoring.thresholds import reference_quantiles
from tests import naive

FALSE_ALARMS, DRAWS = 0.05, 200


def drawn(rng, rows) -> pd.DataFrame:
    """Rows of one and the same world: smooth, skewed, counted, half missing, rare and common, a text a row in three."""
    price = rng.lognormal(3, 1, rows)
    frame = pd.DataFrame(
        {
            "load": rng.normal(size=rows),
            "price": price,
            "count": rng.poisson(1.3, rows),
            "flag": rng.random(rows) < 0.03,
            "level": np.where(rng.random(rows) < 0.4, np.nan, rng.uniform(size=rows)),
            "region": rng.choice(list("ABCDEFG"), rows, p=[0.4, 0.25, 0.15, 0.1, 0.05, 0.03, 0.02]),
            "shop": (rng.pareto(1.1, rows) * 10).astype(int).astype(str),
            "grade": rng.choice(["ok", None], rows, p=[0.97, 0.03]),
        }
    )
    frame.loc[rng.random(rows) < 0.01, "grade"] = "poor"
    return frame


@pytest.fixture(scope="module")
def world():
    """The recipe, the fingerprint and the reference scores of 3,000 training rows."""
    frame = drawn(np.random.default_rng(0), 3_000)
    recipe = FeatureRecipe.fit(frame, Roles(dict.fromkeys(frame.columns, "feature")))
    return recipe, Fingerprint.of(frame, recipe), reference_quantiles(strangeness(frame))


def strangeness(frame):
    """A score for each row, as some detector would give it."""
    return (
        np.abs(frame["load"].to_numpy()) + np.log(frame["price"].to_numpy()) / 5 + frame["count"].to_numpy()
    )


def verdict(world, frame) -> Drift:
    recipe, printed, reference = world
    scores = score_drift(strangeness(frame), reference, printed.rows, 1.0)
    return judged_drift(len(frame), printed.compare(frame, recipe), scores)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [50, 200, 2_000])
def test_rows_of_the_same_world_are_seldom_called_shifted(world, rows):
    found = [verdict(world, drawn(np.random.default_rng(seed), rows)).verdict for seed in range(1, DRAWS + 1)]
    assert sum(said != "fits" for said in found) / DRAWS < FALSE_ALARMS


@pytest.mark.parametrize("rows", [50, 200])
@pytest.mark.parametrize("size", [60, 300])
def test_a_small_training_table_raises_no_more_false_alarms(size, rows):
    frame = drawn(np.random.default_rng(5), size)
    recipe = FeatureRecipe.fit(frame, Roles(dict.fromkeys(frame.columns, "feature")))
    printed = Fingerprint.of(frame, recipe)
    draws = (drawn(np.random.default_rng(seed), rows) for seed in range(100, 160))
    found = [judged_drift(rows, printed.compare(draw, recipe), None) for draw in draws]
    assert sum(drift.verdict != "fits" for drift in found) <= FALSE_ALARMS * 60


@pytest.mark.slow
def test_a_column_moved_by_its_spread_is_found_among_200_rows(world):
    found = 0
    for seed in range(DRAWS):
        frame = drawn(np.random.default_rng(1_000 + seed), 200)
        frame["load"] += 1.0
        drift = verdict(world, frame)
        found += drift.verdict == "shifted" and "load" in drift.shifted
    assert found / DRAWS >= 0.95


@pytest.mark.slow
def test_shifted_uploads_of_card_payments_are_told_from_others():
    """Amounts in another currency, a region that is gone, cells lost, a new channel, other cards: ROC-AUC >= 0.9."""
    sample = next(s for s in SAMPLES if s.file == "card_transactions.csv")
    frame = read_table(sample.path).frame
    order = np.random.default_rng(1).permutation(len(frame))
    past, later = frame.iloc[order[:10_000]], frame.iloc[order[10_000:]]
    model = train(past, Roles(dict(sample.roles), sample.kind), hyperparameters={"n_estimators": 25})
    changes = [
        lambda f: f.assign(amount=f["amount"] * 4),
        lambda f: f[f["region"] != "Capital"],
        lambda f: f.assign(age_group=f["age_group"].where(np.arange(len(f)) % 4 > 0)),
        lambda f: f.assign(channel=f["channel"].replace("chip", "wallet")),
        lambda f: f.assign(distance_from_home_km=f["distance_from_home_km"] * 1.609),
        lambda f: f.assign(transactions_last_24h=f["transactions_last_24h"] + 1),
    ]
    strengths, shifted = [], []
    for seed in range(60):
        upload = later.sample(300, random_state=seed)
        is_shifted = seed % 2
        if is_shifted:
            upload = changes[seed // 2 % len(changes)](upload)
        prepared = model.encode(upload)
        strengths.append(drift_of(model, prepared, model.judge(prepared)).strength)
        shifted.append(is_shifted)
    assert naive.roc_auc(strengths, shifted) >= 0.9


# ---- the verdict


def test_another_file_is_another_world(world):
    frame = drawn(np.random.default_rng(3), 200)
    for column in ("load", "price", "count", "level"):
        frame[column] = frame[column] * 50 + 200
    frame["region"] = "Z"
    drift = verdict(world, frame)
    assert drift.verdict == "another world"
    assert drift.sentence.startswith("5 of 8 columns are unlike the training data: ")
    assert "Do not rely on these flags" in drift.advice


def test_rows_that_nearly_all_score_beyond_training_are_another_world_though_no_column_moved(world):
    recipe, printed, reference = world
    frame = drawn(np.random.default_rng(4), 100)
    scores = score_drift(np.full(100, reference[-1] + 1), reference, printed.rows, 1.0)
    drift = judged_drift(100, printed.compare(frame, recipe), scores)
    assert (drift.verdict, drift.shifted) == ("another world", [])
    assert drift.sentence == "100 % of the rows are more unusual than 99 % of the training rows."


def test_rows_unusual_only_together_are_shifted(world):
    recipe, printed, reference = world
    frame = drawn(np.random.default_rng(4), 400)
    scores = score_drift(np.quantile(reference, np.linspace(0.5, 1, 400)), reference, printed.rows, 1.0)
    drift = judged_drift(400, printed.compare(frame, recipe), scores)
    assert (drift.verdict, drift.shifted) == ("shifted", [])
    assert "the rows as a whole score differently" in drift.sentence


def test_a_few_rows_say_nothing_about_where_they_come_from(world):
    drift = verdict(world, drawn(np.random.default_rng(2), 19) * 1)
    assert drift.verdict == "not measured"
    assert "19 rows are too few to tell, 20 are needed" in drift.sentence


def test_the_training_rows_of_a_model_without_a_fingerprint_fit(world):
    reference = world[2]
    scores = score_drift(reference, reference, 3_000, 1.0)
    assert judged_drift(2_001, [], scores, learned=True, why="old").verdict == "fits"
    assert judged_drift(2_001, [], scores, why="old").sentence.endswith("was not measured: old.")


def test_values_that_training_never_had_are_a_shift_whatever_the_statistics_say(world):
    frame = drawn(np.random.default_rng(6), 30)
    frame["region"] = ["Z"] * 16 + ["A"] * 14
    assert verdict(world, frame).shifted == ["region"]


def test_the_furthest_column_is_named_first_and_what_is_usual_is_said_in_words(world):
    recipe, printed, _ = world
    frame = drawn(np.random.default_rng(7), 500)
    frame["load"] += 5
    frame["grade"] = frame["grade"].where(np.arange(500) % 5 > 0)
    drift = judged_drift(500, printed.compare(frame, recipe), None)
    assert drift.sentence == "This data differs from the training data in 'load' and 'grade'."
    said = {column.column: column for column in drift.columns}
    assert " to 1." in said["load"].then
    assert "beyond the training range" in said["load"].now
    assert said["grade"].now.startswith("'ok' 9")
    assert said["grade"].now.endswith("23 % missing")
    assert said["grade"].missing_now > 0.2 > said["grade"].missing_then


def test_rows_beyond_training_name_the_columns_that_moved(world):
    frame = drawn(np.random.default_rng(7), 500)
    frame["load"] += 5
    drift = verdict(world, frame)
    assert drift.verdict == "another world"
    assert drift.sentence.endswith("of the training rows; the columns that moved are 'load'.")


def test_a_verdict_is_the_same_after_a_trip_through_json(world):
    drift = verdict(world, drawn(np.random.default_rng(8), 100))
    assert Drift.from_dict(json.loads(json.dumps(drift.as_dict(), allow_nan=False))) == drift


# ---- a series


def sines(rows, seed, level=20.0) -> pd.DataFrame:
    """A slow rhythm of 300 readings with a little noise."""
    rng, at = np.random.default_rng(seed), np.arange(rows)
    return pd.DataFrame(
        {
            "time": pd.Timestamp("2024-05-06") + pd.to_timedelta(at, unit="min"),
            "heat": level + 5 * np.sin(2 * np.pi * at / 300) + 0.1 * rng.normal(size=rows),
            "flow": 3 + 0.1 * rng.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def rhythm():
    roles = Roles({"time": "time", "heat": "feature", "flow": "feature"}, kind="series")
    frame = sines(3_000, 0)
    recipe = FeatureRecipe.fit(frame, roles, window=8)
    return recipe, Fingerprint.of(frame, recipe)


def test_the_fingerprint_of_a_series_holds_its_readings_not_its_rolling_features(rhythm):
    _, printed = rhythm
    assert list(printed.columns) == ["flow", "heat"]
    assert printed.columns["heat"].values.span > 20 > 2 > printed.columns["flow"].values.span


def test_a_short_stretch_of_a_slow_rhythm_still_fits(rhythm):
    recipe, printed = rhythm
    whole = sines(3_000, 1)
    for start in range(0, 2_900, 100):
        columns = printed.compare(whole.iloc[start : start + 60], recipe)
        assert judged_drift(60, columns, None).verdict == "fits"


def test_a_series_on_another_level_is_shifted_in_any_order_of_rows(rhythm):
    recipe, printed = rhythm
    frame = sines(200, 2, level=40.0)
    for rows in (frame, frame.sample(frac=1, random_state=0)):
        assert judged_drift(200, printed.compare(rows, recipe), None).shifted == ["heat"]


# ---- numbers


def test_psi_and_ks_are_those_of_the_textbook_for_samples_large_enough():
    rng = np.random.default_rng(0)
    then, now = rng.normal(size=200_000), rng.normal(0.5, 1, 200_000)
    found = number_difference(NumberPrint.of(then, len(then)), now, len(now))
    edges = np.quantile(then, np.linspace(0, 1, 11)[1:-1])
    p, q = (np.bincount(np.searchsorted(edges, x), minlength=10) / len(x) for x in (then, now))
    assert found.psi == pytest.approx(float(((q - p) * np.log(q / p)).sum()), abs=0.005)
    assert found.ks == pytest.approx(0.1974, abs=0.005)  # 2 Φ(0.25) - 1
    assert found.p < 1e-12


def test_a_value_that_fills_the_column_has_a_bin_of_its_own():
    then = NumberPrint.of(np.r_[np.ones(97), np.zeros(3)], 100)
    same = number_difference(then, np.r_[np.ones(97), np.zeros(3)], 100)
    turned = number_difference(then, np.r_[np.zeros(97), np.ones(3)], 100)
    assert (same.psi, same.ks) == (0.0, 0.0)
    assert turned.psi > 1


def test_a_column_that_falls_silent_is_found_and_one_that_always_was_is_not():
    silent = NumberPrint.of([], 100)
    assert number_difference(silent, np.zeros(0), 100).psi == 0
    assert number_difference(NumberPrint.of(np.arange(100.0), 100), np.zeros(0), 100).psi > 0.25


def test_new_levels_are_expected_as_often_as_training_met_one_only_once():
    many = LevelPrint.of({f"shop {i}": 1 for i in range(150)} | {"corner": 150}, 300)
    new = {f"stall {i}": 1 for i in range(50)} | {"corner": 50}
    assert level_difference(many, new, 100).p > 0.05
    few = LevelPrint.of({"a": 150, "b": 150}, 300)
    assert level_difference(few, {"a": 50, "c": 50}, 100).p < 1e-6


@pytest.mark.parametrize(
    "damage",
    [
        lambda c: c["load"].update(points=[3.0, 1.0], below=[0.5, 1.0]),
        lambda c: c["load"].update(below=[0.5] * len(c["load"]["points"])),
        lambda c: c["load"].update(points=c["load"]["points"][:-1]),
        lambda c: c["load"].update(span=0.0),
        lambda c: c["load"].update(kind="sound"),
        lambda c: c["load"].pop("cells"),
        lambda c: c["region"].update(levels={"A": 2.0}),
        lambda c: c["region"].update(levels=["A"]),
        lambda c: c["region"].update(extra=1),
    ],
)
def test_a_fingerprint_that_cannot_be_is_refused(world, damage):
    values = json.loads(json.dumps(world[1].as_dict()))
    assert Fingerprint.from_dict(values).as_dict() == world[1].as_dict()
    values = json.loads(json.dumps(world[1].as_dict()))
    damage(values["columns"])
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        Fingerprint.from_dict(values)


@pytest.mark.parametrize("verdict", ["fits", "shifted", "another world", "not measured"])
def test_what_is_said_of_a_far_larger_share_never_contradicts_the_verdict(verdict):
    drift = Drift(verdict=verdict, rows=100)
    assert drift.of_share(0.02, 0.01) == ""
    said = drift.of_share(0.2, 0.01, "reading")
    assert said.startswith("That is a far larger share than in training (1 %)")
    assert ("look as they did there" in said) == (verdict == "fits")
    assert ("is not like what" in said) == (verdict in ("shifted", "another world"))
    assert said.endswith("?") == (verdict == "not measured")
