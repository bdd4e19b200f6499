"""The one place where a model runs on a picture for somebody: the page, its runs and routes, and the API all come through here.

How many passes run at once is bounded for all of them together. The bound is taken last of all: whoever holds it waits for
nothing else, neither for a download nor for a model that is built.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Protocol

from ..draw.payload import NOT_FINITE, check_finite
from ..explore import Exploration, classify, explore
from ..maps.inside import inside_payload
from .intake import Intake
from .model import LoadedModel
from .requests import Request

PASSES = 2  # forward passes at the same time: each uses several cores, and takes memory
BUILDING, RUNNING = "building", "running"  # the steps of a computation

Progress = Callable[[str, float], None]  # hears the step and how far it is, 0 to 1; may raise Cancelled


class Models(Protocol):
    """What a computation needs: the loaded models by name, what opens pictures, and the bound on passes."""

    intake: Intake
    passes: threading.BoundedSemaphore

    def loaded(self, name: str) -> LoadedModel: ...


def compute(request: Request, models: Models, progress: Progress = lambda step, share: None) -> Exploration:
    """What the request's model does with its picture.

    Raises:
        UnreadablePicture: a picture that cannot be used. ValueError: no such model, an input too small for it, or a model whose
        numbers are not finite. Cancelled: by ``progress``.
    """
    loaded = models.loaded(request.model)
    if request.needs_building:
        progress(BUILDING, 0.0)
    model = loaded.model_of(request, lambda share: progress(BUILDING, share))
    progress(RUNNING, 0.0)
    picture = models.intake.open(request.picture)
    with models.passes:
        exploration = explore(model, loaded.processor_of(request), picture, loaded.runner if model is loaded.model else None)
    check_finite(exploration)
    return exploration


def compute_classes(request: Request, models: Models) -> list[tuple[str, float]]:
    """The most probable classes alone, as (label, probability); of a loaded model. Raises as ``compute``."""
    loaded = models.loaded(request.model)
    picture = models.intake.open(request.picture)
    with models.passes:
        classes = classify(loaded.model, loaded.processor, picture, loaded.runner)
    if not all(math.isfinite(probability) for _, probability in classes):
        raise ValueError(NOT_FINITE.format("its class scores"))
    return classes


def compute_inside(request: Request, seen: Exploration, models: Models, stage: int, block: int) -> bytes:
    """The inside of one block, for the picture of ``seen``, which ``compute`` made of this request. Raises ValueError."""
    loaded = models.loaded(request.model)
    model = loaded.model_of(request)  # built again where it is no longer kept
    with models.passes:
        return inside_payload(model, loaded.processor_of(request), seen, stage, block)
