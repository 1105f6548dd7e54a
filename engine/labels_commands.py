"""What each command of ``labels`` does: the ledger of labels, without the screen."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.console import add_reading, json_text, note, reading_options
from engine.errors import EngineError, UsageError

if TYPE_CHECKING:
    from engine.data.dataset import Dataset
    from engine.labels.ledger import LabelLedger
    from engine.workspace import Workspace


def add_commands(verbs: Any) -> None:
    """``labels`` with its actions."""
    labels = verbs.add_parser("labels", help="list, export or import what people said of rows")
    actions = labels.add_subparsers(required=True, metavar="ACTION")
    for action, run, text in (
        ("list", list_labels, "every data set with labels, or the labels of one"),
        ("export", export_labels, "write the labels of a data set as CSV"),
        ("import", import_labels, "take labels from a CSV file, once however often it is brought"),
    ):
        command = actions.add_parser(action, help=text)
        optional: dict[str, Any] = {"nargs": "?"} if action == "list" else {}
        command.add_argument("data", metavar="DATA", help="the file, or the id of a data set", **optional)
        if action == "import":
            command.add_argument(
                "labels", type=Path, metavar="FILE.csv", help="a row or id or time, and a label"
            )
            command.add_argument("--who", help="whose labels these are (default: your user name)")
        if action == "export":
            command.add_argument("--output", required=True, type=Path, metavar="FILE.csv")
        add_reading(command)
        command.add_argument("--json", action="store_true", help="JSON on stdout")
        command.set_defaults(run=run)


def list_labels(options: argparse.Namespace) -> None:
    """Every data set with how many labels it has, or the labels of one."""
    from engine.labels.current import current_labels

    with _ledger() as (space, ledger):
        if options.data is not None:
            dataset = _dataset(space, options)
            lines: list[dict[str, Any]] = [
                {"row": row + 1, **event.label.as_dict(), "who": event.who, "model": event.model}
                for row, event in current_labels(ledger, dataset).events.items()
                if event.label is not None
            ]
            if options.json:
                print(json_text(lines))
                return
            for line in lines:
                rest = ", ".join(line[name] for name in ("class_name", "tag", "note", "who") if line[name])
                print(f"row {line['row']:,}  {line['verdict']}" + (f"  {rest}" if rest else ""))
            if not lines:
                print("no row of this data set is labelled")
            return
        found = [_counted(space, ledger, id) for id in ledger.datasets()]
    if options.json:
        print(json_text(found))
        return
    for line in found:
        print(
            f"{line['dataset']}  {line['name']}  {line['anomaly']:,} anomalies, {line['normal']:,} normal, "
            f"{line['unsure']:,} not sure"
        )
    if not found:
        print(
            "nothing is labelled yet; rows are labelled on the pages Results and Inspect, or with `labels import`"
        )


def export_labels(options: argparse.Namespace) -> None:
    """Write the labels of a data set as a CSV file that ``import`` takes back."""
    from engine.files import write_atomically
    from engine.labels.current import current_labels
    from engine.labels.exchange import labels_csv

    if options.output.suffix.lower() != ".csv" or not options.output.parent.is_dir():
        raise UsageError(
            f"labels are written to a .csv file in a folder that is there, got '{options.output}'"
        )
    with _ledger() as (space, ledger):
        dataset = _dataset(space, options)
        labels = current_labels(ledger, dataset)
        try:
            write_atomically(options.output, labels_csv(labels, dataset))
        except OSError as problem:
            raise EngineError(f"'{options.output}' was not written: {problem.strerror}") from None
    answer = {"labels": len(labels), "output": str(options.output)}
    print(json_text(answer) if options.json else f"{len(labels):,} labels -> {options.output}")


def import_labels(options: argparse.Namespace) -> None:
    """Take labels from a CSV file; what was noticed on the way goes to stderr."""
    from engine.labels.exchange import bring_labels

    if not options.labels.is_file():
        raise UsageError(f"there is no file '{options.labels}'")
    with _ledger() as (space, ledger):
        dataset = _dataset(space, options)
        who = options.who or getpass.getuser()
        new, found = bring_labels(ledger, dataset, options.labels.read_bytes(), who=who)
    for finding in found.findings:
        note(finding.text)
    answer = {"labels": len(found.labels), "new": new}
    said = f"{new:,} labels are saved" if new else f"all {len(found.labels):,} labels were saved before"
    print(json_text(answer) if options.json else said)


@contextmanager
def _ledger() -> Iterator[tuple[Workspace, LabelLedger]]:
    from engine.workspace import Workspace

    space = Workspace.from_environment()
    with closing(space.open_labels()) as ledger:
        yield space, ledger


def _dataset(space: Workspace, options: argparse.Namespace) -> Dataset:
    """The data set that a command names by file or by id; a file is kept in the workspace."""
    path = Path(options.data)
    if path.is_file():
        return space.datasets.add(path, path.name, reading_options(options.read))
    if options.data in space.datasets.ids():
        return space.datasets.get(options.data)
    raise UsageError(f"there is no file '{options.data}', and no data set with that id")


def _counted(space: Workspace, ledger: LabelLedger, id: str) -> dict[str, Any]:
    from engine.labels.events import standing

    events = standing(ledger.of_dataset(id)).values()
    verdicts = [event.label.verdict for event in events if event.label is not None]
    try:
        name = space.datasets.get(id).name
    except EngineError:
        name = "(no longer here)"
    counts = {verdict: verdicts.count(verdict) for verdict in ("anomaly", "normal", "unsure")}
    return {"dataset": id, "name": name, **counts}
