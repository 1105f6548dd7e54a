"""The line a model is born with: by the rule asked for, on reference scores; and where none can be drawn, said so."""

from dataclasses import replace

import numpy as np
import pytest

from engine.analysis import judge, train
from engine.cli import main
from engine.config import TrainConfig
from engine.config_template import template
from engine.data.roles import Roles
from engine.errors import UsageError
from engine.model import Model
from engine.scoring.rules import RULES, rule_from_text
from engine.scoring.thresholds import FixedValue
from engine.store import ModelStore
from tests.pages.prepared import pumps

ROWS = 1_500


@pytest.fixture(scope="module")
def frame():
    return pumps(ROWS)


def roles_of(frame, **changed):
    columns = dict.fromkeys(frame.columns, "feature") | {"pump_no": "id", "faulty": "label", "site": "ignore"}
    return Roles(columns | changed)


def trained(frame, rule=None, **changed):
    chosen = rule and rule_from_text(rule)
    return train(frame, roles_of(frame, **changed), hyperparameters={"n_estimators": 10}, rule=chosen)


@pytest.mark.parametrize("text", ["percentile=99", "evt=20", "mad=3", "budget=7", "fdr=0.1"])
def test_the_rule_draws_the_line_of_a_new_model_on_reference_scores(frame, text):
    model, rule = trained(frame, text), rule_from_text(text)
    card = model.card
    scores = model.score(frame).values
    assert (card.rule, card.default_rule) == (rule.as_dict(), rule)
    assert card.threshold == rule.threshold(card.reference_scores, scores, rows=card.independent_rows)
    assert model.detector.labels_.sum() == (scores > card.threshold).sum()
    assert any(note.startswith(f"threshold by the rule {text}") for note in card.notes)


def test_with_known_answers_the_line_is_chosen_on_half_of_them_and_stays_there(frame):
    model = trained(frame, "best_f1")
    flags = model.score(frame).values > model.card.threshold
    assert flags[-12:].sum() >= 10
    assert flags.sum() <= 20
    assert model.card.rule["kind"] == "best_f1"
    assert model.card.default_rule == FixedValue(model.card.threshold), "other data may have no answers"
    assert judge(np.zeros(3), model.card, model.card.default_rule).threshold == model.card.threshold


def test_a_rule_that_cannot_draw_leaves_the_usual_line_and_says_why(frame):
    few = trained(frame[:500], "evt=10")
    assert few.card.rule == {"kind": "contamination", "value": 0.05}
    assert any("evt=10 could not draw the threshold" in note for note in few.card.notes)
    halves = trained(frame[:-8], "cost=5")
    assert any("each half needs 5" in note for note in halves.card.notes)


def test_a_rule_that_needs_answers_is_refused_before_training_where_there_are_none(frame):
    with pytest.raises(
        UsageError, match="the rule 'cost' needs known answers; give one column the role label"
    ):
        trained(frame, "cost=5", faulty="ignore")


@pytest.mark.parametrize("rule", [kind(kind.usual) for kind in RULES.values()] + [FixedValue(1 / 3)])
def test_a_rule_written_as_text_is_read_again(rule):
    assert rule_from_text(rule.text) == rule


def test_yaml_and_options_name_the_rule_which_goes_before_the_expected_share(tmp_path):
    assert TrainConfig.from_dict({"threshold_rule": "evt=10"}).rule == rule_from_text("evt=10")
    assert "#threshold_rule: evt=10" in template("isolation_forest")
    with pytest.raises(UsageError, match="there is no threshold rule 'magic'"):
        TrainConfig.from_dict({"threshold_rule": "magic"})
    before = TrainConfig.from_dict({"threshold_rule": "mad=3", "threshold_percentile": 90})
    assert (before.rule, before.hyperparameters) == (rule_from_text("mad=3"), {"contamination": 0.1})
    taught = TrainConfig.from_dict({"labels": True})
    with pytest.raises(UsageError, match="Isolation Forest learns from no labels"):
        taught.check_together()
    with pytest.raises(UsageError, match="labels and classes both say"):
        replace(taught, classes="event").check_together()


def test_the_command_line_trains_with_the_rule_and_with_the_labels_given_in_loupe(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("LOUPE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    pumps(150).drop(columns="faulty").to_csv("pumps.csv", index=False)
    (tmp_path / "given.csv").write_text(
        "row,label\n" + "".join(f"{row},1\n" for row in range(141, 151)) + "3,0\n"
    )
    train = ["train", "pumps.csv", "--models", "m", "--run-dir", "runs"]
    knobs = [
        "recipe=spec",
        "max_epochs_pretrain=1",
        "max_epochs_finetune=1",
        "n_layers=1",
        "d_model=16",
        "n_heads=2",
    ]
    table = [*train, "--detector", "masked_table", *(part for knob in knobs for part in ("--set", knob))]
    assert main([*table, "--labels"]) == 3
    assert "no row is labelled an anomaly" in capsys.readouterr().err
    assert main(["labels", "import", "pumps.csv", "given.csv"]) == 0
    assert main([*table, "--labels", "--rule", "percentile=90"]) == 0
    said = capsys.readouterr().out
    assert "labels given in Loupe" in said
    assert "(percentile=90)" in said
    model = Model.load(ModelStore(tmp_path / "m"), "pumps")
    assert (model.card.labelled, model.card.rule) == (11, {"kind": "percentile", "value": 90.0})
    (frozen,) = (tmp_path / "workspace" / "labels").glob("*.json")
    assert frozen.stem in (tmp_path / "runs" / "pumps@1" / "run.json").read_text("utf-8"), "its lineage"
