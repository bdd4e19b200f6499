"""A classifier's forward pass over packed weights: the same results as the model's up to rounding, in fewer and larger steps.

Matrix products add to the tokens and include the activation where that is possible. On a GPU one product projects keys and values,
and the three kernels of ``kernels.py`` do the rest. If nothing is captured, the last block is computed for the cls token only, since
no other token is read after it: this is exact, and saves a tenth of a CvT-13's arithmetic.
"""

from __future__ import annotations

import functools
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType

import torch
import torch.nn.functional as F
from torch import Tensor

from ..model import to_picture, to_tokens
from .attention import QuantisedWeights, quantised_weights
from .packing import Packed, PackedBlock, PackedStage

FEWEST_ENTRIES = 1 << 16  # of a block's attention matrices: fewer are quantised faster later, those of several blocks together
MOST_ENTRIES = 6 << 20  # of all blocks: more of them are not all shown


@dataclass
class BlockTaps:
    """A block's attention inputs: query (B, N, C), key and value (B, N', C), contiguous; ``quantised``: the weights of one
    picture, if they were a by-product."""

    query: Tensor
    key: Tensor
    value: Tensor
    heads: int
    scale: float
    quantised: QuantisedWeights | None = None

    def qkv(self) -> tuple[Tensor, Tensor, Tensor, float]:
        """q (B, heads, N, D), k and v (B, heads, N', D), and the scale of the products of q and k."""
        query, key, value = (_heads(each, self.heads) for each in (self.query, self.key, self.value))
        return query, key, value, self.scale


@dataclass
class StageTaps:
    """A stage's output: tokens (B, N, C), the cls token first if it has one; and its blocks' taps."""

    tokens: Tensor
    grid: tuple[int, int]
    has_cls: bool
    blocks: list[BlockTaps]

    def output(self) -> tuple[Tensor, Tensor | None]:
        """Feature map (B, C, H, W), and cls token (B, 1, C) or None."""
        return to_picture(self.tokens[:, self.has_cls :], self.grid), self.tokens[:, :1] if self.has_cls else None


Taps = list[StageTaps]


def forward(packed: Packed, pixel_values: Tensor, taps: Taps | None = None) -> Tensor:
    """Logits (B, num_labels) of pixel_values (B, channels, H, W); ``taps``, an empty list if given, is filled."""
    x = pixel_values.to(packed.dtype)
    quantise = taps is not None and _quantises(packed, pixel_values)
    for index, stage in enumerate(packed.stages):
        has_cls = stage.cls is not None
        tokens, grid = _embedded(stage, x)  # (B, N, C)
        found: list[BlockTaps] | None = None if taps is None else []
        for number, block in enumerate(stage.blocks):
            last = has_cls and index == len(packed.stages) - 1 and number == len(stage.blocks) - 1
            tokens = _block(block, tokens, grid, has_cls, found, alone=last and taps is None, quantise=quantise)
        if index < len(packed.stages) - 1:
            x = to_picture(tokens[:, has_cls:], grid)
        if taps is not None and found is not None:
            taps.append(StageTaps(tokens, grid, has_cls, found))
    read = tokens[:, :1] if has_cls else tokens
    pooled = _norm(read, packed.norm, packed.norm_eps).mean(dim=1)  # (B, C); the mean of one token is itself
    return pooled if packed.classifier is None else F.linear(pooled, *packed.classifier)


@functools.cache
def _kernels(device: torch.device, dtype: torch.dtype) -> ModuleType | None:
    """The kernels for tokens on this device; None if they do not work here, and PyTorch's operators are used.

    PyTorch for CUDA includes Triton, which calls a C compiler when a kernel first runs; not every machine has one.
    """
    if device.type != "cuda" or dtype == torch.float64:
        return None
    try:
        from . import kernels  # slow to import, so only when needed

        ones = torch.ones(1, device=device)
        kernels.embedded_norm(torch.ones((1, 1, 1), device=device, dtype=dtype), ones, ones, None, 1e-5, ones.to(dtype).view(1, 1, 1))
        return kernels
    except Exception:  # a missing or broken tool chain can raise anything
        logging.getLogger(__name__).warning("Triton's kernels do not run here; PyTorch's operators are used instead.", exc_info=True)
        return None


def _norm(tokens: Tensor, norm: tuple[Tensor, Tensor], eps: float) -> Tensor:
    gain, shift = norm
    return F.layer_norm(tokens, gain.shape, gain.to(tokens.dtype), shift.to(tokens.dtype), eps)


def _embedded(stage: PackedStage, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
    """(B, C_in, H_in, W_in) → tokens (B, N, C), the cls token first if there is one, and the grid (H, W)."""
    x = F.conv2d(x.contiguous(memory_format=torch.channels_last), stage.kernel, stage.bias, stage.stride, stage.padding)
    pictures, width, *grid = x.shape
    patches = x.permute(0, 2, 3, 1).reshape(pictures, -1, width)  # a view: channels last
    if gpu := _kernels(patches.device, patches.dtype):
        tokens = patches.new_empty((pictures, patches.shape[1] + (stage.cls is not None), width))
        gpu.embedded_norm(patches.contiguous(), *stage.norm, stage.cls, stage.eps, tokens)
        return tokens, tuple(grid)
    tokens = _norm(patches, stage.norm, stage.eps)
    if stage.cls is not None:
        tokens = torch.cat((stage.cls.to(tokens.dtype).expand(pictures, 1, -1), tokens), dim=1)
    return tokens, tuple(grid)


def _block(
    block: PackedBlock,
    tokens: Tensor,
    grid: tuple[int, int],
    has_cls: bool,
    found: list[BlockTaps] | None,
    alone: bool,
    quantise: bool,
) -> Tensor:
    """(B, N, C) → (B, N, C), changed in place; ``alone``: for the cls token only, (B, 1, C)."""
    pictures, _, width = tokens.shape
    query, key_value = _projected(block, tokens, grid, has_cls)
    if alone:
        query, tokens = query[:, :1], tokens[:, :1].contiguous()
    query = block.query(query.reshape(-1, width)).view(query.shape)
    key, value = block.key_value(key_value)
    mixed, quantised = _attended(block, query, key, value, quantise)
    if found is not None:
        biased = key + block.key_bias.to(key.dtype), value + block.value_bias.to(value.dtype)
        found.append(BlockTaps(query, *biased, block.heads, block.scale, quantised))
    return _with_branches(block, tokens.view(-1, width), mixed.reshape(-1, width)).view(pictures, -1, width)


def _attended(block: PackedBlock, query: Tensor, key: Tensor, value: Tensor, quantise: bool) -> tuple[Tensor, QuantisedWeights | None]:
    """Queries (B, N, C), keys and values (B, N', C) → attention (B, N, heads, D); and, if asked for and of enough entries, its weights,
    quantised: computing both at once takes less time than computing the weights later."""
    query, key, value = (_heads(each, block.heads) for each in (query, key, value))
    _, heads, queries, width = query.shape
    if quantise and heads * queries * key.shape[2] >= FEWEST_ENTRIES:
        mixed = query.new_empty((queries, heads, width))
        return mixed[None], quantised_weights(query[0], key[0], block.scale, value[0], mixed)
    return F.scaled_dot_product_attention(query, key, value, scale=block.scale).transpose(1, 2), None


def _quantises(packed: Packed, pixel_values: Tensor) -> bool:
    """Whether the weights of a captured pass are quantised: of one picture on a CPU, if they may all be shown."""
    if len(pixel_values) != 1 or pixel_values.device.type != "cpu" or packed.dtype != torch.float32:
        return False
    stages = zip(packed.config.stages, packed.config.grids(*pixel_values.shape[2:]), strict=True)
    entries = (stage.depth * stage.num_heads * math.prod(math.prod(grid) + stage.cls_token for grid in grids) for stage, grids in stages)
    return sum(entries) <= MOST_ENTRIES


def _with_branches(block: PackedBlock, rows: Tensor, mixed: Tensor) -> Tensor:
    """``rows`` (rows, C) plus attention's output, then plus the MLP's; ``mixed`` (rows, C): the weighted values. May change ``rows``."""
    if gpu := _kernels(rows.device, rows.dtype):
        rows.addmm_(mixed, block.output.transposed)
        normalised = torch.empty_like(rows)
        gpu.biased_norm(rows, block.output.bias, block.mlp_output.bias, *block.after, block.eps, normalised)  # adds both biases
        return rows.addmm_(block.intermediate(normalised), block.mlp_output.transposed)
    rows = block.output.added(rows, mixed)
    return block.mlp_output.added(rows, block.intermediate(_norm(rows, block.after, block.eps)))


def _heads(tokens: Tensor, heads: int) -> Tensor:
    """(B, N, C) → (B, heads, N, D), a view."""
    return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)


def _projected(block: PackedBlock, tokens: Tensor, grid: tuple[int, int], has_cls: bool) -> tuple[Tensor, Tensor | Sequence[Tensor]]:
    """The inputs of the linear layers of query, (B, N, C), and of key and value, (2, B, N', C) or two of (B, N', C)."""
    pictures, _, width = tokens.shape
    if block.kernels.shape[1] == 9 and block.paddings == (1, 1) and (gpu := _kernels(tokens.device, tokens.dtype)):
        keys = has_cls + ((grid[0] - 1) // block.stride + 1) * ((grid[1] - 1) // block.stride + 1)
        query, key_value = torch.empty_like(tokens), tokens.new_empty((2, pictures, keys, width))
        gpu.normalised_projections(
            tokens, grid, *block.before, block.kernels, block.biases, block.stride, block.eps, query, key_value[0], key_value[1]
        )
        return query, key_value
    normalised = _norm(tokens, block.before, block.eps)
    picture = to_picture(normalised[:, has_cls:], grid)
    parts = [to_tokens(convolution(picture)) for convolution in block.convolutions]
    if has_cls:  # it bypasses the convolutions
        parts = [torch.cat((normalised[:, :1], part), dim=1) for part in parts]
    return parts[0], parts[1:]
