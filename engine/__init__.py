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
    from engine.class_evaluation import (
        ClassEvaluation,
        kept_evaluation,
        kept_learning_curve,
        kept_stages,
    )
    from engine.classifying import load_two_stage_model, predict_anomalies
    from engine.contestants import stored_leaderboard
    from engine.data.dataset import Dataset
    from engine.data.features import FeatureRecipe
    from engine.data.fingerprint import Fingerprint
    from engine.data.reading import ReadingOptions, read_table
    from engine.data.roles import Roles, as_binary, seconds_of, suggest
    from engine.data.samples import SAMPLES
    from engine.data.schema import ABSENT, compare
    from engine.data.stories import STORIES, Story
    from engine.data.timeline import Timeline
    from engine.detectors import AUTO, CATALOGUE, Detector, detector_class, recommended, suitable
    from engine.errors import DataError, EngineError, UsageError
    from engine.group_lines import GroupedResult, judged_by_group
    from engine.hyperparameters import Hyperparameter, declared
    from engine.jobs import Job, JobManager
    from engine.labels.consequences import (
        LabelledPrecision,
        LabelledThreshold,
        precision_so_far,
        rows_like,
        same_reasons,
        threshold_from_labels,
    )
    from engine.labels.current import Labels, current_labels, give_labels
    from engine.labels.events import LabelEvent, last_act
    from engine.labels.exchange import bring_labels, labels_csv
    from engine.labels.frozen import GIVEN, freeze_labels
    from engine.labels.ledger import LabelLedger
    from engine.labels.suggesting import ToLabel, rows_to_label
    from engine.labels.verdicts import VERDICT_WORDS, Label, Verdict
    from engine.leaderboard import AgreementMeasure, Leaderboard, Standing, flagged_by_one, flags_of, surely
    from engine.model import Card, Model, load_fingerprint, load_recipe
    from engine.named_classes import UNLIKE, NamedClasses
    from engine.offers import Offer, offers_for, readable_card
    from engine.reporting.choices import REPORT_SECTIONS, ReportChoices
    from engine.result_files import picture_name, report_name, result_name
    from engine.results import Result
    from engine.scoring.affiliation import Affiliation
    from engine.scoring.agreement import agreeing
    from engine.scoring.contexts import Contexts
    from engine.scoring.drift import Drift
    from engine.scoring.event_metrics import EventMetrics
    from engine.scoring.events import Event, Events
    from engine.scoring.explanations import method_of
    from engine.scoring.groups import GroupedRows, Groups
    from engine.scoring.labelled_lines import FEWEST
    from engine.scoring.metrics import Curve, best_f1_of, confusion_at, curve
    from engine.scoring.reasons import in_plain_words, nearest_normal, places
    from engine.scoring.rules import RULES, Line, lines, rule_from_dict, usual_rules
    from engine.scoring.shared_reasons import ReasonGroup
    from engine.scoring.thresholds import Rule, percentile_of
    from engine.series_files import SeriesFiles
    from engine.series_result import Lanes, SeriesColumns, SeriesResult
    from engine.snippets import cli_line, python_snippet
    from engine.store import ModelStore, suggested_name, validated_name
    from engine.unlabelled import Unlabelled, kept_unlabelled
    from engine.window_view import Normal, Rebuilt, WindowView, kept_window
    from engine.workspace import Workspace

_HOMES = {
    "ABSENT": "engine.data.schema",
    "AUTO": "engine.detectors",
    "CATALOGUE": "engine.detectors",
    "FEWEST": "engine.scoring.labelled_lines",
    "GIVEN": "engine.labels.frozen",
    "REPORT_SECTIONS": "engine.reporting.choices",
    "RULES": "engine.scoring.rules",
    "SAMPLES": "engine.data.samples",
    "STORIES": "engine.data.stories",
    "UNLIKE": "engine.named_classes",
    "VERDICT_WORDS": "engine.labels.verdicts",
    "Affiliation": "engine.scoring.affiliation",
    "AgreementMeasure": "engine.leaderboard",
    "Card": "engine.model",
    "Checked": "engine.checked",
    "CheckedSeries": "engine.checked",
    "ClassEvaluation": "engine.class_evaluation",
    "Contexts": "engine.scoring.contexts",
    "Curve": "engine.scoring.metrics",
    "DataError": "engine.errors",
    "Dataset": "engine.data.dataset",
    "Detector": "engine.detectors",
    "Drift": "engine.scoring.drift",
    "EngineError": "engine.errors",
    "Event": "engine.scoring.events",
    "EventMetrics": "engine.scoring.event_metrics",
    "Events": "engine.scoring.events",
    "FeatureRecipe": "engine.data.features",
    "Fingerprint": "engine.data.fingerprint",
    "GroupedResult": "engine.group_lines",
    "GroupedRows": "engine.scoring.groups",
    "Groups": "engine.scoring.groups",
    "Half": "engine.checked",
    "Hyperparameter": "engine.hyperparameters",
    "Job": "engine.jobs",
    "JobManager": "engine.jobs",
    "Judgement": "engine.analysis",
    "Label": "engine.labels.verdicts",
    "LabelEvent": "engine.labels.events",
    "LabelLedger": "engine.labels.ledger",
    "LabelledPrecision": "engine.labels.consequences",
    "LabelledThreshold": "engine.labels.consequences",
    "Labels": "engine.labels.current",
    "Lanes": "engine.series_result",
    "Leaderboard": "engine.leaderboard",
    "Line": "engine.scoring.rules",
    "Model": "engine.model",
    "ModelStore": "engine.store",
    "NamedClasses": "engine.named_classes",
    "Normal": "engine.window_view",
    "Offer": "engine.offers",
    "ReadingOptions": "engine.data.reading",
    "ReasonGroup": "engine.scoring.shared_reasons",
    "Rebuilt": "engine.window_view",
    "ReportChoices": "engine.reporting.choices",
    "Result": "engine.results",
    "Roles": "engine.data.roles",
    "Rule": "engine.scoring.thresholds",
    "SeriesColumns": "engine.series_result",
    "SeriesFiles": "engine.series_files",
    "SeriesResult": "engine.series_result",
    "Standing": "engine.leaderboard",
    "Story": "engine.data.stories",
    "Timeline": "engine.data.timeline",
    "ToLabel": "engine.labels.suggesting",
    "Unlabelled": "engine.unlabelled",
    "UsageError": "engine.errors",
    "Verdict": "engine.labels.verdicts",
    "WindowView": "engine.window_view",
    "Workspace": "engine.workspace",
    "agreeing": "engine.scoring.agreement",
    "as_binary": "engine.data.roles",
    "best_f1_of": "engine.scoring.metrics",
    "bring_labels": "engine.labels.exchange",
    "cli_line": "engine.snippets",
    "compare": "engine.data.schema",
    "confusion_at": "engine.scoring.metrics",
    "current_labels": "engine.labels.current",
    "curve": "engine.scoring.metrics",
    "declared": "engine.hyperparameters",
    "detector_class": "engine.detectors",
    "evaluate": "engine.analysis",
    "evaluate_series": "engine.analysis",
    "flagged_by_one": "engine.leaderboard",
    "flags_of": "engine.leaderboard",
    "freeze_labels": "engine.labels.frozen",
    "give_labels": "engine.labels.current",
    "import_bundle": "engine.bundle",
    "in_plain_words": "engine.scoring.reasons",
    "judge": "engine.analysis",
    "judged_by_group": "engine.group_lines",
    "kept_evaluation": "engine.class_evaluation",
    "kept_learning_curve": "engine.class_evaluation",
    "kept_stages": "engine.class_evaluation",
    "kept_unlabelled": "engine.unlabelled",
    "kept_window": "engine.window_view",
    "labels_csv": "engine.labels.exchange",
    "last_act": "engine.labels.events",
    "lines": "engine.scoring.rules",
    "load_fingerprint": "engine.model",
    "load_recipe": "engine.model",
    "load_two_stage_model": "engine.classifying",
    "method_of": "engine.scoring.explanations",
    "nearest_normal": "engine.scoring.reasons",
    "offers_for": "engine.offers",
    "percentile_of": "engine.scoring.thresholds",
    "picture_name": "engine.result_files",
    "places": "engine.scoring.reasons",
    "precision_so_far": "engine.labels.consequences",
    "predict_anomalies": "engine.classifying",
    "python_snippet": "engine.snippets",
    "read_table": "engine.data.reading",
    "readable_card": "engine.offers",
    "recommended": "engine.detectors",
    "report_name": "engine.result_files",
    "result_name": "engine.result_files",
    "rows_like": "engine.labels.consequences",
    "rows_to_label": "engine.labels.suggesting",
    "rule_from_dict": "engine.scoring.rules",
    "same_reasons": "engine.labels.consequences",
    "seconds_of": "engine.data.roles",
    "stored_leaderboard": "engine.contestants",
    "suggest": "engine.data.roles",
    "suggested_name": "engine.store",
    "suitable": "engine.detectors",
    "surely": "engine.leaderboard",
    "threshold_from_labels": "engine.labels.consequences",
    "train": "engine.analysis",
    "usual_rules": "engine.scoring.rules",
    "validated_name": "engine.store",
}

__all__ = [
    "ABSENT",
    "AUTO",
    "CATALOGUE",
    "FEWEST",
    "GIVEN",
    "REPORT_SECTIONS",
    "RULES",
    "SAMPLES",
    "STORIES",
    "UNLIKE",
    "VERDICT_WORDS",
    "Affiliation",
    "AgreementMeasure",
    "Card",
    "Checked",
    "CheckedSeries",
    "ClassEvaluation",
    "Contexts",
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
    "GroupedResult",
    "GroupedRows",
    "Groups",
    "Half",
    "Hyperparameter",
    "Job",
    "JobManager",
    "Judgement",
    "Label",
    "LabelEvent",
    "LabelLedger",
    "LabelledPrecision",
    "LabelledThreshold",
    "Labels",
    "Lanes",
    "Leaderboard",
    "Line",
    "Model",
    "ModelStore",
    "NamedClasses",
    "Normal",
    "Offer",
    "ReadingOptions",
    "ReasonGroup",
    "Rebuilt",
    "ReportChoices",
    "Result",
    "Roles",
    "Rule",
    "SeriesColumns",
    "SeriesFiles",
    "SeriesResult",
    "Standing",
    "Story",
    "Timeline",
    "ToLabel",
    "Unlabelled",
    "UsageError",
    "Verdict",
    "WindowView",
    "Workspace",
    "agreeing",
    "as_binary",
    "best_f1_of",
    "bring_labels",
    "cli_line",
    "compare",
    "confusion_at",
    "current_labels",
    "curve",
    "declared",
    "detector_class",
    "evaluate",
    "evaluate_series",
    "flagged_by_one",
    "flags_of",
    "freeze_labels",
    "give_labels",
    "import_bundle",
    "in_plain_words",
    "judge",
    "judged_by_group",
    "kept_evaluation",
    "kept_learning_curve",
    "kept_stages",
    "kept_unlabelled",
    "kept_window",
    "labels_csv",
    "last_act",
    "lines",
    "load_fingerprint",
    "load_recipe",
    "load_two_stage_model",
    "method_of",
    "nearest_normal",
    "offers_for",
    "percentile_of",
    "picture_name",
    "places",
    "precision_so_far",
    "predict_anomalies",
    "python_snippet",
    "read_table",
    "readable_card",
    "recommended",
    "report_name",
    "result_name",
    "rows_like",
    "rows_to_label",
    "rule_from_dict",
    "same_reasons",
    "seconds_of",
    "stored_leaderboard",
    "suggest",
    "suggested_name",
    "suitable",
    "surely",
    "threshold_from_labels",
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
