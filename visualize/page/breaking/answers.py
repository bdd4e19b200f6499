"""What several experiments answer in the same way."""

from __future__ import annotations

from typing import Any

from ...explore import Exploration
from ...web.explorer import element_value
from ..requests import Request
from ..workbench import Workbench

DIGITS = 6  # decimal places of logits and probabilities


def classes(seen: Exploration) -> list[dict[str, Any]]:
    """The classes shown, most probable first: ``label``, ``probability`` and ``logit``."""
    best = sorted(seen.shown, key=lambda index: -seen.probabilities[index])
    return [
        {
            "label": seen.labels[index],
            "probability": round(float(seen.probabilities[index]), DIGITS),
            "logit": round(float(seen.logits[index]), DIGITS),
        }
        for index in best
    ]


def explorer_value(workbench: Workbench, key: str, request: Request, **more: Any) -> dict[str, Any]:
    """An explorer's value for the result of a request, with what is said of its model and picture, and ``more``."""
    model = workbench.loaded(request.model)
    picture = request.picture if isinstance(request.picture, str) else ""
    return element_value(key, picture, model=model.name, source=model.source, **workbench.named(picture), **more)
