"""A workspace with two data sets brought from files: pump readings with ids, and two sensors minute by minute."""

from contextlib import closing
from dataclasses import dataclass

import pytest

from engine import Dataset, Workspace
from tests.pages.prepared import brought, pumps, rhythm


@dataclass(frozen=True)
class Place:
    space: Workspace
    pumps: Dataset
    rhythm: Dataset
    folder: object

    def bring(self, frame, name="more.csv", **roles):
        return brought(self.space, frame, name, self.folder, **roles)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled")
    space = Workspace(folder / "workspace", folder / "models")
    yield Place(
        space,
        brought(space, pumps(), "pumps.csv", folder),
        brought(space, rhythm(), "rhythm.csv", folder),
        folder,
    )
    space.datasets.close()


@pytest.fixture
def ledger(tmp_path):
    from engine.labels.ledger import LabelLedger

    with closing(LabelLedger(f"sqlite:///{tmp_path / 'loupe.db'}")) as found:
        yield found
