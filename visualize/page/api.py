"""One question about one picture, answered as plain values: what the API's ``/explore`` returns."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ..explore import Exploration, StageExploration
from ..maps.attention import statistics
from .words import notes


def attention_answer(
    exploration: Exploration, stage: int, block: int, head: int, row: int, column: int
) -> tuple[dict[str, Any], Image.Image]:
    """Whom one token attends to, and the stage's feature map in numbers; everything is counted from 1.

    Args:
        stage, block: 1 is the first. head: 1 is the first, 0 the mean of all.
        row, column: the token's place in the query grid; 0 and 0 for the cls token.
    Returns:
        A dictionary for JSON: the classes, ``notes`` on what was done to the picture, a sentence, the grids, ``weights`` (rows of
        the key grid; they and ``cls_weight``, where there is a cls token, sum to 1) and their statistics. And a picture that
        shows all this.
    Raises:
        ValueError: a stage, block, head or token that there is not.
    """
    view = _part(exploration.stages, stage, "stage", "this model")
    attention = _part(view.blocks, block, "block", f"stage {stage}")
    if not 0 <= head <= attention.heads:
        raise ValueError(f"There is no head {head} in stage {stage}: choose 1 to {attention.heads}, or 0 for their mean.")
    if row == 0 and column == 0:
        if not attention.has_cls:
            raise ValueError(f"Stage {stage} has no cls token: choose a row and a column, counted from 1.")
        query, asked = 0, "the cls token"
    else:
        query, asked = _query(view, stage, row, column), f"the token at row {row}, column {column}"
    heads = attention.weights([query])[:, 0]  # (heads, keys)
    weights = heads.mean(axis=0) if head == 0 else heads[head - 1]
    rows, columns = view.key_grid.shape
    numbers = statistics(weights)
    answer = {
        "notes": notes(exploration),
        "classes": [{"label": label, "probability": probability} for label, probability in exploration.top()],
        "sentence": f"Stage {stage}, block {block}, {f'head {head}' if head else 'mean of the heads'}: "
        f"how strongly {asked} draws on each of the {rows}×{columns} key cells.",
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
    from ..draw.plots import overview  # matplotlib takes a second to load, and most pages never need it

    figure = overview(exploration, stage - 1, block - 1, head - 1 if head else None, query)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return answer, Image.open(file)


def _query(view: StageExploration, stage: int, row: int, column: int) -> int:
    rows, columns = view.query_grid.shape
    if not (1 <= row <= rows and 1 <= column <= columns):
        raise ValueError(f"Stage {stage} has {rows}×{columns} tokens: there is none at row {row}, column {column}.")
    return view.query_index(row - 1, column - 1)


def _part(parts: tuple, number: int, kind: str, owner: str) -> Any:
    if not 1 <= number <= len(parts):
        raise ValueError(f"There is no {kind} {number} in {owner}: choose 1 to {len(parts)}.")
    return parts[number - 1]
