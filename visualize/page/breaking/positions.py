"""A picture shifted, turned, flipped, shuffled or resized, and other padding: does the class stay, and do the features follow?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PIL import Image

from cvt.pictures import OpenedPicture

from ...change.padding import PADDINGS, ZEROS
from ...change.positions import (
    HORIZONTAL,
    VERTICAL,
    Agreement,
    Change,
    Flip,
    Resize,
    Shift,
    Shuffle,
    Turn,
    agreement,
    aligned_steps,
    changed,
)
from ...crops import CROP_SIDE
from ...explore import Exploration
from ..compute import Progress, compute
from ..requests import Request
from ..results import StoredResult
from ..words.sentences import Refused
from ..workbench import Result, Workbench
from .answers import DIGITS, classes, explorer_value
from .asked import loaded, number, one_of, stored, whole
from .code import moved_lines

NO_FLIP = "none"
FLIPS = (NO_FLIP, HORIZONTAL, VERTICAL)
LEAST_SIDE, MOST_TIMES = 16, 2  # pixels of a side, unless the model's input has fewer; and how many times that input's at most
MOST_SEED = 2**31 - 1


def transform(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What the model says when things are in other places, and how well every stage's features follow.

    The changes are made in this order, from the model's input, in its pixels.

    Args:
        asked: ``key`` of a result; ``height`` and ``width`` of the input, by default its own; ``turn`` in degrees, counter-clockwise;
            ``flip``: "none", "horizontal" or "vertical"; ``down`` and ``right``: a shift in pixels, around the edges; ``patch``: the
            side of square patches that are shuffled, 0 for none, and ``seed`` of their order; ``padding``: "zeros", as trained,
            "reflect" or "circular", of all convolutions.
    Returns:
        ``label``: the most probable class before, ``stays``: whether it still is; ``before`` and ``after``: the classes, as objects
        with ``label``, ``probability`` and ``logit``; ``agreement``: for each stage the mean ``cosine`` of its tokens' features with
        those before, after undoing the change, the means ``border`` of the outermost tokens and ``inside`` of all others (null where
        there are none), the share of tokens ``compared``, and whether each was compared with one token, ``exact``, rather than with an
        interpolation between several; ``padding_before``: the padding of what it is compared with, which is the same if the picture
        changes, and else zeros; ``aligned``: for each stage the smallest shift (down, right) that keeps its grids and those before
        aligned, or null; ``is_aligned``: whether this shift is a multiple of the last stage's; ``value``: an explorer's value for
        the result after.
    Raises:
        ValueError: no such result, or an impossible change. Cancelled: by ``progress``.
    """
    before = stored(workbench, asked, progress)
    model, seen = loaded(workbench, before), before.exploration
    size = seen.pixels.shape[0], seen.pixels.shape[1]
    changes = read(asked, size, model.processor_of(before.request).side)
    padding = one_of(asked, "padding", PADDINGS, ZEROS)
    pixels, crop = _changed(seen, changes)
    also = tuple(seen.shown)
    after = _explored(workbench, before.request, pixels, padding, also, progress, seen, crop)
    reference = seen
    if changes and padding != before.request.padding:
        reference = _explored(workbench, before.request, seen.pixels, padding, also, progress, seen, seen.crop).exploration
    aligned = aligned_steps(model.config_of(before.request), *pixels.shape[:2])
    shift = next(((each.down, each.right) for each in changes if isinstance(each, Shift)), (0, 0))
    first = seen.shown[0]
    return {
        "label": seen.labels[first],
        "stays": after.exploration.shown[0] == first,
        "before": classes(seen),
        "after": classes(after.exploration),
        "agreement": [
            _written(agreement(old.features, new.features, (old.query_grid, new.query_grid), size, changes))
            for old, new in zip(reference.stages, after.exploration.stages, strict=True)
        ],
        "padding_before": padding if changes else before.request.padding,
        "aligned": [None if step is None else list(step) for step in aligned],
        "is_aligned": aligned[-1] is not None and all(by % step == 0 for by, step in zip(shift, aligned[-1], strict=True)),
        "value": explorer_value(workbench, after.key, before.request, **_code(before.request, changes, padding)),
    }


def read(asked: Mapping[str, Any], size: tuple[int, int], side: int) -> list[Change]:
    """The changes asked for, of an input of (height, width) pixels; those that change nothing are left out. Raises Refused.

    ``side``: of the model's own input, which bounds how large an input can become, also by one change after another.
    """
    own = dict(zip(("height", "width"), size, strict=True))
    least = min(LEAST_SIDE, *size)
    sides = {name: whole(asked, name, least, MOST_TIMES * side, value) for name, value in own.items()}
    angle = number(asked, "turn", -360, 360, 0)
    flip = one_of(asked, "flip", FLIPS, NO_FLIP)
    most = max(sides.values())
    shift = {name: whole(asked, name, -most, most, 0) for name in ("down", "right")}
    patch, seed = whole(asked, "patch", 0, most, 0), whole(asked, "seed", 0, MOST_SEED, 0)
    turned = Turn(degrees=angle).quarters in (1, 3)
    height, width = (sides["width"], sides["height"]) if turned else (sides["height"], sides["width"])
    if patch and (height % patch or width % patch):
        raise Refused("shuffle_size", patch=patch, height=height, width=width)
    wanted: list[tuple[bool, Change]] = [
        (sides != own, Resize(**sides)),
        (angle % 360 != 0, Turn(degrees=angle)),
        (flip != NO_FLIP, Flip(axis=HORIZONTAL if flip == NO_FLIP else flip)),
        (any(shift.values()), Shift(**shift)),
        (patch > 0, Shuffle(patch=patch, seed=seed)),
    ]
    return [change for is_asked, change in wanted if is_asked]


def _code(request: Request, changes: Sequence[Change], padding: str) -> dict[str, Any]:
    """The code for the changes, where the code for the result before is that of an explorer without changes."""
    if request.prepared or request.interventions or not (changes or padding != ZEROS):
        return {}
    return {"changed": moved_lines(changes, padding)}


def _changed(seen: Exploration, changes: Sequence[Change]) -> tuple[np.ndarray, Image.Image]:
    """The model's input after the changes, and the picture to show for it, at a whole multiple of that size.

    Another resolution is made from the picture as shown, which has more detail than the input.
    """
    crop = np.asarray(seen.crop)
    if changes and isinstance(changes[0], Resize):
        resize, rest = changes[0], changes[1:]
        pixels = resize.apply(crop)
    else:
        resize, rest = Resize(height=seen.pixels.shape[0], width=seen.pixels.shape[1]), changes
        pixels = seen.pixels
    factor = max(1, min(*seen.crop.size, CROP_SIDE) // max(resize.height, resize.width))  # without adding pixels
    shown = resize.scaled(factor).apply(crop)
    return changed(pixels, rest), Image.fromarray(changed(shown, [change.scaled(factor) for change in rest]))


def _explored(
    workbench: Workbench,
    request: Request,
    pixels: np.ndarray,
    padding: str,
    also: tuple[int, ...],
    progress: Progress,
    seen: Exploration,
    crop: Image.Image,
) -> Result:
    """The stored result for these pixels as they are, shown as ``crop`` in the frame of ``seen``; computed if there is none."""
    picture = OpenedPicture(Image.fromarray(pixels))
    request = replace(request, picture=picture, prepared=True, padding=padding, also=also)
    if found := workbench.found(request):
        return found
    exploration = replace(compute(request, workbench, progress), crop=crop, crop_box=seen.crop_box, original_size=seen.original_size)
    return Result(workbench.store.put(StoredResult(request, exploration)), exploration)


def _written(found: Agreement) -> dict[str, Any]:
    ring = np.ones(found.cosines.shape, bool)
    ring[1:-1, 1:-1] = False
    return {
        "cosine": _mean(found.cosines),
        "border": _mean(found.cosines[ring]),
        "inside": _mean(found.cosines[~ring]),
        "compared": round(found.compared, DIGITS),
        "exact": found.exact,
    }


def _mean(cosines: np.ndarray) -> float | None:
    compared = cosines[np.isfinite(cosines)]
    return round(float(compared.mean()), DIGITS) if compared.size else None
