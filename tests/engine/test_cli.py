"""The command line keeps its contract: exit codes, one JSON line, one sentence on stderr, the input's rows in order."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from engine.cli import main
from engine.data.reading import convert
from engine.detectors import CATALOGUE
from engine.model import Model
from engine.snippets import cli_line, python_snippet
from engine.store import ModelStore

PROJECT = Path(__file__).resolve().parents[2]
ADDED = ["anomaly_score", "severity", "is_anomaly", "reasons"]
TRAINED = {
    "model",
    "threshold",
    "rows",
    "judged",
    "features",
    "feature_names",
    "seconds",
    "folder",
    "files",
    "run",
}
TRAINED |= {"detector", "injected", "share_flagged", "roc_auc", "average_precision", "check"}


@pytest.fixture(scope="module")
def place(tmp_path_factory, table):
    """A folder with a file of 300 rows and a model of it, made by the command line in a process of its own."""
    folder = tmp_path_factory.mktemp("cli")
    table.frame.to_csv(folder / "parts.csv", index=False)
    train = ("train", "parts.csv", "--detector", "neighbours", "--name", "parts", "--models", "m", "--json")
    done = loupe(folder, *train, "--run-dir", "runs")
    assert done.returncode == 0, done.stderr
    (folder / "train.out").write_text(done.stdout)
    (folder / "train.err").write_text(done.stderr)
    return folder


@pytest.fixture(scope="module")
def read_once():
    """``convert`` that reads each content once: 40 commands on one file need not start 40 children."""
    tables = {}

    def converting(path, table, options, **more):
        key = (path.read_bytes(), repr(options), path.name)
        if key not in tables:
            about = convert(path, table, options, **more)
            tables[key] = json.dumps(about), table.read_bytes()
        about, content = tables[key]
        table.write_bytes(content)
        return json.loads(about)

    return converting


@pytest.fixture
def run(place, read_once, monkeypatch, capsys):
    """Run a command in this process: exit code, lines of stdout, sentences on stderr that are no progress."""

    def running(*arguments):
        monkeypatch.chdir(place)
        monkeypatch.setenv("LOUPE_WORKSPACE", str(place / "workspace"))
        monkeypatch.setattr("engine.data.reading.convert", read_once)
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return (
            code,
            told.out.splitlines(),
            [line for line in told.err.splitlines() if line.startswith("loupe: ")],
        )

    return running


def environment():
    return os.environ | {"PYTHONPATH": str(PROJECT)}


def loupe(folder, *arguments):
    command = [sys.executable, "-m", "engine", *arguments]
    return subprocess.run(command, cwd=folder, env=environment(), capture_output=True, text=True)


def test_training_with_json_says_one_object_and_its_prose_on_stderr(place):
    (line,) = (place / "train.out").read_text().splitlines()
    answer = json.loads(line)
    assert answer.keys() == TRAINED
    assert (answer["model"], answer["rows"]) == ("parts@1", 300)
    card = Model.load(ModelStore(place / "m"), "parts").card
    assert (answer["threshold"], answer["features"]) == (card.threshold, len(card.features))
    assert answer["feature_names"] == card.features
    assert (answer["share_flagged"], answer["check"]) == (0.05, "fine")
    folder = place / answer["folder"]
    assert {file.name for file in folder.iterdir()} == set(answer["files"])
    assert (place / answer["run"] / "run.json").is_file()
    said = (place / "train.err").read_text().splitlines()
    assert "  Model      parts@1, Nearest Neighbours" in said
    assert "  15 of 300 training rows are flagged (5 %). Good: 1 to 10 % is usual." in said


def test_training_without_json_says_its_prose_on_stdout_and_names_the_model_after_the_file(run, place, table):
    table.frame.to_csv(place / "parts (1).csv", index=False)
    code, out, _ = run(
        "train", "parts (1).csv", "--models", "m2", "--label", "faulty", "--set", "n_estimators=5"
    )
    assert code == 0
    card = Model.load(ModelStore(place / "m2"), "parts 1@1").card
    assert [line[:5] for line in out[:4]] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]
    assert out[2].endswith(": n_estimators 5")
    assert "  Folder     m2/parts 1/1" in out
    assert f"  Threshold  {card.threshold:.6g}" in out
    assert any(line.startswith("  Answers    by 'faulty', never learned from: ROC-AUC ") for line in out)
    assert out[-2] == (
        "  python -m engine score 'parts (1).csv' --model 'parts 1@1' --models m2 --output flagged.csv"
    )
    assert (place / "workspace" / "runs" / "parts 1@1" / "log.txt").read_text().splitlines()[-1] == out[-1]


@pytest.mark.parametrize(
    ("percentile", "check", "words"),
    [(80, "too sensitive", "Raise the percentile"), (99.5, "not sensitive enough", "Lower the percentile")],
)
def test_a_share_of_flags_that_is_not_usual_is_said_with_what_to_do(run, percentile, check, words):
    train = ("train", "parts.csv", "--models", "m2", "--name", "line", "--set", "n_estimators=5")
    line = ("--set", f"threshold_percentile={percentile}")
    assert words in " ".join(run(*train, *line)[1])
    assert json.loads(run(*train, *line, "--json")[1][0])["check"] == check


def test_a_baseline_with_known_answers_is_measured_by_its_own(run, place):
    frame = pd.read_csv(place / "parts.csv").assign(bad=np.arange(300) % 20 == 0)
    frame.to_csv(place / "known.csv", index=False)
    train = ("train", "known.csv", "--label", "bad", "--first", "120", "--models", "m2", "--name", "first")
    code, out, _ = run(*train, "--set", "n_estimators=5", "--json")
    told = json.loads(out[0])
    assert (code, told["rows"]) == (0, 120)
    assert 0 <= told["roc_auc"] <= 1


def test_a_run_that_cannot_be_kept_costs_a_note_and_no_model(run, place):
    (place / "taken").write_text("a file, not a folder")
    train = ("train", "parts.csv", "--models", "m2", "--name", "norun", "--set", "n_estimators=5")
    code, out, _ = run(*train, "--run-dir", "taken", "--json")
    assert (code, json.loads(out[0])["run"]) == (0, None)
    assert ModelStore(place / "m2").card("norun")["version"] == 1


def test_a_configuration_is_begun_edited_and_trained_with(run, place):
    assert run("init", "neighbours", "--output", "begun.yaml")[0] == 0
    text = (place / "begun.yaml").read_text()
    assert run("init", "neighbours")[1] == text.splitlines()
    text = text.replace("#name: payments", "name: begun").replace("n_neighbors: 20", "n_neighbors: 7")
    (place / "begun.yaml").write_text(text)
    assert run("train", "parts.csv", "--models", "m2", "--config", "begun.yaml")[0] == 0
    assert ModelStore(place / "m2").card("begun")["hyperparameters"]["n_neighbors"] == 7
    code, _, said = run("init", "neighbours", "--output", "begun.yaml")
    assert (code, (place / "begun.yaml").read_text()) == (2, text)
    assert "'begun.yaml' is there already" in said[0]


def test_the_kind_of_rows_is_recognised_or_said(run, place, series):
    series.frame.to_csv(place / "series.csv", index=False)
    train = ("train", "series.csv", "--models", "m2", "--set", "n_estimators=5", "--json")
    for kind, features in (((), 16), (("--kind", "series"), 16), (("--kind", "table"), 2)):
        code, out, _ = run(*train, "--name", "kind", *kind)
        assert (code, json.loads(out[0])["features"]) == (0, features)
    (place / "kind.yaml").write_text("kind: table\n")
    assert json.loads(run(*train, "--config", "kind.yaml")[1][0])["features"] == 2


def test_scoring_gives_the_rows_of_the_input_in_order_and_four_columns_more(run, place, table):
    code, out, _ = run("score", "parts.csv", "--model", "parts", "--models", "m", "--output", "s.csv")
    assert code == 0
    found = pd.read_csv(place / "s.csv")
    assert list(found.columns) == [*table.frame.columns, *ADDED]
    assert found["order_no"].tolist() == table.frame["order_no"].tolist()
    assert len(found) == 300
    model = Model.load(ModelStore(place / "m"), "parts")
    flags = found["anomaly_score"] > model.card.threshold
    assert (flags == found["is_anomaly"]).all()
    assert found["reasons"].notna().equals(flags), "every flagged row has its reasons"
    assert found["severity"].between(0, 100).all()
    assert out[0].startswith(f"flagged {flags.sum()} of 300 rows")


def test_scoring_says_whether_the_data_is_like_the_training_data(run, place, table, capsys):
    score = ("--model", "parts", "--models", "m", "--output", "drift.xlsx")
    _, out, _ = run("score", "parts.csv", *score)
    assert out[-1] == "fits: This data looks like what the model learned from."
    table.frame.assign(pressure=table.frame["pressure"] + 30).to_csv(place / "shifted.csv", index=False)
    assert main(["score", "shifted.csv", *score]) == 0
    told = capsys.readouterr()
    assert "note: another world: 100 % of the rows are more unusual" in told.err
    assert "fits" not in told.out
    settings = pd.read_excel(place / "drift.xlsx", sheet_name=None, engine="calamine")
    said = pd.concat([sheet.astype(str) for sheet in settings.values()]).to_string()
    assert "another world: 100 % of the rows" in said


def test_the_shell_line_and_the_snippet_give_identical_scores(place, table):
    given = {"data": "parts.csv", "model": "parts@1", "models": "m", "percentile": 90.0}
    line = cli_line(**given, output="line.parquet")
    shell = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        line, shell=True, cwd=place, env=environment() | shell, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    snippet = (
        python_snippet(**given, shipped=None)
        + "import numpy as np\nnp.save('scores.npy', scores)\nnp.save('flags.npy', flags)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", snippet], cwd=place, env=environment(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = pd.read_parquet(place / "line.parquet")
    np.testing.assert_array_equal(found["anomaly_score"], np.load(place / "scores.npy"))
    np.testing.assert_array_equal(found["is_anomaly"], np.load(place / "flags.npy"))
    assert found["is_anomaly"].sum() == 30


@pytest.mark.parametrize("line", [("--percentile", "50"), ("--threshold", "0.0"), ("--threshold=-1e-5",)])
def test_the_line_can_be_drawn_by_percentile_or_score(run, place, line):
    code, _, _ = run(
        "score", "parts.csv", "--model", "parts", "--models", "m", "--output", "p.parquet", *line
    )
    assert code == 0
    flagged = pd.read_parquet(place / "p.parquet")["is_anomaly"].sum()
    assert flagged == (150 if "50" in line else 300)


def test_a_rule_draws_the_line_and_says_what_to_expect(run, place, table):
    output = ("score", "parts.csv", "--model", "parts", "--models", "m", "--output", "p.parquet")
    code, out, _ = run(*output, "--rule", "budget=7")
    assert (code, pd.read_parquet(place / "p.parquet")["is_anomaly"].sum()) == (0, 7)
    assert any(line.startswith("Alert budget: expect 23.") for line in out)
    code, out, _ = run(*output, "--rule", "fdr")
    assert code == 0
    assert any("nothing can be flagged at this rate" in line for line in out)
    code, out, _ = run(*output, "--rule", "cost=30", "--label", "faulty")
    assert code == 0
    assert any(line.startswith("chosen on one half of the labels; on the other half") for line in out)


def test_a_row_that_cannot_be_judged_is_kept_and_says_why(run, place, table):
    frame = table.frame.copy()
    frame.loc[7, "pressure"] = 1e200
    frame.to_csv(place / "strange.csv", index=False)
    code, out, _ = run(
        "score", "strange.csv", "--model", "parts", "--models", "m", "--output", "strange.parquet"
    )
    assert code == 0
    row = pd.read_parquet(place / "strange.parquet").loc[7]
    assert np.isnan(row["anomaly_score"])
    assert row["reasons"].startswith("could not be judged: ")
    assert out[-1].startswith("1 rows could not be judged")


def test_a_renamed_column_is_mapped_by_hand(run, place, table):
    table.frame.rename(columns={"pressure": "Druck"}).to_csv(place / "renamed.csv", index=False)
    score = ("score", "renamed.csv", "--model", "parts", "--models", "m", "--output", "r.parquet")
    code, _, said = run(*score)
    assert code == 3
    assert "column 'pressure' missing" in said[0]
    assert run(*score, "--map", "pressure=Druck")[0] == 0
    before = (
        Model.load(ModelStore(place / "m"), "parts")
        .score(pd.read_csv(place / "parts.csv", parse_dates=["made"]))
        .values
    )
    np.testing.assert_array_equal(pd.read_parquet(place / "r.parquet")["anomaly_score"], before)


def test_a_configuration_file_is_the_options_and_options_win(run, place):
    (place / "run.yaml").write_text(
        "detector: isolation_forest\nname: from_file\nlabel: faulty\nignore: [made]\n"
        "hyperparameters:\n  n_estimators: 10\n"
    )
    code, out, _ = run(
        "train",
        "parts.csv",
        "--config",
        "run.yaml",
        "--models",
        "m2",
        "--set",
        "n_estimators=20",
        "--seed",
        "7",
        "--json",
    )
    assert code == 0
    card = ModelStore(place / "m2").card("from_file")
    assert card["hyperparameters"]["n_estimators"] == 20
    assert card["hyperparameters"]["random_state"] == 7
    assert "made" not in card["columns"]
    assert json.loads(out[-1])["model"] == "from_file@1"


def test_a_series_is_trained_and_scored(run, place, series):
    series.frame.to_csv(place / "series.csv", index=False)
    code, out, _ = run(
        "train",
        "series.csv",
        "--window",
        "10",
        "--name",
        "s",
        "--models",
        "m2",
        "--set",
        "n_estimators=20",
        "--json",
    )
    assert code == 0
    assert run("score", "series.csv", "--model", "s", "--models", "m2", "--output", "series.parquet")[0] == 0
    scores = pd.read_parquet(place / "series.parquet")["anomaly_score"]
    assert np.flatnonzero(scores.isna()).tolist() == list(range(9))
    assert json.loads(out[-1])["features"] == 16


def test_checking_a_file_says_what_reading_found(run):
    code, out, _ = run("check", "parts.csv", "--json")
    assert code == 0
    assert len(out) == 1
    answer = json.loads(out[0])
    assert (answer["rows"], answer["columns"]) == (300, 9)
    assert dict(zip(answer["names"], answer["types"], strict=True))["made"] == "datetime"
    code, out, _ = run("check", "parts.csv")
    assert out[0] == "parts.csv: 300 rows, 9 columns"


def test_detectors_are_listed_with_their_hyperparameters(run):
    code, out, _ = run("detectors", "--json")
    assert code == 0
    assert json.loads(out[0]).keys() == CATALOGUE.keys()
    assert json.loads(out[0])["neighbours"]["hyperparameters"]["n_neighbors"]["default"] == 20
    code, out, _ = run("detectors")
    assert [line for line in out if line.startswith("neighbours: Nearest Neighbours.")]


def test_models_are_listed_shown_promoted_verified_and_deleted(run, place):
    for _ in range(2):
        assert (
            run("train", "parts.csv", "--name", "many", "--models", "m3", "--set", "n_estimators=5")[0] == 0
        )
    listed = json.loads(run("models", "list", "--models", "m3", "--json")[1][0])
    assert [(m["name"], m["version"]) for m in listed if m["name"] == "many"] == [("many", 2)]
    for said in ((), ("--json",)):
        code, out, _ = run("models", "promote", "many@1", "--models", "m3", *said)
        assert (code, out) == (0, ['{"model": "many@1"}' if said else "many@1 is now the active version"])
    shown = json.loads(run("models", "show", "many", "--models", "m3", "--json")[1][0])
    assert shown["version"] == 1
    assert "reference" not in shown
    assert shown["run"] == str(place / "workspace" / "runs" / "many@1")
    assert run("models", "verify", "--models", "m3")[:2] == (0, ["every stored model is sound"])
    assert run("models", "delete", "many@1", "--models", "m3")[0] == 0
    part = next((place / "m3").rglob("2/detector.safetensors"))
    part.write_bytes(part.read_bytes()[:-1])
    code, _, said = run("models", "verify", "--models", "m3")
    assert code == 3
    assert len(said) == 1
    assert run("models", "delete", "many", "--models", "m3", "--json")[:2] == (0, ['{"model": "many"}'])


SCORE = ("score", "parts.csv", "--models", "m", "--output")
WRONG = {
    "no such file": (("check", "nowhere.csv"), 2, "there is no file 'nowhere.csv'"),
    "no such detector": (("train", "parts.csv", "--detector", "neighbors"), 2, "did you mean 'neighbours'"),
    "a template of no detector": (("init", "neighbors"), 2, "did you mean 'neighbours'"),
    "a template in no folder": (
        ("init", "neighbours", "--output", "nowhere/x.yaml"),
        2,
        "'nowhere/x.yaml' cannot be written",
    ),
    "no such hyperparameter": (
        ("train", "parts.csv", "--set", "n_tree=5"),
        2,
        "'n_tree' is not a hyperparameter",
    ),
    "a value out of range": (
        ("train", "parts.csv", "--set", "contamination=1"),
        2,
        "contamination must lie between",
    ),
    "no value": (
        ("train", "parts.csv", "--set", "contamination"),
        2,
        "--set needs KEY=VALUE, got 'contamination'",
    ),
    "a seed out of range": (("train", "parts.csv", "--seed", "-1"), 2, "random_state must lie between"),
    "no such label": (
        ("train", "parts.csv", "--label", "fraud"),
        2,
        "there is no column 'fraud'; the columns are",
    ),
    "a window of one": (("train", "series.csv", "--window", "1"), 2, "at least 2 readings, got 1"),
    "no such model": ((*SCORE, "o.csv", "--model", "part"), 2, "part"),
    "no such version": ((*SCORE, "o.csv", "--model", "parts@9"), 2, "has no version 9"),
    "another suffix": (
        (*SCORE, "o.doc", "--model", "parts"),
        2,
        "must end in .csv, .xlsx or .parquet, got 'o.doc'",
    ),
    "a tail too short": (
        (*SCORE, "o.csv", "--model", "parts", "--rule", "evt"),
        3,
        "an extreme-value tail needs 50 scores",
    ),
    "labels that are not there": (
        (*SCORE, "o.csv", "--model", "parts", "--rule", "cost", "--label", "x"),
        2,
        "there is no column 'x'",
    ),
    "a percentile over 100": (
        (*SCORE, "o.csv", "--model", "parts", "--percentile", "101"),
        2,
        "at most 100, got 101",
    ),
    "an option that needs a number": (
        ("check", "parts.csv", "--read", "header_row=²"),
        2,
        "--read header_row needs a whole number, got '²'",
    ),
    "an option that needs yes or no": (
        ("check", "parts.csv", "--read", "day_first=perhaps"),
        2,
        "--read day_first needs one of true, yes, 1, false, no, 0, got 'perhaps'",
    ),
    "a window for a table": (
        ("train", "parts.csv", "--window", "10"),
        2,
        "a window is for a series, and these rows are a table",
    ),
    "a series without a time": (
        ("train", "parts.csv", "--kind", "series", "--ignore", "made"),
        2,
        "a time series needs a column with the role time",
    ),
    "no such reading option": (
        ("check", "parts.csv", "--read", "colour=red"),
        2,
        "'colour' is not a reading option",
    ),
    "a wrong configuration": (("train", "parts.csv", "--config", "wrong.yaml"), 2, "scaling must be one of"),
    "promoting no version": (("models", "promote", "parts", "--models", "m"), 2, "such as parts@1"),
    "too few rows": (("train", "few.csv"), 3, "at least 10 rows, got 3"),
    "nothing to learn": (("train", "dull.csv"), 3, "no column is left to learn from"),
    "another table": (
        ("score", "few.csv", "--models", "m", "--output", "o.csv", "--model", "parts"),
        3,
        "does not fit the model",
    ),
    "an empty file": (("check", "empty.csv"), 3, "'empty.csv' is empty"),
    "a picture": (("check", "picture.csv"), 3, "picture.csv"),
}


@pytest.mark.parametrize(("arguments", "code", "words"), WRONG.values(), ids=WRONG)
def test_what_goes_wrong_is_one_sentence_and_an_exit_code(arguments, code, words, run, place, series):
    (place / "few.csv").write_text("x,y\n1,2\n3,4\n5,7\n")
    (place / "dull.csv").write_text("x,y\n" + "1,2\n" * 20)
    (place / "empty.csv").write_bytes(b"")
    (place / "picture.csv").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    (place / "wrong.yaml").write_text("scaling: robst\n")
    series.frame.to_csv(place / "series.csv", index=False)
    models = ("--models", "m4") if arguments[0] == "train" else ()
    found, out, said = run(*arguments, *models)
    assert (found, len(said)) == (code, 1)
    assert words in said[0]
    assert [line for line in out if not re.match(r"\[[1-3]/4\]", line)] == [], "steps, and no answer"
    assert not (place / "o.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "parts.csv", "--name", "a/b", "--models", "m4"), "a model's name must have only letters"),
        (("train", "parts.csv", "--detector", "magic", "--models", "m4"), "there is no detector 'magic'"),
        (("train", "parts.csv", "--set", "trees=5", "--models", "m4"), "'trees' is not a hyperparameter"),
        (("train", "parts.csv", "--config", "kind2.yaml", "--models", "m4"), "kind must be table or series"),
        ((*SCORE, "o.csv", "--model", "parts", "--percentile", "101"), "at most 100, got 101"),
        ((*SCORE, "o.csv", "--model", "parts", "--percentile", "nan"), "at least 0"),
        ((*SCORE, "o.csv", "--model", "parts", "--threshold", "inf"), "Anomaly score must be"),
        ((*SCORE, "o.csv", "--model", "parts", "--rule", "magic"), "there is no threshold rule 'magic'"),
        ((*SCORE, "o.csv", "--model", "parts", "--map", "pressure"), "--map needs KEY=VALUE"),
        ((*SCORE, "o.csv", "--model", "part"), "there is no model 'part'"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_before_the_file_is_read(
    arguments, words, run, place, monkeypatch
):
    (place / "kind2.yaml").write_text("kind: tabel\n")
    run("detectors")  # sets the scene; reading is what must not happen
    monkeypatch.setattr("engine.console.read", lambda *_, **__: pytest.fail("the file was read"))
    for module in ("commands", "training_commands"):
        monkeypatch.setattr(f"engine.{module}.read", lambda *_, **__: pytest.fail("the file was read"))
    code, out, said = run(*arguments)
    assert (code, out, len(said)) == (2, [], 1)
    assert words in said[0]


def test_a_wrong_command_in_a_process_of_its_own_has_no_traceback(tmp_path):
    done = loupe(tmp_path, "check", "nowhere.csv")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "loupe: there is no file 'nowhere.csv'\n")
    done = loupe(tmp_path, "detectors", "--colour")
    assert done.returncode == 2
    assert "unrecognized arguments: --colour" in done.stderr
