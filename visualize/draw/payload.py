"""Packs an exploration as bytes for the browser, which then draws everything without further requests.

The format is that of ``container.py``. Array names start with their owner: ``1/features`` belongs to stage 1, ``1.0/weights`` to
block 0 of stage 1 (counted from 0, as everywhere except in text).

Attention is sent in one of two forms. ``weights``: uint8 (heads, queries, keys) with ``peak`` float32 (heads, queries), the
largest weight of each row; weight = peak · value / 255, so that no weight is off by more than 1/510 of its row's largest. A
grid of 96 × 96 queries would need 21 MB per head in that form; such a block is sent as ``query`` and ``key``, from which the
browser computes rows on demand, with ``norm`` float32 (heads, queries), the logarithm of each row's sum, ``peak`` as above, and
``mean`` float32 (heads, keys), the mean of all rows, which would take the browser too long. The header's ``peaks`` has the
largest weight of every block, including those not sent, as a list per stage.

``whole`` is a small JPEG of the whole picture, absent where the model sees all of it; the header's ``original`` is the picture's
[width, height], in whose pixels ``crop_box`` is [left, top, right, bottom].

``evidence`` and ``rest`` are the arrays of ``maps/evidence.py``; the header's ``evidence`` is the last stage's grid that they refer
to, "key" or "query", or null.
"""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image

from cvt.architecture.geometry import Grid
from cvt.config import StageConfig

from ..container import Arrays, pack
from ..explore import Exploration, StageExploration
from ..maps.features import principal_components, strongest_channels
from .blocks import CPU, NOT_FINITE, arrays_of, arrays_of_all, qk_size, weights_size

CROP_BYTES = 220 << 10
OF_STAGE = ("features", "lo", "hi", "pca", "mean", "order")  # the arrays of a stage, in this order
Place = tuple[int, int]  # (stage, block)


def payload(exploration: Exploration, *, max_bytes: int = 8 << 20, device: torch.device = CPU) -> bytes:
    """Packs everything the browser needs to show ``exploration`` into about ``max_bytes`` at most; computed on ``device``.

    Pictures and feature maps are always sent, and all blocks' weights if they fit. Otherwise each block takes the smaller form,
    as long as there is room: the last block of every stage first, last stage first, then the others from the back.
    The others come one by one from ``block_payload``.

    Raises:
        ValueError: the model gave NaN or infinity.
    """
    check_finite(exploration)
    arrays: Arrays = {"crop": np.frombuffer(_encoded(exploration.crop), np.uint8), "pixels": exploration.pixels}
    if exploration.whole is not None:
        arrays["whole"] = np.frombuffer(_encoded(exploration.whole, (70,)), np.uint8)
    stages = []
    for index, stage in enumerate(exploration.stages):
        (known, own), (more, picture) = _stage(stage), _components(stage, device)
        stages.append(known | more)
        own |= picture
        arrays |= {f"{index}/{name}": own[name] for name in OF_STAGE}
    limits = _limits(exploration, max_bytes - sum(array.nbytes for array in arrays.values()) - (8 << 10))
    peaks = [[0.0] * len(stage.blocks) for stage in exploration.stages]
    blocks: dict[Place, tuple[float, Arrays]] = {}
    for group, members in _groups(limits).items():
        blocks |= _attention(exploration, group, members, device)
    for index, block in limits:
        peaks[index][block], own = blocks[index, block]
        arrays |= {f"{index}.{block}/{name}": array for name, array in own.items()}
    evidence = exploration.evidence
    if evidence is not None:
        arrays |= {"evidence": evidence.places, "rest": evidence.rest}
    header = {
        "input": list(exploration.pixels.shape[:2]),
        "crop_box": list(exploration.crop_box),
        "original": list(exploration.original_size),
        "classes": len(exploration.labels),
        "top": [{"label": label, "probability": probability} for label, probability in exploration.of_classes(exploration.shown)],
        "stages": stages,
        "peaks": peaks,
        "evidence": None if evidence is None else "query" if evidence.of_queries else "key",
    }
    return pack(header, arrays)


def _limits(exploration: Exploration, room: int) -> dict[Place, int | None]:
    """The bytes that each block may take, by (stage, block), where ``room`` bytes are left for all; None for those that do not travel."""
    limits: dict[Place, int | None] = {}
    all_fit = sum(weights_size(block) for stage in exploration.stages for block in stage.blocks) <= room
    for index, block in _by_interest(exploration):
        attention = exploration.stages[index].blocks[block]
        size = min(weights_size(attention), qk_size(attention))
        if all_fit:
            limits[index, block] = weights_size(attention)
        elif size <= room:
            limits[index, block] = qk_size(attention)
            room -= size
        else:
            limits[index, block] = None
    return limits


def _groups(limits: dict[Place, int | None]) -> dict[tuple[int, int | None], list[int]]:
    """The blocks by (stage, limit): equal in shape and form, so that they can be computed together."""
    groups: dict[tuple[int, int | None], list[int]] = {}
    for (stage, block), limit in limits.items():
        groups.setdefault((stage, limit), []).append(block)
    return groups


def _attention(
    exploration: Exploration, group: tuple[int, int | None], members: list[int], device: torch.device
) -> dict[Place, tuple[float, Arrays]]:
    """The largest weight of each block of a group, and what of it travels."""
    stage, limit = group
    found = arrays_of_all([exploration.stages[stage].blocks[member] for member in members], limit, device)
    return {(stage, member): (float(own["peak"].max()), {} if limit is None else own) for member, own in zip(members, found, strict=True)}


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
    own = arrays_of(blocks[block], qk_size(blocks[block]) if max_bytes is None else max_bytes, device)
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


def _encoded(picture: Image.Image, qualities: Sequence[int] = (88, 75, 55)) -> bytes:
    """A picture as JPEG; a noisy one is compressed harder, towards CROP_BYTES."""
    for quality in qualities:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= CROP_BYTES:
            break
    return file.getvalue()


def _stage(stage: StageExploration) -> tuple[dict, Arrays]:
    """A stage's header entry, and the arrays of its feature map, without its principal components."""
    values, lo, hi = quantise_channels(stage.features)
    mean = stage.features.mean(axis=0)
    order = strongest_channels(stage.features)
    arrays = {
        "features": values,
        "lo": lo,
        "hi": hi,
        "mean": mean.astype(np.float32),
        "order": order.astype(np.uint16),
    }
    return described(stage.config, stage.query_grid, stage.key_grid), arrays


def described(config: StageConfig, query: Grid, key: Grid) -> dict:
    """A stage's header entry: what is known of it without a picture."""
    return {
        "depth": config.depth,
        "heads": config.num_heads,
        "width": config.embed_dim,
        "cls": config.cls_token,
        "query": _grid(query),
        "key": _grid(key),
        "embedding": {"kernel": config.patch_size, "stride": config.patch_stride, "padding": config.patch_padding},
        "projection": {"method": config.qkv_projection_method, "kernel": config.kernel_qkv},
    }


def _components(stage: StageExploration, device: torch.device) -> tuple[dict, Arrays]:
    """The principal components' part of the same."""
    components = principal_components(stage.features, device)
    return {"explained": components.explained.tolist()}, {"pca": components.rgb}


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


def _by_interest(exploration: Exploration) -> list[Place]:
    """(stage, block) in the order in which they are worth sending."""
    depths = [len(stage.blocks) for stage in exploration.stages]
    last = [(stage, depth - 1) for stage, depth in enumerate(depths)]
    others = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth - 1)]
    return last[::-1] + others[::-1]
