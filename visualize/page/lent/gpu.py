"""ZeroGPU's decorator, where the package ``spaces`` is; else nothing is lent."""

from __future__ import annotations

from collections.abc import Generator

from ..jobs import Step
from . import child
from .task import Done, Failed, Task

try:
    from spaces import GPU
except ImportError:  # it is on Hugging Face Spaces only
    GPU = None


def _seconds(task: Task) -> int:
    return task.seconds


def _on_gpu(task: Task) -> Generator[Step | Done | Failed]:
    """Does a task; see ``child.steps_of``."""
    yield from child.steps_of(task)


on_gpu = _on_gpu if GPU is None else GPU(duration=_seconds)(_on_gpu)
LENDS = on_gpu is not _on_gpu  # elsewhere the decorator returns the function itself
