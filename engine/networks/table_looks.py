"""A masked table asked for all its cells, each hidden once a partition: the same sums as the network's, arranged anew.

Judging rows is the same few looks at each of very many rows. So what a look hides is taken out of the first weights
rather than out of every row, and a look fills in only the cells it hides. Layer norms take a token's mean off: it is
taken out of the weights before, and the scale and shift behind go into the next weights. Rows lie along the last axis,
where the processor takes many at a time.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from engine.networks.table_transformer import FEW_TOKENS, Block, MaskedTable

NORM_EPSILON = 1e-5  # of torch's layer norm

Weights = tuple[Tensor, Tensor]  # (n_out, n_in), (n_out, 1)


class BlockOfLooks:
    """A trained :class:`Block` over a stream of tokens whose means are 0: (d_model, n_tokens, n_looks, n)."""

    def __init__(self, block: Block) -> None:
        self.width = block.width
        asked, shift = _behind(block.before_attention, block.asked)
        scale = torch.ones_like(shift)
        scale[: len(asked) // 3] = self.width**-0.5  # the queries
        self.asked: Weights = asked * scale, shift * scale
        self.attended: Weights = _centred(block.attended.weight), _centred(block.attended.bias[:, None])
        self.widen = _behind(block.before_feed_forward, block.widen)
        self.narrow: Weights = _centred(block.narrow.weight), _centred(block.narrow.bias[:, None])

    def move(self, stream: Tensor) -> None:
        """Let the tokens look at each other and think, in place."""
        tokens = stream.flatten(1)
        asked = torch.addmm(self.asked[1], self.asked[0], _normed(tokens))
        looked = self._looked(asked.view(3, -1, self.width, *stream.shape[1:]))
        tokens.addmm_(self.attended[0], looked.view(len(tokens), -1)).add_(self.attended[1])
        widened = torch.addmm(self.widen[1], self.widen[0], _normed(tokens)).relu_()
        tokens.addmm_(self.narrow[0], widened).add_(self.narrow[1])

    def _looked(self, asked: Tensor) -> Tensor:
        """What each token saw in the others: queries, keys and values (3, n_heads, width, n_tokens, n_looks, n)."""
        query, key, value = asked
        n_tokens = asked.shape[3]
        if n_tokens <= FEW_TOKENS:
            likeness = [(query * key[:, :, each, None]).sum(1) for each in range(n_tokens)]
            weights = torch.softmax(torch.stack(likeness), 0)[:, :, None]
            looked = weights[0] * value[:, :, 0, None]
            for each in range(1, n_tokens):
                looked.addcmul_(weights[each], value[:, :, each, None])
            return looked
        query, key, value = (each.permute(3, 4, 0, 2, 1).flatten(0, 1) for each in asked)
        found = scaled_dot_product_attention(query, key, value, scale=1.0)
        return found.unflatten(0, asked.shape[4:]).permute(2, 4, 3, 0, 1).contiguous()


class TableLooks:
    """A trained :class:`MaskedTable` with the looks at a row by which it is judged."""

    def __init__(
        self, network: MaskedTable, of_input: Tensor, of_cell: Tensor, passes: Sequence[Tensor]
    ) -> None:
        """``of_input`` (n_inputs,) and ``of_cell`` (n_cells,): the column of each input and cell.

        ``passes``: partitions of the columns, each (n_parts, n_columns), True where a part of it is hidden.
        """
        encoder = network.encoder
        self.shape = encoder.d_model, encoder.n_tokens, sum(map(len, passes))
        self.blocks = [BlockOfLooks(block) for block in encoder.blocks if isinstance(block, Block)]
        enter = (encoder.enter * encoder.views if encoder.views.numel() else encoder.enter).T
        enter = _centred(enter.unflatten(0, (encoder.n_tokens, -1)).transpose(0, 1))
        seen = ~torch.cat(tuple(passes))[:, of_input]  # (n_looks, n_inputs)
        columns = _centred(encoder.columns.view(-1, encoder.d_model).T)
        self.enter = (enter[:, :, None] * seen).flatten(0, 2)
        self.columns = columns[:, :, None].expand(self.shape).reshape(-1, 1)
        self.leaving = [self._leaving(network, hidden[:, of_input], hidden[:, of_cell]) for hidden in passes]
        self.direct = network.direct is not None

    def __call__(self, rows: Tensor) -> Tensor:
        """Cells as they are filled in (n_partitions, n_cells, n) from inputs of rows (n, n_inputs)."""
        inputs = rows.T
        stream = torch.addmm(self.columns, self.enter, inputs).view(*self.shape, -1)
        for block in self.blocks:
            block.move(stream)
        tokens, first, filled = _normed(stream.flatten(1)).view_as(stream), 0, []
        for n_looks, leave, usual, direct in self.leaving:
            own = tokens[:, :, first : first + n_looks].flatten(0, 2)
            filled.append(torch.addmm(usual, leave, own))
            if self.direct:
                filled[-1].addmm_(direct, inputs)
            first += n_looks
        return torch.stack(filled)

    @staticmethod
    def _leaving(network: MaskedTable, inputs: Tensor, cells: Tensor) -> tuple[int, Tensor, Tensor, Tensor]:
        """Of one partition: its looks, and what fills in each cell from tokens where it is hidden, and from inputs.

        ``inputs`` (n_parts, n_inputs) and ``cells`` (n_parts, n_cells): what each part hides.
        """
        norm, encoder = network.encoder.encoded, network.encoder
        leave = network.leave * network.own if network.own.numel() else network.leave
        leave = leave.unflatten(1, (encoder.n_tokens, -1))
        usual = network.usual + (leave * norm.bias).sum((1, 2))
        # (n_cells, d_model, n_tokens, n_parts), as tokens are laid out
        leave = (leave * norm.weight).transpose(1, 2)[..., None] * cells.T[:, None, None]
        together = cells.T.float() @ inputs.float() > 0  # hidden in the same look
        direct = torch.empty(0) if network.direct is None else network.direct.weight * ~together
        return len(cells), leave.flatten(1), usual[:, None], direct


def _centred(weights: Tensor) -> Tensor:
    """Weights whose outputs, along the first axis, have mean 0."""
    return weights - weights.mean(0, keepdim=True)


def _behind(norm: nn.LayerNorm, layer: nn.Linear) -> Weights:
    """The layer with the scale and shift of the norm before it."""
    return layer.weight * norm.weight, (layer.bias + layer.weight @ norm.bias)[:, None]


def _normed(tokens: Tensor) -> Tensor:
    """Tokens (d_model, n) of mean 0 over their deviation."""
    return tokens * tokens.square().mean(0).add_(NORM_EPSILON).rsqrt_()
