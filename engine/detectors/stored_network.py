"""The weights of a network as named arrays, and back; and what names the training they come from."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import StoreError

if TYPE_CHECKING:
    from torch import nn


def weights_of(network: nn.Module, called: str = "network") -> dict[str, NDArray[Any]]:
    """All weights and running numbers of a network, by name; ``called`` tells the networks of a detector apart."""
    return {
        f"{called}/{name}": values.detach().cpu().numpy() for name, values in network.state_dict().items()
    }


def fill(network: nn.Module, arrays: Mapping[str, NDArray[Any]], called: str = "network") -> None:
    """Put weights that :func:`weights_of` gave into a network of the same layers.

    Raises a :class:`StoreError` where a shape is another or a weight is no finite number; a KeyError names one that is
    missing.
    """
    import torch

    weights = {name: torch.from_numpy(arrays[f"{called}/{name}"].copy()) for name in network.state_dict()}
    if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
        raise StoreError("the stored network is damaged: a weight is not a number")
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise StoreError("the stored network is damaged: its layers are not those of this detector") from None


def content_of(facts: Any, *arrays: NDArray[Any]) -> str:
    """A hash of everything that a training depends on beside its plan; see :func:`engine.training.train`."""
    content = hashlib.sha256(repr((facts, [array.shape for array in arrays])).encode())
    for array in arrays:
        content.update(np.ascontiguousarray(array).view(np.uint8).data)
    return content.hexdigest()
