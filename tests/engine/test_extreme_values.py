"""The tail of the reference scores continued: about as many false alarms as asked for, and no bad fit used."""

import numpy as np
import pytest
from scipy import stats

from engine.errors import DataError
from engine.scoring.extreme_values import ExtremeTail, fitted_tail, pareto_fit
from engine.scoring.thresholds import reference_quantiles

ROWS = 20_000


@pytest.mark.parametrize("shape", [-0.4, 0.0, 0.3])
def test_the_fit_finds_the_law_its_peaks_were_drawn_from(shape):
    peaks = np.sort(stats.genpareto.rvs(shape, scale=2.0, size=4_000, random_state=1))
    found, scale = pareto_fit(peaks)
    assert found == pytest.approx(shape, abs=0.06)
    assert scale == pytest.approx(2.0, rel=0.06)


@pytest.mark.parametrize(
    "law",
    [stats.norm(), stats.expon(), stats.gamma(2), stats.uniform(), stats.t(5)],
    ids=lambda law: law.dist.name,
)
@pytest.mark.parametrize("asked", [2.0, 10.0, 100.0])
def test_ordinary_rows_exceed_the_line_about_as_rarely_as_asked_for(law, asked):
    reference = reference_quantiles(law.rvs(ROWS, random_state=2))
    line = ExtremeTail(asked).threshold(reference, np.zeros(0), rows=ROWS)
    assert asked / 2.5 <= 10_000 * law.sf(line) <= 2.5 * asked


@pytest.mark.parametrize("share", [1e-6, 0.001, 0.05])
def test_share_and_threshold_are_each_others_inverse(share):
    for law in (stats.norm(), stats.uniform()):
        tail = fitted_tail(reference_quantiles(law.rvs(ROWS, random_state=3)), ROWS)
        assert tail.share_above(tail.threshold(share)) == pytest.approx(share, rel=1e-6)
    assert tail.share_above(99.0) == 0, "nothing lies beyond the end of a tail that has one"


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (stats.cauchy.rvs(size=5_000, random_state=0), "too heavy to be continued"),
        (np.round(stats.norm.rvs(size=5_000, random_state=0), 1), "are equal"),
        (np.r_[np.linspace(0, 1, 4_800), np.full(200, 2.0)], "are equal"),
        (np.r_[np.linspace(0, 1, 4_750), np.linspace(2, 2.01, 250)], "no extreme-value tail fits"),
        (stats.norm.rvs(size=900, random_state=0), "needs 50 scores in the highest 5 %.*there are 45"),
    ],
)
def test_a_bad_fit_is_refused_in_words(scores, words):
    with pytest.raises(DataError, match=words) as refusal:
        ExtremeTail().threshold(reference_quantiles(scores), scores, rows=len(scores))
    assert "instead" in str(refusal.value)
