"""The squares into which a picture is cut to compare maps of different grids, and random maps on them.

Methods are compared square by square: one that scatters its pixels would otherwise gain from the noise that it makes when they are
taken away, which disturbs a model more than any hole.
"""

from __future__ import annotations

import numpy as np

from cvt.architecture.geometry import Grid
from cvt.config import Size

from .explanation import Explanation, cell_of

PER_SIDE = 6  # squares on each side of a picture: 36 passes take each away once
RANDOM = "random"


def squares(size: Size) -> Grid:
    """The grid of squares of a picture of (height, width) pixels; those in the last row and column may reach beyond it."""
    side = -(-size[0] // PER_SIDE), -(-size[1] // PER_SIDE)
    shape = -(-size[0] // side[0]), -(-size[1] // side[1])
    return Grid(shape, (side[0] / 2, side[1] / 2), side, side)


def square_of_pixels(size: Size) -> np.ndarray:
    """(height, width) integers: the square in which each pixel lies, row-major."""
    grid = squares(size)
    rows, columns = (cell_of(np.arange(size[axis]), grid.shape[axis], grid.first[axis], grid.stride[axis]) for axis in (0, 1))
    return rows[:, None] * grid.shape[1] + columns


def per_square(explanation: Explanation, size: Size) -> np.ndarray:
    """(squares,) float64: the mean of a map over the pixels of each square."""
    index = square_of_pixels(size).ravel()
    return np.bincount(index, explanation.painted(*size).ravel()) / np.bincount(index)


def random_map(size: Size, seed: int = 0) -> Explanation:
    """Random values on the squares: what a method must beat."""
    grid = squares(size)
    return Explanation(RANDOM, np.random.default_rng(seed).random(grid.shape, dtype=np.float32), grid, False)
