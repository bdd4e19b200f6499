"""Packs the inside of one block for the microscope: the input of its projections, and their weights.

    tokens → depth-wise convolution → BatchNorm → linear layer → query, key or value
    tokens → average pool → linear layer → key or value, with the projection method "avg"

The browser gets the tokens and the weights and does the arithmetic itself, for the selected token and channel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from cvt.config import Size, StageConfig
from cvt.model import Block, ConvProjection, CvtForImageClassification, to_picture
from cvt.processor import CvtImageProcessor

from ..capture import Capture, capture
from ..container import Arrays, frozen, pack

if TYPE_CHECKING:
    from ..explore import Exploration

PROJECTIONS = ("query", "key", "value")
BRANCHES = ("input", "attention", "mlp")  # taps of a block's input, and of what its branches add


def inside_payload(model: CvtForImageClassification, processor: CvtImageProcessor, seen: Exploration, stage: int, block: int) -> bytes:
    """The inside of one block for the picture of ``seen``, packed as in ``container.py``.

    Arrays, float32: ``tokens`` (C, H, W), normalised, the input of the projections, without the cls token;
    ``query/kernel`` (C, k, k), ``query/scale`` and ``query/shift`` (C), BatchNorm's factor and offset, ``query/linear`` (C, C)
    and ``query/bias`` (C), and the same for key and value; a projection without convolution has only the last two;
    ``cls`` (C), the cls token as the linear layers read it, if the stage has one: it is not convolved;
    ``lengths`` (3, H, W): the norm of each token before the block, of what attention adds to it, and of what the MLP adds;
    ``norms/0`` (depth, 3) for each stage: the means of these norms per block.
    The header holds, by the name of the projection, ``strides`` and ``paddings``, ``shapes`` (rows, columns) of its grid, and
    ``pools``, the side of the window of those that average.

    Args:
        model: the one that made ``seen``, in evaluation mode. processor: as for ``explore``.
    Raises:
        ValueError: no such block; a model that pads with something else than zeros, since the browser's arithmetic takes zeros.
    """
    if model.config.padding_mode != "zeros":
        raise ValueError("The inside of a block is shown for models that pad with zeros, and this one pads in a circle.")
    depths = [each.depth for each in model.config.stages]
    if not (0 <= stage < len(depths) and 0 <= block < depths[stage]):
        raise ValueError(f"There is no block {block} in stage {stage}: the stages have {depths} blocks, counted from 0.")
    pixel_values = torch.from_numpy(processor.normalize(Image.fromarray(seen.pixels)))[None].to(model.device, model.dtype)
    with torch.inference_mode():
        tokens, cls, lengths, norms = _run(model, pixel_values, stage, block)
        layer = model.cvt.encoder.stages[stage].layers[block]
        arrays: Arrays = {"tokens": tokens, "lengths": lengths} | ({} if cls is None else {"cls": cls})
        for name in PROJECTIONS:
            arrays |= {f"{name}/{key}": value for key, value in projection_arrays(layer, name).items()}
    arrays |= {f"norms/{index}": each for index, each in enumerate(norms)}
    grids = seen.stages[stage].query_grid, seen.stages[stage].key_grid
    return pack(projection_settings(model.config.stages[stage], *(grid.shape for grid in grids)), arrays)


def projection_settings(config: StageConfig, query: Size, key: Size) -> dict[str, dict[str, Any]]:
    """The header: a stage's projections, for grids of queries and keys of these (rows, columns)."""
    return {
        "strides": {"query": config.stride_q, "key": config.stride_kv, "value": config.stride_kv},
        "paddings": {"query": config.padding_q, "key": config.padding_kv, "value": config.padding_kv},
        "shapes": {"query": query, "key": key, "value": key},
        "pools": {"key": config.kernel_qkv, "value": config.kernel_qkv} if config.qkv_projection_method == "avg" else {},
    }


def _run(
    model: CvtForImageClassification, pixel_values: Tensor, stage: int, block: int
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray, list[np.ndarray]]:
    """What the block's projections read, tokens (C, H, W) and the cls token (C) or None; token norms; every stage's mean norms."""
    with capture(model, taps=("stage", "normalised", *BRANCHES)) as seen:
        model(pixel_values)
    norms = []
    for index, depth in enumerate(model.config.depth):
        grid = seen.feature_map(index).shape[2:]
        lengths = [_lengths(seen, index, each, grid) for each in range(depth)]  # (3, H, W) each
        norms.append(np.array([each.mean(dim=(1, 2)).tolist() for each in lengths], np.float32))
        if index == stage:
            here = frozen(lengths[block])
            given = seen.tap("normalised", stage, block)
            found = frozen(to_picture(_spatial(given, grid), grid)[0])
            cls = frozen(given[0, 0]) if model.config.stages[stage].cls_token else None
    return found, cls, here, norms


def _lengths(seen: Capture, stage: int, block: int, grid: torch.Size) -> Tensor:
    """(3, H, W): the norms of the block's input and of what attention and MLP add, for each token."""
    parts = [_spatial(seen.tap(name, stage, block), grid)[0] for name in BRANCHES]
    return torch.stack([part.float().norm(dim=-1) for part in parts]).unflatten(1, grid)


def _spatial(tokens: Tensor, grid: torch.Size) -> Tensor:
    """(B, N, C) without the cls token."""
    return tokens[:, tokens.shape[1] - grid[0] * grid[1] :]


def projection_arrays(layer: Block, name: str) -> Arrays:
    """The weights of one projection of a block, as ``inside_payload`` names them."""
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
    """BatchNorm's factor and offset per channel in evaluation mode: (C,) each, float32."""
    scale = norm.weight.float() * torch.rsqrt(norm.running_var.float() + norm.eps)
    return scale, norm.bias.float() - norm.running_mean.float() * scale
