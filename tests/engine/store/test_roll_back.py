"""Going back to the version that was active before, by one word and by the same word back again."""

import json

import pytest

from engine.cli import main
from engine.errors import UsageError
from tests.engine.store.specimens import CARD, PARTS


@pytest.fixture
def three(store):
    """A store with pump@1, pump@2 and pump@3."""
    for _ in range(3):
        store.save("pump", CARD, PARTS)
    return store


def test_before_the_newest_version_came_the_one_saved_before_it(three):
    assert str(three.before("pump")) == "pump@2"
    assert str(three.roll_back("pump")) == "pump@2"
    assert three.active("pump") == 2


def test_going_back_twice_comes_back(three):
    three.promote("pump@1")
    assert [three.roll_back("pump").version for _ in range(3)] == [3, 1, 3]


def test_before_a_promoted_version_came_the_one_it_took_the_place_of(three):
    three.promote("pump@2")
    three.promote("pump@1")
    assert three.before("pump").version == 2
    three.promote("pump@1")  # again, which changes nothing
    assert three.before("pump").version == 2


def test_before_a_version_saved_after_a_promotion_came_the_promoted_one(three):
    three.promote("pump@1")
    three.save("pump", CARD, PARTS)
    assert (three.active("pump"), three.before("pump").version) == (4, 1)
    three.save("pump", CARD, PARTS)
    assert (three.active("pump"), three.before("pump").version) == (5, 4)


def test_a_version_that_was_deleted_is_not_gone_back_to(three):
    three.promote("pump@2")
    three.promote("pump@1")
    three.delete("pump@2")
    assert three.before("pump").version == 3


def test_a_record_of_an_earlier_program_goes_back_to_the_newest_of_then(three, root):
    three.promote("pump@1")
    record = json.loads((root / "pump" / "active").read_text())
    del record["before"]
    (root / "pump" / "active").write_text(json.dumps(record))
    assert three.before("pump").version == 3


def test_with_one_version_there_is_none_to_go_back_to(store, saved):
    assert store.before("pump") is None
    with pytest.raises(UsageError, match="has one version only"):
        store.roll_back("pump")
    with pytest.raises(UsageError, match="there is no model 'pipe'"):
        store.roll_back("pipe")


def test_the_command_line_goes_back_too(three, root, capsys):
    assert main(["models", "rollback", "pump", "--models", str(root)]) == 0
    assert capsys.readouterr().out == "pump@2 is the active version again\n"
    assert three.active("pump") == 2
