"""How far heads look, in pixels of the model's input, and what moves one token. Stages, blocks, heads, rows and columns count from 1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...maps import distance as maps
from ..compute import RUNNING, Progress, passing
from ..words.sentences import Refused
from ..workbench import Workbench
from .asked import COMPUTING, prepared, stored, whole

DIGITS = 3  # decimal places of pixels and of multiples of uniform
SIDE = 96  # cells of a field that are sent, at most, along each axis


def distance(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """How far each head looks: the mean distance in pixels from a token to where it looks, by weight, over all tokens of this picture.

    Distances are between the true centres of the cells of queries and keys on the input. The cls token has no place and is left out.

    Args:
        asked: ``key`` of a result.
    Returns:
        ``input``: height and width in pixels; ``stages``: for each, ``heads``, a list per block of the distances of its heads, and
        ``uniform``, the distance if every token looked at all keys alike; ``nearest``: the ``stage``, ``block``, ``head`` and
        ``distance`` of the head that looks nearest; ``narrowest``: the ``stage`` that lies farthest under uniform, with the ``distance``
        of its mean head and ``uniform``, null if none lies under it.
    Raises:
        ValueError: no such result. Cancelled: by ``progress``.
    """
    seen = stored(workbench, asked, progress).exploration
    found = []
    for number, stage in enumerate(seen.stages):
        progress(COMPUTING, number / len(seen.stages))
        found.append(maps.attention_distances(stage))
    places = [
        {"stage": stage + 1, "block": block + 1, "head": head + 1, "distance": round(float(value), DIGITS)}
        for stage, each in enumerate(found)
        for (block, head), value in np.ndenumerate(each.heads)
    ]
    return {
        "input": list(seen.pixels.shape[:2]),
        "stages": [{"heads": each.heads.round(DIGITS).tolist(), "uniform": round(each.uniform, DIGITS)} for each in found],
        "nearest": min(places, key=lambda each: each["distance"]),
        "narrowest": _narrowest(found),
    }


def _narrowest(found: Sequence[maps.AttentionDistances]) -> dict[str, Any] | None:
    """The stage whose mean head lies farthest under uniform, as a share of it; None if none does."""
    under = [1 - each.heads.mean() / each.uniform if each.uniform > 0 else 0.0 for each in found]
    most = int(np.argmax(under))
    if under[most] <= 0:
        return None
    return {"stage": most + 1, "distance": round(float(found[most].heads.mean()), DIGITS), "uniform": round(found[most].uniform, DIGITS)}


def receptive_field(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What moves one token after a stage's last block: its effective receptive field, by gradient, beside that of the convolutions.

    Args:
        asked: ``key`` of a result; ``stage``; the token's ``row`` and ``column``, 0 and 0 for the cls token.
    Returns:
        ``side``: of the smallest square around the token, in pixels, that holds half of the gradient, null for the cls token;
        ``theoretical``: height and width of the pixels that reach the token through convolutions alone, null for the cls token, which
        sees nothing by them; ``within``: the share of the gradient there; ``pixels``: the fewest that hold half of it, ``of`` how many;
        ``cell``: the side in pixels of the cells that the field is given in, and ``times``: rows of them, each with its share of the
        gradient in multiples of what every pixel alike would give.
    Raises:
        ValueError: no such result, stage or token.
    """
    result = stored(workbench, asked, progress)
    stages = result.exploration.stages
    number = whole(asked, "stage", 1, len(stages))
    stage = stages[number - 1]
    rows, columns = stage.query_grid.shape
    row, column = whole(asked, "row", 0, rows), whole(asked, "column", 0, columns)
    if (row == 0) != (column == 0):
        raise Refused("no_token", stage=number, rows=rows, columns=columns, row=row, column=column)
    if row == 0 and not stage.config.cls_token:
        raise Refused("no_cls_token", stage=number)
    place = (row - 1, column - 1) if row else None
    progress(RUNNING, 0.0)
    model, pixel_values = prepared(workbench, result)
    with passing(result.request, workbench, model):
        found = maps.receptive_field(model, pixel_values, number - 1, place, place and stage.query_grid.centre(*place))
    cell, times = _in_cells(found.shares)
    return {
        "side": found.side,
        "theoretical": list(stage.query_grid.field) if place else None,
        "within": round(maps.share_within(found.shares, stage.query_grid.receptive_field(*place)), 4) if place else None,
        "pixels": found.pixels,
        "of": found.shares.size,
        "cell": cell,
        "times": times.round(2).tolist(),
    }


def _in_cells(shares: np.ndarray) -> tuple[int, np.ndarray]:
    """The side of square cells, of which there are at most SIDE along each axis; and each one's share in multiples of uniform."""
    cell = -(-max(shares.shape) // SIDE)
    starts = [np.arange(0, size, cell) for size in shares.shape]
    sums = np.add.reduceat(np.add.reduceat(shares, starts[0], axis=0), starts[1], axis=1)
    heights, widths = (np.diff([*each, size]) for each, size in zip(starts, shares.shape, strict=True))
    return cell, sums * shares.size / (heights[:, None] * widths)
