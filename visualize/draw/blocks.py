"""Turns the attention of blocks into the arrays that the browser gets, in one of the forms that ``payload.py`` describes.

Computed on a CPU or a GPU, piece by piece, so that memory stays small.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from cvt.runtime.attention import quantised_weights, scaled_scores

from ..maps.attention import BlockAttention

Form = Literal["weights", "rows", "peak"]
ARRAYS: dict[Form, tuple[str, ...]] = {"weights": ("weights", "peak"), "rows": ("norm", "peak", "mean"), "peak": ("peak",)}


def weights_size(block: BlockAttention) -> int:
    """Bytes of a block's first form."""
    heads, queries, keys = block.shape
    return heads * queries * (keys + 4)


def qk_size(block: BlockAttention) -> int:
    """Bytes of its second form."""
    heads, queries, keys = block.shape
    return block.query.nbytes + block.key.nbytes + 4 * heads * (2 * queries + keys)


def attention_arrays(query: Tensor, key: Tensor, scale: float, form: Form) -> tuple[Tensor, ...]:
    """The ARRAYS of a form, without the copies of ``query`` and ``key``, as tensors.

    Args:
        query: float32 (heads, queries, D), of one block or of several with one shape, whose heads follow each other: many small
            steps would take longer, most of all on a GPU. key: (heads, keys, D).
    Returns:
        ``weights`` uint8 (heads, queries, keys); ``peak``, each row's largest weight, and ``norm``, the logarithm of its sum, float32
        (heads, queries); ``mean`` of all rows, float32 (heads, keys). Not finite where the scores are not.
    """
    if form == "weights":
        return quantised_weights(query, key, scale)
    (heads, queries, _), keys = query.shape, key.shape[1]
    peak, norm = query.new_empty((2, heads, queries))
    mean = query.new_zeros((heads, keys)) if form == "rows" else None
    for part, rows, scores in scaled_scores(query, key, scale):
        highest = scores.amax(dim=-1, keepdim=True)
        total = scores.sub_(highest).exp2_().sum(dim=-1)  # the row's largest is 1 now
        torch.reciprocal(total, out=peak[part, rows])
        if mean is not None:
            norm[part, rows] = total.log2().add_(highest[..., 0]).mul_(math.log(2))
            mean[part] += torch.einsum("hq,hqk->hk", 1 / total, scores)
    return (peak,) if mean is None else (norm, peak, mean / queries)
