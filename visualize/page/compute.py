"""Runs models on pictures for the page, its runs and routes, and the API. Besides, only the experiments do, under the same bound.

That bound limits the simultaneous forward passes of them all. It is acquired last, so that its holder never waits for anything
else, such as a download or a model being built. Only the passes on zeros that warm up a runner at the start go past it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from cvt.model import CvtForImageClassification

from ..change.interventions import Means, intervened
from ..change.padding import ZEROS, padded
from ..change.parts import EXAMPLES
from ..draw.blocks import NOT_FINITE
from ..draw.payload import check_finite
from ..explore import Exploration, classify, explore
from ..maps.inside import inside_payload
from .intake import Intake
from .model import LoadedModel
from .requests import Request
from .words.sentences import Refused

PASSES = 2  # simultaneous forward passes: each uses several cores, and memory
BUILDING, RUNNING = "building", "running"  # the steps of a computation

Progress = Callable[[str, float], None]  # called with the step and its progress, 0 to 1; may raise Cancelled


class Models(Protocol):
    """What a computation needs: the loaded models by name, their means over the example pictures, the intake that opens pictures, and
    the bound on passes."""

    intake: Intake
    passes: threading.BoundedSemaphore

    def loaded(self, name: str) -> LoadedModel: ...

    def example_means(self, name: str) -> Means: ...


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
    picture, means = models.intake.open(request.picture), means_for(request, models)
    processor = loaded.processor_of(request)
    if request.prepared:
        processor = replace(processor, do_resize=False, do_center_crop=False)
    with models.passes, padded(model, padding_of(request, model)):
        runner = loaded.runner if model is loaded.model and request.padding == ZEROS else None
        exploration = explore(model, processor, picture, runner, request.also, request.interventions, means)
    check_finite(exploration)
    return exploration


def padding_of(request: Request, model: CvtForImageClassification) -> str:
    """How a model pads for this request: as it was trained, unless another way than zeros is asked for."""
    return model.config.padding_mode if request.padding == ZEROS else request.padding


def means_for(request: Request, models: Models, *ways: str) -> Means | None:
    """What the request's interventions, and replacing parts in further ways, need of the example pictures.

    Acquires the bound on passes itself. Raises ValueError.
    """
    if EXAMPLES not in (*ways, *(each.how for each in request.interventions)):
        return None
    if request.needs_building:
        raise Refused("no_means_of_variant")
    return models.example_means(request.model)


@contextmanager
def passing(request: Request, models: Models, model: CvtForImageClassification) -> Iterator[None]:
    """Within the block, which holds one of the passes, the request's model computes with its padding and its interventions.

    Raises ValueError as ``means_for``.
    """
    means = means_for(request, models)
    with models.passes, padded(model, padding_of(request, model)), intervened(model, [request.interventions], means):
        yield


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
    if request.padding != ZEROS:  # the microscope's arithmetic in the browser pads with zeros
        raise Refused("inside_padded")
    loaded = models.loaded(request.model)
    model = loaded.model_of(request)  # rebuilt if no longer cached
    if model.config.padding_mode != ZEROS:
        raise Refused("inside_padded")
    with passing(request, models, model):
        return inside_payload(model, loaded.processor_of(request), seen, stage, block)
