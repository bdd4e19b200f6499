"""Results with parts of the model off, as a page of one file shows them: what was off, and the classes before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..change.parts import Intervention
from ..explore import Exploration


def knocked(before: Exploration, after: Mapping[tuple[Intervention, ...], Exploration]) -> dict[str, Any]:
    """The explorations ``after`` parts were replaced, by these parts, as in ``web/breaking/knock/made.js``.

    Raises:
        ValueError: parts that are replaced in different ways, or none, or an exploration by a model with other classes.
    """
    return {"outs": [_out(before, parts, seen) for parts, seen in after.items()], "importance": None}


def _out(before: Exploration, parts: Sequence[Intervention], after: Exploration) -> dict[str, Any]:
    ways = {each.how for each in parts}
    if len(ways) != 1 or before.labels != after.labels:
        raise ValueError("Each result needs parts that are replaced in one way, in a model with the same classes.")
    shown = dict.fromkeys([*before.shown, *after.shown])
    sides = {"before": before, "after": after}
    classes = {side: _classes(seen, list(shown)) for side, seen in sides.items()}
    return {"off": ",".join(map(_written, parts)), "how": ways.pop(), "answer": {"label": classes["before"][0]["label"], **classes}}


def _classes(seen: Exploration, shown: Sequence[int]) -> list[dict[str, Any]]:
    best = sorted(shown, key=lambda index: -seen.probabilities[index])
    return [
        {"label": seen.labels[index], "probability": float(seen.probabilities[index]), "logit": float(seen.logits[index])} for index in best
    ]


def _written(part: Intervention) -> str:
    """A part as in a link, which counts from 1: "3.8.head2"."""
    return f"{part.stage + 1}.{part.block + 1}.{part.part}" + ("" if part.head is None else str(part.head + 1))
