"""The command that draws: a file for every chart there is something for, and one sentence about the others."""

import json
from pathlib import Path

import pytest

from engine import ModelStore, Roles, train
from engine.cli import main
from tests.engine.test_group_lines import machines

EVERY = {"history", "roc", "precision_recall", "scores"}


@pytest.fixture(scope="module")
def place(tmp_path_factory, table, series):
    """A table and a series as files, a model in epochs and one without, and one of the series."""
    folder = tmp_path_factory.mktemp("plots")
    table.frame.to_csv(folder / "parts.csv", index=False)
    table.frame.drop(columns="faulty").to_csv(folder / "unlabelled.csv", index=False)
    series.frame.to_csv(folder / "series.csv", index=False)
    store = ModelStore(folder / "m")
    train(table.frame, table.roles, "isolation_forest", {"n_estimators": 10}, name="forest").save(store)
    train(table.frame, table.roles, "autoencoder", {"epochs": 3}, name="network").save(store)
    train(series.frame, series.roles, "isolation_forest", {"n_estimators": 10}, name="beat").save(store)
    return folder


@pytest.fixture
def plot(place, monkeypatch, capsys, tmp_path):
    """Run ``plot`` into a folder of its own: exit code, the JSON answer, and what was said beside it."""

    def plotting(*arguments):
        monkeypatch.chdir(place)
        capsys.readouterr()
        code = main(["plot", *arguments, "--models", "m", "--output", str(tmp_path / "out"), "--json"])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, json.loads(told.out) if told.out else None, told.err

    return plotting


def test_a_network_and_a_label_give_the_four_charts(plot, tmp_path):
    code, answer, said = plot("parts.csv", "--model", "network", "--format", "svg")
    assert (code, answer["left_out"]) == (0, {})
    assert set(answer["files"]) == EVERY
    assert {file.name for file in (tmp_path / "out").iterdir()} == {f"{name}.svg" for name in EVERY}
    assert "note:" not in said
    drawn = (tmp_path / "out" / "roc.svg").read_text("utf-8")
    assert "ROC curve" in drawn
    assert "parts.csv, network@1" in drawn


def test_pictures_are_png_unless_said(plot, tmp_path):
    _, answer, _ = plot("parts.csv", "--model", "forest")
    assert (tmp_path / "out" / "scores.png").read_bytes().startswith(b"\x89PNG")
    assert answer["files"]["scores"].endswith("scores.png")


def test_what_there_is_nothing_for_is_named_in_a_sentence_and_is_no_failure(plot):
    code, answer, said = plot("unlabelled.csv", "--model", "forest", "--format", "svg")
    assert (code, set(answer["files"])) == (0, {"scores"})
    notes = [line for line in said.splitlines() if line.startswith("note: left out")]
    assert len(notes) == 1
    assert "history (Isolation Forest does not learn in epochs)" in notes[0]
    assert "roc and precision_recall (there are no known answers; --label names their column)" in notes[0]


def test_answers_of_one_kind_only_are_said(plot, place, table):
    table.frame.assign(faulty=0).to_csv(place / "fine.csv", index=False)
    code, answer, _ = plot("fine.csv", "--model", "forest", "--format", "svg")
    assert (code, set(answer["files"])) == (0, {"scores"})
    assert "no labelled anomaly" in answer["left_out"]["roc and precision_recall"]


def test_a_series_is_drawn_too_and_the_label_may_be_named(plot, tmp_path):
    code, answer, _ = plot("series.csv", "--model", "beat", "--format", "html", "--percentile", "90")
    assert code == 0
    assert "scores" in answer["files"]
    assert (tmp_path / "out" / "scores.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    code, _, said = plot("series.csv", "--model", "beat", "--label", "gone")
    assert code == 2
    assert "there is no column 'gone'; the columns are" in said


def test_a_label_the_model_learned_from_is_said(plot, place, table):
    table.frame.to_csv(place / "again.csv", index=False)
    _, _, said = plot("again.csv", "--model", "forest", "--label", "night_shift", "--format", "svg")
    assert "the model learned from 'night_shift', so it knows the answers" in said


def test_a_folder_that_cannot_be_is_refused_in_words(place, monkeypatch, capsys):
    monkeypatch.chdir(place)
    (place / "taken").write_text("a file")
    assert main(["plot", "parts.csv", "--model", "forest", "--models", "m", "--output", "taken"]) == 2
    assert "'taken' cannot be a folder for the charts" in capsys.readouterr().err


def test_lines_of_their_own_are_drawn_at_the_common_threshold_and_told(plot, place):
    frame = machines()
    frame.to_csv(place / "machines.csv", index=False)
    roles = Roles({"machine": "entity", "x": "feature", "y": "feature", "z": "feature"})
    train(frame, roles, "neighbours", name="machines").save(ModelStore(place / "m"))
    code, answer, said = plot("machines.csv", "--model", "machines", "--per-entity", "--format", "svg")
    assert code == 0
    assert "2 groups have lines of their own, by 'machine'" in answer["lines"]
    assert "Scores are moved in the charts" in said
    assert "lines of their own by 'machine'" in Path(answer["files"]["scores"]).read_text("utf-8")
    _, answer, said = plot("parts.csv", "--model", "forest", "--per-entity")
    assert answer is None
    assert "has one line for all" in said
