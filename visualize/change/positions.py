"""Changes of where things are in a picture, and how well a stage's features agree once a change is undone.

Each change is a frozen value with three methods: ``apply`` makes the changed picture, ``moved`` says where a point of the
original lies in it, and ``scaled`` is the same change of the picture at several times its size. They are applied in order.

**Which shifts keep the grids aligned.** A shift by a multiple of a stage's stride on the input, the product of the conv
embeddings' strides so far, moves its tokens by whole cells. That is not enough: keys and values come from every kv-stride-th
token, so a shift must also move the keys of this stage, and of all stages before, by whole cells. The smallest such shift is the
least common multiple of (stride on the input · kv stride) over the stages: 8, 16 and 32 pixels for the three stages of a CvT-13,
4, 8 and 16 for the embedded model. It exists only if every grid closes on itself, that is, if its cells times its stride are
exactly the side of what it was made from. Then, and with circular padding, the features of a shifted picture are the shifted features.

**When undoing a change is exact.** Cell centres are at the offset and stride that ``cvt.architecture.geometry`` gives. After an
aligned shift, and a shuffle of patches that are multiples of the stride, every token has one that stands where it stood. A CvT's
grids are not centred on the picture, so after a flip or a turn the matching place lies between cells: there, and after any other
shift, change of size or angle, features are interpolated between the four nearest (bilinear). Cells whose place lies
beyond the outermost cells are left out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol

import numpy as np
from PIL import Image

from cvt.architecture.geometry import Grid
from cvt.config import CvtConfig
from cvt.fields import Size

HORIZONTAL, VERTICAL = "horizontal", "vertical"
MOST_SIDE = 1024  # pixels of a changed picture's side


class Change(Protocol):
    """A change of a picture (H, W, 3) uint8."""

    def apply(self, picture: np.ndarray) -> np.ndarray:
        """The changed picture. Raises ValueError where it cannot be changed so."""
        ...

    def moved(self, points: np.ndarray, size: Size) -> np.ndarray:
        """Where points (N, 2) of (y, x) in pixels of a picture of (height, width) then are; NaN for those no longer in it."""
        ...

    def scaled(self, factor: int) -> Change:
        """The same change of the picture at ``factor`` times its size."""
        ...


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Moves the picture by whole pixels; what leaves at one side enters at the other."""

    down: int = 0
    right: int = 0

    def apply(self, picture: np.ndarray) -> np.ndarray:
        return np.roll(picture, (self.down, self.right), axis=(0, 1))

    def moved(self, points: np.ndarray, size: Size) -> np.ndarray:
        return (points + np.array((self.down, self.right))) % size

    def scaled(self, factor: int) -> Shift:
        return Shift(down=self.down * factor, right=self.right * factor)


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Mirrors the picture: "horizontal" swaps left and right, "vertical" swaps top and bottom."""

    axis: str = HORIZONTAL

    def __post_init__(self) -> None:
        if self.axis not in (HORIZONTAL, VERTICAL):
            raise ValueError(f"The axis is {self.axis!r}: choose {HORIZONTAL!r} or {VERTICAL!r}.")

    def apply(self, picture: np.ndarray) -> np.ndarray:
        return picture[:, ::-1] if self.axis == HORIZONTAL else picture[::-1]

    def moved(self, points: np.ndarray, size: Size) -> np.ndarray:
        y, x = points.T
        return np.stack((y, size[1] - x) if self.axis == HORIZONTAL else (size[0] - y, x), axis=1)

    def scaled(self, factor: int) -> Flip:
        return self


@dataclass(frozen=True, kw_only=True)
class Turn:
    """Turns the picture counter-clockwise about its centre.

    Quarter turns keep every pixel. At other angles pixels are interpolated (bicubic), the frame stays, its corners get the
    picture's mean colour, and what leaves the frame is lost.
    """

    degrees: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.degrees):
            raise ValueError(f"An angle cannot be {self.degrees!r}.")

    @property
    def quarters(self) -> int | None:
        """The number of quarter turns, 0 to 3; None for other angles."""
        return int(self.degrees // 90) % 4 if self.degrees % 90 == 0 else None

    def apply(self, picture: np.ndarray) -> np.ndarray:
        if self.quarters is not None:
            return np.rot90(picture, self.quarters)
        mean = tuple(round(float(value)) for value in picture.mean(axis=(0, 1)))
        return np.asarray(Image.fromarray(picture).rotate(self.degrees, Image.Resampling.BICUBIC, fillcolor=mean))

    def moved(self, points: np.ndarray, size: Size) -> np.ndarray:
        angle = math.radians(self.degrees)
        turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])  # y points down
        if self.quarters is not None:
            turn = np.round(turn)
        after = np.array(size[::-1] if self.quarters in (1, 3) else size)
        found = (points - np.array(size) / 2) @ turn.T + after / 2
        return np.where(((found >= 0) & (found <= after)).all(axis=1, keepdims=True), found, np.nan)

    def scaled(self, factor: int) -> Turn:
        return self


@dataclass(frozen=True, kw_only=True)
class Shuffle:
    """Cuts the picture into square patches and puts them in another order, which the seed decides."""

    patch: int
    seed: int = 0

    def apply(self, picture: np.ndarray) -> np.ndarray:
        rows, columns = self._patches(picture.shape[:2])
        cut = picture.reshape(rows, self.patch, columns, self.patch, 3).swapaxes(1, 2)  # (rows, columns, patch, patch, 3)
        shuffled = cut.reshape(rows * columns, *cut.shape[2:])[self._order(rows * columns)].reshape(cut.shape)
        return shuffled.swapaxes(1, 2).reshape(picture.shape)

    def moved(self, points: np.ndarray, size: Size) -> np.ndarray:
        rows, columns = self._patches(size)
        cells = np.clip((points // self.patch).astype(int), 0, (rows - 1, columns - 1))
        slots = np.argsort(self._order(rows * columns))[cells[:, 0] * columns + cells[:, 1]]
        return points + (np.stack((slots // columns, slots % columns), axis=1) - cells) * self.patch

    def scaled(self, factor: int) -> Shuffle:
        return Shuffle(patch=self.patch * factor, seed=self.seed)

    def _patches(self, size: Size) -> Size:
        height, width = size
        if self.patch < 1 or height % self.patch or width % self.patch:
            raise ValueError(f"A picture of {height}×{width} pixels cannot be cut into patches of {self.patch}: choose a divisor of both.")
        return height // self.patch, width // self.patch

    def _order(self, count: int) -> np.ndarray:
        """The patch that comes to each slot."""
        return np.random.default_rng(self.seed).permutation(count)


@dataclass(frozen=True, kw_only=True)
class Resize:
    """Changes the resolution, and the aspect ratio if the sides change by different factors (bicubic)."""

    height: int
    width: int

    def __post_init__(self) -> None:
        if not (1 <= self.height <= MOST_SIDE and 1 <= self.width <= MOST_SIDE):
            raise ValueError(f"A picture cannot have {self.height}×{self.width} pixels here: choose sides from 1 to {MOST_SIDE}.")

    def apply(self, picture: np.ndarray) -> np.ndarray:
        return np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize((self.width, self.height), Image.Resampling.BICUBIC))

    def moved(self, points: np.ndarray, size: Size) -> np.ndarray:
        return points * (self.height / size[0], self.width / size[1])

    def scaled(self, factor: int) -> Resize:
        return Resize(height=self.height * factor, width=self.width * factor)


def changed(picture: np.ndarray, changes: Sequence[Change]) -> np.ndarray:
    """``picture`` uint8 (H, W, 3) after the changes, one after the other. Raises ValueError."""
    return np.ascontiguousarray(reduce(lambda seen, change: change.apply(seen), changes, picture))


def moved(points: np.ndarray, size: Size, changes: Sequence[Change]) -> np.ndarray:
    """Where points (N, 2) of (y, x) in a picture of (height, width) are after the changes; NaN for those no longer in it."""
    for change in changes:
        points = change.moved(points, size)
        size = _size_after(size, change)
    return points


def _size_after(size: Size, change: Change) -> Size:
    if isinstance(change, Resize):
        return change.height, change.width
    return size[::-1] if isinstance(change, Turn) and change.quarters in (1, 3) else size


def aligned_steps(config: CvtConfig, height: int, width: int) -> list[Size | None]:
    """For every stage the smallest shift (down, right) in pixels that moves all its grids, and those before, by whole cells.

    None from the first stage on whose grids do not close on themselves for an input of (height, width). See this module's docstring.
    Raises:
        ValueError: the input is too small for a stage.
    """
    found: list[Size | None] = []
    size, stride, step = (height, width), (1, 1), (1, 1)
    for stage, (query, key) in zip(config.stages, config.grids(height, width), strict=True):
        kv = 1 if stage.qkv_projection_method == "linear" else stage.stride_kv
        closed = all(query[axis] * stage.patch_stride[axis] == size[axis] and key[axis] * kv == query[axis] for axis in (0, 1))
        stride = (stride[0] * stage.patch_stride[0], stride[1] * stage.patch_stride[1])
        step = (math.lcm(step[0], stride[0] * kv), math.lcm(step[1], stride[1] * kv))
        found.append(step if closed and None not in found else None)
        size = query
    return found


@dataclass(frozen=True)
class Agreement:
    """How well one stage's features agree with those of the unchanged picture, after undoing the change.

    ``cosines`` float64 (H, W): of each token of the unchanged picture with its features after the change; NaN for those left out.
    ``exact``: whether every token was compared with one token, rather than with an interpolation between several.
    """

    cosines: np.ndarray
    exact: bool

    @property
    def compared(self) -> float:
        """The share of tokens that are compared."""
        return float(np.isfinite(self.cosines).mean())


def agreement(before: np.ndarray, after: np.ndarray, grids: tuple[Grid, Grid], size: Size, changes: Sequence[Change]) -> Agreement:
    """Compares one stage's features (C, H, W) before the changes with those (C, H', W') after them.

    Args:
        grids: the stage's query grids for the input before and after. size: (height, width) of the input before, in pixels.
    """
    undone, exact = undo(after, grids, size, changes)
    lengths = np.linalg.norm(before, axis=0, keepdims=True).astype(np.float64) * np.linalg.norm(undone, axis=0, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosines = (before.astype(np.float64) * undone).sum(axis=0) / lengths[0]
    return Agreement(cosines, exact)


def undo(after: np.ndarray, grids: tuple[Grid, Grid], size: Size, changes: Sequence[Change]) -> tuple[np.ndarray, bool]:
    """Features (C, H', W') after the changes, put back where they came from: (C, H, W), NaN where they are no longer in the picture.

    Also whether this is exact: every token has its own, without interpolation. Arguments as for ``agreement``.
    """
    of_before, of_after = grids
    cells = np.indices(of_before.shape).reshape(2, -1).T  # (N, 2) of (row, column)
    centres = of_before.first + cells * np.array(of_before.stride)
    places = (moved(centres, size, changes) - of_after.first) / of_after.stride  # in cells of the grid after
    whole = np.abs(places - np.round(places)) < 1e-6
    # a cell beyond one side is the same as one at the other, if it is a whole cell and the shift went around
    around = whole & (len(changes) > 0 and all(isinstance(change, Shift) for change in changes))
    places = np.where(whole, np.round(places), places)
    places = np.where(around, places % of_after.shape, places)
    inside = ((places >= 0) & (places <= np.array(of_after.shape) - 1)).all(axis=1)  # False for NaN
    found = np.full((len(after), len(places)), np.nan)
    found[:, inside] = _between(after, places[inside])
    return found.reshape(len(after), *of_before.shape), bool(whole[inside].all())


def _between(features: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Features (C, H, W) at places (N, 2) of (row, column), bilinear: (C, N)."""
    low = np.floor(places).astype(int)
    share = places - low
    high = np.minimum(low + 1, np.array(features.shape[1:]) - 1)
    (y, x), (y1, x1), (v, u) = low.T, high.T, share.T
    upper = features[:, y, x] * (1 - u) + features[:, y, x1] * u
    lower = features[:, y1, x] * (1 - u) + features[:, y1, x1] * u
    return upper * (1 - v) + lower * v
