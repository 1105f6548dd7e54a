"""One window as a network sees it, for people who want to know why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.cores import torch_threads
from engine.detectors.distilling import Floats, Singles, WindowLearner
from engine.detectors.window_signals import Scale


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A window and what the network makes of it: (length, n_channels), in the units of the readings."""

    begin: int  # the reading with which it begins
    original: Floats
    teacher: Floats  # each reading as it was rebuilt from those not hidden with it
    student: Floats
    masks: NDArray[np.bool_]  # what was hidden in each pass (n_passes, length)
    discrepancy: Floats  # squared difference of teacher and student, in sizes of the window
    error: Floats  # squared error of the teacher, in sizes of the window
    map: Floats  # probability that a reading is anomalous, as the network says


def inspected(learner: WindowLearner, scale: Scale, X: Floats, begin: int) -> Inspection:
    """The window ``X`` (length, n_channels), which begins at some reading, as the network sees it."""
    import torch

    readings: Singles = scale.scaled(X)
    windows, channels = torch.as_tensor(readings.T.copy()), torch.arange(X.shape[1])
    learner.network.eval()
    # threads would wait for each other at each of these small products: half a second of an answer
    with torch_threads(1), torch.inference_mode():
        look, shown = learner.look(windows, channels), learner.shown(windows)
        hidden = look.hidden.any(0)

        def measured(values: torch.Tensor) -> Floats:
            return torch.where(hidden, values, 0.0).T.double().numpy()

        def in_units(values: torch.Tensor) -> Floats:
            scaled = (values * shown.size + shown.level).T.double().numpy() * scale.spread + scale.center
            return np.where(hidden.numpy()[:, None], scaled, np.nan)

        return Inspection(
            begin=begin,
            original=X,
            teacher=in_units(look.teacher),
            student=in_units(look.student),
            masks=look.hidden.numpy(),
            discrepancy=measured((look.teacher - look.student) ** 2),
            error=measured((look.teacher - look.shown) ** 2),
            map=torch.sigmoid(look.map).T.double().numpy(),
        )
