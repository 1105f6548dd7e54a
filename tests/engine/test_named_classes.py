"""Classes that a model names: kept with the result, refused where they are damaged, and in every file to take away."""

import json

import numpy as np
import pandas as pd
import pytest

from engine import Model, ReadingOptions, Roles, Workspace
from engine.api.analyses import _described
from engine.api.schemas import Anomaly
from engine.data.reading import read_table
from engine.detectors.masked_table import CHUNK
from engine.errors import StoreError
from engine.named_classes import NONE, UNLIKE, NamedClasses
from engine.results import ResultStore
from engine.tasks import run_export, run_score, run_train
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
