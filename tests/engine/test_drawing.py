"""Pictures drawn by processes of their own: the same as drawn here, and drawn here where such a process is no more."""

import numpy as np
import pytest

from engine import charts
from engine.charts.painter import paint
from engine.charts.picture import complete, still
from engine.reporting import drawing
from engine.reporting.drawing import BY_ITSELF, easel

CURVE = np.linspace(0, 1, 30)


@pytest.fixture(scope="module")
def spec():
    return still(complete(charts.roc_chart(CURVE, np.sqrt(CURVE), (0.04, 0.2), 0.667, theme="light")))


def test_painters_draw_what_this_process_draws_and_are_done_without_once_gone(spec, monkeypatch):
    monkeypatch.setattr(drawing, "cores", lambda: 2)
    here = {format: paint(spec, format, 1.0) for format in ("svg", "png")}
    with easel() as pictures:
        waiting = {format: pictures.start(spec, format, 1.0) for format in here}
        assert {format: wait() for format, wait in waiting.items()} == here
        for _ in range(4):
            with pytest.raises(ValueError, match=r"\w"):
                pictures.start({"mark": "no such mark"}, "svg", 1.0)()
        asked = [pictures.painters.get() for _ in range(2)]  # what failed leaves nothing behind in an answer
        assert [drawing._asked(painter, [spec, "svg", 1.0]) for painter in asked] == [here["svg"]] * 2
        for painter in asked:
            pictures.painters.put(painter)
        gone = [pictures.painters.get() for _ in range(2)]
        for painter in gone:
            painter.kill()
            painter.wait()
            pictures.painters.put(painter)
        assert pictures.start(spec, "svg", 1.0)() == here["svg"]


def test_one_core_has_no_painters(spec, monkeypatch):
    monkeypatch.setattr(drawing, "cores", lambda: 1)
    with easel() as pictures:
        assert pictures is BY_ITSELF
        assert pictures.start(spec, "svg", 1.0)() == paint(spec, "svg", 1.0)


def test_a_picture_keeps_only_the_selections_it_depends_on():
    times, values = np.arange(50.0), np.sin(np.arange(50.0))
    moving = charts.series_chart(times, values, channel="x", clock=False, theme="light").spec
    assert moving["params"]
    assert still(moving)["params"] == []
    assert still(moving)["datasets"] == moving["datasets"]
    chosen = charts.overlaid_roc({"a": (CURVE, CURVE)}, {"a": "model"}, theme="light").spec
    assert still(chosen) == chosen, "lines that are not chosen are faint"
