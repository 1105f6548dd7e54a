"""Results drawn: each function turns arrays into one Vega-Lite chart and one sentence that says the same.

Altair is the compiler, not the painter. It builds each kind of chart once per theme, for all processes; after
that only the small named tables under ``spec["datasets"]`` are made anew. A screen that keeps the chart and
swaps the tables redraws without a flicker, so what a slider moves is in a table of its own, and never in the
specification or in the sentence: a changed sentence makes the browser build the chart again.
"""

import numpy as np

from engine.charts.against_threshold import DRAGGED, MEASURES, cost_line, metric_lines, rule_lines
from engine.charts.binning import histogram
from engine.charts.chart import MAX_MARKS, PALETTES, Chart, Palette, Theme, nothing
from engine.charts.classes import class_confusion, class_learning_curve, reliability
from engine.charts.contest import MOST_MODELS, agreement_map, overlaid_pr, overlaid_roc, overlap_curves
from engine.charts.evaluation import confusion_grid, corners, pr_chart, roc_chart
from engine.charts.lanes import CELL, lane_map
from engine.charts.lead_time import lead_time_chart
from engine.charts.overview import BRUSH, overview
from engine.charts.picture import FORMATS, Format, html_page, picture
from engine.charts.rows import contribution_bars, expected_strip, range_strip
from engine.charts.scores import flagged_curve, label_histogram, score_histogram
from engine.charts.series import joined, moment, neighbourhood, series_chart
from engine.charts.thinning import MAX_FLAGGED, thin
from engine.charts.training import has_parts, loss_curves, loss_parts
from engine.charts.windows import error_map, normal_window, rebuilt_window
from engine.charts.worst import PICKED, contribution_map

__all__ = [
    "BRUSH",
    "CELL",
    "DRAGGED",
    "FORMATS",
    "MAX_FLAGGED",
    "MAX_MARKS",
    "MEASURES",
    "MOST_MODELS",
    "PALETTES",
    "PICKED",
    "Chart",
    "Format",
    "Palette",
    "Theme",
    "agreement_map",
    "class_confusion",
    "class_learning_curve",
    "confusion_grid",
    "contribution_bars",
    "contribution_map",
    "corners",
    "cost_line",
    "error_map",
    "expected_strip",
    "flagged_curve",
    "has_parts",
    "histogram",
    "html_page",
    "joined",
    "label_histogram",
    "lane_map",
    "lead_time_chart",
    "loss_curves",
    "loss_parts",
    "metric_lines",
    "moment",
    "neighbourhood",
    "normal_window",
    "nothing",
    "overlaid_pr",
    "overlaid_roc",
    "overlap_curves",
    "overview",
    "picture",
    "pr_chart",
    "prepare",
    "prepare_evaluation",
    "range_strip",
    "rebuilt_window",
    "reliability",
    "roc_chart",
    "rule_lines",
    "score_histogram",
    "series_chart",
    "thin",
]


def prepare() -> None:
    """Have the chart ready that is drawn first, compiled if it was not kept, so that no visitor waits for it."""
    edges, counts = histogram(np.linspace(0.0, 1.0, 200))
    for theme in PALETTES:
        score_histogram(edges, counts, 0.9, log=False, theme=theme)


def prepare_evaluation() -> None:
    """The same for the charts of the page Evaluate, which somebody may open next."""
    some = np.linspace(0.0, 1.0, 200)
    edges, counts = histogram(some)
    for theme in PALETTES:
        confusion_grid(1, 1, 1, 1, theme=theme)
        roc_chart(some, some, (0.5, 0.5), 0.5, theme=theme)
        pr_chart(some, some, (0.5, 0.5), 0.5, 0.5, theme=theme)
        label_histogram(edges, counts, counts, 0.9, theme=theme)
        metric_lines(some, dict.fromkeys(MEASURES, some), 0.5, theme=theme)
        cost_line(some, some, (0.5, 0.5), (0.5, 0.5), theme=theme)
