"""Loupe's engine: find, tune and explain anomalies in a table or a time series, with or without a screen.

    from engine import Model, ModelStore, read_table
    model = Model.load(ModelStore("models"), "payments")
    scores = model.score(read_table("payments.csv").frame)

Names are imported when first used, so that ``import engine`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.analysis import Judgement, evaluate, evaluate_series, judge, train
    from engine.bundle import import_bundle
    from engine.checked import Checked, CheckedSeries, Half
    from engine.data.dataset import Dataset
    from engine.data.features import FeatureRecipe
    from engine.data.fingerprint import Fingerprint
    from engine.data.reading import ReadingOptions, read_table
    from engine.data.roles import Roles, as_binary, seconds_of, suggest
    from engine.data.samples import SAMPLES
    from engine.data.schema import ABSENT, compare
    from engine.data.timeline import Timeline
    from engine.detectors import AUTO, CATALOGUE, Detector, detector_class, recommended
    from engine.errors import DataError, EngineError, UsageError
    from engine.hyperparameters import Hyperparameter, declared
    from engine.jobs import Job, JobManager
    from engine.model import Card, Model, load_fingerprint, load_recipe
    from engine.offers import Offer, offers_for, readable_card
    from engine.result_files import picture_name, result_name
    from engine.results import Result
    from engine.scoring.affiliation import Affiliation
    from engine.scoring.drift import Drift
    from engine.scoring.event_metrics import EventMetrics
    from engine.scoring.events import Event, Events
    from engine.scoring.explanations import METHOD_TEXT
    from engine.scoring.groups import Groups, by_group
    from engine.scoring.labelled_lines import FEWEST
    from engine.scoring.metrics import Curve, best_f1_of, confusion_at, curve
    from engine.scoring.reasons import nearest_normal, places
    from engine.scoring.rules import RULES, Line, lines, rule_from_dict, usual_rules
    from engine.scoring.thresholds import Rule, percentile_of
    from engine.series_files import SeriesFiles
    from engine.series_result import Lanes, SeriesColumns, SeriesResult
    from engine.snippets import cli_line, python_snippet
    from engine.store import ModelStore, suggested_name, validated_name
    from engine.unlabelled import Unlabelled, alike
    from engine.window_view import Normal, Rebuilt, WindowView, kept_window
    from engine.workspace import Workspace

_HOMES = {
    "ABSENT": "engine.data.schema",
    "AUTO": "engine.detectors",
    "CATALOGUE": "engine.detectors",
    "METHOD_TEXT": "engine.scoring.explanations",
    "RULES": "engine.scoring.rules",
    "SAMPLES": "engine.data.samples",
    "Affiliation": "engine.scoring.affiliation",
    "Card": "engine.model",
    "Checked": "engine.checked",
    "CheckedSeries": "engine.checked",
    "Curve": "engine.scoring.metrics",
    "DataError": "engine.errors",
    "Dataset": "engine.data.dataset",
    "Detector": "engine.detectors",
    "Drift": "engine.scoring.drift",
    "EngineError": "engine.errors",
    "Event": "engine.scoring.events",
    "EventMetrics": "engine.scoring.event_metrics",
    "Events": "engine.scoring.events",
    "FEWEST": "engine.scoring.labelled_lines",
    "FeatureRecipe": "engine.data.features",
    "Fingerprint": "engine.data.fingerprint",
    "Groups": "engine.scoring.groups",
    "Half": "engine.checked",
    "Hyperparameter": "engine.hyperparameters",
    "Job": "engine.jobs",
    "JobManager": "engine.jobs",
    "Judgement": "engine.analysis",
    "Lanes": "engine.series_result",
    "Line": "engine.scoring.rules",
    "Model": "engine.model",
    "ModelStore": "engine.store",
    "Normal": "engine.window_view",
    "Offer": "engine.offers",
    "ReadingOptions": "engine.data.reading",
    "Rebuilt": "engine.window_view",
    "Result": "engine.results",
    "Roles": "engine.data.roles",
    "Rule": "engine.scoring.thresholds",
    "SeriesColumns": "engine.series_result",
    "SeriesFiles": "engine.series_files",
    "SeriesResult": "engine.series_result",
    "Timeline": "engine.data.timeline",
    "Unlabelled": "engine.unlabelled",
    "UsageError": "engine.errors",
    "WindowView": "engine.window_view",
    "Workspace": "engine.workspace",
    "alike": "engine.unlabelled",
    "as_binary": "engine.data.roles",
    "best_f1_of": "engine.scoring.metrics",
    "by_group": "engine.scoring.groups",
    "cli_line": "engine.snippets",
    "compare": "engine.data.schema",
    "confusion_at": "engine.scoring.metrics",
    "curve": "engine.scoring.metrics",
    "declared": "engine.hyperparameters",
    "detector_class": "engine.detectors",
    "evaluate": "engine.analysis",
    "evaluate_series": "engine.analysis",
    "import_bundle": "engine.bundle",
    "judge": "engine.analysis",
    "kept_window": "engine.window_view",
    "lines": "engine.scoring.rules",
    "load_fingerprint": "engine.model",
    "load_recipe": "engine.model",
    "nearest_normal": "engine.scoring.reasons",
    "offers_for": "engine.offers",
    "percentile_of": "engine.scoring.thresholds",
    "picture_name": "engine.result_files",
    "places": "engine.scoring.reasons",
    "python_snippet": "engine.snippets",
    "read_table": "engine.data.reading",
    "readable_card": "engine.offers",
    "recommended": "engine.detectors",
    "result_name": "engine.result_files",
    "rule_from_dict": "engine.scoring.rules",
    "seconds_of": "engine.data.roles",
    "suggest": "engine.data.roles",
    "suggested_name": "engine.store",
    "train": "engine.analysis",
    "usual_rules": "engine.scoring.rules",
    "validated_name": "engine.store",
}

__all__ = [
    "ABSENT",
    "AUTO",
    "CATALOGUE",
    "FEWEST",
    "METHOD_TEXT",
    "RULES",
    "SAMPLES",
    "Affiliation",
    "Card",
    "Checked",
    "CheckedSeries",
    "Curve",
    "DataError",
    "Dataset",
    "Detector",
    "Drift",
    "EngineError",
    "Event",
    "EventMetrics",
    "Events",
    "FeatureRecipe",
    "Fingerprint",
    "Groups",
    "Half",
    "Hyperparameter",
    "Job",
    "JobManager",
    "Judgement",
    "Lanes",
    "Line",
    "Model",
    "ModelStore",
    "Normal",
    "Offer",
    "ReadingOptions",
    "Rebuilt",
    "Result",
    "Roles",
    "Rule",
    "SeriesColumns",
    "SeriesFiles",
    "SeriesResult",
    "Timeline",
    "Unlabelled",
    "UsageError",
    "WindowView",
    "Workspace",
    "alike",
    "as_binary",
    "best_f1_of",
    "by_group",
    "cli_line",
    "compare",
    "confusion_at",
    "curve",
    "declared",
    "detector_class",
    "evaluate",
    "evaluate_series",
    "import_bundle",
    "judge",
    "kept_window",
    "lines",
    "load_fingerprint",
    "load_recipe",
    "nearest_normal",
    "offers_for",
    "percentile_of",
    "picture_name",
    "places",
    "python_snippet",
    "read_table",
    "readable_card",
    "recommended",
    "result_name",
    "rule_from_dict",
    "seconds_of",
    "suggest",
    "suggested_name",
    "train",
    "usual_rules",
    "validated_name",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
