"""The smallest edit: what would make a row ordinary, in words and in scores."""

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.data.roles import Roles
from engine.errors import UsageError
from engine.scoring.edits import MOST_EDITS, Edit, smallest_edit


@pytest.fixture(scope="module")
def forest(table):
    return train(table.frame, table.roles, "isolation_forest")


def test_edits_lower_the_score_one_after_the_other_until_it_is_below_the_line(forest, table):
    prepared = forest.encode(table.frame)
    scores = forest.judge(prepared).values
    row = int(np.nanargmax(scores))
    threshold = float(np.nanquantile(scores, 0.9))
    edits = smallest_edit(forest, prepared, row, threshold)
    falling = [scores[row], *(edit.score for edit in edits)]
    assert 1 <= len(edits) <= MOST_EDITS
    assert (np.diff(falling) < 0).all()
    assert falling[-1] <= threshold < falling[-2]


def test_edits_name_each_column_once_and_none_too_many():
    """Where one column was tried first that another edit made needless, or had to be set again."""
    rng = np.random.default_rng(0)
    price, count = rng.uniform(5, 50, 600), rng.integers(1, 6, 600).astype(float)
    frame = pd.DataFrame(
        {"price": price, "count": count, "total": price * count, "weight": rng.normal(size=600)}
    )
    frame.loc[7, ["price", "total"]] = [60.0, 20.0]
    roles = Roles(dict.fromkeys(frame.columns, "feature"))
    model = train(frame, roles, "autoencoder", {"epochs": 10})
    prepared = model.encode(frame)
    edits = smallest_edit(model, prepared, 7, model.card.threshold)
    columns = [edit.column for edit in edits]
    assert sorted(columns) == sorted(set(columns))
    assert edits[-1].score <= model.card.threshold


def test_an_ordinary_row_needs_no_edit(forest, table):
    prepared = forest.encode(table.frame)
    row = int(np.nanargmin(forest.judge(prepared).values))
    assert smallest_edit(forest, prepared, row, forest.card.threshold) == []


def test_a_reading_of_a_series_has_none(series):
    model = train(series.frame, series.roles, "isolation_forest")
    with pytest.raises(UsageError, match="judged together with its neighbours in time"):
        smallest_edit(model, model.encode(series.frame), 100, 0.0)


@pytest.mark.parametrize(
    ("value", "said"),
    [("9,800", "change amount from 9,800 to 112"), ("is missing", "fill in amount with 112")],
)
def test_an_edit_reads_as_what_to_do(value, said):
    assert Edit(column="amount", value=value, instead="112", score=1.0).as_dict()["text"] == said
