"""The job that writes a report of a stored result, and the same for the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.reporting.drawing import BY_ITSELF, Easel, easel

if TYPE_CHECKING:
    from engine.detectors.base import Progress
    from engine.reporting.choices import ReportChoices
    from engine.reporting.subject import Subject
    from engine.tasks import Job


def run_report(spec: dict[str, Any], job: Job) -> dict[str, Any]:
    """Write a report of ``result`` with what is above ``threshold`` flagged, as ``name``. Returns the file's ``path``.

    ``rule`` is the rule that has drawn the line, ``events`` the choices that make events of a series, ``choices`` those
    of :class:`ReportChoices`. With ``own_lines`` the rule has drawn a line for each group of rows.
    """
    with easel() as drawing:  # before anything slow is imported: painters take as long to begin
        return _written(spec, job, drawing)


def _written(spec: dict[str, Any], job: Job, drawing: Easel) -> dict[str, Any]:
    from engine.reporting.choices import ReportChoices
    from engine.reporting.labels_given import labels_of
    from engine.reporting.subject import Subject
    from engine.scoring.rules import rule_from_dict
    from engine.workspace import Workspace

    space = Workspace(Path(spec["workspace"]), Path(spec["models"]))
    found = space.results.load(spec["result"])
    job.progress(0.05, "Reading the data")
    given = labels_of(space, found.dataset)
    rule, threshold = rule_from_dict(spec["rule"]), float(spec["threshold"])
    subject = Subject.of(
        space, found, rule, threshold, spec.get("events"), own_lines=bool(spec.get("own_lines")), given=given
    )
    path = job.directory / Path(spec["name"]).name  # goes when the job goes
    choices = ReportChoices(**spec["choices"])
    path.write_bytes(report_bytes(path.suffix, subject, choices, job.progress, drawing))
    return {"path": str(path)}


def report_bytes(
    suffix: str, subject: Subject, choices: ReportChoices, progress: Progress, drawing: Easel = BY_ITSELF
) -> bytes:
    """A report as the content of a file: a page (``.html``) or a workbook (``.xlsx``)."""
    from engine.reporting.page import page
    from engine.reporting.sections import report
    from engine.reporting.sheets import sheets

    progress(0.1, "Putting the report together")
    said = report(subject, choices)
    write = sheets if suffix == ".xlsx" else page
    return write(said, lambda done, message: progress(0.4 + 0.6 * done, message), drawing)
