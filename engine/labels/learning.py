"""Labels given in Loupe for a training: which detectors take them, and those of a file's data set as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from engine.detectors import AUTO, CATALOGUE, detector_class
from engine.errors import UsageError
from engine.labels.current import current_labels
from engine.labels.frozen import freeze_labels, thawed_labels, with_labels

if TYPE_CHECKING:
    import pandas as pd

    from engine.data.dataset import Dataset
    from engine.data.roles import Roles
    from engine.labels.ledger import LabelLedger
    from engine.workspace import Workspace


def check_learns(detector: str) -> None:
    """A UsageError unless the detector can learn from labels."""
    if detector == AUTO or not detector_class(detector).learns_from_labels:
        able = ", ".join(name for name, kind in CATALOGUE.items() if kind.learns_from_labels)
        title = (
            "'auto', which compares several detectors,"
            if detector == AUTO
            else detector_class(detector).title
        )
        raise UsageError(
            f"{title} learns from no labels; leave the labels out, or choose a detector that does: {able}"
        )


def frozen_labels(space: Workspace, dataset: Dataset, ledger: LabelLedger) -> str:
    """Freeze the labels of a data set as they stand now; the name to find them by."""
    return freeze_labels(space.frozen_labels, dataset.id, current_labels(ledger, dataset))


def told_of_file(
    space: Workspace,
    path: Path,
    reading: Sequence[str],
    frame: pd.DataFrame,
    roles: Roles,
    detector: str,
    *,
    beside: bool,
) -> tuple[pd.DataFrame, Roles, str]:
    """The rows of a file with the labels given to them in Loupe as their label, their roles, and the labels' name.

    The file is a data set of the workspace by what it holds and how it is read. With ``beside`` its own label column
    speaks for the rows nobody labelled.
    """
    from engine.console import reading_options

    check_learns(detector)
    dataset = space.datasets.add(path, path.name, reading_options(reading))
    with closing(space.open_labels()) as ledger:
        name = frozen_labels(space, dataset, ledger)
    given = thawed_labels(space.frozen_labels, name)
    named = detector_class(detector).names_classes
    told, known = with_labels(frame, roles, given, beside=beside, named=named)
    return told, known, name
