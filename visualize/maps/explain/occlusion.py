"""Explanation by taking parts of the picture away. Source: Zeiler and Fergus, 2013, arXiv 1311.2901, section 4.2."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from cvt.architecture.geometry import Grid
from cvt.config import Size

from ...container import frozen
from .case import Case
from .explanation import Explanation
from .squares import squares


def occlusion(case: Case, window: Size | None = None, stride: Size | None = None) -> Explanation:
    """What the class's score loses when a window of the picture is blurred away; negative where it gains.

    Args:
        window, stride: (vertical, horizontal) in pixels; by default windows of 2×2 squares that overlap by one.
    Raises:
        ValueError: a window larger than the picture, or one of no size.
    """
    size = case.size
    stride = stride or squares(size).stride
    window = window or (min(size[0], 2 * stride[0]), min(size[1], 2 * stride[1]))
    if not all(1 <= part <= whole and step >= 1 for part, whole, step in zip(window, size, stride, strict=True)):
        raise ValueError(f"A window of {window} pixels with stride {stride} does not fit a picture of {size}.")
    shape = ((size[0] - window[0]) // stride[0] + 1, (size[1] - window[1]) // stride[1] + 1)
    grid = Grid(shape, (window[0] / 2, window[1] / 2), stride, window)
    losses = losses_without(case, torch.stack(list(_windows(grid, size))))
    return Explanation("occlusion", frozen(losses.reshape(shape)), grid, True, target=case.target)


def _windows(grid: Grid, size: Size) -> Iterator[Tensor]:
    """Masks (height, width) of the windows, row-major."""
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            top, left, bottom, right = map(round, grid.receptive_field(row, column))
            mask = torch.zeros(size, dtype=torch.bool)
            mask[top:bottom, left:right] = True
            yield mask


def losses_without(case: Case, masks: Tensor) -> Tensor:
    """(N,): what the class's score loses without the pixels in each mask (N, height, width)."""
    kept = case.logits(case.pixel_values)[0, case.target]
    return kept - without(case, masks)[:, case.target]


def without(case: Case, masks: Tensor) -> Tensor:
    """(N, classes): the logits without the pixels in each mask, (N, height, width)."""
    found = []
    for batch in masks.to(case.pixel_values.device).split(case.batch):
        found.append(case.logits(torch.where(batch[:, None], case.absent, case.pixel_values)))
    return torch.cat(found)
