"""Bombs are refused quickly, with a sentence, and without taking memory."""

import gzip
import io
import time
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.data.reading import limits, table
from engine.data.reading.guard import Extent, check_workbook

WORKBOOK = {"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"}
SHEET = "xl/worksheets/sheet1.xml"
BLANKS = bytes(200_000_000)


@pytest.fixture
def quick():
    start = time.perf_counter()
    yield
    assert time.perf_counter() - start < 8  # two busy cores


def written(columns, **choices):
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, **choices)
    return buffer.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compression_is_refused(refusal, archive, method, quick):
    assert "not deflate" in refusal(archive({**WORKBOOK, SHEET: bytes(1_000_000)}, method), "data.xlsx")


def test_sheet_that_grows_a_thousandfold_is_refused(refusal, archive, quick):
    assert "unpacks to far more" in refusal(archive({**WORKBOOK, SHEET: BLANKS}), "data.xlsx")


def test_lying_size_in_the_header_does_not_help(refusal, archive, quick):
    content = archive({**WORKBOOK, SHEET: BLANKS})
    lying = content.replace(len(BLANKS).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    assert "damaged" in refusal(lying, "data.xlsx")


def test_cell_far_out_is_refused(refusal, workbook, quick):
    def far(_, sheet):
        sheet["XFD1048576"] = 1

    assert "so far out" in refusal(workbook([["a"], [1]], far), "data.xlsx")


@pytest.mark.parametrize("cell", ["r='XFD1048576'", 'r="xfd1048576"', 't="n" r="XFD1048576"'])
def test_far_cell_in_another_spelling_is_refused(refusal, archive, cell):
    sheet = f'<worksheet><sheetData><row r="1"><c {cell}><v>1</v></c></row></sheetData></worksheet>'
    assert "so far out" in refusal(archive({**WORKBOOK, SHEET: sheet}), "data.xlsx")


def test_far_cell_that_is_only_formatted_is_harmless(archive):
    sheet = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576" s="1"/></row>'
    check_workbook(archive({**WORKBOOK, SHEET: sheet}), "data.xlsx")


def test_a_far_cell_among_a_million_near_ones_is_refused_wherever_it_stands(refusal, archive):
    near = '<c r="A1" t="n"><v>1</v></c>' * 30_000
    for before in range(0, 40, 7):  # across the border of two pieces, too
        sheet = f'{" " * before}{near}<c r="XFD1048576"><v>1</v></c>{near}'
        assert "so far out" in refusal(archive({**WORKBOOK, SHEET: sheet}), "data.xlsx")


def test_the_longest_reference_a_sheet_can_hold_is_measured_exactly():
    extent = Extent()
    extent.grow(b'<row r="7"><c r="A0"/><c s="1" r="zz19"/><c r=\'C3\'/><c xr="XFD1"/><c r=XFD2/><c r="')
    assert (extent.column, extent.row) == (26 * 27, 19)
    extent.grow(b'<c r="XFD1048576"')
    assert (extent.column, extent.row, extent.n_cells) == (16_384, 1_048_576, 2**34)
    extent.grow(b'<c r="AAAAAAAAAAAAAAAA1234567890123456"')
    assert min(extent.column, extent.row) > 2**34, "and a lie beyond every number is large, not small"


def test_every_error_cell_of_a_long_sheet_is_counted_once(archive):
    sheet = "".join(f'<c r="A{row}" t="e"><v>#N/A</v></c>' for row in range(1, 40_001))
    assert check_workbook(archive({**WORKBOOK, SHEET: sheet}), "data.xlsx").n_error_cells == 40_000


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", SHEET])
def test_entities_are_refused_in_every_part(refusal, archive, part):
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><x>&b;</x>'
    assert "entities" in refusal(archive({**WORKBOOK, part: bomb}), "data.xlsx")


def test_too_many_parts_are_refused(refusal, archive):
    parts = {f"xl/p{i}.xml": "" for i in range(limits.MAX_PARTS)}
    assert "parts" in refusal(archive({**WORKBOOK, **parts}), "data.xlsx")


def test_gzip_bomb_is_refused(refusal, quick):
    assert "unpacks to far more" in refusal(gzip.compress(BLANKS, 1), "data.csv.gz")


def test_zip_bomb_is_refused(refusal, archive, quick):
    assert "unpacks to far more" in refusal(archive({"data.csv": BLANKS}), "data.zip")


def test_link_in_a_zip_is_refused(refusal):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        link = zipfile.ZipInfo("data.csv")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/hostname")
    assert "link" in refusal(buffer.getvalue(), "data.zip")


def test_parquet_of_too_many_equal_rows_is_refused(refusal, quick):
    repeated = pa.nulls(60_000_000, pa.int8())
    assert "more than 50 million cells" in refusal(written({"a": repeated}), "data.parquet")


def test_parquet_of_one_long_text_repeated_is_refused(refusal, quick):
    repeated = pa.DictionaryArray.from_arrays(pa.array([0] * 3000), ["x" * 1_000_000])
    content = written({"a": repeated}, compression="zstd")
    assert len(content) < 2_000
    assert "would take over" in refusal(content, "data.parquet")


def test_large_file_is_refused_by_its_size(tmp_path, refusal):
    path = tmp_path / "large.csv"
    with path.open("wb") as file:
        file.truncate(limits.MAX_BYTES + 1)
    with pytest.raises(Exception, match="at most 200 MB"):
        table.read_table(path)


def test_large_json_is_refused(refusal):
    assert "at most 50 MB" in refusal(b"[" + b"1," * (26 * limits.MB) + b"1]", "data.json")
