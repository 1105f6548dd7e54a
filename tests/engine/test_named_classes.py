"""Classes that a model names: kept with the result, refused where they are damaged, and in every file to take away."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from engine import Model, ReadingOptions, Roles, Workspace, charts
from engine.api.analyses import _described
from engine.api.schemas import Anomaly
from engine.class_evaluation import (
    evaluated_apart,
    evaluated_elsewhere,
    kept_evaluation,
    kept_learning_curve,
    kept_stages,
    run_learning_curve,
    run_stages,
)
from engine.classifying import classified
from engine.data.reading import read_table
from engine.detectors.masked_table import CHUNK
from engine.errors import EngineError, StoreError
from engine.file_tasks import run_export
from engine.named_classes import NONE, UNLIKE, NamedClasses
from engine.reporting.classes import named_classes
from engine.reporting.content import Table
from engine.reporting.flags import worst_rows
from engine.reporting.subject import Subject
from engine.results import ResultStore
from engine.scoring.classification import untempered
from engine.scoring.thresholds import Percentile
from engine.stages import plain_contestants
from engine.tasks import run_score, run_train
from engine.teaching import Lesson
from engine.worker import JobContext
from tests.engine.test_teaching import QUICK, events, roles

SHARES = np.array([[0.9, 0.1], [0.55, 0.45], [np.nan, np.nan], [0.3, 0.7]])
SEVERITY = np.array([50.0, 99.9, np.nan, 99.9])


def named():
    told = np.array(["jam", "", "leak", "flood"], dtype=object)
    return NamedClasses.of(("jam", "leak"), SHARES, SEVERITY, told, "event")


def test_the_likeliest_class_is_named_and_a_very_unusual_row_without_one_is_like_none():
    found = named()
    assert found.words().tolist() == ["jam", UNLIKE, "", "leak"]
    assert found.told().tolist() == ["jam", "", "leak", ""]
    assert [found.shown(row) for row in range(4)] == [
        "jam (90 %)",
        f"{UNLIKE} (nearest: jam (55 %))",
        "",
        "leak (70 %)",
    ]
    assert found.counts() == {"jam": 1, "leak": 1, UNLIKE: 1}
    assert found.counts([3]) == {"leak": 1}


def test_what_is_taken_away_has_nothing_where_a_row_could_not_be_judged():
    table = pd.DataFrame(named().columns())
    assert table["class"].isna().tolist() == [False, False, True, False]
    np.testing.assert_array_equal(table["class_probability"], [0.9, 0.55, np.nan, 0.7])


def test_they_come_back_from_disk_as_they_were(tmp_path):
    named().save(tmp_path)
    found = NamedClasses.read(tmp_path, 4)
    assert (found.names, found.column) == (("jam", "leak"), "event")
    for name in ("codes", "probability", "unlike", "taught"):
        np.testing.assert_array_equal(getattr(found, name), getattr(named(), name))
    assert NamedClasses.read(tmp_path.parent, 4) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: _about(folder, format=2),
        lambda folder: _about(folder, names=["jam"]),
        lambda folder: _about(folder, names=["jam", "jam"]),
        lambda folder: np.save(folder / "class_codes.npy", np.array([0, 0, NONE, 7], dtype=np.uint8)),
        lambda folder: np.save(folder / "class_probability.npy", np.array([2, 0, 0, 0], dtype=np.float32)),
        lambda folder: np.save(folder / "class_unlike.npy", np.ones(4, dtype=bool)),
        lambda folder: np.save(folder / "class_taught.npy", np.zeros(3, dtype=np.uint8)),
    ],
)
def test_damaged_classes_are_refused(tmp_path, change):
    named().save(tmp_path)
    change(tmp_path)
    with pytest.raises(ValueError, match=r"its classes (do not add up|have format 2)"):
        NamedClasses.read(tmp_path, 4)


def _about(folder, **changed):
    place = folder / "classes.json"
    place.write_text(json.dumps(json.loads(place.read_text()) | changed))


# ---- from a training to what is taken away


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A workspace in which a model has learned classes from a table and judged another."""
    folder = tmp_path_factory.mktemp("named")
    space = Workspace(folder / "workspace", folder / "models")
    job = JobContext(folder)
    spec = {"workspace": str(space.root), "models": str(space.models_root)}
    found = []
    for name, frame in (("events", events()), ("others", events(80, seed=1))):
        frame.to_csv(folder / f"{name}.csv", index=False)
        data = space.datasets.add(folder / f"{name}.csv", name, ReadingOptions())
        found.append(space.datasets.set_roles(data, Roles(roles(frame, event="label").columns, "table")))
    learning = {
        "detector": "masked_table",
        "hyperparameters": QUICK,
        "learn_from_label": True,
        "name": "flow",
    }
    trained = run_train({**spec, **learning, "dataset": found[0].id}, job)
    judged = run_score({**spec, "dataset": found[1].id, "model": trained["model"]}, job)
    space.datasets.close()
    return space, spec, job, found, [space.results.load(each["result"]) for each in (trained, judged)]


def test_a_training_keeps_the_class_of_every_row_and_what_it_was_told(place):
    learned, judged = place[4]
    truth = events()["event"].to_numpy()
    assert learned.classes.column == "event"
    assert (learned.classes.told() == truth).all()
    assert (learned.classes.words() == truth).mean() > 0.8
    assert (judged.classes.words() == events(80, seed=1)["event"]).mean() > 0.7
    assert judged.classes.column == ""
    assert set(judged.classes.told()) == {""}


def test_blocks_of_rows_judged_side_by_side_get_the_classes_they_get_alone(place):
    space, _, _, (data, _), (found, _) = place
    model = Model.load(space.models, found.model)
    X = model.encode(data.frame()).encoded.values
    alone = model.detector.class_probabilities(X)
    many = model.detector.class_probabilities(np.tile(X, (5 * CHUNK // len(X), 1)))
    np.testing.assert_allclose(many, np.tile(alone, (len(many) // len(alone), 1)), atol=1e-6)


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_every_file_to_take_away_has_the_class_and_its_probability(place, suffix):
    _, spec, job, (data, _), (found, _) = place
    asked = {"dataset": data.id, "result": found.id, "threshold": 1.0, "rule": "r", "name": f"out{suffix}"}
    path = run_export({**spec, **asked}, job)["path"]
    table = read_table(path, ReadingOptions(sheet="All scores") if suffix == ".xlsx" else None).frame
    added = ["class", "class_probability", "anomaly_score", "severity", "is_anomaly", "reasons"]
    assert list(table)[-6:] == added
    assert table["class"].tolist() == found.classes.words().tolist()
    np.testing.assert_allclose(table["class_probability"], found.classes.probability, atol=1e-6)


def test_the_api_tells_the_class_of_each_anomaly_and_null_without_classes(place):
    _, _, _, (data, _), (found, _) = place
    row = int(found.order[0])
    (told,) = _described(data, found, np.array([row]))
    answer = Anomaly.model_validate(told).model_dump(by_alias=True)
    assert answer["class"] == found.classes.words([row])[0]
    assert answer["class_probability"] == pytest.approx(float(found.classes.probability[row]), abs=1e-6)
    plain = {key: value for key, value in told.items() if not key.startswith("class")}
    assert Anomaly.model_validate(plain).model_dump(by_alias=True)["class"] is None


def test_a_result_whose_classes_are_damaged_is_refused_and_one_without_still_opens(place, tmp_path):
    space, _, _, _, (found, _) = place
    folder = next(entry for entry in (space.root / "results" / found.id).iterdir() if entry.is_dir())
    store = ResultStore(tmp_path / "results")
    copied = store.root / found.id / folder.name
    copied.mkdir(parents=True)
    for part in folder.iterdir():
        if part.is_file():
            (copied / part.name).write_bytes(part.read_bytes())
    (copied / "class_codes.npy").write_bytes(b"")
    with pytest.raises(StoreError, match="this result is damaged"):
        store.load(found.id)
    for part in copied.glob("class*"):
        part.unlink()
    assert store.load(found.id).classes is None


# ---- how well they are named


def test_a_training_measures_a_twin_on_rows_held_out_beside_plain_classifiers(place):
    space, _, _, _, (learned, _) = place
    found = kept_evaluation(space.results, learned.id)
    assert (found.column, found.why) == ("event", "")
    assert found.held_out == pytest.approx(0.3 * 300, abs=2)
    assert found.learned == 300 - found.held_out
    titles = [each["title"] for each in found.contestants]
    assert titles == ["Masked Table", "HistGradientBoosting", "logistic regression"]
    for each in found.contestants:
        assert np.sum(each["confusion"]) == found.held_out
        assert each["macro_f1"] > 0.5
        assert all(one["average_precision"] > 0.5 for one in each["classes"])
    own = found.contestants[0]
    assert own["temperature"] > 0
    assert sum(each["rows"] for each in own["before"]["reliability"]) == found.held_out


def test_a_model_is_measured_as_it_is_on_data_it_did_not_learn_from(place):
    space, _, _, _, (_, judged) = place
    found = kept_evaluation(space.results, judged.id)
    assert (found.learned, found.held_out, len(found.contestants)) == (0, 80, 1)
    truth = events(80, seed=1)["event"].to_numpy()
    likeliest = np.array(judged.classes.names)[judged.classes.codes]
    assert found.contestants[0]["accuracy"] == pytest.approx((likeliest == truth).mean())


def test_all_are_measured_on_the_rows_that_the_model_judges(place):
    space, _, _, (data, _), (learned, _) = place
    model, frame = Model.load(space.models, learned.model), data.frame()
    lesson = Lesson(column="event", classes=frame["event"].to_numpy(dtype=object))
    frame.loc[:59, ["a", "b", "sum"]] = np.nan
    found = evaluated_apart(model, frame, lesson)
    assert 0 < found.held_out < 0.3 * 300 - 5
    assert found.learned == pytest.approx(0.7 * 300, abs=2)
    assert {np.sum(each["confusion"]) for each in found.contestants} == {found.held_out}
    elsewhere = evaluated_elsewhere(model, classified(model, model.encode(frame)), lesson)
    assert elsewhere.held_out == 240


def test_a_learning_curve_is_kept_and_measured_on_the_same_rows(place, monkeypatch):
    space, spec, job, (data, _), (learned, judged) = place
    monkeypatch.setattr("engine.class_evaluation.SHARES", (0.1, 0.4))
    run_learning_curve({**spec, "dataset": data.id, "result": learned.id}, job)
    points = kept_learning_curve(space.results, learned.id)
    whole = kept_evaluation(space.results, learned.id)
    assert [round(point.learned / whole.learned, 1) for point in points] == [0.1, 0.4]
    assert {point.held_out for point in points} == {whole.held_out}
    rows = [[one["rows"] for one in point.contestants[0]["classes"]] for point in points]
    assert rows[0] == rows[1]
    assert kept_learning_curve(space.results, judged.id) is None
    with pytest.raises(EngineError, match="where a model learned classes from this data"):
        run_learning_curve({**spec, "dataset": data.id, "result": judged.id}, job)


def test_stages_are_compared_by_the_settings_of_the_model_and_kept(place, monkeypatch):
    space, spec, job, (data, _), (learned, _) = place
    asked = []

    def compared(frame, roles, column, chosen, *, seed, progress):
        asked.append((column, chosen["max_epochs_finetune"], "use_two_stage" in chosen, seed, roles.label))
        features, truth = frame[["a", "b"]], frame[column].to_numpy()
        return plain_contestants(features[:200], truth[:200], features[200:], truth[200:])

    monkeypatch.setattr("engine.class_evaluation.compare_stages", compared)
    run_stages({**spec, "dataset": data.id, "result": learned.id}, job)
    assert asked == [("event", 4, False, 0, "event")]
    found = kept_stages(space.results, learned.id)
    assert found.learned == pytest.approx(0.7 * 300, abs=2), (
        "those held apart are not learned from, judged or not"
    )
    assert found.held_out == 100
    assert found.contestants[0]["macro_f1"] > 0.5


def test_too_few_labels_are_said_and_nothing_is_measured(place):
    space, _, _, (data, _), (learned, _) = place
    model = Model.load(space.models, learned.model)
    words = np.full(300, "", dtype=object)
    words[[0, 1]] = "hot"
    found = evaluated_apart(model, data.frame(), Lesson(column="event", classes=words))
    assert "must hold 2 to 100 of them, found 1" in found.why
    assert found.contestants == []


def test_probabilities_before_a_temperature_are_those_of_the_undivided_logits():
    logits = np.random.default_rng(0).normal(size=(9, 3))
    np.testing.assert_allclose(untempered(softmax(logits / 2.5, axis=1), 2.5), softmax(logits, axis=1))


# ---- drawn, and in a report


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_confusion_of_many_classes_is_drawn_of_the_most_frequent_and_said(theme):
    names = [f"class {number:02d}" for number in range(40)]
    confusion = np.diag(np.arange(40)) + np.eye(40, k=1, dtype=int)
    drawn = charts.class_confusion(names, confusion, theme=theme)
    cells = drawn.spec["datasets"]["cells"]
    assert sum(cell["rows"] for cell in cells) == confusion.sum()
    assert len({cell["named"] for cell in cells}) == 15
    assert "are named rightly" in drawn.alt
    assert "1 class 38 taken for class 39" in drawn.alt
    assert charts.class_confusion(["a"], np.zeros((1, 1), dtype=int), theme=theme).alt.startswith("Nothing")


def test_calibration_and_more_labels_are_drawn_and_said():
    bins = [{"probability": 0.9, "accuracy": 0.8, "rows": 10}]
    drawn = charts.reliability(bins, bins, (0.2, 0.1), theme="dark")
    assert len(drawn.spec["datasets"]["points"]) == 2
    assert "20 % for probabilities as they come, 10 % for calibrated ones" in drawn.alt
    curves = {"model": [(10, 0.3), (100, 0.8)], "plain": [(10, 0.2), (100, 0.9)]}
    drawn = charts.class_learning_curve(curves, "model", theme="light")
    assert "model from 0.30 with 10 labels to 0.80 with 100" in drawn.alt
    one = charts.class_learning_curve({"model": [(10, 0.3)]}, "model", theme="light")
    assert one.alt.startswith("Nothing to show")


def test_a_report_lists_the_class_of_rows_and_how_well_classes_are_named(place):
    space, _, _, _, (learned, _) = place
    subject = Subject.of(space, learned, Percentile(95.0), float(np.quantile(learned.values, 0.95)))
    blocks = [*worst_rows(subject), *named_classes(subject)]
    tables = {block.title: block for block in blocks if isinstance(block, Table)}
    listed = {column.title: column.values for column in tables["The worst rows"].columns}
    assert listed["Class"] == [learned.classes.shown(int(row) - 1) for row in listed["Row"]]
    assert "Class" in tables["The worst rows"].sheet().columns
    titles = [column.title for column in tables["Classes, one by one"].columns]
    assert titles == ["Class", "Rows held out", "Named so", "Precision", "Recall", "F1", "Average precision"]
    assert tables["Classes, beside plain classifiers"].rows == 3
