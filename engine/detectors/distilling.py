"""How the series transformer learns from windows of readings, and what it says about windows.

:class:`Distilled` learns from clean and artificially disturbed windows; :class:`Plain` minimises the two losses of the
method's first formulation as they stand. Both serve :func:`engine.training.train` as its learner.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.data.pseudo_anomalies import disturbed

if TYPE_CHECKING:
    from torch import Tensor

    from engine.networks.series_transformer import SeriesTransformer

GROUPS = 2  # in which the patches of a window are hidden, one group after the other
MOST_WATCHED = 256  # held-out windows whose loss is asked after every epoch
DISTURBED = 0.5  # share of the windows of a mini-batch
UNMASKED = 0.3  # share of the mini-batches of which every patch is seen
SEEN_WEIGHT = 0.2  # of a patch that was seen, against 1 of a hidden one, in the reconstruction
MAP_WEIGHT = 0.5
APART = 3.0  # usual discrepancies that a margin of 1 stands for
MEMORY = 0.98  # of the usual discrepancy, for each mini-batch
LIMIT = 8.0  # of a reading, in standard deviations of its window
FARTHEST = 5.0  # of a fact about a window, in standard deviations over windows
SMALLEST = 1e-6

Singles = NDArray[np.float32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Marks = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Knobs:
    """What losses and judgement depend on beside the network."""

    masking_ratio: float = 0.6
    margin: float = 1.0
    lambda_disc: float = 0.5
    warm_up: float = 0.2  # share of the training in which the hinge of L_disc rises to its full weight
    mask_last: int = 0  # patches hidden at the end when a window is judged; 0: complementary groups
    seed: int = 0


class Shown(NamedTuple):
    """Windows as a network sees them: freed of level and size, and these beside them."""

    values: Tensor  # (n, length)
    level: Tensor  # (n, 1)
    size: Tensor  # (n, 1)
    facts: Tensor  # (n, n_facts)


class Look(NamedTuple):
    """What a network makes of windows, in the units it sees; (n, length) but for ``hidden``."""

    shown: Tensor
    teacher: Tensor  # each reading as rebuilt when it was hidden; 0 where it never was
    student: Tensor
    hidden: Tensor  # whether a reading was hidden, in each of the passes (n_passes, length)
    repaired: Tensor  # each reading as the teacher restored it when it was seen
    map: Tensor  # logit that a reading is anomalous, when it was seen


class WindowLearner:
    """A network over windows of one channel, and the windows it learns from."""

    signals: tuple[str, ...]  # what it says of a reading

    def __init__(self, network: SeriesTransformer, knobs: Knobs) -> None:
        self.network, self.knobs = network, knobs
        self.length = network.n_patches * network.patch_length
        self._noted: list[dict[str, Tensor]] = []

    def learn_from(self, readings: Singles, begins: Ints, held_out: Ints, labelled: Marks) -> None:
        """Take scaled readings (n_readings, n_channels) and where windows to learn from and to watch begin.

        ``labelled`` (n_readings,) is true for readings known to be anomalous.
        """
        import torch

        self._n_channels = readings.shape[1]
        self._readings = torch.as_tensor(readings)
        self._begins = torch.as_tensor(begins)
        known = np.r_[0, np.cumsum(labelled)]
        self._anomalous = torch.as_tensor(known[begins + self.length] > known[begins])
        self.rows = torch.arange(len(begins) * self._n_channels)
        watched = held_out[:: -(-len(held_out) * self._n_channels // MOST_WATCHED)]
        self._channels = torch.arange(self._n_channels).repeat(len(watched))
        self._watched = self._cut(
            torch.as_tensor(watched).repeat_interleave(self._n_channels), self._channels
        )
        anomalous = torch.as_tensor(known[watched + self.length] > known[watched])
        self._watched_anomalous = anomalous.repeat_interleave(self._n_channels)

    def _cut(self, begins: Tensor, channels: Tensor) -> Tensor:
        """Windows of some channels (n, length)."""
        import torch

        return self._readings[begins[:, None] + torch.arange(self.length), channels[:, None]]

    def loss(self, rows: Tensor, done: float) -> Tensor:
        import torch

        places, channels = rows // self._n_channels, rows % self._n_channels
        rng = np.random.default_rng(
            int(torch.randint(2**31, ()))
        )  # from torch: so a checkpoint holds its state
        warm = min(1.0, done / self.knobs.warm_up) if self.knobs.warm_up else 1.0
        windows = self._cut(self._begins[places], channels)
        return self.total_loss(windows, channels, self._anomalous[places], warm, rng)

    def held_out_loss(self) -> float:
        import torch

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.knobs.seed)  # always the same masks and disturbances
            rng = np.random.default_rng(self.knobs.seed)
            return float(self.total_loss(self._watched, self._channels, self._watched_anomalous, 1.0, rng))

    def loss_parts(self) -> dict[str, float]:
        """Mean of each part of the losses learned from since this was last asked, weighted as they were added up."""
        noted, self._noted = self._noted, []
        return {
            name: sum(float(each[name]) for each in noted) / len(noted)
            for name in (noted[0] if noted else ())
        }

    def _added(self, **parts: Tensor) -> Tensor:
        """The sum of the parts of a loss, which are noted while the network learns."""
        if self.network.training:
            self._noted.append({name: part.detach() for name, part in parts.items()})
        total: Tensor = sum(parts.values())  # type: ignore[assignment]
        return total

    def total_loss(
        self, windows: Tensor, channels: Tensor, anomalous: Tensor, warm: float, rng: np.random.Generator
    ) -> Tensor:
        """L_rec, L_disc and what else a learner minimises, together.

        ``windows`` (n, length), ``channels`` and ``anomalous`` (n,); ``warm`` is the weight of the hinge, 0 to 1.
        """
        raise NotImplementedError

    def shown(self, windows: Tensor) -> Shown:
        """Windows (n, length) as the network sees them."""
        raise NotImplementedError

    def judged(self, windows: Tensor, channels: Tensor) -> Tensor:
        """What the network says of each reading (n_signals, n, length): more = more anomalous, none below 0."""
        raise NotImplementedError

    def look(self, windows: Tensor, channels: Tensor) -> Look:
        """Each patch rebuilt in the pass that hides it, restored and mapped in the one that shows it."""
        import torch

        from engine.networks import series_transformer as of

        network, n, count = self.network, len(windows), self.network.n_patches
        shown = self.shown(windows)
        patches = network.patchify(shown.values)
        last = self.knobs.mask_last
        passes = []
        for view in [of.last_masked(count, last)] if last else of.complementary(count, GROUPS):
            visible = view.expand(n, -1)
            hidden = of.hidden_patches(visible[:1], count)[..., None]
            passes.append((hidden, *network(patches, visible, channels, shown.facts)))
        teacher, student = torch.zeros_like(patches), torch.zeros_like(patches)
        _, repaired, _, mapped = passes[0]  # for what no pass shows
        for hidden, taught, learned, odd in passes:
            teacher, student = torch.where(hidden, taught, teacher), torch.where(hidden, learned, student)
            repaired, mapped = torch.where(hidden, repaired, taught), torch.where(hidden, mapped, odd)
        masks = torch.stack([hidden[0, :, 0] for hidden, *_ in passes])
        flat = (part.reshape(n, -1) for part in (teacher, student, repaired, mapped))
        teacher, student, repaired, mapped = flat
        hidden = masks.repeat_interleave(network.patch_length, 1)
        return Look(shown.values, teacher, student, hidden, repaired, mapped)

    def _of_hidden(self, numbers: Tensor, look: Look) -> Tensor:
        """Numbers of readings (n, length); where only the last were hidden, all readings have the mean of these."""
        if not self.knobs.mask_last:
            return numbers
        return numbers[:, look.hidden[0]].mean(1, keepdim=True).expand_as(numbers)


class Plain(WindowLearner):
    """L_rec + lambda L_disc, teacher and student together, windows as they are.

    L_rec is the teacher's mean squared error on hidden patches of windows that are not labelled. d, the squared
    distance of teacher and student over the hidden patches of a window, shall be 0 where y = 0, and the margin or more
    where y = 1.
    The score is the mean squared difference of teacher and student over hidden readings.
    """

    signals = ("discrepancy",)

    def shown(self, windows: Tensor) -> Shown:
        """Windows as they are."""
        n = len(windows)
        return Shown(windows, windows.new_zeros(n, 1), windows.new_ones(n, 1), windows.new_zeros(n, 0))

    def total_loss(
        self, windows: Tensor, channels: Tensor, anomalous: Tensor, warm: float, rng: np.random.Generator
    ) -> Tensor:
        from engine.networks import series_transformer as of

        del rng  # nothing is disturbed
        patches = self.network.patchify(windows)
        visible = self.network.random_masking(len(windows), self.knobs.masking_ratio)
        teacher, student, _ = self.network(patches, visible, channels)
        hidden = of.hidden_patches(visible, self.network.n_patches)
        rebuilt = of.reconstruction_loss(teacher, patches, (hidden & ~anomalous[:, None]).to(windows.dtype))
        distances = (of.discrepancy(teacher, student) * hidden).sum(1)
        close, apart = of.discrepancy_loss(distances, anomalous, self.knobs.margin, warm)
        return self._added(reconstruction=rebuilt, discrepancy=self.knobs.lambda_disc * (close + apart))

    def judged(self, windows: Tensor, channels: Tensor) -> Tensor:
        """The discrepancy alone."""
        look = self.look(windows, channels)
        return self._of_hidden((look.teacher - look.student) ** 2, look)[None]


class Distilled(WindowLearner):
    """The teacher restores disturbed windows and maps the disturbance; the student repeats it where all is well.

    Windows lose level and size, which are told beside them. The discrepancy of a patch counts in units of the usual
    one, so that a margin means the same on all data, and as a mean, so that ``lambda_disc`` does not depend on the size
    of the mini-batch.
    """

    signals = ("reconstruction", "repair", "map", "discrepancy")

    def __init__(self, network: SeriesTransformer, knobs: Knobs, usual: Floats) -> None:
        """``usual`` (5,): the smallest size of a window; mean and spread of its level, and of the log of its size."""
        super().__init__(network, knobs)
        self.usual = usual

    def shown(self, windows: Tensor) -> Shown:
        """Windows without level and size."""
        import torch

        smallest, level_mean, level_spread, size_mean, size_spread = map(float, self.usual)
        level = windows.mean(1, keepdim=True)
        size = windows.std(1, keepdim=True, correction=0).clamp(min=smallest)
        facts = torch.cat([(level - level_mean) / level_spread, (size.log() - size_mean) / size_spread], 1)
        values = ((windows - level) / size).clamp(-LIMIT, LIMIT)
        return Shown(values, level, size, facts.clamp(-FARTHEST, FARTHEST))

    def total_loss(
        self, windows: Tensor, channels: Tensor, anomalous: Tensor, warm: float, rng: np.random.Generator
    ) -> Tensor:
        import torch

        from engine.networks import series_transformer as of

        network, n = self.network, len(windows)
        changed = disturbed(windows.numpy(), rng)
        drawn = torch.as_tensor(rng.random(n) < DISTURBED) & ~anomalous
        seen = self.shown(torch.where(drawn[:, None], torch.as_tensor(changed.values), windows))
        inside = torch.as_tensor(changed.inside) & drawn[:, None]
        clean = network.patchify(((windows - seen.level) / seen.size).clamp(-LIMIT, LIMIT))
        unmasked = rng.random() < UNMASKED
        visible = (
            torch.arange(network.n_patches).expand(n, -1)
            if unmasked
            else network.random_masking(n, self.knobs.masking_ratio)
        )
        hidden = of.hidden_patches(visible, network.n_patches)
        teacher, student, logits = network(network.patchify(seen.values), visible, channels, seen.facts)

        weights = torch.where(hidden, 1.0, SEEN_WEIGHT) * ~anomalous[:, None]
        rebuilt = of.reconstruction_loss(teacher, clean, weights)
        marks = network.patchify(inside)
        mapped = of.map_loss(logits, marks, ~hidden & ~anomalous[:, None])
        odd = marks.any(-1) | anomalous[:, None]
        distances = of.discrepancy(teacher.detach(), student)
        distances = distances / self._usual_discrepancy(distances.detach()[~odd])
        close, apart = of.discrepancy_loss(distances, odd, APART * self.knobs.margin, warm)
        distilled = close / (~odd).sum().clamp(min=1) + apart / odd.sum().clamp(min=1)
        return self._added(
            reconstruction=rebuilt, map=MAP_WEIGHT * mapped, discrepancy=self.knobs.lambda_disc * distilled
        )

    def _usual_discrepancy(self, ordinary: Tensor) -> Tensor:
        """The running mean of the discrepancy of ordinary patches; it lies with the network, so in its checkpoint."""
        usual = self.network.usual_discrepancy
        if self.network.training and len(ordinary):
            usual.mul_(MEMORY).add_((1 - MEMORY) * ordinary.mean())
        return usual.clamp(min=SMALLEST)

    def judged(self, windows: Tensor, channels: Tensor) -> Tensor:
        """Error when hidden, error when seen, place on the map, discrepancy; smoothed over a patch."""
        import torch

        look = self.look(windows, channels)
        parts = torch.stack(
            [
                self._of_hidden((look.teacher - look.shown) ** 2, look),
                (look.repaired - look.shown) ** 2,
                torch.nn.functional.softplus(look.map),
                self._of_hidden((look.teacher - look.student) ** 2, look),
            ]
        )
        width = self.network.patch_length // 2
        return torch.nn.functional.avg_pool1d(
            parts, 2 * width + 1, stride=1, padding=width, count_include_pad=False
        )
