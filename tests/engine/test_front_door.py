"""The front door lists all that is public, and opening it costs nothing."""

import subprocess
import sys

import pytest

import engine

HEAVY = ("pandas", "sklearn", "torch", "scipy", "streamlit", "altair", "pyarrow", "sqlalchemy")


def loaded_by(statement: str) -> set[str]:
    """The heavy libraries that a fresh process has loaded after one statement."""
    command = f"import sys; {statement}; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_front_door_is_sorted_constants_then_classes_then_functions():
    def place(name):
        return (not name.isupper(), not name[0].isupper(), name)

    assert engine.__all__ == sorted(engine.__all__, key=place)
    assert list(engine._NAMES) == sorted(engine._NAMES)


@pytest.mark.parametrize("name", engine.__all__)
def test_every_name_at_the_front_door_opens(name):
    assert getattr(engine, name) is not None


def test_the_front_door_hides_nothing():
    assert set(engine.__all__) == set(engine._HOMES) == set(dir(engine))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'engine' has no attribute 'nonsense'"):
        engine.nonsense  # noqa: B018


def test_importing_the_engine_loads_no_library():
    assert loaded_by("import engine") == set()


@pytest.mark.parametrize(
    "module", ["engine.analysis, engine.results, engine.jobs", "engine.charts", "engine.cli"]
)
def test_what_a_web_page_imports_loads_no_learning_library(module):
    assert not loaded_by(f"import {module}") & {"sklearn", "torch", "streamlit"}


def test_listing_detectors_and_their_hyperparameters_is_cheap():
    statement = "from engine import CATALOGUE, declared; [declared(kind) for kind in CATALOGUE.values()]"
    assert not loaded_by(statement) & {"sklearn", "torch", "pandas", "scipy"}


def test_a_network_learns_and_scores_without_scikit_learn():
    statement = (
        "import numpy as np; from engine import detector_class; X = np.random.default_rng(0).normal(size=(50, 3)); "
        "detector_class('autoencoder')(epochs=1).fit(X).decision_function(X)"
    )
    assert "sklearn" not in loaded_by(statement)
