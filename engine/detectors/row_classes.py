"""Stage 2 of a masked table: a head on the encoder learns the classes of labelled rows, and how sure it may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from engine.detectors.cells import Array
from engine.detectors.stored_network import fill, weights_of
from engine.errors import DataError, StoreError
from engine.scoring.classification import classification
from engine.training import Plan

if TYPE_CHECKING:
    from torch import Tensor

    from engine.detectors.masked_rows import MaskedRows
    from engine.networks.table_transformer import Classifier

Recipe = Literal["fast", "spec", "single"]
MOST_CLASSES = 100
HELD_OUT = 0.2  # of the labelled rows, class by class, for the temperature (in 'spec' for the epoch, too)
BLOCK = (
    256  # rows go through the network so many at a time, always: probabilities are the same in any company
)
STEPS, BATCH = 40, 128  # mini-batches of an epoch and their rows, of all recipes but 'spec'
HIDDEN = 0.1  # share of the columns hidden while classes are learned, so that no one column decides
WIDTH, DROPOUT = 64, 0.2  # of the head's hidden layer
HIGHEST_RATE = 5.0  # of the cycle, in learning rates
ENCODER_RATES = {"fast": 1.0, "spec": 0.0, "single": 1.0}  # in the head's learning rates
ENCODER_RATES_BEFORE = ENCODER_RATES | {"fast": 0.1}  # of what was stored before the rate was
WEIGHT_DECAY = 0.01
TEMPERATURES = np.exp(np.linspace(np.log(0.5), np.log(5.0), 200))
FEWEST_CALIBRATED = 20  # held-out rows below which probabilities stay as they come


class RowClasses:
    """A classifier of rows over the encoder of :class:`MaskedRows`; serves :func:`engine.training.train` as learner."""

    def __init__(
        self,
        stage: MaskedRows,
        names: tuple[str, ...],
        *,
        recipe: Recipe,
        seed: int,
        temperature: float = 1.0,
        rate: float | None = None,
    ) -> None:
        """``rate``: of the encoder, in the head's learning rates; None: as the recipe has it."""
        import torch

        from engine.networks.table_transformer import ClassHead, Classifier

        self.inputs, self.names, self.recipe, self.temperature = stage.inputs, names, recipe, temperature
        self.measured: dict[str, float] = {}
        self._rows = self._numbers = self._learned = self._watched = np.zeros(0, dtype=np.int64)
        encoder = stage.network.encoder
        told = 0 if recipe == "spec" else self.inputs.n_inputs
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            encoded = encoder.n_tokens * encoder.d_model
            head = ClassHead(encoded, told, len(names), 0 if recipe == "spec" else WIDTH, DROPOUT)
            self.network = Classifier(encoder, head, ENCODER_RATES[recipe] if rate is None else rate)

    @classmethod
    def of(cls, stage: MaskedRows, told: NDArray[Any], *, recipe: Recipe, seed: int) -> Self:
        """A classifier to be trained for the classes ``told`` (n_samples,), "" or None where a row's is not known."""
        known = np.array([value is not None and value == value and str(value) != "" for value in told])
        words = np.array([str(value) if here else "" for value, here in zip(told, known, strict=True)])
        names = tuple(sorted(set(words[known].tolist())))
        if not 2 <= len(names) <= MOST_CLASSES:
            raise DataError(
                f"to learn classes, the labelled rows must hold 2 to {MOST_CLASSES} of them, found {len(names)}"
                f"{': ' + repr(names[0]) if len(names) == 1 else ''}; label rows of other classes, too"
            )
        classes = cls(stage, names, recipe=recipe, seed=seed)
        classes._rows = np.flatnonzero(known)
        classes._numbers = np.searchsorted(np.array(names), words[known])
        classes._split(np.random.default_rng(seed))
        return classes

    def _split(self, rng: np.random.Generator) -> None:
        """Keep a fifth of each class of several rows from training."""
        held_out = np.zeros(len(self._rows), dtype=bool)
        for number in range(len(self.names)):
            own = rng.permutation(np.flatnonzero(self._numbers == number))
            held_out[own[: round(HELD_OUT * len(own))]] = True
        if not held_out.any():  # a few rows in all: what is learned is judged by itself
            held_out[:] = True
            self._learned = np.arange(len(self._rows))
        else:
            self._learned = np.flatnonzero(~held_out)
        self._watched = np.flatnonzero(held_out)

    def plan(self, epochs: int, batch_size: int, learning_rate: float) -> Plan:
        """How to train: 'spec' at a tenth of the learning rate, all others in a cycle of few mini-batches, to its end.

        A fifth of a few labels is too few rows to choose an epoch by: their loss is lowest long before all has been
        learned, where a network that is right is also sure.
        """
        if self.recipe == "spec":
            return Plan(
                epochs=epochs,
                batch_size=batch_size,
                learning_rate=learning_rate / 10,
                patience=epochs,
                threads=1,
            )
        return Plan(
            epochs=epochs,
            batch_size=BATCH,
            learning_rate=learning_rate,
            weight_decay=WEIGHT_DECAY,
            patience=epochs,
            schedule="cycle",
            peak=HIGHEST_RATE,
            steps=STEPS,
            threads=1,
            keep="last",
        )

    # ---- what the loop asks for

    def learn_from(self, X: Array) -> None:
        """Take the training rows (n_samples, n_cells), of which the labelled ones are learned from."""
        import torch

        values, known = self.inputs.cells.scaled(X[self._rows])
        self._shown = self.inputs.shown(torch.as_tensor(values))
        self._seen = torch.as_tensor(known).to(torch.float32)
        self._truth = torch.as_tensor(self._numbers)
        self.rows = torch.as_tensor(self._learned)
        counts = np.bincount(self._numbers[self._learned], minlength=len(self.names))
        weights = np.ones(len(counts)) if self.recipe == "spec" else np.maximum(counts, 1) ** -0.5
        self._weights = torch.as_tensor(
            weights * counts.sum() / (weights * counts).sum(), dtype=torch.float32
        )

    def loss(self, rows: Tensor, done: float) -> Tensor:
        import torch
        from torch.nn.functional import cross_entropy

        del done
        seen = self._seen[rows]
        if self.recipe != "spec":
            seen = seen * (torch.rand(seen.shape) >= HIDDEN)
        logits = self._logits(self._shown[rows], seen)
        return cross_entropy(logits, self._truth[rows], weight=self._weights)

    def held_out_loss(self) -> float:
        from torch.nn.functional import cross_entropy

        logits = self._watched_logits()
        return float(cross_entropy(logits, self._truth[self._watched], weight=self._weights))

    def loss_parts(self) -> dict[str, float]:
        """None: all of the loss is cross-entropy."""
        return {}

    def _logits(self, shown: Tensor, seen: Tensor, network: Classifier | None = None) -> Tensor:
        inputs = self.inputs.hiding(shown, seen)
        found: Tensor = (network or self.network)(inputs, inputs[:, :0] if self.recipe == "spec" else inputs)
        return found

    def _watched_logits(self) -> Tensor:
        return self._logits(self._shown[self._watched], self._seen[self._watched])

    # ---- what comes of it

    def calibrate(self) -> None:
        """Divide logits by the temperature that suits held-out rows best (Guo, Pleiss, Sun and Weinberger, 2017)."""
        import torch

        with torch.inference_mode():
            logits = self._watched_logits().double().numpy()
        truth = self._numbers[self._watched]
        if len(truth) >= FEWEST_CALIBRATED and len(self._learned) < len(self._rows):
            losses = [
                -np.log(np.maximum(_softmax(logits / t)[np.arange(len(truth)), truth], 1e-12)).mean()
                for t in TEMPERATURES
            ]
            self.temperature = float(TEMPERATURES[int(np.argmin(losses))])
        words = np.array(self.names)
        found = classification(words[truth], words[logits.argmax(axis=1)])
        self.measured = {"accuracy": found.accuracy, "macro_f1": found.macro_f1, "rows": float(len(truth))}

    def probabilities(self, X: Array) -> Array:
        """How likely each row (n, n_cells) belongs to each class (n, n_classes)."""
        import torch

        values, known = self.inputs.cells.scaled(X)
        whole = ((0, -len(values) % BLOCK), (0, 0))
        cells, seen = (torch.as_tensor(np.pad(part, whole)) for part in (values, known))
        network = self.network.settled().eval()
        with torch.inference_mode():
            blocks = zip(cells.split(BLOCK), seen.to(cells.dtype).split(BLOCK), strict=True)
            logits = [self._logits(self.inputs.shown(block), known, network) for block, known in blocks]
        found = (
            torch.cat(logits)[: len(values)].double().numpy()
            if len(values)
            else np.zeros((0, len(self.names)))
        )
        return _softmax(found / self.temperature)

    # ---- storage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Weights, names and temperature."""
        words = json.dumps(self.names).encode()
        return weights_of(self.network, "classifier") | {
            "classes/names": np.frombuffer(words, dtype=np.uint8),
            "classes/temperature": np.array([self.temperature]),
            "classes/rate": np.array([self.network.rate]),
        }


def restored_classes(
    arrays: Mapping[str, NDArray[Any]], stage: MaskedRows, *, recipe: Recipe, seed: int
) -> RowClasses | None:
    """A classifier as :meth:`RowClasses.arrays` gave it, None where there was none; a StoreError if it is not whole."""
    if "classes/names" not in arrays:
        return None
    names = json.loads(arrays["classes/names"].astype(np.uint8).tobytes())
    temperature = arrays["classes/temperature"]
    rate = arrays.get("classes/rate", np.array([ENCODER_RATES_BEFORE[recipe]]))
    sound = (
        isinstance(names, list)
        and 2 <= len(names) <= MOST_CLASSES
        and all(isinstance(name, str) for name in names)
        and len(set(names)) == len(names)
        and temperature.shape == (1,)
        and np.isfinite(temperature[0])
        and temperature[0] > 0
        and rate.shape == (1,)
        and rate[0] in (ENCODER_RATES[recipe], ENCODER_RATES_BEFORE[recipe])
    )
    if not sound:
        raise StoreError("the stored network is damaged: its classes do not add up")
    known = {"temperature": float(temperature[0]), "rate": float(rate[0])}
    found = RowClasses(stage, tuple(names), recipe=recipe, seed=seed, **known)
    fill(found.network, arrays, "classifier")
    found.network.eval()
    return found


def _softmax(logits: Array) -> Array:
    """Rows of logits as probabilities."""
    risen = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares: Array = risen / risen.sum(axis=1, keepdims=True)
    return shares
