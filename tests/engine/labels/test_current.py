"""Labels find their rows: in their data set by number, in another upload by name and content."""

import numpy as np
import pandas as pd
import pytest

from engine import Label, current_labels, give_labels
from engine.errors import UsageError
from tests.pages.prepared import pumps, rhythm

ANOMALY, NORMAL = Label(verdict="anomaly", class_name="leak"), Label(verdict="normal")


def test_labels_are_answers_by_row(place, ledger):
    said = {395: ANOMALY, 3: NORMAL, 7: Label(verdict="unsure")}
    assert give_labels(ledger, place.pumps, said, act="a", who="ada") == 3
    labels = current_labels(ledger, place.pumps)
    assert labels.rows.tolist() == [3, 7, 395]
    assert labels.anomalies.tolist() == [395]
    assert labels.counts == {"anomaly": 1, "normal": 1, "unsure": 1}
    assert labels.classes == ["leak"]
    assert np.array_equal(labels.answers, [0.0, np.nan, 1.0], equal_nan=True)


def test_a_row_that_is_not_there_cannot_be_labelled(place, ledger):
    with pytest.raises(UsageError, match=r"no row 401; the rows of 'pumps.csv' are 1 to 400"):
        give_labels(ledger, place.pumps, {400: NORMAL}, act="a", who="ada")


def test_in_a_grown_and_shuffled_file_labels_follow_the_id(place, ledger):
    give_labels(ledger, place.pumps, {395: ANOMALY, 3: NORMAL}, act="a", who="ada")
    more = pumps(420).iloc[400:].assign(pump_no=lambda frame: frame["pump_no"] + 5_000)
    grown = place.bring(pd.concat([more, pumps().sample(frac=1, random_state=1)]), "grown.csv", pump_no="id")
    labels = current_labels(ledger, grown)
    ids = grown.frame()["pump_no"]
    assert {int(ids[row]): labels.of(row).words for row in labels.rows} == {
        5395: "anomaly (leak)",
        5003: "normal",
    }
    assert labels.carried == set(labels.rows)


def test_a_row_of_the_same_name_with_other_cells_is_another_row(place, ledger):
    give_labels(ledger, place.pumps, {395: ANOMALY, 3: NORMAL}, act="a", who="ada")
    other = pumps()
    other.loc[3, "flow"] += 1
    labels = current_labels(ledger, place.bring(other, "other-plant.csv", pump_no="id"))
    assert labels.rows.tolist() == [395]


def test_readings_are_known_again_by_their_time(place, ledger):
    give_labels(ledger, place.rhythm, {150: ANOMALY, 151: ANOMALY}, act="a", who="ada")
    later = place.bring(rhythm(700).iloc[100:], "later.csv")
    frame = later.frame()
    same = frame.merge(rhythm().iloc[[150, 151]], how="inner")
    labels = current_labels(ledger, later)
    assert frame["timestamp"].iloc[labels.rows].tolist() == same["timestamp"].tolist()


def test_rows_that_nothing_names_are_known_in_their_data_set_alone(place, ledger):
    nameless = place.bring(pumps().drop(columns="pump_no"), "nameless.csv")
    give_labels(ledger, nameless, {3: NORMAL}, act="a", who="ada")
    assert current_labels(ledger, nameless).rows.tolist() == [3]
    again = place.bring(pumps().drop(columns="pump_no").iloc[1:], "shorter.csv")
    assert len(current_labels(ledger, again)) == 0


def test_what_was_said_here_goes_before_what_was_said_elsewhere(place, ledger):
    give_labels(ledger, place.pumps, {3: NORMAL, 4: NORMAL}, act="a", who="ada")
    copy = place.bring(pumps().iloc[::-1], "reversed.csv", pump_no="id")
    here = {395: ANOMALY, 396: Label(verdict="cleared")}  # rows 4 and 3 of the other
    give_labels(ledger, copy, here, act="b", who="bob")
    assert {row: label.label.verdict for row, label in current_labels(ledger, copy).events.items()} == {
        395: "anomaly"
    }
    assert current_labels(ledger, place.pumps).of(4) == NORMAL
    ledger.withdraw("a", who="ada")
    assert {row: event.label for row, event in current_labels(ledger, place.pumps).events.items()} == {
        4: ANOMALY
    }
