"""How far does it look? The mean distance of attention in pixels, and the part of the picture that really moves one token.

Distances are between the true centres of query and key cells on the input, whose grids differ. Source: the mean attention distance
of Dosovitskiy et al., arXiv 2010.11929, figure 7; and the effective receptive field of Luo et al., arXiv 1701.04128.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from cvt.model import CvtForImageClassification

from ..container import frozen

if TYPE_CHECKING:
    from cvt.architecture.geometry import Grid

    from ..explore import StageExploration

AT_ONCE = 1 << 22  # weights computed at a time, 16 MiB
SHARE = 0.5  # of a gradient, which a field's size is about


@dataclass(frozen=True)
class AttentionDistances:
    """One stage's mean distances in pixels: ``heads`` float64 (blocks, heads); ``uniform``, if a token looked everywhere alike."""

    heads: np.ndarray
    uniform: float


def attention_distances(stage: StageExploration) -> AttentionDistances:
    """How far from a token's centre the centres of the cells are that it looks at: by weight, on average over all tokens.

    The cls token has no place: it is left out as a query, and as a key, with the other weights scaled up to sum to 1.
    """
    queries, keys = centres(stage.query_grid), centres(stage.key_grid)
    cls = int(stage.config.cls_token)
    sums, uniform = np.zeros((len(stage.blocks), stage.config.num_heads)), 0.0
    rows = max(1, AT_ONCE // (len(keys) * stage.config.num_heads))
    for first in range(0, len(queries), rows):
        chosen = np.arange(first, min(first + rows, len(queries)))
        away = np.hypot(*(queries[chosen, None] - keys).transpose(2, 0, 1))  # (rows, keys)
        uniform += away.mean(axis=1).sum()
        away = away.astype(np.float32)  # as the weights, or their product takes several times as long
        for number, block in enumerate(stage.blocks):
            weights = block.weights(chosen + cls)[:, :, cls:]  # (heads, rows, keys)
            placed = weights.sum(axis=-1, dtype=np.float64)
            # all of a token's weight may lie on the cls key, which has no place; it then counts as looking where it is
            sums[number] += (np.einsum("hqk,qk->hq", weights, away) / np.maximum(placed, 1e-12)).sum(axis=1)
    return AttentionDistances(sums / len(queries), uniform / len(queries))


def centres(grid: Grid) -> np.ndarray:
    """(rows · columns, 2): y and x of the cells' centres, row-major, in pixels."""
    axes = [grid.first[axis] + np.arange(grid.shape[axis]) * grid.stride[axis] for axis in (0, 1)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


@dataclass(frozen=True)
class ReceptiveField:
    """What moves a token: ``shares`` float32 (H, W), each pixel's share of the gradient, summing to 1.

    ``side``: of the smallest square around the token's centre, in pixels, that holds half of it; it may extend beyond the picture. None
    for the cls token, which has no centre. ``pixels``: the fewest pixels that hold half of it.
    """

    shares: np.ndarray
    side: int | None
    pixels: int


def receptive_field(
    model: CvtForImageClassification, pixel_values: Tensor, stage: int, place: tuple[int, int] | None, centre: tuple[float, float] | None
) -> ReceptiveField:
    """The effective receptive field of one token after a stage's last block: attention included, for this picture.

    A pixel's share is the length of the gradient of the token's norm with respect to its channels, as the model gets them.

    Args:
        model: in evaluation mode; neither its weights nor their gradients are touched. pixel_values: (1, C, H, W).
        stage: from 0. place: the token's row and column, and its ``centre`` (y, x) in pixels; None for the cls token.
    """
    with torch.inference_mode(False), torch.enable_grad():
        x = pixels = pixel_values.detach().clone().requires_grad_()
        cls: Any = None
        for part in model.cvt.encoder.stages[: stage + 1]:
            x, cls = part(x, cls=cls)
        token = cls[0, 0] if place is None else x[0, :, place[0], place[1]]
        (gradient,) = torch.autograd.grad(token.float().norm(), pixels)
    strength = gradient[0].double().norm(dim=0)  # (H, W)
    shares = (strength / strength.sum().clamp(min=1e-300)).cpu().numpy()
    ordered = np.sort(shares.ravel())[::-1].cumsum()
    side = None if centre is None else _side(shares, centre)
    return ReceptiveField(frozen(torch.from_numpy(shares)), side, int(np.searchsorted(ordered, SHARE * ordered[-1])) + 1)


def _side(shares: np.ndarray, centre: tuple[float, float]) -> int:
    """The side of the smallest square of whole pixels around ``centre`` that holds half of the shares."""
    rows, columns = (np.abs(np.arange(size) + 0.5 - middle) for size, middle in zip(shares.shape, centre, strict=True))
    reach = np.maximum(rows[:, None], columns).ravel()  # from the centre to a pixel's, along the farther axis
    order = np.argsort(reach, kind="stable")
    held = shares.ravel()[order].cumsum()
    return int(2 * reach[order[np.searchsorted(held, SHARE * held[-1])]] + 1)


def share_within(shares: np.ndarray, box: tuple[float, float, float, float]) -> float:
    """The part of (H, W) shares in pixels whose centres lie within top, left, bottom, right."""
    rows, columns = (np.arange(size) + 0.5 for size in shares.shape)
    top, left, bottom, right = box
    inside = ((rows > top) & (rows < bottom))[:, None] & ((columns > left) & (columns < right))
    return float(shares[inside].sum())
