"""Charts compiled once: what is found beside the sources is what would be compiled, and nothing else is believed."""

import json

import pytest

from engine.charts import keeping


@pytest.fixture
def place(tmp_path, monkeypatch):
    found = tmp_path / "kept" / "charts-new.json"
    monkeypatch.setattr(keeping, "_place", lambda: found)
    return found


def compiling(told):
    @keeping.kept
    def spec(theme, known):
        told.append((theme, known))
        return {"mark": "bar", "theme": theme, "known": known}

    return spec


def test_the_next_process_does_not_compile_again(place):
    told = []
    first = compiling(told)("light", False)
    assert compiling(told)("light", False) == first  # as a process that starts anew
    assert compiling(told)("dark", False) != first
    assert told == [("light", False), ("dark", False)]
    assert len(json.loads(place.read_text())) == 2


def test_what_was_made_of_other_sources_goes(place):
    place.parent.mkdir()
    older = place.with_name("charts-old.json")
    older.write_text("{}")
    compiling([])("light", True)
    assert not older.exists()


@pytest.mark.parametrize("content", ["", "[1]", "{", '{"another": 1}'])
def test_a_damaged_file_costs_a_compilation(place, content):
    place.parent.mkdir()
    place.write_text(content)
    told = []
    assert compiling(told)("light", True)["mark"] == "bar"
    assert told


def test_a_program_that_may_not_write_beside_itself_compiles_each_time(place):
    place.parent.write_text("in the way")
    told = []
    compiling(told)("light", True)
    compiling(told)("light", True)
    assert len(told) == 2
