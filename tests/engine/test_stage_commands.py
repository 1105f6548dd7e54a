"""Two stages on the command line: an encoder kept, a model that starts from it, classes in what `score` writes."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.cli import main

SHORT = [
    *("--set", "max_epochs_finetune=4"),
    *("--set", "max_epochs_pretrain=1"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a file of events and an encoder that never saw them."""
    folder = tmp_path_factory.mktemp("stages")
    a, b = np.random.default_rng(0).normal(size=(2, 240))
    frame = pd.DataFrame({"flow": a, "load": b, "both": a + b})
    frame["event"] = np.where(a + b > 1, "jam", np.where(b < -1, "leak", "normal"))
    frame.assign(**{"class": frame["event"]}).to_csv(folder / "events.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LOUPE_WORKSPACE", str(folder / "workspace"))
        width = ("--set", "d_model=16", "--set", "n_layers=1")
        assert main(["pretrain", *DATA, "--name", "flow", *SHORT, *width]) == 0
        learning = (
            "--detector",
            "masked_table",
            "--class",
            "event",
            "--encoder",
            "flow@1",
            "--name",
            "events",
        )
        assert main(["train", *DATA, *learning, *SHORT[:2]]) == 0
    return folder


DATA = ("events.csv", "--models", "m", "--ignore", "class")


@pytest.fixture
def run(folder, monkeypatch, capsys):
    def running(*arguments):
        monkeypatch.chdir(folder)
        monkeypatch.setenv("LOUPE_WORKSPACE", str(folder / "workspace"))
        code = main([*arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return running


def test_score_adds_the_class_and_its_probability_before_the_score(run, folder):
    assert run("score", "events.csv", "--model", "events", "--models", "m", "--output", "o.csv")[0] == 0
    table = pd.read_csv(folder / "o.csv")
    added = ["class (Loupe)", "class_probability", "anomaly_score", "severity", "is_anomaly", "reasons"]
    assert list(table)[-6:] == added
    assert (table["class (Loupe)"] == table["event"]).mean() > 0.8
    assert table["class_probability"].between(0, 1).all()


def test_the_card_shows_the_encoder_it_came_from(run):
    card = json.loads(run("models", "show", "events", "--models", "m", "--json")[1])
    assert card["encoder"] == "flow@1"
    assert card["classes"]["names"] == ["jam", "leak", "normal"]
    assert json.loads(run("models", "show", "flow", "--models", "m", "--json")[1])["classes"] is None


def test_stages_are_compared_in_a_table_and_as_json(run):
    compare = (
        "compare-stages",
        "events.csv",
        "--class",
        "event",
        "--ignore",
        "class",
        "--labels",
        "0.3",
        *SHORT,
    )
    code, out, _ = run(*compare, "--json")
    (at,) = json.loads(out)["curve"]
    found = at["contestants"]
    assert at["labels"] == 0.3
    assert code == 0
    assert [each["title"] for each in found][:2] == ["two stages", "one stage"]
    assert {"accuracy", "macro_f1", "seconds", "history", "classes", "confusion"} <= found[0].keys()
    code, out, _ = run(*compare)
    assert code == 0
    assert out.splitlines()[0] == "30 % of the labels"
    assert out.splitlines()[2].split() == ["accuracy", "macro-F1", "seconds"]
    assert "two stages: epoch, loss in training, held-out loss" in out


def test_an_encoder_for_another_detector_is_refused_in_a_sentence(run):
    code, _, err = run("train", "events.csv", "--models", "m", "--encoder", "flow")
    assert code == 2
    assert "Isolation Forest starts from no encoder; choose a detector that does: masked_table" in err
