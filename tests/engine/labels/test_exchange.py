"""Labels as CSV files: ours come back as they went, and those of other programs are understood."""

import pytest

from engine import Label, bring_labels, current_labels, give_labels, labels_csv
from engine.errors import DataError
from engine.labels.exchange import brought
from tests.pages.prepared import pumps, rhythm

NOTE = "=HYPERLINK(1); 'quoted', and; more"
SAID = {
    3: Label(verdict="normal"),
    7: Label(verdict="unsure", tag="ask Kari"),
    395: Label(verdict="anomaly", class_name="leak", note=NOTE),
}


def verdicts(content, dataset):
    return {row: label.words for row, label in brought(content.encode(), dataset).labels.items()}


@pytest.mark.parametrize("kind", ["pumps", "rhythm"])
def test_what_is_taken_away_comes_back_as_it_was(place, ledger, kind, tmp_path):
    dataset = getattr(place, kind)
    give_labels(ledger, dataset, SAID, act="a", who="ada")
    content = labels_csv(current_labels(ledger, dataset), dataset)
    assert b'"=HYPER' not in content, "no spreadsheet runs a note"
    assert brought(content, dataset).labels == SAID
    ledger.withdraw("a", who="ada")
    new, _ = bring_labels(ledger, dataset, content, who="bob")
    assert new == 3
    assert {row: event.label for row, event in current_labels(ledger, dataset).events.items()} == SAID


def test_a_file_brought_twice_counts_once_and_after_undoing_again(place, ledger):
    content = b"row,label\n4,0\n396,1\n"
    assert bring_labels(ledger, place.pumps, content, who="ada")[0] == 2
    new, found = bring_labels(ledger, place.pumps, content, who="bob")
    assert new == 0
    ledger.withdraw(found.act, who="bob")
    assert bring_labels(ledger, place.pumps, content, who="ada")[0] == 2
    assert len(current_labels(ledger, place.pumps)) == 2


def test_annotated_series_are_brought_to_rows_by_their_time(place):
    current = rhythm()["current"]
    content = (
        "series,timestamp,value,label\n"
        f"current,2024-05-06T02:30:00.000Z,{current[150]},1\n"
        f"current,2024-05-06T02:31:00.000Z,{current[151]},0\n"
        "current,2030-01-01T00:00:00Z,1,1\n"
        f"current,2024-05-06T02:32:00Z,{current[152] + 1},\n"
    )
    found = brought(content.encode(), place.rhythm)
    assert {row: label.words for row, label in found.labels.items()} == {150: "anomaly", 151: "normal"}
    said = " ".join(finding.text for finding in found.findings)
    assert "by 'timestamp'" in said
    assert "1 of 4 lines are about no row" in said
    assert "1 lines have another value than the data at their time" in said


def test_series_of_several_machines_are_told_apart(place):
    frame = rhythm(60)
    both = [frame.assign(machine="north"), frame.assign(machine="south", current=frame["current"] + 1)]
    import pandas as pd

    data = place.bring(pd.concat(both), "machines.csv", machine="entity", timestamp="time")
    content = "series,timestamp,value,label\nsouth,2024-05-06 00:05:00,1,1\nnorth,2024-05-06 00:05:00,1,0\n"
    assert verdicts(content, data) == {65: "anomaly", 5: "normal"}
    with pytest.raises(DataError, match="of which 'machine' a line is"):
        brought(b"timestamp,label\n2024-05-06 00:05:00,1\n", data)


def test_the_label_column_of_the_data_itself_is_one(place):
    found = verdicts(pumps().iloc[385:390].to_csv(index=False), place.pumps)
    assert found == {385: "normal", 386: "normal", 387: "normal", 388: "anomaly", 389: "anomaly"}


def test_an_epoch_is_a_time_too(place):
    assert verdicts("timestamp;label\n1714962600;1\n", place.rhythm) == {150: "anomaly"}
    assert verdicts("timestamp\tlabel\n1714962600000\t1\n", place.rhythm) == {150: "anomaly"}
    assert verdicts("timestamp,label\n1714962600000000,1\n", place.rhythm) == {150: "anomaly"}
    assert verdicts("timestamp,label\n1714962600000000000,1\n", place.rhythm) == {150: "anomaly"}


def test_a_number_that_is_no_time_is_about_no_row(place):
    content = "timestamp,label\n1714962600,1\n1714962660,0\n1e30,1\n"
    assert verdicts(content, place.rhythm) == {150: "anomaly", 151: "normal"}


def test_a_day_in_eight_digits_is_that_day(place):
    days = rhythm(3).assign(timestamp=["2024-05-06", "2024-05-07", "2024-05-08"])
    data = place.bring(days, "days.csv", timestamp="time")
    assert verdicts("timestamp,label\n20240507,1\n20240508,0\n", data) == {1: "anomaly", 2: "normal"}


@pytest.mark.parametrize(
    ("written", "understood"),
    [
        (["1", "0"], ["anomaly", "normal"]),
        (["1.0", "0.0"], ["anomaly", "normal"]),
        (["-1", "1"], ["anomaly", "normal"]),
        (["TRUE", "false"], ["anomaly", "normal"]),
        (["not sure", "ok"], ["not sure", "normal"]),
        (["theft", "normal"], ["anomaly (theft)", "normal"]),
    ],
)
def test_labels_are_numbers_signs_words_or_classes(place, written, understood):
    content = f"pump_no,label\n5003,{written[0]}\n5395,{written[1]}\n5000,\n"
    assert verdicts(content, place.pumps) == {3: understood[0], 395: understood[1]}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("pump_no,remark\n5003,1\n", "must have a column 'label'"),
        ("colour,label\nred,1\n", "must say which rows it means, by 'pump_no' or 'row'"),
        ("pump_no,label\n", "no line below its header"),
        ("pump_no,label\n9999,1\n", "no line of the file has a label for a row of this data"),
        ("row,label,label\n1,1,1\n", "'label' is there twice"),
        ("", "must have a column 'label'|no line below"),
        ("\x00\xff\xfe", "must have a column 'label'|no line below|no CSV"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(place, content, said):
    with pytest.raises(DataError, match=said):
        brought(content.encode("latin-1"), place.pumps)


def test_the_file_of_another_upload_is_matched_by_name_not_by_number(place, ledger):
    give_labels(ledger, place.pumps, {395: SAID[395]}, act="a", who="ada")
    content = labels_csv(current_labels(ledger, place.pumps), place.pumps)
    other = place.bring(pumps().iloc[::-1].assign(heat=1.5, more=2), "turned.csv", pump_no="id")
    assert len(current_labels(ledger, other)) == 0, "other cells: nothing is taken over unasked"
    assert list(brought(content, other).labels) == [4]
