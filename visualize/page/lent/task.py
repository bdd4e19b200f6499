"""What crosses between this process and the one with the GPU."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..results import StoredResult


@dataclass(frozen=True)
class Task:
    """Work for a GPU.

    Attributes:
        workbench: its number, as ``child.register`` gave it.
        work: called as ``work(workbench, progress, *arguments)``; a function that can be imported by its name.
        results: those that the work asks for by their keys.
        seconds: how long the GPU is needed at most.
    """

    workbench: int
    work: Callable[..., Any]
    arguments: tuple[Any, ...]
    results: Mapping[str, StoredResult]
    seconds: int


@dataclass(frozen=True)
class Done:
    """A task's answer, and the results that it stored, by their keys."""

    answer: Any
    results: Mapping[str, StoredResult]


@dataclass(frozen=True)
class Failed:
    """The error that ended a task: ZeroGPU itself would pass on only the name of its class."""

    error: Exception


def portable(error: Exception) -> Exception:
    """The error, as it arrives when pickled; one that cannot be pickled becomes a ValueError with its sentence, or a RuntimeError with its
    traceback, for the log."""
    try:
        if str(pickle.loads(pickle.dumps(error))) == str(error) and isinstance(error, ValueError | LookupError):
            return error
    except Exception:  # whatever an error's own way of being pickled raises
        pass
    return ValueError(str(error)) if isinstance(error, ValueError) else RuntimeError("".join(traceback.format_exception(error)))
