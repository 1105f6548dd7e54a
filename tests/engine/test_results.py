"""Results on disk: found again by what they answer, replaced without a gap, and refused in words when damaged."""

import json
import shutil
import threading

import numpy as np
import pandas as pd
import pytest

from engine.analysis import explain_worst, train
from engine.data.roles import Roles
from engine.errors import StoreError
from engine.results import Result, ResultStore
from engine.scoring.drift import judged_drift

DATASET = "0123456789abcdef"
MODEL = "pumps@1"


@pytest.fixture(scope="module")
def answer():
    """Scores, reasons and table of a small training; two rows cannot be judged."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(60, 3)), columns=list("abc"))
    frame.loc[5, "a"] = np.inf
    frame.loc[9, ["a", "b"]] = np.nan
    model = train(frame, Roles(dict.fromkeys(frame.columns, "feature")), "neighbours")
    prepared = model.encode(frame)
    scores = model.judge(prepared)
    return scores, explain_worst(model, prepared, scores, most=10), frame


@pytest.fixture
def store(tmp_path):
    return ResultStore(tmp_path / "results")


@pytest.fixture
def saved(store, answer):
    return store.save(MODEL, DATASET, *answer)


def only_folder(store, id):
    (folder,) = (store.root / id).iterdir()
    return folder


def test_a_result_is_read_back_as_it_was_saved(store, saved, answer):
    scores, explained, frame = answer
    found = store.load(saved)
    np.testing.assert_array_equal(found.values, scores.values)
    np.testing.assert_array_equal(found.severity, scores.severity)
    np.testing.assert_array_equal(found.contributions, explained.contributions)
    pd.testing.assert_frame_equal(found.worst, frame.loc[explained.rows])
    assert (found.id, found.model, found.dataset, found.mapping) == (saved, MODEL, DATASET, {})
    assert (
        found.obstacles
        == scores.obstacles
        == {
            5: "'a' is impossibly large (inf)",
            9: "2 of 3 values are missing",
        }
    )
    row = int(explained.rows[0])
    assert found.sentence(row) == explained.sentences()[row]
    assert found.reasons(row) == [reason.as_dict() for reason in explained.reasons[0]]
    assert (found.sentence(5), found.reasons(5)) == ("", None)
    assert store.exists(MODEL, DATASET)
    assert not store.exists("pumps@2", DATASET)


def test_the_drift_is_kept_and_a_result_of_before_says_that_it_was_not_measured(store, answer):
    drift = judged_drift(60, [], None, why="nothing to compare with")
    kept = store.load(store.save(MODEL, DATASET, *answer, drift=drift))
    assert kept.drift == drift
    del kept.about["drift"]
    assert Result(**{name: getattr(kept, name) for name in Result.__dataclass_fields__}).drift.verdict == (
        "not measured"
    )


def test_a_line_of_damaged_reasons_is_refused_when_its_row_is_asked_for(store, saved, answer):
    rows = answer[1].rows.tolist()
    place = only_folder(store, saved) / "reasons.jsonl"
    lines = place.read_bytes().splitlines()
    place.write_bytes(b"\n".join([lines[0], b'[{"colum', *lines[2:]]))
    found = store.load(saved)
    assert found.reasons(rows[0]) == [reason.as_dict() for reason in answer[1].reasons[0]]
    assert found.sentence(rows[2]) == answer[1].sentences()[rows[2]]
    for ask in (found.reasons, found.sentence):
        with pytest.raises(StoreError, match=r"this result is damaged .*; score the data again"):
            ask(rows[1])


def test_reasons_of_a_result_stored_before_they_had_a_file_are_found(store, saved, answer):
    folder, explained = only_folder(store, saved), answer[1]
    reasons = [[reason.as_dict() for reason in each] for each in explained.reasons]
    about = json.loads((folder / "about.json").read_text()) | {"reasons": reasons, "sentences": []}
    (folder / "about.json").write_text(json.dumps(about))
    (folder / "reasons.jsonl").unlink()
    found, row = store.load(saved), int(explained.rows[3])
    assert found.reasons(row) == reasons[3]
    assert found.sentence(row) == explained.sentences()[row]


def test_every_obstacle_is_kept_word_for_word(store, answer):
    scores, explained, frame = answer
    many = {row: f"{row % 7} of 9 values are missing" for row in range(25_000)}
    scores = type(scores)(values=scores.values, severity=scores.severity, obstacles=many)
    assert store.load(store.save(MODEL, DATASET, scores, explained, frame)).obstacles == many


def test_other_models_and_other_mappings_are_other_results():
    questions = [
        ("a b@1", {}),
        ("a-b@1", {}),
        ("a_b@1", {}),
        ("ä@1", {}),
        ("ö@1", {}),
        ("pump@1", {}),
        ("pump@1", {"a": "b"}),
        ("pump@1", {"a": "c"}),
        ("pump@11", {}),
    ]
    assert len({ResultStore.id_of(model, DATASET, mapping) for model, mapping in questions}) == len(questions)
    assert ResultStore.id_of("pump@1", DATASET, {"a": "b", "c": "d"}) == ResultStore.id_of(
        "pump@1", DATASET, {"c": "d", "a": "b"}
    )
    assert ResultStore.id_of("pump@1", DATASET, None) == ResultStore.id_of("pump@1", DATASET, {})


def test_the_results_of_a_data_set_are_listed_the_newest_first(store, answer):
    first, second = (store.save(model, DATASET, *answer) for model in ("a@1", "b@1"))
    store.save("a@1", "another", *answer)
    assert store.of_dataset(DATASET) == [second, first]
    store.save("a@1", DATASET, *answer)
    assert store.of_dataset(DATASET) == [first, second]
    assert store.of_dataset("*") == []


@pytest.mark.parametrize(
    "id", ["", ".", "..", "../x", "a/b", ".staging", "a\n", "a\x00", "x" * 201, "ä__1", " a", "C:\\x"]
)
def test_what_is_no_id_is_refused_in_words_and_never_becomes_a_path(store, saved, id):
    for ask in (store.load, store.stamp):
        with pytest.raises(StoreError, match="score the data again"):
            ask(id)
    with pytest.raises(StoreError):
        store.exists(MODEL, f"../{id}")


def test_an_id_of_nothing_has_no_stamp_and_is_no_longer_stored(store):
    assert store.stamp("0" * 16 + "__" + DATASET) == 0
    with pytest.raises(StoreError, match="no longer stored; score the data again"):
        store.load("0" * 16 + "__" + DATASET)


@pytest.mark.parametrize(
    "name", ["about.json", "values.npy", "contributions.npy", "worst.parquet", "reasons.jsonl"]
)
@pytest.mark.parametrize("content", [None, b"", b"{", b"null", b"\x93NUMPY nonsense"])
def test_a_damaged_result_is_refused_in_words_and_mended_by_scoring_again(
    store, saved, answer, name, content
):
    place = only_folder(store, saved) / name
    place.unlink()
    if content is not None:
        place.write_bytes(content)
    with pytest.raises(StoreError, match=r"this result is damaged .*; score the data again"):
        store.load(saved)
    store.save(MODEL, DATASET, *answer)
    assert len(store.load(saved).values) == 60


def test_saving_again_replaces_and_leaves_nothing_lying_about(store, saved, answer):
    before, stamp = store.load(saved), store.stamp(saved)
    again = (answer[0], answer[1], answer[2] * 2)
    assert store.save(MODEL, DATASET, *again) == saved
    assert store.stamp(saved) > stamp > 0
    only_folder(store, saved)
    assert list((store.root / ".staging").iterdir()) == []
    pd.testing.assert_frame_equal(store.load(saved).worst, 2 * before.worst)
    np.testing.assert_array_equal(before.values, answer[0].values)  # what was loaded stays whole


def test_scores_can_be_read_before_their_reasons_but_are_not_the_whole_answer(store, answer):
    scores, explained, frame = answer
    id = store.save(MODEL, DATASET, scores, None, frame)
    found = store.load(id)
    np.testing.assert_array_equal(found.values, scores.values)
    assert (found.reasons(int(explained.rows[0])), found.reasons_ready) == (None, False)
    assert not store.exists(MODEL, DATASET)
    store.save(MODEL, DATASET, scores, explained, frame)
    assert store.exists(MODEL, DATASET)
    assert store.load(id).reasons_ready


def test_a_save_that_fails_leaves_the_result_before_it(store, saved, answer, monkeypatch):
    monkeypatch.setattr("engine.files.publish", lambda *_: (_ for _ in ()).throw(OSError("no space")))
    with pytest.raises(OSError, match="no space"):
        store.save(MODEL, DATASET, *answer)
    assert len(store.load(saved).values) == 60
    assert list((store.root / ".staging").iterdir()) == []


def test_many_savers_and_readers_at_once_never_miss_a_result(store, saved, answer):
    problems, done = [], threading.Event()

    def guarded(work):
        try:
            work()
        except BaseException as problem:  # a thread's own would be lost
            problems.append(problem)

    def saving():
        for _ in range(8):
            store.save(MODEL, DATASET, *answer)

    def reading():
        while not done.is_set():
            assert store.exists(MODEL, DATASET)
            assert store.stamp(saved) > 0
            assert len(store.load(saved).worst) == 10

    savers = [threading.Thread(target=guarded, args=(saving,)) for _ in range(3)]
    readers = [threading.Thread(target=guarded, args=(reading,)) for _ in range(2)]
    for thread in savers + readers:
        thread.start()
    for thread in savers:
        thread.join()
    done.set()
    for thread in readers:
        thread.join()
    assert problems == []
    only_folder(store, saved)


def test_a_result_removed_by_hand_is_no_longer_stored(store, saved):
    shutil.rmtree(store.root / saved)
    assert store.of_dataset(DATASET) == []
    with pytest.raises(StoreError, match="no longer stored"):
        store.load(saved)
