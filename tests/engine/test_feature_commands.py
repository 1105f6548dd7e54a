"""`features vibration` as a person uses it: from raw snapshots to a model of the baseline and a scored table."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from engine.cli import main
from engine.data.synthetic import raw_snapshots
from engine.data.vibration import Settings, declared
from engine.model import Model
from engine.store import ModelStore

BEARING = ("--bearing", "16,0.331,2.815,15.17", "--rpm", "2000")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with 40 raw snapshots of the last four weeks' end, one of every 45."""
    folder = tmp_path_factory.mktemp("features")
    raw_snapshots(folder / "run", count=40, every=45)
    return folder


@pytest.fixture
def run(place, monkeypatch, capsys):
    """Run a command: exit code, stdout, stderr without progress."""

    def running(*arguments):
        monkeypatch.chdir(place)
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out, "\n".join(line for line in told.err.splitlines() if " %  " not in line)

    return running


@pytest.fixture
def vibration(run):
    return lambda *arguments: run("features", "vibration", *arguments)


def test_snapshots_become_a_model_of_the_baseline_that_flags_the_failing_bearing(run, vibration, place):
    code, out, err = vibration("run", "--rate", 20_000, *BEARING, "--baseline", 20, "--output", "f.parquet")
    assert (code, err) == (0, "")
    assert (
        "40 rows, 36 features of each of 4 channels (ch1, ch2, ch3, ch4) sampled at 20000 Hz -> f.parquet"
        in out
    )
    assert "python -m engine train f.parquet --kind table --first 20" in out
    train = (
        "train",
        "f.parquet",
        "--kind",
        "table",
        "--first",
        20,
        "--detector",
        "neighbours",
        "--models",
        "m",
    )
    code, out, err = run(*train, "--name", "run")
    assert (code, "note: learned from the first 20 rows" in err) == (0, True)
    card = Model.load(ModelStore(place / "m"), "run").card
    assert card.rows == 20
    assert len(card.features) > 120
    assert all(name.startswith(("ch1_", "ch2_", "ch3_", "ch4_")) for name in card.features)
    assert run("score", "f.parquet", "--model", "run", "--models", "m", "--output", "s.csv")[0] == 0
    scored = pd.read_csv(place / "s.csv")
    assert len(scored) == 40
    assert scored["is_anomaly"].tail(8).all(), "two days before the failure"
    assert scored["is_anomaly"].head(20).sum() <= 2
    assert scored["reasons"].iloc[-1].startswith("ch3_"), "of bearing 3"


def test_a_csv_holds_the_same_table_as_a_parquet_file(vibration, place):
    for name in ("same.csv", "same.parquet"):
        code, _, _ = vibration("run", "--rate", 20_000, "--window", 1024, "--hop", 512, "--output", name)
        assert code == 0
    csv = pd.read_csv(place / "same.csv", parse_dates=["time"])
    assert len(csv) == 40 * 3
    pd.testing.assert_frame_equal(csv, pd.read_parquet(place / "same.parquet"), check_dtype=False)


def test_one_long_table_is_cut_into_windows_and_its_times_give_the_rate(vibration, place):
    rng = np.random.default_rng(0)
    stamps = pd.Timestamp("2024-05-06") + pd.to_timedelta(np.arange(4_000), unit="ms")
    frame = pd.DataFrame({"stamp": stamps, "x": rng.normal(size=4_000), "y": rng.normal(size=4_000)})
    frame.loc[1_200, "y"] = np.nan
    frame.to_csv(place / "long.csv", index=False)
    code, out, err = vibration("long.csv", "--window", 500, "--output", "long_features.csv")
    assert (code, "8 rows, 24 features of each of 2 channels (x, y) sampled at 1000 Hz" in out) == (0, True)
    assert "note: 'y' has no features in 1 of 8 rows: samples are missing" in err
    found = pd.read_csv(place / "long_features.csv")
    assert "x_band_0_125hz_energy" in found.columns, "a quarter of half of 1,000 samples a second"
    assert found["y_rms"].isna().tolist() == [False, False, True] + [False] * 5


def test_the_list_names_every_feature_with_its_formula_and_unit(vibration):
    code, out, _ = vibration("--list", "--rate", 1_000, "--fault", "gear=31.5", "--band", "5,80")
    assert code == 0
    lines = out.splitlines()[1:]
    measures = declared(Settings(rate=1_000, bands=((5, 80),), faults={"gear": 31.5}))
    assert [line.split()[0] for line in lines] == [measure.name for measure in measures]
    for line, measure in zip(lines, measures, strict=True):
        assert measure.formula in line
        assert line.split()[1] == measure.unit
    assert "NAME_1x to NAME_3x" in vibration("--list")[1]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ((), 2, "the folder or file is missing"),
        (("run",), 2, "--output FILE is missing"),
        (("run", "--output", "f.xlsx"), 2, "must end in .csv or .parquet, got 'f.xlsx'"),
        (("nowhere", "--output", "f.csv"), 2, "there is no file or folder 'nowhere'"),
        (("run", "--output", "f.csv"), 2, "snapshots do not say how fast they were sampled; give --rate HZ"),
        (
            ("run", "--rate", 9, "--time", "t", "--output", "f.csv"),
            2,
            "--time names a column of one long table",
        ),
        (("run", "--rate", 9, "--bearing", "1,2,3,4", "--output", "f.csv"), 2, "--bearing and --rpm belong"),
        (
            ("run", "--rate", 9, "--bearing", "1,2", "--rpm", 9, "--output", "f.csv"),
            2,
            "BALLS,BALL_D,PITCH_D",
        ),
        (("run", "--rate", 9, "--fault", "x=fast", "--output", "f.csv"), 2, "--fault x needs HZ, got 'fast'"),
        (("run", "--rate", 9, "--fault", "x", "--output", "f.csv"), 2, "--fault needs KEY=VALUE, got 'x'"),
        (("run", "--rate", 9, "--hop", 5, "--output", "f.csv"), 2, "so it needs --window N"),
        (("run", "--rate", 9, "--baseline", 99, "--output", "f.csv"), 2, "must be 1 to 40 snapshots, got 99"),
        (("empty", "--rate", 9, "--output", "f.csv"), 3, "'empty' holds no files"),
        (("one.csv", "--rate", 9, "--output", "f.csv"), 2, "say how many samples each has: --window N"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence_and_an_exit_code(vibration, place, arguments, code, words):
    (place / "empty").mkdir(exist_ok=True)
    (place / "one.csv").write_text("x,y\n" + "1.5,2\n2.5,1\n" * 20)
    found, out, err = vibration(*arguments)
    assert (found, out) == (code, "")
    assert words in err
    assert not (place / "f.csv").exists()
