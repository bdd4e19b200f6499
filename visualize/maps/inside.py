"""The inside of one block for the microscope: what its projections read, and the numbers they work with.

    tokens → depth-wise convolution → BatchNorm → linear layer → query, key or value

The browser gets the tokens and the weights and does the arithmetic itself, at whichever token and channel is looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from cvt.model import Block, ConvProjection, CvtForImageClassification, to_picture
from cvt.processor import CvtImageProcessor

from ..capture import Capture, capture
from ..container import Arrays, frozen, pack

if TYPE_CHECKING:
    from ..explore import Exploration

PROJECTIONS = ("query", "key", "value")
BRANCHES = ("input", "attention", "mlp")  # taps of what a block reads, and of what it adds to it


def inside_payload(model: CvtForImageClassification, processor: CvtImageProcessor, seen: Exploration, stage: int, block: int) -> bytes:
    """One block's inside for the picture of ``seen``, in the container of ``container.py``.

    Arrays, float32: ``tokens`` (C, H, W), normalised, as the projections read them, without the cls token;
    ``query/kernel`` (C, k, k), ``query/scale`` and ``query/shift`` (C), by which BatchNorm multiplies and then shifts,
    ``query/linear`` (C, C) and ``query/bias`` (C), and so for key and value, of which a projection without convolution has
    only the last two; ``lengths`` (3, H, W): of each token before the block, of what attention adds to it, of what the MLP adds;
    ``norms/0`` (depth, 3) for each stage: the means of these lengths, block by block.

    Args:
        model: the one that made ``seen``, in evaluation mode. processor: as for ``explore``.
    Raises:
        ValueError: there is no such block.
    """
    depths = [each.depth for each in model.config.stages]
    if not (0 <= stage < len(depths) and 0 <= block < depths[stage]):
        raise ValueError(f"There is no block {block} in stage {stage}: the stages have {depths} blocks, counted from 0.")
    pixel_values = torch.from_numpy(processor.normalize(Image.fromarray(seen.pixels)))[None].to(model.device, model.dtype)
    with torch.inference_mode():
        tokens, lengths, norms = _run(model, pixel_values, stage, block)
        layer = model.cvt.encoder.stages[stage].layers[block]
        arrays: Arrays = {"tokens": tokens, "lengths": lengths}
        for name in PROJECTIONS:
            arrays |= {f"{name}/{key}": value for key, value in _projection(layer, name).items()}
    arrays |= {f"norms/{index}": each for index, each in enumerate(norms)}
    config = model.config.stages[stage]
    strides = {"query": config.stride_q, "key": config.stride_kv, "value": config.stride_kv}
    paddings = {"query": config.padding_q, "key": config.padding_kv, "value": config.padding_kv}
    return pack({"strides": strides, "paddings": paddings}, arrays)


def _run(model: CvtForImageClassification, pixel_values: Tensor, stage: int, block: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The normalised tokens that the block's projections read, (C, H, W), its lengths, and the mean lengths of every stage."""
    with capture(model, taps=("stage", "normalised", *BRANCHES)) as seen:
        model(pixel_values)
    norms = []
    for index, depth in enumerate(model.config.depth):
        grid = seen.feature_map(index).shape[2:]
        lengths = [_lengths(seen, index, each, grid) for each in range(depth)]  # (3, H, W) each
        norms.append(np.array([each.mean(dim=(1, 2)).tolist() for each in lengths], np.float32))
        if index == stage:
            here = frozen(lengths[block])
            found = frozen(to_picture(_spatial(seen.tap("normalised", stage, block), grid), grid)[0])
    return found, here, norms


def _lengths(seen: Capture, stage: int, block: int, grid: torch.Size) -> Tensor:
    """(3, H, W): of what the block reads, of what its attention adds and of what its MLP adds, token by token."""
    parts = [_spatial(seen.tap(name, stage, block), grid)[0] for name in BRANCHES]
    return torch.stack([part.float().norm(dim=-1) for part in parts]).unflatten(1, grid)


def _spatial(tokens: Tensor, grid: torch.Size) -> Tensor:
    """(B, N, C) without the cls token."""
    return tokens[:, tokens.shape[1] - grid[0] * grid[1] :]


def _projection(layer: Block, name: str) -> Arrays:
    attention = layer.attention.attention
    linear = getattr(attention, f"projection_{name}")
    arrays = {"linear": frozen(linear.weight)}
    arrays["bias"] = np.zeros(len(arrays["linear"]), np.float32) if linear.bias is None else frozen(linear.bias)
    convolution = getattr(attention, f"convolution_projection_{name}").convolution_projection
    if isinstance(convolution, ConvProjection):
        arrays["kernel"] = frozen(convolution.convolution.weight[:, 0])  # (C, 1, k, k) → (C, k, k)
        arrays["scale"], arrays["shift"] = map(frozen, scale_and_shift(convolution.normalization))
    return arrays


def scale_and_shift(norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor]:
    """By what BatchNorm multiplies each channel in evaluation mode, and what it then adds: (C,) each, float32."""
    scale = norm.weight.float() * torch.rsqrt(norm.running_var.float() + norm.eps)
    return scale, norm.bias.float() - norm.running_mean.float() * scale
