"""Lines of their own: each group by the same rule on its own reference scores, the common line for the others."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from engine.analysis import judge, train
from engine.cli import main
from engine.data.roles import Roles
from engine.errors import StoreError, UsageError
from engine.group_lines import judged_by_group
from engine.model import Model
from engine.scoring.false_discovery import p_values
from engine.scoring.group_references import GroupReferences, by_group, numbered
from engine.scoring.rules import rule_from_text
from engine.scoring.thresholds import FixedValue, Percentile, percentile_of, reference_quantiles
from engine.store import ModelStore
from tests import naive

SPREAD = {"calm": 1.0, "rough": 6.0, "new": 1.0}


def machines(rows=1_200, seed=0):
    """Two machines with many rows, one of them rough by nature, and one with few."""
    rng = np.random.default_rng(seed)
    names = rng.choice(list(SPREAD), rows, p=[0.49, 0.49, 0.02])
    scale = pd.Series(names).map(SPREAD).to_numpy()
    values = {name: rng.normal(0, scale).round(6) for name in ("x", "y", "z")}
    return pd.DataFrame({"machine": names, **values})


@pytest.fixture(scope="module")
def frame():
    return machines()


@pytest.fixture(scope="module")
def model(frame):
    roles = Roles({"machine": "entity", "x": "feature", "y": "feature", "z": "feature"})
    return train(frame, roles, "neighbours")


def slow_lines(model, frame, scores, rule):
    """The line of each row, one group after the other, from the scores of training themselves."""
    reference = model.score(machines()).values
    whose = machines()["machine"].to_numpy()
    common = rule.threshold(model.card.reference_scores, scores, rows=model.card.independent_rows)
    lines = np.full(len(frame), common)
    for name in ("calm", "rough"):
        own, here = reference[whose == name], scores[(frame["machine"] == name).to_numpy()]
        line = rule.threshold(reference_quantiles(own), here, rows=len(own))
        lines[(frame["machine"] == name).to_numpy()] = line
    return lines


@pytest.mark.parametrize("text", ["percentile=95", "contamination=0.1", "mad=3.5"])
def test_each_group_has_the_line_that_the_rule_draws_on_its_own_scores(model, text):
    later, rule = machines(800, seed=1), rule_from_text(text)
    scores = model.score(later).values
    answer = judged_by_group(model, later, scores, rule)
    lines = slow_lines(model, later, scores, rule)
    np.testing.assert_array_equal(answer.flags, scores > lines)
    assert answer.own.of_rows.tolist() == lines.tolist() == [answer.line_of(row) for row in range(len(later))]
    assert (answer.flagged, answer.threshold) == (
        int((scores > lines).sum()),
        judge(scores, model.card, rule).threshold,
    )


FDR = rule_from_text("fdr=0.1")


def of_groups(rng, groups, behind):
    """Groups with so many ordinary reference scores of their own, and some rows of none."""
    drawn = [rng.normal(size=behind) for _ in range(groups)]
    references = GroupReferences(
        column="machine",
        names=tuple(map(str, range(groups))),
        rows=np.full(groups, behind),
        quantiles=np.stack([reference_quantiles(scores) for scores in drawn]),
    )
    return references, reference_quantiles(np.concatenate(drawn))


def test_one_step_up_over_all_rows_draws_the_lines_of_a_false_discovery_rate():
    rng = np.random.default_rng(5)
    references, common = of_groups(rng, 3, 400)
    codes = rng.integers(-1, 3, 900).astype(np.int32)
    for shift in (0.0, 2.5, 5.0):
        scores = np.r_[rng.normal(size=800) + shift * (codes[:800] == 1), rng.normal(4, 1, 99), np.nan]
        p = p_values(scores, common, 1_200)
        for number, quantiles in enumerate(references.quantiles):
            p[codes == number] = p_values(scores[codes == number], quantiles, 400)
        found = references.own_lines(FDR, 0.0, scores, codes, common, 1_200)
        assert found.own.all()
        assert found.flags(scores).tolist() == naive.step_up(p.tolist(), 0.1)
        assert "Nothing is flagged" not in found.sentence


def test_the_share_of_false_flags_is_that_of_all_groups_together():
    rng = np.random.default_rng(6)
    codes = np.repeat(np.arange(20, dtype=np.int32), 100)
    any_flag, false = [], []
    for _ in range(40):
        references, common = of_groups(rng, 20, 1_000)
        scores = rng.normal(size=len(codes))
        lines = references.own_lines(FDR, 9.0, scores, codes, common, 20_000)
        any_flag.append(bool(lines.flags(scores).any()))
        assert any_flag[-1] != ("Nothing is flagged: of 2,000 rows too few lie" in lines.sentence)
        scores[:30] += 9  # all in one group
        flags = references.own_lines(FDR, 9.0, scores, codes, common, 20_000).flags(scores)
        assert flags[:30].all()
        false.append(flags[30:].sum() / flags.sum())
    assert np.mean(any_flag) <= 0.2
    assert np.mean(false) <= 0.12


def test_the_common_line_of_a_false_discovery_rate_is_that_of_the_same_step_up(model):
    later = machines(800, seed=1)
    scores = model.score(later).values
    scores[(later["machine"] == "calm").to_numpy()] += 40
    answer = judged_by_group(model, later, scores, FDR)
    assert answer.threshold == answer.own.common != judge(scores, model.card, FDR).threshold
    assert answer.percentile == percentile_of(answer.threshold, model.card.reference_scores)
    assert answer.flags.tolist() == (answer.own.levelled(scores) > answer.threshold).tolist()
    assert answer.flags[(later["machine"] == "calm").to_numpy()].all()


def test_the_rough_machine_no_longer_takes_all_the_flags(model, frame):
    scores, rule = model.score(frame).values, Percentile(95.0)
    whose = frame["machine"]
    together = pd.Series(judge(scores, model.card, rule).flags).groupby(whose).mean()
    apart = judged_by_group(model, frame, scores, rule)
    shares = pd.Series(apart.flags).groupby(whose).mean()
    assert together["calm"] < 0.01 < 0.08 < together["rough"]
    assert shares[["calm", "rough"]].tolist() == pytest.approx([0.05, 0.05], abs=0.01)
    assert apart.expected == pytest.approx(0.05, abs=0.01)
    few = int((whose == "new").sum())
    assert apart.own.sentence == (
        f"2 groups have lines of their own, by 'machine'; {few} rows of other groups, with too few reference scores, "
        "keep the common line."
    )


def test_where_a_group_is_too_small_for_the_rule_it_keeps_the_common_line(model, frame):
    scores = model.score(frame).values
    for text in ("percentile=99.9", "evt=5"):
        rule = rule_from_text(text)
        answer = judged_by_group(model, frame, scores, rule)
        assert not answer.own.own.any()
        assert answer.flags.tolist() == judge(scores, model.card, rule).flags.tolist()
        assert "all have one line" in answer.own.sentence


def test_what_cannot_have_lines_of_its_own_is_refused_in_words(model, frame):
    scores = model.score(frame).values
    with pytest.raises(UsageError, match="the rule 'Fixed score' draws one line for all rows"):
        judged_by_group(model, frame, scores, FixedValue(1.0))
    with pytest.raises(UsageError, match="by the column 'machine', which this data does not have"):
        judged_by_group(model, frame.drop(columns="machine"), scores, Percentile(95.0))
    with pytest.raises(UsageError, match="keeps no reference scores by group"):
        judged_by_group(replace(model, groups=None), frame, scores, Percentile(95.0))
    roles = Roles({"machine": "ignore", "x": "feature", "y": "feature", "z": "feature"})
    with pytest.raises(UsageError, match="there is no column 'site' to group rows by"):
        train(frame, roles, threshold_group="site")


def test_a_stored_model_keeps_its_groups_and_damage_is_found(model, tmp_path):
    store = ModelStore(tmp_path)
    card = model.save(store)
    again = Model.load(store, card.id).groups
    assert (again.column, again.names, again.rows.tolist()) == (
        "machine",
        model.groups.names,
        model.groups.rows.tolist(),
    )
    np.testing.assert_array_equal(again.quantiles, model.groups.quantiles)
    arrays = model.groups.arrays()
    for name, wrong in (
        ("quantiles", arrays["quantiles"][:, ::-1]),
        ("quantiles", arrays["quantiles"] * np.nan),
        ("rows", arrays["rows"][:1]),
        ("names", np.frombuffer(b"[1, 2]", dtype=np.uint8)),
    ):
        with pytest.raises(StoreError, match="reference scores of its groups"):
            GroupReferences.restored({**arrays, name: wrong})


def test_scores_that_were_held_out_alone_are_a_groups_reference():
    scores, cells = np.arange(400.0), pd.Series(np.repeat([1.0, 2.0], 200))
    found = GroupReferences.of("well", cells, scores, scores[50:], window=None)
    assert (found.names, found.rows.tolist()) == (("1", "2"), [150, 200])
    assert found.quantiles[0][[0, -1]].tolist() == [50.0, 199.0]
    assert found.codes(pd.Series([2, 3, None, 1])).tolist() == [1, -1, -1, 0]
    assert GroupReferences.of("well", cells, scores, scores, window=3) is None, (
        "readings of a window are alike"
    )


def test_cells_are_numbered_by_what_they_read_and_grouped_by_one_sort():
    codes, names = numbered(pd.Series([5, "5", 5.0, None, "a"], dtype=object))
    assert (codes.tolist(), names) == ([0, 0, 0, -1, 1], ["5", "a"])
    assert [part.tolist() for part in by_group(np.array([1, -1, 0, 1]), 3)] == [[2], [0, 3], []]


def test_the_command_line_judges_entity_by_entity(frame, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LOUPE_WORKSPACE", str(tmp_path / "workspace"))
    monkeypatch.chdir(tmp_path)
    frame.to_csv("machines.csv", index=False)
    assert (
        main(
            [
                "train",
                "machines.csv",
                "--detector",
                "neighbours",
                "--threshold-group",
                "machine",
                "--models",
                "m",
            ]
        )
        == 0
    )
    score = [
        "score",
        "machines.csv",
        "--model",
        "machines",
        "--models",
        "m",
        "--percentile",
        "95",
        "--output",
        "o.csv",
    ]
    capsys.readouterr()
    assert main([*score, "--per-entity"]) == 0
    assert "2 groups have lines of their own, by 'machine'" in capsys.readouterr().out
    shares = pd.read_csv("o.csv").groupby("machine")["is_anomaly"].mean()
    assert shares[["calm", "rough"]].tolist() == pytest.approx([0.05, 0.05], abs=0.01)
