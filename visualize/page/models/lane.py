"""The thread in which models run, and what else takes several cores, so that a lone answer has them all at once."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

import torch

PAUSE_SOFT = 1  # as in OpenMP's omp.h

Answer = TypeVar("Answer")

_here = threading.local()  # ``computes``: whether this thread is in a ``run``


class Lane:
    """Runs computations in one thread that stays. What comes while it is taken runs in the caller's thread: nothing ever waits.

    A thread that computes keeps helpers, OpenMP's threads, for as long as it lives. Once a process has more of all these than cores, they
    no longer wait for their next piece of work in a short loop, but sleep, and on two cores a picture takes half as long again. So one
    thread keeps its helpers, and all others end theirs.
    """

    def __init__(self) -> None:
        # its thread begins with the first work: a process that is forked before has one of its own
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lane", initializer=_enter)
        self._taken = threading.Lock()

    def run(self, work: Callable[..., Answer], *arguments: Any, **named: Any) -> Answer:
        """``work(*arguments, **named)``, within the caller's context; directly where this is called within work. Raises what it raises."""
        if getattr(_here, "computes", False):
            return work(*arguments, **named)
        if self._taken.acquire(blocking=False):
            try:
                return self._thread.submit(copy_context().run, work, *arguments, **named).result()
            finally:
                self._taken.release()
        _here.computes = True
        try:
            return work(*arguments, **named)
        finally:
            _here.computes = False
            _pause()(PAUSE_SOFT)


def _enter() -> None:
    _here.computes = True
    torch.get_num_threads()  # a new thread takes over the number that was set for the process only when PyTorch looks at it


@cache
def _pause() -> Callable[[int], int]:
    """The function of GNU's OpenMP that ends the helpers of the thread that calls it. Before GCC 9 there is none, and LLVM's ends those of
    all threads: nothing is called then."""
    with suppress(OSError, AttributeError, TypeError):
        loaded = ctypes.CDLL(None)
        if sys.platform == "linux" and not hasattr(loaded, "__kmpc_fork_call"):
            return loaded.omp_pause_resource_all
    return lambda kind: -1
