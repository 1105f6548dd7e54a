"""Planted faults: every detector names the column that was tampered with, and its scores come from it."""

from functools import cache
from unittest.mock import patch

import pytest

from engine.analysis import train
from engine.detectors import CATALOGUE
from engine.hyperparameters import declared
from engine.scoring.faithfulness import faithfulness
from engine.scoring.reasons import explain
from tests.engine.checks import SEQUENTIAL, TABULAR
from tests.planted import far_out, hits, in_one_channel

FIRST, TOP_THREE = 0.92, 0.97
SHORT = {
    "epochs": 5,
    "num_epochs": 3,
    "d_model": 16,
    "nhead": 2,
    "max_epochs_pretrain": 2,
    "n_heads": 2,
    "n_layers": 1,
}


@cache
def explained(detector, kind):
    """The reasons of planted faults: of a table it was learned from, of a series after one without faults."""
    known = declared(CATALOGUE[detector])
    short = {name: value for name, value in SHORT.items() if name in known}
    if kind == "table":
        faults = learned = far_out(rows=400)
    else:
        learned, faults = (
            in_one_channel(readings=n, channels=4, faults=k, seed=k) for n, k in ((2_000, 0), (1_500, 14))
        )
    with patch("engine.analysis.comparison_of", return_value=None):  # takes longer than all the rest
        model = train(learned.frame, learned.roles, detector, short | {"contamination": 0.1})
    prepared = model.encode(faults.frame)
    scores = model.judge(prepared).values
    return faults, model, prepared, scores, explain(model, prepared, faults.at(scores))


EVERY = [
    *((name, "table") for name in TABULAR),
    *((name, "series") for name in SEQUENTIAL),
    ("isolation_forest", "series"),  # on what each channel did over the last readings
]


@pytest.mark.parametrize(("detector", "kind"), EVERY)
def test_the_planted_column_is_the_first_reason(detector, kind):
    faults, *_, found = explained(detector, kind)
    first, top_three = hits([[r.column for r in reasons] for reasons in found.reasons], faults.columns)
    assert first >= FIRST
    assert top_three >= TOP_THREE


@pytest.mark.parametrize(("detector", "kind"), EVERY)
def test_scores_fall_when_the_named_columns_are_taken_out(detector, kind):
    _, model, prepared, scores, found = explained(detector, kind)
    check = faithfulness(model, prepared, scores, found.rows, found.contributions)
    assert check.rows >= 8
    assert check.together >= 0.4
    assert check.first >= check.others + 0.2
    assert "So the scores do come from the columns that are named." in check.text
