"""Results to take away: nothing is lost, nothing runs, nothing is half-written."""

from __future__ import annotations

import csv
import io
import json
import shlex

import numpy as np
import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine import cells
from engine.cells import risky
from engine.errors import DataError, EngineError, UsageError
from engine.report import (
    ADDED,
    SETTINGS_KEY,
    cli_line,
    python_snippet,
    result_bytes,
    result_table,
    write_result,
)
from engine.workbook import HIGHLIGHT

SETTINGS = {"model": "demo@3", "rule": "=Percentile 95"}
FORMULAS = [
    "=HYPERLINK(1)", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\x00=1", "＝1", "＋1", "－1", "＠a",
    "  =1", "\u00a0=1", "\u3000＝1", "\u200b=1", "\ufeff=1", "%0A=1", "'=1", "''=1", "\tplain", "-", "=",
]  # fmt: skip
HARMLESS = [
    "-5.2",
    "+5",
    "-1e-5",
    " -3",
    "'-5.2",
    "a=b",
    "'",
    "",
    "'quoted'",
    "07",
    "x\ty",
    'a,b;c"d"\ne',
    "<&>",
]
WORDS = [*FORMULAS, *HARMLESS, "日本\u202ered", "🙂", "_x0041_", "#N/A", "lone\rreturn", " edges ", "TRUE"]


@pytest.fixture
def make():
    def make(frame, flags=None, judged=None, reasons=None, obstacles=None):
        n = len(frame)
        return result_table(
            frame,
            scores=np.linspace(0, 1, n),
            severity=np.linspace(0, 100, n),
            flags=np.zeros(n, bool) if flags is None else np.asarray(flags),
            judged=np.ones(n, bool) if judged is None else np.asarray(judged),
            reasons=reasons or {},
            obstacles=obstacles or {},
        )

    return make


def hostile(seed, n=40):
    """A table whose names, texts, numbers and times are as unkind as a seed makes them."""
    draw = np.random.default_rng(seed)
    words = draw.choice(np.array(WORDS, dtype=object), size=(3, n))
    numbers = draw.normal(size=n) * 10.0 ** draw.integers(-300, 300, n)
    numbers[draw.integers(0, n, 5)] = np.nan
    names = draw.choice(np.array(WORDS, dtype=object), size=3, replace=False)
    moments = np.datetime64("1950-01-01") + draw.integers(0, 4 * 10**9, n).astype("timedelta64[s]")
    return pd.DataFrame(
        {
            f"{names[0]}0": pd.array(words[0], dtype="str"),
            f"{names[1]}1": words[1],
            f"{names[2]}2": pd.Categorical(words[2]),
            "number": numbers,
            "whole": draw.integers(-(2**53), 2**53, n),
            "yes": draw.random(n) < 0.5,
            "when": moments,
            "day": moments.astype("datetime64[D]").astype("datetime64[s]"),
        }
    )


def unescaped(text):
    return text[1:] if text.startswith("'") and risky(pa.array([text[1:]]))[0].as_py() else text


def csv_rows(data):
    return list(csv.reader(io.StringIO(data.decode(), newline="")))


def book_of(table, settings=SETTINGS):
    return openpyxl.load_workbook(io.BytesIO(result_bytes(".xlsx", table, settings)))


def values_of(sheet):
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def in_excel(text):
    """What a reader that does not know Excel's own escapes finds in a cell."""
    return text.replace("\x00", "␀").replace("_x0041_", "_x005F_x0041_")


# -- the table


def test_result_keeps_rows_and_adds_four_columns(make):
    frame = pd.DataFrame({"a": [3, 1, 2]}, index=[7, 5, 6])
    before = frame.copy()
    table = make(frame, flags=[False, True, False], reasons={1: "a is low"})
    assert list(table.columns) == ["a", *ADDED]
    assert table["a"].tolist() == [3, 1, 2]
    assert table["is_anomaly"].dtype == bool
    assert table["reasons"].fillna("").tolist() == ["", "a is low", ""]
    pd.testing.assert_frame_equal(frame, before)


def test_unjudged_rows_have_no_flag_and_say_why(make):
    table = make(
        pd.DataFrame({"a": [1, 2, 3]}),
        flags=[True, True, False],
        judged=[True, False, False],
        obstacles={1: "no data"},
    )
    assert table["is_anomaly"].dtype == "boolean"
    assert table["is_anomaly"].isna().tolist() == [False, True, True]
    assert table["anomaly_score"].isna().tolist() == [False, True, True]
    assert table["reasons"].tolist()[1:] == ["could not be judged: no data", "could not be judged"]
    assert csv_rows(result_bytes(".csv", table, {}))[2][1:4] == ["", "", ""]
    assert values_of(book_of(table)["All scores"])[2][1:4] == [None, None, None]
    assert len(values_of(book_of(table)["Anomalies"])) == 2


def test_taken_names_get_a_suffix(make):
    frame = pd.DataFrame({"severity": [1], "reasons": ["x"], "reasons (Loupe)": ["y"]})
    added = list(make(frame).columns[3:])
    assert added == ["anomaly_score", "severity (Loupe)", "is_anomaly", "reasons (Loupe 2)"]


# -- import(export(x)) == x


@pytest.mark.parametrize("seed", range(4))
def test_csv_gives_back_what_went_in(make, seed):
    frame = hostile(seed)
    before = frame.copy(deep=True)
    rows = csv_rows(result_bytes(".csv", make(frame), {}))
    assert [unescaped(name) for name in rows[0]] == [*frame.columns, *ADDED]
    for number, name in enumerate(frame.columns[:3]):
        assert [unescaped(row[number]) for row in rows[1:]] == frame[name].tolist()
    numbers = [float(row[3] or "nan") for row in rows[1:]]
    np.testing.assert_array_equal(numbers, frame["number"])
    assert [int(row[4]) for row in rows[1:]] == frame["whole"].tolist()
    assert [row[5] == "true" for row in rows[1:]] == frame["yes"].tolist()
    assert [pd.Timestamp(row[6]) for row in rows[1:]] == frame["when"].tolist()
    assert all(len(row[7]) == len("2026-01-01") for row in rows[1:])
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("seed", range(4))
def test_xlsx_gives_back_what_went_in(make, seed):
    frame = hostile(seed)
    header, *rows = values_of(book_of(make(frame))["All scores"])
    assert header == [in_excel(name) for name in [*frame.columns, *ADDED]]
    for number, name in enumerate(frame.columns[:3]):
        assert [row[number] for row in rows] == [in_excel(text) for text in frame[name]]
    numbers = [np.nan if row[3] is None else row[3] for row in rows]
    np.testing.assert_array_equal(numbers, frame["number"])
    assert [row[4] for row in rows] == frame["whole"].tolist()
    assert [row[5] for row in rows] == frame["yes"].tolist()
    assert [pd.Timestamp(row[6]) for row in rows] == frame["when"].tolist()
    assert [pd.Timestamp(row[7]) for row in rows] == frame["day"].tolist()


@pytest.mark.parametrize("seed", range(4))
def test_parquet_gives_back_exactly_what_went_in(make, seed):
    table = make(hostile(seed))
    data = result_bytes(".parquet", table, SETTINGS)
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(data)), table, check_dtype=False)
    assert json.loads(pq.read_schema(io.BytesIO(data)).metadata[SETTINGS_KEY]) == SETTINGS


# -- formulas


def test_formulas_are_told_from_numbers_and_plain_text():
    assert risky(pa.array(FORMULAS)).to_pylist() == [True] * len(FORMULAS)
    assert risky(pa.array(HARMLESS)).to_pylist() == [False] * len(HARMLESS)


def test_csv_has_no_text_or_name_that_runs_unless_raw_is_asked_for(make):
    table = make(pd.DataFrame({"=name": FORMULAS, "mixed": [-5.5, "=1", *[None] * (len(FORMULAS) - 2)]}))
    rows = csv_rows(result_bytes(".csv", table, {}))
    assert all(row[0].startswith("'") for row in rows)
    assert [row[1] for row in rows[1:3]] == ["-5.5", "'=1"]
    raw = csv_rows(result_bytes(".csv", table, {}, raw=True))
    assert [row[0] for row in raw] == ["=name", *FORMULAS]


def test_the_events_of_a_series_are_the_first_sheet_of_a_workbook(make):
    table, start = make(pd.DataFrame({"heat": [1.0, 2.0]})), pd.Timestamp("2024-05-06 07:08:09")
    events = pd.DataFrame({"start": [start], "channels": ["=heat 60 %"]})
    book = openpyxl.load_workbook(io.BytesIO(result_bytes(".xlsx", table, SETTINGS, events=events)))
    assert book.sheetnames == ["Events", "Anomalies", "All scores", "Settings"]
    assert values_of(book["Events"]) == [["start", "channels"], [start, "=heat 60 %"]]
    assert book["Events"]["B2"].data_type == "s"


def test_workbook_has_no_formula_and_dangerous_text_stays_text_when_edited(make):
    flags = np.ones(len(FORMULAS), bool)
    book = book_of(make(pd.DataFrame({"=name": FORMULAS}), flags=flags), {"=key": "=value"})
    assert book.sheetnames == ["Anomalies", "All scores", "Settings"]
    found = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert {cell.data_type for cell in found} <= {"s", "n", "b"}
    texts = [cell for cell in found if isinstance(cell.value, str)]
    dangers = risky(pa.array([cell.value for cell in texts])).to_pylist()
    assert sum(dangers) >= 2 * len(FORMULAS)
    assert all(cell.quotePrefix for cell, danger in zip(texts, dangers, strict=True) if danger)


# -- the workbook


def test_anomalies_come_worst_first_with_their_row_number(make):
    flags = np.arange(12_000) % 4_000 == 1  # in both parts the rows are rendered in
    frame = pd.DataFrame({"row": np.arange(12_000)})
    header, *rows = values_of(book_of(make(frame, flags=flags))["Anomalies"])
    assert header[:2] == ["row (Loupe)", "row"]
    assert [row[0] for row in rows] == [8002, 4002, 2]
    assert [row[1] for row in rows] == [8001, 4001, 1]


def test_only_flagged_rows_are_highlighted_also_in_empty_cells(make):
    frame = pd.DataFrame(
        {"a": [1.0, np.nan, 3.0], "t": ["x", None, "=y"], "d": pd.to_datetime(["2026-01-01"] * 3)}
    )
    sheet = book_of(make(frame, flags=[False, True, True]))["All scores"]
    fills = [{cell.fill.fgColor.rgb for cell in row} for row in sheet.iter_rows()]
    assert fills[2:] == [{HIGHLIGHT}] * 2
    assert all(HIGHLIGHT not in fill for fill in fills[:2])
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G4"
    assert sheet["C4"].is_date
    assert sheet["A1"].font.bold


def test_settings_tell_what_a_sheet_could_not_hold(make):
    frame = pd.DataFrame(
        {
            "long": ["x" * 40_000, "🙂" * 20_000, "é" * 30_000],
            "when": pd.to_datetime(["2026-07-01 12:00"] * 3).tz_localize("Europe/Berlin"),
        }
    )
    book = book_of(make(frame))
    told = {row[0]: row[1] for row in values_of(book["Settings"])[1:]}
    assert {key: told[key] for key in SETTINGS} == SETTINGS
    assert told["Texts cut"].startswith("2, ")
    assert told["Time zone of 'when'"] == "converted to UTC"
    rows = values_of(book["All scores"])[1:]
    assert rows[0][0] == "x" * 32_766 + "…"
    assert len(rows[1][0].encode("utf-16-le")) <= 2 * 32_767
    assert rows[2][0] == "é" * 30_000
    assert rows[0][1] == pd.Timestamp("2026-07-01 10:00")


def test_what_excel_would_change_is_written_as_text(make):
    frame = pd.DataFrame(
        {
            "id": [2**53 + 1, -(2**63)],
            "number": [np.inf, -np.inf],
            "old": np.array(["1650-02-03", "294000-01-01"], "M8[s]"),
            "odd": [["=1"], "\ud800"],
            "precise": np.array(["2026-01-01T00:00:00.250", "2026-01-01"], "M8[ns]"),
        }
    )
    rows = values_of(book_of(make(frame))["All scores"])[1:]
    assert [row[0] for row in rows] == [str(2**53 + 1), str(-(2**63))]
    assert [row[1] for row in rows] == ["inf", "-inf"]
    assert rows[0][2] == "1650-02-03"
    assert [row[3] for row in rows] == ["['=1']", "�"]
    assert rows[0][4] == pd.Timestamp("2026-01-01T00:00:00.250")


def test_too_large_for_a_sheet_is_one_sentence_that_names_the_way_out(make, monkeypatch):
    monkeypatch.setattr(cells, "MAX_ROWS", 2)
    with pytest.raises(DataError, match=r"at most 2 rows, got 3; choose CSV or Parquet instead"):
        result_bytes(".xlsx", make(pd.DataFrame({"a": [1, 2, 3]})), {})
    monkeypatch.setattr(cells, "MAX_COLUMNS", 5)
    with pytest.raises(DataError, match=r"at most 5 columns, got 6"):
        result_bytes(".xlsx", make(pd.DataFrame({"a": [1]})), {})


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".parquet"])
def test_a_result_without_rows_can_be_written(make, suffix):
    assert result_bytes(suffix, make(pd.DataFrame({"a": pd.array([], "str")})), {})


# -- files and names


def test_a_result_is_written_whole_or_not_at_all(make, tmp_path):
    table = make(pd.DataFrame({"a": [1]}))
    write_result(tmp_path / "out.CSV", table, {})
    assert [path.name for path in tmp_path.iterdir()] == ["out.CSV"]
    with pytest.raises(UsageError, match=r"\.csv, \.xlsx or \.parquet, got 'out\.ods'"):
        write_result(tmp_path / "out.ods", table, {})
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(EngineError, match="was not written"):
        write_result(tmp_path / "folder.csv", table, {})
    with pytest.raises(EngineError, match="was not written"):
        write_result(tmp_path / "missing" / "out.csv", table, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "out.CSV"]


def test_equal_names_are_refused_by_name(make):
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(DataError, match="different names, got 'a' twice"):
        result_bytes(".csv", make(frame), {})


# -- code


def test_command_line_parses_back_into_what_was_asked():
    line = cli_line(
        data="-my data's.xlsx", model="demo@3", output="o ut.csv", threshold=-1e-05,
        mapping={"amount": "Betrag €"},
        options={"sheet": "Q1 $HOME", "text_columns": ("a", "b"), "day_first": True},
    )  # fmt: skip
    assert shlex.split(line) == [
        "python", "-m", "engine", "score", "./-my data's.xlsx", "--model", "demo@3", "--output", "o ut.csv",
        "--threshold=-1e-05", "--map", "amount=Betrag €", "--read", "sheet=Q1 $HOME",
        "--read", "text_columns=a,b", "--read", "day_first=true",
    ]  # fmt: skip


def test_command_line_is_accepted_by_the_command():
    from engine.cli import parser

    line = cli_line(data="d.csv", model="demo@3", output="o.csv", percentile=95, models="my models")
    options = parser().parse_args(shlex.split(line)[3:])
    assert (options.model, options.percentile, str(options.models)) == ("demo@3", 95.0, "my models")


@pytest.mark.parametrize("line", [{}, {"percentile": 95}, {"threshold": -0.5}, {"threshold": float("inf")}])
def test_snippet_compiles_and_names_what_was_asked(line):
    snippet = python_snippet(
        data='it\'s "x"\n\u202e.csv', model="demo@3", mapping={"a": "b"}, options={"sheet": "Events"}, **line
    )
    compile(snippet, "snippet", "exec")
    assert "\u202e" not in snippet
    assert 'ReadingOptions(sheet="Events")' in snippet
    assert 'mapping={"a": "b"}' in snippet


def test_snippet_uses_only_what_the_engine_offers():
    import engine

    snippet = python_snippet(data="d.csv", model="demo@3", percentile=95, options={"text_columns": ("a",)})
    imported = next(row for row in snippet.splitlines() if row.startswith("from engine"))
    assert all(hasattr(engine, name) for name in imported.partition("import ")[2].split(", "))


def test_percentile_and_threshold_together_are_refused():
    for write in (python_snippet, lambda **given: cli_line(output="o.csv", **given)):
        with pytest.raises(UsageError, match="got both"):
            write(data="d.csv", model="m", percentile=95, threshold=0.5)
