"""What would be ordinary in the place of what a row has: expected from its other columns, or typical in training."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.model import Model

Array = NDArray[np.float64]


def ordinary_cells(model: Model, X: Array) -> Array:
    """What each cell of rows should be (n_rows, n_features): expected from the others, or typical in training."""
    typical = np.broadcast_to(model.recipe.encoder.typical_row, X.shape)
    expectation = None if model.recipe.ordered else model.detector.expectation(X)
    if expectation is None:
        return typical
    ordinary = expectation.expected.copy()
    sources = model.recipe.encoder.sources
    for number, code in enumerate(model.recipe.encoder.codes):
        at = np.flatnonzero(sources == number)
        if code.one_cell_a_level:  # a category is one of its levels, not a mixture
            ordinary[:, at] = np.eye(len(at))[np.argmax(ordinary[:, at], axis=1)]
        elif code.kind != "number":
            ordinary[:, at] = typical[:, at]
    return ordinary
