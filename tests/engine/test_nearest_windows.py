"""Nearest windows: what it finds, what its scores depend on, and what it says of its findings."""

import tracemalloc
from copy import copy

import numpy as np
import pandas as pd
import pytest

from engine.analysis import explain_worst, train
from engine.cli import main
from engine.data.roles import Roles
from engine.detectors import NearestWindows, nearest_windows
from engine.detectors.sequential import bounds
from engine.detectors.window_library import VIEWS, Library, Shape, all_seen, codes, seen, smoothed
from engine.detectors.window_matching import Alike
from engine.errors import DataError, UsageError
from engine.model import Model
from engine.store import ModelStore

ROLES = Roles({"t": "time", "x": "feature"}, kind="series")


def rhythm(n, seed=0, noise=0.1):
    """A rhythm of 44 readings with noise (n, 1)."""
    return (np.sin(np.arange(n) / 7) + noise * np.random.default_rng(seed).normal(size=n))[:, None]


def spike(x):
    x[0] += 5


def noisy(x):
    x += np.random.default_rng(9).normal(size=len(x))


def shifted(x):
    x += 2.5


def faster(x):
    x[:] = np.sin(np.arange(len(x)) / 2)


def flat(x):
    x[:] = x[0]


def backwards(x):
    x[:] = np.abs(x)


KINDS = [spike, noisy, shifted, faster, flat, backwards]


@pytest.fixture(scope="module")
def fitted():
    return NearestWindows().fit(rhythm(4_000))


@pytest.fixture(scope="module", params=[1, 4], ids=["every window", "every fourth"])
def strided(request):
    return NearestWindows(stride=request.param).fit(rhythm(4_000))


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_stretch_has_the_highest_score(strided, kind):
    X = rhythm(2_000, seed=1)
    kind(X[900:960, 0])
    scores = strided.decision_function(X)
    assert 850 <= np.argmax(scores) <= 1_010
    ordinary = np.delete(scores, np.arange(800, 1_060))
    assert scores.max() > 1.5 * np.quantile(ordinary, 0.99)
    assert np.median(ordinary) == pytest.approx(1, abs=0.25), "1 is usual"


@pytest.mark.parametrize("kind", KINDS)
def test_one_planted_in_the_training_readings_themselves_is_found(kind):
    X = rhythm(4_000)
    kind(X[900:960, 0])
    assert 850 <= np.argmax(NearestWindows().fit(X).decision_scores_) <= 1_010


def test_a_broken_relation_between_channels_is_found_and_the_channels_are_named():
    rng = np.random.default_rng(2)
    X = np.hstack([rhythm(4_000), rhythm(4_000, seed=5), rng.normal(size=(4_000, 1)) * 0.1])
    fitted = NearestWindows().fit(X)
    new = np.hstack([rhythm(1_000, seed=6), rhythm(1_000, seed=7), rng.normal(size=(1_000, 1)) * 0.1])
    new[500:560, 1] *= -1
    scores = fitted.decision_function(new)
    assert 450 <= np.argmax(scores) <= 610
    parts = fitted.parts_at(new, np.array([530]))
    assert parts.argmax() in (0, 1)
    assert parts[0, 2] < parts[0, :2].min()


def test_a_stretch_scores_the_same_alone_and_inside_a_longer_series(strided):
    X, reach = rhythm(3_000, seed=3), strided.window_
    whole = strided.decision_function(X)
    for first, last in ((1, 600), (777, 2_001), (1_500, 1_500 + 2 * reach + 1)):
        alone = strided.decision_function(X[first:last])
        assert alone[reach:-reach].tobytes() == whole[first + reach : last - reach].tobytes()


def test_neither_batches_nor_blocks_nor_neighbouring_stretches_matter(strided, monkeypatch):
    X = rhythm(1_500, seed=4)
    whole = strided.decision_function(X)
    monkeypatch.setattr(nearest_windows, "CHUNK", 97)
    assert strided.decision_function(X).tobytes() == whole.tobytes()
    beside = strided.decision_function(
        np.vstack([100 * X[:333], X, -X]), stretches=np.repeat([5, 2, 5], [333, 1_500, 1_500])
    )
    assert beside[333:1_833].tobytes() == whole.tobytes()


def test_readings_of_a_stretch_shorter_than_a_window_are_not_judged(fitted):
    X, length = rhythm(600, seed=4), fitted.window_
    stretches = np.repeat([0, 1, 2], [300, length - 1, 301 - length])
    scores = fitted.decision_function(X, stretches=stretches)
    assert np.isnan(scores[300 : 300 + length - 1]).all()
    assert np.isfinite(scores[:300]).all()
    assert fitted.predict(X, stretches=stretches)[300] == 0
    assert fitted.decision_function(X[:length]).shape == (length,)
    assert np.isfinite(fitted.decision_function(X[:length])).all()
    assert np.isnan(fitted.decision_function(X[: length - 1])).all()


def test_a_training_window_is_judged_without_itself(fitted):
    """Training readings score like new ones of the same kind, also where they are asked about again."""
    X = rhythm(4_000)
    assert fitted.decision_function(X).tobytes() == fitted.decision_scores_.tobytes()
    new = fitted.decision_function(rhythm(4_000, seed=8))
    assert np.median(fitted.decision_scores_) == pytest.approx(np.median(new), rel=0.05)
    assert np.quantile(fitted.reference_scores_, 0.95) == pytest.approx(np.quantile(new, 0.95), rel=0.1)


def slowly_alike(fitted, new, row):
    """The match of a new reading amid its stretch: length, view, begin, origin, ratio and percentile."""
    found = []
    for shape, usual in zip(fitted.shapes_, fitted.usual_, strict=True):
        references = shape.cut(shape.means(fitted.readings_), fitted.begins_)
        windows = shape.means(new.astype(np.float32))
        for number, view in enumerate(VIEWS):
            points, half = seen(references, view).astype(float), shape.span // 4

            def apart(window, points=points, view=view):
                return np.sqrt(((points - seen(window, view)) ** 2).sum(axis=1))

            begin = row - shape.span // 2
            around = [apart(shape.cut(windows, np.array([begin + k]))).min() for k in range(-half, half + 1)]
            here = apart(shape.cut(windows, np.array([begin])))
            others = []
            for own, point in zip(fitted.begins_, points, strict=True):
                far = np.sqrt(((points - point) ** 2).sum(axis=1))
                others.append(far[np.abs(fitted.begins_ - own) >= shape.span].min())
            origin = int(fitted.origins_[fitted.begins_[here.argmin()]])
            percentile = 100 * np.mean(np.array(others) < here.min())
            found.append(
                (
                    np.mean(around) / usual[number],
                    shape.span,
                    view,
                    begin,
                    origin,
                    here.min() / usual[number],
                    percentile,
                )
            )
    return max(found)[1:]


@pytest.mark.parametrize("kind", [spike, noisy, shifted, flat])
def test_the_window_most_alike_is_what_a_slow_search_finds(kind):
    fitted = NearestWindows(references=200).fit(rhythm(2_000))
    X = rhythm(500, seed=1)
    kind(X[240:270, 0])
    match = fitted.most_alike(X, 250)
    length, view, begin, origin, ratio, percentile = slowly_alike(fitted, X, 250)
    assert (len(match.readings), match.view, match.begin, match.origin) == (length, view, begin, origin)
    assert match.ratio == pytest.approx(ratio, rel=1e-4)
    assert match.percentile == pytest.approx(percentile, abs=1)
    np.testing.assert_allclose(match.readings, rhythm(2_000)[origin : origin + length], atol=1e-6)
    assert match.parts.tolist() == [1.0]


def test_a_match_is_given_the_level_and_size_of_the_window_as_far_as_its_view_minds_neither():
    rng, shape = np.random.default_rng(4), Shape.of(64)
    readings, window = (rng.normal(size=(64, 2)).astype(np.float32) for _ in range(2))
    readings[:, 1], coarse = 3 * readings[:, 1] + 7, shape.cut(shape.means(window), np.array([0]))
    for view in VIEWS:
        found = Alike.of(
            coarse[0],
            readings,
            shape,
            view,
            begin=0,
            origin=0,
            distance=1.0,
            usual=2.0,
            others=np.arange(4.0),
        )
        given = found.matched.astype(np.float32)
        again = shape.cut(shape.means(given), np.array([0]))
        own = shape.cut(shape.means(readings), np.array([0]))
        np.testing.assert_allclose(seen(again, view), seen(own, view), atol=1e-4)
        level, spread = given.mean(axis=0), again.std(axis=1)[0]
        assert np.allclose(level, window.mean(axis=0), atol=1e-5) == (view != "raw")
        assert np.allclose(spread, coarse.std(axis=1)[0], atol=1e-5) == (view == "normalised")
        assert (found.ratio, found.percentile) == (0.5, 25.0)
        square = ((seen(coarse, view) - seen(own, view)) ** 2).reshape(shape.count, 2).sum(axis=0)
        np.testing.assert_allclose(found.parts, square / square.sum(), rtol=1e-5)


def test_a_match_lies_in_the_stretch_of_its_reading_and_is_the_same_in_any_longer_series(fitted):
    X, stretches = rhythm(900, seed=1), np.repeat([0, 1], [300, 600])
    for row in (300, 307, 500, 899):
        alone = fitted.most_alike(X[300:], row - 300)
        inside = fitted.most_alike(X, row, stretches=stretches)
        assert inside.begin == alone.begin + 300 >= 300
        assert inside.begin + len(inside.readings) <= 900
        assert (inside.origin, inside.ratio, inside.percentile) == (
            alone.origin,
            alone.ratio,
            alone.percentile,
        )


def test_a_training_window_is_matched_with_another_one_and_with_none_where_there_is_no_other(fitted):
    own = fitted.most_alike(rhythm(4_000), 2_000)
    assert abs(own.origin - own.begin) >= len(own.readings), "not itself, nor what overlaps with it"
    lonely = copy(fitted)
    lonely.begins_ = fitted.begins_[500:501]
    lonely._index()
    assert lonely.most_alike(rhythm(4_000), int(fitted.origins_[lonely.begins_[0]]) + 20) is None


def test_the_nearest_reference_equals_a_plain_search():
    rng = np.random.default_rng(0)
    shape, readings = Shape.of(64), rng.normal(size=(500, 2)).astype(np.float32)
    begins = np.arange(0, 430, 3)
    points = all_seen(shape.cut(shape.means(readings), begins))
    library, none, place = Library.of(points), np.zeros(len(begins), dtype=np.int64), np.arange(len(begins))
    room = library.room(len(begins))
    numbers, distances = library.nearest(points, place, place + 1, room)  # all but itself
    again, zero = library.nearest(points, none, none, room)
    gone, no_distance = library.nearest(points, none, none + len(begins), room)
    for view in range(len(VIEWS)):
        apart = np.sqrt(((points[view][:, None].astype(float) - points[view][None]) ** 2).sum(axis=2))
        np.fill_diagonal(apart, np.inf)
        np.testing.assert_array_equal(numbers[view], apart.argmin(axis=1))
        np.testing.assert_allclose(distances[view], apart.min(axis=1), rtol=1e-5)
        np.testing.assert_array_equal(again[view], place)
    np.testing.assert_array_equal(zero, 0)
    assert (gone == -1).all()
    assert np.isnan(no_distance).all()


def test_averages_over_windows_equal_a_slow_twin():
    rng = np.random.default_rng(1)
    starts, ends = bounds(np.repeat([0, 1, 2], [40, 9, 61]), 110)
    ratios, span = rng.random((3, 110)), 8
    found = smoothed(ratios, starts, ends, span)
    for row in (0, 3, 20, 38, 39, 40, 44, 48, 49, 80, 109):
        middles = np.arange(row - span // 4, row + span // 4 + 1) - span // 2
        inside = np.clip(middles, starts[row], max(ends[row] - span, starts[row]))
        np.testing.assert_allclose(found[:, row], ratios[:, inside].mean(axis=1))


def test_equal_readings_have_equal_codes_and_others_do_not():
    readings = rhythm(300).astype(np.float32)
    twice = codes(np.vstack([readings, readings]), 20)
    np.testing.assert_array_equal(twice[:281], twice[300:581])
    assert len(np.unique(twice[:281])) == 281
    np.testing.assert_array_equal(
        codes(np.zeros((30, 2), np.float32), 5), codes(-np.zeros((30, 2), np.float32), 5)
    )


@pytest.mark.parametrize("width", [1, 30])
def test_memory_is_bounded_by_blocks_and_not_by_the_series(width):
    X = np.random.default_rng(0).normal(size=(60_000 // width, width))
    fitted = NearestWindows(references=200).fit(X[:2_000])
    new = np.tile(X, (3, 1))
    fitted.decision_function(X[:1_000])
    tracemalloc.start()
    fitted.decision_function(new)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000_000, "every window of every length at once would be a gigabyte"


def test_of_a_very_long_series_only_the_readings_around_the_references_are_kept(monkeypatch):
    monkeypatch.setattr(nearest_windows, "MOST_CELLS", 8_000)
    X = rhythm(9_000)
    X[4_000:4_050, 0] = 3
    fitted = NearestWindows().fit(X)
    assert fitted.readings_.size <= 8_000
    assert 3_950 <= np.argmax(fitted.decision_scores_) <= 4_100
    assert fitted.decision_function(X).tobytes() == fitted.decision_scores_.tobytes()


def test_lengths_follow_the_rhythm_where_they_are_left_to_it():
    fitted = NearestWindows(lengths=(0,)).fit(rhythm(4_000))
    assert [shape.span for shape in fitted.shapes_] == pytest.approx([22, 44, 88], abs=8)


def test_windows_are_shorter_where_stretches_are_short():
    X = rhythm(3_000)
    fitted = NearestWindows().fit(X, stretches=np.arange(3_000) // 100)
    assert fitted.window_ <= 25
    assert np.isfinite(fitted.decision_scores_).all()


def test_readings_all_on_their_own_are_refused_in_words():
    with pytest.raises(
        DataError, match="windows of at least 2 readings without a gap, and the longest stretch here has 1"
    ):
        NearestWindows().fit(rhythm(50), stretches=np.arange(50))


def test_stretches_must_be_as_many_as_readings(fitted):
    with pytest.raises(UsageError, match="one number for each of 50 readings"):
        fitted.decision_function(rhythm(50), stretches=np.zeros(49))


# ---- through the whole engine


def frame_of(X, **more):
    start = pd.Timestamp("2024-05-06")
    return pd.DataFrame({"t": start + pd.to_timedelta(np.arange(len(X)), unit="min"), "x": X[:, 0]} | more)


def test_a_table_is_refused_in_one_sentence(table):
    with pytest.raises(UsageError, match=r"Nearest Windows compares how readings follow .* rows are a table"):
        train(table.frame, table.roles, "nearest_windows")
    with pytest.raises(UsageError, match="chooses its own windows; leave the window out"):
        train(frame_of(rhythm(300)), ROLES, "nearest_windows", window=20)


def test_rows_in_any_order_and_many_short_windows_are_judged(tmp_path):
    """A data set of a hundred windows: the entity says which, the time counts up in each."""
    rng = np.random.default_rng(0)
    curves = np.sin(np.arange(100) / 6 + rng.uniform(0, 6, (100, 1))) + 0.1 * rng.normal(size=(100, 100))
    curves[37, 40:60] += 2
    frame = pd.DataFrame(
        {"window": np.repeat(np.arange(100), 100), "t": np.tile(np.arange(100), 100), "x": curves.ravel()}
    ).sample(frac=1, random_state=1)
    roles = Roles({"window": "entity", "t": "time", "x": "feature"}, kind="series")
    model = train(frame, roles, "nearest_windows")
    loaded = Model.load(ModelStore(tmp_path), model.save(ModelStore(tmp_path)).id)
    scores = loaded.score(frame)
    assert scores.judged.all()
    assert frame["window"].iloc[np.argmax(scores.values)] == 37
    alone = loaded.score(frame[frame["window"] == 37])
    np.testing.assert_array_equal(alone.values, scores.values[(frame["window"] == 37).to_numpy()])


def test_unjudged_rows_are_named_with_the_reason_and_filled_ones_are_noted():
    frame = frame_of(rhythm(1_000)).drop(index=[100, 700, 701, 702, 703]).reset_index(drop=True)
    frame.loc[300, "x"] = np.nan
    model = train(frame, ROLES, "nearest_windows")
    short = frame.iloc[650:].reset_index(drop=True)
    scores = model.score(short)
    assert np.flatnonzero(~scores.judged).tolist() == list(range(49))
    assert set(scores.obstacles.values()) == {f"fewer than {model.card.window} readings in a row around it"}
    whole = model.score(frame)
    assert np.flatnonzero(~whole.judged).tolist() == [300]
    assert whole.obstacles == {300: "1 of 1 values are missing"}
    assert any("2 missing readings were filled in" in note for note in whole.notes)
    assert any("2 missing readings were filled in" in note for note in model.card.notes)


def test_a_reading_is_explained_by_its_channel_value_and_usual_range():
    X = rhythm(1_500)
    X[700:740, 0] += 4
    frame = frame_of(X, y=rhythm(1_500, seed=2)[:, 0])
    roles = Roles({"t": "time", "x": "feature", "y": "feature"}, kind="series")
    model = train(frame, roles, "nearest_windows")
    prepared = model.encode(frame)
    found = explain_worst(model, prepared, model.judge(prepared), most=5)
    for row, reasons in zip(found.rows, found.reasons, strict=True):
        assert reasons[0].column == "x"
        assert reasons[0].measure == ""
        assert reasons[0].usual.startswith("usually -")
        assert f"{frame['x'][row]:.4g}"[:4] in reasons[0].text


def test_the_command_line_trains_and_scores_a_series(tmp_path, capsys):
    X = rhythm(1_500)
    frame_of(X).to_csv(tmp_path / "good.csv", index=False)
    X[700:740, 0] += 4
    frame_of(X).to_csv(tmp_path / "new.csv", index=False)
    places = ["--models", str(tmp_path / "models")]
    given = ["train", str(tmp_path / "good.csv"), "--detector", "nearest_windows", "--name", "pump", *places]
    assert main(given) == 0
    flags = tmp_path / "flags.csv"
    assert main(["score", str(tmp_path / "new.csv"), "--model", "pump", "--output", str(flags), *places]) == 0
    found = pd.read_csv(flags)
    assert len(found) == 1_500
    assert 690 <= found["anomaly_score"].idxmax() <= 750
    assert "flagged" in capsys.readouterr().out
