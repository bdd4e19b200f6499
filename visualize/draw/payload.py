"""Packs an exploration as bytes for the browser, which then draws everything without further requests.

The format is that of ``container.py``. Array names start with their owner: ``1/features`` belongs to stage 1, ``1.0/weights`` to
block 0 of stage 1 (counted from 0, as everywhere except in text).

Attention is sent in one of two forms. ``weights``: uint8 (heads, queries, keys) with ``peak`` float32 (heads, queries), the
largest weight of each row; weight = peak · value / 255, so that no weight is off by more than 1/510 of its row's largest. A
grid of 96 × 96 queries would need 21 MB per head in that form; such a block is sent as ``query`` and ``key``, from which the
browser computes rows on demand, with ``norm`` float32 (heads, queries), the logarithm of each row's sum, ``peak`` as above, and
``mean`` float32 (heads, keys), the mean of all rows, which would take the browser too long. The header's ``peaks`` has the
largest weight of every block, including those not sent, as a list per stage.

``evidence`` and ``rest`` are the arrays of ``maps/evidence.py``; the header's ``evidence`` is the last stage's grid that they refer
to, "key" or "query", or null.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvt.architecture.geometry import Grid

from ..container import Arrays, pack
from ..explore import Exploration, StageExploration
from ..maps.attention import BlockAttention
from ..maps.features import principal_components, strongest_channels

CROP_BYTES = 220 << 10
NOT_FINITE = "This model gives NaN or infinity in {}, which cannot be drawn. Use other weights, or run it in float32."
CHUNK = 1 << 18  # attention scores processed at a time on a CPU: 1 MB, which fits into a core's cache
CHUNK_GPU = 1 << 26  # 256 MB: a GPU takes all heads of a block at once; in smaller pieces, launching kernels is the bottleneck
WORKERS = 2  # threads that make the parts: most of their steps are too small for PyTorch's own threads
CPU = torch.device("cpu")


def payload(exploration: Exploration, *, max_bytes: int = 8 << 20, device: torch.device = CPU) -> bytes:
    """Packs everything the browser needs to show ``exploration`` into about ``max_bytes`` at most; computed on ``device``.

    Pictures and feature maps are always sent, and all blocks' weights if they fit. Otherwise each block takes the smaller form,
    as long as there is room: the last block of every stage first, last stage first, then the others from the back.
    The others come one by one from ``block_payload``.

    Raises:
        ValueError: the model gave NaN or infinity.
    """
    check_finite(exploration)
    with ThreadPoolExecutor(WORKERS) as workers:
        crop, made = workers.submit(_encoded, exploration.crop), workers.map(_stage, exploration.stages)
        arrays: Arrays = {"crop": np.frombuffer(crop.result(), np.uint8), "pixels": exploration.pixels}
        stages = []
        for index, (described, own) in enumerate(made):
            stages.append(described)
            arrays |= {f"{index}/{name}": array for name, array in own.items()}
        limits = _limits(exploration, max_bytes - sum(array.nbytes for array in arrays.values()) - (8 << 10))
        peaks = [[0.0] * len(stage.blocks) for stage in exploration.stages]
        blocks = workers.map(lambda place: _peak_and_arrays(exploration.stages[place[0]].blocks[place[1]], limits[place], device), limits)
        for (index, block), (peak, own) in zip(limits, blocks, strict=True):
            arrays |= {f"{index}.{block}/{name}": array for name, array in own.items()}
            peaks[index][block] = peak
    evidence = exploration.evidence
    if evidence is not None:
        arrays |= {"evidence": evidence.places, "rest": evidence.rest}
    header = {
        "input": list(exploration.pixels.shape[:2]),
        "crop_box": list(exploration.crop_box),
        "classes": len(exploration.labels),
        "top": [{"label": label, "probability": probability} for label, probability in exploration.top()],
        "stages": stages,
        "peaks": peaks,
        "evidence": None if evidence is None else "query" if evidence.of_queries else "key",
    }
    return pack(header, arrays)


def _limits(exploration: Exploration, room: int) -> dict[tuple[int, int], int | None]:
    """The bytes that each block may take, by (stage, block), where ``room`` bytes are left for all; None for those that do not travel."""
    limits: dict[tuple[int, int], int | None] = {}
    all_fit = sum(_weights_size(block) for stage in exploration.stages for block in stage.blocks) <= room
    for index, block in _by_interest(exploration):
        attention = exploration.stages[index].blocks[block]
        size = min(_weights_size(attention), _qk_size(attention))
        if all_fit:
            limits[index, block] = _weights_size(attention)
        elif size <= room:
            limits[index, block] = _qk_size(attention)
            room -= size
        else:
            limits[index, block] = None
    return limits


def _peak_and_arrays(block: BlockAttention, limit: int | None, device: torch.device) -> tuple[float, Arrays]:
    """A block's largest weight, and what of it travels."""
    own = {} if limit is None else _block(block, limit, device)
    peak = own["peak"] if own else _finite(_rows(block, device)[1])
    return float(peak.max()), own


def block_payload(exploration: Exploration, stage: int, block: int, *, max_bytes: int | None = None, device: torch.device = CPU) -> bytes:
    """Packs one block's attention: as weights if they fit into ``max_bytes``, or without a limit in the smaller form.

    Raises:
        ValueError: no such block, or it has NaN or infinity.
    """
    if not 0 <= stage < len(exploration.stages):
        raise ValueError(f"There is no stage {stage}: the stages are 0 to {len(exploration.stages) - 1}.")
    blocks = exploration.stages[stage].blocks
    if not 0 <= block < len(blocks):
        raise ValueError(f"There is no block {block} in stage {stage}: its blocks are 0 to {len(blocks) - 1}.")
    own = _block(blocks[block], _qk_size(blocks[block]) if max_bytes is None else max_bytes, device)
    return pack({}, {f"{stage}.{block}/{name}": array for name, array in own.items()})


def check_finite(exploration: Exploration) -> None:
    """Raises ValueError if a model gave NaN or infinity, naming the first place where it did."""
    for index, stage in enumerate(exploration.stages, 1):
        if not np.isfinite(stage.features).all():
            raise ValueError(NOT_FINITE.format(f"the feature map of stage {index}"))
        if not all(np.isfinite(array).all() for block in stage.blocks for array in (block.query, block.key)):
            raise ValueError(NOT_FINITE.format("its attention weights"))
    if not np.isfinite(exploration.logits).all():
        raise ValueError(NOT_FINITE.format("its class scores"))


def _encoded(crop: Image.Image) -> bytes:
    """The crop as JPEG; a noisy one is compressed harder, towards CROP_BYTES."""
    for quality in (88, 75, 55):
        file = io.BytesIO()
        crop.save(file, "JPEG", quality=quality)
        if file.tell() <= CROP_BYTES:
            break
    return file.getvalue()


def _stage(stage: StageExploration) -> tuple[dict, Arrays]:
    """A stage's header entry, and the arrays of its feature map."""
    values, lo, hi = quantise_channels(stage.features)
    components = principal_components(stage.features)
    mean = stage.features.mean(axis=0)
    order = strongest_channels(stage.features)
    config = stage.config
    described = {
        "depth": config.depth,
        "heads": config.num_heads,
        "width": config.embed_dim,
        "cls": config.cls_token,
        "query": _grid(stage.query_grid),
        "key": _grid(stage.key_grid),
        "embedding": {"kernel": config.patch_size, "stride": config.patch_stride, "padding": config.patch_padding},
        "explained": [float(share) for share in components.explained],
    }
    arrays = {
        "features": values,
        "lo": lo,
        "hi": hi,
        "pca": components.rgb,
        "mean": mean.astype(np.float32),
        "order": order.astype(np.uint16),
    }
    return described, arrays


def _grid(grid: Grid) -> dict:
    return {"shape": grid.shape, "first": grid.first, "stride": grid.stride, "field": grid.field}


def quantise_channels(features: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(C, H, W) floats → uint8 (C, H, W) and each channel's lowest and highest value, float32 (C,).

    value = lo + (hi − lo) · uint8 / 255, so that no value is off by more than 1/510 of its channel's range.
    """
    lo, hi = features.min(axis=(1, 2)), features.max(axis=(1, 2))
    factor = np.divide(np.float32(255), hi - lo, out=np.zeros_like(lo), where=hi > lo)
    shifted = features - lo[:, None, None]
    shifted *= factor[:, None, None]
    shifted += np.float32(0.5)  # truncation below then rounds
    return shifted.astype(np.uint8), lo.astype(np.float32), hi.astype(np.float32)


def _weights_size(block: BlockAttention) -> int:
    heads, queries, keys = block.shape
    return heads * queries * (keys + 4)


def _qk_size(block: BlockAttention) -> int:
    heads, queries, keys = block.shape
    return block.query.nbytes + block.key.nbytes + 4 * heads * (2 * queries + keys)


def _block(block: BlockAttention, max_bytes: int, device: torch.device) -> Arrays:
    """A block's attention as weights, or as q and k if the weights are too large."""
    if _weights_size(block) <= max_bytes:
        values, peak = quantised_weights(block, device)
        return {"weights": values, "peak": peak}
    norm, peak, mean = _rows(block, device)
    query = block.query * np.float32(block.scale)
    return {"query": query, "key": block.key, "norm": norm, "peak": _finite(peak), "mean": mean}


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
    query, key = (torch.from_numpy(np.array(array)).to(device) for array in (block.query, block.key))
    key = key.transpose(1, 2) * block.scale  # (heads, D, keys)
    for head in range(0, heads, at_once):
        part = slice(head, head + at_once)
        for start in range(0, queries, step):
            rows = slice(start, min(start + step, queries))
            yield part, rows, query[part, rows] @ key[part]


def _by_interest(exploration: Exploration) -> list[tuple[int, int]]:
    """(stage, block) in the order in which they are worth sending."""
    depths = [len(stage.blocks) for stage in exploration.stages]
    last = [(stage, depth - 1) for stage, depth in enumerate(depths)]
    others = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth - 1)]
    return last[::-1] + others[::-1]
