"""Excel, Parquet, JSON, archives, and files that are not what their name says."""

import datetime as dt
import gzip
import io
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

ROWS = [["day", "x"], [dt.datetime(2024, 1, 1), 1], [dt.datetime(2024, 1, 2), 2]]


def finding(reading, kind):
    return next((finding for finding in reading.findings if finding.kind == kind), None)


def parquet(columns, **choices):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **choices)
    return buffer.getvalue()


def test_plain_workbook_needs_no_words(read, workbook):
    reading = read(workbook(ROWS), "data.xlsx")
    assert reading.findings == ()
    assert reading.types == {"day": "datetime", "x": "integer"}
    assert (reading.sheet, reading.sheets, reading.header_row) == ("Sheet", ("Sheet",), 1)


def test_workbook_with_titles_decimal_commas_and_totals(read, workbook):
    rows = [
        ["Bericht 2024"],
        [],
        ["Tag", "Wert", "Nr"],
        *([dt.datetime(2024, 1, d), f"{d},5", f"00{d}"] for d in (1, 2, 3)),
    ]
    reading = read(workbook([*rows, ["Summe", None, "x"]]), "data.xlsx")
    assert reading.header_row == 3
    assert reading.frame["Wert"].tolist() == [1.5, 2.5, 3.5]
    assert reading.types == {"Tag": "datetime", "Wert": "number", "Nr": "text"}
    assert finding(reading, "numbers_as_text").column == "Wert"


def test_sheets_are_named_and_can_be_chosen(read, workbook):
    def second(book, _):
        other = book.create_sheet("other")
        for row in (["a", "b"], [5, 6]):
            other.append(row)
        book.create_sheet("secret").sheet_state = "hidden"

    content = workbook(ROWS, second)
    reading = read(content, "data.xlsx")
    assert reading.sheets == ("Sheet", "other", "secret")
    assert "'secret (hidden)'" in finding(reading, "sheet").text
    assert list(read(content, "data.xlsx", sheet="other").types) == ["a", "b"]


def test_first_sheet_with_a_table_is_taken(read, workbook):
    def cover(book, sheet):
        first = book.create_sheet("cover", 0)
        first["A1"] = "Annual report"

    assert read(workbook(ROWS, cover), "data.xlsx").sheet == "Sheet"


def test_a_cover_sheet_gives_way_to_the_longer_table_behind_it(read, workbook):
    def cover(book, sheet):
        first = book.create_sheet("cover", 0)
        for row in (["Ledger 2025"], [], ["Written by", "A. Klein"], ["As of", "2025-12-31"]):
            first.append(row)
        hidden = book.create_sheet("lists")
        hidden.sheet_state = "hidden"
        for number in range(50):
            hidden.append([number, number])

    reading = read(workbook(ROWS, cover), "data.xlsx")
    assert reading.sheet == "Sheet"
    assert "'cover'" in finding(reading, "sheet").text


def test_the_first_sheet_with_rows_enough_is_taken_though_another_is_longer(read, workbook):
    def longer(book, _):
        other = book.create_sheet("other")
        for row in [["a", "b"], *([number, number + 0.5] for number in range(60))]:
            other.append(row)

    rows = [["c", "d"], *([number, number * 2] for number in range(25))]
    assert read(workbook(rows, longer), "data.xlsx").sheet == "Sheet"


def test_unknown_sheet_is_named(refusal, workbook):
    assert "no sheet 'x'" in refusal(workbook(ROWS), "data.xlsx", sheet="x")


def test_error_cells_are_missing_and_said(read, workbook):
    def fail(_, sheet):
        sheet["B2"] = "#DIV/0!"
        sheet["B2"].data_type = "e"

    reading = read(workbook(ROWS, fail), "data.xlsx")
    assert reading.frame["x"].isna().tolist() == [True, False]
    assert "#DIV/0!" in finding(reading, "excel_errors").text


def test_merged_cells_count_for_every_row(read, workbook):
    rows = [["group", "x"], ["A", 1], [None, 2], ["B", 3]]
    reading = read(workbook(rows, lambda _, sheet: sheet.merge_cells("A2:A3")), "data.xlsx")
    assert reading.frame["group"].tolist() == ["A", "A", "B"]


def test_dates_since_1904_are_right(read, workbook):
    def old_mac(book, sheet):
        book.epoch = CALENDAR_MAC_1904

    assert read(workbook(ROWS, old_mac), "data.xlsx").frame["day"][0] == dt.datetime(2024, 1, 1)


def test_empty_workbook_is_called_empty(refusal, workbook):
    assert "empty" in refusal(workbook([]), "data.xlsx")


def test_encrypted_workbook_asks_for_one_without_password(refusal):
    content = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le")
    assert "password" in refusal(content, "data.xlsx")


def test_parquet_columns_are_flattened_converted_or_left_out(read):
    columns = {
        "record": pa.array([{"a": 1, "b": {"c": "x"}}, {"a": 2, "b": None}]),
        "list": pa.array([[1], [2]]),
        "exact": pa.array([Decimal("1.5"), Decimal("2.5")]),
        "zoned": pa.array([0, 3600], pa.timestamp("s", "Europe/Berlin")),
        "category": pa.array(["a", "b"]).dictionary_encode(),
        "digits": pa.array(["1", "2"]),
        "small": pa.array([1, 2], pa.int8()),
    }
    reading = read(parquet(columns), "data.parquet")
    assert reading.types == {
        "record.a": "integer",
        "record.b.c": "text",
        "exact": "number",
        "zoned": "datetime",
        "category": "text",
        "digits": "text",
        "small": "integer",
    }
    assert finding(reading, "left_out").column == "list"
    assert reading.frame["zoned"][1] == dt.datetime(1970, 1, 1, 1)


@pytest.mark.parametrize(
    "content",
    [
        '[{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]',
        '{"a": [1, 2], "b": ["x", "y"]}',
        '{"a": 1, "b": "x"}\n{"a": 2, "b": "y"}\n',
        '{"data": [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}], "count": 2}',
        '{"columns": ["a", "b"], "index": [0, 1], "data": [[1, "x"], [2, "y"]]}',
        '{"a": {"0": 1, "1": 2}, "b": {"0": "x", "1": "y"}}',
        '[["a", "b"], [1, "x"], [2, "y"]]',
    ],
)
def test_every_shape_of_json_is_the_same_table(read, content):
    reading = read(content, "data.json")
    assert reading.frame.to_dict("list") == {"a": [1, 2], "b": ["x", "y"]}


def test_nested_json_records_are_flattened(read):
    assert list(read('[{"a": {"b": 1}}, {"a": {"b": 2}}]', "data.json").types) == ["a.b"]


def test_json_nan_is_missing(read):
    assert read('[{"a": NaN}, {"a": 1.5}]', "data.json").frame["a"].isna().tolist() == [True, False]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[" * 200_000, "nested too deeply"),
        ("5", "single JSON value"),
        ("[]", "no rows"),
        ('[{"a": 1}, {"a": ', "not complete JSON"),
        ('{"a": 1}\n{"a": 2\n', "line 2"),
    ],
)
def test_json_without_a_table_is_refused_with_the_reason(refusal, content, words):
    assert words in refusal(content, "data.json")


def test_gzip_and_zip_of_one_file_are_read(read, archive):
    assert len(read(gzip.compress(b"a,b\n1,2\n"), "data.csv.gz").frame) == 1
    assert len(read(archive({"../../data.csv": "a,b\n1,2\n", "__MACOSX/x": "y"}), "data.zip").frame) == 1


def test_nothing_is_unpacked_to_disk(read, archive, tmp_path):
    read(archive({"../../data.csv": "a,b\n1,2\n"}), "data.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["data.zip"]


def test_archive_with_several_files_names_them(refusal, archive):
    sentence = refusal(archive({"a.csv": "a\n1\n", "b.csv": "a\n1\n"}), "data.zip")
    assert "'a.csv', 'b.csv'" in sentence


def test_archive_in_archive_is_refused(refusal, archive):
    assert "archive inside an archive" in refusal(
        archive({"a.zip": archive({"a.csv": "a\n1\n"})}), "data.zip"
    )


def test_truncated_gzip_is_called_so(refusal):
    assert "truncated" in refusal(gzip.compress(b"a,b\n1,2\n" * 99)[:-12], "data.csv.gz")


def test_wrong_extension_is_harmless_where_the_content_is_clear(read, workbook):
    assert finding(read(workbook(ROWS), "data.csv"), "format").level == "warning"
    assert finding(read(parquet({"a": [1, 2]}), "data.csv"), "format")
    assert finding(read("a,b\n1,2\n", "data.xlsx"), "format")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "PNG picture"),
        (b"%PDF-1.7 " + bytes(99), "PDF document"),
        (b"<html><table><tr><td>1</td></tr></table></html>", "web page"),
        (b"\x7fELF" + bytes(99), "a program"),
        (b"SQLite format 3\x00" + bytes(99), "SQLite"),
        (b"PAR1" + b"x" * 99 + b"PAR1", "Parquet"),
        (bytes(range(256)) * 50, "binary"),
        (b"PK\x03\x04" + b"x" * 99, "zip archive"),
    ],
)
def test_what_is_no_table_is_named(refusal, content, words):
    assert words in refusal(content, "data.csv")


def test_truncated_workbook_is_called_damaged(refusal, workbook):
    content = workbook(ROWS)
    assert "damaged" in refusal(content[: len(content) // 2], "data.xlsx")
