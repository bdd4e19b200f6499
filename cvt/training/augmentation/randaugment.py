"""RandAugment for whole batches: a few operations per picture, drawn from fourteen.

Rotation, shear and shift become one affine map, which the crop applies, so that a picture is resampled once. Operations on single
values become a table of 256 entries per channel. Everything is computed for all pictures and then selected, which on a GPU is
cheaper than waiting to know which pictures need it.

Sources: arXiv 1909.13719 (RandAugment); strengths drawn evenly instead of fixed, arXiv 2103.10158; ranges of each operation,
arXiv 1805.09501, table 6.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .augment import Draws, luma, per_picture, softened

WARPS = ("rotate", "shear x", "shear y", "shift x", "shift y")
TONES = ("autocontrast", "equalize", "solarize", "posterize", "brightness", "contrast")
OPERATIONS = (*WARPS, *TONES, "colour", "sharpness", "nothing")
ROUNDS = 2  # operations per picture
STRONGEST = 10  # magnitude
TURN, SHEAR, SHIFT, FACTOR = math.pi / 6, 0.3, 0.45, 0.9  # at full strength; a shift as a share of the side


@dataclass(frozen=True)
class Operation:
    """One operation per picture: its index in OPERATIONS, int64 (B,), and its signed strength, (B,) in -1..1."""

    kind: Tensor
    strength: Tensor

    def where(self, name: str) -> Tensor:
        """(B,): which pictures have this operation."""
        return self.kind == OPERATIONS.index(name)

    def strength_of(self, name: str) -> Tensor:
        """(B,): its strength for the pictures that have this operation, else 0."""
        return torch.where(self.where(name), self.strength, 0.0)


def choose(magnitude: float, draws: Draws) -> list[Operation]:
    """Draws ROUNDS operations per picture, each with a strength up to ``magnitude`` of STRONGEST in either direction."""
    level = magnitude / STRONGEST
    return [Operation((draws.each() * len(OPERATIONS)).long(), draws.each(-level, level)) for _ in range(ROUNDS)]


def warp(operations: list[Operation]) -> Tensor:
    """(B, 2, 3): the operations' combined affine maps of a picture's coordinates, -1..1."""
    whole = torch.eye(3, device=operations[0].kind.device).expand(len(operations[0].kind), 3, 3)
    for operation in operations:
        angle = operation.strength_of("rotate") * TURN
        one = torch.zeros_like(whole)
        one[:, 0, 0] = one[:, 1, 1] = angle.cos()
        one[:, 0, 1] = operation.strength_of("shear x") * SHEAR - angle.sin()
        one[:, 1, 0] = operation.strength_of("shear y") * SHEAR + angle.sin()
        one[:, 0, 2] = operation.strength_of("shift x") * SHIFT * 2  # a side is two units long
        one[:, 1, 2] = operation.strength_of("shift y") * SHIFT * 2
        one[:, 2, 2] = 1
        whole = whole @ one
    return whole[:, :2]


def retouch(x: Tensor, operations: list[Operation]) -> Tensor:
    """Applies the operations on values and colours; (B, 3, H, W) in 0..1, rounded to 256 levels."""
    for operation in operations:
        values = (x * 255).round().long()  # (B, 3, H, W)
        table = tone_table(values, operation)
        x = table.gather(2, values.flatten(2)).view_as(x)
        factor = per_picture(1 + FACTOR * operation.strength_of("colour"))
        grey = luma(x)
        x = grey + factor * (x - grey)
        soft = softened(x)
        x = torch.where(per_picture(operation.where("sharpness")), soft + per_picture(1 + FACTOR * operation.strength) * (x - soft), x)
        x = x.clamp(0, 1)
    return x


def tone_table(values: Tensor, operation: Operation) -> Tensor:
    """(B, 3, 256) in 0..1: the new value for each value 0..255 of each channel, for integers (B, 3, H, W)."""
    counts = torch.zeros(*values.shape[:2], 256, device=values.device)
    counts.scatter_add_(2, values.flatten(2), torch.ones((), device=values.device).expand(values.flatten(2).shape))
    level = torch.arange(256.0, device=values.device).expand_as(counts)
    strength = operation.strength[:, None, None]
    factor = 1 + FACTOR * strength
    mean = (luma(values) / values[0, 0].numel()).sum((2, 3))[:, :, None].add(0.5).floor()  # (B, 1, 1)
    steps = 2.0 ** torch.round(4 * strength.abs())  # 8 to 4 bits are kept
    threshold = 256 * (1 - strength.abs())
    tables = {
        "autocontrast": _stretched(counts, level),
        "equalize": _equalized(counts, level),
        "solarize": torch.where(level >= threshold, 255 - level, level),
        "posterize": (level / steps).floor() * steps,
        "brightness": level * factor,
        "contrast": mean + (level - mean) * factor,
    }
    result = level
    for name, table in tables.items():
        result = torch.where(operation.where(name)[:, None, None], table, result)
    return result.clamp(0, 255) / 255


def _stretched(counts: Tensor, level: Tensor) -> Tensor:
    """The table that stretches each channel from its darkest and brightest value to 0 and 255."""
    present = counts > 0
    low = torch.where(present, level, 255.0).amin(2, keepdim=True)
    high = torch.where(present, level, 0.0).amax(2, keepdim=True)
    return torch.where(high > low, (level - low) * 255 / (high - low).clamp(min=1), level)


def _equalized(counts: Tensor, level: Tensor) -> Tensor:
    """The table that equalises the histogram, as Pillow does."""
    highest = torch.where(counts > 0, level, 0.0).amax(2, keepdim=True)
    last = counts.gather(2, highest.long())
    step = ((counts.sum(2, keepdim=True) - last) / 255).floor()
    before = counts.cumsum(2) - counts
    return torch.where(step > 0, ((before + (step / 2).floor()) / step.clamp(min=1)).floor().clamp(max=255), level)
