"""What requests and answers hold. The OpenAPI description and the page of documentation are made from it."""

from __future__ import annotations

import typing
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from engine.data.reading.types import ReadingOptions
from engine.data.roles import Kind

Percentile = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
State = Literal["uploaded", "queued", "running", "analyzed", "failed", "cancelled", "interrupted"]
Name = Annotated[str, Field(max_length=200)]


class Request(BaseModel):
    """A body: nothing in it may be unknown, since a key that is misspelt would be ignored in silence."""

    model_config = ConfigDict(extra="forbid")


class RoleChoices(Request):
    """What columns are for, where the first guess is wrong."""

    label: str | None = None
    time: str | None = None
    entity: str | None = None
    ignore: list[str] = []
    kind: Kind | None = None


_HINTS = typing.get_type_hints(ReadingOptions)
ReadingChoices = create_model(
    "ReadingChoices",
    __base__=Request,
    __doc__="How to read the file, where what was found is wrong.",
    **{f.name: (_HINTS[f.name], f.default) for f in fields(ReadingOptions)},  # type: ignore[call-overload]
)


class Analysis(Request):
    """Which model judges a data set, and where the line is drawn. Everything may be left out."""

    model: Name | None = Field(
        default=None, description="NAME or NAME@VERSION; left out, the best fitting one"
    )
    detector: Name | None = Field(default=None, description="choose among the models of this detector only")
    hyperparameters: dict[str, Any] = Field(
        default={}, description="choose among the models trained with these only"
    )
    percentile: Percentile | None = Field(
        default=None,
        description="flag what is more unusual than this percentage of the training rows",
        examples=[99],
    )
    rule: Name | None = Field(
        default=None,
        description="draw the line by a rule instead, KIND or KIND=NUMBER: percentile, contamination, budget, fdr, "
        "evt, mad, fixed",
        examples=["fdr=0.1"],
    )
    per_entity: bool = Field(
        default=False,
        description="a line of its own for each entity, or group of the model's threshold_group, with enough scores of "
        "training",
    )
    mapping: dict[str, str] = Field(
        default={}, description="column the model needs -> column of the data set"
    )


class Training(Request):
    """What a model is trained from."""

    dataset: Name = Field(description="id of a data set", examples=["DATASET"])
    detector: Name = Field(
        default="isolation_forest", description="auto: the one that suits the data, tried without labels"
    )
    hyperparameters: dict[str, Any] = {}
    window: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None, description="readings a series is judged by; left out, chosen from its rhythm"
    )
    learn_from_label: bool = Field(
        default=False, description="learn from labelled anomalies, too; else labels only measure"
    )
    labels: bool = Field(
        default=False, description="learn from the labels given to rows of this data set, as they stand now"
    )
    rule: Name | None = Field(
        default=None,
        description="draws the model's own threshold on the scores of training, KIND or KIND=NUMBER: percentile, "
        "contamination, fdr, evt, mad, budget, fixed; cost, best_f1 with a label",
        examples=["evt=10"],
    )
    threshold_group: str | None = Field(
        default=None,
        description="column of the groups that may have lines of their own; left out, the entity's",
    )


class LabelIn(Request):
    """What is said of one row."""

    row: Annotated[int, Field(ge=0, le=10**12, description="number of the row in the data set, from 0")]
    label: Literal["anomaly", "normal", "unsure", "cleared"]
    class_name: str = Field(default="", alias="class", max_length=80, description="which kind of anomaly")
    tag: str = Field(default="", max_length=80)
    note: str = Field(default="", max_length=2_000)


class LabelsSaid(Request):
    """Labels that are given at once."""

    labels: Annotated[list[LabelIn], Field(min_length=1, max_length=10_000)] = Field(
        description='{"row": …, "label": "anomaly", "normal", "unsure" or "cleared", "class": …, "tag": …, "note": …} '
        "each, at most 10,000; rows are counted from 0",
        examples=[[{"row": 17, "label": "anomaly", "class": "leak"}]],
    )
    model: Name | None = Field(default=None, description="whose result was looked at, NAME or NAME@VERSION")


class Undoing(Request):
    """Which act is taken back."""

    act: Name | None = Field(default=None, description="as the answer named it; left out, this token's last")


class LabelOut(BaseModel):
    row: int = Field(description="number of the row in the data set, from 0")
    label: str = Field(description="anomaly, normal or unsure")
    class_name: str = Field(alias="class", description="which kind of anomaly; empty where none was said")
    tag: str
    note: str
    who: str = Field(description="a token's name, or the name given on the page; a note, not proof")
    when: str
    model: str = Field(description="NAME@VERSION whose result was looked at; empty for none")
    act: str = Field(description="what was given at once has one act, and is taken back as a whole")


class LabelPage(BaseModel):
    labels: list[LabelOut]
    total: int
    counts: dict[str, int] = Field(description="rows labelled anomaly, normal and unsure")
    next: int | None = Field(description="offset of the next page, null on the last one")


class LabelsGiven(BaseModel):
    act: str = Field(description="the name to take them back by")
    saved: int = Field(description="labels that were not saved before")


class LabelsUndone(BaseModel):
    act: str
    undone: int = Field(description="labels taken back; 0 where they were taken back before")


class LabelsBrought(LabelsGiven):
    labels: int = Field(description="labels in the file for rows of this data set")
    findings: list[str] = Field(description="how the file was understood")


class Column(BaseModel):
    name: str
    type: str
    role: str


class Found(BaseModel):
    """Something noticed while the file was read."""

    level: str
    text: str
    column: str | None = None


class DatasetOut(BaseModel):
    id: str
    name: str
    created: str
    rows: int
    kind: str = Field(description="table or series")
    columns: list[Column]
    findings: list[Found]


class DatasetShort(BaseModel):
    id: str
    name: str
    created: str
    rows: int


class DatasetPage(BaseModel):
    datasets: list[DatasetShort]
    total: int
    next: int | None = Field(description="offset of the next page, null on the last one")


class Started(BaseModel):
    """An analysis that was begun, or one that was there already."""

    session_id: str
    status: State
    reused: bool
    model: str | None = Field(description="NAME@VERSION; null while it is being trained")


class Status(BaseModel):
    status: State
    progress: int = Field(default=0, description="0 to 100")
    anomaly_count: int | None = None
    reasons_ready: bool = Field(default=False, description="the flags are there first, their reasons follow")
    session_id: str | None = None
    queue_position: int | None = Field(default=None, description="1 is next")
    eta_seconds: float | None = None
    message: str = ""
    threshold: float | None = None
    model: str | None = Field(default=None, description="NAME@VERSION")


class ReasonOut(BaseModel):
    """A column that makes the row unusual."""

    column: str
    share: float = Field(description="of what makes the row unusual, 0 to 1")
    value: str
    usual: str
    how: str = Field(
        default="", description="in which way it is unusual, such as 'high' or 'never seen before'"
    )
    text: str


class Anomaly(BaseModel):
    row: int = Field(description="number of the row in the data set, from 0")
    severity: float = Field(description="percentile among the training scores, 0 to 100")
    score: float = Field(description="higher is more anomalous")
    values: dict[str, Any]
    reasons: list[ReasonOut] = Field(description="strongest first; empty beyond the 2,000 most unusual rows")
    class_: str | None = Field(
        default=None,
        alias="class",
        description="what probably happened, or 'unlike any known class'; null of a model that names no classes",
    )
    class_probability: float | None = Field(default=None, description="of the likeliest class, 0 to 1")


class AnomalyPage(BaseModel):
    anomalies: list[Anomaly]
    total: int
    reasons_ready: bool = Field(description="false: the rows are flagged, and their reasons follow")
    threshold: float = Field(description="with lines of their own the common one")
    lines: str | None = Field(default=None, description="which groups have lines of their own, in words")
    model: str
    next: int | None = Field(description="offset of the next page, null on the last one")


class ModelShort(BaseModel):
    id: str = Field(description="NAME@VERSION")
    name: str
    version: int
    detector: str
    rows: int = Field(description="rows it learned from")
    dataset: str = Field(description="name of the data it learned from")
    columns: dict[str, str] = Field(description="columns it needs, with their types")
    threshold: float
    created: str
    shipped: bool = Field(description="came with the program")


class ModelOut(ModelShort):
    hyperparameters: dict[str, Any]
    features: list[str]
    left_out: dict[str, str]
    rule: dict[str, Any]
    window: int | None
    notes: list[str]
    labelled: int = Field(description="rows labelled as anomalies that it learned from")
    classes: dict[str, Any] | None = Field(
        description="names of the classes it tells apart, the column that taught it, accuracy and macro-F1 on held-out "
        "rows; null without"
    )
    injected: dict[str, Any] | None = Field(
        description="beside plain baselines on held-out readings with injected anomalies; null of a table"
    )
    versions: list[int] = Field(description="every version of this name, the newest first")


class JobOut(BaseModel):
    id: str
    kind: str
    title: str
    status: str = Field(description="queued, running, done, failed, cancelled or interrupted")
    progress: int
    message: str
    error: str | None
    incident: str | None
    queue_position: int | None
    eta_seconds: float | None
    model: str | None = Field(description="what it made, or used")


class JobStarted(BaseModel):
    job: JobOut


class Health(BaseModel):
    status: Literal["ok"]


class Problem(BaseModel):
    """What every refusal looks like."""

    error: str = Field(description="what must hold, and what was found")
    hint: str = Field(description="what to do")
    incident: str | None = Field(default=None, description="what to look for in the log of the server")
