"""The positions of tokens and keys on the model's input.

A convolution with kernel k, stride s and padding p puts output i over inputs i·s − p … i·s − p + k − 1. Composing this
through the conv embeddings gives each token's centre and receptive field in pixels, and through the convolutional
projection those of each key. Attention then mixes all tokens; the receptive field is that of a token's initial vector.

Coordinates: pixel j of the input spans j … j + 1, so that its centre is j + 0.5 and the picture spans 0 … side.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..config import CvtConfig, Size


@dataclass(frozen=True)
class Grid:
    """A grid of cells on the input. Pairs are (vertical, horizontal), in pixels."""

    shape: Size
    first: tuple[float, float]  # centre of cell (0, 0)
    stride: Size  # distance between neighbouring centres
    field: Size  # size of a cell's receptive field

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """(y, x) of a cell's centre."""
        return self.first[0] + row * self.stride[0], self.first[1] + column * self.stride[1]

    def cell(self, row: int, column: int) -> tuple[float, float, float, float]:
        """top, left, bottom, right of the cell as drawn: one stride wide, around its centre; may extend beyond the picture."""
        return self._box(row, column, self.stride)

    def receptive_field(self, row: int, column: int) -> tuple[float, float, float, float]:
        """top, left, bottom, right of the pixels that reach the cell through convolutions; may extend beyond the picture."""
        return self._box(row, column, self.field)

    def convolved(self, shape: Size, kernel: Size, stride: Size, padding: Size) -> Grid:
        """The grid, of ``shape``, after a convolution of this one."""
        first, steps, field = zip(
            *(
                (
                    self.first[axis] + ((kernel[axis] - 1) / 2 - padding[axis]) * self.stride[axis],
                    self.stride[axis] * stride[axis],
                    self.field[axis] + (kernel[axis] - 1) * self.stride[axis],
                )
                for axis in (0, 1)
            ),
            strict=True,
        )
        return Grid(shape, first, steps, field)

    def _box(self, row: int, column: int, size: Size) -> tuple[float, float, float, float]:
        y, x = self.centre(row, column)
        return y - size[0] / 2, x - size[1] / 2, y + size[0] / 2, x + size[1] / 2


def pixels(height: int, width: int) -> Grid:
    """The grid of the input's own pixels."""
    return Grid((height, width), (0.5, 0.5), (1, 1), (1, 1))


def stage_grids(config: CvtConfig, height: int, width: int) -> list[tuple[Grid, Grid]]:
    """(query grid, key grid) of every stage for an input of (height, width) pixels.

    Raises:
        ValueError: the input is too small for a stage.
    """
    grids = []
    current = pixels(height, width)
    for stage, (query_shape, key_shape) in zip(config.stages, config.grids(height, width), strict=True):
        current = current.convolved(query_shape, stage.patch_size, stage.patch_stride, stage.patch_padding)
        keys = current
        if stage.qkv_projection_method != "linear":
            kernel, stride, padding = (2 * (each,) for each in (stage.kernel_qkv, stage.stride_kv, stage.padding_kv))
            keys = current.convolved(key_shape, kernel, stride, padding)
        grids.append((current, keys))
    return grids
