"""Attention weights quantised to bytes, as pictures show them: computed piece by piece, so that memory stays small, on a CPU or a GPU."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor

CHUNK = 1 << 18  # attention scores processed at a time on a CPU: 1 MB, which fits into a core's cache
CHUNK_GPU = 1 << 26  # 256 MB: a GPU takes all heads at once; in smaller pieces, launching kernels is the bottleneck
HALF = torch.tensor(0.5, device="cpu")


class QuantisedWeights(NamedTuple):
    """``values`` uint8 (heads, queries, keys) and ``peak`` float32 (heads, queries), the largest weight of each row: weight = peak · value
    / 255, so that no weight is off by more than 1/510 of its row's largest. ``peak`` is not finite where a score is NaN or +infinity."""

    values: Tensor
    peak: Tensor


def quantised_weights(
    query: Tensor, key: Tensor, scale: float, value: Tensor | None = None, attended: Tensor | None = None
) -> QuantisedWeights:
    """The weights of queries (heads, queries, D) and keys (heads, keys, D), float32.

    Args:
        value: (heads, keys, D); attention's result is then written to ``attended`` (queries, heads, D). Both together take little longer
            than attention alone.
    """
    (heads, queries, _), keys = query.shape, key.shape[1]
    values = query.new_empty((heads, queries, keys), dtype=torch.uint8)
    peak = query.new_empty((heads, queries))
    for part, rows, scores in scaled_scores(query, key, scale):
        scores.sub_(scores.amax(dim=-1, keepdim=True)).exp2_()  # the row's largest is 1 now
        torch.reciprocal(scores.sum(dim=-1), out=peak[part, rows])
        if value is not None and attended is not None:
            torch.mul(torch.bmm(scores, value[part]), peak[part, rows, None], out=attended[rows, part].transpose(0, 1))
        values[part, rows] = rounded(scores, 255)
    return QuantisedWeights(values, peak)


def scaled_scores(query: Tensor, key: Tensor, scale: float) -> Iterator[tuple[slice, slice, Tensor]]:
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


def rounded(values: Tensor, factor: float = 1) -> Tensor:
    """``factor · values``, from 0 to 255, as the nearest uint8; the memory of ``values`` is used for it.

    One operation multiplies and adds. By way of int16, to which PyTorch converts several times as fast on a CPU as to uint8.
    """
    return torch.add(HALF, values, alpha=factor, out=values).to(torch.int16).to(torch.uint8)  # truncation then rounds
