"""Threshold rules: monotone in their knob, equal to their twins, and blind to what they must not see."""

import numpy as np
import pytest

from engine.errors import DataError, UsageError
from engine.scoring.metrics import curve
from engine.scoring.rules import RULES, lines, rule_from_dict, rule_from_text
from engine.scoring.thresholds import reference_quantiles, severity
from tests import naive

rng = np.random.default_rng(0)
TRAINING = rng.gamma(2.0, size=3_000)
REFERENCE = reference_quantiles(TRAINING)
HERE = np.r_[rng.gamma(2.0, size=500), np.nan, 40.0]
LABELS = np.greater(HERE, np.nanquantile(HERE, 0.9)).astype(float)
ROWS = len(TRAINING)

KNOBS = {  # from the strictest to the loosest
    "percentile": [100, 99, 95, 50, 0],
    "contamination": [0.0, 0.01, 0.05, 0.5],
    "budget": [0, 1, 20, 100, 10_000],
    "mad": [100, 5, 3.5, 1, 0],
    "fixed": [50, 3, 0.5, -1],
    "fdr": [0.0001, 0.01, 0.1, 0.5],
    "evt": [0.0001, 1, 10, 500],
    "cost": [0.001, 0.1, 1, 10, 1_000],
    "best_f1": [0],
}


def flagged(rule, here=HERE):
    return int((here > rule.threshold(REFERENCE, here, LABELS, rows=ROWS)).sum())


def test_every_rule_is_tried_here():
    assert KNOBS.keys() == RULES.keys()


@pytest.mark.parametrize("kind", RULES)
def test_a_looser_knob_never_flags_fewer(kind):
    counts = [flagged(RULES[kind](value)) for value in KNOBS[kind]]
    assert counts == sorted(counts)


@pytest.mark.parametrize("kind", RULES)
def test_a_rule_survives_being_written_down(kind):
    rule = RULES[kind](KNOBS[kind][0])
    assert rule_from_dict(rule.as_dict()) == rule


@pytest.mark.parametrize("kind", [k for k, r in RULES.items() if not r.counts_rows and not r.needs_labels])
def test_these_rules_do_not_look_at_the_scores_at_hand(kind):
    rule = RULES[kind](KNOBS[kind][1])
    one, other = (rule.threshold(REFERENCE, here, LABELS, rows=ROWS) for here in (HERE, HERE * 100))
    assert one == other


@pytest.mark.parametrize("kind", [k for k, r in RULES.items() if not r.needs_labels])
def test_rules_without_labels_do_not_look_at_labels(kind):
    rule = RULES[kind](KNOBS[kind][1])
    one, other = (rule.threshold(REFERENCE, HERE, labels, rows=ROWS) for labels in (None, LABELS))
    assert one == other


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_says_in_a_sentence_what_it_does(kind):
    sentence = RULES[kind](RULES[kind].usual).sentence
    assert sentence.endswith(".")
    assert sentence.count(". ") == 0


@pytest.mark.parametrize("share", [0.01, 0.05, 0.25])
def test_an_expected_share_flags_that_share_of_the_training_rows(share):
    threshold = RULES["contamination"](share).threshold(REFERENCE, HERE)
    assert np.greater(TRAINING, threshold).mean() == pytest.approx(share, abs=0.001)
    assert threshold == RULES["percentile"](100 * (1 - share)).threshold(REFERENCE, HERE)


def test_the_median_rule_equals_its_twin():
    scores = np.sort(rng.normal(size=2_001))
    assert RULES["mad"](3.5).threshold(scores, HERE) == pytest.approx(
        naive.mad_threshold(scores.tolist(), 3.5)
    )


@pytest.mark.parametrize("count", [0, 1, 3, 5, 6, 7, 8, 100])
def test_a_budget_is_never_exceeded_and_spent_unless_rows_are_equal(count):
    here = np.array([5.0, 4.0, 4.0, 3.0, 3.0, 1.0, np.nan, 0.5])
    flags = here > RULES["budget"](count).threshold(REFERENCE, here)
    assert flags.tolist() == [*naive.budget_flags(here.tolist(), count)[:6], False, count >= 7]


def test_a_budget_without_judged_rows_flags_nothing():
    assert RULES["budget"](5).threshold(REFERENCE, np.full(3, np.nan)) == REFERENCE[-1]


@pytest.mark.parametrize("kind", ["best_f1", "cost"])
def test_labelled_rules_need_labels_of_both_kinds(kind):
    with pytest.raises(UsageError, match="role label"):
        RULES[kind]().threshold(REFERENCE, HERE)
    with pytest.raises(DataError, match="no labelled anomaly"):
        RULES[kind]().threshold(REFERENCE, HERE, np.zeros(len(HERE)))


@pytest.mark.parametrize(
    ("text", "rule"),
    [("fdr=0.05", RULES["fdr"](0.05)), ("evt", RULES["evt"](10.0)), ("mad = 4", RULES["mad"](4.0))],
)
def test_a_rule_is_read_from_a_word_and_a_number(text, rule):
    assert rule_from_text(text) == rule


@pytest.mark.parametrize(
    ("text", "words"), [("magic=1", "no threshold rule 'magic'"), ("fdr=much", "KIND=NUMBER")]
)
def test_a_rule_that_cannot_be_read_says_why(text, words):
    with pytest.raises(UsageError, match=words):
        rule_from_text(text)


def test_lines_side_by_side_say_what_each_flags_and_why_one_draws_none():
    rules = [
        RULES["percentile"](99.0),
        RULES["evt"](10.0),
        RULES["fixed"](REFERENCE[-1] + 1),
        RULES["cost"](5.0),
    ]
    judged = HERE[np.isfinite(HERE)]

    def points():
        return curve(HERE, np.zeros(len(HERE)))

    percentile, tail, beyond, cost = lines(rules, REFERENCE, judged, points, rows=ROWS)
    assert percentile.share == pytest.approx(0.01)
    assert percentile.flagged == (judged > percentile.threshold).sum()
    assert tail.share == 0.001
    assert beyond.share == 0.5 / ROWS, "less than one of the reference rows, and not nothing"
    assert (cost.threshold, "no labelled anomaly" in cost.remark) == (None, True)
    assert "50 scores in the highest 5 %" in lines(rules[1:2], REFERENCE, judged, points, rows=900)[0].remark


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("percentile", 101),
        ("percentile", -1),
        ("contamination", 0.6),
        ("mad", np.nan),
        ("budget", -5),
        ("fixed", np.inf),
    ],
)
def test_a_knob_beyond_its_range_is_refused_with_the_range(kind, value):
    with pytest.raises(UsageError, match=f"{RULES[kind].knob} must be at least"):
        RULES[kind](value)


def test_an_unknown_rule_lists_the_known_ones():
    with pytest.raises(UsageError, match="no threshold rule 'magic'; there are percentile"):
        rule_from_dict({"kind": "magic", "value": 1})


@pytest.mark.parametrize(
    "reference", [REFERENCE, reference_quantiles(np.round(TRAINING))], ids=["smooth", "many ties"]
)
def test_severity_is_the_percentile_read_backwards(reference):
    scores = np.r_[HERE, reference[::97]]
    numbers = severity(scores, reference)
    for percentile in (0, 1, 50, 95, 99, 99.9):
        above = scores > RULES["percentile"](percentile).threshold(reference, scores)
        np.testing.assert_array_equal(above, numbers > percentile)


def test_severity_runs_from_0_to_100_and_is_missing_where_nothing_was_judged():
    numbers = severity(
        np.array([-9.0, REFERENCE[0], REFERENCE[1_000], REFERENCE[-1], 99.0, np.nan, np.inf]), REFERENCE
    )
    np.testing.assert_allclose(numbers, [0, 0, 50, 100, 100, np.nan, np.nan])
    steps = np.diff(severity(np.linspace(-1, 12, 500), REFERENCE))
    assert (steps >= 0).all()


def test_reference_scores_are_ascending_quantiles_of_judged_rows():
    quantiles = reference_quantiles(np.r_[TRAINING, np.nan, np.inf])
    assert quantiles.shape == (2_001,)
    assert (np.diff(quantiles) >= 0).all()
    assert (quantiles[0], quantiles[-1]) == (TRAINING.min(), TRAINING.max())
    assert quantiles[1_000] == pytest.approx(naive.median(TRAINING.tolist()))
