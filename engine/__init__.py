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
    from engine.contestants import entry_of, stored_leaderboard
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
    from engine.leaderboard import (
        AgreementMeasure,
        Entry,
        Leaderboard,
        Standing,
        flagged_by_one,
        flags_of,
        surely,
    )
    from engine.leaderboard_job import kept_leaderboard
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
    from engine.scoring.wording import moment_in_words
    from engine.series_files import SeriesFiles
    from engine.series_result import Lanes, SeriesColumns, SeriesResult
    from engine.snippets import cli_line, python_snippet
    from engine.store import ModelStore, suggested_name, validated_name
    from engine.unlabelled import Unlabelled, kept_unlabelled
    from engine.window_view import Normal, Rebuilt, WindowView, kept_window
    from engine.workspace import Workspace

_NAMES = {
    "engine.analysis": "Judgement evaluate evaluate_series judge train",
    "engine.bundle": "import_bundle",
    "engine.checked": "Checked CheckedSeries Half",
    "engine.class_evaluation": "ClassEvaluation kept_evaluation kept_learning_curve kept_stages",
    "engine.classifying": "load_two_stage_model predict_anomalies",
    "engine.contestants": "entry_of stored_leaderboard",
    "engine.data.dataset": "Dataset",
    "engine.data.features": "FeatureRecipe",
    "engine.data.fingerprint": "Fingerprint",
    "engine.data.reading": "ReadingOptions read_table",
    "engine.data.roles": "Roles as_binary seconds_of suggest",
    "engine.data.samples": "SAMPLES",
    "engine.data.schema": "ABSENT compare",
    "engine.data.stories": "STORIES Story",
    "engine.data.timeline": "Timeline",
    "engine.detectors": "AUTO CATALOGUE Detector detector_class recommended suitable",
    "engine.errors": "DataError EngineError UsageError",
    "engine.group_lines": "GroupedResult judged_by_group",
    "engine.hyperparameters": "Hyperparameter declared",
    "engine.jobs": "Job JobManager",
    "engine.labels.consequences": (
        "LabelledPrecision LabelledThreshold precision_so_far rows_like same_reasons threshold_from_labels"
    ),
    "engine.labels.current": "Labels current_labels give_labels",
    "engine.labels.events": "LabelEvent last_act",
    "engine.labels.exchange": "bring_labels labels_csv",
    "engine.labels.frozen": "GIVEN freeze_labels",
    "engine.labels.ledger": "LabelLedger",
    "engine.labels.suggesting": "ToLabel rows_to_label",
    "engine.labels.verdicts": "VERDICT_WORDS Label Verdict",
    "engine.leaderboard": "AgreementMeasure Entry Leaderboard Standing flagged_by_one flags_of surely",
    "engine.leaderboard_job": "kept_leaderboard",
    "engine.model": "Card Model load_fingerprint load_recipe",
    "engine.named_classes": "UNLIKE NamedClasses",
    "engine.offers": "Offer offers_for readable_card",
    "engine.reporting.choices": "REPORT_SECTIONS ReportChoices",
    "engine.result_files": "picture_name report_name result_name",
    "engine.results": "Result",
    "engine.scoring.affiliation": "Affiliation",
    "engine.scoring.agreement": "agreeing",
    "engine.scoring.contexts": "Contexts",
    "engine.scoring.drift": "Drift",
    "engine.scoring.event_metrics": "EventMetrics",
    "engine.scoring.events": "Event Events",
    "engine.scoring.explanations": "method_of",
    "engine.scoring.groups": "GroupedRows Groups",
    "engine.scoring.labelled_lines": "FEWEST",
    "engine.scoring.metrics": "Curve best_f1_of confusion_at curve",
    "engine.scoring.reasons": "in_plain_words nearest_normal places",
    "engine.scoring.rules": "RULES Line lines rule_from_dict usual_rules",
    "engine.scoring.shared_reasons": "ReasonGroup",
    "engine.scoring.thresholds": "Rule percentile_of",
    "engine.scoring.wording": "moment_in_words",
    "engine.series_files": "SeriesFiles",
    "engine.series_result": "Lanes SeriesColumns SeriesResult",
    "engine.snippets": "cli_line python_snippet",
    "engine.store": "ModelStore suggested_name validated_name",
    "engine.unlabelled": "Unlabelled kept_unlabelled",
    "engine.window_view": "Normal Rebuilt WindowView kept_window",
    "engine.workspace": "Workspace",
}
"""The module of the engine -> the names of its that are public."""

_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}

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
    "Entry",
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
    "entry_of",
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
    "kept_leaderboard",
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
    "moment_in_words",
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
