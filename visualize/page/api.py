"""One question about one picture, answered as plain values: what the API's ``/explore`` returns."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ..explore import Exploration, StageExploration
from ..maps.attention import statistics
from .words.sentences import Refused, say
from .words.trust import notes


def attention_answer(
    exploration: Exploration, stage: int, block: int, head: int, row: int, column: int, overview: bool
) -> tuple[dict[str, Any], Image.Image | None]:
    """What one token attends to, and the stage's feature map in numbers; everything is counted from 1.

    Args:
        stage, block: 1 is the first. head: 1 is the first, 0 the mean of all.
        row, column: the token's place in the query grid; 0 and 0 for the cls token.
        overview: whether to draw a picture too, which takes far longer than all else.
    Returns:
        A dictionary for JSON: the classes, ``notes`` on what was done to the picture, a sentence, the grids, ``weights`` (rows of
        the key grid; they and ``cls_weight``, where there is a cls token, sum to 1) and their statistics. And with ``overview``
        a picture that shows all this.
    Raises:
        ValueError: a stage, block, head or token that there is not.
    """
    if not 1 <= stage <= len(exploration.stages):
        raise Refused("no_stage", stage=stage, most=len(exploration.stages))
    view = exploration.stages[stage - 1]
    if not 1 <= block <= len(view.blocks):
        raise Refused("no_block", block=block, stage=stage, most=len(view.blocks))
    attention = view.blocks[block - 1]
    if not 0 <= head <= attention.heads:
        raise Refused("no_head", head=head, stage=stage, most=attention.heads)
    of_cls = row == column == 0
    if of_cls and not attention.has_cls:
        raise Refused("no_cls_token", stage=stage)
    query = 0 if of_cls else _query(view, stage, row, column)
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
    from ..draw import plots  # matplotlib takes a second to load, and most pages never need it

    file = io.BytesIO()
    plots.overview(exploration, stage, block, head, query).savefig(file, format="png")
    return Image.open(file)


def _query(view: StageExploration, stage: int, row: int, column: int) -> int:
    rows, columns = view.query_grid.shape
    if not (1 <= row <= rows and 1 <= column <= columns):
        raise Refused("no_token", stage=stage, rows=rows, columns=columns, row=row, column=column)
    return view.query_index(row - 1, column - 1)
