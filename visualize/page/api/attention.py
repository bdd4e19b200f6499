"""Builds the result of the API's ``/explore``, as plain values."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ...explore import Exploration
from ...maps.attention import statistics
from ..words.sentences import Refused, say
from ..words.trust import notes
from .places import block_of, check_token, stage_of


def attention_answer(
    exploration: Exploration, stage: int, block: int, head: int, row: int, column: int, overview: bool
) -> tuple[dict[str, Any], Image.Image | None]:
    """What one token attends to, and the stage's feature map in numbers; everything counts from 1.

    Args:
        stage, block: from 1. head: from 1; 0 is the mean of all heads.
        row, column: the token's position in the query grid; 0 and 0 for the cls token.
        overview: also draw a picture, which takes far longer than everything else.
    Returns:
        A dictionary for JSON: the classes, ``notes`` on what was done to the picture, a sentence, the grids, ``weights`` (rows of
        the key grid; they sum to 1, with ``cls_weight`` if there is a cls token) and their statistics. With ``overview``, also
        a picture that shows all this.
    Raises:
        ValueError: no such stage, block, head or token.
    """
    view = stage_of(exploration, stage)
    attention = block_of(view, stage, block)
    if not 0 <= head <= attention.heads:
        raise Refused("no_head", head=head, stage=stage, most=attention.heads)
    of_cls = row == column == 0
    if of_cls and not attention.has_cls:
        raise Refused("no_cls_token", stage=stage)
    if not of_cls:
        check_token(view.query_grid.shape, stage, row, column)
    query = 0 if of_cls else view.query_index(row - 1, column - 1)
    heads = attention.weights([query])[:, 0]  # (heads, keys)
    weights = heads.mean(axis=0) if head == 0 else heads[head - 1]
    rows, columns = view.key_grid.shape
    numbers = statistics(weights)
    key = f"{'' if head else 'mean_'}attention_of_{'cls' if of_cls else 'token'}"
    answer = {
        "notes": notes(exploration),
        "classes": [{"label": label, "probability": probability} for label, probability in exploration.top()],
        "sentence": say(key, stage=stage, block=block, head=head, row=row, column=column, rows=rows, columns=columns),
        "query_grid": list(view.query_grid.shape),
        "key_grid": [rows, columns],
        "weights": weights[attention.has_cls :].reshape(rows, columns).tolist(),
        "cls_weight": float(weights[0]) if attention.has_cls else None,
        "minimum": numbers.minimum,
        "maximum": numbers.maximum,
        "entropy_bits": numbers.entropy,
        "times_uniform": numbers.times_uniform,
        "feature_map": {
            "shape": list(view.features.shape),
            "minimum": float(view.features.min()),
            "maximum": float(view.features.max()),
        },
    }
    return answer, _overview(exploration, stage - 1, block - 1, head - 1 if head else None, query) if overview else None


def _overview(exploration: Exploration, stage: int, block: int, head: int | None, query: int) -> Image.Image:
    from ...draw import plots  # Matplotlib takes a second to import and is rarely needed

    file = io.BytesIO()
    plots.overview(exploration, stage, block, head, query).savefig(file, format="png")
    return Image.open(file)
