"""The ledger of labels: nothing is lost, nothing is doubled, whoever writes and whoever dies."""

import random
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from engine.errors import StoreError, UsageError
from engine.labels.events import last_act, standing
from engine.labels.ledger import LabelLedger
from engine.labels.verdicts import Label

WRITER = Path(__file__).with_name("writer.py")
ROOT = Path(__file__).parents[3]
ANOMALY, NORMAL, UNSURE = (Label(verdict=verdict) for verdict in ("anomaly", "normal", "unsure"))


def labels(ledger, dataset="d"):
    """Row -> verdict as it stands."""
    return {row: event.label.verdict for (_, row), event in standing(ledger.of_dataset(dataset)).items()}


def start(url, writer, first, last):
    command = [sys.executable, str(WRITER), url, writer, str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)})


def test_a_label_is_there_when_it_is_saved_with_who_when_and_of_which_model(ledger):
    said = Label(verdict="anomaly", class_name="leak", tag="night", note="seal\nworn")
    assert ledger.add("one", {3: said}, who="ada", dataset="d", model="pumps@2") == 1
    (event,) = ledger.of_dataset("d")
    assert (event.row, event.who, event.dataset, event.model) == (3, "ada", "d", "pumps@2")
    assert (event.label.class_name, event.label.tag, event.label.note) == ("leak", "night", "seal worn")
    assert event.at > 1_700_000_000
    assert ledger.of_dataset("another") == []


def test_the_last_word_on_a_row_stands_and_undoing_it_brings_the_one_before_back(ledger):
    ledger.add("one", {3: NORMAL, 4: NORMAL}, who="ada", dataset="d")
    ledger.add("two", {3: ANOMALY}, who="bob", dataset="d")
    assert labels(ledger) == {3: "anomaly", 4: "normal"}
    assert [event.act for event in last_act(ledger.of_dataset("d"), "ada")] == ["one", "one"]
    assert ledger.withdraw("two", who="bob")
    assert labels(ledger) == {3: "normal", 4: "normal"}
    assert not ledger.withdraw("two", who="bob"), "undone once"
    assert ledger.withdraw("one", who="ada")
    assert labels(ledger) == {}
    assert last_act(ledger.of_dataset("d"), "ada") == []
    assert not ledger.withdraw("nothing", who="ada")


def test_a_label_can_be_taken_off(ledger):
    ledger.add("one", {3: NORMAL}, who="ada", dataset="d")
    ledger.add("two", {3: Label(verdict="cleared")}, who="ada", dataset="d")
    assert labels(ledger) == {}
    ledger.withdraw("two", who="ada")
    assert labels(ledger) == {3: "normal"}


def test_what_is_sent_again_is_not_saved_again_and_what_was_undone_takes_no_more(ledger):
    assert ledger.add("one", {1: NORMAL, 2: NORMAL}, who="ada", dataset="d") == 2
    assert ledger.add("one", {1: NORMAL, 2: NORMAL}, who="ada", dataset="d") == 0
    assert ledger.add("one", {1: NORMAL, 2: NORMAL, 5: NORMAL}, who="ada", dataset="d") == 1
    assert len(ledger.of_dataset("d")) == 3
    ledger.withdraw("one", who="ada")
    with pytest.raises(UsageError, match="were undone"):
        ledger.add("one", {1: NORMAL}, who="ada", dataset="d")


def test_a_thousand_labels_from_eight_writers_are_all_there_once(tmp_path):
    url = f"sqlite:///{tmp_path / 'loupe.db'}"
    writers = [start(url, f"w{n}", 125 * n, 125 * (n + 1)) for n in range(8)]
    for writer in writers:
        writer.communicate(timeout=120)
    assert [writer.returncode for writer in writers] == [0] * 8
    with closing(LabelLedger(url)) as ledger:
        events = ledger.of_dataset("d")
        assert sorted(event.row for event in events) == list(range(1_000))
        assert labels(ledger) == {row: "anomaly" if row % 2 else "normal" for row in range(1_000)}


def test_a_writer_that_is_killed_loses_nothing_it_was_told_is_saved(tmp_path):
    url, inside, first = f"sqlite:///{tmp_path / 'loupe.db'}", 0, 0
    chance = random.Random(5)
    acknowledged: set[int] = set()
    for n in range(6):
        writer = start(url, f"w{n}", first, first + 100_000)
        told, patience = [], chance.randint(5, 60)
        for line in writer.stdout:
            told.append(line.split())
            if len(told) == patience:
                writer.kill()
        told += [line.split() for line in writer.communicate()[0].splitlines()]
        begun, saved = ({int(row) for word, row in told if word == what} for what in ("begun", "saved"))
        inside += begun != saved
        acknowledged |= saved
        with closing(LabelLedger(url)) as ledger:
            there = [event.row for event in ledger.of_dataset("d")]
            assert acknowledged <= set(there)
            assert len(there) == len(set(there))
            again = max(begun)  # who heard no answer sends it again
            ledger.add(f"w{n}-{again}", {again: UNSURE}, who=f"w{n}", dataset="d")
            assert [event.row for event in ledger.of_dataset("d")].count(again) == 1
        first = again + 1
    assert inside >= 2, "the kills missed the writing"


@pytest.mark.parametrize("seed", range(20))
def test_however_writers_take_turns_the_labels_are_the_same(seed, ledger):
    chance = random.Random(seed)
    scripts = [_script(n, chance) for n in range(3)]
    for script in scripts:
        _play(ledger, script, "orderly")
    turns = [n for n, script in enumerate(scripts) for _ in script]
    chance.shuffle(turns)
    left = [iter(script) for script in scripts]
    for n in turns:
        step = next(left[n])
        for _ in range(chance.choice([1, 1, 2])):  # some are sent twice
            _play(ledger, [step], "mixed")
    assert labels(ledger, "mixed") == labels(ledger, "orderly")
    shuffled = ledger.of_dataset("mixed")
    chance.shuffle(shuffled)
    assert {row: e.label.verdict for (_, row), e in standing(shuffled).items()} == labels(ledger, "orderly")


def _script(writer, chance):
    """What somebody does to rows of their own: label them, once more, and undo."""
    steps, acts = [], []
    for number in range(12):
        if acts and chance.random() < 0.3:
            steps.append((acts.pop(chance.randrange(len(acts))), None))
        else:
            rows = chance.sample(range(10 * writer, 10 * writer + 10), chance.randint(1, 4))
            acts.append(f"{writer}-{number}")
            steps.append((acts[-1], {row: chance.choice([ANOMALY, NORMAL, UNSURE]) for row in rows}))
    return steps


def _play(ledger, steps, dataset):
    for act, said in steps:
        if said is None:
            ledger.withdraw(f"{dataset}-{act}", who="x")
        else:
            ledger.add(f"{dataset}-{act}", said, who="x", dataset=dataset)


def test_a_ledger_that_cannot_be_written_says_that_nothing_was_saved(tmp_path):
    url = f"sqlite:///{tmp_path / 'loupe.db'}"
    with closing(LabelLedger(url)) as ledger:
        ledger.add("one", {1: NORMAL}, who="ada", dataset="d")
        full = sa.event
        engine = ledger._database._engine

        @full.listens_for(engine, "begin")
        def fill(connection):
            connection.exec_driver_sql("PRAGMA max_page_count = 1")

        with pytest.raises(StoreError, match="were not saved, nothing has changed"):
            ledger.add(
                "two", {n: Label(verdict="normal", note="x" * 2_000) for n in range(50)}, who="a", dataset="d"
            )
        assert labels(ledger) == {1: "normal"}


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ({"verdict": "odd"}, "a label must be one of"),
        ({"verdict": "normal", "class_name": "leak"}, "a class names a kind of anomaly"),
        ({"verdict": "normal", "note": "x" * 2_001}, "a note may have 2,000 characters, got 2,001"),
    ],
)
def test_a_label_that_makes_no_sense_is_refused_in_words(label, said):
    with pytest.raises(UsageError, match=said):
        Label(**label)


def test_signs_that_turn_the_direction_of_writing_are_left_out():
    assert Label(verdict="normal", tag="ab\u202ecd\x07").tag == "abcd"
