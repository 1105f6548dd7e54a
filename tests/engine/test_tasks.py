"""The work inside a job: nothing is left of one that was stopped or failed, and nothing is done twice."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine import charts
from engine.analysis import judge, train
from engine.bundle import export_bundle
from engine.data.dataset import Dataset
from engine.data.features import FeatureRecipe
from engine.data.roles import Roles
from engine.detectors import CATALOGUE, Detector
from engine.errors import Cancelled, StoreError, UsageError
from engine.file_tasks import run_bundle, run_export, run_picture
from engine.model import Model
from engine.results import ResultStore
from engine.row_tasks import run_edit, run_explain, run_look
from engine.scoring.rules import RULES
from engine.tasks import run_score, run_train
from engine.window_view import kept_window, window_view
from engine.workspace import Workspace
from tests.engine.checks import SEQUENTIAL, quick


class Job:
    """A job in a folder of its own that is stopped at the ``last`` word it hears."""

    def __init__(self, directory, last=None):
        self.directory, self.last, self.told, self.curve = directory, last, [], []

    def progress(self, fraction, message=""):
        self.told.append(fraction)
        if len(self.told) == self.last:
            raise Cancelled("stopped")

    def log(self, text):
        print(text)

    def record(self, **values):
        self.curve.append(values)


@pytest.fixture(scope="module")
def datasets(tmp_path_factory, table, series):
    """A workspace in which a table and a series have been brought, with their roles."""
    folder = tmp_path_factory.mktemp("brought")
    space = Workspace(folder / "workspace", folder / "models")

    def brought(data, name):
        frame = data.frame.copy()
        if name == "table":
            frame.loc[7, "pressure"] = 1e200
        frame.to_parquet(folder / f"{name}.parquet")
        kept = space.datasets.add(folder / f"{name}.parquet", f"{name}.parquet")
        return space.datasets.set_roles(kept, Roles(dict(data.roles.columns), data.roles.kind))

    return space, {"table": brought(table, "table"), "series": brought(series, "series")}


@pytest.fixture
def place(tmp_path, datasets):
    """The workspace with results and models of the test's own, and the spec every job there shares."""
    space, found = datasets
    space = Workspace(tmp_path, tmp_path / "models")
    space.root.joinpath("datasets").symlink_to(datasets[0].root / "datasets")
    return space, lambda kind, **more: {
        "workspace": str(space.root),
        "models": str(space.models_root),
        "dataset": found[kind].id,
        "detector": "neighbours",
        "name": "mine",
        **more,
    }


def left_behind(space):
    """Models, results and runs that exist."""
    own = [card["name"] for card in space.models.models() if not card["shipped"]]
    return own + [path.name for place in ("results/*__*", "runs/*@*") for path in space.root.glob(place)]


@pytest.mark.parametrize("kind", ["table", "series"])
@pytest.mark.parametrize("detector", CATALOGUE)
def test_what_training_says_of_its_rows_is_what_the_model_says_bit_for_bit(place, detector, kind):
    if kind == "table" and detector in SEQUENTIAL:
        pytest.skip("it judges readings in order")
    space, spec = place
    done = run_train(spec(kind, detector=detector, hyperparameters=quick(detector)), Job(space.root))
    trained = space.results.load(done["result"])
    model = Model.load(space.models, done["model"])
    scores = model.score(space.datasets.get(trained.dataset).frame())
    assert trained.values.tobytes() == scores.values.tobytes()
    assert trained.severity.tobytes() == scores.severity.tobytes()
    assert trained.obstacles == scores.obstacles
    assert trained.notes == list(scores.notes)
    before = trained.about
    assert run_score(spec(kind, model=done["model"]), Job(space.root))["result"] == done["result"]
    assert space.results.load(done["result"]).about == before


def test_a_job_may_choose_the_detector_itself(place):
    space, spec = place
    done = run_train(spec("series", detector="auto"), Job(space.root))
    card = Model.load(space.models, done["model"]).card
    assert card.detector in SEQUENTIAL
    assert "was chosen" in card.notes[0]


def test_a_job_that_is_to_learn_from_labels_needs_a_detector_that_can(place):
    space, spec = place
    with pytest.raises(UsageError, match="learns from no labels"):
        run_train(spec("series", learn_from_label=True), Job(space.root))
    assert left_behind(space) == []


def test_a_result_says_whether_its_data_is_like_the_training_data(place):
    space, spec = place
    done = run_train(spec("table"), Job(space.root / "a-job"))
    trained = space.results.load(done["result"])
    assert trained.drift.verdict == "fits"
    assert trained.drift.sentence == "These are the rows the model learned from."
    assert space.models.card(done["model"])["job"] == "a-job"
    mapping = {"flow_rate": "vibration", "vibration": "flow_rate"}
    again = run_score(spec("table", model=done["model"], mapping=mapping), Job(space.root))
    drift = space.results.load(again["result"]).drift
    assert not drift.learned
    assert set(drift.shifted) == {"flow_rate", "vibration"}
    assert drift.verdict != "fits"


def test_a_model_of_the_first_rows_did_not_learn_from_all_of_them(place, table):
    space, spec = place
    dataset = space.datasets.get(spec("table")["dataset"])
    card = train(table.frame, table.roles, dataset_hash=dataset.sha256, first=200).save(space.models)
    done = run_score(spec("table", model=card.id), Job(space.root))
    assert not space.results.load(done["result"]).drift.learned


def test_a_scoring_stopped_while_it_explains_leaves_the_scores_and_never_less_than_there_was(
    place, monkeypatch
):
    space, spec = place
    done = run_train(spec("table"), Job(space.root))
    mapping = {"flow_rate": "vibration", "vibration": "flow_rate"}
    asked = spec("table", model=done["model"], mapping=mapping)
    with monkeypatch.context() as patched:
        patched.setattr("engine.tasks.explain_worst", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_score(asked, Job(space.root))
    id = space.results.id_of(done["model"], asked["dataset"], mapping)
    assert not space.results.is_whole(id)
    assert len(space.results.load(id).order) == 299
    assert run_score(asked, Job(space.root))["result"] == id
    with monkeypatch.context() as patched:
        patched.setattr("engine.tasks.explain_worst", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_score(asked, Job(space.root))
    assert space.results.is_whole(id)


def test_the_training_table_is_encoded_once_and_not_scored_again(place, monkeypatch):
    space, spec = place
    encoded, transform = [], FeatureRecipe.transform
    monkeypatch.setattr(FeatureRecipe, "transform", lambda *a: encoded.append(len(a[1])) or transform(*a))
    monkeypatch.setattr(Detector, "decision_function", lambda *_, **__: pytest.fail("rows were scored again"))
    monkeypatch.setattr("engine.tasks.explain_worst", lambda model, prepared, scores: _none(model))
    run_train(spec("table"), Job(space.root))
    assert encoded == [300]


def _none(model):
    from engine.scoring.reasons import Explained

    rows, columns = np.array([], dtype=np.int64), model.recipe.channels
    return Explained(rows=rows, columns=columns, contributions=np.zeros((0, len(columns))), reasons=[])


def test_a_training_stopped_at_any_moment_leaves_nothing_behind(place):
    space, spec = place
    whole = Job(space.root)
    kept = run_train(spec("table", name="whole"), whole)
    space.models.delete(kept["model"])
    before = left_behind(space)
    assert whole.told == sorted(whole.told)
    for last in range(1, len(whole.told) + 1):
        with pytest.raises(Cancelled):
            run_train(spec("table"), Job(space.root, last))
        assert left_behind(space) == before


@pytest.mark.parametrize("broken", ["engine.tasks.explain_worst", "engine.model.Model.save", "results"])
def test_a_training_that_fails_leaves_nothing_behind(place, monkeypatch, broken):
    space, spec = place

    def fails(*_, **__):
        raise OSError("no space left on device")

    if broken == "results":
        monkeypatch.setattr(ResultStore, "save", fails)
    else:
        monkeypatch.setattr(broken, fails)
    with pytest.raises(OSError, match="no space"):
        run_train(spec("table"), Job(space.root))
    assert left_behind(space) == []


def test_a_training_leaves_its_run_beside_model_and_result(place):
    space, spec = place
    done = run_train(spec("table", hyperparameters={"n_neighbors": 7}), Job(space.root))
    card = Model.load(space.models, done["model"]).card
    folder = space.runs.find(card.id, card.created)
    assert folder == space.root / "runs" / done["model"]
    run = json.loads((folder / "run.json").read_text("utf-8"))
    given = {"detector": "neighbours", "hyperparameters": {"n_neighbors": 7}, "name": "mine"}
    assert run["config"]["given"] == given
    assert list(run["seconds"]) == ["loading", "training", "explaining", "saving"]
    assert run["metrics"]["roc_auc"] > 0.9
    assert "training neighbours on table.parquet: 300 rows" in (folder / "log.txt").read_text("utf-8")


def test_a_run_that_cannot_be_kept_costs_neither_model_nor_result(place):
    space, spec = place
    (space.root / "runs").write_text("a file, not a folder")
    done = run_train(spec("table"), Job(space.root))
    assert (
        space.results.load(done["result"]).model == done["model"] == space.models.card("mine")["name"] + "@1"
    )


def test_explaining_a_row_of_a_table_reads_that_row_only(place, monkeypatch):
    space, spec = place
    done = run_train(spec("table"), Job(space.root))
    found = space.results.load(done["result"])
    monkeypatch.setattr(Dataset, "frame", lambda *_: pytest.fail("the whole table was read"))
    row = int(found.explained_rows[0])
    answer = run_explain(spec("table", model=done["model"], row=row), Job(space.root))
    assert answer["reasons"] == found.reasons(row)
    answer = run_explain(spec("table", model=done["model"], row=7), Job(space.root))
    assert answer == {"reasons": [], "obstacle": "'pressure' is impossibly large (1e+200)"}
    for absent in (-1, 300):
        with pytest.raises(
            UsageError, match=f"there is no row {absent}; the rows of table.parquet are 0 to 299"
        ):
            run_explain(spec("table", model=done["model"], row=absent), Job(space.root))


def test_explaining_a_reading_sees_the_readings_before_it(place):
    space, spec = place
    done = run_train(spec("series"), Job(space.root))
    found = space.results.load(done["result"])
    row = int(found.explained_rows[0])
    answer = run_explain(spec("series", model=done["model"], row=row), Job(space.root))
    assert answer["reasons"] == found.reasons(row)
    assert (
        "readings in a row"
        in run_explain(spec("series", model=done["model"], row=0), Job(space.root))["obstacle"]
    )


def test_a_bundle_lies_in_the_folder_of_its_job(place, tmp_path):
    space, spec = place
    done = run_train(spec("table"), Job(space.root))
    path = Path(run_bundle(spec("table", model=done["model"]), Job(tmp_path))["path"])
    assert path.parent == tmp_path
    assert path.read_bytes() == export_bundle(space.models, done["model"])


def test_an_edit_reads_one_row_and_brings_it_below_the_threshold(place, monkeypatch):
    space, spec = place
    done = run_train(spec("table"), Job(space.root))
    found, card = space.results.load(done["result"]), Model.load(space.models, done["model"]).card
    monkeypatch.setattr(Dataset, "frame", lambda *_: pytest.fail("the whole table was read"))
    row = int(found.explained_rows[0])
    wanted = {"model": done["model"], "row": row, "threshold": card.threshold}
    answer = run_edit(spec("table", **wanted), Job(space.root))
    assert answer["enough"]
    assert answer["edits"][-1]["score"] <= card.threshold < found.values[row]
    assert answer["edits"][0]["text"].startswith("change ")
    assert not run_edit(spec("table", **wanted | {"threshold": -1e9}), Job(space.root))["enough"]
    ordinary = run_edit(spec("table", **wanted | {"threshold": 1e9}), Job(space.root))
    assert ordinary == {"edits": [], "enough": True}
    unjudged = run_edit(spec("table", **wanted | {"row": 7}), Job(space.root))
    assert unjudged == {"edits": [], "enough": False, "obstacle": "'pressure' is impossibly large (1e+200)"}


def test_a_training_that_was_stopped_keeps_what_it_learned_where_its_spec_says(place):
    space, spec = place
    wanted = spec("table", detector="autoencoder", hyperparameters={"epochs": 4})
    roles = space.datasets.get(wanted["dataset"]).roles
    job = Job(space.root)

    def stop_after_two(**values):
        job.curve.append(values)
        if len(job.curve) == 2:
            raise Cancelled("stopped")

    job.record = stop_after_two
    with pytest.raises(Cancelled):
        run_train(wanted, job)
    assert space.checkpoint_of(wanted, roles).is_file()
    again = Job(space.root)
    done = run_train(wanted, again)
    assert [record["epoch"] for record in again.curve] == [1, 2, 3, 4]
    assert not space.checkpoint_of(wanted, roles).exists()
    card = Model.load(space.models, done["model"]).card
    assert [record["epoch"] for record in card.history] == [1, 2, 3, 4]
    assert card.history[0]["train_loss"] == pytest.approx(job.curve[0]["train_loss"], rel=1e-5)


def test_an_export_lies_in_the_folder_of_its_job_and_flags_as_the_screen_does(place, tmp_path):
    space, spec = place
    done = run_train(spec("table"), Job(space.root))
    found, card = space.results.load(done["result"]), Model.load(space.models, done["model"]).card
    answer = judge(np.asarray(found.values), card, RULES["percentile"](90))
    job = Job(tmp_path / "job")
    job.directory.mkdir()
    wanted = {"result": done["result"], "threshold": answer.threshold, "rule": "Percentile 90"}
    for name in ("answer.parquet", "../../answer.parquet"):
        path = run_export(spec("table", **wanted | {"name": name}), job)["path"]
        assert path == str(job.directory / "answer.parquet")
    table = pd.read_parquet(path)
    assert (table["is_anomaly"].fillna(False).to_numpy(dtype=bool) == answer.flags).all()
    assert table["reasons"][7] == "could not be judged: 'pressure' is impossibly large (1e+200)"
    assert not (space.root / "exports").exists()


def test_a_chart_is_drawn_in_the_folder_of_its_job(tmp_path):
    drawn = charts.confusion_grid(40, 9, 11, 940, theme="light")
    spec = {"chart": drawn.spec, "alt": drawn.alt, "title": "Flags", "below": "cards.csv", "format": "svg"}
    path = Path(run_picture(spec, Job(tmp_path))["path"])
    assert path == tmp_path / "chart.svg"
    assert "cards.csv" in path.read_text("utf-8")


def test_the_events_of_a_series_go_into_a_sheet_or_a_file_of_their_own(place, tmp_path):
    space, spec = place
    done = run_train(spec("series"), Job(space.root))
    found = space.results.load(done["result"])
    layouts = list((space.datasets.get(found.dataset).folder / "series").glob("*/about.json"))
    assert layouts, "training puts the readings in order, so that no screen has to"
    job = Job(tmp_path / "job")
    job.directory.mkdir()
    wanted = {"result": done["result"], "threshold": float(found.ascending[-20]), "rule": "Fixed score"}
    book = run_export(spec("series", **wanted, name="all.xlsx", events=[0, 1, 0.0]), job)["path"]
    sheet = pd.read_excel(book, sheet_name="Events", engine="openpyxl")
    alone = run_export(
        spec("series", **wanted, name="events.csv", events=[0, 1, 0.0], only_events=True), job
    )["path"]
    assert pd.read_csv(alone)["readings"].tolist() == sheet["readings"].tolist()
    assert sheet["readings"].sum() == 19
    merged = run_export(
        spec("series", **wanted, name="events.csv", events=[10_000, 1, 0.0], only_events=True), job
    )["path"]
    assert len(pd.read_csv(merged)) < len(sheet)


def test_what_is_seen_around_rows_is_kept_with_the_result_and_worked_out_once(place, monkeypatch):
    space, spec = place
    done = run_train(spec("series", detector="nearest_windows"), Job(space.root))
    found, model = space.results.load(done["result"]), Model.load(space.models, done["model"])
    rows = [int(row) for row in found.order[:3]]
    assert kept_window(space.results, found.id, rows[0]) is None
    assert run_look(spec("series", result=found.id, rows=rows), Job(space.root)) == {"seen": 3}
    prepared = model.encode(space.datasets.get(found.dataset).frame())
    for row in rows:
        kept = kept_window(space.results, found.id, row)
        assert kept.as_bytes() == window_view(model, prepared, row).as_bytes()
    monkeypatch.setattr(Dataset, "frame", lambda *_: pytest.fail("the table was read again"))
    assert run_look(spec("series", result=found.id, rows=rows), Job(space.root)) == {"seen": 0}


def test_what_was_seen_goes_with_the_result_and_is_looked_at_again_where_it_is_damaged(place):
    space, spec = place
    done = run_train(spec("series", detector="nearest_windows"), Job(space.root))
    found = space.results.load(done["result"])
    row = int(found.order[0])
    space.results.keep_window(found.id, row, b"no window")
    assert kept_window(space.results, found.id, row) is None
    assert run_look(spec("series", result=found.id, rows=[row]), Job(space.root)) == {"seen": 1}
    assert kept_window(space.results, found.id, row) is not None
    run_score(spec("series", model=done["model"]), Job(space.root))
    assert kept_window(space.results, found.id, row) is None
    space.results.delete_of_dataset(found.dataset)
    assert space.results.window(found.id, row) is None
    with pytest.raises(StoreError, match="no longer stored"):
        space.results.keep_window(found.id, row, b"")


def test_a_model_that_judges_rows_by_themselves_sees_no_window(place):
    space, spec = place
    done = run_train(spec("series"), Job(space.root))
    found = space.results.load(done["result"])
    rows = [int(found.order[0])]
    assert run_look(spec("series", result=found.id, rows=rows), Job(space.root)) == {"seen": 0}
