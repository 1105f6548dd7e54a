"""Masked Series: what it promises of scores, labels, stretches, storage and a training that was stopped."""

import numpy as np
import pandas as pd
import pytest
import torch

from engine.data.samples import SAMPLES
from engine.detectors.base import Course
from engine.detectors.masked_series import MaskedSeries
from engine.detectors.surprise import LEVELS, Surprise
from engine.detectors.window_sampling import contents, overlapped, reach_of, sampled
from engine.errors import Cancelled, DataError, StoreError, UsageError
from engine.model import Model
from engine.scoring.metrics import curve
from engine.store import ModelStore
from engine.workspace import SHIPPED_MODELS

SMALL = {"num_epochs": 6, "d_model": 16, "nhead": 2, "num_encoder_layers": 1, "num_teacher_decoder_layers": 2}
BOTH = pytest.mark.parametrize("score", ["fused", "discrepancy"])


def small(**changes):
    return MaskedSeries(**{**SMALL, **changes})


def hum(n, channels=1, seed=0):
    """Readings with a rhythm of 25, a little noise, and another phase in each channel."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None]
    return np.sin(2 * np.pi * (t / 25 + np.arange(channels) / 7)) + 0.1 * rng.normal(size=(n, channels))


@pytest.fixture(scope="module", params=["fused", "discrepancy"])
def fitted(request):
    return small(score=request.param).fit(hum(1_000, 2))


@pytest.fixture(scope="module")
def trained():
    """Trained for longer, so that it finds something."""
    return small(num_epochs=60).fit(hum(3_000, 2))


def same(a, b):
    return np.array_equal(a, b, equal_nan=True)


# ---- scores


def test_there_is_one_score_a_reading_and_none_in_short_stretches(fitted):
    X = hum(700, 2, seed=1)
    stretches = np.repeat([0, 1, 2], [300, fitted.window_ - 1, 401 - fitted.window_])
    scores = fitted.decision_function(X, stretches=stretches)
    assert scores.shape == (700,)
    assert np.isnan(scores[stretches == 1]).all()
    assert np.isfinite(scores[stretches != 1]).all()


@pytest.mark.parametrize(("start", "stop"), [(0, 900), (137, 1_000), (333, 777)])
def test_a_stretch_alone_scores_as_inside_a_longer_series(fitted, start, stop):
    X, reach = hum(1_200, 2, seed=1), fitted.window_
    whole, part = fitted.decision_function(X), fitted.decision_function(X[start:stop])
    low, high = (0 if start == 0 else reach), stop - start - reach
    np.testing.assert_array_equal(part[low:high], whole[start + low : start + high])


def test_stretches_after_one_another_score_as_each_alone(fitted):
    X, stretches = hum(900, 2, seed=1), np.repeat([7, 3, 5], [200, 300, 400])
    together = fitted.decision_function(X, stretches=stretches)
    alone = [fitted.decision_function(X[stretches == number]) for number in (7, 3, 5)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


def test_the_size_of_a_part_does_not_matter(fitted, monkeypatch):
    X = hum(1_500, 2, seed=1)
    whole = fitted.decision_function(X)
    monkeypatch.setattr("engine.detectors.window_signals.CELLS", 434)
    monkeypatch.setattr("engine.detectors.window_signals.FEWEST_READINGS", 1)
    np.testing.assert_array_equal(fitted.decision_function(X), whole)


def test_scores_of_training_readings_are_those_of_new_ones(fitted):
    np.testing.assert_array_equal(fitted.decision_scores_, fitted.decision_function(hum(1_000, 2)))


def test_a_standing_machine_is_judged(fitted):
    X = np.vstack([hum(300, 2, seed=1), np.full((600, 2), 0.3)])
    assert np.isfinite(fitted.decision_function(X)).all()


@BOTH
def test_many_channels_and_few_readings_are_judged(score):
    scores = small(score=score, num_epochs=1).fit(hum(90, 12)).decision_scores_
    assert np.isfinite(scores).all()


@pytest.mark.parametrize("mask", ["last", "complementary"])
@BOTH
def test_either_mask_goes_with_either_score(score, mask):
    X = hum(300)
    found = small(score=score, mask=mask, num_epochs=2).fit(X).decision_function(X)
    assert np.isfinite(found).all()
    assert len(set(found)) > 1


@pytest.mark.slow
def test_planted_anomalies_score_highest_and_their_channel_is_named(trained):
    X = hum(1_200, 2, seed=1)
    X[300:320, 1] += 2.0
    X[700:730, 0] = hum(1_200, 2, seed=1)[700:730, 0][::-1] * 0.3
    scores = trained.decision_function(X)
    usual = np.quantile(scores[np.r_[0:150, 450:550, 900:1_200]], 0.99)
    assert scores[300:320].max() > usual
    assert scores[700:730].max() > usual
    rows = np.array([300 + int(scores[300:320].argmax()), 700 + int(scores[700:730].argmax())])
    assert trained.parts_at(X, rows).argmax(axis=1).tolist() == [1, 0]


def test_what_channels_add_sums_to_the_score(fitted):
    X, rows = hum(800, 2, seed=1), np.array([120, 400, 650])
    parts = fitted.parts_at(X, rows)
    np.testing.assert_allclose(parts.sum(axis=1), fitted.decision_function(X)[rows], rtol=1e-9)


def test_a_window_can_be_inspected(fitted):
    X = hum(800, 2, seed=1)
    seen = fitted.inspect(X, 400)
    here = slice(seen.begin, seen.begin + fitted.length)
    assert here.start <= 400 < here.stop
    np.testing.assert_array_equal(seen.original, X[here])
    assert seen.masks.shape == (2, fitted.length)
    assert (seen.masks.sum(axis=0) == 1).all()
    for part in (seen.teacher, seen.student, seen.discrepancy, seen.error, seen.map):
        assert part.shape == (fitted.length, 2)
        assert np.isfinite(part).all()


def test_the_window_most_alike_is_that_of_its_nearest_windows(fitted):
    X = hum(800, 2, seed=1)
    found = fitted.most_alike(X, 400)
    if fitted.evidence_ is None:
        assert found is None
    else:
        assert found.ratio == fitted.evidence_.nearest.most_alike(X, 400).ratio


# ---- labels


def test_labels_change_what_is_learned_and_their_readings_do_not_enter_the_nearest_windows():
    X, y = hum(1_500), np.zeros(1_500)
    X[600:660] += 3.0
    y[600:660] = 1
    with_labels = small().fit(X, labelled=y)
    assert with_labels.evidence_.nearest.readings_.max() < 2.5
    assert not same(with_labels.decision_scores_, small().fit(X).decision_scores_)


def test_labels_everywhere_leave_nothing_to_learn_from():
    with pytest.raises(DataError, match="every window holds one; label fewer readings"):
        small().fit(hum(500), labelled=np.ones(500))


def test_labels_of_other_readings_are_refused():
    with pytest.raises(UsageError, match="one number for each of 300 readings"):
        small().fit(hum(300), labelled=np.zeros(299))


def test_no_stretch_as_long_as_a_window_is_said_in_words():
    stretches = np.arange(200)
    with pytest.raises(DataError, match="needs stretches of 2 readings without a gap, and found none"):
        small().fit(hum(200), stretches=stretches)


def test_heads_must_divide_the_width():
    with pytest.raises(UsageError, match="d_model must be a multiple of nhead, got 16 and 3"):
        small(nhead=3).fit(hum(300))


# ---- stopped and gone on, kept and read


def stop_at(share):
    def listen(done, message):
        if done >= share:
            raise Cancelled("stopped")

    return listen


@BOTH
def test_a_stopped_training_goes_on_to_the_same_bytes(score, tmp_path):
    X, y = hum(700), np.zeros(700)
    y[300:310] = 1
    whole = small(score=score).fit(X, labelled=y)
    course = Course(checkpoint=tmp_path / "checkpoint")
    for share in (0.3, 0.6):
        with pytest.raises(Cancelled):
            small(score=score).fit(X, labelled=y, course=course, progress=stop_at(share))
        assert course.checkpoint.exists()
    resumed = small(score=score).fit(X, labelled=y, course=course)
    assert whole.history_ == resumed.history_
    for name, values in whole.arrays().items():
        assert values.tobytes() == resumed.arrays()[name].tobytes(), name
    np.testing.assert_array_equal(whole.decision_scores_, resumed.decision_scores_)


def test_the_parts_of_the_loss_add_up_to_it(fitted):
    names = {"reconstruction_loss", "discrepancy_loss"} | ({"map_loss"} if fitted.score == "fused" else set())
    for record in fitted.history_:
        assert set(record) == {"epoch", "train_loss", "validation_loss"} | names
        assert sum(record[name] for name in names) == pytest.approx(record["train_loss"], rel=1e-4)


def test_arrays_bring_back_the_same_scores(fitted):
    X = hum(600, 2, seed=1)
    again = small(score=fitted.score).restore(fitted.arrays(), n_features=2)
    np.testing.assert_array_equal(again.decision_function(X), fitted.decision_function(X))
    assert same(again.parts_at(X, np.array([300])), fitted.parts_at(X, np.array([300])))


@pytest.mark.parametrize(
    "change",
    [
        {"layout": np.array([10, 1, 1])},
        {"layout": np.array([10, 1_000, 1])},
        {"layout": np.array([10.0, 10.0, 1.0])},
        {"scale/spread": np.zeros(2)},
        {"scale/center": np.zeros(3)},
        {"usual": np.zeros((4, 2))},
        {"usual": np.ones((3, 2))},
        {"weights": np.zeros(5)},
        {"surprise/excess": np.zeros(5)},
        {"surprise/knots": np.zeros((5, 3))},
        {"network/teacher_head.weight": np.full((10, 16), np.nan, dtype=np.float32)},
        {"network/teacher_head.weight": np.zeros((3, 16), dtype=np.float32)},
        {"nearest/begin": np.zeros(600, dtype=bool)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_damaged_arrays_are_refused(change):
    arrays = DAMAGED.setdefault("arrays", small(num_epochs=1).fit(hum(600, 2)).arrays())
    with pytest.raises(StoreError, match="damaged"):
        small(num_epochs=1).restore(arrays | change, n_features=2)


DAMAGED = {}


# ---- windows chosen by content


@pytest.mark.parametrize(("length", "reach"), [(60, 20), (60, 30), (61, 30), (7, 3), (2, 1)])
def test_of_any_readings_in_a_row_one_begins_a_window(length, reach):
    begins = sampled(hum(2_000).astype(np.float32), np.full(2_000, 2_000), length, reach)
    assert begins[0] == 0
    assert begins[-1] == 2_000 - length
    assert np.diff(begins).max() <= reach
    assert len(begins) < 2_000 / (0.4 * reach)


def test_windows_never_cross_a_gap():
    ends = np.repeat([150, 170, 400], [150, 20, 230])
    begins = sampled(hum(400).astype(np.float32), ends, 40, 20)
    assert (begins + 40 <= ends[begins]).all()
    assert {0, 110, 170, 360} <= set(begins.tolist())


def test_equal_windows_have_equal_numbers():
    readings = np.zeros((500, 1), dtype=np.float32)
    readings[250:] = 1
    begins = sampled(readings, np.full(500, 500), 30, 15)
    content = contents(readings, begins, 30)
    windows = readings[begins[:, None] + np.arange(30), 0]
    assert len(set(content.tolist())) == len(np.unique(windows, axis=0)) < len(begins)
    for number in set(content.tolist()):
        assert (windows[content == number] == windows[content == number][0]).all()


def test_a_channel_that_stands_still_is_hardly_looked_at():
    """Windows around each step are few, however long nothing changes between steps."""
    steps = np.repeat(np.arange(20.0, dtype=np.float32), 700)[:, None]
    begins = sampled(steps, np.full(14_000, 14_000), 100, reach_of(100))
    assert np.diff(begins).max() <= reach_of(100)
    assert len(np.unique(contents(steps, begins, 100))) < 20 * 30


def overlapped_slowly(values, begins, n):
    """Of one stretch: the weighted mean over windows in whose middle a reading lies, or the outermost one."""
    length = values.shape[1]
    margin, found = (length - reach_of(length)) // 2, []
    for t in range(n):
        total = weights = 0.0
        for window, begin in zip(values, begins, strict=True):
            place = t - begin
            low = 0 if begin == 0 else margin
            high = length if begin + length == n else length - margin
            if low <= place < high:
                weight = 1 + min(place, length - 1 - place)
                total, weights = total + weight * window[place], weights + weight
        found.append(total / weights)
    return found


@pytest.mark.parametrize(("begins", "length"), [([0, 3, 4], 6), ([0], 10), ([0, 2, 3, 5], 5), ([0, 8], 2)])
def test_overlapping_windows_are_averaged_by_their_middles(begins, length):
    values, n = np.random.default_rng(0).normal(size=(1, len(begins), length)), begins[-1] + length
    found = overlapped(values, np.array(begins), np.full(n, n))[0]
    inside = np.isfinite(found)
    assert inside[0]
    assert inside[-1]
    if length != 2:
        np.testing.assert_allclose(found, overlapped_slowly(values[0], begins, n))


def test_no_reading_as_far_away_as_a_window_matters():
    """Neither to which windows are chosen around a reading, nor, near the ends of a stretch, to how many count."""
    length, readings = 20, np.round(hum(400, seed=4)).astype(np.float32)  # few values: many windows are alike

    def judged(part):
        begins = sampled(part, np.full(len(part), len(part)), length, reach_of(length))
        sums = np.cumsum(part[begins[:, None] + np.arange(length), 0], axis=1)  # of a window up to each place
        return overlapped(sums[None].astype(float), begins, np.full(len(part), len(part)))[0]

    whole = judged(readings)
    for stop in range(length, 90):
        part = judged(readings[:stop])
        np.testing.assert_array_equal(part[: max(0, stop - length + 1)], whole[: max(0, stop - length + 1)])
        np.testing.assert_array_equal(judged(readings[-stop:])[length - 1 :], whole[-stop:][length - 1 :])


# ---- surprise


def test_surprise_is_minus_the_logarithm_of_the_tail():
    drawn = np.random.default_rng(0).exponential(size=(1, 200_000))
    told = Surprise.of(drawn)
    x = np.array([[0.1, 1.0, 2.0, 6.0, 10.0]])
    np.testing.assert_allclose(told(x)[0], x[0], rtol=0.05, atol=0.02)


def test_surprise_rises_with_the_signal_beyond_everything_seen():
    told = Surprise.of(np.random.default_rng(0).normal(size=(2, 500)))
    x = np.tile(np.linspace(-5, 50, 200), (2, 1))
    assert (np.diff(told(x)) >= 0).all()
    assert (np.diff(told(x)[:, x[0] > 4]) > 0).all()
    assert told(np.full((2, 1), -9.0)).tolist() == [[0.0], [0.0]]
    assert LEVELS[-1] == 0.98


def test_the_callers_threads_and_random_state_are_left_alone():
    torch.manual_seed(11)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    small(num_epochs=1).fit(hum(300))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.get_num_threads() == threads


@pytest.mark.slow
def test_the_shipped_network_finds_what_is_strange_in_its_sample(tmp_path):
    sample = next(sample for sample in SAMPLES if sample.file == "machine_sensor.csv")
    frame = pd.read_csv(sample.path, parse_dates=["timestamp"])
    model = Model.load(ModelStore(tmp_path, shipped=SHIPPED_MODELS), "compressor-windows")
    scores, strange = model.score(frame).values, frame["anomaly"].to_numpy() == 1
    assert np.isfinite(scores).all()
    assert curve(scores, strange.astype(float)).roc_auc > 0.9
