"""Turns the attention of blocks into the arrays that the browser gets, in one of the forms that ``payload.py`` describes.

Computed on a CPU or a GPU, piece by piece, so that memory stays small.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from ..maps.attention import BlockAttention

CHUNK = 1 << 18  # attention scores processed at a time on a CPU: 1 MB, which fits into a core's cache
CHUNK_GPU = 1 << 26  # 256 MB: a GPU takes all heads at once; in smaller pieces, launching kernels is the bottleneck
HALF = torch.tensor(0.5)

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


def rounded(values: Tensor, factor: float = 1) -> Tensor:
    """``factor · values``, from 0 to 255, as the nearest uint8; the memory of ``values`` is used for it.

    By way of int16, to which PyTorch converts ten times as fast on a CPU as to uint8.
    """
    return torch.add(HALF, values, alpha=factor, out=values).to(torch.int16).to(torch.uint8)  # truncation then rounds


def attention_arrays(query: Tensor, key: Tensor, scale: float, form: Form) -> tuple[Tensor, ...]:
    """The ARRAYS of a form, without the copies of ``query`` and ``key``, as tensors.

    Args:
        query: float32 (heads, queries, D), of one block or of several with one shape, whose heads follow each other: many small
            steps would take longer, most of all on a GPU. key: (heads, keys, D).
    Returns:
        ``weights`` uint8 (heads, queries, keys); ``peak``, each row's largest weight, and ``norm``, the logarithm of its sum, float32
        (heads, queries); ``mean`` of all rows, float32 (heads, keys). Not finite where the scores are not.
    """
    (heads, queries, _), keys = query.shape, key.shape[1]
    peak, norm = query.new_empty((2, heads, queries))
    weights = query.new_empty((heads, queries, keys), dtype=torch.uint8) if form == "weights" else None
    mean = query.new_zeros((heads, keys)) if form == "rows" else None
    for part, rows, scores in _scores(query, key, scale):
        highest = scores.amax(dim=-1, keepdim=True)
        total = scores.sub_(highest).exp2_().sum(dim=-1)  # the row's largest is 1 now
        torch.reciprocal(total, out=peak[part, rows])
        if weights is not None:
            weights[part, rows] = rounded(scores, 255)
        elif mean is not None:
            norm[part, rows] = total.log2().add_(highest[..., 0]).mul_(math.log(2))
            mean[part] += torch.einsum("hq,hqk->hk", 1 / total, scores)
    if weights is not None:
        return weights, peak
    return (peak,) if mean is None else (norm, peak, mean / queries)


def _scores(query: Tensor, key: Tensor, scale: float) -> Iterator[tuple[slice, slice, Tensor]]:
    """(heads, queries, their scaled scores (heads, queries, keys), as powers of 2): piece by piece, in memory that the next one reuses.

    In PyTorch: NumPy's products let threads spin while they wait, which beside other work took twenty times as long. Powers of 2,
    because on AMD's processors PyTorch's ``exp`` takes five times as long as its ``exp2``.
    """
    (heads, queries, _), keys = query.shape, key.shape[1]
    chunk = CHUNK if query.device.type == "cpu" else CHUNK_GPU
    at_once = min(heads, max(1, chunk // (queries * keys)))  # small heads together: each step costs some time of its own
    step = min(queries, max(1, chunk // (at_once * keys)))
    key = key.transpose(1, 2) * (scale * math.log2(math.e))  # (heads, D, keys)
    memory = query.new_empty(at_once * step * keys)
    for head in range(0, heads, at_once):
        part = slice(head, min(head + at_once, heads))
        for start in range(0, queries, step):
            rows = slice(start, min(start + step, queries))
            shape = part.stop - part.start, rows.stop - rows.start, keys
            yield part, rows, torch.bmm(query[part, rows], key[part], out=memory[: math.prod(shape)].view(shape))
