"""Training with labels: frozen first, then on the road of a label column."""

import json
from dataclasses import replace

import numpy as np
import pytest

from engine import Label, current_labels, freeze_labels, give_labels
from engine.data.roles import as_binary
from engine.errors import DataError, StoreError, UsageError
from engine.labels.frozen import GIVEN, FrozenLabels, thawed_labels, with_labels
from engine.tasks import run_score, run_train
from tests.engine.checks import quick

LEAK, ODD, NORMAL = (
    Label(verdict="anomaly", class_name="leak"),
    Label(verdict="anomaly"),
    Label(verdict="normal"),
)


class Job:
    def __init__(self, directory):
        self.directory = directory

    def progress(self, fraction, message=""):
        pass

    def log(self, text):
        pass

    def record(self, **values):
        pass


def frozen(place, ledger, said, dataset=None):
    dataset = dataset or place.pumps
    give_labels(ledger, dataset, said, act="a", who="ada")
    labels = current_labels(ledger, dataset)
    return freeze_labels(place.space.frozen_labels, dataset.id, labels)


def test_frozen_labels_are_what_they_were_whatever_is_said_later(place, ledger):
    name = frozen(place, ledger, {3: NORMAL, 395: LEAK, 7: Label(verdict="unsure")})
    assert frozen(place, ledger, {3: NORMAL, 395: LEAK}) == name, "the same labels, the same name"
    ledger.withdraw("a", who="ada")
    given = thawed_labels(place.space.frozen_labels, name)
    assert given == FrozenLabels(
        dataset=place.pumps.id, rows=[3, 395], anomalies=[False, True], classes=["", "leak"]
    )


def test_without_an_anomaly_there_is_nothing_to_learn(place, ledger):
    with pytest.raises(DataError, match="no row is labelled an anomaly"):
        frozen(place, ledger, {3: NORMAL})


def test_frozen_labels_that_are_gone_or_damaged_are_named(place, ledger):
    folder = place.space.frozen_labels
    with pytest.raises(StoreError, match="no longer stored"):
        thawed_labels(folder, "0" * 64)
    with pytest.raises(StoreError, match="no longer stored"):
        thawed_labels(folder, "../../etc/passwd")
    name = frozen(place, ledger, {395: LEAK})
    path = folder / f"{name}.json"
    kept = path.read_bytes()
    path.write_text(json.dumps({**json.loads(kept), "rows": [1]}))
    with pytest.raises(StoreError, match="damaged"):
        thawed_labels(folder, name)
    path.write_bytes(kept)


def test_labels_become_the_label_column(place):
    frame, roles = place.pumps.frame(), place.pumps.roles
    given = FrozenLabels(dataset="d", rows=[3, 395], anomalies=[False, True], classes=["", ""])
    table, new = with_labels(frame, roles, given, beside=False, named=False)
    assert (new.label, new.columns["faulty"]) == (GIVEN, "ignore")
    answers = as_binary(table[GIVEN])[0]
    assert answers[[3, 395]].tolist() == [0.0, 1.0]
    assert np.isfinite(answers).sum() == 2
    both, _ = with_labels(
        frame, roles, replace(given, rows=[399, 0], anomalies=[False, True]), beside=True, named=False
    )
    answers = as_binary(both[GIVEN])[0]
    assert answers[[398, 399, 0, 1]].tolist() == [1.0, 0.0, 1.0, 0.0], "the column speaks for the rest"


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("rows", [[3, 390, 395], [390, 395, 398]])
def test_classes_stand_in_the_column_for_who_names_them_and_as_far_as_normal_rows_are_known(
    place, rows, named
):
    anomalies = [row != 3 for row in rows]
    given = FrozenLabels(
        dataset="d", rows=rows, anomalies=anomalies, classes=["leak" if row == 395 else "" for row in rows]
    )
    table, _ = with_labels(place.pumps.frame(), place.pumps.roles, given, beside=False, named=named)
    assert as_binary(table[GIVEN])[0][rows].tolist() == [float(odd) for odd in anomalies]
    assert (table[GIVEN] == "leak").any() == (named and 3 in rows)


def test_classes_join_those_of_the_own_column(place):
    given = FrozenLabels(
        dataset="d", rows=[0, 1, 399], anomalies=[True, True, False], classes=["leak", "", ""]
    )
    table, _ = with_labels(place.pumps.frame(), place.pumps.roles, given, beside=True, named=True)
    assert table[GIVEN].iloc[[0, 1, 2, 398, 399]].tolist() == ["leak", "1", "0", "1", "0"]


def test_a_detector_that_learns_from_labels_learns_from_these(place, ledger, tmp_path):
    name = frozen(place, ledger, dict.fromkeys([150, 151, 300], ODD), place.rhythm)
    spec = {
        "workspace": str(place.space.root),
        "models": str(place.space.models_root),
        "dataset": place.rhythm.id,
        "detector": "masked_series",
        "hyperparameters": {"num_epochs": 1, "d_model": 8, "nhead": 1, "num_encoder_layers": 1},
        "name": "taught",
        "labels": name,
    }
    done = run_train(spec, Job(tmp_path))
    card = place.space.models.card(done["model"])
    assert card["labelled"] == 3
    assert any("learned from 3 anomalies" in note for note in card["notes"])
    found = place.space.results.load(done["result"])
    assert GIVEN not in found.worst.columns, "the result shows the data as they were brought"
    later = {key: spec[key] for key in ("workspace", "models", "dataset")} | {"model": done["model"]}
    assert run_score(later, Job(tmp_path))["result"] == done["result"], "it needs no labels to judge"
    with pytest.raises(UsageError, match="learns from no labels"):
        run_train({**spec, "detector": "isolation_forest", "hyperparameters": {}}, Job(tmp_path))


def test_a_detector_that_names_classes_learns_those_given_here(place, ledger, tmp_path):
    said = dict.fromkeys(range(388, 400), LEAK) | dict.fromkeys(range(40), NORMAL)
    spec = {
        "workspace": str(place.space.root),
        "models": str(place.space.models_root),
        "dataset": place.pumps.id,
        "detector": "masked_table",
        "hyperparameters": quick("masked_table"),
        "name": "classes",
        "labels": frozen(place, ledger, said),
    }
    card = place.space.models.card(run_train(spec, Job(tmp_path))["model"])
    assert card["classes"]["names"] == ["leak", "normal"]
    assert card["labelled"] == 52
