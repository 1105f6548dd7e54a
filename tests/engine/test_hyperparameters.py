"""Hyperparameters are declared once; every reader gets the same checks and the same words."""

import json
from dataclasses import dataclass
from typing import Literal

import pytest

from engine.detectors import CATALOGUE
from engine.errors import UsageError
from engine.hyperparameters import checked, declared, hyperparameter


@dataclass(kw_only=True)
class Kettle:
    title = "Kettle"
    litres: int = hyperparameter(2, "How much.", low=1, high=5)
    heat: float = hyperparameter(0.5, "How hot.", low=0.0)
    cool: float = hyperparameter(0.0, "How cold.", high=10)
    lid: bool = hyperparameter(True, "Closed.")
    tea: Literal["green", "black"] = hyperparameter("green", "Which.")
    name: str = hyperparameter("k", "Called.")
    cups: tuple[int, ...] = hyperparameter((3, 2), "Sizes.", low=1, high=9)
    secret: int = 7


KNOBS = declared(Kettle)


@pytest.mark.parametrize("detector", CATALOGUE)
def test_every_default_passes_its_own_check_and_is_explained(detector):
    for knob in declared(CATALOGUE[detector]).values():
        assert knob.check(knob.default) == knob.default
        assert type(knob.check(knob.default)) is knob.kind
        assert knob.help.endswith(".")
        assert knob.label[0].isupper() or not knob.label[0].isalpha()
        for bound in (knob.low, knob.high):
            assert bound is None or knob.check(bound) in (bound, (bound,))


@pytest.mark.parametrize("detector", CATALOGUE)
def test_hyperparameters_survive_json_and_build_the_detector(detector):
    values = json.loads(json.dumps(checked(CATALOGUE[detector], {})))
    again = checked(CATALOGUE[detector], values)
    assert CATALOGUE[detector](**again).get_params() == CATALOGUE[detector]().get_params()


def test_only_what_is_declared_is_a_hyperparameter():
    assert list(KNOBS) == ["litres", "heat", "cool", "lid", "tea", "name", "cups"]
    assert KNOBS["tea"].choices == ("green", "black")
    assert (KNOBS["cups"].kind, KNOBS["cups"].choices) == (tuple, ())


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [
        ("litres", "3", 3),
        ("litres", 3.0, 3),
        ("litres", "4.0", 4),
        ("heat", "1e-3", 0.001),
        ("heat", 2, 2.0),
        ("lid", "no", False),
        ("lid", "TRUE", True),
        ("lid", 0, False),
        ("tea", "black", "black"),
        ("name", 5, "5"),
        ("cups", "6, 4,2", (6, 4, 2)),
        ("cups", " [6, 4] ", (6, 4)),
        ("cups", [6, 4.0, "2"], (6, 4, 2)),
        ("cups", (1,) * 8, (1,) * 8),
        ("cups", "6", (6,)),
        ("cups", 6, (6,)),
    ],
)
def test_a_value_is_brought_into_its_type(name, given, value):
    found = KNOBS[name].check(given)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("litres", 6, "litres must lie between 1 and 5, got 6"),
        ("litres", 2.5, "litres must be a whole number, got '2.5'"),
        ("litres", "many", "litres must be a whole number, got 'many'"),
        ("litres", True, "litres must be a whole number, got 'True'"),
        ("litres", None, "litres must be a whole number, got 'None'"),
        ("litres", float("nan"), "litres must be a whole number, got 'nan'"),
        ("litres", float("inf"), "litres must be a whole number, got 'inf'"),
        ("heat", "nan", "heat must be a number, got 'nan'"),
        ("heat", "inf", "heat must be a number, got 'inf'"),
        ("heat", [], "heat must be a number, got '[]'"),
        ("heat", -1, "heat must lie at or above 0, got -1"),
        ("cool", 11, "cool must lie at or below 10, got 11"),
        ("lid", "maybe", "lid must be true or false, got 'maybe'"),
        ("tea", "blac", "tea must be one of green, black, got 'blac'; did you mean 'black'?"),
        ("tea", ["green"], "tea must be one of green, black, got"),
        ("cups", "6, four", "cups must be 1 to 8 whole numbers such as '3, 2', got 'four'"),
        ("cups", "[6, 4", "cups must be 1 to 8 whole numbers such as '3, 2', got '[6'"),
        ("cups", "6; 4", "cups must be 1 to 8 whole numbers such as '3, 2', got '6; 4'"),
        ("cups", "6, 4,", "cups must be 1 to 8 whole numbers such as '3, 2', got ''"),
        ("cups", "", "cups must be 1 to 8 whole numbers such as '3, 2', got ''"),
        ("cups", [6, 2.5], "cups must be 1 to 8 whole numbers such as '3, 2', got '2.5'"),
        ("cups", [True], "cups must be 1 to 8 whole numbers such as '3, 2', got 'True'"),
        ("cups", [[6, 4]], "cups must be 1 to 8 whole numbers such as '3, 2', got '[6, 4]'"),
        ("cups", {"a": 1}, "cups must be 1 to 8 whole numbers such as '3, 2', got '{'a': 1}'"),
        ("cups", [], "cups must be 1 to 8 whole numbers such as '3, 2', got 0"),
        ("cups", [1] * 9, "cups must be 1 to 8 whole numbers such as '3, 2', got 9"),
        ("cups", "6, 10", "cups must each lie between 1 and 9, got 10"),
    ],
)
def test_a_wrong_value_is_refused_with_the_rule_and_what_was_given(name, given, words):
    with pytest.raises(UsageError) as caught:
        KNOBS[name].check(given)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("litres", "a whole number between 1 and 5"),
        ("heat", "a number at or above 0"),
        ("cool", "a number at or below 10"),
        ("lid", "true or false"),
        ("tea", "one of green, black"),
        ("name", ""),
        ("cups", "1 to 8 whole numbers such as '3, 2', each between 1 and 9"),
    ],
)
def test_what_may_be_given_is_said_in_words(name, words):
    assert KNOBS[name].allowed() == words


@pytest.mark.parametrize("name", KNOBS)
def test_a_value_written_as_a_person_does_is_read_back(name):
    knob = KNOBS[name]
    assert knob.check(knob.text(knob.default)) == knob.default


def test_an_unknown_name_is_answered_with_the_nearest_and_all_others():
    with pytest.raises(
        UsageError, match=r"'litre' is not a hyperparameter of Kettle; did you mean 'litres'.*; it has litres"
    ):
        checked(Kettle, {"litre": 1})


def test_values_not_given_are_the_defaults():
    expected = {
        "litres": 5,
        "heat": 0.5,
        "cool": 0.0,
        "lid": True,
        "tea": "green",
        "name": "k",
        "cups": (3, 2),
    }
    assert checked(Kettle, {"litres": "5"}) == expected


@pytest.mark.parametrize("detector", CATALOGUE)
@pytest.mark.parametrize("share", [0, 0.51, 1, "nan", "some"])
def test_an_impossible_contamination_is_refused_before_any_work(detector, share):
    with pytest.raises(UsageError, match="contamination must"):
        checked(CATALOGUE[detector], {"contamination": share})
    with pytest.raises(UsageError, match="contamination must"):
        CATALOGUE[detector](contamination=share).fit([[0.0], [1.0]])
