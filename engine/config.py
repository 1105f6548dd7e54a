"""A training run as a YAML file: what ``train --config`` reads. A key left out is an option not given."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from engine.detectors import CATALOGUE
from engine.errors import UsageError
from engine.hyperparameters import declared
from engine.labels.learning import check_learns
from engine.scoring.rules import rule_from_text
from engine.scoring.thresholds import Rule

PERCENTILE = "threshold_percentile"  # another way to say contamination: 95 is 0.05
SYNONYMS = {"model_type": "detector"}


@dataclass(kw_only=True)
class TrainConfig:
    """The choices of one training run, by the names the command line uses."""

    detector: str = "isolation_forest"
    name: str | None = None
    label: str | None = None
    time: str | None = None
    entity: str | None = None
    kind: Literal["table", "series"] | None = None
    ignore: list[str] = field(default_factory=list)
    scaling: str = "standard"
    window: int | None = None
    first: int | None = None
    learn_from_label: bool = False
    labels: bool = False
    threshold_rule: str | None = None
    threshold_group: str | None = None
    classes: str | None = None
    encoder: str | None = None
    hyperparameters: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> TrainConfig:
        """Read and check a YAML file; an unknown key names its nearest neighbour."""
        import yaml

        try:
            values = yaml.safe_load(path.read_text(encoding="utf-8"))
        except OSError as problem:
            raise UsageError(f"the configuration '{path}' cannot be read: {problem.strerror}") from None
        except (yaml.YAMLError, UnicodeDecodeError) as problem:
            raise UsageError(f"the configuration '{path}' is not valid YAML: {problem}") from None
        if not isinstance(values, Mapping):
            raise UsageError(
                f"the configuration '{path}' must hold 'key: value' lines, such as 'detector: neighbours'"
            )
        return cls.from_dict(values)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrainConfig:
        """The run that such keys describe; ``scaling`` and the percentile may stand among the hyperparameters."""
        given: dict[str, Any] = {}
        for key, value in values.items():
            if value is not None:
                _put(given, SYNONYMS.get(str(key), str(key)), value)
        knobs = given.pop("hyperparameters", {})
        if not isinstance(knobs, Mapping):
            raise UsageError("hyperparameters must be 'key: value' lines, indented under 'hyperparameters:'")
        knobs = {str(key): value for key, value in knobs.items() if value is not None}
        if PERCENTILE in given:
            _put(knobs, PERCENTILE, given.pop(PERCENTILE))
        if "scaling" in given and "scaling" in knobs:
            _put(given, "scaling", knobs["scaling"])
        _check_names(given, [f.name for f in fields(cls)])
        config = cls(**given)
        config._check()
        config.tune(knobs)
        return config

    def tune(self, values: Mapping[str, Any]) -> None:
        """Take hyperparameters over those there are, and what may stand among them: scaling and the percentile."""
        knobs = dict(values)
        scaling, percentile = knobs.pop("scaling", None), knobs.pop(PERCENTILE, None)
        if scaling is not None:
            self.scaling = _one_value("scaling", scaling)
        if percentile is not None:
            share = _share_above(percentile)
            said = knobs.setdefault("contamination", share)
            if _number(said) != share:
                raise UsageError(
                    f"{PERCENTILE} {percentile} flags a share of {share:g}, and contamination says {said}; "
                    "leave one of them out"
                )
        self.hyperparameters |= knobs

    @property
    def rule(self) -> Rule | None:
        """The rule that draws the model's own threshold, whatever the contamination; None: that does."""
        return None if self.threshold_rule is None else rule_from_text(self.threshold_rule)

    def check_together(self) -> None:
        """A UsageError where two choices say what is learned, or the detector learns from no labels."""
        if self.labels and self.classes is not None:
            raise UsageError("labels and classes both say what is learned; leave one of them out")
        if self.labels:
            check_learns(self.detector)

    def given(self) -> dict[str, Any]:
        """The choices that were made: what is left out was left to the program."""
        return {key: value for key, value in asdict(self).items() if value not in (None, [], {}, False)}

    def _check(self) -> None:
        """Bring each value into its type: YAML takes a bare 2024 for a number where a name is meant."""
        words = ("detector", "name", "label", "time", "entity", "kind", "scaling", "classes", "encoder")
        for key in (*words, "threshold_rule", "threshold_group"):
            value = getattr(self, key)
            setattr(self, key, None if value is None else _one_value(key, value))
        if self.kind not in (None, "table", "series"):
            raise UsageError(f"kind must be table or series, got '{self.kind}'")
        if isinstance(self.ignore, dict):
            raise UsageError(f"ignore must be a list of columns, got {self.ignore}")
        columns = self.ignore if isinstance(self.ignore, list) else str(self.ignore).split(",")
        self.ignore = [str(column).strip() for column in columns]
        if self.window is not None and type(self.window) is not int:
            raise UsageError(f"window must be a whole number of readings, got '{self.window}'")
        if self.first is not None and type(self.first) is not int:
            raise UsageError(f"first must be a whole number of rows, got '{self.first}'")
        for key in ("learn_from_label", "labels"):
            if type(getattr(self, key)) is not bool:
                raise UsageError(f"{key} must be true or false, got '{getattr(self, key)}'")
        _ = self.rule


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Add what is said in one place to what may have been said in another, which must not differ."""
    if values.setdefault(key, value) != value:
        raise UsageError(f"{key} is said twice, as '{values[key]}' and as '{value}'; leave one of them out")


def _check_names(values: Mapping[str, Any], known: list[str]) -> None:
    """Raise a UsageError for a key that is none, with where it belongs or what it may have been meant to be."""
    chosen = values.get("detector", TrainConfig.detector)
    knobs = declared(CATALOGUE[str(chosen)]) if str(chosen) in CATALOGUE else {}
    for key in values:
        if key in known:
            continue
        if key in knobs:
            raise UsageError(f"'{key}' is a hyperparameter; indent it under 'hyperparameters:'")
        near = difflib.get_close_matches(key, [*known, *SYNONYMS, PERCENTILE], n=1)
        hint = f"; did you mean '{near[0]}'?" if near else ""
        raise UsageError(f"'{key}' is not a key of a configuration{hint} (it has {', '.join(known)})")


def _one_value(key: str, value: Any) -> str:
    if isinstance(value, (list, dict)):
        raise UsageError(f"{key} must be one value, got {value}")
    return str(value)


def _share_above(percentile: Any) -> float:
    """The contamination that flags what lies above a percentile of the training scores, 50 to 99.99."""
    number = _number(percentile)
    if not 50 <= number <= 99.99:
        raise UsageError(f"{PERCENTILE} must be a number between 50 and 99.99, got '{percentile}'")
    return round(1 - number / 100, 12)


def _number(value: Any) -> float:
    """A value as a number; NaN, which is equal to nothing, where it is none."""
    try:
        return float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return float("nan")
