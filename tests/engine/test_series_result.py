"""A result over time: events with their channels and direction, and severities in stretches, as loops find them."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from engine.data.dataset import DatasetStore
from engine.results import Result
from engine.series_files import SeriesFiles
from engine.series_result import SeriesResult

ROWS = 1_200
WORST = 300  # explained rows


@pytest.fixture(scope="module")
def fleet(tmp_path_factory):
    """Three machines, shuffled, judged at random; the worst readings are explained."""
    folder, rng = tmp_path_factory.mktemp("fleet"), np.random.default_rng(6)
    minute = np.tile(np.arange(ROWS // 3), 3)
    frame = pd.DataFrame(
        {
            "at": pd.Timestamp("2024-05-06") + pd.to_timedelta(minute, unit="min"),
            "machine": np.repeat(["a", "b", "c"], ROWS // 3),
            "load": rng.normal(size=ROWS),
            "heat": rng.normal(size=ROWS),
        }
    ).sample(frac=1, random_state=0, ignore_index=True)
    frame.to_parquet(folder / "fleet.parquet")
    dataset = DatasetStore(folder / "datasets").add(folder / "fleet.parquet", "fleet.parquet")
    scores = rng.random(ROWS)
    scores[frame["machine"] == "b"] *= 1.5
    scores[:40] = np.nan
    rows = np.argsort(-np.nan_to_num(scores, nan=-1))[:WORST]
    result = Result(
        id="r",
        model="m@1",
        dataset=dataset.id,
        about={"columns": ["power", "heat"], "mapping": {"power": "load"}},
        values=scores,
        severity=np.minimum(100 * scores, 100),
        explained_rows=rows,
        contributions=rng.random((WORST, 2)) ** 4,
        worst=frame.iloc[rows],
        obstacle_rows=np.arange(40),
        obstacle_numbers=np.zeros(40, dtype=np.int64),
        told=[b"[]"] * WORST,
    )
    files = SeriesFiles.of(dataset, "at", "machine")
    return frame, SeriesResult(result=result, files=files, usual={"power": 0.0, "heat": 0.0})


def test_events_never_reach_from_a_machine_into_the_next(fleet):
    frame, series = fleet
    found = series.events(0.5, bridge=3)
    flagged = {series.files.row(place) for event in found for place in range(event.start, event.end + 1)}
    assert set(np.flatnonzero(series.result.values > 0.5).tolist()) <= flagged
    for event in found:
        rows = [series.files.row(place) for place in range(event.start, event.end + 1)]
        assert frame.loc[rows, "machine"].nunique() == 1
        assert series.result.values[series.files.row(event.peak)] == np.nanmax(series.result.values[rows])


def test_a_channel_to_blame_has_the_name_it_has_here_and_a_direction_from_its_value(fleet):
    frame, series = fleet
    events = series.blamed(series.events(1.2))
    assert {name for event in events for name, _ in event.channels} == {"load", "heat"}
    for event in events:
        (row,) = [series.files.row(place) for place in range(event.start, event.end + 1)][:1]
        if event.length == 1:
            assert event.direction == ("higher" if frame.loc[row, event.channels[0][0]] > 0 else "lower")


def test_the_table_of_events_has_the_worst_first_under_plain_names(fleet):
    frame, series = fleet
    table = series.table(series.events(0.8))
    assert list(table)[:6] == ["entity", "start", "end", "seconds", "readings", "flagged_readings"]
    assert table["anomaly_score"].is_monotonic_decreasing
    assert ((table["end"] - table["start"]).dt.total_seconds() == table["seconds"]).all()
    worst = table.iloc[0]
    assert worst["peak_row"] == np.nanargmax(series.result.values) + 1
    assert worst["entity"] == frame.loc[worst["peak_row"] - 1, "machine"] == "b"
    assert worst["peak"] == frame.loc[worst["peak_row"] - 1, "at"]
    assert set(table["direction"]) <= {"higher", "lower", ""}
    empty = series.table(series.events(9.0))
    assert (len(empty), list(empty)) == (0, list(table))


def naive_highest(frame, severity, edges):
    seconds = (frame["at"] - pd.Timestamp(0)).dt.total_seconds().to_numpy()
    found = []
    for number, (start, end) in enumerate(pairwise(edges)):
        last = number == len(edges) - 2
        inside = severity[(seconds >= start) & ((seconds < end) | (last & (seconds <= end)))]
        known = inside[np.isfinite(inside)]
        found.append(known.max() if len(known) else np.nan)
    return np.array(found)


def test_the_strip_has_the_highest_severity_of_each_stretch(fleet):
    frame, series = fleet
    strip = series.strip("c")
    own = frame["machine"] == "c"
    np.testing.assert_array_equal(
        strip.severity[0], naive_highest(frame[own], series.result.severity[own], strip.edges)
    )


def test_lanes_of_machines_begin_with_the_worst(fleet):
    frame, series = fleet
    lanes = series.lanes_of_entities()
    assert lanes.names[0] == "b"
    assert sorted(lanes.names) == ["a", "b", "c"]
    for name, severity in zip(lanes.names, lanes.severity, strict=True):
        own = frame["machine"] == name
        np.testing.assert_array_equal(
            severity, naive_highest(frame[own], series.result.severity[own], lanes.edges)
        )


def test_lanes_of_channels_hold_explained_readings_that_the_channel_is_to_blame_for(fleet):
    frame, series = fleet
    lanes = series.lanes_of_channels("b")
    assert sorted(lanes.names) == ["heat", "load"]
    rows, contributions = series.result.explained_rows, series.result.contributions
    for name, severity in zip(lanes.names, lanes.severity, strict=True):
        share = contributions[:, ["load", "heat"].index(name)] / contributions.sum(axis=1)
        guilty = rows[(share >= 0.1) & (frame.loc[rows, "machine"] == "b").to_numpy()]
        expected = naive_highest(frame.loc[guilty], series.result.severity[guilty], lanes.edges)
        np.testing.assert_array_equal(severity, expected)


def test_coverage_is_the_share_of_readings_in_events(fleet):
    _, series = fleet
    found = series.events(0.7, bridge=1)
    covered = np.zeros(len(series.files), dtype=bool)
    for event in found:
        covered[event.start : event.end + 1] = True
    places = np.array([0, 1, 77, 400, 401, 800, ROWS])
    assert found.covered(places).tolist() == [int(covered[:place].sum()) for place in places]
    for name in ("a", "c"):
        shares, strip = series.coverage(name, found), series.strip(name)
        part = series.files.part(name)
        readings = np.histogram(series.files.seconds[part], bins=strip.edges)[0]
        assert np.nansum(shares * readings) == pytest.approx(covered[part].sum())
        np.testing.assert_array_equal(np.isnan(shares), readings == 0)
