"""The masked autoencoder of windows: masks, losses and their gradients, against the formulas written out by hand."""

import numpy as np
import pytest
import torch

from engine.detectors.distilling import Distilled, Knobs, Plain
from engine.networks import series_transformer as of
from engine.networks.series_transformer import SeriesTransformer

FACTS = np.array([0.1, 0.0, 1.0, 0.0, 1.0])


def network(**changes):
    torch.manual_seed(0)
    return SeriesTransformer(**{"seq_length": 20, "patch_length": 1, "d_model": 16, "nhead": 2, **changes})


def plain(**knobs):
    learner = Plain(network(branched=False), Knobs(**knobs))
    learner.network.eval()
    return learner


def distilled(**knobs):
    return Distilled(network(n_facts=2, patch_length=2), Knobs(**knobs), FACTS)


def windows(n=6, length=20, seed=1):
    return torch.randn(n, length, generator=torch.Generator().manual_seed(seed))


def losses_by_hand(learner, shown, anomalous, warm):
    """L_rec and L_disc of one draw of masks, with loops."""
    torch.manual_seed(5)
    visible = learner.network.random_masking(len(shown), learner.knobs.masking_ratio)
    channels = torch.zeros(len(shown), dtype=torch.long)
    with torch.no_grad():
        teacher, student, _ = learner.network(learner.network.patchify(shown), visible, channels)
    teacher, student = teacher[..., 0].tolist(), student[..., 0].tolist()
    errors, l_disc = [], 0.0
    for row, seen in enumerate(visible.tolist()):
        masked = [place for place in range(20) if place not in seen]
        if not anomalous[row]:
            errors += [(teacher[row][t] - float(shown[row, t])) ** 2 for t in masked]
        d = sum((teacher[row][t] - student[row][t]) ** 2 for t in masked)
        l_disc += warm * max(0.0, learner.knobs.margin - d) if anomalous[row] else d
    return sum(errors) / len(errors), l_disc


# ---- the formulas


@pytest.mark.parametrize("warm", [0.0, 0.4, 1.0])
def test_the_plain_loss_is_that_of_the_formulas(warm):
    learner, shown = plain(margin=30.0, lambda_disc=0.7), windows()
    anomalous = torch.tensor([False, True, False, False, True, False])
    l_rec, l_disc = losses_by_hand(learner, shown, anomalous, warm)
    torch.manual_seed(5)
    loss = learner.total_loss(
        shown, torch.zeros(6, dtype=torch.long), anomalous, warm, np.random.default_rng(0)
    )
    assert float(loss.detach()) == pytest.approx(l_rec + 0.7 * l_disc, rel=1e-4)


def test_the_plain_score_is_the_mean_squared_difference_at_the_last_readings():
    learner, shown = plain(mask_last=7), windows()
    channels, visible = torch.zeros(6, dtype=torch.long), torch.arange(13).expand(6, -1)
    with torch.no_grad():
        teacher, student, _ = learner.network(learner.network.patchify(shown), visible, channels)
        score = learner.judged(shown, channels)
    expected = ((teacher - student)[:, 13:, 0] ** 2).mean(1)
    assert score.shape == (1, 6, 20)
    torch.testing.assert_close(score[0], expected[:, None].expand(6, 20))


def test_anomalies_count_in_the_hinge_only_below_the_margin():
    distances, anomalous = torch.tensor([1.0, 2.0, 5.0]), torch.tensor([False, True, True])
    close, apart = of.discrepancy_loss(distances, anomalous, 3.0, 0.5)
    assert float(close) == 1.0
    assert float(apart) == 0.5 * (3.0 - 2.0)


def test_what_is_shown_at_hidden_readings_makes_no_difference():
    learner, shown = plain(), windows()
    visible, channels = torch.tensor([[0, 3, 4, 9, 15]]).expand(6, -1), torch.zeros(6, dtype=torch.long)
    other = shown.clone()
    other[:, 10:14] = 99.0
    with torch.no_grad():
        one, two = (learner.network(learner.network.patchify(w), visible, channels) for w in (shown, other))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


@pytest.mark.parametrize("make", [plain, distilled])
def test_labelled_windows_never_enter_the_reconstruction(make):
    """What the teacher's head learns from a mini-batch does not depend on what its labelled windows hold."""

    def gradient(labelled):
        learner = make(lambda_disc=0.0)
        shown, anomalous = windows(), torch.tensor([False, True] * 3)
        shown[anomalous] = labelled
        torch.manual_seed(2)
        loss = learner.total_loss(
            shown, torch.zeros(6, dtype=torch.long), anomalous, 1.0, np.random.default_rng(1)
        )
        return torch.autograd.grad(loss, learner.network.teacher_head.weight)[0]

    # The others may be disturbed with a stretch of any window, so that of the second draw is compared without one.
    if make is plain:
        assert torch.equal(gradient(1.0), gradient(-5.0))
    else:
        learner = make(lambda_disc=0.0)
        loss = learner.total_loss(
            windows(),
            torch.zeros(6, dtype=torch.long),
            torch.ones(6, dtype=torch.bool),
            1.0,
            np.random.default_rng(1),
        )
        assert float(loss.detach()) == 0.0


# ---- teacher and student


def student_gradients(branched):
    learner = network(branched=branched)
    patches = learner.patchify(windows())
    visible = learner.random_masking(6, 0.6)
    teacher, student, _ = learner(patches, visible, torch.zeros(6, dtype=torch.long))
    of.discrepancy(teacher.detach(), student).sum().backward()
    moved = {name for name, weights in learner.named_parameters() if weights.grad is not None}
    return {name for name in moved if not name.startswith(("student", "learned"))}


def test_the_students_loss_moves_no_weight_of_encoder_or_teacher():
    assert student_gradients(branched=True) == set()


def test_as_first_formulated_the_student_moves_the_encoder():
    assert any(name.startswith("encoder") for name in student_gradients(branched=False))


def test_the_distilled_discrepancy_counts_in_usual_ones():
    learner = distilled(lambda_disc=1.0)
    learner.network.train()
    before = float(learner.network.usual_discrepancy)
    learner.total_loss(
        windows(),
        torch.zeros(6, dtype=torch.long),
        torch.zeros(6, dtype=torch.bool),
        1.0,
        np.random.default_rng(0),
    )
    assert float(learner.network.usual_discrepancy) != before
    learner.network.eval()
    held = float(learner.network.usual_discrepancy)
    learner.total_loss(
        windows(),
        torch.zeros(6, dtype=torch.long),
        torch.zeros(6, dtype=torch.bool),
        1.0,
        np.random.default_rng(0),
    )
    assert float(learner.network.usual_discrepancy) == held


# ---- masks


@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("n_patches", [3, 10, 11])
def test_complementary_masks_hide_every_patch_once(n_patches, groups):
    views = of.complementary(n_patches, groups)
    hidden = torch.stack([of.hidden_patches(view[None], n_patches)[0] for view in views])
    assert (hidden.sum(0) == 1).all()


def test_every_reading_is_judged():
    learner = distilled()
    learner.network.eval()
    with torch.no_grad():
        look = learner.look(windows(), torch.zeros(6, dtype=torch.long))
    assert (look.hidden.sum(0) == 1).all()
    assert (look.teacher != 0).all()


@pytest.mark.parametrize(("masked", "seen"), [(4, 6), (9, 1), (10, 1), (15, 1)])
def test_the_last_patches_are_hidden_and_the_first_is_seen(masked, seen):
    assert of.last_masked(10, masked).tolist() == list(range(seen))


@pytest.mark.parametrize("ratio", [0.4, 0.6, 0.75])
def test_random_masks_hide_their_share_of_different_patches(ratio):
    visible = network(seq_length=100).random_masking(300, ratio)
    assert visible.shape == (300, 100 - round(100 * ratio))
    assert all(len(set(row)) == len(row) for row in visible.tolist())
    counts = torch.bincount(visible.flatten(), minlength=100) / 300
    assert (counts - (1 - ratio)).abs().max() < 0.15


def test_patches_are_readings_in_order():
    assert network(seq_length=6, patch_length=3).patchify(torch.arange(6.0)[None]).tolist() == [
        [[0, 1, 2], [3, 4, 5]]
    ]


def test_attention_and_its_gradient_are_those_of_torch():
    torch.manual_seed(3)
    told = [
        torch.nn.init.normal_(torch.empty(shape, dtype=torch.float64, requires_grad=True), std=0.5)
        for shape in ((5, 7, 16), (3 * 4, 16, 4), (3 * 4, 1, 4))
    ]
    tokens, attend, bias = told
    heads = torch.einsum("ntd,hdw->hntw", tokens, attend) + bias[:, None]
    query, key, value = heads.view(3, 4, 5, 7, 4).transpose(1, 2)
    expected = torch.nn.functional.scaled_dot_product_attention(query, key, value)
    expected = expected.transpose(1, 2).reshape(5, 7, 16)
    found, towards = of.Attention.apply(*told), torch.randn_like(expected)
    torch.testing.assert_close(of.attention(*told)[0], expected)
    torch.testing.assert_close(found, expected)
    gradients = (torch.autograd.grad(made, told, towards) for made in (found, expected))
    torch.testing.assert_close(*gradients)
