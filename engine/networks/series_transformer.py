"""The self-distilled masked autoencoder of a window of readings: an encoder, a teacher and a student.

A window is cut into patches; some are hidden; the encoder sees the others only. A deep decoder, the teacher, rebuilds
all patches, and a shallow one, the student, learns to say the same as the teacher. Where they disagree, and where a
third head expects an anomaly, the window is unlike those they learned from.

Ristea, Croitoru, Ionescu, Popescu, Khan and Shah (2024), Self-distilled masked auto-encoders are efficient video
anomaly detectors; He et al. (2022), Masked autoencoders are scalable vision learners.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

STEEPEST = 60.0  # logarithm of an attention weight: its exponential is a finite number
WIDER = 2  # hidden numbers of a block's feed-forward layer, in numbers of a token


def attention(tokens: Tensor, attend: Tensor, bias: Tensor) -> tuple[Tensor, ...]:
    """What each token saw in the others, its heads side by side (n, n_tokens, d_model); and what that was made from.

    ``attend`` (3 * n_heads, d_model, width) and its bias (3 * n_heads, 1, width) make queries, keys and values.

    By hand: for a dozen tokens most of the time of torch's own attention goes into copies and tiny softmaxes. Each head
    has a product of its own, so that nothing needs to be moved before heads and windows are one batch.
    """
    n, count, d_model = tokens.shape
    parts, _, width = attend.shape
    flat = tokens.reshape(1, n * count, d_model).expand(parts, -1, -1)
    heads = torch.baddbmm(bias, flat, attend).view(3, parts // 3 * n, count, width)
    query, key, value = heads.unbind(0)
    likeness = torch.bmm(query, key.transpose(1, 2)).mul_(width**-0.5)
    weights = likeness.clamp_(-STEEPEST, STEEPEST).exp_()
    total = weights.sum(-1, keepdim=True)
    looked = torch.bmm(weights, value).div_(total)
    together = looked.view(-1, n, count, width).permute(1, 2, 0, 3).reshape(n, count, d_model)
    return together, heads, weights, total, looked


class Attention(torch.autograd.Function):
    """:func:`attention` with its gradient written out, a third less work than what torch puts together.

    That would make a gradient of all tokens for each of the ``3 * n_heads`` products, only to add them up. The limit
    of the weights is passed by: where it holds, one token outweighs all others, and the gradient is next to nothing.
    """

    @staticmethod
    def forward(ctx: Any, tokens: Tensor, attend: Tensor, bias: Tensor) -> Tensor:
        together, *parts = attention(tokens, attend, bias)
        ctx.save_for_backward(tokens, attend, *parts)
        return together

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        tokens, attend, heads, weights, total, looked = ctx.saved_tensors
        (n, count, d_model), (parts, _, width) = tokens.shape, attend.shape
        query, key, value = heads.unbind(0)
        by_head = gradient.reshape(n, count, -1, width).permute(2, 0, 1, 3).reshape(looked.shape) / total
        moved = torch.empty_like(heads)  # the gradients of queries, keys and values
        torch.bmm(weights.transpose(1, 2), by_head, out=moved[2])
        steep = torch.bmm(by_head, value.transpose(1, 2))
        steep.sub_((by_head * looked).sum(-1, keepdim=True)).mul_(weights).mul_(width**-0.5)
        torch.bmm(steep, key, out=moved[0])
        torch.bmm(steep.transpose(1, 2), query, out=moved[1])
        together = moved.view(parts, n * count, width).transpose(0, 1).reshape(n * count, parts * width)
        of_tokens = together @ attend.transpose(1, 2).reshape(parts * width, d_model)
        of_attend = (tokens.reshape(n * count, d_model).T @ together).view(d_model, parts, width)
        of_bias = together.sum(0).view(parts, 1, width)
        return of_tokens.view_as(tokens), of_attend.transpose(0, 1), of_bias


class Block(nn.Module):
    """A pre-norm transformer block: tokens (n, n_tokens, d_model) to as many (Vaswani et al., 2017)."""

    def __init__(self, d_model: int, nhead: int) -> None:
        super().__init__()
        width = d_model // nhead
        self.before_attention = nn.LayerNorm(d_model)
        bound = d_model**-0.5
        self.attend = nn.Parameter(torch.empty(3 * nhead, d_model, width).uniform_(-bound, bound))
        self.attend_bias = nn.Parameter(torch.zeros(3 * nhead, 1, width))
        self.attended = nn.Linear(d_model, d_model)
        self.before_feed_forward = nn.LayerNorm(d_model)
        self.widen = nn.Linear(d_model, WIDER * d_model)
        self.narrow = nn.Linear(WIDER * d_model, d_model)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens that have looked at each other."""
        told = self.before_attention(tokens), self.attend, self.attend_bias
        looked: Tensor = Attention.apply(*told) if torch.is_grad_enabled() else attention(*told)[0]
        tokens = tokens + self.attended(looked)
        widened = torch.relu(self.widen(self.before_feed_forward(tokens)))
        moved: Tensor = tokens + self.narrow(widened)
        return moved


class SeriesTransformer(nn.Module):
    """Encoder, teacher, student and anomaly map over the patches of one channel's window.

    ``branched``: the student goes on from the teacher's first block and moves no weight of it; otherwise it begins,
    like the teacher, at the encoder, which both then train. ``n_facts`` numbers told beside a window (its level, say)
    are added to every token.
    """

    positions: Tensor
    usual_discrepancy: Tensor  # (1,): of a patch that is ordinary, over the last mini-batches

    def __init__(
        self,
        *,
        seq_length: int,
        patch_length: int,
        n_channels: int = 1,
        n_facts: int = 0,
        d_model: int = 64,
        nhead: int = 4,
        num_encoder_layers: int = 3,
        num_teacher_decoder_layers: int = 4,
        num_student_decoder_layers: int = 1,
        branched: bool = True,
    ) -> None:
        super().__init__()
        self.patch_length, self.n_patches = patch_length, seq_length // patch_length
        self.branched = branched
        self.embed = nn.Linear(patch_length, d_model)
        self.facts = nn.Linear(n_facts, d_model) if n_facts else None
        self.channels = nn.Parameter(torch.randn(n_channels, d_model) * 0.02)
        self.mask_token = nn.Parameter(torch.randn(d_model) * 0.02)
        self.register_buffer("positions", sinusoidal(self.n_patches, d_model), persistent=False)
        self.register_buffer("usual_discrepancy", torch.ones(1))
        self.encoder = nn.ModuleList(Block(d_model, nhead) for _ in range(num_encoder_layers))
        self.teacher = nn.ModuleList(Block(d_model, nhead) for _ in range(num_teacher_decoder_layers))
        self.student = nn.ModuleList(Block(d_model, nhead) for _ in range(num_student_decoder_layers))
        self.encoded, self.taught, self.learned = (nn.LayerNorm(d_model) for _ in range(3))
        self.teacher_head = nn.Linear(d_model, patch_length)
        self.student_head = nn.Linear(d_model, patch_length)
        self.map_head = nn.Linear(d_model, patch_length) if branched else None

    def patchify(self, windows: Tensor) -> Tensor:
        """Windows (n, seq_length) as patches (n, n_patches, patch_length)."""
        return windows.view(len(windows), self.n_patches, self.patch_length)

    def random_masking(self, n: int, masking_ratio: float) -> Tensor:
        """Which patches of ``n`` windows are seen, in order (n, n_visible); at least one is, and one is not."""
        hidden = min(max(1, round(masking_ratio * self.n_patches)), self.n_patches - 1)
        order = torch.rand(n, self.n_patches).argsort(1)
        return order[:, hidden:].sort(1).values.to(self.mask_token.device)

    def forward_encoder(
        self, patches: Tensor, visible: Tensor, channels: Tensor, facts: Tensor | None = None
    ) -> Tensor:
        """The visible patches as tokens that know of each other (n, n_visible, d_model).

        ``patches`` (n, n_patches, patch_length), ``visible`` (n, n_visible), ``channels`` (n,), ``facts`` (n, n_facts).
        """
        told = self.channels[channels][:, None]
        if self.facts is not None and facts is not None:
            told = told + self.facts(facts)[:, None]
        seen = patches.gather(1, visible[..., None].expand(-1, -1, self.patch_length))
        tokens = self.embed(seen) + self.positions[visible] + told
        for block in self.encoder:
            tokens = block(tokens)
        encoded: Tensor = self.encoded(tokens)
        return encoded

    def forward_teacher(self, encoded: Tensor, visible: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """All patches as the teacher rebuilds them, its anomaly map as logits, and what the student begins with.

        (n, n_patches, patch_length), (n, n_patches, patch_length), (n, n_patches, d_model).
        """
        places = visible[..., None].expand_as(encoded)
        hidden = self.mask_token.expand(len(encoded), self.n_patches, -1)
        tokens = hidden.scatter(1, places, encoded) + self.positions
        begun = tokens
        for depth, block in enumerate(self.teacher):
            tokens = block(tokens)
            if depth == 0 and self.branched:
                begun = tokens.detach()
        tokens = self.taught(tokens)
        rebuilt = self.teacher_head(tokens)
        return rebuilt, self.map_head(tokens) if self.map_head else torch.zeros_like(rebuilt), begun

    def forward_student(self, begun: Tensor) -> Tensor:
        """All patches as the student rebuilds them (n, n_patches, patch_length)."""
        for block in self.student:
            begun = block(begun)
        rebuilt: Tensor = self.student_head(self.learned(begun))
        return rebuilt

    def forward(
        self, patches: Tensor, visible: Tensor, channels: Tensor, facts: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Teacher, student and anomaly map of windows of which some patches are seen."""
        encoded = self.forward_encoder(patches, visible, channels, facts)
        teacher, anomalous, begun = self.forward_teacher(encoded, visible)
        return teacher, self.forward_student(begun), anomalous


def sinusoidal(n: int, d_model: int) -> Tensor:
    """Positions as sines and cosines of falling frequency (n, d_model) (Vaswani et al., 2017)."""
    rates = torch.exp(torch.arange(0, d_model, 2) * (-math.log(10_000.0) / d_model))
    angles = torch.arange(n)[:, None] * rates
    return torch.stack([angles.sin(), angles.cos()], -1).view(n, -1)[:, :d_model]


# ---- masks and losses


def last_masked(n_patches: int, masked: int) -> Tensor:
    """The patches that are seen where the last ``masked`` are hidden (n_visible,); the first is always seen."""
    return torch.arange(max(1, n_patches - masked))


def complementary(n_patches: int, groups: int) -> list[Tensor]:
    """The patches that are seen, group by group (n_visible,): each patch is hidden in exactly one group."""
    places = torch.arange(n_patches)
    return [places[places % groups != group] for group in range(groups)]


def hidden_patches(visible: Tensor, n_patches: int) -> Tensor:
    """True where a patch is hidden (n, n_patches)."""
    hidden = torch.ones(len(visible), n_patches, dtype=torch.bool, device=visible.device)
    return hidden.scatter(1, visible, False)


def discrepancy(teacher: Tensor, student: Tensor) -> Tensor:
    """d = ||teacher - student||^2 of each patch: (n, n_patches, patch_length) -> (n, n_patches)."""
    return ((teacher - student) ** 2).sum(-1)


def reconstruction_loss(teacher: Tensor, patches: Tensor, weights: Tensor) -> Tensor:
    """Mean squared error of the teacher, patches weighted by ``weights`` (n, n_patches); 0 where none has a weight."""
    squared = ((teacher - patches) ** 2).mean(-1)
    return (squared * weights).sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def map_loss(logits: Tensor, marks: Tensor, known: Tensor) -> Tensor:
    """Mean cross-entropy of the anomaly map with the ``marks`` (n, n_patches, patch_length) in ``known`` patches."""
    entropy = nn.functional.binary_cross_entropy_with_logits(logits, marks.to(logits.dtype), reduction="none")
    return (entropy.mean(-1) * known).sum() / known.sum().clamp(min=1)


def discrepancy_loss(
    distances: Tensor, anomalous: Tensor, margin: float, warm: float
) -> tuple[Tensor, Tensor]:
    """Both terms of L_disc: the sum of d where normal, and ``warm`` times that of max(0, margin - d) where anomalous.

    ``distances`` and ``anomalous`` have one shape: one entry a window, or a patch.
    """
    short = (margin - distances).clamp(min=0)
    return distances[~anomalous].sum(), warm * short[anomalous].sum()
