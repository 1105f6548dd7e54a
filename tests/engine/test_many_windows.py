"""A table of many short windows is a data set, and the anomalies labelled in it may be learned from."""

import json

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.cli import main
from engine.data.roles import Roles
from engine.data.synthetic.waves import LENGTH, waves
from engine.detectors import MaskedSeries
from engine.errors import DataError, UsageError
from engine.model import Model
from engine.store import ModelStore

ROLES = Roles(
    {"window": "entity", "t": "time", "value": "feature", "label": "label", "anomaly_type": "ignore"},
    "series",
)
SMALL = {"num_epochs": 1, "d_model": 8, "nhead": 2, "num_encoder_layers": 1, "num_teacher_decoder_layers": 1}
WINDOWS = 40


@pytest.fixture(scope="module")
def frame():
    return waves(WINDOWS, part="train", anomalies=0.1).table()


@pytest.fixture
def told(monkeypatch):
    """What the network was fitted with, and nothing more: readings, and which of them were labelled."""
    calls = []
    fit = MaskedSeries.fit

    def listening(self, X, *args, labelled=None, **more):
        calls.append((X, labelled))
        return fit(self, X, *args, labelled=labelled, **more)

    monkeypatch.setattr(MaskedSeries, "fit", listening)
    return calls


@pytest.mark.slow
@pytest.mark.parametrize("detector", ["nearest_windows", "masked_series"])
def test_every_window_of_a_file_is_judged_by_itself(detector, tmp_path, capsys):
    for part, name in (("train", "known.csv"), ("test", "new.csv")):
        asked = ["--part", part, "--windows", str(WINDOWS), "--output", str(tmp_path / name)]
        assert main(["generate", "waves", *asked]) == 0
    small = [f"--set={name}={value}" for name, value in SMALL.items()] if detector == "masked_series" else []
    columns = ["--entity", "window", "--time", "t", "--label", "label"]
    places = ["--models", str(tmp_path / "m"), "--run-dir", str(tmp_path / "r")]
    capsys.readouterr()
    asked = ["--detector", detector, "--name", "waves", *columns, *small, *places, "--json"]
    assert main(["train", str(tmp_path / "known.csv"), *asked]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["judged"] == facts["rows"] == WINDOWS * LENGTH
    assert facts["features"] == 1
    assert len(facts["injected"]["figures"]) in (3, 4)

    model = Model.load(ModelStore(tmp_path / "m"), "waves")
    new = pd.read_csv(tmp_path / "new.csv")
    scores = model.score(new).values
    assert np.isfinite(scores).all()
    one = model.score(new[new["window"] == 7]).values
    np.testing.assert_allclose(one, scores[new["window"] == 7], rtol=1e-4)


@pytest.mark.slow
def test_labelled_anomalies_are_learned_from_where_that_is_asked(frame, told):
    shuffled = frame.sample(frac=1, random_state=0)
    card = train(shuffled, ROLES, "masked_series", SMALL, learn_from_label=True).card
    (X, labelled), known = told[0], frame["label"] == 1
    assert labelled.sum() == known.sum() == card.labelled
    values = frame["value"][known].to_numpy()  # by window and time, as readings are
    assert np.corrcoef(X[labelled, 0], values)[0, 1] == pytest.approx(1.0)
    assert f"learned from {known.sum():,} anomalies labelled in 'label'" in " ".join(card.notes)


@pytest.mark.slow
def test_labels_only_measure_unless_asked(frame, told):
    card = train(frame, ROLES, "masked_series", SMALL).card
    assert [labelled for _, labelled in told] == [None]
    assert card.labelled == 0


def test_a_detector_that_learns_from_no_labels_says_so(frame):
    with pytest.raises(UsageError, match="Nearest Windows learns from no labels"):
        train(frame, ROLES, "nearest_windows", learn_from_label=True)


def test_without_a_label_there_is_nothing_to_learn_from(frame):
    roles = Roles({**ROLES.columns, "label": "ignore"}, "series")
    with pytest.raises(UsageError, match="one column must have the role label"):
        train(frame, roles, "masked_series", SMALL, learn_from_label=True)


def test_a_label_without_an_anomaly_is_refused(frame):
    with pytest.raises(DataError, match="'label' names no anomaly to learn from"):
        train(frame.assign(label=0), ROLES, "masked_series", SMALL, learn_from_label=True)


@pytest.mark.slow
def test_the_command_line_says_that_labels_were_learned_from(frame, tmp_path, capsys):
    frame.to_csv(tmp_path / "waves.csv", index=False)
    small = [f"--set={name}={value}" for name, value in SMALL.items()]
    places = ["--models", str(tmp_path / "m"), "--run-dir", str(tmp_path / "r")]
    asked = ["--detector", "masked_series", "--learn-from-label", *small, *places]
    assert main(["train", str(tmp_path / "waves.csv"), *asked]) == 0
    said = " ".join(capsys.readouterr().out.split())
    known = int((frame["label"] == 1).sum())
    assert f"by 'label', of which {known} anomalies were learned from" in said
    assert "Injected Anomalies" in said
    run = json.loads((tmp_path / "r" / "waves@1" / "run.json").read_text("utf-8"))
    assert run["config"]["given"]["learn_from_label"] is True
    assert run["injected"]["model"] == "Masked Series"
