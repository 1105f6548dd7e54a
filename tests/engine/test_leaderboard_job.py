"""A leaderboard that a job draws up says the same as one drawn up at once, also with lines of their own."""

from dataclasses import replace

import numpy as np
import pytest

from engine import Workspace
from engine.analysis import judge
from engine.contestants import entry_of, model_entry, stored_leaderboard
from engine.data.roles import Roles
from engine.leaderboard import flags_of
from engine.leaderboard_job import kept_leaderboard, run_leaderboard
from engine.model import Card
from engine.scoring.rules import rule_from_text
from engine.tasks import run_train
from tests.engine.test_group_lines import machines


class Quiet:
    def __init__(self, directory):
        self.directory = directory

    def progress(self, fraction, message=""):
        assert 0 <= fraction <= 1

    def log(self, text):
        pass

    def record(self, **values):
        pass


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Labelled readings of machines that two models have judged: space, data, ids of the results, a job."""
    folder = tmp_path_factory.mktemp("board")
    space = Workspace(folder / "w", folder / "m")
    frame = machines(1_000)
    frame["faulty"] = np.arange(len(frame)) % 25 == 0
    frame.loc[frame["faulty"], "x"] += 8
    frame.to_csv(folder / "machines.csv", index=False)
    data = space.datasets.add(folder / "machines.csv", "machines.csv")
    roles = dict.fromkeys("xyz", "feature")
    data = space.datasets.set_roles(data, Roles({**roles, "machine": "entity", "faulty": "label"}))
    places = {"workspace": str(space.root), "models": str(space.models_root), "dataset": data.id}
    results = [
        run_train({**places, "detector": kind, "name": name, "hyperparameters": chosen}, Quiet(folder))[
            "result"
        ]
        for name, kind, chosen in (
            ("forest", "isolation_forest", {"n_estimators": 10}),
            ("near", "neighbours", {}),
        )
    ]
    return space, space.datasets.get(data.id), results, {**places, "results": results}, Quiet(folder)


@pytest.mark.parametrize("own_lines", [False, True])
def test_what_is_kept_says_the_same_as_what_is_drawn_up_at_once(place, own_lines):
    space, data, results, spec, job = place
    assert kept_leaderboard(space, data, results, own_lines=own_lines) is None
    run_leaderboard({**spec, "own_lines": own_lines}, job)
    kept = kept_leaderboard(space, data, results, own_lines=own_lines)
    known = data.frame(["faulty"])["faulty"].to_numpy(dtype=float)
    models = [entry_of(space, space.results.load(id), own_lines=own_lines) for id in results]
    board = stored_leaderboard(data, models, known)
    assert [(s.entry.name, s.entry.sort, s.entry.detector) for s in kept.standings] == [
        (s.entry.name, s.entry.sort, s.entry.detector) for s in board.standings
    ]
    for one, other in zip(kept.standings, board.standings, strict=True):
        assert (one.found, one.flagged, one.judged) == (other.found, other.flagged, other.judged)
        assert (one.agreement, one.overlap) == (other.agreement, other.overlap)
    assert (kept.rows, kept.anomalies, kept.top) == (board.rows, board.anomalies, board.top)
    assert kept.verdicts == board.verdicts
    for measure in ("spearman", "kendall", "top"):
        np.testing.assert_array_equal(kept.agreement(measure), board.agreement(measure))
    assert {name: [v.tolist() for v in pair] for name, pair in kept.overlaps.items()} == {
        name: [v.tolist() for v in pair] for name, pair in board.overlaps.items()
    }
    flags = flags_of(kept.models)
    assert {name: int(each.sum()) for name, each in flags.items()} == {
        e.name: s.flagged for s in board.standings for e in [s.entry] if e.sort == "model"
    }


def test_with_lines_of_their_own_flags_are_those_of_the_groups(place):
    space, _, results, _, _ = place
    plain, own = (entry_of(space, space.results.load(results[0]), own_lines=own) for own in (False, True))
    assert plain.own is None
    assert own.own.references.column == "machine"
    assert own.flags.tolist() == (own.scores > own.own.of_rows).tolist() != plain.flags.tolist()


def test_a_model_whose_rule_counts_rows_draws_its_line_on_the_rows_compared(place):
    space, _, results, _, _ = place
    result = space.results.load(results[0])
    card = Card.from_dict(space.models.card(space.models.resolve(result.model)))
    for text in ("budget=7", "fdr=0.2"):
        rule = rule_from_text(text)
        entry = model_entry(replace(card, rule=rule.as_dict()), np.asarray(result.values))
        assert entry.threshold == judge(entry.scores, card, rule).threshold != card.threshold
        assert entry.flags.sum() == (7 if rule.kind == "budget" else judge(entry.scores, card, rule).flagged)


def test_kept_curves_have_their_ends_and_no_more_points_than_are_drawn(place):
    space, data, results, spec, job = place
    run_leaderboard({**spec, "own_lines": False}, job)
    curves = kept_leaderboard(space, data, results, own_lines=False).curves
    for points in curves.values():
        assert (points.recall[0], points.recall[-1], points.false_positive_rate[-1]) == (0, 1, 1)
        assert len(points.recall) <= 2_000


def test_other_roles_or_a_newer_result_are_another_leaderboard(place):
    space, data, results, spec, job = place
    run_leaderboard({**spec, "own_lines": False}, job)
    assert kept_leaderboard(space, data, results, own_lines=False)
    assert kept_leaderboard(space, data, results[::-1], own_lines=False) is None
    before = data.roles
    space.datasets.set_roles(data, Roles({**before.columns, "faulty": "ignore"}))
    unlabelled = space.datasets.get(data.id)
    assert kept_leaderboard(space, unlabelled, results, own_lines=False) is None
    run_leaderboard({**spec, "own_lines": False}, job)
    kept = kept_leaderboard(space, unlabelled, results, own_lines=False)
    assert kept.curves == {}
    assert "no known answers" in kept.why_unmeasured
    space.datasets.set_roles(unlabelled, before)
