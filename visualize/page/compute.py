"""Runs models on pictures for the page, its runs and routes, and the API; no other code of theirs does.

One bound limits the simultaneous forward passes of them all. It is acquired last, so that its holder never waits for anything
else, such as a download or a model being built. Only the passes on zeros that warm up a runner at the start go past it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

from ..draw.blocks import NOT_FINITE
from ..draw.payload import check_finite
from ..explore import Exploration, classify, explore
from ..maps.inside import inside_payload
from .intake import Intake
from .model import LoadedModel
from .requests import Request

PASSES = 2  # simultaneous forward passes: each uses several cores, and memory
BUILDING, RUNNING = "building", "running"  # the steps of a computation

Progress = Callable[[str, float], None]  # called with the step and its progress, 0 to 1; may raise Cancelled


class Models(Protocol):
    """What a computation needs: the loaded models by name, the intake that opens pictures, and the bound on passes."""

    intake: Intake
    passes: threading.BoundedSemaphore

    def loaded(self, name: str) -> LoadedModel: ...


def compute(request: Request, models: Models, progress: Progress = lambda step, share: None) -> Exploration:
    """Runs the request's model on its picture.

    Raises:
        UnreadablePicture: a picture that cannot be used. ValueError: no such model, an input too small for it, or NaN or
        infinity in its results. Cancelled: by ``progress``.
    """
    loaded = models.loaded(request.model)
    if request.needs_building:
        progress(BUILDING, 0.0)
    model = loaded.model_of(request, lambda share: progress(BUILDING, share))
    progress(RUNNING, 0.0)
    picture = models.intake.open(request.picture)
    with models.passes:
        runner = loaded.runner if model is loaded.model else None
        exploration = explore(model, loaded.processor_of(request), picture, runner, request.also)
    check_finite(exploration)
    return exploration


def compute_classes(request: Request, models: Models) -> list[tuple[str, float]]:
    """Only the most probable classes, as (label, probability), by a loaded model. Raises as ``compute``."""
    loaded = models.loaded(request.model)
    picture = models.intake.open(request.picture)
    with models.passes:
        classes = classify(loaded.model, loaded.processor, picture, loaded.runner)
    if not all(math.isfinite(probability) for _, probability in classes):
        raise ValueError(NOT_FINITE.format("its class scores"))
    return classes


def compute_inside(request: Request, seen: Exploration, models: Models, stage: int, block: int) -> bytes:
    """The inside of one block for the picture of ``seen``, the result of ``compute`` for this request. Raises ValueError."""
    loaded = models.loaded(request.model)
    model = loaded.model_of(request)  # rebuilt if no longer cached
    with models.passes:
        return inside_payload(model, loaded.processor_of(request), seen, stage, block)
