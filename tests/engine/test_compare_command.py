"""``compare``: the leaderboard as text and as JSON, for a table and a series, with known answers and without."""

import json

import pytest

from engine.cli import main


@pytest.fixture(scope="module")
def place(tmp_path_factory, table, series):
    folder = tmp_path_factory.mktemp("compare")
    table.frame.to_csv(folder / "parts.csv", index=False)
    table.frame.drop(columns="faulty").to_csv(folder / "plain.csv", index=False)
    series.frame.to_csv(folder / "press.csv", index=False)
    store = ("--models", str(folder / "m"), "--run-dir", str(folder / "r"))
    for detector, data, more in (
        ("isolation_forest", "parts", ("--set", "n_estimators=20", "--label", "faulty")),
        ("neighbours", "parts", ("--label", "faulty")),
        ("isolation_forest", "press", ("--set", "n_estimators=20", "--label", "fault", "--kind", "series")),
        ("nearest_windows", "press", ("--label", "fault", "--kind", "series")),
    ):
        name = f"{data}-{detector.replace('_', '-')}"
        assert (
            main(
                ["train", str(folder / f"{data}.csv"), "--detector", detector, "--name", name, *store, *more]
            )
            == 0
        )
    return folder


def compare(place, data, *more):
    detectors = {"press": ("isolation-forest", "nearest-windows")}.get(
        data, ("isolation-forest", "neighbours")
    )
    source = "press" if data == "press" else "parts"
    named = [part for name in detectors for part in ("--model", f"{source}-{name}")]
    return main(["compare", str(place / f"{data}.csv"), *named, "--models", str(place / "m"), *more])


def test_known_answers_say_who_is_better_and_how_surely(place, capsys):
    capsys.readouterr()
    assert compare(place, "parts") == 0
    out = capsys.readouterr().out
    assert "300 rows judged by all, 15 of them known anomalies" in out
    for said in ("ROC-AUC", "is better than", "Rank correlation", "Rows only one of the models flags"):
        assert said in out
    assert "Distance from the median" in out


def test_without_known_answers_it_says_so_and_ranks_nobody(place, capsys):
    capsys.readouterr()
    assert compare(place, "plain") == 0
    out = capsys.readouterr().out
    assert "there are no known answers" in out
    assert "is better than" not in out
    assert "agreement" in out


def test_json_holds_every_figure(place, capsys):
    capsys.readouterr()
    assert compare(place, "press", "--json", "--top", "8") == 0
    found = json.loads(capsys.readouterr().out)
    names = [line["name"] for line in found["standings"]]
    assert {
        "press-isolation-forest@1",
        "press-nearest-windows@1",
        "Consensus of ranks",
        "Window energy",
    } <= set(names)
    assert found["top"] == 8
    assert all(0 <= line["vus_pr"] <= 1 for line in found["standings"])
    assert found["agreement"]["kendall"][names[0]][names[0]] == 1
    assert all(0.5 <= each["share"] <= 1 for each in found["better"])


@pytest.mark.parametrize(
    ("more", "words"),
    [(("--label", "nobody"), "no column 'nobody'"), (("--top", "0"), "--top must be at least 1")],
)
def test_what_cannot_be_is_one_sentence(place, capsys, more, words):
    assert compare(place, "parts", *more) == 2
    assert words in capsys.readouterr().err
