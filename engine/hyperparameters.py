"""One declaration per hyperparameter, read by validation, web form, YAML, ``--set``, sweeps and the card.

A hyperparameter is a dataclass field whose metadata carries bounds, choices and one line of help::

    n_estimators: int = hyperparameter(100, "Number of trees.", low=1, high=2000)
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from engine.errors import UsageError

MOST_NUMBERS = 8  # of a hyperparameter that is a list, such as the widths of a network's layers


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """What may be said about one knob: its type, default, range and one line of help."""

    name: str
    kind: type  # bool, int, float, str, or tuple: 1 to MOST_NUMBERS whole numbers
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    several: bool = False  # a text that names some of the choices, with commas between them
    advanced: bool = False  # shown only on request
    log: bool = False  # search and slide on a logarithmic scale
    title: str = ""  # the name as a person reads it, where the field's own term says little

    @property
    def label(self) -> str:
        """The name as a person reads it."""
        return self.title or self.name.replace("_", " ").capitalize()

    def check(self, value: Any) -> Any:
        """The value in the declared type, or a :class:`UsageError` that states the rule and what was given."""
        if self.kind is bool:
            return self._boolean(value)
        if self.several:
            return self._some(value)
        if self.choices:
            if value not in self.choices:
                known = ", ".join(self.choices)
                raise UsageError(
                    f"{self.name} must be one of {known}, got '{value}'{_nearest(value, self.choices)}"
                )
            return value
        if self.kind is str:
            return str(value)
        return self._numbers(value) if self.kind is tuple else self._number(value)

    def named(self, value: Any) -> list[str]:
        """The choices that a value of several names."""
        parts = value.split(",") if isinstance(value, str) else list(value)
        return [str(part).strip() for part in parts if str(part).strip()]

    def _some(self, value: Any) -> str:
        """Names with commas between them, each one of the choices."""
        names, known = self.named(value), ", ".join(self.choices)
        for name in names:
            if name not in self.choices:
                raise UsageError(
                    f"each of {self.name} must be one of {known}, got '{name}'{_nearest(name, self.choices)}"
                )
        return ", ".join(names)

    def text(self, value: Any) -> str:
        """A value as a person writes it: ``64, 32, 16`` for a list. :meth:`check` reads it back."""
        return ", ".join(map(str, value)) if self.kind is tuple else str(value)

    def allowed(self) -> str:
        """What may be given, in words; empty where the help alone says it, as of a text."""
        if self.kind is bool:
            return "true or false"
        if self.several:
            return f"some of {', '.join(self.choices)}, with commas between them"
        if self.choices or self.kind is str:
            return f"one of {', '.join(self.choices)}" if self.choices else ""
        bounded = self.low is not None or self.high is not None
        return self._wanted() + (f"{self._each(', ')} {self.range_text()}" if bounded else "")

    def range_text(self) -> str:
        """The allowed range in words."""
        if self.low is None:
            return f"at or below {self.high:.10g}"
        if self.high is None:
            return f"at or above {self.low:.10g}"
        return f"between {self.low:.10g} and {self.high:.10g}"

    def _numbers(self, value: Any) -> tuple[int, ...]:
        """Whole numbers from a list, or from a text such as ``64, 32, 16`` or ``[64, 32, 16]``."""
        if isinstance(value, str):
            inside = value.strip()
            if inside.startswith("[") and inside.endswith("]"):
                inside = inside[1:-1]
            entries = [entry.strip() for entry in inside.split(",")]
        else:
            entries = list(value) if isinstance(value, (list, tuple)) else [value]
        if not 1 <= len(entries) <= MOST_NUMBERS:
            raise UsageError(f"{self.name} must be {self._wanted()}, got {len(entries)}")
        return tuple(self._number(entry) for entry in entries)

    def _number(self, value: Any) -> Any:
        """One finite number within the range, whole unless the kind is float."""
        try:
            number = float(value)
            exact = self.kind is float or number == int(number)
        except (TypeError, ValueError, OverflowError):
            exact = False
        if isinstance(value, bool) or not exact or not math.isfinite(number):
            raise UsageError(f"{self.name} must be {self._wanted()}, got '{value}'")
        if (self.low is not None and number < self.low) or (self.high is not None and number > self.high):
            raise UsageError(f"{self.name} must{self._each(' ')} lie {self.range_text()}, got {value}")
        return number if self.kind is float else int(number)

    def _each(self, after: str) -> str:
        return f"{after}each" if self.kind is tuple else ""

    def _wanted(self) -> str:
        if self.kind is tuple:
            return f"1 to {MOST_NUMBERS} whole numbers such as '{self.text(self.default)}'"
        return "a whole number" if self.kind is int else "a number"

    def _boolean(self, value: Any) -> bool:
        if isinstance(value, bool):
            return value
        words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if str(value).lower() not in words:
            raise UsageError(f"{self.name} must be true or false, got '{value}'")
        return words[str(value).lower()]


def hyperparameter(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] | Callable[[], tuple[str, ...]] = (),
    several: bool = False,
    advanced: bool = False,
    log: bool = False,
    title: str = "",
) -> Any:
    """A dataclass field that declares a hyperparameter beside its default.

    ``choices`` that are known only later, such as the names in a catalogue, are given as a function.
    """
    facts: dict[str, Any] = {
        "low": low,
        "high": high,
        "choices": choices,
        "several": several,
        "advanced": advanced,
    }
    facts |= {"log": log, "title": title}
    return field(default=default, metadata={"help": help, **facts})


def declared(owner: type) -> dict[str, Hyperparameter]:
    """The hyperparameters a class declares, by name, in the order of declaration."""
    hints = get_type_hints(owner)
    return {f.name: _from_field(f, hints[f.name]) for f in fields(owner) if "help" in f.metadata}


def checked(owner: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """All hyperparameters of ``owner``: the given values checked, the others at their defaults.

    An unknown name raises a :class:`UsageError` that names its nearest neighbour.
    """
    known = declared(owner)
    for name in values:
        if name not in known:
            raise UsageError(
                f"'{name}' is not a hyperparameter of {getattr(owner, 'title', owner.__name__)}"
                f"{_nearest(name, tuple(known))}; it has {', '.join(known)}"
            )
    return {
        name: knob.check(values[name]) if name in values else knob.default for name, knob in known.items()
    }


def _from_field(declaration: Field[Any], hint: Any) -> Hyperparameter:
    assert declaration.default is not MISSING, f"hyperparameter {declaration.name} needs a default"
    origin = get_origin(hint)
    kind = tuple if origin is tuple else str if origin is not None else hint
    facts = dict(declaration.metadata)
    if callable(facts["choices"]):
        facts["choices"] = facts["choices"]()
    if origin is Literal:
        facts["choices"] = facts["choices"] or get_args(hint)
    return Hyperparameter(name=declaration.name, kind=kind, default=declaration.default, **facts)


def _nearest(word: Any, options: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(str(word), options, n=1)
    return f"; did you mean '{near[0]}'?" if near else ""
