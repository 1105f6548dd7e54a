"""Classes that were named against true ones: figures by hand, and which probabilities to trust."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, confusion_matrix, f1_score

from engine.class_baselines import BASELINES, classified_by, named_by
from engine.errors import DataError
from engine.scoring.classification import classification

NAMES = ("break", "calm", "drift")


def drawn(n=200, seed=0):
    """True classes, probabilities, and the likeliest class."""
    rng = np.random.default_rng(seed)
    truth = np.array(NAMES)[rng.integers(0, 3, n)]
    weights = rng.random((n, 3)) + 1.5 * (truth[:, None] == np.array(NAMES))
    probabilities = weights / weights.sum(axis=1, keepdims=True)
    return truth, probabilities, np.array(NAMES)[probabilities.argmax(axis=1)]


def test_figures_are_those_of_scikit_learn():
    truth, probabilities, named = drawn()
    found = classification(truth, named, probabilities, NAMES)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(truth, named))
    assert found.macro_f1 == pytest.approx(f1_score(truth, named, average="macro"))
    assert found.accuracy == pytest.approx((truth == named).mean())
    for number, each in enumerate(found.classes):
        expected = average_precision_score(truth == each.name, probabilities[:, number])
        assert each.average_precision == pytest.approx(expected)
        assert (each.rows, each.named) == ((truth == each.name).sum(), (named == each.name).sum())


def test_a_class_never_named_has_no_precision_and_one_that_never_was_counts_not():
    found = classification(np.array(["a", "a", "b"]), np.array(["a", "c", "a"]))
    figures = {each.name: each for each in found.classes}
    assert (figures["b"].precision, figures["b"].recall, figures["b"].f1) == (0, 0, 0)
    assert figures["c"].rows == 0
    assert found.macro_f1 == pytest.approx((0.5 + 0) / 2)
    assert found.calibration_error is None


def test_calibration_error_is_the_distance_of_probability_from_accuracy():
    truth = np.array(["a"] * 8 + ["b"] * 2)
    probabilities = np.tile([0.95, 0.05], (10, 1))
    found = classification(truth, np.array(["a"] * 10), probabilities, ("a", "b"))
    assert [(each.rows, each.accuracy) for each in found.reliability] == [(10, 0.8)]
    assert found.calibration_error == pytest.approx(0.15)


def test_nothing_to_compare_is_said():
    with pytest.raises(DataError, match="on rows whose class is known, and there is none"):
        classification(np.array([]), np.array([]))


@pytest.mark.parametrize("title", BASELINES)
def test_plain_classifiers_take_texts_and_gaps(title):
    rng = np.random.default_rng(0)
    text = rng.choice(["red", "blue"], 200)
    frame = pd.DataFrame(
        {"number": np.where(rng.random(200) < 0.1, np.nan, rng.normal(size=200)), "text": text}
    )
    classes = np.where(text == "red", "warm", "cold")
    named = named_by(title, frame[:150], classes[:150], frame[150:])
    assert (named == classes[150:]).all()
    told = classified_by(title, frame[:150], classes[:150], frame[150:])
    assert told.probabilities.sum(axis=1) == pytest.approx(1.0)
