"""Runs models on pictures for the page, its runs and routes, and the API. Besides, only the experiments do, under the same bound.

That bound limits the simultaneous forward passes of them all. It is acquired last, so that its holder never waits for anything
else, such as a download or a model being built. Only the passes on zeros that warm up a runner at the start go past it.
"""

from __future__ import annotations

import gc
import logging
import math
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from types import TracebackType
from typing import Any, Protocol

import torch

from cvt.model import CvtForImageClassification

from ..change.interventions import Means, intervened
from ..change.padding import ZEROS, padded
from ..change.parts import EXAMPLES
from ..draw.payload import NOT_FINITE, check_finite
from ..explore import Exploration, classify, explore
from ..maps.inside import inside_payload
from .intake import Intake
from .lent.caller import Lent, NotLent
from .models import LoadedModel
from .requests import Request
from .words.sentences import Refused
from .workers import NoWorker, Workers

PASSES = 2  # simultaneous forward passes: each uses several cores, and memory
BUILDING, RUNNING = "building", "running"  # the steps of a computation

Progress = Callable[[str, float], None]  # called with the step and its progress, 0 to 1; may raise Cancelled

log = logging.getLogger("cvt_explorer")


@contextmanager
def within_memory() -> Iterator[None]:
    """Within the block, running out of memory is refused in words, once what the block had taken is free again for others."""
    try:
        yield
    except Exception as error:
        _refuse_memory(error)
        raise


def _refuse_memory(error: BaseException) -> None:
    """Raises Refused if an error is that there is no memory, and frees what was computed so far."""
    if isinstance(error, Refused) or not _is_out_of_memory(error):
        return
    log.warning("out of memory: %s", str(error).partition(". ")[0])
    traceback.clear_frames(error.__traceback__)  # their variables hold it
    gc.collect()
    if torch.cuda.is_initialized():
        torch.cuda.empty_cache()
    raise Refused("no_memory") from None


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Also of an error that came of it: a graph that cannot be recorded for want of memory raises another one."""
    while error is not None:
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "DefaultCPUAllocator" in str(error):
            return True
        error = error.__context__
    return False


class Passes(threading.BoundedSemaphore):
    """The bound on simultaneous passes in this process, each of which is ``within_memory``; ``running``: how many there are."""

    def __init__(self) -> None:
        super().__init__(PASSES)
        self.running = 0
        self._lock = threading.Lock()

    def __enter__(self, blocking: bool = True, timeout: float | None = None) -> bool:
        acquired = self.acquire(blocking, timeout)
        with self._lock:
            self.running += acquired
        return acquired

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if error is not None:
                _refuse_memory(error)
        finally:
            with self._lock:
                self.running -= 1
            super().__exit__(kind, error, trace)


class Backend(Protocol):
    """What a computation needs: the loaded models by name, their means over the example pictures, the intake that opens pictures, the
    bound on passes, the GPUs that are lent, if any are, and workers, if there are any."""

    intake: Intake
    passes: Passes
    lent: Lent | None
    workers: Workers | None

    def loaded(self, name: str) -> LoadedModel: ...

    def example_means(self, name: str) -> Means: ...


def compute(request: Request, backend: Backend, progress: Progress = lambda step, share: None) -> Exploration:
    """Runs the request's model on its picture.

    Raises:
        UnreadablePicture: a picture that cannot be used. ValueError: no such model, an input too small for it, or NaN or
        infinity in its results. Cancelled: by ``progress``.
    """
    return _shared(compute_here, request, backend, progress)


def compute_here(backend: Backend, progress: Progress, request: Request) -> Exploration:
    """As ``compute``, in this process even if GPUs are lent."""
    loaded = backend.loaded(request.model)
    if request.needs_building:
        progress(BUILDING, 0.0)
    model = loaded.model_of(request, lambda share: progress(BUILDING, share))
    progress(RUNNING, 0.0)
    picture, means = backend.intake.open(request.picture), means_for(request, backend)
    processor = loaded.processor_of(request)
    if request.prepared:
        processor = replace(processor, do_resize=False, do_center_crop=False)
    with backend.passes, padded(model, padding_of(request, model)):
        runner = loaded.runner if model is loaded.model and request.padding == ZEROS else None
        exploration = explore(model, processor, picture, runner, request.also, request.interventions, means)
    check_finite(exploration)
    return exploration


def _wherever(work: Callable[..., Any], backend: Backend, progress: Progress, *arguments: Any) -> Any:
    """``work(backend, progress, *arguments)`` by a lent GPU, or here where none are lent, or none is to be had."""
    if backend.lent is not None:
        with suppress(NotLent):
            return backend.lent.run(work, progress, *arguments)
    return work(backend, progress, *arguments)


def _shared(work: Callable[..., Any], request: Request, backend: Backend, progress: Progress) -> Any:
    """``work(backend, progress, request)``: by a worker with that model while this process runs another pass, else as ``_wherever``."""
    workers = backend.workers
    if workers is None or not (workers.running or backend.passes.running) or _needs_this_process(request, backend):
        return _wherever(work, backend, progress, _opened(request, backend))
    progress(RUNNING, 0.0)
    request = replace(request, picture=backend.intake.open(request.picture))
    with suppress(NoWorker), within_memory():
        return workers.run(_by_worker, work, request, backend.loaded(request.model).fingerprint)
    return work(backend, progress, request)


def _by_worker(backend: Backend, work: Callable[..., Any], request: Request, fingerprint: int) -> Any:
    """``work``, in a worker. Raises NoWorker: this process cannot load the very model that the server has, such as when its files were
    changed or deleted since."""
    try:
        same = backend.loaded(request.model).fingerprint == fingerprint
    except Exception as error:
        raise NoWorker from error
    if not same:
        raise NoWorker
    return work(backend, _silent, request)


def _needs_this_process(request: Request, backend: Backend) -> bool:
    """Whether a request takes what workers do not have: variants, means over the example pictures, and models that are so large that not
    even this process has them twice. Raises ValueError: no such model, or it cannot be had."""
    takes_means = any(each.how == EXAMPLES for each in request.interventions)
    return request.needs_building or takes_means or backend.loaded(request.model).runner is None


def _silent(step: str, share: float) -> None:
    """Progress that nobody is told of."""


def _opened(request: Request, backend: Backend) -> Request:
    """The request with its picture opened, if it is to be sent to another process: that one opens no untrusted files."""
    if backend.lent is None:
        return request
    backend.loaded(request.model)  # refused before anything is sent
    return replace(request, picture=backend.intake.open(request.picture))


def padding_of(request: Request, model: CvtForImageClassification) -> str:
    """How a model pads for this request: as it was trained, unless another way than zeros is asked for."""
    return model.config.padding_mode if request.padding == ZEROS else request.padding


def means_for(request: Request, backend: Backend, *ways: str) -> Means | None:
    """What the request's interventions, and replacing parts in further ways, need of the example pictures.

    Acquires the bound on passes itself. Raises ValueError.
    """
    if EXAMPLES not in (*ways, *(each.how for each in request.interventions)):
        return None
    if request.needs_building:
        raise Refused("no_means_of_variant")
    return backend.example_means(request.model)


@contextmanager
def passing(request: Request, backend: Backend, model: CvtForImageClassification) -> Iterator[None]:
    """Within the block, which holds one of the passes, the request's model computes with its padding and its interventions.

    Raises ValueError as ``means_for``.
    """
    means = means_for(request, backend)
    with backend.passes, padded(model, padding_of(request, model)), intervened(model, [request.interventions], means):
        yield


def compute_classes(request: Request, backend: Backend) -> list[tuple[str, float]]:
    """Only the most probable classes, as (label, probability), by a loaded model. Raises as ``compute``."""
    return _shared(_classes, request, backend, _silent)


def _classes(backend: Backend, progress: Progress, request: Request) -> list[tuple[str, float]]:
    loaded = backend.loaded(request.model)
    picture = backend.intake.open(request.picture)
    with backend.passes:
        classes = classify(loaded.model, loaded.processor, picture, loaded.runner)
    if not all(math.isfinite(probability) for _, probability in classes):
        raise ValueError(NOT_FINITE.format("its class scores"))
    return classes


def compute_inside(request: Request, seen: Exploration, backend: Backend, stage: int, block: int) -> bytes:
    """The inside of one block for the picture of ``seen``, the result of ``compute`` for this request. Raises ValueError."""
    if request.padding != ZEROS:  # the microscope's arithmetic in the browser pads with zeros
        raise Refused("inside_padded")
    return _wherever(_inside, backend, lambda step, share: None, replace(request, picture=""), seen, stage, block)


def _inside(backend: Backend, progress: Progress, request: Request, seen: Exploration, stage: int, block: int) -> bytes:
    loaded = backend.loaded(request.model)
    model = loaded.model_of(request)  # rebuilt if no longer cached
    if model.config.padding_mode != ZEROS:
        raise Refused("inside_padded")
    with passing(request, backend, model):
        return inside_payload(model, loaded.processor_of(request), seen, stage, block)
