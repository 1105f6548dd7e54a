"""Masked Table: what stage 1 hides and fills in, what stage 2 learns from labels, and what an encoder takes along."""

import numpy as np
import pytest
import torch

from engine import cores
from engine.detectors import masked_table
from engine.detectors.cells import Cells
from engine.detectors.masked_rows import MaskedRows
from engine.detectors.masked_table import MaskedTable
from engine.detectors.ordinary_rows import MANY, _smallest
from engine.detectors.table_inputs import RANKS, TableInputs
from engine.detectors.table_start import TableStart
from engine.errors import DataError, StoreError, UsageError
from engine.networks import table_looks, table_transformer
from engine.networks.table_looks import TableLooks
from engine.networks.table_transformer import Block, TableEncoder
from tests.engine.test_autoencoder import GROUPS, mixed, sums

QUICK = {"max_epochs_pretrain": 1, "max_epochs_finetune": 4, "n_layers": 1, "d_model": 16}


def kinds(X):
    """Of :func:`sums`: 'left', 'right' or, in the middle, 'normal'."""
    return np.where(X[:, 2] > 1, "right", np.where(X[:, 2] < -1, "left", "normal")).astype(object)


@pytest.fixture(scope="module")
def taught():
    """Trained on 600 rows of which x3 = x1 + x2, with classes; the class of every third row is not told."""
    X = sums(600, 0)
    classes = kinds(X)
    classes[::3] = None
    return MaskedTable(**QUICK | {"max_epochs_finetune": 10}).fit(X, classes=classes)


# ---- what the network is shown


def test_equal_numbers_have_equal_ranks_and_ranks_rise():
    X = np.repeat([[0.0], [0.0], [0.0], [5.0], [9.0]], 20, axis=0)
    cells = Cells.fit(X, np.array([0]), rescale=True)
    inputs = TableInputs.fit(cells, *cells.scaled(X))
    asked = torch.tensor(cells.scaled(np.array([[-1.0], [0.0], [0.0], [5.0], [9.0], [99.0]]))[0])
    ranks = inputs.shown(asked)[:, 1].tolist()
    assert ranks[1] == ranks[2]
    assert ranks[0] == -1 < ranks[1] < ranks[3] < ranks[4] < ranks[5] == 1
    assert inputs.ranks.shape == (1, RANKS)


def test_nothing_of_a_hidden_or_missing_column_is_shown():
    X = mixed()
    cells = Cells.fit(X, GROUPS, rescale=True)
    inputs = TableInputs.fit(cells, *cells.scaled(X))
    shown = inputs.shown(torch.tensor(cells.scaled(X)[0]))
    seen = torch.tensor([[1.0, 0.0, 1.0]]).expand(len(X), -1)
    hidden = inputs.hiding(shown, seen)
    assert hidden.shape == (300, inputs.n_inputs)
    of_input = np.r_[inputs.of_shown, np.arange(3)]
    assert not hidden[:, of_input == 1].any()
    assert hidden[:, of_input == 0].any()


def test_a_blind_guess_costs_one_in_every_column():
    X = mixed(n=4_000, missing=0)
    cells = Cells.fit(X, GROUPS, rescale=True)
    values, known = cells.scaled(X)
    inputs = TableInputs.fit(cells, values, known)
    shares = values[:, 1:4].mean(axis=0)
    entropy = -(shares * np.log(shares)).sum()
    np.testing.assert_allclose(inputs.balance, [1, entropy, 1], rtol=1e-3)


def test_each_partition_hides_every_column_once():
    for hidden, parts in zip(
        MaskedRows.partitions(7, (2, 3, 9), np.random.default_rng(0)), (2, 3, 7), strict=True
    ):
        assert hidden.shape == (parts, 7)
        assert (hidden.sum(axis=0) == 1).all()


def test_attention_by_pairs_is_attention(monkeypatch):
    block, tokens = Block(16, 4), torch.randn(5, 4, 16)
    by_pairs = block(tokens)
    monkeypatch.setattr(table_transformer, "FEW_TOKENS", 0)
    torch.testing.assert_close(block(tokens), by_pairs)


def test_the_smallest_of_many_numbers_are_found_by_stretches():
    numbers = torch.tensor(np.random.default_rng(0).normal(size=(20, MANY + 37)))
    torch.testing.assert_close(_smallest(numbers, 6), numbers.topk(6, largest=False).indices)


def test_a_token_a_column_sees_its_column_alone():
    X = mixed()
    cells = Cells.fit(X, GROUPS, rescale=True)
    inputs = TableInputs.fit(cells, *cells.scaled(X))
    views, own = inputs.views(3, apart=True)
    of_input = np.r_[inputs.of_shown, np.arange(3)]
    assert views.argmax(1).tolist() == of_input.tolist()
    assert own.argmax(1).tolist() == GROUPS.tolist()
    assert (views.sum(1) == 1).all()


@pytest.mark.parametrize("few", [6, 0], ids=["pair by pair", "torch's attention"])
@pytest.mark.parametrize("apart", [False, True], ids=["four tokens", "a token a column"])
def test_looks_fill_in_what_the_network_does_where_it_sees_the_rest(monkeypatch, few, apart):
    monkeypatch.setattr(table_looks, "FEW_TOKENS", few)
    X = mixed(n=20)
    cells = Cells.fit(X, GROUPS, rescale=True)
    values, known = cells.scaled(X)
    inputs = TableInputs.fit(cells, values, known)
    views, own = inputs.views(3 if apart else 4, apart=apart)
    network = table_transformer.MaskedTable(TableEncoder(views, 16, 4, 2), own, direct=not apart)
    passes = [torch.tensor(part) for part in MaskedRows.partitions(3, (2, 3), np.random.default_rng(0))]
    shown, known = inputs.shown(torch.tensor(values)), torch.tensor(known)
    with torch.no_grad():
        for weights in network.parameters():
            weights.normal_(0.1, 0.5)
        looks = TableLooks(network, torch.tensor(inputs.of_input), torch.tensor(GROUPS), passes)
        filled = looks(inputs.hiding(shown, known.float()))
        for found, hidden in zip(filled, passes, strict=True):
            each = [network(inputs.hiding(shown, (known & ~part).float())) * part[GROUPS] for part in hidden]
            torch.testing.assert_close(found.T, sum(each), rtol=1e-4, atol=1e-4)


# ---- stage 1


def test_what_is_hidden_makes_no_difference_to_what_is_filled_in():
    fitted = MaskedTable(**QUICK).fit(mixed(), groups=GROUPS)
    X = mixed(n=5, seed=3, missing=0)
    expected = fitted.expectation(X).expected[:, 0]
    X[:, 0] = [100, -100, np.nan, 0, 7]
    np.testing.assert_array_equal(fitted.expectation(X).expected[:, 0], expected)


def test_a_hidden_sum_is_filled_in():
    X = sums(2_000, 0)
    fitted = MaskedTable(max_epochs_pretrain=4, n_layers=1).fit(X)
    new = sums(300, 1)
    wrong = fitted.expectation(new).expected[:, 2] - new[:, 2]
    assert np.abs(wrong).mean() < 0.2
    assert (fitted.expectation(new).low <= fitted.expectation(new).high).all()


def test_contributions_sum_to_the_score(taught):
    X = sums(50, 2)
    np.testing.assert_allclose(taught.contributions(X).sum(axis=1), taught.decision_function(X), rtol=1e-12)


def test_a_head_count_that_does_not_divide_the_model_is_refused():
    with pytest.raises(UsageError, match="d_model must be a multiple of n_heads, got 10 and 4"):
        MaskedTable(d_model=10).fit(sums(50, 0))


# ---- stage 2


def test_classes_are_learned_and_named(taught):
    X = sums(300, 1)
    probabilities = taught.class_probabilities(X)
    assert taught.classes_.names == ("left", "normal", "right")
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    named = np.array(taught.classes_.names)[probabilities.argmax(axis=1)]
    assert (named == kinds(X)).mean() > 0.85
    assert 0.8 < taught.classes_.measured["accuracy"] <= 1


def test_scores_know_nothing_of_the_classes(taught):
    X = sums(600, 0)
    np.testing.assert_array_equal(
        taught.decision_scores_, MaskedTable(**taught.get_params()).fit(X).decision_scores_
    )


def test_a_row_has_its_probabilities_in_any_company(taught):
    X = sums(300, 1)
    np.testing.assert_array_equal(taught.class_probabilities(X[7:8]), taught.class_probabilities(X)[7:8])


def test_classes_are_named_on_several_cores_as_on_one(taught, monkeypatch):
    X = sums(4_000, 1)
    alone = taught.classes_.probabilities(X)
    monkeypatch.setattr(masked_table, "CHUNK", 256)
    monkeypatch.setattr(cores, "cores", lambda: 4)
    np.testing.assert_array_equal(taught.class_probabilities(X), alone)


@pytest.mark.parametrize("change", [{"recipe": "spec"}, {"use_two_stage": False}], ids=str)
def test_the_other_ways_to_learn_end_in_classes(change):
    X = sums(300, 0)
    fitted = MaskedTable(**QUICK | change).fit(X, classes=kinds(X))
    stages = {"recipe": [1, 4], "use_two_stage": [0, 4]}[next(iter(change))]
    assert len(fitted.history_) == sum(stages)
    assert fitted.class_probabilities(X).shape == (300, 3)


def test_a_frozen_encoder_stays_as_it_was_pre_trained():
    X = sums(300, 0)
    fitted = MaskedTable(**QUICK, recipe="spec").fit(X, classes=kinds(X))
    before, after = fitted.rows_.network.encoder.state_dict(), fitted.classes_.network.encoder.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert not list(fitted.classes_.network.moved)


def test_classes_come_back_from_a_file_bit_for_bit(taught):
    again = MaskedTable(**taught.get_params()).restore(taught.arrays(), n_features=4)
    X = sums(40, 5)
    np.testing.assert_array_equal(again.class_probabilities(X), taught.class_probabilities(X))
    assert again.classes_.names == taught.classes_.names


def test_classes_stored_before_the_encoder_learned_as_fast_as_the_head_are_read_with_its_tenth(taught):
    arrays = taught.arrays()
    del arrays["classes/rate"]
    again = MaskedTable(**taught.get_params()).restore(arrays, n_features=4)
    assert (taught.classes_.network.rate, again.classes_.network.rate) == (1.0, 0.1)


def test_classes_are_learned_to_the_end_and_the_rest_to_the_best_epoch(taught):
    ends = [name for name in taught.checkpoints() if name.startswith("finetune_{name}_10_")]
    assert len(ends) == 1
    assert float(ends[0].rsplit("_", 1)[1]) == round(taught.history_[-1]["validation_loss"], 4)


def test_damaged_classes_are_refused(taught):
    arrays = taught.arrays()
    for name, wrong in (
        ("classes/temperature", np.array([0.0])),
        ("classes/rate", np.array([0.5])),
        ("classes/names", np.frombuffer(b'["a", "a"]', dtype=np.uint8)),
        ("inputs/ranks", arrays["inputs/ranks"][:, ::-1]),
    ):
        with pytest.raises(StoreError, match="do not add up"):
            MaskedTable(**taught.get_params()).restore(arrays | {name: wrong}, n_features=4)


def test_one_class_alone_cannot_be_learned():
    X = sums(40, 0)
    with pytest.raises(DataError, match="must hold 2 to 100 of them, found 1: 'calm'"):
        MaskedTable(**QUICK).fit(X, classes=["calm"] * 40)


def test_without_classes_there_are_none_to_ask_for():
    with pytest.raises(UsageError, match="was taught no classes"):
        MaskedTable(**QUICK).fit(sums(60, 0)).class_probabilities(sums(5, 0))


# ---- an encoder to go on from


@pytest.mark.parametrize("recipe", ["fast", "spec"])
def test_an_encoder_of_the_same_columns_is_taken_as_it_is(recipe):
    X = sums(300, 0)
    encoder = MaskedTable(**QUICK, recipe=recipe).fit(X)
    start = TableStart(stage=encoder.rows_, groups=np.arange(4), levels=np.arange(4))
    other = MaskedTable(**QUICK, recipe=recipe).fit(sums(200, 4), start=start)
    assert other.history_ == []
    weights = other.rows_.network.state_dict()
    for name, values in encoder.rows_.network.state_dict().items():
        torch.testing.assert_close(weights[name], values, rtol=0, atol=0)


def test_columns_in_another_order_are_filled_in_as_before():
    X = sums(300, 0)
    encoder, order = MaskedTable(**QUICK).fit(X), np.array([2, 0, 3, 1])
    start = TableStart(stage=encoder.rows_, groups=order, levels=order)
    other = MaskedTable(**QUICK).fit(X[:, order], start=start)
    values, known = encoder.cells_.scaled(X[:9])
    seen = torch.tensor(known).float()
    seen[:, 1] = 0
    before = encoder.rows_.network(
        encoder.rows_.inputs.hiding(encoder.rows_.inputs.shown(torch.tensor(values)), seen)
    )
    inputs = other.rows_.inputs
    after = other.rows_.network(inputs.hiding(inputs.shown(torch.tensor(values[:, order])), seen[:, order]))
    torch.testing.assert_close(after, before[:, order])


def test_a_new_column_is_learned_beside_those_that_are_known():
    X = sums(300, 0)
    encoder = MaskedTable(**QUICK).fit(X[:, :3])
    known = np.array([0, 1, 2, -1])
    other = MaskedTable(**QUICK).fit(X, start=TableStart(stage=encoder.rows_, groups=known, levels=known))
    assert len(other.history_) == 1
    np.testing.assert_array_equal(other.cells_.scale[:3], encoder.cells_.scale)
