"""The stored models for a data set, the best first, and what is said of the one everybody is to use."""

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.data.fingerprint import Fingerprint
from engine.data.roles import Roles
from engine.model import load_fingerprint
from engine.offers import moved_at_a_glance, offers_for
from engine.workspace import Workspace


def rows(seed=0, **more) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"flow": rng.normal(50, 2, 80), "heat": rng.normal(7, 1, 80), "site": rng.choice(["A", "B"], 80)}
        | more
    )


@pytest.fixture
def space(tmp_path):
    return Workspace(tmp_path / "workspace", tmp_path / "models")


@pytest.fixture
def bring(space, tmp_path):
    """A table as a data set of the workspace."""

    def bring(frame):
        frame.to_csv(tmp_path / "rows.csv", index=False)
        data = space.datasets.add(tmp_path / "rows.csv", "rows.csv")
        return space.datasets.set_roles(data, Roles(dict.fromkeys(frame.columns, "feature")))

    return bring


@pytest.fixture
def learn(space):
    """Train on a table and keep the model."""

    def learn(name, frame, **more):
        model = train(
            frame,
            Roles(dict.fromkeys(frame.columns, "feature")),
            "isolation_forest",
            {"n_estimators": 3},
            name=name,
            **more,
        )
        return model.save(space.models)

    return learn


def offered(space, data, wanted=""):
    """The user's own models that are offered, in order, and what is said of the wanted one."""
    found, problem = offers_for(
        space.models, data, printed=lambda model: load_fingerprint(space.models, model), wanted=wanted
    )
    return [offer for offer in found if not offer.card.shipped], problem


def names(found):
    return [offer.card.name for offer in found]


def test_fitting_models_come_before_mappable_ones_and_those_before_strangers(space, bring, learn):
    frame = rows()
    learn("stranger", frame.rename(columns={"flow": "x", "heat": "y", "site": "z"}))
    learn("fits", frame)
    learn("renamed", frame.rename(columns={"heat": "Heat "}))
    found, problem = offered(space, bring(frame))
    assert names(found) == ["fits", "renamed", "stranger"]
    assert [(o.fit.fits, o.mappable) for o in found] == [(True, True), (False, True), (False, False)]
    assert problem == ""


def test_a_model_that_looks_at_more_of_the_columns_comes_first(space, bring, learn):
    frame = rows()
    learn("all", frame)
    learn("some", frame[["flow", "heat"]])
    found, _ = offered(space, bring(frame))
    assert [(o.card.name, o.extra) for o in found] == [("all", 0), ("some", 1)]


def test_columns_nobody_should_look_at_do_not_count_as_left_aside(space, bring, learn):
    frame = rows()
    data = bring(frame.assign(order_no=range(80)))
    data = space.datasets.set_roles(data, Roles({**data.roles.columns, "order_no": "id"}))
    learn("all", frame)
    assert offered(space, data)[0][0].extra == 0


def test_the_model_of_this_very_data_comes_first_then_those_that_have_not_drifted_then_the_newest(
    space, bring, learn
):
    frame = rows()
    data = bring(frame)
    learn("same", frame, dataset_hash=data.sha256)
    learn("old", rows(1))
    learn("new", rows(2))
    learn("drifted", rows(3, heat=np.random.default_rng(3).normal(70, 1, 80)))
    found, _ = offered(space, data)
    assert names(found) == ["same", "new", "old", "drifted"]
    assert [o.learned for o in found] == [True, False, False, False]
    assert [o.moved for o in found] == [(), (), (), ("heat",)]


def test_the_model_everybody_is_to_use_comes_first_in_any_version(space, bring, learn):
    frame = rows()
    for name in ("pump", "pump", "valve"):
        learn(name, frame)
    data = bring(frame)
    found, problem = offered(space, data, wanted="pump@1")
    assert ([o.card.id for o in found], problem) == (["pump@1", "valve@1", "pump@2"], "")
    assert [o.wanted for o in found] == [True, False, False]
    assert offered(space, data, wanted="pump")[0][0].card.id == "pump@2"


def test_a_wanted_model_that_cannot_be_used_is_said_and_the_others_are_offered(space, bring, learn):
    frame = rows()
    learn("pump", frame)
    learn("other", frame.rename(columns={"flow": "speed"}))
    data = bring(frame)
    found, problem = offered(space, data, wanted="pmp")
    assert (names(found), problem) == (
        ["pump", "other"],
        "the model set for everybody cannot be used: there is no model 'pmp'; there is 'pump'",
    )
    found, problem = offered(space, data, wanted="other")
    assert names(found)[0] == "pump"
    assert problem == "the model set for everybody, 'other@1', does not fit: column 'speed' missing"


def test_a_damaged_model_is_passed_over(space, bring, learn):
    learn("pump", rows())
    (space.models_root / "pump" / "1" / "manifest.json").write_text("{")
    assert offered(space, bring(rows()))[0] == []


def test_a_text_most_of_whose_cells_are_new_has_moved(space, bring, learn):
    printed = load_fingerprint(space.models, learn("pump", rows()).id)
    assert moved_at_a_glance(printed, bring(rows(5)).profile) == ()
    assert moved_at_a_glance(printed, bring(rows(6, site=["C"] * 60 + ["A"] * 20)).profile) == ("site",)


def test_where_nothing_is_known_nothing_has_moved():
    assert moved_at_a_glance(Fingerprint(rows=0, columns={}), {"columns": {}}) == ()
