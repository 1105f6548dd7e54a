"""A model beside plain baselines: measured on what was held out, kept on the card, and told as it is."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.comparing import ENERGY, MEDIAN, Trial
from engine.data.injection import HeldOut
from engine.data.roles import Roles
from engine.data.synthetic.waves import waves
from engine.detectors import NearestWindows
from engine.errors import StoreError
from engine.model import Card, Model
from engine.scoring.comparison import Comparison, Figures
from engine.store import ModelStore
from engine.summary import comparison_text

ROLES = Roles({"t": "time", "a": "feature"}, "series")
SMALL = {"num_epochs": 1, "d_model": 8, "nhead": 2, "num_encoder_layers": 1, "num_teacher_decoder_layers": 1}


def hum(n=1_000):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"t": np.arange(n), "a": np.sin(np.arange(n) / 4) + 0.1 * rng.normal(size=n)})


def figures(vus_pr):
    return Figures(average_precision=0.5, roc_auc=0.9, vus_pr=vus_pr)


def compared(**changes):
    found = Comparison(
        model="Ours",
        figures={"Ours": figures(0.6), "Energy": figures(0.4), "Median": figures(0.5)},
        readings=1_000,
        anomalous=100,
        library=1,
        unseen=True,
    )
    return replace(found, **changes)


@pytest.fixture(scope="module")
def nearest():
    return train(hum(), ROLES, "nearest_windows")


# ---- what is measured


def test_a_series_is_compared_with_every_baseline(nearest):
    found = nearest.card.comparison
    assert list(found.figures) == [NearestWindows.title, ENERGY, MEDIAN]
    assert found.unseen
    assert found.readings == 1_000  # 200 held out, in five copies
    assert 0 < found.anomalous < 0.3 * found.readings


@pytest.mark.slow
def test_detectors_of_rows_are_compared_as_well():
    found = train(hum(), ROLES, "isolation_forest").card.comparison
    assert list(found.figures) == ["Isolation Forest", NearestWindows.title, ENERGY, MEDIAN]
    assert all(told.roc_auc > 0.5 for told in found.figures.values())


@pytest.mark.slow
def test_what_takes_long_is_not_learned_twice_and_says_so(monkeypatch):
    monkeypatch.setattr(Trial, "learned", only(Trial.learned, NearestWindows))
    found = train(hum(), ROLES, "masked_series", SMALL).card.comparison
    assert not found.unseen
    assert "which had learned from them" in found.origin


def only(learned, kind):
    """``learned`` for one kind of detector alone."""

    def guarded(self, learner, *more):
        assert type(learner) is kind
        return learned(self, learner, *more)

    return guarded


def test_what_judges_had_not_seen_what_was_held_out(monkeypatch):
    seen = []

    def watched(self, X, *args, **kwargs):
        seen.append(len(X))
        return fit(self, X, *args, **kwargs)

    fit = NearestWindows.fit
    monkeypatch.setattr(NearestWindows, "fit", watched)
    train(hum(), ROLES, "nearest_windows")
    assert seen == [1_000, 800, 800]  # the model, its twin, and the baseline


def test_a_table_a_short_series_and_one_without_numbers_are_not_compared(model_of, table, series):
    assert model_of("isolation_forest", table).card.comparison is None
    assert model_of("nearest_windows", series).card.comparison is None
    switches = pd.DataFrame({"t": np.arange(900), "a": np.arange(900) % 3 == 0})
    assert Trial.of(switches, ROLES) is None


def test_known_anomalies_count_neither_as_normal_nor_as_injected():
    frame = hum().assign(label=0)
    frame.loc[900:919, "label"] = 1
    trial = Trial.of(frame, Roles({**ROLES.columns, "label": "label"}, "series"))
    known = np.isin(trial.held_out.shown, np.arange(900, 920))
    assert all(np.isnan(copy.labels[known]).all() for copy in trial.copies)


def test_shuffled_rows_are_compared_to_the_same_digit(nearest):
    again = train(hum().sample(frac=1, random_state=3), ROLES, "nearest_windows")
    assert again.card.injected == nearest.card.injected


def test_nothing_is_said_where_nothing_could_be_measured(monkeypatch):
    def nothing(self, frame, channels, rng):
        return frame.iloc[self.shown].reset_index(drop=True), np.zeros(len(self.shown))

    monkeypatch.setattr(HeldOut, "injected", nothing)
    assert train(hum(), ROLES, "nearest_windows").card.comparison is None


def test_many_short_windows_are_compared_on_windows_nobody_learned_from():
    frame = waves(40, anomalies=0.0).table()[["window", "t", "value"]]
    roles = Roles({"window": "entity", "t": "time", "value": "feature"}, "series")
    found = train(frame, roles, "nearest_windows").card.comparison
    assert found.readings == 8 * 100 * 4
    assert found.figures[NearestWindows.title].roc_auc > 0.6


# ---- what is kept, and what is said


def test_the_card_keeps_it_and_an_older_card_has_none(nearest, tmp_path):
    store = ModelStore(tmp_path)
    card = replace(nearest, card=replace(nearest.card, name="hum")).save(store)
    assert Model.load(store, "hum").card.comparison == nearest.card.comparison
    older = {key: value for key, value in store.card(card.id).items() if key not in ("injected", "labelled")}
    assert Card.from_dict(older).comparison is None
    assert comparison_text(Card.from_dict(older)) == ""


@pytest.mark.parametrize(
    "change",
    [
        {"model": "nobody"},
        {"figures": {"Ours": {"average_precision": 0.5, "roc_auc": 0.5, "vus_pr": 0.5}}},
        {"figures": {"Ours": {"average_precision": 7}}},
        {"figures": []},
        {"readings": "many"},
        {"unseen": 1},
    ],
)
def test_a_damaged_comparison_is_refused_in_words(change, nearest):
    values = {**json.loads(json.dumps(compared().as_dict())), **change}
    with pytest.raises(StoreError, match="comparison on injected anomalies is damaged"):
        Comparison.from_dict(values)
    with pytest.raises(StoreError, match="card of model"):
        Card.from_dict({**vars(nearest.card), "injected": values})


def test_what_was_kept_is_read_back():
    assert Comparison.from_dict(json.loads(json.dumps(compared().as_dict()))) == compared()


def test_a_model_that_beats_the_baselines_needs_no_word():
    assert (compared().beaten, compared().warning) == (False, "")


@pytest.mark.parametrize("best", [0.6, 0.7])
def test_a_model_that_does_not_beat_a_baseline_says_which(best):
    found = compared(figures={"Ours": figures(0.6), "Energy": figures(best), "Median": figures(0.1)})
    assert found.warning == (
        f"On injected anomalies Ours does not beat a baseline: VUS-PR 0.600, and {best:.3f} for Energy"
    )


def test_the_summary_shows_the_best_first(nearest):
    card = replace(nearest.card, injected=compared().as_dict())
    lines = comparison_text(card).splitlines()
    assert lines[1] == "Injected Anomalies"
    assert [line.split()[0] for line in lines[3:6]] == ["Ours", "Median", "Energy"]
    assert "1,000 held-out readings, 100 of them disturbed on purpose" in " ".join(lines)
    assert max(map(len, lines)) <= 100
