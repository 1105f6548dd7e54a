"""What the columns of a table are for, and a first guess at it with the reason in words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from engine.data.reading.types import ColumnType
from engine.errors import UsageError

Role = Literal["feature", "time", "entity", "label", "id", "ignore"]
Kind = Literal["table", "series"]
ROLES: tuple[Role, ...] = get_args(Role)

ROLE_HELP: dict[Role, str] = {
    "feature": "Used to judge how unusual a row is.",
    "time": "When the row happened; orders a time series.",
    "entity": "Which machine, customer or series a row belongs to.",
    "label": "The known answer, used only to check a model, never to train an unsupervised one.",
    "id": "Names the row; shown, not used.",
    "ignore": "Left out.",
}

_LABEL = re.compile(
    r"^(is_?|has_?)?(label|labels|class|target|anomaly|anomalous|outlier|fraud|fraudulent|attack|fault|faulty|failing"
    r"|failure|defect|abnormal|ground_?truth|y)(_?(label|class|type|flag))?$|_(class|label)$"
)
_BOOKKEEPING = re.compile(
    r"^(split|changepoint|anomaly_score|severity|is_anomaly|reasons|fold|baseline|snapshot|window_no|begins_s)$"
)
_ID = re.compile(r"(^|_)(id|uuid|guid|key|no|nr|number|index|row)$|^unnamed|^#$|^$")
_TIME = re.compile(r"(time|date|datum|zeit|timestamp|^ts$|^t$|^ds$|^step$|^cycle$|^index$|^tick$)")
_ENTITY = re.compile(
    r"^(customer|client|user|account|card|machine|device|sensor|asset|unit|engine|well|host|server|series|entity"
    r"|station|vehicle|patient|store|site|employee|badge|person|item|window)(_?(id|no|nr|number|name|key))?$"
)
MOST_ANSWERS = 30  # different values of a known answer
MOST_CATEGORIES = 0.5  # share of distinct values above which text is taken for free text


@dataclass(frozen=True)
class Roles:
    """The role of every column, and whether the rows are a table or a time series."""

    columns: Mapping[str, Role]
    kind: Kind = "table"

    def __post_init__(self) -> None:
        for column, role in self.columns.items():
            if role not in ROLES:
                raise UsageError(f"the role of '{column}' must be one of {', '.join(ROLES)}, got '{role}'")
        for role in ("time", "entity", "label"):
            if len(self.of(role)) > 1:
                raise UsageError(
                    f"one column at most can have the role {role}, got {', '.join(map(repr, self.of(role)))}; "
                    "set the others to ignore"
                )
        if self.kind == "series" and self.time is None:
            raise UsageError(
                "a time series needs a column with the role time; choose one or treat it as a table"
            )

    def of(self, role: str) -> tuple[str, ...]:
        """The columns that have this role, in their order."""
        return tuple(column for column, given in self.columns.items() if given == role)

    @property
    def features(self) -> tuple[str, ...]:
        return self.of("feature")

    @property
    def time(self) -> str | None:
        return next(iter(self.of("time")), None)

    @property
    def entity(self) -> str | None:
        return next(iter(self.of("entity")), None)

    @property
    def label(self) -> str | None:
        return next(iter(self.of("label")), None)

    def as_dict(self) -> dict[str, Any]:
        return {"columns": dict(self.columns), "kind": self.kind}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Roles:
        return cls(columns=dict(values["columns"]), kind=values.get("kind", "table"))


@dataclass(frozen=True)
class Suggestion:
    """Suggested roles, with the reason for each column that is not simply a feature."""

    roles: Roles
    reasons: Mapping[str, str]


def suggest(frame: pd.DataFrame, types: Mapping[str, ColumnType]) -> Suggestion:
    """Guess the role of every column from its name and content."""
    given: dict[str, Role] = {}
    reasons: dict[str, str] = {}
    for column in frame.columns:
        role, reason = _guess(column, frame[column], types[column])
        if role in ("time", "label", "entity") and role in given.values():
            role, reason = _second(role, reason)
        given[column] = role
        if reason:
            reasons[column] = reason
    if "time" not in given.values():
        _integer_time(frame, types, given, reasons)
    roles = Roles(given)
    if roles.time is not None and _is_series(frame, roles):
        roles = Roles(given, kind="series")
    return Suggestion(roles, reasons)


def overruled(
    suggested: Roles,
    *,
    label: str | None = None,
    time: str | None = None,
    entity: str | None = None,
    ignore: Iterable[str] = (),
    kind: Kind | None = None,
) -> Roles:
    """Suggested roles with some columns named outright; a name that does not exist is a :class:`UsageError`.

    ``kind`` says whether the rows are a table or a series, None: as suggested, if there is a time still.
    """
    columns: dict[str, Role] = dict(suggested.columns)
    wanted: list[tuple[Role, str]] = [("ignore", c) for c in ignore]
    for role, column in (("label", label), ("time", time), ("entity", entity)):
        if column is not None:
            columns = {c: ("ignore" if r == role and c != column else r) for c, r in columns.items()}  # type: ignore[misc]
            wanted.append((role, column))  # type: ignore[arg-type]
    for role, column in wanted:
        if column not in columns:
            raise UsageError(
                f"there is no column '{column}'; the columns are {', '.join(map(repr, columns))}"
            )
        columns[column] = role
    recognised: Kind = "series" if suggested.kind == "series" and "time" in columns.values() else "table"
    return Roles(columns, kind or recognised)


def as_binary(labels: pd.Series) -> tuple[np.ndarray, str]:
    """Labels as 1 (anomaly), 0 (normal) or NaN (unknown) (n_samples,), and how they were understood in words."""
    known = labels.dropna()
    result = np.full(len(labels), np.nan)
    if known.empty:
        return result, "no label is filled in"
    codes, different = pd.factorize(known)
    words = pd.Series(different).astype(str).str.strip().str.lower().str.replace(r"\.0$", "", regex=True)
    values = set(words)
    if values <= {"1", "-1"} and "-1" in values:
        normal = {"1"}  # scikit-learn's convention: -1 is the outlier
    elif values & NORMAL_WORDS:
        normal = values & NORMAL_WORDS
    elif values <= ANOMALY_WORDS:
        normal = set()
    else:
        rows = pd.Series(np.bincount(codes), index=words).groupby(level=0, sort=False).sum()
        normal = {str(rows.idxmax())}
    result[labels.notna().to_numpy()] = (~words.isin(normal)).to_numpy(dtype=float)[codes]
    said = ", ".join(f"'{v}'" for v in sorted(normal)) or "no value"
    return result, f"{said} counts as normal, every other value as anomaly"


NORMAL_WORDS = {
    "0", "false", "no", "normal", "normal.", "ok", "good", "benign", "none", "healthy", "legit", "legitimate",
    "negative", "inlier", "regular", "pass", "nein", "n",
}  # fmt: skip
ANOMALY_WORDS = {
    "1",
    "true",
    "yes",
    "anomaly",
    "outlier",
    "fraud",
    "attack",
    "fault",
    "failure",
    "positive",
    "y",
}


def sampling(frame: pd.DataFrame, roles: Roles) -> dict[str, Any] | None:
    """How a series is sampled: ``step_seconds`` (median), ``regular`` share, ``gaps``, ``entities``; None without time.

    A gap is a step of more than three times the median step.
    """
    if roles.time is None:
        return None
    seconds = seconds_of(frame[roles.time])
    groups = frame[roles.entity] if roles.entity else pd.Series(0, index=frame.index)
    known = pd.DataFrame({"entity": groups.to_numpy(), "at": seconds}).dropna()
    order = known.sort_values(["entity", "at"], kind="stable")
    steps = order.groupby("entity", observed=True)["at"].diff().dropna().to_numpy()
    if len(steps) == 0:
        return None
    positive = steps[steps > 0]
    step = float(np.median(positive)) if len(positive) else 0.0
    return {
        "step_seconds": step,
        "regular": float(np.mean(np.abs(steps - step) <= 0.1 * step)) if step else 0.0,
        "gaps": int((steps > 3 * step).sum()) if step else 0,
        "longest_gap_seconds": float(steps.max()),
        "repeated": int((steps == 0).sum()),
        "entities": int(order["entity"].nunique()),
        "start": float(order["at"].min()),
        "end": float(order["at"].max()),
    }


def seconds_of(column: pd.Series) -> np.ndarray:
    """A time column as seconds (n_samples,), NaN where missing; integer steps count as seconds."""
    if pd.api.types.is_datetime64_any_dtype(column):
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            column = column.dt.tz_convert(None)
        stamps = column.astype("datetime64[us]").to_numpy()
        return np.where(np.isnat(stamps), np.nan, stamps.astype("int64") / 1e6)
    return pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)


# ---- one column at a time


def _guess(column: str, values: pd.Series, kind: ColumnType) -> tuple[Role, str]:
    name = re.sub(r"[^0-9a-z]+", "_", str(column).lower()).strip("_")
    distinct = values.nunique(dropna=True)
    if distinct == 0:
        return "ignore", "every cell is missing"
    if _BOOKKEEPING.search(name):
        return "ignore", "bookkeeping, not a measurement"
    if _LABEL.search(name) and 1 <= distinct <= MOST_ANSWERS and (kind != "number" or _whole(values)):
        return "label", "looks like a known answer"
    if distinct == 1 and not values.isna().any():
        return "ignore", "the same value in every row"
    if kind == "datetime":
        return "time", "dates and times"
    filled = int(values.notna().sum())
    if _ENTITY.search(name) and distinct > 1 and filled / distinct >= 3 and kind in ("text", "integer"):
        return "entity", f"{distinct:,} different, each in several rows"
    if kind == "text" and distinct > 0.95 * filled and filled > 20:
        return "id", "a different text in every row"
    if (
        kind == "integer"
        and distinct == filled
        and _counts_up(values)
        and (_ID.search(name) or _TIME.search(name))
    ):
        return "id", "counts up from row to row"
    if kind in ("integer", "text") and _ID.search(name) and distinct > 0.5 * filled and filled > 20:
        return "id", "nearly a different value in every row"
    if kind == "text" and distinct > max(50, MOST_CATEGORIES * filled):
        return "ignore", f"free text: {distinct:,} different values"
    return "feature", ""


def _second(role: str, reason: str) -> tuple[Role, str]:
    if role == "time":
        return "feature", "a second time column"
    if role == "label":
        return "ignore", "a second known answer; left out so that it cannot give the first away"
    return "feature", reason


def _whole(values: pd.Series) -> bool:
    """Whether numbers with a point are whole ones: so a column of 0 and 1 is stored when some cells are missing."""
    known = values.dropna().to_numpy(dtype=float)
    return bool((known == np.floor(known)).all())


def _counts_up(values: pd.Series, within: pd.Series | None = None) -> bool:
    """Whether numbers rise by the same step from row to row, or from row to row of each group."""
    known = values.dropna().astype(float)
    steps = (
        (known.diff() if within is None else known.groupby(within, observed=True).diff()).dropna().to_numpy()
    )
    return bool(len(steps) > 0 and (steps == steps[0]).all() and steps[0] > 0)


def _integer_time(
    frame: pd.DataFrame, types: Mapping[str, ColumnType], given: dict[str, Role], reasons: dict[str, str]
) -> None:
    """Without dates, a column called t, step or time that counts up, for each entity at least, is the time."""
    entity = next((frame[column] for column, role in given.items() if role == "entity"), None)
    for column in frame.columns:
        if types[column] != "integer" or not _TIME.search(str(column).lower()):
            continue
        if _counts_up(frame[column]) or (entity is not None and _counts_up(frame[column], entity)):
            given[column], reasons[column] = "time", "counts up in equal steps"
            return


def _is_series(frame: pd.DataFrame, roles: Roles) -> bool:
    """A series is sampled: most steps of an entity are the same. Events that merely carry a date are a table."""
    facts = sampling(frame, roles)
    numeric = [c for c in roles.features if pd.api.types.is_numeric_dtype(frame[c])]
    return facts is not None and facts["regular"] >= 0.7 and facts["step_seconds"] > 0 and bool(numeric)
