"""Classes of rows where people see them: among flagged rows, on a row, evaluated, and in two stages or one."""

import json
from dataclasses import asdict

import numpy as np
import pytest

from engine.class_evaluation import CURVE, EVALUATION, STAGES, ClassEvaluation
from engine.named_classes import NamedClasses
from engine.stages import plain_contestants
from tests.pages.conftest import charts, sound, texts, titles, turn_to
from tests.pages.prepared import FAULTY, PUMPS_ROWS, pumps
from ui import server

NAMES = ("leak", "normal")


@pytest.fixture
def named(addresses, space):
    """The address of a result whose model names classes, learned from these very rows."""
    address = addresses["pumps"]
    odd = np.arange(PUMPS_ROWS) >= PUMPS_ROWS - FAULTY
    share = np.where(odd, 0.9, 0.2)
    share[-1] = 0.55
    told = np.where(odd, "leak", np.where(np.arange(PUMPS_ROWS) % 2 == 0, "normal", "")).astype(object)
    severity = np.asarray(space.results.load(address["result"]).severity).copy()
    severity[-1] = 100.0
    classes = NamedClasses.of(NAMES, np.c_[share, 1 - share], severity, told, "event")
    (folder,) = [entry for entry in (space.root / "results" / address["result"]).iterdir() if entry.is_dir()]
    classes.save(folder)
    return address


def measured():
    """What a job may have kept, of plain classifiers alone."""
    frame = pumps()[["flow", "heat"]]
    truth = np.where(pumps()["faulty"] == 1, "leak", "normal").astype(object)
    part = np.arange(PUMPS_ROWS) % 2 == 0
    told = [
        each.as_dict() for each in plain_contestants(frame[part], truth[part], frame[~part], truth[~part])
    ]
    own = told[0] | {"title": "Masked Table", "temperature": 1.4}
    own["before"] = {name: own[name] for name in ("reliability", "calibration_error")}
    return ClassEvaluation(column="event", learned=200, held_out=200, contestants=[own, *told])


def test_flagged_rows_show_their_class_and_are_listed_by_it(open_page, named):
    at = open_page("results", **named)
    table = next(found.value for found in at.dataframe if "Class" in found.value)
    assert "leak (90 %)" in set(table["Class"])
    assert "What the flagged rows are" in titles(at)
    assert f"Of all rows judged: {PUMPS_ROWS - FAULTY} normal, 11 leak" in texts(at)
    pills = next(found for found in at.get("button_group") if found.key == f"classes-{named['result']}")
    sound(pills.set_value(["leak"]).run())
    table = next(found.value for found in at.dataframe if "Class" in found.value)
    assert set(table["Class"]) == {"leak (90 %)"}
    turn_to(at, "inspect")
    at.number_input(key="row-number").set_value(PUMPS_ROWS - 1)
    sound(at.run())
    assert "Most likely **leak**, with a probability of **90 %**" in texts(at)
    assert "the model was told of this row, in 'event': leak" in texts(at)
    at.number_input(key="row-number").set_value(PUMPS_ROWS)
    sound(at.run())
    assert "This row is **unlike any known class**" in texts(at)
    assert "the nearest, leak, has a probability of 55 %" in texts(at)


def test_what_was_measured_is_shown_and_what_was_not_is_offered(open_page, named, space):
    space.results.keep_beside(named["result"], EVALUATION, measured().as_json())
    at = open_page("evaluate", **named)
    assert "Everything here is measured on these rows alone" in texts(at)
    beside = next(found.value for found in at.dataframe if "Macro-F1" in found.value)
    assert list(beside["Learned by"]) == ["Masked Table", "HistGradientBoosting", "logistic regression"]
    lines = next(found.value for found in at.dataframe if "Rows held out" in found.value)
    assert list(lines["Class"]) == list(NAMES)
    assert {"Precision", "Recall", "F1", "Average precision", "F1, HistGradientBoosting"} <= set(lines)
    before = charts(at)
    assert at.button(key=f"learning_curve-{named['result']}").label == "Draw the learning curve"
    space.results.keep_beside(
        named["result"],
        CURVE,
        json.dumps([asdict(measured()), asdict(measured()) | {"learned": 20}]).encode(),
    )
    sound(at.run())
    assert charts(at) == before + 1


def test_two_stages_are_compared_by_a_job_and_shown_beside_one(open_page, named, space):
    at = open_page("compare", data=named["data"])
    sound(at.button(key=f"stages-{named['result']}").click().run())
    (job,) = [job for job in server.jobs().jobs() if job.kind == "stages"]
    assert server.jobs().spec(job.id)["result"] == named["result"]
    server.jobs().cancel(job.id)
    kept = measured()
    losses = [
        {"epoch": n, "stage": s, "train_loss": 1 / n, "validation_loss": 2 / n}
        for s in (1, 2)
        for n in (1, 2)
    ]
    two = kept.contestants[0] | {"title": "two stages", "history": losses}
    one = kept.contestants[0] | {"title": "one stage", "history": losses[2:]}
    both = ClassEvaluation(
        column="event", learned=200, held_out=200, contestants=[two, one, *kept.contestants[1:]]
    )
    space.results.keep_beside(named["result"], STAGES, both.as_json())
    at = open_page("compare", data=named["data"])
    assert "Both come to the same macro-F1" in texts(at)
    beside = next(found.value for found in at.dataframe if "Macro-F1" in found.value)
    assert list(beside["Learned by"])[:2] == ["two stages", "one stage"]
    assert {"Accuracy", "Mean average precision", "Seconds"} <= set(beside)
    assert "one stage: names classes" in texts(at)
