"""Labels given on the pages of results and inspection."""

import json

from engine import CATALOGUE, EngineError, Label, current_labels, give_labels
from tests.pages.conftest import button, sound, texts, turn_to
from ui import server


def said(at, space, address):
    """Row number -> label in words, as the ledger has them."""
    labels = current_labels(server.labels(), space.datasets.get(address["data"]))
    return {row: event.label.words for row, event in labels.events.items()}


def press(at, key):
    return sound(at.button(key=key).click().run())


def test_a_row_is_labelled_taken_back_and_labelled_with_a_class_and_a_note(open_page, space, addresses):
    address = addresses["pumps"]
    leak = {390: Label(verdict="anomaly", class_name="leak")}
    give_labels(server.labels(), space.datasets.get(address["data"]), leak, act="before", who="ada")
    at = open_page("inspect", **address, row=395)
    press(at, "label-row-anomaly")
    assert said(at, space, address) == {390: "anomaly (leak)", 395: "anomaly"}
    assert "Saved: row 396: anomaly." in texts(at)
    press(at, "undo-row")
    assert said(at, space, address) == {390: "anomaly (leak)"}
    assert "Undone: row 396: anomaly." in texts(at)
    assert at.button(key="undo-row").disabled

    next(box for box in at.selectbox if box.label == "Class of the anomaly").set_value("leak")
    next(box for box in at.text_area if box.label == "Note").set_value("seal was **worn**")
    press(at, "label-row-anomaly")
    assert said(at, space, address)[395] == "anomaly (leak)"
    assert "seal was **worn**" in texts(at)
    assert button(at, "leak").key == "label-row-class-1", "a class in use has a button, and a key, of its own"


def test_a_selection_is_labelled_at_once_and_the_labels_suggest_a_threshold(open_page, space, addresses):
    address = addresses["pumps"]
    at = open_page("results", **address)
    table = next(found for found in at.dataframe if "Severity" in found.value)
    rows = [int(row) - 1 for row in table.value["Row"]]

    def tick(*numbers):
        key = next(found for found in at.dataframe if "Severity" in found.value).key
        at.session_state[key] = {"selection": {"rows": list(numbers), "columns": [], "cells": []}}
        sound(at.run())

    tick(0, 1, 2)
    press(at, "label-rows-anomaly")
    tick(18, 19)
    press(at, "label-rows-normal")
    labels = said(at, space, address)
    assert labels == {rows[i]: "anomaly" for i in (0, 1, 2)} | {rows[i]: "normal" for i in (18, 19)}
    numbers = {found.label: found.value for found in at.metric}
    assert (numbers["Labelled rows"], numbers["Precision so far"]) == ("5", "60 %")
    press(at, "label-threshold")
    assert 3 <= int({found.label: found.value for found in at.metric}["Flagged"]) < 19
    press(at, "undo-board")
    assert len(said(at, space, address)) == 3

    turn_to(at, "detect")
    assert "3 rows are labelled here. This detector does not learn from labels; Masked" in texts(at)


def test_the_most_useful_row_comes_next_and_a_normal_row_says_what_it_would_suppress(open_page, addresses):
    at = open_page("inspect", **addresses["pumps"])
    press(at, "label-useful")
    assert "near the threshold" in texts(at)
    first = at.session_state["loupe"].row
    sound(at.segmented_control(key="label-then").set_value("useful").run())
    press(at, "label-row-normal")
    assert at.session_state["loupe"].row != first
    worst = open_page("inspect", **addresses["pumps"])
    toggle = next(found for found in worst.toggle if found.label == "Look for flagged rows like this one")
    sound(toggle.set_value(True).run())
    assert "other flagged" in texts(worst)


def test_of_a_series_the_whole_event_is_labelled_and_learned_from(open_page, space, addresses, monkeypatch):
    address = addresses["rhythm"]
    at = open_page("inspect", **address, rule="percentile", at=97, row=150)
    while "Event **" not in texts(at) or len(at.segmented_control) < 2:
        sound(button(at, "Next event").click().run())
    assert "readings" in texts(at)
    press(at, "label-row-anomaly")
    labelled = sorted(said(at, space, address))
    assert len(labelled) > 1
    assert labelled == list(range(labelled[0], labelled[-1] + 1))
    assert at.session_state["loupe"].row in labelled

    asked = []

    def submit(kind, dataset, spec, **rest):
        asked.append(spec)
        raise EngineError("the queue is full")

    monkeypatch.setattr(server, "submit", submit)
    at.session_state["loupe"].teach = True  # as the button "Train with these labels" says
    turn_to(at, "detect")
    able = next(name for name, kind in CATALOGUE.items() if kind.learns_from_labels)
    assert at.segmented_control(key="detector").value == able
    assert at.toggle(key="learn-from-given").value
    sound(button(at, "Train").click().run())
    kept = json.loads((space.frozen_labels / f"{asked[0]['labels']}.json").read_text())
    assert kept["rows"] == labelled


def test_a_file_of_labels_is_brought_and_what_was_noticed_is_said(open_page, space, addresses):
    address = addresses["pumps"]
    at = open_page("results", **address)
    content = b"pump_no,label\n5395,1\n5003,0\n9999,1\n"
    sound(at.file_uploader[0].upload("checked.csv", content).run())
    assert said(at, space, address) == {3: "normal", 395: "anomaly"}
    assert "Saved: 2 labels." in texts(at)
    assert "1 of 3 lines are about no row of this data" in texts(at)
    sound(at.file_uploader[0].upload("odd.csv", b"colour\nred\n").run())
    assert "must have a column 'label'" in at.error[0].value.replace("\\", "")
