"""What every method returns: a map on its true grid, and what it is of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cvt.architecture.geometry import Grid


@dataclass(frozen=True)
class Explanation:
    """One method's map of a picture.

    Attributes:
        method: its name in ``METHODS``.
        values: float32 (rows, columns), one per cell of ``grid``; larger is more important. Their unit differs between methods,
            so that only their order can be compared.
        grid: the cells in input pixels; ``geometry.pixels`` where the map is of pixels.
        signed: whether negative values mean "against"; otherwise no value is negative.
        target: the index of the class that is explained; None if the method does not depend on a class.
        stage: the stage whose attention or features are explained, from 0; None if it is all of the model.
        rest: the part that has no place, such as what stays with the cls token, in the unit of ``values``.
    """

    method: str
    values: np.ndarray
    grid: Grid
    signed: bool
    target: int | None = None
    stage: int | None = None
    rest: float = 0.0

    @property
    def flat(self) -> bool:
        """Whether all places are alike, so that the map says nothing. Differences within float32's rounding do not count."""
        return bool(np.ptp(self.values) <= 1e-6 * np.abs(self.values).max())

    def painted(self, height: int, width: int) -> np.ndarray:
        """(height, width): every pixel has the value of the cell in which it lies. A cell is one stride wide around its centre;
        cells at the border reach the border. Nothing is interpolated."""
        sides = zip(self.values.shape, self.grid.first, self.grid.stride, (height, width), strict=True)
        rows, columns = (cell_of(np.arange(side), count, first, stride) for count, first, stride, side in sides)
        return self.values[rows[:, None], columns]


def cell_of(pixel: np.ndarray, count: int, first: float, stride: int) -> np.ndarray:
    """The index along one axis of the cell in which each pixel lies."""
    return np.clip((pixel + 0.5 - (first - stride / 2)) // stride, 0, count - 1).astype(np.int64)
