"""Pillow's resizing on a GPU, bit for bit.

Pillow resizes 8-bit pictures in two passes, along rows and then along columns. Each multiplies a few neighbouring values by whole
numbers, of 22 bits after the point, adds them up in 32 bits, and rounds to 8. Whole numbers give the same sums in any order, so that a
GPU's results are equal. Source: Pillow's documentation of ``Image.resize``, and measurements of its results.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

BITS = 22  # of the factors after the point
AT_ONCE = 1 << 26  # products at a time: 256 MB
BAND = 1 << 19  # pixels of a picture that are read at a time
NARROW = 100  # times as high as wide: Pillow then begins with the columns
Box = tuple[float, float, float, float]  # left, top, right, bottom


def _triangle(distance: np.ndarray) -> np.ndarray:
    return np.maximum(1 - distance, 0)


def _cubic(distance: np.ndarray) -> np.ndarray:
    """Keys' cubic convolution with a = -1/2. Source: https://en.wikipedia.org/wiki/Bicubic_interpolation."""
    near = ((1.5 * distance - 2.5) * distance) * distance + 1
    far = (((distance - 5) * distance + 8) * distance - 4) * -0.5
    return np.where(distance < 1, near, np.where(distance < 2, far, 0))


FILTERS: dict[int, tuple[float, Callable[[np.ndarray], np.ndarray]]] = {  # by Pillow's number: the support, and the filter
    Image.Resampling.BILINEAR: (1.0, _triangle),
    Image.Resampling.BICUBIC: (2.0, _cubic),
}


class PictureOnGpu:
    """A picture that is resized on ``device``, with Pillow's results, where these are known to be equal; else by Pillow."""

    def __init__(self, image: Image.Image, device: torch.device):
        self.image, self._device = image, device

    def can_resize(self, size: tuple[int, int], resample: int, box: Box | None = None) -> bool:
        """Whether the GPU is known to give Pillow's result, and faster. Of the same size, it is mostly a copy."""
        width, height = self.image.size
        left, top, right, bottom = box or (0, 0, width, height)
        within = 0 <= left < right <= width and 0 <= top < bottom <= height and min(size) > 0
        known = within and self.image.mode in ("RGB", "L") and resample in FILTERS and height <= NARROW * width
        return known and size != (right - left, bottom - top)

    def resize(self, size: tuple[int, int], resample: int = Image.Resampling.BICUBIC, box: Box | None = None) -> Image.Image:
        """As ``Image.resize``."""
        if not self.can_resize(size, resample, box):
            return self.image.resize(size, resample, box)
        return Image.fromarray(self.resize_on_gpu(size, resample, box).cpu().numpy())

    def resize_on_gpu(self, size: tuple[int, int], resample: int, box: Box | None = None) -> Tensor:
        """The same as uint8 (H, W, 3) or (H, W) on the GPU, which this does not wait for; only if it ``can_resize`` so."""
        return resized(self._values, size, resample, box or (0, 0, *self.image.size))

    def upload(self, array: np.ndarray) -> Tensor:
        """An array on the GPU. PyTorch has copied it on return, and waits for what the GPU was to do before."""
        return torch.from_numpy(array).to(self._device, non_blocking=True)

    @cached_property
    def _values(self) -> Tensor:
        return self.upload(_array(self.image))


def _array(picture: Image.Image) -> np.ndarray:
    """``np.array(picture)``, in bands: of a large photograph at once, Pillow takes four times as long."""
    width, height = picture.size
    if width * height <= BAND:
        return np.array(picture)
    values = np.empty((height, width) if picture.mode == "L" else (height, width, 3), np.uint8)
    rows = max(1, BAND // width)
    for top in range(0, height, rows):
        values[top : top + rows] = np.asarray(picture.crop((0, top, width, min(top + rows, height))))
    return values


def resized(values: Tensor, size: tuple[int, int], resample: int, box: Box) -> Tensor:
    """The part in ``box`` of a picture, uint8 (H, W) or (H, W, C), as uint8 of ``size`` (width, height)."""
    height, width = values.shape[:2]
    left, top, right, bottom = box
    rows = _along(values.view(height, width, -1).permute(2, 0, 1), *_factors(width, left, right, size[0], resample, values.device))
    columns = _along(rows.mT, *_factors(height, top, bottom, size[1], resample, values.device)).mT  # (C, height, width)
    return columns.permute(1, 2, 0).reshape(size[1], size[0], *values.shape[2:])


def _along(values: Tensor, places: Tensor, factors: Tensor) -> Tensor:
    """uint8 (C, N, inputs) → uint8 (C, N, outputs)."""
    step = max(1, AT_ONCE // (places.numel() * len(values)))
    return torch.cat([_rounded((part[:, :, places] * factors).sum(-1, dtype=torch.int32)) for part in values.split(step, dim=1)], dim=1)


def _rounded(sums: Tensor) -> Tensor:
    return ((sums + (1 << (BITS - 1))) >> BITS).clamp_(0, 255).to(torch.uint8)


@lru_cache(maxsize=16)
def _factors(inputs: int, start: float, end: float, outputs: int, resample: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """(outputs, factors): the inputs that make each output, int64, and the whole numbers that they are multiplied by, int32."""
    support, weight = FILTERS[resample]
    low, high = np.float32(start), np.float32(end)  # as Pillow has them
    scale = float(high - low) / outputs
    wide = max(scale, 1.0)
    centres = float(low) + (np.arange(outputs) + 0.5) * scale
    first = np.maximum((centres - support * wide + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + support * wide + 0.5).astype(np.int64), inputs)
    places = first[:, None] + np.arange((last - first).max())
    found = np.where(places < last[:, None], weight(np.abs((places - centres[:, None] + 0.5) * (1 / wide))), 0.0)
    found /= found.sum(axis=1, keepdims=True)
    factors = np.trunc(found * (1 << BITS) + np.where(found < 0, -0.5, 0.5)).astype(np.int32)
    return torch.from_numpy(np.minimum(places, inputs - 1)).to(device), torch.from_numpy(factors).to(device)
