"""Nearest windows: a stretch of readings is strange when no normal stretch looks like it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.cores import evenly, one_blas_thread, side_by_side
from engine.detectors.base import Progress, Scores
from engine.detectors.sequential import Ints, SequentialDetector, bounds, longest_window
from engine.detectors.window_library import (
    BLOCK,
    LONGEST,
    VIEWS,
    Floats,
    Library,
    Shape,
    Singles,
    all_seen,
    codes,
    drawn,
    filled_up,
    hold_together,
    smoothed,
)
from engine.detectors.window_matching import Alike
from engine.detectors.window_sampling import sampled
from engine.errors import DataError, StoreError
from engine.hyperparameters import hyperparameter

CHUNK = 16_384  # readings scored between two looks at the cancel flag
PERIODS = (0.5, 1.0, 2.0)  # lengths in dominant periods, where they follow from the data
USUAL_PERIOD = 64  # readings, where nothing repeats
SHORTEST = 2
MEASURED = 2_048  # training windows whose distances say what is usual
FINEST = 0.01  # of a channel's standard deviation: closer windows are as good as equal
CLOSEST = 0.1  # of the usual distance: nearer is as ordinary as can be
MOST_CELLS = 4_000_000  # numbers of training readings kept
COMPARED = 512  # references, at most, whose distances a distance is shown among
REACH = 3  # longest windows kept around a reference: itself, and those that overlap with it


@dataclass(kw_only=True, eq=False, repr=False)
class NearestWindows(SequentialDetector):
    """Compares the windows around a reading with reference windows of the training readings.

    For windows of several lengths, each seen in three views (as it is, without its level, without level and size), the
    distance to the nearest reference is divided by the usual one, the median over training windows, and averaged over
    half a window. The score is the geometric mean of these ratios: about 1 where readings are as like the training
    readings as these are like each other, 3 where they are three times as far away. The distance counts all channels
    together, so a combination of channels that never came before is found as well.

    A window of the training readings is judged without itself and without the windows that overlap with it; so are
    windows of new readings that are the same, number for number. Training readings and new ones are comparable.

    References
    ----------
    Yeh, Zhu, Ulanova, Begum, Ding, Dau, Silva, Mueen and Keogh (2016), Matrix profile I: All pairs similarity joins for
    time series; Keogh, Lin and Fu (2005), HOT SAX: Efficiently finding the most unusual time series subsequence.
    """

    name: ClassVar[str] = "nearest_windows"
    title: ClassVar[str] = "Nearest Windows"
    summary: ClassVar[str] = "A stretch of readings is strange when no normal stretch looks like it."
    works_when: ClassVar[str] = (
        "Readings repeat their shapes, regularly or not; one channel or many. Learns within seconds."
    )
    struggles_when: ClassVar[str] = (
        "An anomaly comes again in the training readings, or normal operation never looks alike twice."
    )
    speed: ClassVar[int] = 3
    reference: ClassVar[str] = "Yeh et al. (2016)"
    learning_share: ClassVar[float] = 0.2
    probe_tolerance: ClassVar[float] = 1e-4
    explained_by: ClassVar[str] = (
        "Distance share: how much of the distance to the most similar normal stretch lies in the column."
    )

    lengths: tuple[int, ...] = hyperparameter(
        (32, 64, 128),
        "Readings of a window; shorter where the series has short stretches. 0: half, once and twice the rhythm.",
        low=0,
        high=LONGEST,
        title="Window lengths",
    )
    references: int = hyperparameter(
        1_000,
        "Most training windows to compare with, drawn by lot where there are more.",
        low=10,
        high=20_000,
        log=True,
        title="Windows to compare with",
    )
    stride: int = hyperparameter(
        1,
        "About every how many readings a shortest window is looked up, longer ones more rarely: 1 every one, all; "
        "more is faster and a little less sharp.",
        low=1,
        high=64,
        advanced=True,
    )

    # ---- learning

    def _learn_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> None:
        self.shapes_ = self._shapes(X, longest_window(starts, ends))
        begins = np.flatnonzero(ends - np.arange(len(X)) >= self.window_)
        if not len(begins):
            raise DataError(
                f"{self.title} compares windows of at least {self.window_} readings without a gap, and the longest "
                f"stretch here has {int((ends - starts).max())}; check the time column, or choose another detector"
            )
        rng = np.random.default_rng(self.random_state)
        most, everything = self.references, X.size <= MOST_CELLS
        if not everything:
            most = max(1, min(most, MOST_CELLS // (REACH * self.window_ * X.shape[1])))
        chosen = drawn(begins, most, rng)
        self.origins_ = np.arange(len(X))
        if not everything:
            near = chosen[:, None] + np.arange(-self.window_, (REACH - 1) * self.window_)
            self.origins_ = np.unique(np.clip(near, starts[chosen][:, None], ends[chosen][:, None] - 1))
        self.readings_ = X[self.origins_].astype(np.float32)
        self.begins_ = np.searchsorted(self.origins_, chosen)
        self._index()
        with one_blas_thread():
            self.usual_ = self._usual_distances(X, drawn(begins, MEASURED, rng), progress)

    def _usual_distances(self, X: Scores, begins: Ints, progress: Progress) -> Floats:
        """The median distance of some training windows in each shape and view (n_shapes, 3)."""
        usual = np.empty((len(self.shapes_), len(VIEWS)))
        for number, shape in enumerate(self.shapes_):
            progress(number / len(self.shapes_), f"Comparing windows of {shape.span} readings")
            around = np.unique(begins[:, None] + np.arange(self.window_))
            readings, here = X[around].astype(np.float32), np.searchsorted(around, begins)
            _, distances = self._search(readings, shape, here, self._known(readings)[here])
            finest = FINEST * np.sqrt(shape.span * X.shape[1])
            for view, far in enumerate(distances):
                known = far[np.isfinite(far)]
                usual[number, view] = max(finest, float(np.median(known))) if len(known) else finest
        return usual

    def _shapes(self, X: Scores, longest: int) -> list[Shape]:
        """The shapes of windows, the shortest first; none longer than ``longest`` readings."""
        lengths = [length for length in self.lengths if length] or self._from_rhythm(X)
        shorter = min(1.0, longest / max(lengths))
        found = {Shape.of(max(SHORTEST, int(shorter * length))) for length in lengths}
        return sorted(found, key=lambda shape: shape.span)

    def _from_rhythm(self, X: Scores) -> list[int]:
        from engine.data.windows import dominant_period

        periods = [period for period in map(dominant_period, X.T) if period]
        period = float(np.median(periods)) if periods else USUAL_PERIOD
        return [int(np.clip(share * period, SHORTEST, LONGEST)) for share in PERIODS]

    @property
    def window_(self) -> int:
        """Readings of the longest window."""
        return self.shapes_[-1].span

    def _index(self) -> None:
        """Make the reference windows, and the codes by which training windows are known again."""
        self._libraries: dict[Shape, Library] = {}
        self._distances: dict[Shape, list[Floats]] = {}  # of the references, worked out when first asked for
        for shape in self.shapes_:
            windows = shape.cut(shape.means(self.readings_), self.begins_)
            self._libraries[shape] = Library.of(all_seen(windows))
        length = self.shapes_[0].span
        known = codes(self.readings_, length)
        whole = self.origins_[length - 1 :] - self.origins_[: len(known)] == length - 1
        places = np.flatnonzero(whole)
        order = np.argsort(known[places], kind="stable")
        self._codes, self._places = known[places][order], self.origins_[places][order]

    # ---- scoring

    def _score_stretches(self, X: Scores, starts: Ints, ends: Ints, progress: Progress) -> Scores:
        def score(chunk: slice) -> Scores:
            first, last = chunk.start, chunk.stop
            low = max(int(starts[first]), first - self.window_)
            high = min(int(ends[last - 1]), last + self.window_)
            part = slice(low, high)
            bound = np.maximum(starts[part], low) - low, np.minimum(ends[part], high) - low
            return self._score_part(X[part].astype(np.float32), *bound)[first - low : last - low]

        scores = np.full(len(X), np.nan)
        chunks = evenly(len(X), CHUNK)
        with one_blas_thread():
            for chunk, found in zip(chunks, side_by_side(score, chunks), strict=True):
                scores[chunk] = found
                progress(chunk.stop / len(X), "Comparing with normal windows")
        scores[ends - starts < self.window_] = np.nan
        return scores

    def _score_part(self, readings: Singles, starts: Ints, ends: Ints) -> Scores:
        """Scores of readings (n_readings,) that lie in memory with those around them."""
        total = np.zeros(len(readings))
        for around in self._ratios(readings, starts, ends):
            total += np.log(around + CLOSEST).sum(axis=0)
        return np.exp(total / self.usual_.size)

    def _ratios(self, readings: Singles, starts: Ints, ends: Ints) -> Iterator[Floats]:
        """For each shape the distances around each reading, in usual ones, in each view (3, n_readings)."""
        own = self._known(readings)
        for shape, usual in zip(self.shapes_, self.usual_, strict=True):
            begins = np.flatnonzero(ends - np.arange(len(readings)) >= shape.span)
            ratios = np.ones((len(VIEWS), len(readings)))
            if len(begins):
                reach = self._reach(shape)
                asked = begins if reach == 1 else sampled(readings, ends, shape.span, reach)
                _, distances = self._search(readings, shape, asked, own[asked])
                last = np.searchsorted(asked, begins, side="right") - 1
                ratios[:, begins] = distances[:, last] / usual[:, None]
            yield smoothed(np.nan_to_num(ratios, nan=1.0), starts, ends, shape.span)

    def _reach(self, shape: Shape) -> int:
        """One of so many windows in a row is looked up: chosen by content, of the shortest one every ``stride``.

        Longer windows change more slowly, and are looked up as much more rarely. So few that a score depends on no
        reading as far away as the longest window.
        """
        stride = self.stride * shape.span // self.shapes_[0].span if self.stride > 1 else 1
        return max(1, min(2 * stride - 1, self.window_ // 8))

    def _known(self, readings: Singles) -> Ints:
        """Which training reading each of some readings is, told by those after it; -1 for a new one (n_readings,)."""
        own = np.full(len(readings), -1)
        wanted = codes(readings, self.shapes_[0].span)
        place = np.minimum(np.searchsorted(self._codes, wanted), len(self._codes) - 1)
        own[: len(wanted)] = np.where(self._codes[place] == wanted, self._places[place], -1)
        return own

    def _search(self, readings: Singles, shape: Shape, begins: Ints, own: Ints) -> tuple[Ints, Floats]:
        """The nearest reference of each window that begins at some readings, and its distance: (3, n_windows) each.

        ``own`` (n_windows,) says which training reading the window begins with: references that overlap with that
        training window are passed over. -1 and NaN where no other is left.
        """
        means, references = shape.means(readings), self.origins_[self.begins_]
        low = np.searchsorted(references, own - shape.span, side="right")
        high = np.where(own < 0, low, np.searchsorted(references, own + shape.span, side="left"))
        nearest = np.empty((len(VIEWS), len(begins)), dtype=np.int64)
        distances = np.empty((len(VIEWS), len(begins)))
        library = self._libraries[shape]
        room = library.room(BLOCK)
        for first in range(0, len(begins), BLOCK):
            block = slice(first, first + BLOCK)
            count = len(begins[block])
            windows = shape.cut(means, filled_up(begins[block]))
            passed = filled_up(low[block]), filled_up(high[block])
            found, far = library.nearest(all_seen(windows), *passed, room)
            nearest[:, block], distances[:, block] = found[:, :count], far[:, :count]
        return nearest, distances

    # ---- saying why

    def parts_at(self, X: Scores, rows: Ints, *, stretches: ArrayLike | None = None) -> Scores:
        """How much of the distances, in usual ones, lies in each channel; the mean over shapes and views."""
        parts = np.zeros((len(rows), X.shape[1]))
        for first in range(0, len(rows), BLOCK):
            parts[first : first + BLOCK] = self._block_of_parts(X, rows[first : first + BLOCK], stretches)
        return parts

    def _block_of_parts(self, X: Scores, rows: Ints, stretches: ArrayLike | None) -> Floats:
        parts = np.zeros((BLOCK, X.shape[1]))
        for shape, usual in zip(self.shapes_, self.usual_, strict=True):
            with one_blas_thread():
                _, windows, found, distances = self._around(X, filled_up(rows), shape, stretches)
            points = all_seen(windows)
            for number in range(len(VIEWS)):
                apart = points[number] - self._libraries[shape].points[number, found[number]]
                square = (apart * apart).reshape(BLOCK, shape.count, -1).sum(axis=1, dtype=np.float64)
                whole = np.maximum(square.sum(axis=1), np.finfo(np.float64).tiny)
                ratio = np.nan_to_num(distances[number]) / usual[number]
                parts += square * (ratio / whole)[:, None]
        return parts[: len(rows)] / self.usual_.size

    def most_alike(self, X: Scores, row: int, *, stretches: ArrayLike | None = None) -> Alike | None:
        """The most similar normal window, of the length and in the view that add most to the score of the reading.

        The window has the reading in its middle as far as the stretch allows. None where no normal window is left to
        compare with.
        """
        starts, ends = bounds(stretches, len(X))
        part = slice(int(max(starts[row], row - self.window_)), int(min(ends[row], row + self.window_)))
        readings, at = X[part], np.array([row - part.start])
        whole = np.zeros(len(readings), dtype=np.int64), np.full(len(readings), len(readings))
        with one_blas_thread():
            told = [ratios[:, at[0]] for ratios in self._ratios(readings.astype(np.float32), *whole)]
            number, view = np.unravel_index(int(np.argmax(told)), (len(told), len(VIEWS)))
            shape = self.shapes_[number]
            begins, windows, found, distances = self._around(readings, at, shape, None)
            others = self._distances_of(shape)[view]
        place = int(found[view, 0])
        if place < 0:
            return None
        first = int(self.begins_[place])
        return Alike.of(
            windows[0],
            self.readings_[first : first + shape.span],
            shape,
            VIEWS[view],
            begin=part.start + int(begins[0]),
            origin=int(self.origins_[first]),
            distance=float(distances[view, 0]),
            usual=float(self.usual_[number, view]),
            others=others,
        )

    def _distances_of(self, shape: Shape) -> list[Floats]:
        """The distances of the references themselves, or of some of many, to the nearest other one, for each view."""
        if shape not in self._distances:
            some = np.unique(np.linspace(0, len(self.begins_) - 1, COMPARED).astype(np.int64))
            begins = self.begins_[some]
            _, distances = self._search(self.readings_, shape, begins, self.origins_[begins])
            self._distances[shape] = [far[np.isfinite(far)] for far in distances]
        return self._distances[shape]

    def _around(
        self, X: Scores, rows: Ints, shape: Shape, stretches: ArrayLike | None
    ) -> tuple[Ints, Singles, Ints, Floats]:
        """The window of one shape around each of some readings: its begin, itself, and what :meth:`_search` finds."""
        starts, ends = bounds(stretches, len(X))
        begins = np.clip(rows - shape.span // 2, starts[rows], ends[rows] - shape.span)
        inside = np.unique(begins[:, None] + np.arange(shape.span))
        readings, here = X[inside].astype(np.float32), np.searchsorted(inside, begins)
        found, distances = self._search(readings, shape, here, self._known(readings)[here])
        return begins, shape.cut(shape.means(readings), here), found, distances

    # ---- storage

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The training readings kept, where they come from, which begin a reference; shapes and usual distances."""
        begin = np.zeros(len(self.readings_), dtype=bool)
        begin[self.begins_] = True
        return {
            "readings": self.readings_,
            "origins": self.origins_,
            "begin": begin,
            "shapes": np.array([(shape.step, shape.count) for shape in self.shapes_]),
            "usual": self.usual_,
        }

    def restore(self, arrays: dict[str, NDArray[Any]], *, n_features: int) -> Self:
        """Take the readings back, after a check that every reference lies among them, and index the references."""
        if not hold_together(arrays, n_features):
            raise StoreError("the stored Nearest Windows model is damaged: its readings do not hold together")
        self.readings_, self.origins_ = arrays["readings"], arrays["origins"]
        self.begins_, self.usual_ = np.flatnonzero(arrays["begin"]), arrays["usual"]
        self.shapes_ = [Shape(int(step), int(count)) for step, count in arrays["shapes"]]
        self.n_features_in_ = n_features
        self._index()
        return self
