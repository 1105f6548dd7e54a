"""Charts of several scorings: every curve is there, told apart, within what a browser can draw, and said in words."""

import numpy as np
import pytest

from engine import charts
from engine.charts.contest import COLOURS, colours

RNG = np.random.default_rng(0)
MODELS = [f"model@{n}" for n in range(1, charts.MOST_MODELS + 1)]
STYLES = dict.fromkeys(MODELS, "model") | {
    "Consensus of ranks": "consensus",
    "Median": "baseline",
    "Energy": "baseline",
}
RISING = {name: (np.sort(RNG.random(9_000)), np.sort(RNG.random(9_000))) for name in STYLES}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_as_many_models_as_may_be_chosen_have_colours_of_their_own(theme):
    found = colours(list(STYLES), STYLES, theme=theme)
    assert len({found[name] for name in MODELS}) == charts.MOST_MODELS
    assert set(found.values()).isdisjoint({None})
    assert len(set(COLOURS[theme])) == charts.MOST_MODELS


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_curves_over_each_other_stay_within_what_can_be_drawn(theme):
    average = dict.fromkeys(STYLES, 0.5)
    for drawn in (
        charts.overlaid_roc(RISING, STYLES, theme=theme),
        charts.overlaid_pr(RISING, STYLES, average, theme=theme),
    ):
        points = drawn.spec["datasets"]["curves"]
        assert len(points) <= charts.MAX_MARKS
        assert {point["name"] for point in points} == set(STYLES)
        assert all(name in drawn.alt for name in STYLES)


def test_two_baselines_are_told_apart_by_their_dashes():
    spec = charts.overlaid_roc(RISING, STYLES, theme="light").spec
    dashes = spec["encoding"]["strokeDash"]["scale"]["range"]
    by_name = dict(zip(spec["encoding"]["strokeDash"]["scale"]["domain"], map(tuple, dashes), strict=True))
    assert len({by_name[name] for name in ("model@1", "Consensus of ranks", "Median", "Energy")}) == 4


def test_a_map_of_agreement_names_the_most_and_the_least_alike():
    values = np.array([[1, 0.9, -0.004], [0.9, 1, np.nan], [-0.004, np.nan, 1]])
    drawn = charts.agreement_map(["a", "b", "c"], values, "Order of all rows", theme="dark")
    cells = {(cell["one"], cell["other"]): cell for cell in drawn.spec["datasets"]["cells"]}
    assert cells["a", "b"]["text"] == "0.90"
    assert cells["a", "c"]["text"] == "0.00"
    assert (cells["b", "c"]["text"], cells["b", "c"]["value"]) == ("–", None)
    assert "most alike are b and a (0.90), least c and a (-0.00)" in drawn.alt


def test_overlaps_are_drawn_at_every_size_of_the_top():
    sizes = np.array([10.0, 100, 1_000])
    drawn = charts.overlap_curves({"a": (sizes, np.array([0.1, 0.5, 0.9]))}, {"a": "model"}, theme="light")
    assert [point["x"] for point in drawn.spec["datasets"]["curves"]] == sizes.tolist()
    assert "a 10% at 10" in drawn.alt


def test_nothing_to_compare_is_said():
    for drawn in (
        charts.overlaid_roc({}, {}, theme="light"),
        charts.overlap_curves({}, {}, theme="light"),
        charts.agreement_map(["a"], np.ones((1, 1)), "Order", theme="light"),
    ):
        assert drawn.alt.startswith("Nothing to show")
