"""Augmentation of whole batches, on the device they are on.

Pictures come as uint8 (B, 3, S, S) and leave as floats in 0..1, (B, 3, size, size); randomness comes from one generator, so
that a resumed run sees the same pictures.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

# ITU-R BT.601 luma, which Pillow uses for "L"
LUMA = (0.299, 0.587, 0.114)


def uniform(count: int, low: float, high: float, generator: Generator) -> Tensor:
    """(count,) floats drawn evenly from low..high, on the generator's device."""
    return torch.rand(count, generator=generator, device=generator.device) * (high - low) + low


def random_resized_crop(pictures: Tensor, size: int, area: tuple[float, float], generator: Generator) -> Tensor:
    """A random part of each picture, ``area`` of it (aspect 3:4 to 4:3), maybe mirrored, resampled to size × size.

    uint8 (B, 3, S, S) → float (B, 3, size, size) in 0..1. Source: arXiv 1409.4842, section 6.
    """
    count = pictures.shape[0]
    share = uniform(count, *area, generator).sqrt()
    aspect = torch.exp(uniform(count, -math.log(4 / 3), math.log(4 / 3), generator) / 2)
    width, height = (share * aspect).clamp(max=1), (share / aspect).clamp(max=1)
    left = uniform(count, 0, 1, generator) * 2 * (1 - width) - (1 - width)  # centre, in -1..1
    top = uniform(count, 0, 1, generator) * 2 * (1 - height) - (1 - height)
    mirror = (uniform(count, 0, 1, generator) < 0.5) * -2.0 + 1.0
    theta = torch.zeros(count, 2, 3, device=pictures.device)
    theta[:, 0, 0], theta[:, 0, 2] = width * mirror, left
    theta[:, 1, 1], theta[:, 1, 2] = height, top
    x = pictures.float() / 255
    if pictures.shape[-1] > size:  # shrink first, or sampling would skip pixels
        smaller = max(size, round(pictures.shape[-1] * size / (pictures.shape[-1] * area[0] ** 0.5)))
        if smaller < pictures.shape[-1]:
            x = F.interpolate(x, size=(smaller, smaller), mode="bilinear", antialias=True)
    grid = F.affine_grid(theta, (count, 3, size, size), align_corners=False)
    return F.grid_sample(x, grid, mode="bicubic", padding_mode="reflection", align_corners=False).clamp(0, 1)


def color_jitter(x: Tensor, strength: float, generator: Generator) -> Tensor:
    """Brightness, contrast and saturation of each picture times a factor in 1 ± ``strength``; (B, 3, H, W) in 0..1."""

    def factor():
        return uniform(x.shape[0], 1 - strength, 1 + strength, generator)[:, None, None, None]

    luma = torch.tensor(LUMA, device=x.device)[:, None, None]
    x = x * factor()
    mean = (x * luma).sum(1, keepdim=True).mean((2, 3), keepdim=True)
    x = mean + (x - mean) * factor()
    grey = (x * luma).sum(1, keepdim=True)
    return (grey + (x - grey) * factor()).clamp(0, 1)


def blur_or_sharpen(x: Tensor, chance: float, generator: Generator) -> Tensor:
    """For a share ``chance`` of the pictures, a move towards or away from their 3×3 blur; (B, 3, H, W) in 0..1.

    Thumbnails are softer than a photograph that was just reduced; a model that saw one kind alone is unsure of the other.
    """
    count = x.shape[0]
    kernel = torch.tensor([1.0, 2.0, 1.0], device=x.device)
    kernel = (kernel[:, None] * kernel / 16).expand(3, 1, 3, 3)
    soft = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), kernel, groups=3)
    amount = uniform(count, -1.0, 1.0, generator) * (uniform(count, 0, 1, generator) < chance)
    return (x + amount[:, None, None, None] * (soft - x)).clamp(0, 1)


def mix(x: Tensor, targets: Tensor, chance: float, generator: Generator) -> tuple[Tensor, Tensor]:
    """With ``chance`` a batch, mixup (Beta(0.8, 0.8)) or cutmix (Beta(1, 1)) with its own reverse; else unchanged.

    Pictures (B, 3, H, W) and targets (B, classes), which are mixed alike. Sources: arXiv 1710.09412 and 1905.04899.
    """
    draw = uniform(4, 0, 1, generator).tolist()
    if draw[0] >= chance:
        return x, targets
    if draw[1] < 0.5:
        share = _beta(0.8, generator)
        x = share * x + (1 - share) * x.flip(0)
    else:
        height, width = x.shape[2:]
        cut = (1 - _beta(1.0, generator)) ** 0.5
        rows, cols = int(height * cut), int(width * cut)
        top, left = int(draw[2] * (height - rows + 1)), int(draw[3] * (width - cols + 1))
        x = x.clone()
        x[:, :, top : top + rows, left : left + cols] = x.flip(0)[:, :, top : top + rows, left : left + cols]
        share = 1 - rows * cols / (height * width)
    return x, share * targets + (1 - share) * targets.flip(0)


def _beta(alpha: float, generator: Generator) -> float:
    """One draw from Beta(alpha, alpha), by Jöhnk's method: torch's own takes no generator."""
    while True:
        a, b = (torch.rand(2, generator=generator, device=generator.device) ** (1 / alpha)).tolist()
        if 0 < a + b <= 1:
            return a / (a + b)
