"""Whatever happens to the files of a model, it is noticed, named, and spares the other models."""

import json
import os
import random
import shutil

import pytest

from engine.errors import StoreError
from engine.store import ModelStore
from tests.engine.store.specimens import CARD, PARTS, forge

FLIPS_PER_FILE = 100


@pytest.mark.parametrize("file", [*PARTS, "manifest.json"])
def test_every_flipped_bit_is_refused(store, saved, file):
    path, rng = saved / file, random.Random(0)
    whole = path.read_bytes()

    for _ in range(FLIPS_PER_FILE):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(StoreError):
            store.parts("pump")

    path.write_bytes(whole)
    assert store.parts("pump") == PARTS


@pytest.mark.parametrize("file", [*PARTS, "manifest.json"])
def test_every_cut_is_refused(store, saved, file):
    path = saved / file
    whole = path.read_bytes()

    for length in {0, 1, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:length])
        with pytest.raises(StoreError):
            store.parts("pump")


def test_a_part_too_much_is_refused(store, saved):
    (saved / "extra.json").write_bytes(b"{}")

    with pytest.raises(StoreError, match=r"'extra.json' is there but does not belong to it"):
        store.parts("pump")


def test_a_missing_part_is_named(store, saved):
    (saved / "features.json").unlink()

    with pytest.raises(StoreError, match=r"'features.json' is missing"):
        store.parts("pump")
    assert [str(problem) for problem in store.verify()] == ["'pump@1': 'features.json' is missing"]


def test_a_link_is_not_followed(store, saved, tmp_path):
    (tmp_path / "elsewhere.json").write_bytes(PARTS["features.json"])
    (saved / "features.json").unlink()
    (saved / "features.json").symlink_to(tmp_path / "elsewhere.json")

    with pytest.raises(StoreError, match=r"'features.json' was changed"):
        store.parts("pump")


def test_a_pipe_does_not_make_a_reader_wait(store, saved):
    (saved / "features.json").unlink()
    os.mkfifo(saved / "features.json")

    with pytest.raises(StoreError, match=r"'features.json' was changed"):
        store.parts("pump")


@pytest.mark.parametrize("linked", ["pump", "pump/1"])
def test_a_folder_that_is_a_link_is_no_model(store, root, saved, tmp_path, linked):
    shutil.move(root / linked, tmp_path / "elsewhere")
    (root / linked).symlink_to(tmp_path / "elsewhere")

    assert store.models() == []
    assert [problem.ref for problem in store.verify()] == ["pump@1"]


def test_nothing_is_saved_through_a_link(store, root, saved, tmp_path):
    shutil.move(root / "pump", tmp_path / "elsewhere")
    (root / "pump").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StoreError, match=r"its folder is a link"):
        store.save("pump", CARD, PARTS)


def test_a_half_written_version_is_invisible(store, root, saved):
    half = root / "pump" / "2"
    half.mkdir()
    (half / "arrays.safetensors").write_bytes(b"half")

    assert store.active("pump") == 1
    assert [card["version"] for card in store.versions("pump")] == [1]
    assert store.save("pump", CARD, PARTS).version == 3
    assert [problem.ref for problem in store.verify()] == ["pump@2"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"null",
        b"[]",
        b'"pump"',
        b"{",
        b"\xff\xfe{}",
        b'{"format": NaN}',
        b'{"format": 1, "x": 1e999}',
        b"[" * 200_000,
        b'{"a":' * 500 + b"1" + b"}" * 500,
        b"9" * 10_000,
        b" " * (9 * 2**20),
    ],
    ids=lambda text: repr(text[:12]),
)
def test_an_unreadable_manifest_spares_the_others(store, root, saved, text):
    store.save("bearing", CARD, PARTS)
    (saved / "manifest.json").write_bytes(text)

    with pytest.raises(StoreError, match=r"model 'pump@1' cannot be used: its manifest.json"):
        store.card("pump")
    bearing, pump = store.models()
    assert (bearing["name"], bearing.get("damaged")) == ("bearing", None)
    assert (pump["name"], pump["version"]) == ("pump", 1)
    assert pump["damaged"].startswith("its manifest.json")
    assert [problem.ref for problem in store.verify()] == ["pump@1"]
    assert [card["version"] for card in store.versions("pump")] == [1]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"format": 2}, r"saved by a newer version of this program"),
        ({"format": "1"}, r"not that of a model"),
        ({"name": "bearing"}, r"is that of 'bearing@1'"),
        ({"version": 2}, r"is that of 'pump@2'"),
        ({"created": 5}, r"does not say when"),
        ({"parts": []}, r"does not list its parts"),
        ({"parts": {f"{n}.json": {} for n in range(65)}}, r"does not list its parts"),
        ({"parts": {"../../secret.json": {"sha256": "0" * 64, "size": 1}}}, r"parts that cannot be"),
        ({"parts": {"model.pkl": {"sha256": "0" * 64, "size": 1}}}, r"parts that cannot be"),
        ({"parts": {"a.json": {"sha256": "0" * 64, "size": -1}}}, r"parts that cannot be"),
        ({"parts": {"a.json": {"sha256": "0" * 64, "size": True}}}, r"parts that cannot be"),
        ({"parts": {"a.json": {"sha256": "0" * 63, "size": 1}}}, r"parts that cannot be"),
        ({"parts": {"a.json": {"sha256": "0" * 64, "size": 10**15}}}, r"more than 2,147,483,648 bytes"),
    ],
)
def test_a_forged_manifest_is_refused(store, saved, changes, reason):
    forge(saved, **changes)

    with pytest.raises(StoreError, match=reason):
        store.parts("pump")
    assert store.models()[0]["damaged"]


def test_a_changed_card_is_refused(store, saved):
    manifest = json.loads((saved / "manifest.json").read_text("utf-8"))
    (saved / "manifest.json").write_text(json.dumps({**manifest, "threshold": 0.5}), "utf-8")

    with pytest.raises(StoreError, match=r"changed after it was saved"):
        store.card("pump")


def test_a_version_moved_to_another_name_is_refused(store, root, saved):
    shutil.copytree(root / "pump", root / "bearing")

    with pytest.raises(StoreError, match=r"its manifest.json is that of 'pump@1'"):
        store.card("bearing")


def test_a_damaged_version_can_be_deleted(store, saved):
    (saved / "manifest.json").write_bytes(b"{")

    store.delete("pump@1")

    assert (store.models(), store.verify()) == ([], [])


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"version": null, "newest": 1}', b"x" * 5000])
def test_a_damaged_record_of_the_active_version_is_named(store, root, saved, text):
    store.save("bearing", CARD, PARTS)
    (root / "pump" / "active").write_bytes(text)

    with pytest.raises(StoreError, match=r"the file 'active' in 'pump' is damaged; remove it to go on"):
        store.card("pump")
    assert store.card("pump@1")["version"] == 1
    assert [card["name"] for card in store.models()] == ["bearing", "pump"]
    assert [problem.ref for problem in store.verify()] == ["pump"]
    assert store.save("pump", CARD, PARTS).version == 2  # what was just learned is not lost for it
    store.promote("pump@1")
    assert (store.active("pump"), store.verify()) == (1, [])


def test_a_model_with_a_damaged_record_can_be_deleted(store, root, saved):
    (root / "pump" / "active").write_bytes(b"{")

    store.delete("pump")

    assert (store.models(), store.verify()) == ([], [])


def test_a_repair_is_seen_without_a_restart(root, store, saved):
    good = (saved / "manifest.json").read_bytes()
    (saved / "manifest.json").write_bytes(b"{")
    assert store.models()[0]["damaged"]

    (saved / "manifest.json").write_bytes(good)

    assert store.models() == ModelStore(root).models()
    assert "damaged" not in store.models()[0]
