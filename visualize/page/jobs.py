"""Work that takes a while, told step by step, that whoever asked for it can cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # in Python 3.10 not the built-in one
from dataclasses import dataclass
from typing import TypeVar

from cvt.architecture.build import Cancelled
from cvt.architecture.cache import Recent

LOOK_SECONDS = 0.1  # after which a cancelled run is noticed
LOOKS_PER_WORD = 10  # a step is told again after so many looks, so that a closed page is noticed
REMEMBERED_RUNS = 1024  # cancelled runs
WAITING = "waiting"  # the step of a run that waits in line

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Step:
    """What a run is doing: the step's name, and how far it is, 0 to 1; 0 where that is not known."""

    name: str
    share: float = 0.0


class Jobs:
    """Runs that take a while, each with a name under which it can be cancelled; for any number of threads.

    Args:
        count: how many work at the same time; all others wait in line.
    """

    def __init__(self, count: int = 2):
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="job")
        self._cancelled: Recent[str, None] = Recent(REMEMBERED_RUNS)

    def cancel(self, run: str) -> None:
        """Ends the run of this name, wherever it is; also one that has not begun."""
        self._cancelled.keep(run, None)

    def steps(self, run: str, work: Callable[[Callable[[str, float], None]], Answer]) -> Iterator[Step | Answer]:
        """Does ``work`` in a thread. Yields its steps while it goes on, and at last what it returned.

        Args:
            work: called with ``progress(name, share)``, which it calls often: it passes the step on, and raises ``Cancelled``
                once nobody waits any more.
        Raises:
            Cancelled: the run is, whether or not the work has noticed yet; it never begins where it was before. What ``work`` raises.
        """
        if run in self._cancelled:
            raise Cancelled
        current, ended = [Step(WAITING)], threading.Event()

        def progress(name: str, share: float = 0.0) -> None:
            if ended.is_set():
                raise Cancelled
            current[0] = Step(name, share)

        future: Future = self._threads.submit(work, progress)
        told, looks = None, 0
        try:
            while True:
                if run in self._cancelled:
                    raise Cancelled
                try:
                    yield future.result(LOOK_SECONDS)
                    return
                except NotYet:
                    if future.done():  # the work itself ran into a time limit
                        raise
                looks += 1
                if current[0] != told or looks % LOOKS_PER_WORD == 0:
                    told = current[0]
                    yield told
        finally:
            ended.set()
            future.cancel()
