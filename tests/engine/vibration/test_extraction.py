"""From recordings to a table: rows, columns, times and baseline, the same every time; and what does not fit is said."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.data.roles import suggest
from engine.data.synthetic import raw_snapshots
from engine.data.vibration import Cut, Settings, measured, sampling_rate, signal_table, snapshot_table
from engine.data.vibration.snapshots import read_snapshot, snapshot_files
from engine.errors import DataError, ReadingError, UsageError

RATE = 20_000.0
SETTINGS = Settings(rate=RATE, faults={"bpfo": 236.4})
RNG = np.random.default_rng(3)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    raw_snapshots(folder, count=8, every=100)
    return folder


@pytest.fixture(scope="module")
def table(run):
    return snapshot_table(run, SETTINGS, baseline=3)


def test_there_is_one_row_a_snapshot_with_its_name_time_and_baseline(run, table):
    assert table["snapshot"].tolist() == sorted(path.name for path in run.iterdir())
    assert table["time"].diff().dropna().unique().tolist() == [pd.Timedelta("1000min")]
    assert table["baseline"].tolist() == [True] * 3 + [False] * 5
    assert table.shape == (8, 3 + 4 * (20 + 4 + 3))


def test_each_row_holds_the_features_of_its_file(run, table):
    with snapshot_files(run) as files:
        for row, file in enumerate(files):
            expected = measured(read_snapshot(file).signals, SETTINGS)
            for name, values in expected.items():
                np.testing.assert_array_equal(table.loc[row, [f"ch{i}_{name}" for i in (1, 2, 3, 4)]], values)


def test_the_same_folder_gives_the_same_table(run, table):
    pd.testing.assert_frame_equal(snapshot_table(run, SETTINGS, baseline=3), table)


def test_the_failing_bearing_stands_out_at_its_fault_frequency(table):
    last = table.iloc[-1]
    others = [last[f"ch{i}_bpfo_1x"] for i in (1, 2, 4)]
    assert last["ch3_bpfo_1x"] > 3 * max(others)
    assert last["ch3_kurtosis"] > 4 > last["ch1_kurtosis"]


def test_windows_of_a_snapshot_are_rows_of_their_own_and_begin_when_they_began(run):
    cut = snapshot_table(run, SETTINGS, cut=Cut(window=500, hop=250), baseline=2)
    assert len(cut) == 8 * 7
    assert cut["window_no"].tolist() == [1, 2, 3, 4, 5, 6, 7] * 8
    assert cut["baseline"].sum() == 2 * 7
    assert cut["time"].diff().iloc[1:7].unique().tolist() == [pd.Timedelta("12.5ms")]
    with snapshot_files(run) as files:
        signals = read_snapshot(files[0]).signals
    expected = measured(signals[:, 250:750], SETTINGS)["rms"]
    np.testing.assert_allclose(cut.loc[1, [f"ch{i}_rms" for i in (1, 2, 3, 4)]].tolist(), expected)


def test_what_stands_beside_the_features_is_not_learned_from(run):
    cut = snapshot_table(run, SETTINGS, cut=Cut(window=500), baseline=2)
    types = dict.fromkeys(cut.columns, "number")
    types |= {"snapshot": "text", "window_no": "integer", "time": "datetime", "baseline": "boolean"}
    roles = suggest(cut, types).roles
    assert roles.time == "time"
    assert roles.of("ignore") == ("snapshot", "window_no", "baseline")


def test_channels_are_named(run):
    columns = snapshot_table(run, SETTINGS, channels=["b1", "b2", "b3", "b4"]).columns
    assert "b3_bpfo_3x" in columns
    assert "baseline" not in columns


def write(folder, name, shape):
    np.savetxt(folder / name, RNG.normal(size=shape), fmt="%.3f")


@pytest.mark.parametrize(
    ("shape", "cut", "words"),
    [
        ((100, 3), None, "same channels, but '2.txt' has 3 and '1.txt' has 2; take one of them out"),
        ((90, 2), None, "as long as the first, but '2.txt' has 90 samples and '1.txt' has 100"),
        ((90, 2), Cut(window=95), "'2.txt' has 90 samples, less than a window of 95"),
    ],
)
def test_a_snapshot_unlike_the_first_is_named(tmp_path, shape, cut, words):
    write(tmp_path, "1.txt", (100, 2))
    write(tmp_path, "2.txt", shape)
    with pytest.raises(ReadingError, match=words):
        snapshot_table(tmp_path, Settings(rate=1_000), cut=cut)


def test_snapshots_with_other_names_of_channels_are_refused(tmp_path):
    for name, header in (("1.csv", "x,y"), ("2.csv", "x,z")):
        np.savetxt(tmp_path / name, RNG.normal(size=(50, 2)), delimiter=",", header=header, comments="")
    with pytest.raises(ReadingError, match=r"'2\.csv' has 'x', 'z' and '1\.csv' has 'x', 'y'"):
        snapshot_table(tmp_path, Settings(rate=1_000))


def test_snapshots_of_other_lengths_may_be_cut_into_windows(tmp_path):
    write(tmp_path, "1.txt", (100, 2))
    write(tmp_path, "2.txt", (65, 2))
    found = snapshot_table(tmp_path, Settings(rate=1_000), cut=Cut(window=32))
    assert found["snapshot"].tolist() == ["1.txt"] * 3 + ["2.txt"] * 2
    assert "time" not in found.columns


@pytest.mark.parametrize("baseline", [0, 9])
def test_a_baseline_must_lie_within_the_run(run, baseline):
    with pytest.raises(UsageError, match=f"the baseline must be 1 to 8 snapshots, got {baseline}"):
        snapshot_table(run, SETTINGS, baseline=baseline)


# ---- one long recording


def recording(n=1_000, rate=1_000.0):
    seconds = np.arange(n) / rate
    stamps = pd.Timestamp("2024-05-06") + pd.to_timedelta(np.round(seconds * 1e6), unit="us")
    return pd.DataFrame({"at": stamps, "x": RNG.normal(size=n), "y": RNG.normal(size=n), "note": "a"})


def test_a_long_recording_becomes_a_row_a_window():
    frame, settings = recording(), Settings(rate=1_000)
    found = signal_table(frame, settings, Cut(window=100, hop=50), time="at", baseline=5)
    assert len(found) == 19
    assert found["time"].tolist() == frame["at"].iloc[: 19 * 50 : 50].tolist()
    assert found["baseline"].sum() == 5
    for row in (0, 7, 18):
        part = frame[["x", "y"]].to_numpy().T[:, row * 50 : row * 50 + 100]
        for name, values in measured(part, settings).items():
            np.testing.assert_allclose(found.loc[row, [f"x_{name}", f"y_{name}"]].tolist(), values)


def test_times_in_seconds_say_when_a_window_begins_and_are_not_learned_from():
    frame = recording().assign(at=np.arange(1_000) / 1_000)
    found = signal_table(frame, Settings(rate=1_000), Cut(window=250), time="at")
    assert found["begins_s"].tolist() == [0.0, 0.25, 0.5, 0.75]
    roles = suggest(found, dict.fromkeys(found.columns, "number")).roles
    assert {"window_no", "begins_s"} <= set(roles.of("ignore"))


def test_batches_leave_no_seam(monkeypatch):
    frame, settings = recording(), Settings(rate=1_000)
    whole = signal_table(frame, settings, Cut(window=64))
    monkeypatch.setattr("engine.data.vibration.extraction.BATCH_SAMPLES", 300)
    pd.testing.assert_frame_equal(signal_table(frame, settings, Cut(window=64)), whole)


def test_no_window_reaches_across_a_gap_and_samples_are_put_in_order():
    frame = recording().drop(index=range(350, 500))
    shuffled = frame.sample(frac=1, random_state=0)
    settings, cut = Settings(rate=1_000), Cut(window=100)
    found = signal_table(shuffled, settings, cut, time="at")
    pd.testing.assert_frame_equal(found, signal_table(frame, settings, cut, time="at"))
    offsets = (found["time"] - frame["at"].iloc[0]).dt.total_seconds().round(3).tolist()
    assert offsets == [0.0, 0.1, 0.2, 0.5, 0.6, 0.7, 0.8, 0.9]


def test_a_clock_coarser_than_the_samples_makes_no_gaps():
    frame = recording()
    frame["at"] = frame["at"].dt.floor("10ms")
    assert len(signal_table(frame, Settings(rate=1_000), Cut(window=100), time="at")) == 10


def test_the_rate_follows_from_the_times_gaps_left_out():
    frame = recording(n=2_000, rate=12_800.0).drop(index=range(500, 900))
    assert sampling_rate(frame, "at") == 12_800
    with pytest.raises(DataError, match="the times in 'at' are too coarse to tell the sampling rate"):
        sampling_rate(frame.assign(at=frame["at"].dt.floor("1ms")), "at")
    with pytest.raises(UsageError, match="without a time column the sampling rate is not known"):
        sampling_rate(frame, None)


def test_times_and_counters_are_no_channels_unless_they_are_asked_for():
    frame = recording().assign(index=range(1_000))
    settings, cut = Settings(rate=1_000), Cut(window=500)
    assert "index_rms" not in signal_table(frame, settings, cut).columns
    assert "index_rms" in signal_table(frame, settings, cut, channels=["index"]).columns


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"channels": ["z"]}, UsageError, "there is no column 'z'; the columns are 'at', 'x', 'y', 'note'"),
        ({"channels": ["note"]}, DataError, "a channel must be a column of numbers, and 'note' is none"),
        ({"time": "when"}, UsageError, "there is no column 'when'"),
        ({"baseline": 11}, UsageError, "the baseline must be 1 to 10 windows, got 11"),
        ({"cut": Cut(window=2_000)}, DataError, "no window of 2,000 samples fits: .* has 1,000"),
    ],
)
def test_what_does_not_fit_a_recording_is_said(more, error, words):
    with pytest.raises(error, match=words):
        signal_table(recording(), Settings(rate=1_000), **{"cut": Cut(window=100), **more})


def test_a_table_without_numbers_and_samples_without_a_time_are_refused():
    settings, cut = Settings(rate=1_000), Cut(window=100)
    with pytest.raises(DataError, match="there is no column of numbers to measure"):
        signal_table(recording()[["at", "note"]], settings, cut)
    frame = recording()
    frame.loc[[3, 4], "at"] = pd.NaT
    with pytest.raises(DataError, match="every sample must have a time, but 'at' is missing in 2 rows"):
        signal_table(frame, settings, cut, time="at")


@pytest.mark.parametrize(
    ("cut", "words"), [({"window": 8}, "at least 16"), ({"window": 16, "hop": 0}, "at least 1")]
)
def test_windows_too_short_are_refused(cut, words):
    with pytest.raises(UsageError, match=words):
        Cut(**cut)
