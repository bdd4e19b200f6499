"""Packs a classifier's weights for its fast forward pass: BatchNorm folded, biases moved to where they cost nothing.

All of this is exact. In evaluation BatchNorm is a scale and a shift per channel, which are folded into the convolution before it.
The keys' bias adds the same to all scores of a query, which softmax cancels. The values' bias passes through attention
unchanged, since weights sum to 1, so that it is folded into the output layer's bias.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..config import CvtConfig
from ..fields import ABLATIONS
from ..model import Block, ConvProjection, CvtForImageClassification, Stage
from .layers import DepthwiseConvolution, PairOfProducts, Product
from .linear import OneDnnLinear


@dataclass(frozen=True)
class PackedBlock:
    """Weights of one block; C its width. Vectors are float32; matrices have the model's dtype."""

    heads: int
    scale: float
    eps: float
    stride: int  # of keys and values
    paddings: tuple[int, int]  # of the queries' convolution, and of the keys' and values'
    before: tuple[Tensor, Tensor]  # LayerNorm's gain and shift, (C,) each
    after: tuple[Tensor, Tensor]
    kernels: Tensor  # (3, k·k, C): of query, key and value
    biases: Tensor  # (3, C)
    convolutions: tuple[DepthwiseConvolution, ...]  # the same three
    query: Product
    key_value: PairOfProducts  # without biases
    key_bias: Tensor  # (C,); added to captured keys alone
    value_bias: Tensor  # (C,); added to captured values alone
    output: Product  # its bias, with the values' folded in
    intermediate: Product  # with the activation
    mlp_output: Product


@dataclass(frozen=True)
class PackedStage:
    """Weights of one stage."""

    kernel: Tensor  # (C, C_in, k, k), channels last
    bias: Tensor
    stride: tuple[int, int]
    padding: tuple[int, int]
    norm: tuple[Tensor, Tensor]
    eps: float
    cls: Tensor | None  # (C,)
    blocks: tuple[PackedBlock, ...]


@dataclass(frozen=True)
class Packed:
    """Weights of a classifier: copies, except of most matrices, which are the model's own; where oneDNN multiplies, it has further copies
    in its own layouts."""

    config: CvtConfig
    dtype: torch.dtype
    stages: tuple[PackedStage, ...]
    norm: tuple[Tensor, Tensor]
    norm_eps: float
    classifier: tuple[Tensor, Tensor] | None


def why_not(model: nn.Module) -> str | None:
    """Why a model cannot be packed, briefly; None if it can."""
    if type(model) is not CvtForImageClassification:
        return f"a {type(model).__name__} is not a CvtForImageClassification"
    if set(model.config.qkv_projection_method) != {"dw_bn"}:
        return "it has projections without convolution"
    if different := [name for name, usual in ABLATIONS.items() if getattr(model.config, name) != usual]:
        return f"it has {', '.join(different)}"
    kinds = {nn.Conv2d, nn.BatchNorm2d, nn.Linear, OneDnnLinear, nn.LayerNorm, nn.Identity}
    for name, module in model.named_modules():
        ours = type(module).__module__ == CvtForImageClassification.__module__
        if not ours and type(module) not in kinds | {nn.ModuleList, nn.Dropout}:
            return f"{name} is a {type(module).__name__}"
        if hasattr(module, "parametrizations"):
            return f"{name} has a parametrization"
    for name, module in model.named_modules():
        if isinstance(module, ConvProjection):
            conv, norm = module.convolution, module.normalization
            if type(norm) is not nn.BatchNorm2d or norm.running_var is None or norm.weight is None or conv.bias is not None:
                return f"{name} is not a convolution with BatchNorm"
    return None


@torch.no_grad()
def pack(model: CvtForImageClassification) -> Packed:
    """The model's weights, on its device, to be packed again when they change. Only for models for which ``why_not`` is None."""
    head = model.classifier
    return Packed(
        config=model.config,
        dtype=model.dtype,
        stages=tuple(_stage(stage, model.config.hidden_act) for stage in model.cvt.encoder.stages),
        norm=_norm(model.layernorm),
        norm_eps=model.layernorm.eps,
        classifier=(head.weight.clone(), head.bias.clone()) if isinstance(head, nn.Linear) else None,
    )


def _stage(stage: Stage, activation: str) -> PackedStage:
    embedding = stage.embedding.convolution_embeddings
    projection, norm = embedding.projection, embedding.normalization
    return PackedStage(
        kernel=projection.weight.detach().clone(memory_format=torch.channels_last),
        bias=projection.bias.detach().clone(),
        stride=projection.stride,
        padding=projection.padding,
        norm=_norm(norm),
        eps=norm.eps,
        cls=None if stage.cls_token is None else _precise(stage.cls_token).flatten(),
        blocks=tuple(_block(block, activation) for block in stage.layers),
    )


def _block(block: Block, activation: str) -> PackedBlock:
    attention, dense = block.attention.attention, block.attention.output.dense
    parts = [getattr(attention, f"convolution_projection_{name}").convolution_projection for name in ("query", "key", "value")]
    folded = [_folded(part) for part in parts]
    key, value = attention.projection_key, attention.projection_value
    value_bias = _bias(value)
    return PackedBlock(
        heads=attention.num_heads,
        scale=attention.attend.scale,
        eps=block.layernorm_before.eps,
        stride=parts[1].convolution.stride[0],
        paddings=(parts[0].convolution.padding[0], parts[1].convolution.padding[0]),
        before=_norm(block.layernorm_before),
        after=_norm(block.layernorm_after),
        kernels=torch.stack([kernel for kernel, _ in folded]),
        biases=torch.stack([bias for _, bias in folded]),
        convolutions=tuple(DepthwiseConvolution(part.convolution, *each) for part, each in zip(parts, folded, strict=True)),
        query=_product(attention.projection_query),
        key_value=PairOfProducts(key.weight, value.weight),
        key_bias=_bias(key),
        value_bias=value_bias,
        output=Product(dense.weight, _precise(dense.bias) + _precise(dense.weight) @ value_bias),
        intermediate=_product(block.intermediate.dense, activation),
        mlp_output=_product(block.output.dense),
    )


def _folded(projection: ConvProjection) -> tuple[Tensor, Tensor]:
    """Kernel (k·k, C) and bias (C,), float32, of the convolution with BatchNorm folded in."""
    norm = projection.normalization
    scale = _precise(norm.weight) * torch.rsqrt(_precise(norm.running_var) + norm.eps)
    kernel = _precise(projection.convolution.weight).flatten(1) * scale[:, None]  # (C, k·k)
    return kernel.T.contiguous(), _precise(norm.bias) - _precise(norm.running_mean) * scale


def _norm(norm: nn.LayerNorm) -> tuple[Tensor, Tensor]:
    return _precise(norm.weight), _precise(norm.bias)


def _product(linear: nn.Linear, activation: str | None = None) -> Product:
    return Product(linear.weight, None if linear.bias is None else _precise(linear.bias), activation)


def _bias(linear: nn.Linear) -> Tensor:
    return _precise(linear.weight).new_zeros(linear.out_features) if linear.bias is None else _precise(linear.bias)


def _precise(tensor: Tensor) -> Tensor:
    """A copy in at least float32."""
    return tensor.detach().to(torch.promote_types(tensor.dtype, torch.float32), copy=True)
