"""The check of reasons: what scores lose without the columns that are named, beside others, in numbers and in words."""

from dataclasses import replace

import pytest

from engine.analysis import explain_worst
from engine.detectors import CATALOGUE
from engine.scoring.explanations import method_of
from engine.scoring.faithfulness import Faithfulness, faithfulness
from engine.scoring.reasons import in_plain_words

CHECK = Faithfulness(rows=40, named=3, first=0.5, together=0.9, beside=3, others=0.1, cured=0.8)


def checked(model, data, contributions=None):
    prepared = model.encode(data.frame)
    scores = model.judge(prepared)
    found = explain_worst(model, prepared, scores, most=40)
    told = found.contributions if contributions is None else contributions(found.contributions)
    return faithfulness(model, prepared, scores.values, found.rows, told)


def test_reasons_turned_around_are_found_out(table, model_of):
    model = model_of("neighbours", table)
    right, wrong = checked(model, table), checked(model, table, lambda told: told.max() - told)
    assert right.together > 0.8
    assert right.cured > 0.8
    assert right.meaning.startswith("So the scores do come from")
    assert wrong.together < wrong.others + 0.1
    assert wrong.meaning.startswith("So read the reasons with care")


@pytest.mark.parametrize("detector", ["nearest_windows", "isolation_forest"])
def test_of_two_channels_one_is_taken_out_and_the_other_is_the_comparison(detector, series, model_of):
    check = checked(model_of(detector, series), series)
    assert check.named == 1
    assert check.first == check.together
    assert check.beside == (detector == "isolation_forest")  # readings in order would find themselves again
    assert ("other column" in check.text) == (detector == "isolation_forest")


def test_without_a_flagged_row_nothing_is_measured(table, model_of):
    model = model_of("isolation_forest", table)
    calm = replace(model, card=replace(model.card, threshold=1e9))
    assert checked(calm, table) is None


def test_the_check_reads_as_sentences():
    assert CHECK.text == (
        "checked on 40 flagged rows. With an ordinary value in place of the first reason the score loses 50 % of its "
        "height above an ordinary row; in place of the first three, 90 %; in place of three other columns, 10 %. "
        "So the scores do come from the columns that are named."
    )
    one = replace(CHECK, named=1, together=0.5, beside=1)
    assert "ordinary row; in place of one other column, 10 %." in one.text
    assert "in part only" in replace(CHECK, together=0.25).text
    assert Faithfulness.from_dict(CHECK.as_dict()) == CHECK
    assert Faithfulness.from_dict({"rows": 40, "first": 0.5}) is None  # of another version


def test_every_method_has_a_name():
    names = [method_of(kind.explained_by)[0] for kind in CATALOGUE.values()]
    assert "Ablation" in names
    assert max(len(name) for name in names) < 30
    assert method_of("Path share: by how many cuts.") == ("Path share", "By how many cuts.")


def test_reasons_make_a_sentence():
    amount = {"column": "amount", "measure": "", "value": "9,800", "usual": "usually 3 to 90", "expected": ""}
    reasons = [
        amount | {"share": 0.7, "how": "high"},
        amount | {"share": 0.2, "how": "'atm', rare", "column": "channel", "usual": "4 % of training rows"},
        amount | {"share": 0.05, "how": "low", "column": "age"},
    ]
    assert in_plain_words(reasons) == (
        "Mostly because amount is high (9,800, usually 3 to 90); also because channel is 'atm', rare "
        "(4 % of training rows)."
    )
    alone = amount | {"share": 0.99, "how": "", "measure": "spread of the last 8 readings", "column": "oil"}
    assert in_plain_words([alone]) == (
        "Only because oil (spread of the last 8 readings) (9,800, usually 3 to 90)."
    )
    assert in_plain_words([]) == "No single column stands out."
