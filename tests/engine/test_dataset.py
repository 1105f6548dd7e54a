"""Files kept as data sets: once each, under their content, with the roles a person gave them."""

import io

import numpy as np
import pandas as pd
import pytest

from engine.data.dataset import DatasetStore, shown_name
from engine.data.reading import ReadingOptions
from engine.data.roles import Roles
from engine.errors import ReadingError, StoreError

ROWS = 40
CSV = "id;when;amount;fraud\n" + "".join(
    f"{i};2024-05-06 {i // 60:02d}:{i % 60:02d};{i * 0.5};{int(i % 9 == 0)}\n" for i in range(ROWS)
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return tmp_path_factory.mktemp("datasets")


@pytest.fixture(scope="module")
def store(root):
    return DatasetStore(root)


@pytest.fixture(scope="module")
def dataset(store):
    return store.add(io.BytesIO(CSV.encode()), "payments.csv")


@pytest.fixture
def fresh(tmp_path):
    """A store of its own, for tests that change something."""
    return DatasetStore(tmp_path)


def test_a_kept_file_is_a_table_with_suggested_roles(dataset):
    assert (dataset.name, dataset.rows) == ("payments.csv", ROWS)
    assert dataset.columns == ["id", "when", "amount", "fraud"]
    assert dataset.types == {"id": "integer", "when": "datetime", "amount": "number", "fraud": "integer"}
    assert dict(dataset.roles.columns) == {"id": "id", "when": "time", "amount": "feature", "fraud": "label"}
    assert not dataset.roles_given
    assert dataset.profile["columns"]["amount"]["high"] == (ROWS - 1) * 0.5
    assert any("semicolon" in f.text or "';'" in f.text for f in dataset.findings)


def test_the_same_file_twice_is_kept_once(store, dataset, root, tmp_path):
    path = tmp_path / "copy.csv"
    path.write_text(CSV)
    again = store.add(path, "another name.csv")
    assert again.id == dataset.id
    assert again.name == "payments.csv"
    assert len(list(root.glob("*/about.json"))) == 1
    assert list((root / ".staging").iterdir()) == []


def test_a_data_set_is_found_by_its_id_and_in_the_list(store, dataset):
    assert store.get(dataset.id) == dataset
    assert dataset.id in [each.id for each in store.all()]


@pytest.mark.parametrize("id", ["", "..", "../..", "a/b", "0" * 16, "x" * 500, ".staging"])
def test_an_id_that_is_none_is_refused_in_words(store, id):
    with pytest.raises(StoreError, match=r"there is no data set .* bring the file again"):
        store.get(id)


def test_columns_can_be_read_on_their_own(dataset):
    pd.testing.assert_frame_equal(dataset.frame(["amount"]), dataset.frame()[["amount"]])


@pytest.mark.parametrize(("different", "noted"), [(4, True), (9, True), (10, False), (20, False)])
def test_rows_that_repeat_are_noted_when_they_are_more_than_half(fresh, different, noted):
    lines = [f"{i % different},{'x' if i % different else 'y'}" for i in range(20)]
    notes = fresh.add(io.BytesIO("\n".join(["size,kind", *lines]).encode()), "sizes.csv").profile["notes"]
    repeated = 20 - len(set(lines))
    assert any(note == f"{repeated} of 20 rows repeat an earlier row." for note in notes) == noted


@pytest.mark.parametrize("rows", [[0], [39, 3, 3, 17], [], [-1, 40, 5], list(range(40))])
def test_rows_at_are_the_rows_asked_for_in_that_order(dataset, rows):
    wanted = [row for row in rows if 0 <= row < ROWS]
    found = dataset.rows_at(rows)
    assert found.index.tolist() == wanted
    pd.testing.assert_frame_equal(found, dataset.frame().loc[wanted], check_index_type=False)


def test_rows_at_works_across_the_pieces_of_a_file(dataset):
    import pyarrow as pa
    import pyarrow.parquet as pq

    before = dataset.table_path.read_bytes()
    frame = dataset.frame()
    try:
        pq.write_table(pa.Table.from_pandas(frame), dataset.table_path, row_group_size=7)
        rows = np.random.default_rng(0).integers(0, ROWS, 25)
        pd.testing.assert_frame_equal(dataset.rows_at(rows), frame.loc[rows])
    finally:
        dataset.table_path.write_bytes(before)


def test_roles_are_remembered(fresh):
    kept = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    roles = Roles({"id": "ignore", "when": "ignore", "amount": "feature", "fraud": "label"})
    given = fresh.set_roles(kept, roles)
    assert given.roles_given
    assert given.roles == DatasetStore(fresh.root).get(kept.id).roles == roles
    assert given.suggested_roles == kept.roles
    assert fresh.add(io.BytesIO(CSV.encode()), "again.csv").roles == roles


def test_reading_again_with_other_options_is_another_data_set_of_the_same_file(fresh):
    kept = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    other = fresh.reread(kept, ReadingOptions(text_columns=("id",)))
    assert other.id != kept.id
    assert (other.sha256, other.name) == (kept.sha256, kept.name)
    assert other.types["id"] == "text"
    assert other.options == ReadingOptions(text_columns=("id",))
    assert kept.options == ReadingOptions()
    assert {each.id for each in fresh.all()} == {kept.id, other.id}


def test_a_deleted_data_set_is_gone_and_can_come_back(fresh):
    kept = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    fresh.delete(kept.id)
    assert fresh.all() == []
    with pytest.raises(StoreError):
        fresh.get(kept.id)
    with pytest.raises(StoreError):
        fresh.delete(kept.id)
    assert fresh.add(io.BytesIO(CSV.encode()), "payments.csv").id == kept.id


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(50)])
def test_a_file_that_cannot_be_read_leaves_nothing_behind(fresh, content):
    with pytest.raises(ReadingError):
        fresh.add(io.BytesIO(content), "odd.csv")
    assert [p for p in fresh.root.rglob("*") if p.is_file()] == []
    assert fresh.all() == []


def test_a_file_too_large_stops_while_it_comes_in(fresh, monkeypatch):
    monkeypatch.setattr("engine.data.dataset.MAX_BYTES", 100)
    with pytest.raises(ReadingError, match="larger than"):
        fresh.add(io.BytesIO(CSV.encode()), "large.csv")
    assert [p for p in fresh.root.rglob("*") if p.is_file()] == []


def test_a_damaged_folder_does_not_hide_the_others(fresh, caplog):
    kept = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    (fresh.root / "halfwritten").mkdir()
    (fresh.root / "halfwritten" / "table.parquet").write_bytes(b"PAR1")
    for number, about in enumerate((b"", b"{", b"null", b"{}", b'{"name": "x", "profile": 3}', b"\xff")):
        (fresh.root / f"damaged{number}").mkdir()
        (fresh.root / f"damaged{number}" / "about.json").write_bytes(about)
        with pytest.raises(
            StoreError, match=f"data set 'damaged{number}' is damaged .*; bring the file again"
        ):
            fresh.get(f"damaged{number}")
    assert [each.id for each in fresh.all()] == [kept.id]
    assert "data set 'damaged0' is damaged" in caplog.text


def test_a_damaged_data_set_is_mended_by_bringing_the_file_again_and_can_be_deleted(fresh):
    kept = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    (kept.folder / "about.json").write_bytes(b"{")
    again = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    assert (again.id, again.roles) == (kept.id, kept.roles)
    (kept.folder / "about.json").write_bytes(b"{")
    fresh.delete(kept.id)
    assert not kept.folder.exists()


def test_a_data_set_deleted_while_all_are_listed_is_left_out(fresh, monkeypatch):
    kept = fresh.add(io.BytesIO(CSV.encode()), "payments.csv")
    get = fresh.get

    def deleted_meanwhile(id):
        if kept.folder.exists():
            fresh.delete(id)
        return get(id)

    monkeypatch.setattr(fresh, "get", deleted_meanwhile)
    assert fresh.all() == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\me\\data.csv", "data.csv"),
        ("a\x00b\nc\u202efdp.csv", "abcfdp.csv"),
        ("", "unnamed"),
        ("...", "..."),
        ("/", "unnamed"),
        ("u\u0308ber.csv", "über.csv"),
        ("😀 <b>.csv", "😀 <b>.csv"),
        ("x" * 500, "x" * 120),
        ("  spaced  ", "spaced"),
        ("\ud800.csv", ".csv"),
    ],
)
def test_an_odd_file_name_is_a_harmless_label(name, shown):
    assert shown_name(name) == shown


def test_an_odd_name_never_becomes_a_path(fresh):
    store = DatasetStore(fresh.root / "a" / "b")
    kept = store.add(io.BytesIO(CSV.encode()), "../../escape.csv")
    assert kept.name == "escape.csv"
    assert kept.folder.parent == store.root
    assert [p.name for p in fresh.root.iterdir()] == ["a"]
    assert [p.name for p in (fresh.root / "a").iterdir()] == ["b"]
