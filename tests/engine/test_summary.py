"""The end of a training in words: facts that fit a line's width, and a check that says what to do."""

from dataclasses import replace
from pathlib import Path

import pytest

from engine.summary import training_summary, validation_check, verdict

NO_ANSWERS = {"share_flagged": 0.05, "roc_auc": None, "average_precision": None}
MEASURED = {"share_flagged": 0.05, "roc_auc": 0.91234, "average_precision": 0.5}


@pytest.fixture(scope="module")
def card(model_of, table):
    parts = {"recipe.json": {"size": 400_000}, "detector.safetensors": {"size": 1_600_000}}
    return replace(model_of("isolation_forest", table).card, name="parts", version=3, parts=parts)


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.0, "not sensitive enough"),
        (0.0099, "not sensitive enough"),
        (0.01, "fine"),
        (0.1, "fine"),
        (0.1001, "too sensitive"),
        (1.0, "too sensitive"),
    ],
)
def test_one_to_ten_percent_is_fine(share, expected):
    assert verdict(share) == expected


def test_the_check_counts_the_flagged_rows_and_says_what_to_do(card):
    assert "15 of 300 training rows are flagged (5 %). Good" in validation_check(card, 0.05)
    assert "--set threshold_percentile=95), or train on cleaner data" in unwrapped(
        validation_check(card, 0.2)
    )
    assert "Lower the percentile (--set threshold_percentile=95)" in unwrapped(validation_check(card, 0.0))


def test_the_summary_names_model_files_and_threshold(card):
    lines = training_summary(card, Path("m/parts/3"), Path("runs/parts@3"), NO_ANSWERS, 2.34).splitlines()
    assert lines[1] == "Training Summary"
    assert "  Model      parts@3, Isolation Forest" in lines
    assert "  Files      manifest.json, recipe.json, detector.safetensors (2.0 MB)" in lines
    assert "  Run        runs/parts@3" in lines
    assert "  Rows       300, of which 300 could be judged" in lines
    assert lines[-1] == "  Seconds    2.3"
    assert not [line for line in lines if "Answers" in line]


def test_known_answers_are_measured_against(card):
    assert "label" in card.roles["columns"].values()
    said = training_summary(card, Path("m"), Path("r"), MEASURED, 1.0)
    assert "  Answers    by 'faulty', never learned from: ROC-AUC 0.912, average precision 0.500" in said


def test_many_features_are_named_in_part_and_no_line_is_too_long(card):
    many = replace(card, features=[f"sensor {i} · roughness" for i in range(40)])
    said = training_summary(many, Path("m"), Path("r"), NO_ANSWERS, 1.0)
    assert "40" in said
    assert "sensor 11 · roughness … and 28 more" in unwrapped(said)
    assert max(map(len, said.splitlines())) <= 100


def test_a_folder_below_this_one_is_named_from_here(card, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = training_summary(card, tmp_path / "m" / "parts", Path("/elsewhere"), NO_ANSWERS, 1.0)
    assert "  Folder     m/parts\n" in said
    assert "  Run        /elsewhere\n" in said


def unwrapped(text):
    return " ".join(text.split())
