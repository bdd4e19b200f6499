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
import math
from collections.abc import Sequence
from functools import partial

import numpy as np
import torch
from PIL import Image

from cvt.architecture.geometry import Grid
from cvt.config import StageConfig

from ..container import Arrays, pack
from ..explore import Exploration, StageExploration
from ..maps.attention import BlockAttention
from .blocks import ARRAYS, Form, attention_arrays, qk_size, weights_size
from .computed import CPU, Place, begin

NOT_FINITE = "This model gives NaN or infinity in {}, which cannot be drawn. Use other weights, or run it in float32."
CROP_BYTES = 220 << 10
HEADER_BYTES = 8 << 10  # are left for it


def payload(exploration: Exploration, *, max_bytes: int = 8 << 20, device: torch.device = CPU) -> bytes:
    """Packs everything the browser needs to show ``exploration`` into about ``max_bytes`` at most; computed on ``device``.

    Pictures and feature maps are always sent, and all blocks' weights if they fit. Otherwise each block takes the smaller form,
    as long as there is room: the last block of every stage first, last stage first, then the others from the back.
    The others come one by one from ``block_payload``.

    Raises:
        ValueError: the model gave NaN or infinity.
    """
    check = partial(check_finite, exploration)
    stages = exploration.stages
    room = max_bytes - HEADER_BYTES - exploration.pixels.nbytes - sum(_size(stage) for stage in stages)
    forms = _forms(exploration, room - _uncompressed(exploration))
    if set(forms.values()) == {"weights"}:  # whatever the pictures take: a GPU computes while they are encoded
        computing = begin(stages, forms, check, device)
        pictures = _pictures(exploration)
    else:
        pictures = _pictures(exploration)
        forms = _forms(exploration, room - sum(picture.nbytes for picture in pictures.values()))
        computing = begin(stages, forms, check, device)
    computed = computing()
    if not np.isfinite(exploration.logits).all():
        check()
    arrays: Arrays = {"pixels": exploration.pixels, **pictures}
    described_stages = []
    for index, (stage, found) in enumerate(zip(stages, computed.stages, strict=True)):
        found["order"] = found["order"].astype(np.uint16)
        explained = found.pop("explained").tolist()
        described_stages.append(described(stage.config, stage.query_grid, stage.key_grid) | {"explained": explained})
        arrays |= {f"{index}/{name}": array for name, array in found.items()}
    peaks = [[0.0] * len(stage.blocks) for stage in stages]
    for (index, block), form in forms.items():
        found = computed.blocks[index, block]
        peaks[index][block] = float(_finite(found["peak"]).max())
        if form != "peak":
            arrays |= _named(index, block, _of_form(stages[index].blocks[block], form, found))
    evidence = exploration.evidence
    if evidence is not None:
        arrays |= {"evidence": evidence.places, "rest": evidence.rest}
    header = {
        "input": list(exploration.pixels.shape[:2]),
        "crop_box": list(exploration.crop_box),
        "original": list(exploration.original_size),
        "classes": len(exploration.labels),
        "top": [{"label": label, "probability": probability} for label, probability in exploration.of_classes(exploration.shown)],
        "stages": described_stages,
        "peaks": peaks,
        "evidence": None if evidence is None else "query" if evidence.of_queries else "key",
    }
    return pack(header, arrays)


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
    own = blocks[block]
    form: Form = "weights" if weights_size(own) <= (qk_size(own) if max_bytes is None else max_bytes) else "rows"
    if own.quantised is not None and form == "weights":
        found = dict(zip(ARRAYS[form], own.quantised, strict=True))
    else:
        query, key = (torch.tensor(array, device=device) for array in (own.query, own.key))
        tensors = attention_arrays(query, key, own.scale, form)
        found = {name: tensor.cpu().numpy() for name, tensor in zip(ARRAYS[form], tensors, strict=True)}
    _finite(found["peak"])
    return pack({}, _named(stage, block, _of_form(own, form, found)))


def _forms(exploration: Exploration, room: int) -> dict[Place, Form]:
    """The form of each block, by (stage, block), where ``room`` bytes are left for all; "peak" for those that do not travel."""
    forms: dict[Place, Form] = {}
    all_fit = sum(weights_size(block) for stage in exploration.stages for block in stage.blocks) <= room
    for index, block in _by_interest(exploration):
        attention = exploration.stages[index].blocks[block]
        smaller = min(weights_size(attention), qk_size(attention))
        if all_fit:
            forms[index, block] = "weights"
        elif smaller <= room:
            forms[index, block] = "weights" if smaller == weights_size(attention) else "rows"
            room -= smaller
        else:
            forms[index, block] = "peak"
    return forms


def _of_form(block: BlockAttention, form: Form, found: Arrays) -> Arrays:
    """What of a block travels, in this order."""
    return found if form == "weights" else {"query": block.query * np.float32(block.scale), "key": block.key, **found}


def _named(stage: int, block: int, arrays: Arrays) -> Arrays:
    return {f"{stage}.{block}/{name}": array for name, array in arrays.items()}


def check_finite(exploration: Exploration) -> None:
    """Raises ValueError if a model gave NaN or infinity, naming the first place where it did."""
    for index, stage in enumerate(exploration.stages, 1):
        if not np.isfinite(stage.features).all():
            raise ValueError(NOT_FINITE.format(f"the feature map of stage {index}"))
        if not all(np.isfinite(array).all() for block in stage.blocks for array in (block.query, block.key)):
            raise ValueError(NOT_FINITE.format("its attention weights"))
    if not np.isfinite(exploration.logits).all():
        raise ValueError(NOT_FINITE.format("its class scores"))


def _finite(peak: np.ndarray) -> np.ndarray:
    if not np.isfinite(peak).all():
        raise ValueError(NOT_FINITE.format("its attention weights"))
    return peak


def _pictures(exploration: Exploration) -> Arrays:
    """The crop and, where there is one, the whole picture, as JPEG."""
    pictures = {"crop": np.frombuffer(_encoded(exploration.crop), np.uint8)}
    if exploration.whole is not None:
        pictures["whole"] = np.frombuffer(_encoded(exploration.whole, (70,)), np.uint8)
    return pictures


def _uncompressed(exploration: Exploration) -> int:
    """The bytes of the same as pixels and a header, which JPEG never exceeds."""
    return sum((1 << 10) + 3 * math.prod(picture.size) for picture in (exploration.crop, exploration.whole) if picture is not None)


def _encoded(picture: Image.Image, qualities: Sequence[int] = (88, 75, 55)) -> bytes:
    """A picture as JPEG; a noisy one is compressed harder, towards CROP_BYTES."""
    for quality in qualities:
        file = io.BytesIO()
        picture.save(file, "JPEG", quality=quality)
        if file.tell() <= CROP_BYTES:
            break
    return file.getvalue()


def _size(stage: StageExploration) -> int:
    """The bytes of a stage's arrays."""
    channels, cells = len(stage.features), math.prod(stage.features.shape[1:])
    return channels * (cells + 10) + cells * 7


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


def _grid(grid: Grid) -> dict:
    return {"shape": grid.shape, "first": grid.first, "stride": grid.stride, "field": grid.field}


def _by_interest(exploration: Exploration) -> list[Place]:
    """(stage, block) in the order in which they are worth sending."""
    depths = [len(stage.blocks) for stage in exploration.stages]
    last = [(stage, depth - 1) for stage, depth in enumerate(depths) if depth]
    others = [(stage, block) for stage, depth in enumerate(depths) for block in range(depth - 1)]
    return last[::-1] + others[::-1]
