"""Has work done where the GPU is, for the process that has none."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any, Protocol

from ..jobs import Step
from ..results import StoredResult
from ..words.sentences import Refused
from . import child, gpu
from .task import Done, Task

ONE_PASS, SOME_PASSES, MANY_PASSES = 20, 60, 120  # seconds, with the start of a process and the way of a model to the GPU

log = logging.getLogger("cvt_explorer")


class NotLent(Refused):
    """No GPU was to be had, or it was taken away."""


class Keeper(child.Forkable, Protocol):
    """A workbench that keeps results under given keys."""

    def keep(self, key: str, result: StoredResult) -> None: ...


class Lent:
    """A workbench's access to GPUs; thread-safe."""

    def __init__(self, workbench: Keeper):
        self._number, self._keep = child.register(workbench), workbench.keep

    def run(
        self,
        work: Callable[..., Any],
        progress: Callable[[str, float], None],
        *arguments: Any,
        results: Mapping[str, StoredResult] | None = None,
        seconds: int = ONE_PASS,
    ) -> Any:
        """The answer of ``work(workbench, progress, *arguments)`` on a GPU. The results that it stores are stored here too.

        Raises:
            NotLent: with a sentence. Cancelled: by ``progress``. Also whatever the work raises.
        """
        with closing(gpu.on_gpu(Task(self._number, work, arguments, results or {}, seconds))) as steps:
            while True:
                found = _next(steps)
                if isinstance(found, Step):
                    progress(found.name, found.share)
                    continue
                if isinstance(found, Done):
                    for key, result in found.results.items():
                        self._keep(key, result)
                    return found.answer
                raise found.error


def _next(steps: Any) -> Any:
    """The next step, where all that is raised is ZeroGPU's: a quota that is used up, no free GPU, a process that was ended."""
    try:
        return next(steps)
    except Exception as error:
        said = getattr(error, "message", None)  # of a gradio.Error, which is written for people; str(error) would put it in quotes
        log.warning("no GPU was lent: %s", said or repr(error))
        raise NotLent("gpu_refused", reason=str(said).strip()) if said else NotLent("gpu_gone") from error


def lent_to(workbench: Keeper) -> Lent | None:
    """The workbench's access to lent GPUs; None where none are lent."""
    return Lent(workbench) if gpu.LENDS else None
