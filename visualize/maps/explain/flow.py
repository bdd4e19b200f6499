"""Carries shares of attention from keys to tokens, from stage to stage and down to pixels, by the windows of the convolutions.

A cell of a convolution's output is a distribution over the cells of its input: its window, weighted by the size of the kernel's
weights, |w| averaged over channels. Window and padding are the convolution's own, so nothing is resized. What a window would take
from the padding it takes from the cells that are there, so that all shares together stay as they are. |w| and not alike, because a
kernel's weights say how much of each cell it passes on: where they are positive and all else is linear, this is exact.

A key carries what its value is made of, so keys are spread by the convolution of the values.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from cvt.config import Size

from .case import Case


def spread(shares: Tensor, onto: Size, kernel: Tensor, stride: Size, padding: Size, circular: bool = False) -> Tensor:
    """(R, rows, columns) on the output of a convolution → (R, *onto) on its input, with the same sums.

    Args:
        onto: the shape of the input's grid. kernel: not negative, (kernel rows, kernel columns).
        circular: whether the padding is the input's opposite side, so that no cell is missing, rather than zeros.
    """
    kernel = kernel.to(shares)[None, None]
    rows, columns = ((count - 1) * step + size for count, step, size in zip(shares.shape[1:], stride, kernel.shape[2:], strict=True))
    # the input's grid as far as windows reach: padding before it, and what they leave out (negative) or exceed after it
    around = (padding[1], columns - onto[1] - padding[1], padding[0], rows - onto[0] - padding[0])
    there = F.pad(torch.ones(1, 1, *onto).to(shares), around, value=float(circular))
    inside = F.conv2d(there, kernel, stride=stride)
    taken = F.conv_transpose2d(shares[:, None] / inside.clamp_min(torch.finfo(shares.dtype).tiny), kernel, stride=stride)
    if circular:
        return _wrapped(_wrapped(taken[:, 0], 1, onto[0], padding[0]), 2, onto[1], padding[1])
    return F.pad(taken * there, [-side for side in around])[:, 0]


def _wrapped(taken: Tensor, axis: int, side: int, padding: int) -> Tensor:
    """What windows took along an axis, which begins in the padding, brought to the ``side`` cells that the padding repeats."""
    place = (torch.arange(taken.shape[axis], device=taken.device) - padding) % side
    shape = [side if each == axis else size for each, size in enumerate(taken.shape)]
    return taken.new_zeros(shape).index_add(axis, place, taken)


class Flow:
    """The ways of one model's shares for one size of input."""

    def __init__(self, case: Case):
        self._stages = case.model.config.stages
        self._modules = case.model.cvt.encoder.stages
        self._grids = case.grids
        self._size = case.size

    def to_tokens(self, shares: Tensor, stage: int, block: int) -> Tensor:
        """(R, keys) → (R, queries) of the same stage; the cls token, if any, is first in both and passes on to itself."""
        config, cls = self._stages[stage], int(self._stages[stage].cls_token)
        if config.qkv_projection_method == "linear":
            return shares
        project: Any = self._modules[stage].layers[block].attention.attention.convolution_projection_value.convolution_projection
        size = (config.kernel_qkv,) * 2
        kernel = torch.ones(size) if isinstance(project, nn.AvgPool2d) else passed_on(project.convolution, project.normalization)
        tokens, keys = (grid.shape for grid in self._grids[stage])
        strides, paddings, circular = (config.stride_kv,) * 2, (config.padding_kv,) * 2, config.padding_mode == "circular"
        placed = spread(shares[:, cls:].unflatten(1, keys), tokens, kernel, strides, paddings, circular)
        return torch.cat((shares[:, :cls], placed.flatten(1)), dim=1)

    def down(self, shares: Tensor, stage: int) -> Tensor:
        """(R, tokens without the cls token) of a stage → (R, tokens) of the stage before, or (R, pixels)."""
        config = self._stages[stage]
        onto = self._grids[stage - 1][0].shape if stage else self._size
        kernel = passed_on(self._modules[stage].embedding.convolution_embeddings.projection)
        shares = shares.unflatten(1, self._grids[stage][0].shape)
        return spread(shares, onto, kernel, config.patch_stride, config.patch_padding, config.padding_mode == "circular").flatten(1)


def passed_on(convolution: nn.Conv2d, norm: nn.BatchNorm2d | None = None) -> Tensor:
    """|w| of a convolution, (kernel rows, kernel columns), averaged over channels, each with its factor in a BatchNorm after it."""
    weight = convolution.weight.detach().float()
    if norm is not None:
        weight = weight * (norm.weight.detach().float() / torch.sqrt(norm.running_var.float() + norm.eps))[:, None, None, None]
    kernel = weight.abs().mean(dim=(0, 1))
    return kernel if kernel.sum() > 0 else torch.ones_like(kernel)


def carried(
    case: Case, shares: Tensor, weights: Callable[[int, int], Tensor], kept: float = 1.0, to_pixels: bool = True
) -> tuple[Tensor, Tensor]:
    """Shares of the last stage's queries, (R, queries), through all blocks back to (R, pixels), or to the (R, tokens) of the first stage.

    Every block turns them into kept · (shares + the same through its attention).

    Args:
        weights: gives (queries, keys) of a stage and block.
    Returns:
        Also (R,): what stays with cls tokens, which come from no place.
    """
    flow, handed_on = Flow(case), case.model.config.carry_cls_token
    rest, on_cls = shares.new_zeros(len(shares)), shares[:, :0]
    for stage in range(case.last, -1, -1):
        if stage < case.last:  # nothing came from this stage's cls token, unless it was handed on
            shares = torch.cat((on_cls, shares), dim=1) if handed_on else F.pad(shares, (case.cls(stage), 0))
        for block in reversed(range(case.model.config.depth[stage])):
            shares = kept * (shares + flow.to_tokens(shares @ weights(stage, block), stage, block))
        on_cls = shares[:, : case.cls(stage)]
        if not handed_on or stage == 0:
            rest = rest + on_cls.sum(dim=1)
        shares = shares[:, case.cls(stage) :]
        if stage or to_pixels:
            shares = flow.down(shares, stage)
    return shares, rest
