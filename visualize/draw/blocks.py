"""Turns the attention of blocks into the arrays that the browser gets, in one of the two forms that ``payload.py`` describes.

Computed on a CPU or a GPU, piece by piece, so that memory stays small.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ..container import Arrays
from ..maps.attention import BlockAttention

NOT_FINITE = "This model gives NaN or infinity in {}, which cannot be drawn. Use other weights, or run it in float32."
CHUNK = 1 << 18  # attention scores processed at a time on a CPU: 1 MB, which fits into a core's cache
CHUNK_GPU = 1 << 26  # 256 MB: a GPU takes all heads at once; in smaller pieces, launching kernels is the bottleneck
CPU = torch.device("cpu")


def arrays_of_all(blocks: Sequence[BlockAttention], limit: int | None, device: torch.device) -> list[Arrays]:
    """``arrays_of`` each of some blocks of one shape, of at most ``limit`` bytes each; only ``peak`` if that is None.

    They are computed as one block with all their heads, since many small steps would take longer, most of all on a GPU.
    """
    query, key = (np.concatenate([getattr(block, name) for block in blocks]) for name in ("query", "key"))
    together = BlockAttention(query, key, blocks[0].scale, blocks[0].has_cls)
    own = {"peak": _finite(_peaks(together, device))} if limit is None else arrays_of(together, limit * len(blocks), device)
    split = {name: array.reshape(len(blocks), -1, *array.shape[1:]) for name, array in own.items()}
    return [{name: parts[index] for name, parts in split.items()} for index in range(len(blocks))]


def weights_size(block: BlockAttention) -> int:
    """Bytes of a block's first form."""
    heads, queries, keys = block.shape
    return heads * queries * (keys + 4)


def qk_size(block: BlockAttention) -> int:
    """Bytes of its second form."""
    heads, queries, keys = block.shape
    return block.query.nbytes + block.key.nbytes + 4 * heads * (2 * queries + keys)


def arrays_of(block: BlockAttention, max_bytes: int, device: torch.device) -> Arrays:
    """A block's attention as weights, or as q and k if the weights take more than ``max_bytes``. Raises ValueError as below."""
    if weights_size(block) <= max_bytes:
        values, peak = quantised_weights(block, device)
        return {"weights": values, "peak": peak}
    norm, peak, mean = _rows(block, device)
    query = block.query * np.float32(block.scale)
    return {"query": query, "key": block.key, "norm": norm, "peak": _finite(peak), "mean": mean}


def _peaks(block: BlockAttention, device: torch.device) -> np.ndarray:
    """Each row's largest weight, (heads, queries)."""
    peak = torch.empty(block.shape[:2], device=device)
    for part, rows, scores in _scores(block, device):
        peak[part, rows] = 1 / _exponentials(scores)[1]
    return peak.cpu().numpy()


def _rows(block: BlockAttention, device: torch.device) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``norm`` and ``peak`` (heads, queries), ``mean`` (heads, keys) of a block's weights, which are not stored."""
    heads, queries, keys = block.shape
    norm, peak = torch.empty((2, heads, queries), device=device)
    mean = torch.zeros((heads, keys), device=device)
    for part, rows, scores in _scores(block, device):
        top, total = _exponentials(scores)
        norm[part, rows] = total.log() + top
        peak[part, rows] = 1 / total
        mean[part] += torch.einsum("hq,hqk->hk", 1 / total, scores)
    return norm.cpu().numpy(), peak.cpu().numpy(), (mean / queries).cpu().numpy()


def quantised_weights(block: BlockAttention, device: torch.device = CPU) -> tuple[np.ndarray, np.ndarray]:
    """All weights of a block as uint8 (heads, queries, keys), and each row's largest, float32 (heads, queries).

    Raises:
        ValueError: the weights are not all finite.
    """
    values = torch.empty(block.shape, dtype=torch.uint8, device=device)
    peak = torch.empty(block.shape[:2], device=device)
    for part, rows, scores in _scores(block, device):
        _, total = _exponentials(scores)
        peak[part, rows] = 1 / total
        values[part, rows] = scores.mul_(255).add_(0.5).to(torch.uint8)  # truncation then rounds
    return values.cpu().numpy(), _finite(peak.cpu().numpy())


def _exponentials(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Turns scores (…, keys) in place into weights in units of the row's largest; returns (largest score, sum), each without keys."""
    top = scores.amax(dim=-1)
    return top, scores.sub_(top[..., None]).exp_().sum(dim=-1)


def _finite(peak: np.ndarray) -> np.ndarray:
    if not np.isfinite(peak).all():
        raise ValueError(NOT_FINITE.format("its attention weights"))
    return peak


def _scores(block: BlockAttention, device: torch.device) -> Iterator[tuple[slice, slice, Tensor]]:
    """(heads, queries, their scaled scores (heads, queries, keys)): piece by piece, so that memory stays small.

    In PyTorch: NumPy's products let threads spin while they wait, which beside other work took twenty times as long.
    """
    heads, queries, keys = block.shape
    chunk = CHUNK if device.type == "cpu" else CHUNK_GPU
    at_once = min(heads, max(1, chunk // (queries * keys)))  # small heads together: each step costs some time of its own
    step = max(1, chunk // (at_once * keys))
    query, key = (torch.tensor(array, device=device) for array in (block.query, block.key))
    key = key.transpose(1, 2) * block.scale  # (heads, D, keys)
    for head in range(0, heads, at_once):
        part = slice(head, head + at_once)
        for start in range(0, queries, step):
            rows = slice(start, min(start + step, queries))
            yield part, rows, query[part, rows] @ key[part]
