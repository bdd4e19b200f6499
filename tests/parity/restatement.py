"""The formula of CvT once more: plain, slow, in numpy's float64, from nothing but a config and its named tensors.

It covers every setting, also those that no other implementation runs. Sources: arXiv 2103.15808, section 3, and the authors'
choices: softmax scaled by the whole width, BatchNorm in the conv projections, average pooling with a last partial window.
"""

from __future__ import annotations

import math

import numpy as np

from cvt.config import CvtConfig, StageConfig

Array = np.ndarray


def run(config: CvtConfig, tensors: dict[str, Array], pixels: Array) -> tuple[Array, list[Array]]:
    """Logits (B, num_labels) and the feature map (B, C, H, W) of every stage, in evaluation mode."""
    x, maps, cls = pixels.astype(np.float64), [], None
    for stage in config.stages:
        x, cls = run_stage(stage, config, Scope(tensors, f"cvt.encoder.stages.{stage.index}."), x)
        maps.append(x)
    if cls is None:
        tokens = np.stack([x[:, :, i, j] for i in range(x.shape[2]) for j in range(x.shape[3])], axis=1)
        pooled = layer_norm(tokens, Scope(tensors, "layernorm."), config).mean(axis=1)
    else:
        pooled = layer_norm(cls, Scope(tensors, "layernorm."), config)
    return (linear(pooled, Scope(tensors, "classifier.")) if config.num_labels else pooled), maps


class Scope:
    """The tensors whose names begin alike."""

    def __init__(self, tensors: dict[str, Array], prefix: str):
        self.tensors, self.prefix = tensors, prefix

    def __getitem__(self, name: str) -> Array | None:
        return self.tensors.get(self.prefix + name)

    def within(self, name: str) -> Scope:
        return Scope(self.tensors, self.prefix + name)


def run_stage(stage: StageConfig, config: CvtConfig, weights: Scope, x: Array) -> tuple[Array, Array | None]:
    embedding = weights.within("embedding.convolution_embeddings.")
    x = convolve(x, embedding["projection.weight"], embedding["projection.bias"], stage.patch_stride, stage.patch_padding)
    height, width = x.shape[2:]
    tokens = np.stack([x[:, :, i, j] for i in range(height) for j in range(width)], axis=1)
    tokens = layer_norm(tokens, embedding.within("normalization."), config)
    if stage.cls_token:
        first = np.repeat(weights["cls_token"], len(tokens), axis=0)
        tokens = np.concatenate([first, tokens], axis=1)
    for layer in range(stage.depth):
        block = weights.within(f"layers.{layer}.")
        tokens = tokens + attention(
            stage, block.within("attention."), layer_norm(tokens, block.within("layernorm_before."), config), height, width
        )
        hidden = linear(layer_norm(tokens, block.within("layernorm_after."), config), block.within("intermediate.dense."))
        tokens = tokens + linear(activation(hidden, config.hidden_act), block.within("output.dense."))
    cls = tokens[:, 0] if stage.cls_token else None
    spatial = tokens[:, 1:] if stage.cls_token else tokens
    return as_picture(spatial, height, width), cls


def as_picture(tokens: Array, height: int, width: int) -> Array:
    picture = np.empty((len(tokens), tokens.shape[2], height, width))
    for i in range(height):
        for j in range(width):
            picture[:, :, i, j] = tokens[:, i * width + j]
    return picture


def attention(stage: StageConfig, weights: Scope, tokens: Array, height: int, width: int) -> Array:
    cls = tokens[:, :1] if stage.cls_token else tokens[:, :0]
    picture = as_picture(tokens[:, cls.shape[1] :], height, width)
    parts = {}
    for part in ("query", "key", "value"):
        stride, padding = (stage.stride_q, stage.padding_q) if part == "query" else (stage.stride_kv, stage.padding_kv)
        seen = picture
        if stage.qkv_projection_method == "dw_bn":
            convolution = weights.within(f"attention.convolution_projection_{part}.convolution_projection.")
            seen = depthwise(picture, convolution["convolution.weight"], stride, padding)
            seen = batch_norm(seen, convolution.within("normalization."))
        elif stage.qkv_projection_method == "avg" and part != "query":
            seen = average_pool(picture, stage.kernel_qkv, stride, padding)
        flat = np.stack([seen[:, :, i, j] for i in range(seen.shape[2]) for j in range(seen.shape[3])], axis=1)
        parts[part] = linear(np.concatenate([cls, flat], axis=1), weights.within(f"attention.projection_{part}."))
    out = np.empty_like(parts["query"])
    size = stage.embed_dim // stage.num_heads
    for head in range(stage.num_heads):
        one = slice(head * size, (head + 1) * size)
        scores = np.einsum("bqd,bkd->bqk", parts["query"][..., one], parts["key"][..., one]) / math.sqrt(stage.embed_dim)
        scores = np.exp(scores - scores.max(axis=-1, keepdims=True))
        out[..., one] = np.einsum("bqk,bkd->bqd", scores / scores.sum(axis=-1, keepdims=True), parts["value"][..., one])
    return linear(out, weights.within("output.dense."))


def convolve(x: Array, weight: Array, bias: Array, stride: tuple[int, int], padding: tuple[int, int]) -> Array:
    x = np.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    kernel = weight.shape[2:]
    rows, columns = ((x.shape[2 + axis] - kernel[axis]) // stride[axis] + 1 for axis in (0, 1))
    out = np.empty((len(x), len(weight), rows, columns))
    for i in range(rows):
        for j in range(columns):
            window = x[:, :, i * stride[0] : i * stride[0] + kernel[0], j * stride[1] : j * stride[1] + kernel[1]]
            out[:, :, i, j] = np.einsum("bcij,ocij->bo", window, weight) + bias
    return out


def depthwise(x: Array, weight: Array, stride: int, padding: int) -> Array:
    full = np.zeros((x.shape[1], x.shape[1], *weight.shape[2:]))
    for channel in range(x.shape[1]):
        full[channel, channel] = weight[channel, 0]
    return convolve(x, full, np.zeros(x.shape[1]), (stride, stride), (padding, padding))


def average_pool(x: Array, kernel: int, stride: int, padding: int) -> Array:
    """Means over windows; padding counts as zeros, but what a last window has beyond the padding does not count."""
    spans = []
    for size in x.shape[2:]:
        starts = [start for start in range(-padding, size + padding, stride) if start + kernel <= size + padding]
        following = (starts[-1] + stride) if starts else -padding
        if starts[-1:] != [size + padding - kernel] and following < size:
            starts.append(following)  # a partial window
        spans.append([(start, min(start + kernel, size + padding)) for start in starts])
    out = np.empty((*x.shape[:2], len(spans[0]), len(spans[1])))
    for i, (top, bottom) in enumerate(spans[0]):
        for j, (left, right) in enumerate(spans[1]):
            window = x[:, :, max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            out[:, :, i, j] = window.sum(axis=(2, 3)) / ((bottom - top) * (right - left))
    return out


def batch_norm(x: Array, weights: Scope) -> Array:
    def channels(values: Array) -> Array:
        return values[:, None, None]

    normal = (x - channels(weights["running_mean"])) / np.sqrt(channels(weights["running_var"]) + 1e-5)
    return normal * channels(weights["weight"]) + channels(weights["bias"])


def layer_norm(x: Array, weights: Scope, config: CvtConfig) -> Array:
    centred = x - x.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + config.layer_norm_eps) * weights["weight"] + weights["bias"]


def linear(x: Array, weights: Scope) -> Array:
    out = np.einsum("...i,oi->...o", x, weights["weight"])
    return out if weights["bias"] is None else out + weights["bias"]


def activation(x: Array, name: str) -> Array:
    if name == "quick_gelu":
        return x / (1 + np.exp(-1.702 * x))
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))
