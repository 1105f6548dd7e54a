"""Fault frequencies from geometry: a bearing whose figures are published, and what must hold for every bearing."""

import pytest

from engine.data.vibration import Bearing, fault_frequencies
from engine.errors import UsageError

ZA_2115 = Bearing(n_balls=16, ball_diameter=0.331, pitch_diameter=2.815, contact_angle=15.17)


def test_the_rexnord_za_2115_at_2000_rpm_has_its_published_frequencies():
    found = fault_frequencies(ZA_2115, 2_000)
    assert found["bpfo"] == pytest.approx(236.4, abs=0.05)
    assert found["bpfi"] == pytest.approx(296.9, abs=0.05)
    assert 2 * found["bsf"] == pytest.approx(
        279.8, abs=0.1
    )  # published as blows: two for each turn of a ball
    assert found["ftf"] == pytest.approx(14.8, abs=0.05)


def test_balls_pass_both_races_together_as_often_as_there_are_balls_in_a_turn():
    found = fault_frequencies(ZA_2115, 1_200)
    assert found["bpfo"] + found["bpfi"] == pytest.approx(16 * 20)
    assert found["bpfo"] == pytest.approx(16 * found["ftf"])


def test_frequencies_grow_with_the_speed():
    slow, fast = (fault_frequencies(ZA_2115, rpm) for rpm in (500, 1_500))
    assert fast == pytest.approx({name: 3 * hertz for name, hertz in slow.items()})


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        ({"n_balls": 0}, "at least one ball or roller, got 0"),
        ({"ball_diameter": 3.0}, "below the pitch diameter, got 3 and 2.815"),
        ({"contact_angle": 90}, "from 0 to below 90 degrees, got 90"),
    ],
)
def test_a_bearing_that_cannot_be_is_refused(geometry, words):
    with pytest.raises(UsageError, match=words):
        Bearing(**{"n_balls": 16, "ball_diameter": 0.331, "pitch_diameter": 2.815, **geometry})


def test_a_shaft_that_stands_still_has_no_fault_frequencies():
    with pytest.raises(UsageError, match="must be above 0 turns a minute, got 0"):
        fault_frequencies(ZA_2115, 0)
