"""Saving, finding, promoting and deleting models."""

import json
import os
import shutil
from collections import namedtuple

import pytest

from engine.errors import StoreError, UsageError
from engine.store import ModelRef, ModelStore
from tests.engine.store.specimens import CARD, PARTS, make_old


def numbers(store, name="pump"):
    return [card["version"] for card in store.versions(name)]


def test_what_was_saved_is_read(store):
    ref = store.save("pump", CARD, PARTS)

    card = store.card(ref)
    assert str(ref) == "pump@1"
    assert {key: card[key] for key in CARD} == CARD
    assert (card["name"], card["version"], card["format"], card["shipped"]) == ("pump", 1, 1, False)
    assert store.parts(ref) == PARTS
    assert store.verify() == []


def test_a_model_may_have_no_parts(store):
    assert store.parts(store.save("rule", {"threshold": 3}, {})) == {}


def test_a_name_stands_for_its_active_version(store):
    for score in (1, 2):
        store.save("pump", {"score": score}, PARTS)

    assert store.resolve("pump") == ModelRef("pump", 2)
    assert (store.card("pump")["score"], store.card("pump@1")["score"]) == (2, 1)
    assert store.card(ModelRef("pump", 1))["score"] == 1


def test_capitals_do_not_make_another_model(store):
    store.save("Pump Süd", CARD, PARTS)

    assert store.save("PUMP SÜD", CARD, PARTS) == ModelRef("Pump Süd", 2)
    assert store.card("pump su\u0308d")["name"] == "Pump Süd"  # u and a mark of its own


def test_a_promoted_version_is_active_until_the_next_is_saved(store):
    for _ in range(3):
        store.save("pump", CARD, PARTS)

    store.promote("pump@1")
    assert store.active("pump") == 1
    assert [card["version"] for card in store.versions("pump") if card["active"]] == [1]
    store.save("pump", CARD, PARTS)
    assert store.active("pump") == 4


def test_a_damaged_version_is_not_promoted(store, saved):
    store.save("pump", CARD, PARTS)
    (saved / "features.json").write_bytes(b"{}")

    with pytest.raises(StoreError, match=r"'pump@1' cannot be used: its part 'features.json' was changed"):
        store.promote("pump@1")
    assert store.active("pump") == 2


def test_without_its_active_version_the_newest_is_active(store):
    for _ in range(4):
        store.save("pump", CARD, PARTS)
    store.promote("pump@2")

    store.delete("pump@2")
    assert (store.active("pump"), numbers(store)) == (4, [4, 3, 1])
    store.delete("pump@4")
    assert store.active("pump") == 3


def test_deleting_the_newest_does_not_bring_an_old_promotion_back(store):
    store.save("pump", CARD, PARTS)
    store.save("pump", CARD, PARTS)
    store.promote("pump@1")
    store.save("pump", CARD, PARTS)

    store.delete("pump@3")

    assert store.active("pump") == 2


def test_deleting_another_version_leaves_the_promoted_one(store):
    for _ in range(3):
        store.save("pump", CARD, PARTS)
    store.promote("pump@1")

    store.delete("pump@3")

    assert store.active("pump") == 1


@pytest.mark.parametrize("deleted", ["pump@2", "pump"])
def test_a_number_is_never_given_out_twice(store, root, deleted):
    store.save("pump", CARD, PARTS)
    store.save("pump", CARD, PARTS)

    store.delete(deleted)

    assert ModelStore(root).save("pump", CARD, PARTS).version == 3


def test_a_deleted_model_is_gone(store, root):
    store.save("pump", CARD, PARTS)

    store.delete("pump")

    assert store.models() == []
    assert not (root / "pump").exists()
    assert list((root / ".staging").iterdir()) == []
    with pytest.raises(UsageError, match=r"there is no model 'pump'; none has been saved yet"):
        store.card("pump")


def test_nearest_names_are_offered(store):
    for name in ("pump north", "pump south", "bearing"):
        store.save(name, {}, {})

    with pytest.raises(
        UsageError, match=r"there is no model 'pump nort'; there is 'pump north', 'pump south'"
    ):
        store.card("pump nort")
    with pytest.raises(UsageError, match=r"model 'bearing' has no version 7; it has 1"):
        store.parts("bearing@7")


@pytest.mark.parametrize("ref", ["pump@", "pump@x", "pump@0", "pump@-1", "pump@1.0", "pump@٣", "pump@1@1"])
def test_a_version_is_a_number(store, ref):
    store.save("pump", {}, {})

    with pytest.raises(UsageError):
        store.resolve(ref)


def test_models_are_listed_newest_first(store):
    for name in ("old", "older", "old"):
        store.save(name, CARD, PARTS)

    assert [(card["name"], card["version"]) for card in store.models()] == [("old", 2), ("older", 1)]


def test_a_listed_card_can_be_changed_by_who_asked(store):
    store.save("pump", CARD, PARTS)

    store.models()[0]["features"].append("mine")

    assert store.card("pump")["features"] == CARD["features"]


def test_a_card_read_from_a_store_can_be_saved(store):
    card = store.card(store.save("pump", CARD, PARTS))

    again = store.card(store.save("copy", {**card, "note": "a copy"}, PARTS))

    assert (again["name"], again["version"], again["note"]) == ("copy", 1, "a copy")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, "\ud800", b"bytes"])
def test_a_card_is_plain_json(store, root, value):
    with pytest.raises(UsageError, match=r"a model's card must be plain JSON"):
        store.save("pump", {"value": value}, PARTS)
    assert store.models() == []
    assert list((root / ".staging").iterdir()) == []


def test_a_card_is_not_nested_without_end(store):
    deep: list = []
    for _ in range(50):
        deep = [deep]

    with pytest.raises(UsageError, match=r"nested more than 32 deep"):
        store.save("pump", {"value": deep}, PARTS)


@pytest.mark.parametrize(
    "part",
    ["../x.json", "a/b.json", "a\\b.json", "model.pkl", "manifest.json", ".json", "x.json\n", "", "x" * 200],
)
def test_a_part_is_a_plain_file(store, part):
    with pytest.raises(UsageError, match=r"a model's part must be a plain file name"):
        store.save("pump", CARD, {part: b""})


def test_parts_differ_in_more_than_capitals(store):
    with pytest.raises(UsageError, match=r"more than capitals"):
        store.save("pump", CARD, {"a.json": b"", "A.json": b""})


def test_a_full_disk_is_noticed_before_anything_is_written(store, root, monkeypatch):
    store.save("pump", CARD, PARTS)
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 5 * 10**6))

    with pytest.raises(
        StoreError, match=r"'pump' was not saved: 100 MB must be free on the disk, and 5 MB are"
    ):
        store.save("pump", CARD, PARTS)
    assert numbers(store) == [1]
    assert list((root / ".staging").iterdir()) == []


def test_what_was_left_in_staging_is_swept_when_it_is_old(store, root):
    store.save("pump", CARD, PARTS)
    staging = root / ".staging"
    (staging / "abandoned").mkdir()
    (staging / "abandoned" / "arrays.safetensors").write_bytes(b"half")
    (staging / "left.tmp").write_bytes(b"{")

    store.verify()
    assert len(list(staging.iterdir())) == 2  # somebody may be at work there
    make_old(staging)
    store.verify()
    assert list(staging.iterdir()) == []


def test_a_store_that_does_not_exist_is_empty(store, root):
    assert (store.models(), store.verify()) == ([], [])
    assert not root.exists()


def test_a_file_in_place_of_the_store_is_explained(tmp_path):
    (tmp_path / "models").write_text("not a folder")

    with pytest.raises(StoreError, match=r"model 'pump' was not saved"):
        ModelStore(tmp_path / "models").save("pump", {}, {})


def test_listing_reads_a_manifest_once(store, saved, monkeypatch):
    store.models()
    monkeypatch.setattr(json, "loads", lambda *_: pytest.fail("read again"))

    assert store.models()[0]["name"] == "pump"


def test_other_folders_in_the_store_are_no_models(store, root, saved):
    (root / "Notes").mkdir()
    (root / "pump" / "old").mkdir()
    (root / "pump" / "01").mkdir()
    (root / "readme.txt").write_text("hello")

    assert [card["name"] for card in store.models()] == ["pump"]
    assert store.verify() == []


# ---- models that come with the project


@pytest.fixture
def shipped(root):
    """A store whose shipped models are pump@1 and bearing@1."""
    for name in ("pump", "bearing"):
        ModelStore(root / "shipped").save(name, {"note": "shipped"}, PARTS)
    return ModelStore(root, shipped=root / "shipped")


def test_shipped_models_are_listed_after_own(shipped):
    shipped.save("apple", CARD, PARTS)

    assert [(card["name"], card["shipped"]) for card in shipped.models()] == [
        ("apple", False),
        ("bearing", True),
        ("pump", True),
    ]


def test_an_own_model_of_the_same_name_wins_and_counts_on(shipped):
    assert shipped.save("pump", {"note": "own"}, PARTS) == ModelRef("pump", 2)

    assert shipped.card("pump")["note"] == "own"
    assert shipped.card("pump@1")["note"] == "shipped"
    shipped.promote("pump@1")
    assert shipped.card("pump")["note"] == "shipped"


def test_shipped_models_cannot_be_deleted(shipped):
    for ref in ("pump", "pump@1"):
        with pytest.raises(UsageError, match=r"comes with the program and cannot be deleted"):
            shipped.delete(ref)

    shipped.save("pump", CARD, PARTS)
    shipped.delete("pump")
    assert shipped.card("pump")["shipped"]


def test_a_model_cannot_take_the_folder_of_the_shipped_ones(shipped):
    with pytest.raises(UsageError, match=r"folder of the shipped models"):
        shipped.save("Shipped", CARD, PARTS)


def test_the_shipped_folder_is_only_read(shipped, root):
    before = sorted(os.walk(root / "shipped"))

    shipped.promote("pump@1")
    shipped.save("pump", CARD, PARTS)
    shipped.verify()

    assert sorted(os.walk(root / "shipped")) == before
