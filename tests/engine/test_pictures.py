"""A chart as a file: whole, with its words, fetched from nowhere, and harmless whatever a column is called."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine import charts, plot_commands
from engine.errors import UsageError

CURVE = np.linspace(0, 1, 50)
HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture(scope="module")
def roc():
    return charts.roc_chart(CURVE, np.sqrt(CURVE), (0.04, 0.2), 0.667, theme="light")


def test_a_png_is_twice_as_large_as_its_plot(roc):
    content = charts.picture(roc, "png", width=400)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(content[at : at + 4]) for at in (16, 20))
    assert width > 2 * 400
    assert height > 2 * 320


def test_an_svg_has_title_source_words_and_the_sentence(roc):
    drawn = charts.picture(roc, "svg", title="ROC curve", below="cards.csv, cards@3").decode()
    for words in ("ROC curve", "Area under the curve 0.667", "cards.csv, cards@3", roc.alt[:40]):
        assert words in drawn
    assert 'fill="#FFFFFF"' in drawn or 'fill="white"' in drawn


def test_every_theme_has_its_own_ground(roc):
    assert charts.PALETTES["dark"].ground in charts.picture(roc, "svg", theme="dark").decode()


@pytest.mark.parametrize("format", charts.FORMATS)
def test_a_name_that_looks_like_a_script_stays_words(format):
    drawn = charts.range_strip(
        [HOSTILE], np.ones(1), np.zeros(1), np.ones(1), np.full(1, 2.0), [HOSTILE], theme="light"
    )
    content = charts.picture(drawn, format, title=HOSTILE)
    assert b"<script>alert" not in content


def test_a_page_carries_all_it_needs(roc):
    page = charts.picture(roc, "html").decode()
    assert not re.findall(r"<(?:script|link)[^>]+(?:src|href)=", page)
    assert "vegaEmbed" in page


def test_nothing_is_fetched_for_a_picture(roc):
    away = charts.Chart({**roc.spec, "data": {"url": "http://127.0.0.1:9/rows.csv"}, "datasets": {}}, "away")
    away.spec.pop("layer")
    away.spec["mark"] = "point"
    with pytest.raises(ValueError, match="not allowed"):
        charts.picture(away, "svg")


def test_a_format_there_is_none_of_is_refused_in_words(roc):
    with pytest.raises(UsageError, match="png, svg, html, not as 'gif'"):
        charts.picture(roc, "gif")


def test_the_command_line_offers_every_format():
    assert plot_commands.FORMATS == charts.FORMATS


def test_what_draws_is_loaded_when_a_chart_is_taken_away():
    program = "import sys, engine.cli, engine.charts, ui.pictures; print('vl_convert' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert done.stdout.strip() == "False"
