"""The one training loop of every network: mini-batches, held-out rows, early stopping, checkpoints.

A checkpoint holds all that the next epoch depends on, so that a training that was killed goes on where it was and ends
with the same weights, bit for bit (on the same machine with the same number of threads).
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.arrays import pack, unpack
from engine.cores import torch_threads
from engine.errors import Diverged, StoreError
from engine.files import make_folder, sweep, write_atomically

if TYPE_CHECKING:
    from torch import Tensor, nn

    from engine.detectors.base import Course, Progress

WARM_UP = 0.15  # share of the steps in which the learning rate of a cycle rises
KEPT_SECONDS = 14 * 86_400.0  # a checkpoint nobody came back to
SHA256_BYTES = 32  # a checkpoint begins with the hash of what follows: a damaged one is not gone on with
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-8  # of Adam, as its authors chose them
FLOOR = 0.01  # of the learning rate, where a cycle starts and ends


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to train: as long as the held-out loss falls, at most ``epochs`` long."""

    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float = 0.0
    patience: int = 10  # epochs without a better held-out loss before it ends
    schedule: Literal["constant", "cycle"] = "constant"
    peak: float = 1.0  # highest learning rate of a cycle, in learning rates
    clip: float = 1.0  # largest norm of a gradient
    steps: int | None = None  # mini-batches of an epoch; None: as many as the rows fill
    seed: int = 0
    threads: int | None = None  # of the processor; None: as many as torch takes

    def learning_rate_at(self, done: float) -> float:
        """The learning rate after a share ``done`` of all steps: constant, or a rise and a cosine fall."""
        if self.schedule == "constant":
            return self.learning_rate
        risen = done / WARM_UP
        if done >= WARM_UP:
            risen = 0.5 * (1 + math.cos(math.pi * (done - WARM_UP) / (1 - WARM_UP)))
        return self.peak * self.learning_rate * (FLOOR + (1 - FLOOR) * risen)


class Learner(Protocol):
    """What a network brings to the loop."""

    network: nn.Module

    @property
    def rows(self) -> Tensor:
        """Numbers of the training rows (n_rows,)."""

    def loss(self, rows: Tensor, done: float) -> Tensor:
        """Mean loss of a mini-batch of rows, by their numbers; a share ``done`` of the training is through."""

    def held_out_loss(self) -> float:
        """Mean loss of the rows that are kept from training."""

    def loss_parts(self) -> Mapping[str, float]:
        """Of the losses since this was last asked, the mean of each part they add up from; none where it is one."""


@dataclass(kw_only=True)
class Standing:
    """How far a training is."""

    epoch: int = 0
    best_loss: float = math.inf
    best_epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)

    def take(self, record: dict[str, float]) -> bool:
        """Add an epoch; whether it is the best so far."""
        self.epoch += 1
        self.history.append(record)
        better = record["validation_loss"] < self.best_loss
        if better:
            self.best_loss, self.best_epoch = record["validation_loss"], self.epoch
        return better


class AdamW:
    """Adam with decoupled weight decay, the gradient of all weights held to a norm together.

    Loshchilov and Hutter (2019), Decoupled weight decay regularization. The step is torch's own fused kernel;
    ``torch.optim`` around it loads torch's compiler when it is constructed, which takes longer than many a training.
    The weights are laid into one stretch of memory, of which the network's own become views: a step is a few kernels,
    not a few for every layer.
    """

    def __init__(self, network: nn.Module, *, weight_decay: float, clip: float) -> None:
        import torch

        self._parts = [weights for weights in network.parameters() if weights.requires_grad]
        self._weights = torch.cat([part.detach().flatten() for part in self._parts])
        stretches = self._weights.split([part.numel() for part in self._parts])
        for part, stretch in zip(self._parts, stretches, strict=True):
            part.data = stretch.view_as(part)
        self._weight_decay, self._clip = weight_decay, clip
        self._mean, self._square = torch.zeros_like(self._weights), torch.zeros_like(self._weights)
        self._steps = torch.zeros((), device=self._weights.device)

    def step(self, loss: Tensor, learning_rate: float) -> None:
        """Move the weights against the gradient of a loss."""
        import torch

        gradients = torch.autograd.grad(loss, self._parts)
        with torch.no_grad():
            gradient = torch.cat([part.flatten() for part in gradients])
            self._steps += 1
            torch._fused_adamw_(
                *([self._weights], [gradient], [self._mean], [self._square], [], [self._steps]),
                lr=learning_rate,
                beta1=BETA_1,
                beta2=BETA_2,
                weight_decay=self._weight_decay,
                eps=EPSILON,
                amsgrad=False,
                maximize=False,
                # the gradient is divided by it
                grad_scale=((gradient.norm() + EPSILON) / self._clip).clamp(min=1.0),
            )

    def state(self) -> dict[str, Tensor]:
        """Both moments of every weight, one after the other, and the number of steps."""
        return {"mean": self._mean, "square": self._square, "steps": self._steps}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Take back what :meth:`state` gave."""
        for name, values in self.state().items():
            values.copy_(state[name])


def train(
    learner: Learner, plan: Plan, *, content: str, course: Course, progress: Progress
) -> list[dict[str, float]]:
    """Train ``learner.network`` by the plan, leave its best weights in it, and return one record an epoch.

    ``content`` names what is learned from (a hash of the data and of everything else that matters): a checkpoint of
    something else is not gone on with. Raises :class:`Diverged` when the loss is no longer a number.
    """
    import torch

    with _settled(plan):
        optimizer = AdamW(learner.network, weight_decay=plan.weight_decay, clip=plan.clip)
        key = _key(plan, content)
        standing, best = Standing(), _copy(learner.network)
        if course.checkpoint is not None and (found := _read(course.checkpoint, key)) is not None:
            standing, best = _resume(found, learner, optimizer)
            for record in standing.history:
                course.record(**record)
        while standing.epoch < plan.epochs and standing.epoch - standing.best_epoch < plan.patience:
            loss = _one_epoch(learner, plan, optimizer, standing, progress)
            learner.network.eval()
            with torch.no_grad():
                held_out = learner.held_out_loss()
            if not (math.isfinite(loss) and math.isfinite(held_out)):
                raise Diverged(
                    f"the training diverged in epoch {standing.epoch + 1}: its loss is no longer a number. Try a "
                    f"learning_rate below {plan.learning_rate:g} (such as {plan.learning_rate / 10:g}), or another "
                    "scaling of the columns"
                )
            record = {"epoch": standing.epoch + 1, "train_loss": loss, "validation_loss": held_out}
            record |= {f"{name}_loss": part for name, part in learner.loss_parts().items()}
            if standing.take(record):
                best = _copy(learner.network)
            if course.checkpoint is not None:
                kept = _checkpoint(key, standing, best, learner, optimizer)
                write_atomically(course.checkpoint, kept, wait=False)  # its hash tells a damaged one
            course.record(**record)
        learner.network.load_state_dict(best)
        learner.network.eval()
    return standing.history


@contextmanager
def _settled(plan: Plan) -> Iterator[None]:
    """The plan's seed and threads, and afterwards the caller's again."""
    import torch

    with torch_threads(plan.threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        yield


def _one_epoch(
    learner: Learner, plan: Plan, optimizer: AdamW, standing: Standing, progress: Progress
) -> float:
    """The mean loss of one pass of mini-batches."""
    import torch

    learner.network.train()
    rows = learner.rows
    steps = plan.steps or math.ceil(len(rows) / plan.batch_size)
    drawn = _drawn(rows, min(plan.batch_size, len(rows)) * steps)
    total = torch.zeros((), device=rows.device)
    last = standing.history[-1]["validation_loss"] if standing.history else None
    said = f"Epoch {standing.epoch + 1} of {plan.epochs}" + (
        f", held-out loss {last:.4g}" if last is not None else ""
    )
    batches = drawn.split(plan.batch_size)
    for step, batch in enumerate(batches):
        done = (standing.epoch + step / len(batches)) / plan.epochs
        progress(done, said)
        loss = learner.loss(batch, done)
        optimizer.step(loss, plan.learning_rate_at(done))
        total += loss.detach()
    return float(total) / len(batches)


def _drawn(rows: Tensor, wanted: int) -> Tensor:
    """``wanted`` rows in random order; each comes again only after all others came."""
    import torch

    orders = [rows[torch.randperm(len(rows)).to(rows.device)] for _ in range(math.ceil(wanted / len(rows)))]
    return torch.cat(orders)[:wanted]


# ---- checkpoints


@contextmanager
def checkpointed(path: Path, record: Callable[..., None]) -> Iterator[Course]:
    """A course whose checkpoint outlives a kill, a stop or a full disk, and goes when the training is through."""
    from engine.detectors.base import Course

    make_folder(path.parent)
    sweep(path.parent, older_than=KEPT_SECONDS)
    yield Course(record=record, checkpoint=path)
    for kept in path.parent.glob(f"{path.stem}*{path.suffix}"):  # a training in stages has one for each
        kept.unlink(missing_ok=True)


def epoch_in_words(values: Mapping[str, Any], epochs: int | None = None) -> str:
    """One line about an epoch, for a log: ``Epoch 5/50 - train loss 0.0234, validation loss 0.0212``."""
    of = f"/{epochs}" if epochs else ""
    return (
        f"Epoch {values['epoch']:.0f}{of} - train loss {values['train_loss']:.5g}, "
        f"validation loss {values['validation_loss']:.5g}"
    )


def _key(plan: Plan, content: str) -> str:
    import torch

    facts = {"plan": asdict(plan), "content": content, "torch": torch.__version__}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: weights.detach().clone() for name, weights in network.state_dict().items()}


def _checkpoint(
    key: str,
    standing: Standing,
    best: Mapping[str, Tensor],
    learner: Learner,
    optimizer: AdamW,
) -> bytes:
    """Everything the next epoch depends on, as one file."""
    import torch

    tensors = {f"network/{name}": weights for name, weights in learner.network.state_dict().items()}
    tensors |= {f"best/{name}": weights for name, weights in best.items()}
    tensors |= {f"optimizer/{name}": values for name, values in optimizer.state().items()}
    tensors["random"] = torch.get_rng_state()
    arrays = {name: values.detach().cpu().numpy() for name, values in tensors.items()}
    about = json.dumps({"key": key, **asdict(standing)}).encode()
    data = pack(arrays | {"about": np.frombuffer(about, dtype=np.uint8)})
    return hashlib.sha256(data).digest() + data


def _read(path: Path, key: str) -> dict[str, NDArray[Any]] | None:
    """The arrays of a checkpoint of the same training; None where there is none that can be gone on with."""
    try:
        data = path.read_bytes()
        if hashlib.sha256(data[SHA256_BYTES:]).digest() != data[:SHA256_BYTES]:
            return None
        arrays = unpack(data[SHA256_BYTES:])
        about = json.loads(arrays["about"].tobytes())
    except (FileNotFoundError, StoreError, KeyError, ValueError):
        return None
    return arrays if about.get("key") == key else None


def _resume(
    arrays: Mapping[str, NDArray[Any]], learner: Learner, optimizer: AdamW
) -> tuple[Standing, dict[str, Tensor]]:
    """Put network, optimizer and random numbers back to where the checkpoint was written."""
    import torch

    def part(name: str) -> dict[str, Tensor]:
        start = f"{name}/"
        return {k[len(start) :]: torch.from_numpy(v.copy()) for k, v in arrays.items() if k.startswith(start)}

    about = json.loads(arrays["about"].tobytes())
    about.pop("key")
    learner.network.load_state_dict(part("network"))
    optimizer.load_state(part("optimizer"))
    torch.set_rng_state(torch.from_numpy(arrays["random"].copy()))
    return Standing(**about), part("best")
