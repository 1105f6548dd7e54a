"""The smallest edit: what would make a row ordinary, in words and in scores."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.analysis import train
from engine.data.roles import Roles
from engine.scoring.edits import MOST_EDITS, Edit, smallest_edit
from engine.scoring.surroundings import Surroundings
from tests.planted import in_one_channel


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


@pytest.fixture(scope="module", params=["isolation_forest", "nearest_windows"])
def judged(request):
    """A model of an undisturbed series, and readings with faults in one of four channels, as it judges them."""
    learned = in_one_channel(readings=495, channels=4, faults=0, seed=1)
    faults = in_one_channel(readings=900, channels=4, faults=6, seed=14)
    model = train(learned.frame, learned.roles, request.param, {"contamination": 0.1})
    prepared = model.encode(faults.frame)
    return model, prepared, model.judge(prepared).values, faults


def test_a_disturbed_channel_is_put_back_for_as_long_as_it_takes(judged):
    model, prepared, scores, faults = judged
    line = model.card.threshold
    found = [
        (smallest_edit(model, prepared, int(row), line, scores), column, span)
        for row, column, span in zip(faults.at(scores), faults.columns, faults.rows, strict=True)
        if scores[row] > line
    ]
    assert len(found) >= 4
    enough = [edits for edits, *_ in found if edits[-1].score <= line]
    assert len(enough) >= len(found) - 1
    assert np.mean([edits[0].column == column for edits, column, _ in found]) >= 0.7
    shift, _, span = found[1]
    begin = f"{faults.frame['time'][span.start]:%Y-%m-%d}"
    assert shift[0].text.startswith(f"change {shift[0].column} ")
    assert begin in shift[0].when
    assert " instead of " in shift[0].text


def test_scores_of_a_series_are_worked_out_where_they_are_not_given(judged):
    model, prepared, scores, faults = judged
    row = int(faults.at(scores)[1])
    given = smallest_edit(model, prepared, row, model.card.threshold, scores)
    assert smallest_edit(model, prepared, row, model.card.threshold) == given


def test_an_ordinary_reading_needs_no_edit(judged):
    model, prepared, scores, _ = judged
    assert smallest_edit(model, prepared, int(np.nanargmin(scores)), model.card.threshold, scores) == []


def test_what_surrounds_a_reading_is_all_that_its_score_depends_on(judged):
    model, prepared, scores, _ = judged
    around = Surroundings.of(model, prepared, scores)
    rows = np.array([200, 333, 417])
    segments = [around.around(int(place)) for place in around.places[rows]]
    np.testing.assert_array_equal(around.judge(segments), scores[rows])


def test_where_no_ordinary_stretch_is_long_enough_a_channel_stands_still(judged):
    model, prepared, scores, _ = judged
    around = replace(Surroundings.of(model, prepared, scores), ordinary=np.array([3, 4, 5]))
    segment = around.around(int(around.places[400]))
    assert np.ptp(around.replaced(segment, [1]).values[:, 1]) == 0
    assert np.ptp(around.replaced(segment, [1]).values[:, 0]) > 0


@pytest.mark.parametrize(
    ("value", "said"),
    [("9,800", "change amount from 9,800 to 112"), ("is missing", "fill in amount with 112")],
)
def test_an_edit_reads_as_what_to_do(value, said):
    assert Edit(column="amount", value=value, instead="112", score=1.0).as_dict()["text"] == said
