"""Charts are tested as data: what is in their tables, what their sentences say, and what never changes."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from engine import charts
from engine.charts.evaluation import corners
from engine.charts.thinning import highest_in
from engine.errors import UsageError
from tests import naive

THEMES = ("light", "dark")
N = 5_000
RNG = np.random.default_rng(7)
SCORES = np.r_[RNG.gamma(3.0, 0.1, N - 50), RNG.gamma(6.0, 0.3, 50)]
EDGES, COUNTS = charts.histogram(SCORES)
LABELLED = (np.where(EDGES[:-1] < 1, COUNTS, 0), np.where(EDGES[:-1] < 1, 0, COUNTS))
TIMES = 1_700_000_000 + 60.0 * np.arange(N)
VALUES = np.sin(np.arange(N) / 40) + RNG.normal(0, 0.05, N)
FLAGGED = np.arange(N) % 97 == 0
CURVE = np.linspace(0, 1, 101)
LOSSES = [
    {"epoch": epoch, "train_loss": 1 / epoch, "validation_loss": 0.2 + 0.001 * (epoch - 20) ** 2}
    for epoch in range(1, 31)
]

PARTS = [
    each | {"reconstruction_loss": 0.7 / each["epoch"], "discrepancy_loss": 0.3 / each["epoch"]}
    for each in LOSSES
]


def every_chart(theme):
    """One of each kind, with everything switched on."""
    return {
        "scores": charts.score_histogram(EDGES, COUNTS, 0.9, log=False, flagged=42, theme=theme),
        "scores_log": charts.score_histogram(EDGES, COUNTS, 0.9, log=True, by_label=LABELLED, theme=theme),
        "labels": charts.label_histogram(EDGES, *LABELLED, 0.9, theme=theme),
        "flagged": charts.flagged_curve(
            np.array([90.0, 95.0, 99.0]), np.array([500, 250, 50]), (95.0, 250), theme=theme
        ),
        "series": charts.series_chart(
            TIMES,
            VALUES,
            [(TIMES[10], TIMES[20])],
            FLAGGED,
            channel="load (%)",
            label_spans=[(TIMES[12], TIMES[18])],
            theme=theme,
        ),
        "steps": charts.series_chart(
            np.arange(N, dtype=float), VALUES, channel="load", clock=False, theme=theme
        ),
        "overview": charts.overview(
            TIMES,
            VALUES,
            (TIMES[[15, 99]], VALUES[[15, 99]]),
            np.linspace(TIMES[0], TIMES[-1], 5),
            np.array([0.0, 0.01, np.nan, 1.0]),
            np.array([50.0, 99.95, np.nan, 100.0]),
            (TIMES[10], TIMES[20]),
            channel="load (%)",
            segments=np.arange(N) // 1_000,
            theme=theme,
        ),
        "lanes": charts.lane_map(
            ["press 1", "press 2"],
            np.linspace(TIMES[0], TIMES[-1], 4),
            np.array([[90.0, np.nan, 12.0], [99.0, 100.0, np.nan]]),
            title="machine",
            theme=theme,
        ),
        "near": charts.neighbourhood(TIMES[:99], VALUES[:99], 50, FLAGGED[:99], channel="load", theme=theme),
        "lead_time": charts.lead_time_chart(
            TIMES,
            {"one": 50 + 40 * VALUES, "another": 60 + 30 * VALUES},
            {"one": TIMES[4_000], "another": None},
            failure=TIMES[-1],
            onset=TIMES[3_000],
            theme=theme,
        ),
        "roc": charts.roc_chart(
            CURVE,
            np.sqrt(CURVE),
            (0.04, 0.2),
            0.667,
            band=(CURVE[:9], CURVE[:9], CURVE[:9] + 0.1),
            theme=theme,
        ),
        "measures": charts.metric_lines(CURVE, dict.fromkeys(charts.MEASURES, CURVE), 0.4, theme=theme),
        "cost": charts.cost_line(CURVE[:161], CURVE[:161], (0.4, 0.2), (0.1, 0.1), theme=theme),
        "rules": charts.rule_lines(
            ["Percentile 95", "Best F1"], [0.4, 9.0], ["5 flagged", "0 flagged"], 1, EDGES, theme=theme
        ),
        "pr": charts.pr_chart(CURVE, 1 - CURVE / 2, (0.5, 0.75), 0.751, 0.02, theme=theme),
        "confusion": charts.confusion_grid(40, 9, 11, 4_940, theme=theme),
        "bars": charts.contribution_bars(
            ["amount", "hour"], np.array([0.3, 0.7]), ["4,210 €", "3"], theme=theme
        ),
        "strip": charts.range_strip(
            ["amount", "hour"],
            np.array([4210.0, 3.0]),
            np.array([1.0, 0.0]),
            np.array([30.0, 12.0]),
            np.array([400.0, 23.0]),
            ["4,210 €", "3"],
            theme=theme,
        ),
        "expected": charts.expected_strip(
            ["amount", "hour"],
            np.array([[4210.0, 1.0, 30.0, 400.0], [3.0, 0.0, 12.0, 23.0]]),
            ["4,210 €", "3"],
            theme=theme,
        ),
        "losses": charts.loss_curves(LOSSES, theme=theme),
        "parts": charts.loss_parts(PARTS, theme=theme),
        "worst": charts.contribution_map(
            [7, 3],
            np.array([100.0, 99.5]),
            ["amount", "hour"],
            np.array([[3.0, 1.0], [0.0, 2.0]]),
            theme=theme,
        ),
        "rebuilt": rebuilt_window(theme),
        "normal": charts.normal_window(
            TIMES[:60], VALUES[:60], VALUES[100:160], 30, channel="load", theme=theme
        ),
        "errors": charts.error_map(
            ["load", "heat"], TIMES[:60], np.c_[np.full(60, np.nan), np.linspace(0, 2, 60)], theme=theme
        ),
        "nothing": charts.nothing(theme),
    }


EVERY_OTHER = np.arange(60) // 10 % 2 == 1


def rebuilt_window(theme, hidden=EVERY_OTHER):
    """A window of which a network rebuilt every other patch of ten."""
    apart = np.where(np.arange(60) == 17, 2.0, 0.25)
    return charts.rebuilt_window(
        TIMES[:60],
        VALUES[:60],
        VALUES[:60] + 0.1,
        VALUES[:60] - 0.1,
        apart,
        30,
        hidden,
        channel="load",
        theme=theme,
    )


CASES = [(theme, name) for theme in THEMES for name in every_chart("light")]


def layers(spec):
    """All single marks of a specification, however deeply they are layered."""
    if "layer" not in spec:
        return [spec]
    return [mark for layer in spec["layer"] for mark in layers(layer)]


def table(chart, name):
    return chart.spec["datasets"][name]


@pytest.mark.parametrize(("theme", "name"), CASES)
def test_every_chart_is_plain_vega_lite_with_named_tables(theme, name):
    spec = every_chart(theme)[name].spec
    assert json.loads(json.dumps(spec, allow_nan=False)) == spec
    assert "config" not in spec
    named = {mark["data"]["name"] for mark in layers(spec) if "data" in mark}
    assert named | ({spec["data"]["name"]} if "data" in spec else set()) <= set(spec["datasets"])


@pytest.mark.parametrize(("theme", "name"), CASES)
def test_rules_and_words_never_rely_on_a_default_colour(theme, name):
    palette = charts.PALETTES[theme]
    for mark in layers(every_chart(theme)[name].spec):
        rim = mark["mark"].get("stroke") == palette.ground  # what keeps words legible across a curve
        if mark["mark"]["type"] in {"rule", "text"} and not rim:
            assert mark["mark"]["color"] in {palette.ink, palette.muted}


@pytest.mark.parametrize("name", sorted(set(every_chart("light")) - {"nothing"}))
def test_every_chart_says_what_runs_along_its_axes(name):
    titles = {"x": set(), "y": set()}
    for mark in layers(every_chart("light")[name].spec):
        for axis in titles:
            titles[axis].add(mark["encoding"].get(axis, {}).get("title"))
    assert any(titles["x"])
    assert any(titles["y"]) or name in {"bars", "strip", "expected"}  # there the column names say it


@pytest.mark.parametrize("name", sorted(set(every_chart("light")) - {"nothing"}))
def test_every_sentence_has_numbers_and_an_end(name):
    alt = every_chart("light")[name].alt
    assert alt.endswith(".")
    assert any(character.isdigit() for character in alt)
    assert "nan" not in alt.lower()


def test_the_two_themes_differ_in_colours_only():
    light, dark = every_chart("light"), every_chart("dark")
    for name in light:
        assert light[name].alt == dark[name].alt
        assert light[name].spec["datasets"] == dark[name].spec["datasets"]
        assert light[name].spec != dark[name].spec


@pytest.mark.parametrize("log", [False, True])
def test_moving_the_threshold_changes_one_row_and_nothing_else(log):
    before, after = (
        charts.score_histogram(EDGES, COUNTS, threshold, log=log, flagged=flagged, theme="light")
        for threshold, flagged in ((0.5, 600), (0.9, 42))
    )
    assert len(table(before, "threshold")) == 1
    assert table(before, "threshold") != table(after, "threshold")
    after.spec["datasets"]["threshold"] = table(before, "threshold")
    assert before == after


def test_bars_change_colour_at_the_threshold():
    chart = charts.score_histogram(EDGES, COUNTS, 0.9, log=False, theme="light")
    palette = charts.PALETTES["light"]
    bars = {mark["mark"]["color"]: mark for mark in layers(chart.spec) if mark["mark"]["type"] == "bar"}
    assert set(bars) == {palette.normal, palette.anomaly}
    assert table(chart, "threshold")[0]["x"] == 0.9
    for colour, end in ((palette.normal, "min(datum.x1, datum.x)"), (palette.anomaly, "datum.x1")):
        steps = [step.get("calculate") for step in bars[colour]["transform"]]
        assert end in steps


def test_threshold_beyond_the_bars_stands_at_their_end():
    right = table(charts.score_histogram(EDGES, COUNTS, 1e9, log=False, theme="light"), "threshold")[0]
    last = table(charts.score_histogram(EDGES, COUNTS, 0.5, log=False, theme="light"), "bars")[-1]["x1"]
    assert right["x"] == last
    assert right["side"] == "left"
    assert "1e+09" in right["label"]


def test_histogram_loses_no_row():
    scores = np.r_[SCORES, np.nan, np.nan, 1e6, -1e6]
    edges, counts = charts.histogram(scores)
    assert counts.sum() == N + 2
    assert len(edges) == len(counts) + 1
    assert edges[0] == -np.inf
    assert edges[-1] == np.inf
    assert (counts > 0).sum() > 30  # the bulk is not squeezed into one bar


def test_an_open_bin_is_said_on_the_axis_and_in_the_sentence():
    edges, counts = charts.histogram(np.r_[SCORES, 1e6])
    chart = charts.score_histogram(edges, counts, 0.9, log=False, theme="light")
    assert "and above" in chart.alt
    assert "and above" in json.dumps(chart.spec["layer"])


def test_histogram_of_well_behaved_scores_is_numpys():
    scores = np.linspace(0, 1, 1_000)
    edges, counts = charts.histogram(scores, bins=50)
    expected, expected_edges = np.histogram(scores, bins=50)
    np.testing.assert_array_equal(counts, expected)
    np.testing.assert_allclose(edges, expected_edges, atol=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.5, -3.0, 1e20])
def test_a_single_value_is_one_bar_that_its_own_threshold_does_not_flag(value):
    edges, counts = charts.histogram(np.full(9, value))
    assert counts.sum() == 9
    chart = charts.score_histogram(edges, counts, value, log=True, flagged=0, theme="dark")
    (bar,) = [bar for bar in table(chart, "bars") if bar["rows"]]
    assert bar["x1"] <= table(chart, "threshold")[0]["x"]


def test_thin_keeps_what_can_be_seen():
    y = RNG.normal(size=100_000)
    y[[31_234, 77_777]] = 50, -60
    flagged = np.zeros(len(y), dtype=bool)
    flagged[12_345:12_400] = True
    rows = charts.thin(np.arange(len(y), dtype=float), y, flagged)
    assert len(rows) <= 2_000
    assert (np.diff(rows) > 0).all()
    assert {0, 31_234, 77_777, len(y) - 1} <= set(rows.tolist())
    assert set(range(12_345, 12_400)) <= set(rows.tolist())


def test_thin_finds_what_a_loop_over_the_stretches_finds():
    rng = np.random.default_rng(2)
    x, y = np.sort(rng.random(1_500) ** 3), rng.normal(size=1_500).round(1)
    y[rng.random(1_500) < 0.2] = np.nan
    assert charts.thin(x, y, n=82).tolist() == naive.thinned(x, y, 40)


def test_thin_leaves_a_short_line_alone():
    np.testing.assert_array_equal(charts.thin(np.arange(5.0), np.ones(5)), np.arange(5))


def test_thin_keeps_the_worst_of_too_many_flagged_rows():
    y = RNG.normal(size=50_000)
    rows = charts.thin(np.arange(len(y), dtype=float), y, np.ones(len(y), dtype=bool))
    worst = np.argsort(-np.abs(y - np.median(y)))[:500]
    assert len(rows) <= 2_000
    assert set(worst.tolist()) <= set(rows.tolist())


@pytest.mark.parametrize("hole", [slice(4_000, 9_000), slice(0, 10_000), slice(0, 1), slice(None)])
def test_thin_leaves_gaps_as_gaps(hole):
    y = RNG.normal(size=10_000)
    y[hole] = np.nan
    rows = charts.thin(np.arange(len(y), dtype=float), y, n=200)
    assert len(rows) <= 200
    assert np.isnan(y[rows]).any()


def test_thin_survives_one_moment_and_irregular_times():
    y = RNG.normal(size=9_000)
    assert len(charts.thin(np.zeros(9_000), y)) <= 2_000
    jump = np.r_[np.arange(4_500.0), 1e9 + np.arange(4_500.0)]
    assert len(charts.thin(jump, y)) <= 2_000


def test_corners_of_a_curve_stay_exact():
    x = np.r_[np.zeros(500), np.linspace(0, 1, 3_000)]
    y = np.r_[np.linspace(0, 0.8, 500), np.full(3_000, 0.8)]
    rows = corners(x, y)
    np.testing.assert_array_equal(np.c_[x[rows], y[rows]], [[0, 0], [0, 0.8], [1, 0.8]])


def test_a_curve_with_too_many_corners_stays_close():
    steps = np.cumsum(RNG.random((2, 50_000)) < 0.5, axis=1) / 25_000
    x, y = np.minimum(steps, 1)
    rows = corners(x, y)
    assert len(rows) <= 1_000
    assert rows[0] == 0
    assert rows[-1] == len(x) - 1
    assert np.abs(np.interp(x, x[rows], y[rows]) - y).max() < 0.01


def test_series_times_are_utc_milliseconds_and_steps_are_numbers():
    clock, steps = every_chart("light")["series"], every_chart("light")["steps"]
    assert table(clock, "line")[0]["time"] == TIMES[0] * 1000
    scales = [mark["encoding"]["x"].get("scale", {}).get("type") for mark in layers(clock.spec)]
    assert set(scales) == {"utc"}
    assert "2023-11-14 22:13:20" in clock.alt
    assert {mark["encoding"]["x"]["type"] for mark in layers(steps.spec)} == {"quantitative"}


def test_a_series_lets_the_page_scroll_an_overview_reports_a_brush_and_a_map_its_cell():
    drawn = every_chart("light")
    zoom, brush, cell = (drawn[name].spec["params"][0] for name in ("series", "overview", "lanes"))
    assert "shiftKey" in zoom["select"]["zoom"]
    assert (brush["name"], brush["select"]["encodings"]) == (charts.BRUSH, ["x"])
    assert (cell["name"], cell["select"]["fields"]) == (charts.CELL, ["lane", "start", "end"])


def test_every_stretch_with_an_event_is_drawn_and_a_window_moves_nothing_else():
    chart = every_chart("light")["overview"]
    assert [row["share"] for row in table(chart, "events")] == [0.01, 1.0]
    assert [row["shade"] for row in table(chart, "strip")] == ["0", "3", "4"]
    assert [row["value"] for row in table(chart, "peaks")] == VALUES[[15, 99]].tolist()
    moved = charts.overview(
        TIMES,
        VALUES,
        (TIMES[:0], VALUES[:0]),
        np.linspace(TIMES[0], TIMES[-1], 5),
        np.zeros(4),
        np.array([50.0, 99.95, np.nan, 100.0]),
        channel="load (%)",
        segments=np.arange(N) // 1_000,
        theme="light",
    )
    same = {name for name in moved.spec["datasets"] if table(moved, name) == table(chart, name)}
    assert same == {"line", "strip"}
    assert moved.alt == chart.alt
    assert {**moved.spec, "datasets": 0} == {**chart.spec, "datasets": 0}


def test_a_line_is_broken_where_a_segment_ends():
    segments = np.r_[np.zeros(30), np.ones(70)]
    chart = charts.series_chart(TIMES[:100], VALUES[:100], channel="x", segments=segments, theme="light")
    line = table(chart, "line")
    assert [place for place, row in enumerate(line) if row["value"] is None] == [30]
    assert line[30]["time"] == TIMES[29] * 1000
    assert len(line) == 101


def test_an_overview_of_thinned_readings_says_how_many_they_stand_for():
    rows = charts.thin(TIMES, VALUES)
    edges = np.linspace(TIMES[0], TIMES[-1], 2)
    nothing = (TIMES[:0], VALUES[:0])
    chart = charts.overview(
        TIMES[rows],
        VALUES[rows],
        nothing,
        edges,
        np.zeros(1),
        np.ones(1),
        channel="x",
        readings=N,
        theme="dark",
    )
    assert "over 5,000 rows" in chart.alt
    assert len(table(chart, "line")) == len(rows)


def test_a_map_of_lanes_has_a_cell_where_something_was_judged_and_names_the_worst():
    chart = every_chart("light")["lanes"]
    cells = table(chart, "cells")
    assert [(cell["lane"], cell["value"], cell["shade"]) for cell in cells] == [
        ("press 1", 90.0, "1"),
        ("press 1", 12.0, "0"),
        ("press 2", 99.0, "2"),
        ("press 2", 100.0, "4"),
    ]
    assert cells[1]["start"] == pytest.approx(1000 * (TIMES[0] + 2 / 3 * (TIMES[-1] - TIMES[0])))
    assert "the highest of all is 100.00, of 'press 2'" in chart.alt


def test_only_what_a_pass_hid_is_shaded_and_drawn_as_rebuilt():
    one, every = rebuilt_window("light"), rebuilt_window("light", None)
    drawn = [row["time"] for row in table(one, "readings") if row["teacher"] is not None]
    assert len(drawn) == 30
    for time in drawn:
        assert sum(band["start"] <= time < band["end"] for band in table(one, "hidden")) == 1
    assert len(table(one, "hidden")) == 3
    assert table(every, "hidden") == []
    assert all(row["teacher"] is not None for row in table(every, "readings"))
    assert one.alt == every.alt
    assert {**one.spec, "datasets": 0} == {**every.spec, "datasets": 0}


def test_the_ribbon_says_how_far_teacher_and_student_are_apart_and_never_leaves_its_place():
    chart = rebuilt_window("light")
    heights = [row["height"] for row in table(chart, "readings") if row["height"] is not None]
    assert max(heights) == 1
    assert min(heights) == 0.125
    assert table(chart, "readings")[17]["said"] == "2"
    assert table(chart, "readings")[0]["said"] == "not hidden in this pass"
    assert "farthest apart at 2023-11-14 22:30:20, by 2 sizes of the window" in chart.alt


def test_errors_of_many_channels_and_readings_stay_drawable_and_keep_the_worst():
    error = np.zeros((1_000, 30))
    error[777, 12] = 3.5
    chart = charts.error_map([f"c{i}" for i in range(30)], TIMES[:1_000], error, theme="light")
    cells = table(chart, "cells")
    assert len(cells) <= 4_000
    worst = max(cells, key=lambda cell: cell["value"])
    assert (worst["lane"], worst["value"], worst["shade"]) == ("c12", 3.5, "4")
    assert worst["start"] <= 1000 * TIMES[777] < worst["end"]
    assert "farthest 'c12' at 2023-11-15 11:10:20, by 3.5 sizes of the window" in chart.alt
    assert {cell["lane"] for cell in table(every_chart("light")["errors"], "cells")} == {"heat"}


def test_the_highest_between_edges_is_what_a_loop_finds():
    rng = np.random.default_rng(3)
    x, y = np.sort(rng.random(200)) * 10, rng.normal(size=200)
    y[rng.random(200) < 0.3] = np.nan
    edges = np.linspace(1.0, 14.0, 40)
    expected = []
    for start, end in pairwise(edges):
        inside = [value for at, value in zip(x, y, strict=True) if start <= at < end and value == value]
        expected.append(max(inside, default=np.nan))
    np.testing.assert_array_equal(highest_in(x, y, edges), expected)


def test_series_of_a_million_rows_stays_small():
    times = np.arange(1e6)
    values = RNG.normal(size=1_000_000)
    spans = [(start, start + 1.0) for start in np.arange(0.0, 1e6, 100.0)]
    chart = charts.series_chart(
        times, values, spans, values > 2, channel="x", label_spans=spans, clock=False, theme="light"
    )
    rows = {name: len(rows) for name, rows in chart.spec["datasets"].items()}
    assert rows["flagged"] == rows["spans"] == rows["labels"] == 500
    assert rows["line"] <= 2_000
    assert sum(rows.values()) <= charts.MAX_MARKS
    assert "10,000 flagged spans" in chart.alt


def test_severity_decides_which_flagged_rows_are_drawn():
    severity = np.arange(float(N))
    chart = charts.series_chart(
        TIMES, VALUES, (), np.ones(N, dtype=bool), channel="x", severity=severity, theme="light"
    )
    assert table(chart, "flagged")[0]["time"] == TIMES[N - 500] * 1000


def test_missing_values_are_null_and_never_dots():
    values = VALUES[:50].copy()
    values[10:20] = np.nan
    chart = charts.series_chart(TIMES[:50], values, (), np.ones(50, dtype=bool), channel="x", theme="light")
    assert [row["value"] for row in table(chart, "line")][10:20] == [None] * 10
    assert len(table(chart, "flagged")) == 40


def test_more_marks_than_a_browser_draws_are_refused():
    edges = np.arange(charts.MAX_MARKS + 2.0)
    with pytest.raises(UsageError, match="at most 5,000 marks"):
        charts.score_histogram(edges, np.ones(len(edges) - 1, dtype=int), 3.0, log=False, theme="light")


def test_contributions_are_ranked_and_the_rest_is_one_bar():
    names = [f"c{i}" for i in range(20)]
    shares = np.arange(20.0) / 190
    chart = charts.contribution_bars(names, shares, [""] * 20, theme="light")
    bars = table(chart, "bars")
    assert [bar["column"] for bar in bars[:2]] == ["c19", "c18"]
    assert bars[-1]["column"] == "7 others"
    assert len(bars) == 13
    assert sum(bar["share"] for bar in bars) == pytest.approx(1.0)


def test_range_strip_marks_what_lies_outside():
    chart = charts.range_strip(
        ["a", "b", "same", "odd", "gone"],
        np.array([5.0, 99.0, 2.0, 3.0, np.nan]),
        np.array([0.0, 0.0, 2.0, 2.0, 0.0]),
        np.array([5.0, 5.0, 2.0, 2.0, 5.0]),
        np.array([10.0, 10.0, 2.0, 2.0, 10.0]),
        ["5", "99", "2", "3", "missing"],
        theme="light",
    )
    rows = {row["column"]: row for row in table(chart, "rows")}
    assert [rows[name]["outside"] for name in rows] == ["inside", "outside", "inside", "outside", "inside"]
    assert rows["a"]["value"] == rows["same"]["value"] == 0.5
    assert rows["b"]["value"] == rows["odd"]["value"] > 1
    assert rows["gone"]["value"] is None
    assert chart.alt.startswith("2 values of 5 outside")


def test_an_expected_range_has_its_own_words():
    usual, expected = every_chart("light")["strip"], every_chart("light")["expected"]
    assert table(usual, "rows") == table(expected, "rows")
    assert expected.alt == "1 value of 2 outside the range that the other columns let expect: amount."
    assert "expected range" in json.dumps(expected.spec)
    assert "training rows" not in json.dumps(expected.spec)


def test_the_best_epoch_is_the_one_with_the_lowest_held_out_loss():
    chart = charts.loss_curves(LOSSES, theme="light")
    assert table(chart, "best") == [{"epoch": 20.0, "loss": pytest.approx(0.2)}]
    assert len(table(chart, "losses")) == 30
    assert [end["label"] for end in table(chart, "ends")] == ["training 0.03333", "held out 0.3"]
    assert [end["side"] for end in table(chart, "ends")] == ["below", "above"]
    assert "30 epochs" in chart.alt
    assert "the best is epoch 20 with 0.2." in chart.alt


def test_a_growing_curve_changes_its_tables_only_and_keeps_its_width():
    before, after = (charts.loss_curves(LOSSES[:n], theme="dark", planned=50) for n in (1, 12))
    axes = [mark["encoding"]["x"] for mark in layers(before.spec)]
    assert all(axis["scale"]["domain"][1] > 50 for axis in axes)
    assert all(max(axis["axis"]["values"]) == 50 for axis in axes)
    assert before.alt == after.alt
    assert table(before, "losses") != table(after, "losses")
    after.spec["datasets"] = before.spec["datasets"]
    assert before == after


def test_thousands_of_epochs_stay_drawable_and_keep_the_best():
    records = [
        {"epoch": e, "train_loss": 1.0, "validation_loss": 0.5 if e == 4_321 else 1.0}
        for e in range(1, 10_001)
    ]
    chart = charts.loss_curves(records, theme="light")
    assert len(table(chart, "losses")) <= 1_000
    assert table(chart, "best")[0]["epoch"] == 4_321
    assert 4_321 in {row["epoch"] for row in table(chart, "losses")}


def test_no_epoch_yet_says_so():
    assert charts.loss_curves([], theme="light").alt == "Nothing to show: no epoch has ended yet."


def test_the_map_of_the_worst_rows_shows_shares_by_column_largest_first():
    cells = table(every_chart("light")["worst"], "cells")
    assert [(cell["row"], cell["column"], cell["share"]) for cell in cells] == [
        ("8 · 100.00", "hour", 0.25),
        ("8 · 100.00", "amount", 0.75),
        ("4 · 99.50", "hour", 1.0),
        ("4 · 99.50", "amount", 0.0),
    ]


def test_the_map_of_the_worst_rows_draws_forty_rows_and_one_column_for_the_rest():
    rows, columns = 60, [f"c{i}" for i in range(25)]
    contributions = np.tile(np.arange(25.0), (rows, 1))
    chart = charts.contribution_map(range(rows), np.full(rows, 99.0), columns, contributions, theme="light")
    cells = table(chart, "cells")
    assert len({cell["row"] for cell in cells}) == 40
    assert [cell["column"] for cell in cells[:21]] == [f"c{i}" for i in range(24, 4, -1)] + ["4 others"]
    assert sum(cell["share"] for cell in cells[:21]) == pytest.approx(1.0)
    assert charts.contribution_map([], np.zeros(0), columns, np.zeros((0, 25)), theme="dark").alt.startswith(
        "Nothing to show"
    )


def test_confusion_grid_says_each_outcome_in_words():
    chart = charts.confusion_grid(40, 1, 11, 4_940, theme="light")
    words = {cell["words"]: cell["number"] for cell in table(chart, "cells")}
    assert words == {"caught": "40", "missed": "11", "false alarm": "1", "left alone": "4,940"}
    assert "4,940 left alone" in chart.alt


NONE = np.zeros(0)
NO_COUNTS = np.zeros(0, dtype=np.int64)


@pytest.mark.parametrize(
    "chart",
    [
        charts.score_histogram(*charts.histogram(np.full(3, np.nan)), 0.5, log=True, theme="light"),
        charts.label_histogram(EDGES, 0 * COUNTS, 0 * COUNTS, 0.5, theme="light"),
        charts.flagged_curve(NONE, NO_COUNTS, (99.0, 0), theme="light"),
        charts.series_chart(NONE, NONE, channel="x", theme="light"),
        charts.neighbourhood(TIMES[:3], np.full(3, np.nan), 1, channel="x", theme="light"),
        charts.rebuilt_window(*np.full((5, 3), np.nan), 1, channel="x", theme="light"),
        charts.normal_window(*np.full((3, 3), np.nan), 1, channel="x", theme="light"),
        charts.error_map(["x"], TIMES[:3], np.full((3, 1), np.nan), theme="light"),
        charts.roc_chart(NONE, NONE, (0, 0), 0.5, theme="light"),
        charts.pr_chart(NONE, NONE, (0, 0), 0.5, 0.1, theme="light"),
        charts.confusion_grid(0, 0, 0, 0, theme="light"),
        charts.metric_lines(NONE, dict.fromkeys(charts.MEASURES, NONE), 0.5, theme="light"),
        charts.cost_line(NONE, NONE, (0, 0), (0, 0), theme="light"),
        charts.rule_lines([], [], [], 0, EDGES, theme="light"),
        charts.contribution_bars(["a"], np.array([np.nan]), ["1"], theme="light"),
        charts.range_strip([], NONE, NONE, NONE, NONE, [], theme="light"),
    ],
)
def test_nothing_to_show_is_said_and_not_raised(chart):
    assert chart.alt.startswith("Nothing to show: ")
    assert table(chart, "words") == [{"text": chart.alt}]


def test_one_labelled_class_still_draws():
    chart = charts.label_histogram(EDGES, COUNTS, 0 * COUNTS, 0.5, theme="light")
    assert {bar["label"] for bar in table(chart, "bars")} == {"normal"}


def test_importing_charts_loads_neither_altair_nor_pandas():
    code = "import sys, engine.charts; print({'altair', 'pandas', 'streamlit'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


def test_a_chart_is_compiled_once_for_all_columns(monkeypatch):
    charts.series_chart(TIMES[:9], VALUES[:9], channel="load", theme="light")
    monkeypatch.setitem(sys.modules, "altair", None)  # from here on importing it fails
    for channel in ("speed", 'a "quoted" name', "<title>"):
        chart = charts.series_chart(TIMES[:9], VALUES[:9], channel=channel, theme="light")
        titles = {mark["encoding"]["y"]["title"] for mark in layers(chart.spec) if "y" in mark["encoding"]}
        assert titles == {channel}


def test_compiled_charts_are_not_shared_with_their_readers():
    first = charts.confusion_grid(1, 2, 3, 4, theme="light")
    first.spec["datasets"]["cells"].clear()
    first.spec["height"] = 1
    assert charts.confusion_grid(1, 2, 3, 4, theme="light").spec["height"] != 1
    assert len(table(charts.confusion_grid(1, 2, 3, 4, theme="light"), "cells")) == 4


def test_the_parts_of_a_loss_are_drawn_where_every_epoch_has_them():
    rows = table(charts.loss_parts([*PARTS[:-1], PARTS[-1] | {"map_loss": 0.1}], theme="light"), "parts")
    assert {row["part"] for row in rows} == {"total", "reconstruction", "discrepancy"}
    assert [row["loss"] for row in rows if row["part"] == "total"] == [each["train_loss"] for each in LOSSES]
    assert not charts.has_parts(LOSSES)
    assert "were not recorded" in charts.loss_parts(LOSSES, theme="light").alt


def test_parts_that_lie_far_apart_are_drawn_on_a_logarithmic_scale():
    far = [each | {"discrepancy_loss": 1_000.0} for each in PARTS]
    zero = [each | {"discrepancy_loss": 0.0} for each in far]
    titles = [
        layers(charts.loss_parts(each, theme="light").spec)[0]["encoding"]["y"]["title"]
        for each in (PARTS[:9], far, zero)
    ]
    assert titles == ["training loss", "training loss, logarithmic", "training loss"]


def test_a_line_beyond_the_drawn_scores_stands_at_their_end_and_says_where_it_is():
    chart = charts.metric_lines(CURVE, dict.fromkeys(charts.MEASURES, CURVE), 99.0, theme="light")
    (line,) = table(chart, "threshold")
    assert (line["x"], line["label"], line["side"]) == (CURVE[-1], "threshold 99", "left")


def test_the_lowest_cost_and_the_cost_in_use_are_told():
    chart = charts.cost_line(CURVE[:50], CURVE[:50], (0.3, 0.25), (0.1, 0.05), theme="light")
    assert [table(chart, name)[0]["label"] for name in ("now", "best")] == ["now 0.25", "lowest 0.05"]
    assert "lowest, 0.05, at 0.1" in chart.alt


def test_a_span_of_one_reading_has_an_edge_without_which_nothing_of_it_is_seen():
    drawn = charts.series_chart(
        np.arange(9.0),
        np.sin(np.arange(9.0)),
        spans=[(2.0, 2.0)],
        label_spans=[(4.0, 4.0)],
        channel="x",
        clock=False,
        theme="light",
    )
    edged = [mark for mark in layers(drawn.spec) if mark["mark"]["type"] == "rect"]
    assert len(edged) == 2
    assert all("stroke" in mark["encoding"] and mark["mark"]["strokeWidth"] > 0 for mark in edged)
