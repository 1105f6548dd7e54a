"""Without labels: agreement equals its twin, and made-up anomalies are told from the rows they were made of."""

import numpy as np
import pytest
from scipy import stats

from engine import Roles, train
from engine.unlabelled import SERIES, SHARES, UNDISTURBED, alike, check_unlabelled
from tests.pages.prepared import pumps, rhythm

RNG = np.random.default_rng(0)
QUICK = {"n_estimators": 20}


def test_agreement_is_spearmans_and_the_share_of_rows_flagged_by_both():
    one = np.r_[RNG.normal(size=200).round(1), np.nan]
    other = np.r_[np.nan, one[1:] + RNG.normal(size=200)]
    found = alike(one, other, 20)
    assert found.rank_correlation == pytest.approx(stats.spearmanr(one[1:-1], other[1:-1]).statistic)
    most = [set(np.argsort(-told[1:-1], kind="stable")[:20]) for told in (one, other)]
    assert found.overlap == len(most[0] & most[1]) / 20


def test_the_same_scores_agree_and_nothing_flagged_has_no_overlap():
    scores = RNG.normal(size=50)
    assert alike(scores, 2 * scores, 5).overlap == 1
    assert alike(scores, scores, 0).overlap is None
    assert alike(scores, np.zeros(50), 5).rank_correlation == 0, (
        "one that tells nothing apart agrees with nobody"
    )
    assert alike(scores, np.full(50, np.nan), 5) is None


def test_a_table_is_checked_with_seeds_and_disturbed_rows():
    frame = pumps().drop(columns="faulty")
    roles = Roles({name: "id" if name == "pump_no" else "feature" for name in frame}, "table")
    model = train(frame, roles, "isolation_forest", QUICK)
    found = check_unlabelled(model, frame, roles)
    assert (found.rows, len(found.overlaps)) == (400, len(SHARES))
    assert 0.5 < found.rank_correlation <= 1
    share, overlap = found.overlap_at(0.04)
    assert share == 0.05
    assert 0 < overlap <= 1
    recalls = found.recalls(model.card.threshold)
    far, plain = recalls["a number beyond all others"], recalls[UNDISTURBED]
    assert far[0] > plain[0]
    assert far[1] == plain[1] == 400
    assert found.recalls(np.inf)[UNDISTURBED][0] == 0


def test_a_series_is_checked_with_disturbed_readings():
    frame = rhythm(800).drop(columns="anomaly")
    roles = Roles({"timestamp": "time", "current": "feature", "oil": "feature"}, "series")
    model = train(frame, roles, "isolation_forest", QUICK, window=10)
    found = check_unlabelled(model, frame, roles)
    recalls = {kind: part / whole for kind, (part, whole) in found.recalls(model.card.threshold).items()}
    assert recalls.keys() == {SERIES, UNDISTURBED}
    assert recalls[SERIES] > recalls[UNDISTURBED]
