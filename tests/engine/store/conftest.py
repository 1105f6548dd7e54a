"""A store in a temporary folder."""

from pathlib import Path

import pytest

from engine.store import ModelStore
from tests.engine.store.specimens import CARD, PARTS


@pytest.fixture
def root(tmp_path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def store(root) -> ModelStore:
    return ModelStore(root)


@pytest.fixture
def saved(store, root) -> Path:
    """The folder of a model that is complete: pump@1."""
    store.save("pump", CARD, PARTS)
    return root / "pump" / "1"
