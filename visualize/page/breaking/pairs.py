"""Two pictures in one model: where the second resembles a spot of the first, and what a part of the first does in the second."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image, ImageOps

from cvt.model import CvtForImageClassification
from cvt.pictures import open_picture

from ...change.padding import ZEROS
from ...change.patching import TAPS_OF_PART, Patch, cells_within, moves_between, patched, recorded
from ...explore import Exploration, StageExploration
from ...maps.pairs import attention_across, similarity
from ..compute import Progress
from ..results import StoredResult
from ..words.sentences import Refused
from ..workbench import Workbench
from .answers import DIGITS, classes, explorer_value
from .asked import COMPUTING, flag, number, one_of, prepared, stored, whole

if TYPE_CHECKING:
    from ...capture import Capture

SHOWN_SIDE = 480  # pixels of the second picture as sent
Point = tuple[float, float]  # (y, x) in pixels of the input
THUMBNAIL = 96  # pixels of an example's side
BATCH = 4  # patched samples in one forward pass
COSINE_DIGITS = 4  # decimal places of cosines and other ratios


def examples(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """The example pictures to choose a second one from: ``examples``, objects with ``name`` and ``picture``, a JPEG as data: address."""
    return {"examples": [{"name": name, "picture": _thumbnail(path)} for name, path in workbench.examples.items()]}


@lru_cache(maxsize=64)
def _thumbnail(path: str) -> str:
    return _jpeg(ImageOps.fit(open_picture(path), (THUMBNAIL, THUMBNAIL)))


def pair(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Where a second picture resembles one spot of the first, in the model's features and by its attention.

    Args:
        asked: ``key`` of the first picture's result; ``other`` of the second's, or ``example``, the name of an example picture;
            ``stage`` and ``block`` from 1, by default the last; ``head`` from 1, 0 for the mean (the default); ``y`` and ``x``: the spot
            in pixels of the input, by default its middle; ``picture``: whether to send the second picture too.
    Returns:
        ``value``: an explorer's value for the second picture; ``classes`` of both; ``spot``: ``row`` and ``column`` of its token, from 1;
        ``similarity``: the cosines of its features with those of every token of the second picture, rows of the stage's grid;
        ``stages``: for each stage the ``highest`` cosine, its place ``y`` and ``x`` in pixels, the cosine at the ``same`` place and the
        ``mean``; ``attention``: softmax(q of the spot · k of the second picture), rows of the key grid, which the model never
        computes, with ``cls``, the weight of the second picture's cls token or null, and ``times_uniform`` of the largest;
        ``picture``: a JPEG as data: address, or null.
    Raises:
        ValueError: no such result, stage, block, head or example.
    """
    first = stored(workbench, asked, progress)
    key, second = _second(workbench, asked, first, progress)
    seen, other = first.exploration, second.exploration
    stage, block = _stage_and_block(asked, seen)
    against = other.stages[stage.config.index]
    head = whole(asked, "head", 0, stage.config.num_heads, 0)
    point = _point(asked, seen)
    row, column = cells_within(stage.query_grid, *point)[0]
    across = attention_across(stage.blocks[block], against.blocks[block], [stage.query_index(row, column)])[:, 0]
    weights = across.mean(axis=0) if head == 0 else across[head - 1]
    cls = stage.blocks[block].has_cls
    cosines = similarity(stage.features, row, column, against.features)
    return {
        "value": explorer_value(workbench, key, second.request),
        "classes": [classes(seen), classes(other)],
        "spot": {"row": row + 1, "column": column + 1},
        "similarity": np.round(cosines.astype(float), COSINE_DIGITS).tolist(),
        "stages": [_compared(one, two, point) for one, two in zip(seen.stages, other.stages, strict=True)],
        "attention": {
            "weights": np.round(weights[cls:].reshape(against.key_grid.shape).astype(float), DIGITS).tolist(),
            "cls": round(float(weights[0]), DIGITS) if cls else None,
            "times_uniform": round(float(weights[cls:].max() * weights.size), COSINE_DIGITS),
        },
        "picture": _jpeg(other.crop) if flag(asked, "picture") else None,
    }


def patch(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """The classes of a second picture when a part of its computation comes from the first.

    Args:
        asked: ``key`` of the first picture's result; ``other`` or ``example`` as for ``pair``; ``part``: "tokens" (after a block),
            "block" (what it adds to the tokens), "attention", "mlp" or "head" (with ``head`` from 1); ``stage`` and ``block`` from 1.
            With ``spot`` true only the tokens around a spot are taken, and put around a place of the second picture: ``y`` and
            ``x`` in pixels of the first input, ``to_y`` and ``to_x`` of the second (by default the same), ``radius`` in pixels
            along both axes (by default 0, one token). ``sweep``: also this part of
            every block in turn; for heads every head.
    Returns:
        ``labels``: the most probable class of the first picture and of the second; ``before`` and ``after``: the second's classes
        without and with the patch, as objects with ``label``, ``probability`` and ``logit``; ``moved``: how far the patch moves the
        second's difference of these classes' logits towards the first's, from 0 to 1 and beyond, null if both have one class;
        ``tokens``: how many tokens were patched; ``sweep``: objects with ``stage``, ``block``, ``head`` and ``moved``, or null.
    Raises:
        ValueError: no such result or part, or results that are not of one model and input size. Cancelled: by ``progress``.
    """
    first = stored(workbench, asked, progress)
    _, second = _second(workbench, asked, first, progress)
    if first.request.interventions or first.request.padding != ZEROS:
        raise Refused("patch_of_changed")
    wanted = _read(asked, first.exploration)
    model, given = prepared(workbench, first)
    _, pixel_values = prepared(workbench, second)
    with workbench.passes:
        source = recorded(model, given)
    progress(COMPUTING, 0.0)
    places = _places(asked, wanted.part, first.exploration) if flag(asked, "sweep") else []
    samples = [(), (wanted,), *((each,) for each in places)]
    logits = _patched(workbench, model, source, pixel_values, samples, lambda share: progress(COMPUTING, share))
    moved = _towards(first.exploration, second.exploration, logits[0])
    stage = first.exploration.stages[wanted.stage]
    return {
        "labels": [each.exploration.labels[each.exploration.shown[0]] for each in (first, second)],
        "before": _classes(second.exploration, first.exploration, logits[0]),
        "after": _classes(second.exploration, first.exploration, logits[1]),
        "moved": moved(logits[1]),
        "tokens": len(wanted.moves) if wanted.moves is not None else stage.blocks[wanted.block].query.shape[1],
        "sweep": [
            {"stage": each.stage + 1, "block": each.block + 1, "head": None if each.head is None else each.head + 1, "moved": moved(row)}
            for each, row in zip(places, logits[2:], strict=True)
        ]
        if places
        else None,
    }


def _second(workbench: Workbench, asked: Mapping[str, Any], first: StoredResult, progress: Progress) -> tuple[str, StoredResult]:
    """The second picture's key and result: of the key ``other``, or of the example's name, in the first one's model. Raises Refused."""
    if "other" in asked:
        key, second = asked["other"], stored(workbench, asked, progress, "other")
    else:
        name = asked.get("example")
        if not isinstance(name, str) or name not in workbench.examples:
            raise Refused("no_second_picture")
        request = replace(first.request, picture=workbench.examples[name], prepared=False, also=())
        key = (workbench.found(request) or workbench.explore(request, progress)).key
        second = workbench.store.get(key)
    of_one = replace(second.request, picture=first.request.picture, prepared=first.request.prepared, also=first.request.also)
    if of_one != first.request or first.exploration.pixels.shape != second.exploration.pixels.shape:
        raise Refused("no_pair")
    return key, second


def _stage_and_block(asked: Mapping[str, Any], seen: Exploration) -> tuple[StageExploration, int]:
    """The asked stage, and the index of its asked block; each the last by default. Raises Refused."""
    stage = seen.stages[whole(asked, "stage", 1, len(seen.stages), len(seen.stages)) - 1]
    return stage, whole(asked, "block", 1, len(stage.blocks), len(stage.blocks)) - 1


def _point(asked: Mapping[str, Any], seen: Exploration, prefix: str = "", default: Point | None = None) -> Point:
    """(y, x) in pixels of the input; by default its middle."""
    height, width = seen.pixels.shape[:2]
    y, x = default or (height / 2, width / 2)
    return number(asked, f"{prefix}y", 0, height, y), number(asked, f"{prefix}x", 0, width, x)


def _compared(one: StageExploration, two: StageExploration, point: Point) -> dict[str, Any]:
    """The cosines of a spot with the second picture's tokens in one stage, in short."""
    row, column = cells_within(one.query_grid, *point)[0]
    cosines = similarity(one.features, row, column, two.features)
    best = np.unravel_index(int(cosines.argmax()), cosines.shape)
    y, x = two.query_grid.centre(int(best[0]), int(best[1]))
    numbers = {"highest": cosines.max(), "same": cosines[row, column], "mean": cosines.mean()}
    return {"y": y, "x": x, **{name: round(float(value), COSINE_DIGITS) for name, value in numbers.items()}}


def _jpeg(picture: Image.Image) -> str:
    picture = picture.copy()
    picture.thumbnail((SHOWN_SIDE, SHOWN_SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()


def _read(asked: Mapping[str, Any], seen: Exploration) -> Patch:
    """The patch that is asked for, in the first picture. Raises Refused."""
    stage, block = _stage_and_block(asked, seen)
    part = one_of(asked, "part", tuple(TAPS_OF_PART), "block")
    head = whole(asked, "head", 1, stage.config.num_heads, 1) - 1 if part == "head" else None
    return Patch(stage=stage.config.index, block=block, part=part, head=head, moves=_moves(asked, seen, stage))


def _moves(asked: Mapping[str, Any], seen: Exploration, stage: StageExploration) -> tuple[tuple[int, int], ...] | None:
    """The tokens around the spot on a stage's grid, and where they go; None without a spot. Raises Refused."""
    if not flag(asked, "spot"):
        return None
    here = _point(asked, seen)
    there = _point(asked, seen, "to_", here)
    radius = number(asked, "radius", 0, max(seen.pixels.shape), 0)
    return moves_between(stage.query_grid, here, there, radius, stage.config.cls_token)


def _places(asked: Mapping[str, Any], part: str, seen: Exploration) -> list[Patch]:
    """The part of every block in turn, at the spot if there is one; every head of the model for heads."""
    return [
        Patch(stage=stage.config.index, block=block, part=part, head=head, moves=_moves(asked, seen, stage))
        for stage in seen.stages
        for block in range(len(stage.blocks))
        for head in (range(stage.config.num_heads) if part == "head" else (None,))
    ]


def _patched(
    workbench: Workbench,
    model: CvtForImageClassification,
    source: Capture,
    pixel_values: torch.Tensor,
    samples: list[tuple[Patch, ...]],
    progress: Callable[[float], None],
) -> np.ndarray:
    """Logits (samples, classes) of one picture, each with its own patches; a few samples in one pass."""
    rows = []
    for start in range(0, len(samples), BATCH):
        batch = samples[start : start + BATCH]
        with workbench.passes, torch.inference_mode(), patched(model, source, batch):
            rows.append(model(pixel_values.expand(len(batch), -1, -1, -1)).logits.float().cpu().numpy())
        progress(min(1.0, (start + BATCH) / len(samples)))
    return np.concatenate(rows)


def _towards(first: Exploration, second: Exploration, plain: np.ndarray) -> Callable[[np.ndarray], float | None]:
    """How far logits (classes,) of the second picture have moved towards the first's: (d − d₂) / (d₁ − d₂), where d is the logit of the
    first one's class minus that of the second's, d₁ and d₂ those of the pictures themselves.

    Source: the normalised logit difference of Wang et al., Interpretability in the wild, arXiv 2211.00593.
    """
    one, two = first.shown[0], second.shown[0]
    whole_way = float((first.logits[one] - first.logits[two]) - (plain[one] - plain[two]))
    if one == two or math.isclose(whole_way, 0, abs_tol=1e-6):
        return lambda logits: None
    return lambda logits: round(float((logits[one] - logits[two]) - (plain[one] - plain[two])) / whole_way, COSINE_DIGITS)


def _classes(second: Exploration, first: Exploration, logits: np.ndarray) -> list[dict[str, Any]]:
    """The most probable classes by these logits, and the best of each picture, most probable first."""
    values = logits.astype(np.float64)
    shares = np.exp(values - values.max())
    shares /= shares.sum()
    best = np.argsort(-shares, kind="stable")[: len(second.shown)].tolist()
    indices = sorted(dict.fromkeys((*best, *second.shown[:1], *first.shown[:1])), key=lambda index: -shares[index])
    return classes(replace(second, shown=tuple(indices), probabilities=shares, logits=values))
