"""What happens to photographs on their way: they are reduced and enlarged, sharpened or blurred, and compressed as JPEG.

Each function changes a share ``chance`` of the pictures, (B, 3, H, W) in 0..1, on whole batches and without waiting for the
device.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .augment import Draws, constant, per_picture, softened

LEAST_SCALE = 0.4  # to which a picture is reduced before it is enlarged again
REDUCTIONS: tuple[dict[str, Any], ...] = (
    {"mode": "bilinear", "antialias": True},
    {"mode": "bicubic", "antialias": True},
    {"mode": "area"},
    {"mode": "bilinear"},
)
ENLARGEMENTS: tuple[dict[str, Any], ...] = ({"mode": "bilinear"}, {"mode": "bicubic"}, {"mode": "nearest-exact"})
FINE, COARSE = (0.0, 2.5), (0.6, 1.4)  # by how much details of about one and of about two pixels are damped or amplified
QUALITY = (15.0, 90.0)
BLOCK = 8

# The tables recommended for luma and chroma: ITU-T T.81, annex K.1. Row by row, lowest frequency first.
LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *[(99,) * 8] * 4,
)  # fmt: skip
# Red, green, blue → luma and two chromas, and back: ITU-T T.871 (JFIF).
TO_YCC = ((0.299, 0.587, 0.114), (-0.168736, -0.331264, 0.5), (0.5, -0.418688, -0.081312))
FROM_YCC = ((1.0, 0.0, 1.402), (1.0, -0.344136, -0.714136), (1.0, 1.772, 0.0))


def photograph(x: Tensor, chance: float, draws: Draws) -> Tensor:
    """All three, one after the other, each for its own ``chance`` of the pictures."""
    for change in (resample, detail, compress):
        x = change(x, chance, draws)
    return x


def resample(x: Tensor, chance: float, draws: Draws) -> Tensor:
    """Reduced, to LEAST_SCALE at most, and enlarged again, by filters of all kinds; one scale and filter a batch."""
    sides = [max(1, round(length * draws.one(LEAST_SCALE, 1.0))) for length in x.shape[2:]]
    down = REDUCTIONS[int(draws.one() * len(REDUCTIONS))]
    up = ENLARGEMENTS[int(draws.one() * len(ENLARGEMENTS))]
    changed = F.interpolate(F.interpolate(x, size=sides, **down), size=x.shape[2:], **up).clamp(0, 1)
    return torch.where(per_picture(draws.each() < chance), changed, x)


def detail(x: Tensor, chance: float, draws: Draws) -> Tensor:
    """Fine and coarser details damped or amplified, from blurred to over-sharpened."""
    chosen = draws.each() < chance
    fine, coarse = (torch.where(chosen, draws.each(*gains), 1.0) for gains in (FINE, COARSE))
    soft = softened(x)
    softer = softened(soft, 2)
    return torch.where(per_picture(chosen), softer + per_picture(coarse) * (soft - softer) + per_picture(fine) * (x - soft), x).clamp(0, 1)


def compress(x: Tensor, chance: float, draws: Draws) -> Tensor:
    """What JPEG of a quality in QUALITY leaves of the pictures, with chroma at half the resolution."""
    chosen = draws.each() < chance
    return torch.where(per_picture(chosen), jpeg(x, draws.each(*QUALITY)), x)


def jpeg(x: Tensor, quality: Tensor) -> Tensor:
    """(B, 3, H, W) in 0..1 after JPEG at qualities (B,) in 1..100, as libjpeg scales the tables; 4:2:0."""
    height, width = x.shape[2:]
    padding = (0, -width % (2 * BLOCK), 0, -height % (2 * BLOCK))
    values = F.pad(x, padding, mode="replicate") * 255
    ycc = torch.einsum("ij,bjhw->bihw", constant(TO_YCC, x.device), values)
    luma, chroma = ycc[:, :1] - 128, F.avg_pool2d(ycc[:, 1:], 2)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality)  # in percent
    luma = _through_blocks(luma, LUMA_TABLE, scale) + 128
    chroma = F.interpolate(_through_blocks(chroma, CHROMA_TABLE, scale), scale_factor=2, mode="bilinear")
    values = torch.einsum("ij,bjhw->bihw", constant(FROM_YCC, x.device), torch.cat((luma, chroma), dim=1))
    return (values[:, :, :height, :width] / 255).clamp(0, 1)


def _through_blocks(x: Tensor, table: tuple, scale: Tensor) -> Tensor:
    """Every 8×8 block's cosine transform, rounded to multiples of the table's steps, and back; (B, C, H, W)."""
    steps = (constant(table, x.device) * scale[:, None, None] / 100 + 0.5).floor().clamp(1, 255)[:, None, None, :, None, :]
    basis = constant(_cosines(), x.device)
    blocks = x.unflatten(3, (-1, BLOCK)).unflatten(2, (-1, BLOCK))  # (B, C, H/8, 8, W/8, 8)
    waves = torch.einsum("uh,bcyhxw,vw->bcyuxv", basis, blocks, basis)
    waves = (waves / steps).round() * steps
    return torch.einsum("uh,bcyuxv,vw->bcyhxw", basis, waves, basis).flatten(4).flatten(2, 3)


def _cosines() -> tuple[tuple[float, ...], ...]:
    """The orthonormal cosine transform of 8 values, (frequency, place)."""
    return tuple(
        tuple(math.sqrt((1 if u == 0 else 2) / BLOCK) * math.cos((2 * place + 1) * u * math.pi / (2 * BLOCK)) for place in range(BLOCK))
        for u in range(BLOCK)
    )
