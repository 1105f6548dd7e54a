"""Loupe's engine: find, tune and explain anomalies in a table or a time series, with or without a screen.

    from engine import Model, ModelStore, read_table
    model = Model.load(ModelStore("models"), "payments")
    scores = model.score(read_table("payments.csv").frame)

Names are imported when first used, so that ``import engine`` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.analysis import Evaluation, Judgement, evaluate, evaluation_at, judge, train
    from engine.data.dataset import Dataset, DatasetStore
    from engine.data.features import FeatureRecipe
    from engine.data.reading import Finding, Reading, ReadingOptions, read_table
    from engine.data.roles import Roles, as_binary, seconds_of, suggest
    from engine.data.samples import SAMPLES
    from engine.data.schema import compare
    from engine.detectors import CATALOGUE, Detector, detector_class
    from engine.errors import DataError, EngineError, UsageError
    from engine.hyperparameters import Hyperparameter, declared
    from engine.jobs import Job, JobManager
    from engine.model import Card, Model, Scores, load_recipe
    from engine.report import result_name
    from engine.results import Result, ResultStore
    from engine.scoring.metrics import Curve, curve
    from engine.scoring.reasons import nearest_normal, places
    from engine.scoring.thresholds import RULES, Rule, rule_from_dict
    from engine.snippets import cli_line, python_snippet
    from engine.store import ModelStore, suggested_name, validated_name
    from engine.workspace import Workspace

_HOMES = {
    "evaluation_at": "engine.analysis",
    "curve": "engine.scoring.metrics",
    "Curve": "engine.scoring.metrics",
    "FeatureRecipe": "engine.data.features",
    "nearest_normal": "engine.scoring.reasons",
    "places": "engine.scoring.reasons",
    "load_recipe": "engine.model",
    "result_name": "engine.report",
    "python_snippet": "engine.snippets",
    "cli_line": "engine.snippets",
    "validated_name": "engine.store",
    "suggested_name": "engine.store",
    "compare": "engine.data.schema",
    "seconds_of": "engine.data.roles",
    "CATALOGUE": "engine.detectors",
    "Card": "engine.model",
    "DataError": "engine.errors",
    "Dataset": "engine.data.dataset",
    "DatasetStore": "engine.data.dataset",
    "Detector": "engine.detectors",
    "EngineError": "engine.errors",
    "Evaluation": "engine.analysis",
    "Finding": "engine.data.reading",
    "Hyperparameter": "engine.hyperparameters",
    "Job": "engine.jobs",
    "JobManager": "engine.jobs",
    "Judgement": "engine.analysis",
    "Model": "engine.model",
    "ModelStore": "engine.store",
    "RULES": "engine.scoring.thresholds",
    "Reading": "engine.data.reading",
    "ReadingOptions": "engine.data.reading",
    "Result": "engine.results",
    "ResultStore": "engine.results",
    "Roles": "engine.data.roles",
    "Rule": "engine.scoring.thresholds",
    "SAMPLES": "engine.data.samples",
    "Scores": "engine.model",
    "UsageError": "engine.errors",
    "Workspace": "engine.workspace",
    "as_binary": "engine.data.roles",
    "declared": "engine.hyperparameters",
    "detector_class": "engine.detectors",
    "evaluate": "engine.analysis",
    "judge": "engine.analysis",
    "read_table": "engine.data.reading",
    "rule_from_dict": "engine.scoring.thresholds",
    "suggest": "engine.data.roles",
    "train": "engine.analysis",
}

__all__ = [
    "CATALOGUE",
    "RULES",
    "SAMPLES",
    "Card",
    "Curve",
    "DataError",
    "Dataset",
    "DatasetStore",
    "Detector",
    "EngineError",
    "Evaluation",
    "FeatureRecipe",
    "Finding",
    "Hyperparameter",
    "Job",
    "JobManager",
    "Judgement",
    "Model",
    "ModelStore",
    "Reading",
    "ReadingOptions",
    "Result",
    "ResultStore",
    "Roles",
    "Rule",
    "Scores",
    "UsageError",
    "Workspace",
    "as_binary",
    "cli_line",
    "compare",
    "curve",
    "declared",
    "detector_class",
    "evaluate",
    "evaluation_at",
    "judge",
    "load_recipe",
    "nearest_normal",
    "places",
    "python_snippet",
    "read_table",
    "result_name",
    "rule_from_dict",
    "seconds_of",
    "suggest",
    "suggested_name",
    "train",
    "validated_name",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
