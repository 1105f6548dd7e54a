"""The program chooses: by the shape of a table, and of a series by what ranks injected anomalies best."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine import choosing
from engine.analysis import train
from engine.choosing import MARGIN, READINGS_FOR_A_NETWORK, choose
from engine.data.roles import Roles
from engine.detectors import AUTO, MaskedSeries, NearestWindows, recommended
from engine.errors import DataError, UsageError
from engine.scoring.comparison import Comparison, Figures

ROLES = Roles({"t": "time", "a": "feature"}, "series")


def hum(n):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"t": np.arange(n), "a": np.sin(np.arange(n) / 4) + 0.1 * rng.normal(size=n)})


def came_out(kind, vus_pr):
    """A comparison that a detector of some kind ended with."""
    told = Figures(average_precision=0.5, roc_auc=0.9, vus_pr=vus_pr)
    figures = {kind.title: told, "Energy": replace(told, vus_pr=0.1)}
    return Comparison(model=kind.title, figures=figures, readings=900, anomalous=90, library=1, unseen=True)


@pytest.fixture
def tried(monkeypatch):
    """Let the candidates end with some VUS-PR, without training them; None: it could not learn."""

    def tried(nearest, masked):
        ends = {NearestWindows: nearest, MaskedSeries: masked}
        found = {kind.name: came_out(kind, end) for kind, end in ends.items() if end is not None}
        monkeypatch.setattr(choosing, "_tried", lambda *args: found)

    return tried


def test_of_a_table_the_shape_decides(table):
    choice = choose(table.frame, table.roles, {})
    advice = recommended(len(table.frame), len(table.roles.features), "table")
    assert (choice.detector, choice.comparison) == (advice.detector, None)
    assert advice.why in choice.why


@pytest.mark.parametrize("n", [150, 1_000, READINGS_FOR_A_NETWORK - 1])
def test_a_short_series_needs_no_trial(n, monkeypatch):
    monkeypatch.setattr(choosing, "_tried", lambda *args: pytest.fail("nothing is to be tried"))
    choice = choose(hum(n), ROLES, {})
    assert choice.detector == recommended(n, 1, "series").detector
    assert choice.comparison is None


@pytest.mark.parametrize(
    ("nearest", "masked", "chosen"),
    [
        (0.4, 0.41 + MARGIN, MaskedSeries),
        (0.4, 0.39 + MARGIN, NearestWindows),
        (0.5, 0.4, NearestWindows),
        (0.4, None, NearestWindows),
        (None, 0.4, MaskedSeries),
    ],
)
def test_of_a_long_series_the_better_is_taken_and_the_slower_must_be_clearly_better(
    tried, nearest, masked, chosen
):
    tried(nearest, masked)
    choice = choose(hum(READINGS_FOR_A_NETWORK), ROLES, {})
    assert choice.detector == chosen.name
    assert choice.comparison.model == chosen.title
    assert choice.why.startswith(f"{chosen.title} was chosen: ")


def test_the_reason_names_both_figures(tried):
    tried(0.4, 0.6)
    why = choose(hum(READINGS_FOR_A_NETWORK), ROLES, {}).why
    assert "its VUS-PR is 0.600, that of Nearest Windows 0.400" in why
    tried(0.4, 0.41)
    why = choose(hum(READINGS_FOR_A_NETWORK), ROLES, {}).why
    assert why.endswith("is 0.400, that of Masked Series 0.410, too little more to be worth its time")


def test_no_label_sways_the_choice(monkeypatch):
    shown = []
    monkeypatch.setattr(choosing, "_tried", lambda trial, *more: shown.append(trial) or {})
    frame = hum(READINGS_FOR_A_NETWORK)
    choose(frame, ROLES, {})
    labelled = Roles({**ROLES.columns, "fault": "label"}, "series")
    choose(frame.assign(fault=np.arange(len(frame)) % 2), labelled, {})
    plain, known = shown
    for one, other in zip(plain.copies, known.copies, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)


def test_a_series_that_nobody_can_learn_from_falls_to_the_quick_one(tried):
    tried(None, None)
    assert choose(hum(READINGS_FOR_A_NETWORK), ROLES, {}).detector == NearestWindows.name


@pytest.mark.slow
def test_the_candidates_are_tried_on_readings_they_have_not_seen(monkeypatch):
    monkeypatch.setattr(choosing, "CANDIDATES", (NearestWindows, Hurried))
    choice = choose(hum(READINGS_FOR_A_NETWORK), ROLES, {"contamination": 0.02})
    assert choice.detector in (NearestWindows.name, MaskedSeries.name)
    assert choice.comparison.unseen
    assert choice.comparison.readings > 0


class Hurried(MaskedSeries):
    """Learns just enough."""

    def __init__(self, **hyperparameters):
        super().__init__(num_epochs=1, d_model=8, nhead=2, **hyperparameters)


def test_the_model_is_that_of_the_chosen_detector_and_says_why(tried):
    tried(0.4, 0.3)
    model = train(hum(READINGS_FOR_A_NETWORK), ROLES, AUTO, {"contamination": 0.02})
    assert model.card.detector == "nearest_windows"
    assert model.card.hyperparameters["contamination"] == 0.02
    assert model.card.notes[0].startswith("Nearest Windows was chosen")
    assert model.card.comparison == came_out(NearestWindows, 0.4)


def test_a_table_is_trained_by_what_suits_it(table):
    model = train(table.frame, table.roles, AUTO)
    assert model.card.detector == recommended(300, 8, "table").detector


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        (
            {"hyperparameters": {"num_epochs": 3}},
            "'num_epochs' cannot be set while the detector is chosen for you",
        ),
        ({"window": 20}, "a window is for one detector"),
        ({"learn_from_label": True}, "learning from labels is for one detector"),
    ],
)
def test_what_belongs_to_one_detector_is_refused(choices, said):
    with pytest.raises(UsageError, match=said):
        train(hum(300), ROLES, AUTO, **choices)


def test_a_candidate_that_cannot_learn_is_passed_over(monkeypatch):
    def refuse(self, *args, **more):
        raise DataError("too little")

    monkeypatch.setattr(MaskedSeries, "fit", refuse)
    choice = choose(hum(READINGS_FOR_A_NETWORK), ROLES, {})
    assert choice.detector == NearestWindows.name
    assert choice.comparison.model == NearestWindows.title
