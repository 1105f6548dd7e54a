"""A result against known answers: the same figures as from the scores themselves, and the events of the screen."""

import numpy as np
import pytest

from engine import Checked, CheckedSeries, DataError, charts, evaluate
from engine.scoring.event_metrics import event_metrics
from engine.scoring.events import events
from engine.scoring.series_metrics import vus
from tests.pages.prepared import brought, judged, rhythm

RNG = np.random.default_rng(4)
LABELS = np.r_[np.zeros(180), np.ones(20)]
SCORES = np.r_[RNG.normal(size=180), RNG.normal(1.5, 1, size=20)]


def checked(scores=SCORES, labels=LABELS):
    return Checked.of(scores, labels, charts.histogram(scores)[0])


def test_figures_are_those_of_the_scores():
    found, told = checked(), evaluate(SCORES, LABELS, 1.0)
    assert (found.roc_auc, found.average_precision) == (told.curve.roc_auc, told.curve.average_precision)
    assert found.confusion(1.0) == told.confusion
    assert (found.normal.sum(), found.anomaly.sum(), found.unjudged) == (180, 20, (0, 0))


def test_rows_that_could_not_be_judged_are_counted_apart():
    scores = SCORES.copy()
    scores[[0, 1, 199]] = np.nan
    found = checked(scores)
    assert found.unjudged == (3, 1)
    assert (found.normal.sum(), found.anomaly.sum()) == (178, 19)


def test_the_charts_stand_at_the_threshold():
    found = checked()
    counts = found.confusion(1.0)
    (point,) = found.pr_chart(1.0, theme="light").spec["datasets"]["now"]
    assert (point["x"], point["y"]) == (counts.recall, counts.precision)
    (point,) = found.roc_chart(1.0, theme="light").spec["datasets"]["now"]
    assert (point["x"], point["y"]) == (counts.false_positives / 180, counts.recall)
    (line,) = found.score_chart(1.0, theme="light").spec["datasets"]["threshold"]
    assert line["x"] == 1.0
    assert f"{counts.true_positives:,} caught" in found.confusion_chart(1.0, theme="light").alt


def test_one_class_only_is_said():
    with pytest.raises(DataError, match="no labelled anomaly"):
        checked(labels=np.zeros(200))


# ---- a series


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A judged series whose rows come in no order, and what the model said of it over time."""
    from engine import SeriesColumns, SeriesFiles, SeriesResult, Workspace, as_binary, load_recipe

    folder = tmp_path_factory.mktemp("series")
    space = Workspace(folder / "workspace", folder / "models")
    frame = rhythm()
    frame.loc[5, "anomaly"] = 1  # before the first window is full: never judged
    data = brought(space, frame.sample(frac=1, random_state=1), "rhythm.csv", folder)
    found = space.results.load(judged(space, data, "rhythm", window=20, n_estimators=30)["result"])
    columns = SeriesColumns.of(load_recipe(space.models, found.model), data)
    seen = SeriesResult.of(found, SeriesFiles.of(data, columns.time, columns.entity), None)
    return seen, as_binary(data.frame(["anomaly"])["anomaly"])[0], frame


def test_a_series_is_checked_in_the_order_of_time(series):
    seen, labels, frame = series
    found = CheckedSeries.of(seen, labels, 20)
    np.testing.assert_array_equal(found.labels, frame["anomaly"])
    assert found.volumes == vus(found.scores, found.labels, 20)
    assert found.left_out == 1, "nobody judged its only reading"


def test_events_are_those_of_the_page_of_results(series):
    seen, labels, _ = series
    found = CheckedSeries.of(seen, labels, 20)
    threshold = float(np.nanquantile(found.scores, 0.95))
    plain, near = found.at(threshold, seen.events(threshold))
    alone = event_metrics(found.scores, found.labels, threshold, seconds=found.seconds)
    assert (plain.found, plain.detections, plain.f1) == (alone.found, alone.detections, alone.f1)
    assert plain.detections == len(seen.events(threshold))
    assert 0 <= near.recall <= 1
    merged = seen.events(threshold, bridge=30)
    assert found.at(threshold, merged)[0].detections == len(merged) < plain.detections
    nothing = seen.events(threshold, shortest=10_000)
    missed, far = found.at(threshold, nothing)
    assert (missed.found, missed.precision, far.precision, far.recall) == (0, None, None, 0)


def test_the_rows_of_events_are_marked():
    flags = np.array([1, 0, 1, 0, 0, 1, 1, 0]) > 0
    found = events(flags, flags * 99.0, bridge=1, segments=np.array([0, 0, 0, 0, 0, 0, 1, 1]))
    assert found.marks(8).tolist() == [True, True, True, False, False, True, True, False]
    assert found.marks(8).sum() == (found.stops - found.starts).sum()


def test_without_a_clock_there_are_no_seconds(series):
    from dataclasses import replace

    seen, labels, _ = series
    steps = replace(seen, files=replace(seen.files, clock=False))
    metrics, _ = CheckedSeries.of(steps, labels, 20).at(0.0, steps.events(0.0))
    assert (metrics.median_delay_seconds, metrics.false_alarms_per_day) == (None, None)


def test_only_small_tables_change_with_the_threshold():
    rng = np.random.default_rng(0)
    scores, labels = rng.normal(size=400), (rng.random(400) < 0.2).astype(float)
    checked = Checked.of(scores + labels, labels, charts.histogram(scores + labels)[0])
    for draw in (
        checked.roc_chart,
        checked.pr_chart,
        checked.metric_chart,
        checked.score_chart,
        lambda threshold, theme: checked.cost_chart(threshold, 10, 1, theme=theme),
    ):
        one, other = (draw(threshold, theme="light") for threshold in (0.5, 2.0))
        moved = {
            name
            for name in one.spec["datasets"]
            if one.spec["datasets"][name] != other.spec["datasets"][name]
        }
        assert moved <= {"now", "threshold"}
        assert one.alt == other.alt
        assert {**one.spec, "datasets": 0} == {**other.spec, "datasets": 0}
        scales = _scales(one.spec, "x") + _scales(one.spec, "y")
        assert scales
        assert all("domain" in scale for scale in scales), "no mark moves with another's data"


def _scales(node, channel):
    """The scales of measured positions in a specification."""
    if isinstance(node, list):
        return [scale for each in node for scale in _scales(each, channel)]
    if not isinstance(node, dict):
        return []
    told = node.get("encoding", {}).get(channel, {})
    own = [told.get("scale", {})] if told.get("type") == "quantitative" and "field" in told else []
    return own + [s for key, value in node.items() if key != "datasets" for s in _scales(value, channel)]
