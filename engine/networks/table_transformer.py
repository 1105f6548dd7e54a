"""A transformer over the columns of a row, what it fills in of hidden ones, and a head that names the row's class.

A row becomes a few tokens, each a linear view of the columns, so that the cost of a row does not grow with the square
of its columns; or, below a limit, one token a column (Gorishniy, Rubachev, Khrulkov and Babenko, 2021, Revisiting deep
learning models for tabular data). Blocks let tokens look at each other; a head fills in every cell, another tells
classes apart.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import scaled_dot_product_attention

FEW_TOKENS = 6
WIDER = 2  # hidden numbers of a block's feed-forward layer, in numbers of a token


class Block(nn.Module):
    """A pre-norm transformer block: tokens (n, n_tokens, d_model) to as many (Vaswani et al., 2017)."""

    heads: Tensor  # (d_model, n_heads): which numbers of a token belong to which head

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.width = d_model // n_heads
        self.register_buffer("heads", torch.eye(n_heads).repeat_interleave(self.width, 0), persistent=False)
        self.before_attention, self.before_feed_forward = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.asked = nn.Linear(d_model, 3 * d_model)
        self.attended = nn.Linear(d_model, d_model)
        self.widen = nn.Linear(d_model, WIDER * d_model)
        self.narrow = nn.Linear(WIDER * d_model, d_model)

    def forward(self, tokens: Tensor) -> Tensor:
        """Tokens that have looked at each other."""
        tokens = tokens + self.attended(self._looked(self.before_attention(tokens)))
        widened = torch.relu(self.widen(self.before_feed_forward(tokens)))
        moved: Tensor = tokens + self.narrow(widened)
        return moved

    def _looked(self, tokens: Tensor) -> Tensor:
        """What each token saw in the others, its heads side by side (n, n_tokens, d_model).

        By hand: for a few tokens torch's own attention takes three times as long. Their heads are told apart by a
        product with :attr:`heads`, pair by pair; of many tokens, pairs would fill the memory.
        """
        query, key, value = self.asked(tokens).chunk(3, -1)
        if tokens.shape[1] <= FEW_TOKENS:
            likeness = (query[:, :, None] * key[:, None]) @ self.heads * self.width**-0.5
            weights = torch.softmax(likeness, 2) @ self.heads.T
            return (weights * value[:, None]).sum(2)
        heads = (each.unflatten(-1, (-1, self.width)).transpose(1, 2) for each in (query, key, value))
        return scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)


class TableEncoder(nn.Module):
    """Rows (n, n_inputs) as tokens that know of each other (n, n_tokens, d_model).

    ``views`` (n_inputs, n_tokens) says which inputs each token sees.
    """

    views: Tensor

    def __init__(self, views: Tensor, d_model: int, n_heads: int, n_layers: int) -> None:
        super().__init__()
        n_inputs, self.n_tokens = views.shape
        self.d_model = d_model
        seen = views.to(torch.float32)
        bound = seen.sum(0).clamp(min=1).rsqrt().repeat_interleave(d_model)
        uniform = torch.empty(n_inputs, self.n_tokens * d_model).uniform_(-1.0, 1.0)
        whole = bool(views.all())
        self.register_buffer(
            "views", torch.empty(0) if whole else seen.repeat_interleave(d_model, 1), persistent=False
        )
        self.enter = nn.Parameter(uniform * bound * seen.repeat_interleave(d_model, 1))
        self.columns = nn.Parameter(
            torch.randn(self.n_tokens * d_model) * 0.02
        )  # what tells the tokens apart
        self.blocks = nn.ModuleList(Block(d_model, n_heads) for _ in range(n_layers))
        self.encoded = nn.LayerNorm(d_model)

    def forward(self, rows: Tensor) -> Tensor:
        """Tokens of rows."""
        weight = self.enter * self.views if self.views.numel() else self.enter
        tokens = torch.addmm(self.columns, rows, weight).view(len(rows), self.n_tokens, self.d_model)
        for block in self.blocks:
            tokens = block(tokens)
        encoded: Tensor = self.encoded(tokens)
        return encoded


class MaskedTable(nn.Module):
    """The encoder with the head of stage 1: every cell filled in from what is seen, (n, n_inputs) -> (n, n_cells).

    A direct linear path lets the blocks learn only what a linear rule cannot say. ``own`` (n_cells, n_tokens) says
    which tokens each cell is filled in from.
    """

    own: Tensor

    def __init__(self, encoder: TableEncoder, own: Tensor, *, direct: bool) -> None:
        super().__init__()
        self.encoder = encoder
        told = own.to(torch.float32).repeat_interleave(encoder.d_model, 1)
        self.register_buffer("own", torch.empty(0) if bool(own.all()) else told, persistent=False)
        bound = 0.1 * told.sum(1, keepdim=True).clamp(min=1).rsqrt()
        self.leave = nn.Parameter(torch.empty_like(told).uniform_(-1.0, 1.0) * bound * told)
        self.usual = nn.Parameter(torch.zeros(len(own)))
        self.direct = nn.Linear(len(encoder.enter), len(own), bias=False) if direct else None
        if self.direct is not None:
            nn.init.uniform_(self.direct.weight, -bound_of(self.direct), bound_of(self.direct))

    def forward(self, rows: Tensor) -> Tensor:
        """Fill in every cell of rows."""
        weight = self.leave * self.own if self.own.numel() else self.leave
        filled = torch.addmm(self.usual, self.encoder(rows).flatten(1), weight.T)
        return filled if self.direct is None else filled + self.direct(rows)


def bound_of(layer: nn.Linear) -> float:
    """A tenth of the usual size of a layer's first weights."""
    return float(0.1 * layer.in_features**-0.5)


class ClassHead(nn.Module):
    """The head of stage 2: tokens and what else is told of a row, as one number a class (n, n_classes).

    A linear path beside a hidden layer: with a handful of labels the first is all that can be learned.
    """

    def __init__(self, n_encoded: int, n_told: int, n_classes: int, width: int, dropout: float) -> None:
        super().__init__()
        n_inputs = n_encoded + n_told
        self.linear = nn.Linear(n_inputs, n_classes)
        self.widen = nn.Linear(n_inputs, width) if width else None
        self.narrow = nn.Linear(width, n_classes) if width else None
        self.drop = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, told: Tensor) -> Tensor:
        """Logits from tokens (n, n_tokens, d_model) and what is told beside them (n, n_told)."""
        inputs = torch.cat([tokens.flatten(1), told], 1)
        logits: Tensor = self.linear(inputs)
        if self.widen is not None and self.narrow is not None:
            logits = logits + self.narrow(self.drop(torch.relu(self.widen(inputs))))
        return logits


class Classifier(nn.Module):
    """An encoder with the head of stage 2: inputs of rows and what else is told of them to logits (n, n_classes).

    The encoder's weights move ``rate`` times as fast as the head's: what is trained is how far they are from where they
    began, so that weight decay pulls them back there (Li, Grandvalet and Davoine, 2018, Explicit inductive bias for
    transfer learning with convolutional networks).
    """

    def __init__(self, encoder: TableEncoder, head: ClassHead, rate: float) -> None:
        super().__init__()
        self.encoder, self.head, self.rate = copy.deepcopy(encoder), head, rate
        self.encoder.requires_grad_(False)
        self.names = [name for name, _ in self.encoder.named_parameters()] if rate else []
        self.moved = nn.ParameterList(torch.zeros_like(self.encoder.get_parameter(n)) for n in self.names)

    def forward(self, rows: Tensor, told: Tensor) -> Tensor:
        """Logits of rows (n, n_inputs) beside which is told (n, n_told)."""
        logits: Tensor = self.head(self.tokens(rows), told)
        return logits

    def tokens(self, rows: Tensor) -> Tensor:
        """The encoder's tokens, its weights where they have moved to."""
        if not self.names:
            found: Tensor = self.encoder(rows)
            return found
        weights = {
            name: self.encoder.get_parameter(name) + self.rate * moved
            for name, moved in zip(self.names, self.moved, strict=True)
        }
        found = functional_call(self.encoder, weights, rows)
        return found

    def settled(self) -> Classifier:
        """The same with weights that move no more: one that several cores may ask at the same time.

        Above, weights are put in and taken out again at every call, which another core would be caught in.
        """
        settled = Classifier(self.encoder, self.head, 0.0)
        with torch.no_grad():
            for name, moved in zip(self.names, self.moved, strict=True):
                settled.encoder.get_parameter(name).add_(self.rate * moved)
        return settled
