"""Swaps what a CvT's convolutions see beyond the border, for one caller and within its ``with`` block.

    with padded(model, "circular"):
        logits = model(pixel_values).logits

The paper's CvT has no positional embedding. Zero padding is what tells a token that it lies at the border, and from there position
spreads inwards. Source: Islam et al., How much position information do convolutional neural networks encode?, arXiv 2001.08248.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch.nn.functional as F
from torch import Tensor, nn

from cvt.model import CvtForImageClassification, CvtModel
from cvt.stage import pooled_output

from ..capture import stages_of
from ..hooks import hooked

ZEROS, REFLECT, CIRCULAR = "zeros", "reflect", "circular"
PADDINGS = (ZEROS, REFLECT, CIRCULAR)  # PyTorch's names for ``padding_mode``; the paper's CvT is trained with zeros


@contextmanager
def padded(model: CvtForImageClassification | CvtModel, padding: str) -> Iterator[None]:
    """Pads all convolutions of ``model`` in this way, within the ``with`` block.

    These are the conv embeddings and the convolutions (or average pools) of the projections. Only calls of the model itself from
    this thread or task are affected, never a ``Runner``'s and never another thread's. The model is not changed.

    Args:
        padding: "zeros"; "reflect", which mirrors the picture without repeating its border; or "circular", which
            continues it at the opposite side.
    Raises:
        ValueError: another padding; and from the call within the block, where a grid is too small to be padded in this way.
    """
    if padding not in PADDINGS:
        raise ValueError(f"The padding is {padding!r}: choose one of {', '.join(PADDINGS)}.")

    def of_stage(stage: int):
        def hook(module: nn.Module, inputs: tuple[Tensor], output: Tensor) -> Tensor:
            _check(module, inputs[0], padding, stage)
            return (_convolved if isinstance(module, nn.Conv2d) else _pooled)(module, inputs[0], padding)

        return hook

    if padding == model.config.padding_mode:  # as the model does it: nothing to hook
        yield
        return
    places = [(module, of_stage(index)) for index, stage in enumerate(stages_of(model)) for module in stage.modules()]
    with hooked(afters=[each for each in places if isinstance(each[0], (nn.Conv2d, nn.AvgPool2d))]):
        yield


def _sides(module: nn.Module) -> tuple[int, int]:
    """(vertical, horizontal) padding of a convolution or pool."""
    return module.padding if isinstance(module.padding, tuple) else (module.padding, module.padding)


def _check(module: nn.Module, x: Tensor, padding: str, stage: int) -> None:
    """Refuses what PyTorch cannot pad: reflection needs one more than the padding, a circle as many as the padding."""
    rows, columns = x.shape[2:]
    down, right = _sides(module)
    more = padding == REFLECT
    if padding == ZEROS:
        return
    if rows < down + more or columns < right + more:
        raise ValueError(
            f"{padding.capitalize()} padding needs at least {down + more}×{right + more} places to take values from, and a "
            f"convolution of stage {stage + 1} has only {rows}×{columns}: use zeros or a larger input."
        )


def _around(module: nn.Module, x: Tensor, padding: str) -> Tensor:
    down, right = _sides(module)
    return F.pad(x, (right, right, down, down), mode="constant" if padding == ZEROS else padding)


def _convolved(module: nn.Conv2d, x: Tensor, padding: str) -> Tensor:
    return F.conv2d(_around(module, x, padding), module.weight, module.bias, module.stride, 0, module.dilation, module.groups)


def _pooled(module: nn.AvgPool2d, x: Tensor, padding: str) -> Tensor:
    """As the pool, whose windows may reach further beyond the lower and right border than the padding: there they are cut off."""
    sides = zip(x.shape[2:], _sides(module), strict=True)
    rows, columns = (pooled_output(side, module.kernel_size, module.stride, pad) for side, pad in sides)
    return F.avg_pool2d(_around(module, x, padding), module.kernel_size, module.stride, 0, ceil_mode=True)[..., :rows, :columns]
