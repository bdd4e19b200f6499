"""Augmentation of whole batches, on the device they are on.

Pictures come as uint8 (B, 3, S, S) and leave as floats in 0..1, (B, 3, size, size). All random numbers come from one
``Draws``, so that a resumed run sees the same pictures, and so do processes that share a batch.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

# ITU-R BT.601 luma, which Pillow uses for "L"
LUMA = (0.299, 0.587, 0.114)
# Separates the seed for batch-wide decisions from that for single pictures; the CPU's generator uses 32 bits.
_CHOICES = 0x9E3779B9


class Draws:
    """The random numbers of one step; they follow from its seed alone.

    Per-picture numbers are drawn for the whole batch on the device, and this process's kept, so that processes that share a batch
    augment each picture as one process would. Batch-wide decisions are drawn on the CPU, so that nothing waits for a GPU.

    Args:
        count: pictures in the whole batch. own: indices of this process's, (B,); None for all.
    """

    def __init__(self, seed: int, count: int, device: torch.device | str = "cpu", own: Tensor | None = None):
        self.device, self.count, self.own = torch.device(device), count, own
        self._numbers = Generator(self.device).manual_seed(seed)
        self._choices = Generator().manual_seed(seed + _CHOICES)

    def each(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """(B,) floats, uniform in low..high, one per picture."""
        numbers = torch.rand(self.count, generator=self._numbers, device=self.device) * (high - low) + low
        return numbers if self.own is None else numbers[self.own]

    def one(self, low: float = 0.0, high: float = 1.0) -> float:
        """A float, uniform in low..high, for the whole batch."""
        return torch.rand((), generator=self._choices).item() * (high - low) + low

    def beta(self, alpha: float) -> float:
        """One draw from Beta(alpha, alpha), by Jöhnk's method: PyTorch's own takes no generator."""
        while True:
            a, b = self.one() ** (1 / alpha), self.one() ** (1 / alpha)
            if 0 < a + b <= 1:
                return a / (a + b)


def per_picture(values: Tensor) -> Tensor:
    """(B,) → (B, 1, 1, 1), to multiply pictures with."""
    return values[:, None, None, None]


@lru_cache(maxsize=64)
def constant(values: tuple, device: torch.device) -> Tensor:
    """A float tensor, made once per device: copying it each time would synchronise with the GPU."""
    return torch.tensor(values, dtype=torch.float32, device=device)


def luma(x: Tensor) -> Tensor:
    """(B, 3, H, W) → (B, 1, H, W), the weighted sum of red, green and blue."""
    return (x * constant(LUMA, x.device)[:, None, None]).sum(1, keepdim=True)


def random_resized_crop(pictures: Tensor, size: int, area: tuple[float, float], draws: Draws, warp: Tensor | None = None) -> Tensor:
    """A random part of each picture, ``area`` of it (aspect 3:4 to 4:3), maybe mirrored, resampled to size × size.

    Args:
        pictures: uint8 (B, 3, S, S).
        warp: (B, 2, 3) affine map of each result's coordinates, -1..1, taken before the crop: rotation, shear, shift.
    Returns:
        (B, 3, size, size) in 0..1.
    Source: arXiv 1409.4842, section 6.
    """
    count = pictures.shape[0]
    share = draws.each(*area).sqrt()
    aspect = torch.exp(draws.each(-math.log(4 / 3), math.log(4 / 3)) / 2)
    width, height = (share * aspect).clamp(max=1), (share / aspect).clamp(max=1)
    left = draws.each() * 2 * (1 - width) - (1 - width)  # centre, in -1..1
    top = draws.each() * 2 * (1 - height) - (1 - height)
    mirror = (draws.each() < 0.5) * -2.0 + 1.0
    theta = torch.zeros(count, 2, 3, device=pictures.device)
    theta[:, 0, 0], theta[:, 0, 2] = width * mirror, left
    theta[:, 1, 1], theta[:, 1, 2] = height, top
    if warp is not None:
        theta[:, :, 2] += (theta[:, :, :2] @ warp[:, :, 2:])[:, :, 0]
        theta[:, :, :2] = theta[:, :, :2] @ warp[:, :, :2]
    x = pictures.float() / 255
    if pictures.shape[-1] > size:  # shrink first, or sampling would skip pixels
        smaller = max(size, round(size / area[0] ** 0.5))
        if smaller < pictures.shape[-1]:
            x = F.interpolate(x, size=(smaller, smaller), mode="bilinear", antialias=True)
    grid = F.affine_grid(theta, [count, 3, size, size], align_corners=False)
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(0, 1)


def color_jitter(x: Tensor, strength: float, draws: Draws) -> Tensor:
    """Multiplies each picture's brightness, contrast and saturation by factors in 1 ± ``strength``; (B, 3, H, W) in 0..1."""

    def factor() -> Tensor:
        return per_picture(draws.each(1 - strength, 1 + strength))

    x = x * factor()
    mean = luma(x).mean((2, 3), keepdim=True)
    x = mean + (x - mean) * factor()
    grey = luma(x)
    return (grey + (x - grey) * factor()).clamp(0, 1)


def blur_or_sharpen(x: Tensor, chance: float, draws: Draws) -> Tensor:
    """Blurs or sharpens a share ``chance`` of the pictures (3×3); (B, 3, H, W) in 0..1.

    Thumbnails are softer than freshly reduced photographs; a model that only saw one kind is unsure about the other.
    """
    amount = draws.each(-1.0, 1.0) * (draws.each() < chance)
    return (x + per_picture(amount) * (softened(x) - x)).clamp(0, 1)


def softened(x: Tensor) -> Tensor:
    """(B, 3, H, W), blurred with a 1-2-1 kernel in both directions."""
    line = constant((1.0, 2.0, 1.0), x.device)
    kernel = (line[:, None] * line / 16).expand(3, 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, groups=3)


def mix(x: Tensor, targets: Tensor, chance: float, draws: Draws) -> tuple[Tensor, Tensor]:
    """With probability ``chance``, mixes a batch with its reverse by mixup (Beta(0.8, 0.8)) or cutmix (Beta(1, 1)).

    Pictures (B, 3, H, W) and targets (B, classes) are mixed in the same way. Sources: arXiv 1710.09412 and 1905.04899.
    """
    if draws.one() >= chance:
        return x, targets
    if draws.one() < 0.5:
        share = draws.beta(0.8)
        x = share * x + (1 - share) * x.flip(0)
    else:
        height, width = x.shape[2:]
        cut = (1 - draws.beta(1.0)) ** 0.5
        rows, cols = int(height * cut), int(width * cut)
        top, left = int(draws.one() * (height - rows + 1)), int(draws.one() * (width - cols + 1))
        x = x.clone()
        x[:, :, top : top + rows, left : left + cols] = x.flip(0)[:, :, top : top + rows, left : left + cols]
        share = 1 - rows * cols / (height * width)
    return x, share * targets + (1 - share) * targets.flip(0)
