"""Numbers, dates, yes and no, missing words, and rows that are no data."""

import numpy as np
import pandas as pd
import pytest


def column(*cells, name="x"):
    return "\n".join(["key;" + name, *(f"k{i};{cell}" for i, cell in enumerate(cells))]) + "\n"


def finding(reading, kind):
    return next((finding for finding in reading.findings if finding.kind == kind), None)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1.234,56", "2,5"], [1234.56, 2.5]),
        (["1,234.56", "2.5"], [1234.56, 2.5]),
        (["1 234,56", "2,5"], [1234.56, 2.5]),
        (["1\u00a0234,56", "2\u202f345,5"], [1234.56, 2345.5]),
        (["1'234.50", "2.5"], [1234.5, 2.5]),
        (["€ 1.234,50", "€ 2,00"], [1234.5, 2.0]),
        (["12,5 %", "3 %"], [12.5, 3.0]),
        (["(1.50)", "2.50"], [-1.5, 2.5]),
        (["−1.5", "+2.5"], [-1.5, 2.5]),
        (["1e3", ".5"], [1000.0, 0.5]),
    ],
)
def test_numbers_are_read_the_way_they_are_written(read, cells, values):
    reading = read(column(*cells))
    assert reading.types["x"] == "number"
    assert reading.frame["x"].tolist() == values


def test_decimal_comma_is_said_with_an_example(read):
    said = finding(read(column("1.234,56", "2,5")), "decimal")
    assert said.text == "Decimal comma: '1.234,56' is read as 1234.56."
    assert (said.option, said.value) == ("decimal", ",")


def test_groups_of_three_follow_the_rest_of_the_file(read):
    reading = read("a;b\n1,5;1.234\n2,25;5.678\n")
    assert reading.frame["b"].tolist() == [1234, 5678]


def test_groups_of_three_alone_are_called_ambiguous(read):
    assert finding(read(column("1,234", "5,678")), "decimal").level == "warning"


def test_decimal_can_be_overruled(read):
    assert read(column("1,234", "5,678"), decimal=".").frame["x"].tolist() == [1234, 5678]
    assert read(column("1,234", "5,678"), decimal=",").frame["x"].tolist() == [1.234, 5.678]


def test_thousands_can_be_overruled(read):
    assert read(column("1.234", "5.678"), decimal=",", thousands="").types["x"] == "text"
    assert read(column("1_234", "5_678"), thousands="_").frame["x"].tolist() == [1234, 5678]


def test_leading_zeros_stay_text(read):
    reading = read(column("007", "12", "013"))
    assert reading.frame["x"].tolist() == ["007", "12", "013"]
    assert (
        finding(reading, "leading_zeros").text == "'x' kept as text because of leading zeros such as `007`."
    )


def test_leading_zeros_can_be_overruled(read):
    assert read(column("007", "12"), number_columns=("x",)).frame["x"].tolist() == [7, 12]


def test_numbers_can_be_kept_as_text(read):
    reading = read(column("1.50", "NA"), text_columns=("x",))
    assert reading.frame["x"].tolist() == ["1.50", "NA"]


def test_unknown_column_in_a_choice_is_named(refusal):
    assert "no column 'y'" in refusal(column("1"), text_columns=("y",))


def test_integers_beyond_64_bits_stay_text(read):
    reading = read(column("12345678901234567890", "2"))
    assert reading.types["x"] == "text"
    assert finding(reading, "long_integers")


def test_largest_64_bit_integer_is_exact(read):
    assert read(column("9223372036854775807", "-9223372036854775808")).frame["x"].tolist() == [
        2**63 - 1,
        -(2**63),
    ]


@pytest.mark.parametrize("word", ["1e400", "inf", "-Infinity"])
def test_numbers_out_of_range_are_missing_and_counted(read, word):
    reading = read(column("1.5", word, "2.5"))
    assert reading.frame["x"].isna().tolist() == [False, True, False]
    assert "1 cell holds infinity" in finding(reading, "out_of_range").text


@pytest.mark.parametrize("word", ["NA", "null", "None", "-", "n/a", "#N/A", "NaN", "k.A."])
def test_words_for_missing_are_counted(read, word):
    reading = read(column("1", word, "2", word))
    assert reading.types["x"] == "integer"
    assert reading.frame["x"].isna().sum() == 2
    assert f"'{word}' (2)" in finding(reading, "missing").text


def test_minus_beside_plus_is_a_value(read):
    assert read(column("+", "-", "+")).frame["x"].tolist() == ["+", "-", "+"]


def test_few_bad_cells_become_missing(read):
    reading = read(column(*range(100), "error"))
    assert reading.types["x"] == "integer"
    assert "'error'" in finding(reading, "bad_cells").text


def test_late_surprise_in_a_long_column_does_not_crash(read):
    reading = read(column(*range(5000), "broken", *range(5000)))
    assert reading.frame["x"].isna().sum() == 1


def test_many_bad_cells_keep_the_column_text(read):
    reading = read(column(1, 2, 3, "error"))
    assert reading.types["x"] == "text"
    assert finding(reading, "mixed").option == "number_columns"


@pytest.mark.parametrize(("yes", "no"), [("true", "false"), ("Yes", "No"), ("ja", "nein"), ("TRUE", "FALSE")])
def test_yes_and_no_are_boolean(read, yes, no):
    reading = read(column(yes, no, yes))
    assert reading.frame["x"].tolist() == [True, False, True]
    assert reading.frame["x"].dtype == bool


def test_boolean_with_gaps_is_nullable(read):
    assert str(read(column("true", "", "false")).frame["x"].dtype) == "boolean"


def test_zero_and_one_stay_integers(read):
    assert read(column(0, 1, 0)).types["x"] == "integer"


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (["2024-01-31", "2024-02-01"], "2024-01-31"),
        (["2024-01-31 10:00:00.5", "2024-02-01 00:00:00"], "2024-01-31 10:00:00.5"),
        (["31.01.2024 10:30", "01.02.2024 11:30"], "2024-01-31 10:30"),
        (["01/31/2024", "02/01/2024"], "2024-01-31"),
        (["31/01/2024", "01/02/2024"], "2024-01-31"),
        (["1/31/2024 1:05 PM", "2/1/2024 12:05 AM"], "2024-01-31 13:05"),
        (["31-Jan-2024", "1-Feb-2024"], "2024-01-31"),
        (["Jan 31, 2024", "Feb 1, 2024"], "2024-01-31"),
        (["2024/01/31", "2024/02/01"], "2024-01-31"),
        (["2024-01-31T10:00:00+02:00", "2024-02-01T00:00:00+02:00"], "2024-01-31 08:00"),
        (["2024-01-31T10:00:00Z", "2024-02-01T00:00:00Z"], "2024-01-31 10:00"),
        (["0001-01-01", "9999-12-31"], "0001-01-01"),
    ],
)
def test_dates_are_read(read, cells, first):
    reading = read(column(*cells))
    assert reading.types["x"] == "datetime"
    assert reading.frame["x"].dt.tz is None
    assert reading.frame["x"][0] == np.datetime64(first.replace(" ", "T"), "us")


def test_undecidable_day_and_month_are_called_so(read):
    said = finding(read(column("03/04/2024", "03/04/2024")), "day_first")
    assert said.level == "warning"
    assert said.option == "day_first"


def test_order_of_rows_decides_day_and_month(read):
    reading = read(column("03/04/2024", "04/04/2024", "05/04/2024", "06/04/2024", "01/05/2024"))
    assert reading.frame["x"].is_monotonic_increasing
    assert finding(reading, "day_first").level == "info"


@pytest.mark.parametrize(("day_first", "month"), [(True, 4), (False, 3)])
def test_day_first_can_be_overruled(read, day_first, month):
    assert read(column("03/04/2024"), day_first=day_first).frame["x"][0].month == month


@pytest.mark.parametrize("digits", [0, 3, 6, 9])
def test_epoch_in_a_time_column_is_a_time(read, digits):
    reading = read(column(*(str(1_700_000_000 + i) + "0" * digits for i in range(3)), name="timestamp"))
    assert reading.frame["timestamp"][0] == pd.Timestamp("2023-11-14 22:13:20")
    assert finding(reading, "epoch").option == "number_columns"


def test_epoch_can_be_overruled_both_ways(read):
    cells = column(1_700_000_000, 1_700_000_005, name="ts")
    assert read(cells, number_columns=("ts",)).types["ts"] == "integer"
    assert read(column(1_700_000_000, 1_600_000_005), datetime_columns=("x",)).types["x"] == "datetime"


def test_large_numbers_without_a_time_name_stay_numbers(read):
    assert read(column(1_700_000_000, 1_600_000_000)).types["x"] == "integer"


@pytest.mark.parametrize("word", ["Total", "Summe", "SUM", "Grand total", "Total:"])
def test_totals_row_is_left_out(read, word):
    reading = read(f"day,x\n2024-01-01,1\n2024-01-02,2\n2024-01-03,4\n{word},7\n")
    assert len(reading.frame) == 3
    assert reading.types["day"] == "datetime"
    assert finding(reading, "totals").option == "drop_totals"


def test_unlabelled_sums_are_left_out(read):
    assert len(read("day,x,y\n2024-01-01,1,2\n2024-01-02,2,3\n2024-01-03,4,4\n,7,9\n").frame) == 3


def test_totals_can_be_kept(read):
    assert len(read("name,x\na,1\nb,2\nc,4\nTotal,7\n", drop_totals=False).frame) == 4


def test_note_below_the_table_is_left_out(read):
    reading = read("a,b,c\n1,2,3\n4,5,6\n7,8,9\nSource: somewhere,,\n")
    assert len(reading.frame) == 3
    assert reading.types["a"] == "integer"


def test_repeated_header_is_left_out(read):
    reading = read("a,b\n1,2\na,b\n3,4\n")
    assert reading.frame.values.tolist() == [[1, 2], [3, 4]]
    assert finding(reading, "repeated_header")


def test_empty_rows_and_nameless_empty_columns_are_left_out(read):
    reading = read("a;b;\n1;2;\n;;\n\n3;4;\n")
    assert reading.frame.values.tolist() == [[1, 2], [3, 4]]
    assert list(reading.types) == ["a", "b"]


def test_frame_has_only_the_promised_types(read):
    reading = read("i;f;b;t;s\n1;1.5;true;2024-01-01;x\n2;2.5;false;2024-01-02;y\n")
    assert [str(kind) for kind in reading.frame.dtypes] == [
        "int64",
        "float64",
        "bool",
        "datetime64[us]",
        "str",
    ]
    assert isinstance(reading.frame.index, pd.RangeIndex)
