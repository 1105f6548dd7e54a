"""What ``report`` does: judge a file with a stored model, and write what was found as a page or a workbook."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import (
    add_judging,
    add_per_entity,
    add_reading,
    add_store,
    json_text,
    note,
    pairs,
    progress,
    reading_options,
    rule_of,
)
from engine.errors import UsageError
from engine.reporting.choices import REPORT_FORMATS, REPORT_SECTIONS, ReportChoices

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.data.roles import Kind, Roles
    from engine.model import Card
    from engine.reporting.subject import Subject
    from engine.scoring.thresholds import Rule
    from engine.store import ModelRef, ModelStore
    from engine.workspace import Workspace


def add_commands(verbs: Any) -> None:
    """Add ``report`` to the command line."""
    command = verbs.add_parser("report", help="a page or a workbook that says all that was found in a file")
    command.add_argument("data", type=Path, metavar="DATA")
    command.add_argument("--model", required=True, metavar="NAME[@VERSION]")
    command.add_argument(
        "--output", required=True, type=Path, metavar="FILE", help=f"ends in {' or '.join(REPORT_FORMATS)}"
    )
    command.add_argument(
        "--label", metavar="COLUMN", help="known answers (default: the model's label column)"
    )
    command.add_argument("--title", default="", help="what stands at the top (default: found by itself)")
    command.add_argument("--author", default="", help="who made it")
    command.add_argument("--note", default="", help="some words of your own, below the title")
    command.add_argument(
        "--sections", metavar="KEY,KEY", help=f"some of {', '.join(REPORT_SECTIONS)} (default: all)"
    )
    add_judging(command)
    add_per_entity(command)
    add_reading(command)
    add_store(command)
    command.add_argument("--json", action="store_true", help="one JSON object on stdout")
    command.set_defaults(run=report)


def report(options: argparse.Namespace) -> None:
    """Judge a file in a workspace of its own, which goes again, and write the report."""
    suffix = options.output.suffix.lower()
    if suffix not in REPORT_FORMATS:
        raise UsageError(
            f"a report's file must end in {' or '.join(REPORT_FORMATS)}, got '{options.output.name}'"
        )
    asked, mapping = rule_of(options), pairs(options.map, "--map")
    choices = ReportChoices(
        title=options.title, author=options.author, note=options.note, sections=_sections(options.sections)
    )
    from engine.workspace import Workspace

    models = options.models or Workspace.from_environment().models_root
    with tempfile.TemporaryDirectory() as folder:
        space = Workspace(Path(folder), models)
        ref = space.models.resolve(options.model)
        data = _brought(space, options, ref)
        from engine.report import put
        from engine.reporting.task import report_bytes

        own = {"own_lines": options.per_entity}
        subject = _judged(space, data, options.label, ref, asked, mapping, **own)
        put(options.output, report_bytes(suffix, subject, choices, progress))
    now = subject.judgement
    if options.json:
        answer = {
            "file": str(options.output),
            "model": subject.card.id,
            "threshold": now.threshold,
            "rows": now.rows,
            "judged": now.judged,
            "flagged": now.flagged,
            "drift": subject.result.drift.verdict,
        }
        print(json_text(answer))
        return
    print(f"flagged {now.flagged:,} of {now.judged:,} rows -> {options.output}")


def _sections(asked: str | None) -> tuple[str, ...]:
    return (
        tuple(REPORT_SECTIONS)
        if asked is None
        else tuple(key.strip() for key in asked.split(",") if key.strip())
    )


def _brought(space: Workspace, options: argparse.Namespace, ref: ModelRef) -> Dataset:
    """The file in the workspace, read in a child process while this one imports what comes next."""
    if not options.data.is_file():
        raise UsageError(f"there is no file '{options.data}'")
    reading = reading_options(options.read)
    with ThreadPoolExecutor(1) as child:
        adding = child.submit(space.datasets.add, options.data, options.data.name, reading)
        for module in _needed(space.models, ref):
            import_module(module)
        data = adding.result()
    for finding in data.findings:
        if finding.level == "warning":
            note(finding.text)
    return data


def _judged(
    space: Workspace,
    data: Dataset,
    label: str | None,
    ref: ModelRef,
    asked: Rule | None,
    mapping: dict[str, str],
    *,
    own_lines: bool = False,
) -> Subject:
    """What the model says of the data, with the line where the options or the model draw it."""
    import numpy as np

    from engine.analysis import judge
    from engine.labelled import answers_of, blocks_of
    from engine.model import Card
    from engine.reporting.labels_given import labels_of
    from engine.reporting.subject import Subject
    from engine.scoring.labelled_lines import told
    from engine.tasks import run_score
    from engine.workspace import Workspace

    card = Card.from_dict(space.models.card(ref))
    data = space.datasets.set_roles(data, _roles(data, card, label))
    spec = {"model": str(ref), "dataset": data.id, "mapping": mapping}
    places = {"workspace": str(space.root), "models": str(space.models_root)}
    result = space.results.load(run_score({**spec, **places}, _Terminal(space.root))["result"])
    rule, values, seen = asked or card.default_rule, np.asarray(result.values), None
    if rule.needs_labels:
        frame = data.frame()
        labels = answers_of(data.roles.label, frame, card)
        seen = told(rule, values, labels, blocks_of(frame, card, labels))
    threshold = judge(values, card, rule, seen).threshold
    given = labels_of(Workspace.from_environment(), data.id)
    return Subject.of(space, result, rule, threshold, own_lines=own_lines, given=given)


def _roles(data: Dataset, card: Card, label: str | None) -> Roles:
    """What the columns are for: as the model has learned it where it knows them, and the label as it was named."""
    from engine.data.roles import Roles, overruled

    known = card.roles["columns"]
    columns = {name: known.get(name, role) for name, role in data.roles.columns.items()}
    answers = [name for name, role in columns.items() if role == "label"]
    for second in answers[1:]:
        columns[second] = "ignore"
    timed = "time" in columns.values()
    kind: Kind = "series" if timed and card.roles.get("kind") == "series" else "table"
    roles = Roles(columns, kind)
    return roles if label is None else overruled(roles, label=label, kind=kind)


def _needed(store: ModelStore, ref: ModelRef) -> Iterator[str]:
    """What judging with a model, and writing a report, imports."""
    from engine.detectors import detector_class

    yield from ("pandas", "engine.tasks", "engine.reporting.task", "altair", "vl_convert")
    yield from detector_class(store.card(ref)["detector"]).imports


class _Terminal:
    """A job in this very process, whose progress is written to the terminal."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def progress(self, fraction: float, message: str = "") -> None:
        progress(fraction, message)

    def log(self, text: str) -> None:
        """Nobody reads it: what matters stands in the report."""

    def record(self, **values: float | str | None) -> None:
        """Judging draws no curve."""
