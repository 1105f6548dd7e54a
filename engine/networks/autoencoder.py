"""Networks that rebuild a row: the classic bottleneck, and an ensemble that fills in hidden cells.

The ensemble holds all members in one set of weights with a leading dimension, so that each layer is one batched
product however many members there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn


class AutoEncoder(nn.Module):
    """A row squeezed through a bottleneck and rebuilt: (n, n_features) -> (n, n_features).

    Hidden layers are ReLU with dropout, mirrored in the decoder; the bottleneck has no dropout, the output no
    activation (Rumelhart, Hinton and Williams, 1986; Sakurada and Yairi, 2014, for anomalies).
    """

    def __init__(
        self, n_features: int, encoder_dims: Sequence[int], bottleneck_dim: int, dropout: float
    ) -> None:
        super().__init__()
        widths = [n_features, *encoder_dims]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        layers += [nn.Linear(widths[-1], bottleneck_dim), nn.ReLU()]
        for before, after in pairwise([bottleneck_dim, *widths[:0:-1]]):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        layers.append(nn.Linear(widths[1] if encoder_dims else bottleneck_dim, n_features))
        self.layers = nn.Sequential(*layers)

    def forward(self, rows: Tensor) -> Tensor:
        """Rebuild rows (n, n_features)."""
        rebuilt: Tensor = self.layers(rows)
        return rebuilt


class MemberLinear(nn.Module):
    """One linear layer of every member: (members, n, n_in) -> (members, n, n_out) in a single batched product."""

    def __init__(self, members: int, n_in: int, n_out: int, *, gain: float = 1.0) -> None:
        super().__init__()
        bound = gain / max(1, n_in) ** 0.5
        self.weight = nn.Parameter(torch.empty(members, n_in, n_out).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(members, 1, n_out))

    def forward(self, rows: Tensor) -> Tensor:
        """Every member's product, bias added."""
        if torch.is_grad_enabled():
            return torch.baddbmm(self.bias, rows, self.weight)
        return torch.bmm(rows, self.weight).add_(self.bias)  # without a copy of the bias for each row

    def onto(self, state: Tensor, rows: Tensor) -> Tensor:
        """The same added to a state, which may be written over where nothing is learned."""
        if torch.is_grad_enabled():
            return state + self(rows)
        return state.add_(self.bias).baddbmm_(rows, self.weight)


class MaskedEnsemble(nn.Module):
    """Members that each fill in the hidden cells of a row from the cells they see.

    Input is the row with hidden cells at zero and one bit a cell that says whether it is seen; residual blocks
    (layer norm, linear, SiLU, linear) carry a state of ``width`` numbers, and a direct linear path from input to output
    lets the blocks learn only what a linear rule cannot say.
    """

    def __init__(self, n_cells: int, n_bits: int, width: int, depth: int, members: int) -> None:
        super().__init__()
        self.members = members
        self.enter = MemberLinear(members, n_cells + n_bits, width)
        self.opens = nn.ModuleList(MemberLinear(members, width, width) for _ in range(depth))
        self.closes = nn.ModuleList(MemberLinear(members, width, width, gain=0.1) for _ in range(depth))
        self.leave = MemberLinear(members, width, n_cells, gain=0.1)
        self.direct = MemberLinear(members, n_cells + n_bits, n_cells, gain=0.1)

    def forward(self, seen: Tensor) -> Tensor:
        """Fill in rows (members, n, n_cells + n_bits) -> (members, n, n_cells)."""
        state = self.enter(seen)
        for opening, closing in zip(self.opens, self.closes, strict=True):
            state = closing.onto(state, nn.functional.silu(opening(layer_norm(state))))
        filled: Tensor = self.direct.onto(self.leave(nn.functional.silu(state)), seen)
        return filled


def layer_norm(rows: Tensor) -> Tensor:
    """Rows (…, width) with mean 0 and deviation 1 (Ba, Kiros and Hinton, 2016).

    By hand where nothing is learned: for rows this narrow torch's own takes longer than the product that follows.
    """
    width = rows.shape[-1]
    if torch.is_grad_enabled():
        return nn.functional.layer_norm(rows, (width,))
    mean = rows.new_full((width, 1), 1 / width)  # as a product, which is faster than a sum
    centred = rows - rows @ mean
    return centred.mul_(((centred * centred) @ mean).add_(1e-5).rsqrt_())
