"""The run folder: everything about one training in three files, complete or not there, and needed by nothing."""

import io
import json
import sys

import numpy as np
import pytest

from engine import files
from engine.analysis import train_and_score
from engine.errors import StoreError
from engine.model import Model
from engine.runs import Recording, RunStore, metrics_of
from engine.store import ModelStore
from tests import naive

QUICK = {"n_estimators": 5}


@pytest.fixture(scope="module")
def trained(table):
    """A training whose table has known answers."""
    return train_and_score(
        table.frame,
        table.roles,
        hyperparameters=QUICK,
        name="parts",
        dataset="parts.csv",
        dataset_hash="ab",
        scaling="robust",
    )


@pytest.fixture
def kept(tmp_path, table, trained):
    """A model and its run: the card, the store of runs and the folder."""
    recording = Recording()
    with recording.listening(), recording.step("training"):
        print("learning")
    recording.record(epoch=1, train_loss=np.float64(0.5), validation_loss=None)
    recording.record(epoch=2, train_loss=float("nan"), validation_loss=0.25)
    card = trained.model.save(ModelStore(tmp_path / "models"))
    runs = RunStore(tmp_path / "runs")
    metrics = metrics_of(trained, table.frame)
    return card, runs, runs.keep(card, recording, given=QUICK, metrics=metrics)


def run_of(folder):
    return json.loads((folder / "run.json").read_text("utf-8"))


def test_a_run_says_what_was_asked_what_was_done_and_how_it_went(kept, table):
    card, _, folder = kept
    run = run_of(folder)
    assert (run["model"], run["created"], run["state"]) == ("parts@1", card.created, "done")
    assert run["started"] <= run["ended"]
    assert run["config"]["given"] == QUICK
    assert run["config"]["used"]["hyperparameters"] == card.hyperparameters
    assert run["config"]["used"]["scaling"] == card.scaling == "robust"
    assert run["config"]["used"]["roles"]["columns"]["faulty"] == "label"
    assert run["data"] == {"file": "parts.csv", "sha256": "ab", "rows": 300, "judged": 300}
    assert (run["features"], run["threshold"]) == (len(card.features), card.threshold)
    assert list(run["seconds"]) == ["training"]
    assert run["versions"].keys() >= {"python", "numpy", "scikit-learn"}


def test_the_folder_holds_three_files_named_after_the_model(kept):
    card, runs, folder = kept
    assert folder == runs.root / "parts@1"
    assert {file.name for file in folder.iterdir()} == {"run.json", "features.txt", "log.txt"}
    assert (folder / "features.txt").read_text("utf-8").splitlines() == card.features
    assert (folder / "log.txt").read_text("utf-8") == "learning\n"
    assert list((runs.root / ".staging").iterdir()) == []


def test_the_history_is_kept_in_order_and_what_json_cannot_hold_is_null(kept):
    assert run_of(kept[2])["history"] == [
        {"epoch": 1, "train_loss": 0.5, "validation_loss": None},
        {"epoch": 2, "train_loss": None, "validation_loss": 0.25},
    ]


def test_the_metrics_are_those_of_the_training_rows(kept, table, trained):
    metrics = run_of(kept[2])["metrics"]
    scores = trained.model.score(table.frame).values
    assert metrics["share_flagged"] == (scores > trained.model.card.threshold).mean()
    assert metrics["roc_auc"] == pytest.approx(naive.roc_auc(scores, table.labels))
    assert 0 < metrics["average_precision"] <= 1


@pytest.mark.parametrize("label", [None, "one class"])
def test_without_answers_of_both_kinds_there_is_no_measure_of_them(table, label):
    frame = table.frame.assign(faulty=0)
    columns = dict(table.roles.columns) | {"faulty": "label" if label else "ignore"}
    training = train_and_score(frame, type(table.roles)(columns, "table"), hyperparameters=QUICK)
    metrics = metrics_of(training, frame)
    assert (metrics["roc_auc"], metrics["average_precision"]) == (None, None)
    assert metrics["share_flagged"] == pytest.approx(0.05, abs=0.01)


def test_a_model_finds_its_run_and_does_without_it(kept, tmp_path, table):
    card, runs, folder = kept
    assert runs.find(card.id, card.created) == folder
    assert runs.find(card.id, "2001-01-01T00:00:00+00:00") is None  # a model of another store
    assert runs.find("parts@2", card.created) is None
    files.remove_folder(folder, staging=tmp_path / "away")
    assert runs.find(card.id, card.created) is None
    assert np.isfinite(Model.load(ModelStore(tmp_path / "models"), "parts@1").score(table.frame).values).all()


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff"])
def test_a_damaged_run_is_no_run(kept, content):
    card, runs, folder = kept
    (folder / "run.json").write_bytes(content)
    assert runs.find(card.id, card.created) is None


def test_the_run_of_a_new_model_with_an_old_id_takes_its_place(kept, table, trained, tmp_path):
    _, runs, folder = kept
    card = trained.model.save(ModelStore(tmp_path / "other"))
    (folder / "note.txt").write_text("mine")
    again = runs.keep(card, Recording(), given={}, metrics=metrics_of(trained, table.frame))
    assert again == folder == runs.find(card.id, card.created)
    assert not (folder / "note.txt").exists()
    assert run_of(folder)["config"]["given"] == {}


def test_a_run_that_cannot_be_written_leaves_no_half_of_it(kept, table, trained, tmp_path, monkeypatch):
    card, *_ = kept
    runs = RunStore(tmp_path / "full")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "publish", full)
    with pytest.raises(StoreError, match="the run of 'parts@1' was not kept: the disk is full"):
        runs.keep(card, Recording(), given={}, metrics=metrics_of(trained, table.frame))
    assert not runs.folder(card.id).exists()
    assert list((runs.root / ".staging").iterdir()) == []


def test_what_is_printed_is_noted_on_its_way(capsys):
    recording = Recording()
    with recording.listening():
        print("to the reader")
        print("beside it", file=sys.stderr)
        with pytest.raises(io.UnsupportedOperation):
            sys.stdout.read()
    print("after it")
    assert recording.said == "to the reader\nbeside it\n"
    told = capsys.readouterr()
    assert (told.out, told.err) == ("to the reader\nafter it\n", "beside it\n")


def test_a_reader_that_has_gone_costs_neither_the_training_nor_its_log(monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    recording = Recording()
    monkeypatch.setattr(sys, "stdout", Gone())
    with recording.listening():
        print("learning", flush=True)
    assert recording.said == "learning\n"


def test_the_seconds_of_a_step_count_also_when_it_fails():
    recording = Recording()
    with pytest.raises(ValueError, match="no"), recording.step("loading"):
        raise ValueError("no")
    with recording.step("training"):
        pass
    assert list(recording.seconds) == ["loading", "training"]
    assert recording.total == sum(recording.seconds.values()) >= 0
