"""A training run as a YAML file: what ``train --config`` reads. A key left out is an option not given."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from engine.errors import UsageError


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
        known = [f.name for f in fields(cls)]
        for key in values:
            if key not in known:
                near = difflib.get_close_matches(str(key), known, n=1)
                hint = f"; did you mean '{near[0]}'?" if near else ""
                raise UsageError(f"'{key}' is not a key of a configuration{hint} (it has {', '.join(known)})")
        config = cls(**{str(k): v for k, v in values.items() if v is not None})
        config._check()
        return config

    def _check(self) -> None:
        """Bring each value into its type: YAML takes a bare 2024 for a number where a name is meant."""
        for key in ("detector", "name", "label", "time", "entity", "kind", "scaling"):
            value = getattr(self, key)
            if isinstance(value, (list, dict)):
                raise UsageError(f"{key} must be one value, got {value}")
            setattr(self, key, None if value is None else str(value))
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
        if not isinstance(self.hyperparameters, dict):
            raise UsageError("hyperparameters must be 'key: value' lines, indented under 'hyperparameters:'")
