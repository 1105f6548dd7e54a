"""Delimiters, encodings, headers and lines that do not fit."""

import pytest

PLACES = ["Orléans", "Århus", "Genève", "München", "Málaga", "Besançon", "Logroño"]


def kinds(reading):
    return {finding.kind for finding in reading.findings}


def texts(reading):
    return " ".join(finding.text for finding in reading.findings)


def test_plain_file_needs_no_words(read):
    reading = read("time,id,value\n2024-01-01,1,2.5\n2024-01-02,2,3.5\n")
    assert reading.findings == ()
    assert reading.types == {"time": "datetime", "id": "integer", "value": "number"}
    assert (reading.delimiter, reading.encoding, reading.header_row) == (",", "utf-8", 1)


@pytest.mark.parametrize("delimiter", [";", "\t", "|", "^", "~"])
def test_other_delimiters_are_found_and_said(read, delimiter):
    reading = read("a,b,c\n1,x,2.5\n2,y,3.5\n".replace(",", delimiter))
    assert reading.delimiter == delimiter
    assert list(reading.types.values()) == ["integer", "text", "number"]
    assert "delimiter" in kinds(reading)


def test_columns_may_be_kept_apart_by_spaces(read):
    assert read("x   y z\n1 2  3\n4 5 6\n").frame.values.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_commas_inside_semicolon_cells_are_decimals(read):
    assert read("a;b\n1,5;2,5\n3,5;4,5\n").frame["a"].tolist() == [1.5, 3.5]


def test_excel_hint_names_the_delimiter(read):
    reading = read("sep=;\na;b\n1;2\n")
    assert reading.delimiter == ";"
    assert reading.header_row == 2


@pytest.mark.parametrize("content", ["value\n1\n2\n3\n", "1\n2\n3\n", "v\n1.5\n2.5\n"])
def test_single_column_stays_one(read, content):
    reading = read(content)
    assert len(reading.types) == 1
    assert reading.delimiter is None


def test_single_column_may_have_decimal_commas(read):
    assert read("value\n1,5\n2,25\n").frame["value"].tolist() == [1.5, 2.25]


@pytest.mark.parametrize(
    ("codec", "reported"),
    [("utf-8-sig", "utf-8"), ("utf-16", "utf-16"), ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be")],
)
def test_unicode_encodings_are_recognised(read, codec, reported):
    reading = read("größe;ort\n1;Köln\n2;Łódź\n".encode(codec))
    assert reading.encoding == reported
    assert reading.frame["ort"].tolist() == ["Köln", "Łódź"]


@pytest.mark.parametrize(
    ("codec", "words"),
    [
        ("cp1252", ["Müller", "Größe", "Straße"]),
        ("cp1250", ["žluťoučký", "kůň", "příliš"]),
        ("cp1250", ["łódź", "źródło", "część"]),
        ("cp1251", ["температура", "давление", "насос"]),
    ],
)
def test_old_code_pages_are_guessed_and_said(read, codec, words):
    reading = read("\n".join(["name;wert", *(f"{word};1" for word in words)]).encode(codec))
    assert reading.encoding == codec
    assert reading.frame["name"].tolist() == words
    assert "encoding" in kinds(reading)


def test_encoding_can_be_overruled(read):
    assert read("a;b\nš;1\n".encode("cp1250"), encoding="cp1250").frame["a"].tolist() == ["š"]


def test_wrong_encoding_is_a_sentence(refusal):
    assert "not written in utf-8" in refusal("a;b\nä;1\n".encode("cp1252"), encoding="utf-8")


@pytest.mark.parametrize("end", ["\r", "\r\n", "\n"])
def test_every_line_end_works(read, end):
    assert read(end.join(["a,b", "1,2", "3,4", ""])).frame.values.tolist() == [[1, 2], [3, 4]]


def test_nul_bytes_are_left_out_with_a_warning(read):
    reading = read(b"a,b\n1,2\n3,\x004\n")
    assert reading.frame["b"].tolist() == [2, 4]
    assert "nul_bytes" in kinds(reading)


def test_header_below_comments_is_found_by_its_line(read):
    reading = read("# made by a logger\n# version 2\n\ntime,value\n2024-01-01,1\n2024-01-02,2\n")
    assert reading.header_row == 4
    assert "Header found in row 4; rows 1 to 3 were left out." in texts(reading)


def test_header_below_key_values_is_found(read):
    reading = read("Device,X1\nSerial,123\n\ntime,value\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n")
    assert reading.header_row == 4


def test_header_in_a_comment_is_used(read):
    assert list(read("# time,temp\n0.1,20\n0.2,21\n").types) == ["time", "temp"]


def test_missing_header_numbers_the_columns(read):
    reading = read("1,2.5\n2,3.5\n3,4.5\n")
    assert list(reading.types) == ["column_1", "column_2"]
    assert reading.header_row == 0
    assert len(reading.frame) == 3


def test_years_as_names_are_a_header(read):
    assert list(read("2019,2020,2021\n1.5,2.5,3.5\n2.5,3.5,4.5\n").types) == ["2019", "2020", "2021"]


def test_row_of_units_is_left_out(read):
    reading = read("time,temp,p\n[s],[°C],[bar]\n0.1,20.5,1\n0.2,21.5,1.1\n")
    assert len(reading.frame) == 2
    assert "units" in kinds(reading)


def test_header_row_can_be_overruled(read):
    content = "a,b\nc,d\n1,2\n3,4\n"
    assert list(read(content, header_row=1).types) == ["a", "b"]
    assert list(read("5,6\n1,2\n", header_row=1).types) == ["5", "6"]
    assert len(read("a,b\n1,2\n", header_row=0).frame) == 2


def test_delimiter_can_be_overruled(read):
    assert list(read("a,b;c\n1,2;3\n", delimiter=";").types) == ["a,b", "c"]


def test_short_line_is_filled_and_named(read):
    reading = read("a,b,c\n1,2,3\n4,5\n7,8,9\n")
    assert len(reading.frame) == 3
    assert "Line 3 ends early" in texts(reading)


def test_long_line_is_refused_by_its_number(refusal):
    assert "line 4 of 'data.csv' has 4 cells instead of 3" in refusal("a,b,c\n1,2,3\n4,5,6\n7,8,9,10\n")


def test_few_long_lines_among_many_are_left_out_and_named(read):
    lines = ["a,b", *(f"{i},{i}" for i in range(200))]
    lines[100] = "1,2,3"
    reading = read("\n".join(lines))
    assert len(reading.frame) == 199
    assert "Line 101 had more than 2 cells" in texts(reading)


@pytest.mark.parametrize("content", ['a,b\n1,"x\n2,y\n3,z\n', 'a,b\n1,x\n2,"y\n3,z\n4,w'])
def test_unclosed_quote_is_refused_by_its_line(refusal, content):
    line = 2 if '1,"x' in content else 3
    assert f"opened in line {line} " in refusal(content)


def test_quoted_newlines_stay_in_their_cell(read):
    assert read('a,b\n1,"x\ny"\n2,"z ""q"""\n').frame["b"].tolist() == ["x\ny", 'z "q"']


def test_single_quotes_may_wrap_cells(read):
    assert read("a,b\n'x,y',1\n'z,w',2\n").frame["a"].tolist() == ["x,y", "z,w"]


def test_rows_may_end_in_a_delimiter(read):
    assert list(read("a;b\n1;2;\n3;4;\n").types) == ["a", "b"]


def test_cell_of_one_megabyte_is_read(read):
    assert read('a,b\n1,"' + "x" * 1_000_000 + '"\n2,y\n').frame["b"].str.len().tolist() == [1_000_000, 1]


def test_too_many_columns_are_refused(refusal):
    row = ",".join(["1"] * 20_000)
    assert "20,000 columns" in refusal(f"{row}\n{row}\n")


@pytest.mark.parametrize("content", ["", "\n\n", "   \n", "\ufeff"])
def test_nothing_is_called_empty(refusal, content):
    assert "empty" in refusal(content)


def test_header_alone_has_no_rows(refusal):
    assert "no rows" in refusal("a,b\n")


def test_one_row_is_a_table(read):
    assert len(read("a,b\n1,2\n").frame) == 1


def test_names_become_unique_and_safe(read):
    long = "x" * 10_000
    reading = read(f"a,a,,a_2,=cmd,<script>,\u202eabc,{long}\n" + "1,2,3,4,5,6,7,8\n" * 2)
    names = list(reading.types)
    assert len(set(names)) == 8
    assert names[:6] == ["a", "a_3", "column_3", "a_2", "=cmd", "<script>"]
    assert names[6] == "abc"
    assert max(map(len, names)) <= 120
    assert "names" in kinds(reading)


def test_no_above_a_column_of_numbers_is_a_name(read):
    reading = read("no;flow\n1;2,5\n2;3,5\n3;4,5\n")
    assert list(reading.frame.columns) == ["no", "flow"]


def test_several_western_languages_in_one_file_are_not_taken_for_cyrillic(read):
    lines = "ort;preis\n" + "".join(f"{place};{n},50\n" for n, place in enumerate(PLACES * 5))
    reading = read(lines.encode("cp1252"))
    assert reading.encoding == "cp1252"
    assert reading.frame["ort"][1] == "Århus"


def test_a_category_called_none_does_not_make_a_column_of_dates(read):
    rows = "".join(f"{n},{'none' if n % 10 else 'spike'}\n" for n in range(200))
    reading = read("n,kind\n" + rows)
    assert reading.types["kind"] == "text"
    assert not [finding for finding in reading.findings if finding.level == "warning"]
