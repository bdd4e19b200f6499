"""Runs long jobs in threads, with progress reporting and cancellation, and knows whether any request is in progress."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # not the built-in one in Python 3.10
from contextvars import copy_context
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from cvt.architecture.build import Cancelled
from cvt.architecture.cache import Recent

from .words.sentences import Refused

LOOK_SECONDS = 0.1  # interval at which cancellation is checked
LOOKS_PER_WORD = 10  # after so many checks a step is reported again, so that a closed page is noticed
REMEMBERED_RUNS = 1024  # cancelled runs
MOST_WAITING = 100  # jobs for the same threads
WAITING = "waiting"  # the step of a queued run

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Step:
    """A run's current step: its name, and its progress from 0 to 1; 0 if unknown."""

    name: str
    share: float = 0.0


class Jobs:
    """Runs jobs, each under a name by which it can be cancelled; thread-safe.

    Args:
        count: how many run at the same time; the others are queued, and refused if too many are.
    """

    def __init__(self, count: int = 2):
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="job")
        self._cancelled: Recent[str, None] = Recent(REMEMBERED_RUNS)

    def cancel(self, run: str) -> None:
        """Cancels the run with this name, whether it is running, queued or yet to be submitted."""
        self._cancelled.keep(run, None)

    def _submitted(self, work: Callable[[Callable[[str, float], None]], Answer]) -> _Job:
        if self._threads._work_queue.qsize() >= MOST_WAITING:  # with those that nobody waits for any more, which take memory too
            raise Refused("tools_busy")
        return _Job(self._threads, work)

    def steps(self, run: str, work: Callable[[Callable[[str, float], None]], Answer]) -> Generator[Step | Answer]:
        """Runs ``work`` in a thread. Yields its steps while it runs, and finally its result.

        Args:
            work: called with ``progress(name, share)``, which it should call often: it reports the step, and raises ``Cancelled``
                once nobody is waiting any more.
        Raises:
            Cancelled: the run was cancelled, even if ``work`` has not stopped yet; if cancelled earlier, it never starts. Also
            whatever ``work`` raises. ValueError: too many jobs are waiting.
        """
        if run in self._cancelled:
            raise Cancelled
        job = self._submitted(work)
        told, looks = None, 0
        try:
            while True:
                if run in self._cancelled:
                    raise Cancelled
                try:
                    yield job.future.result(LOOK_SECONDS)
                    return
                except NotYet:
                    if job.future.done():  # the work itself raised a timeout
                        raise
                looks += 1
                if job.step != told or looks % LOOKS_PER_WORD == 0:
                    told = job.step
                    yield told
        finally:
            job.end()

    async def waited(self, work: Callable[[Callable[[str, float], None]], Answer]) -> AsyncGenerator[Step | Answer]:
        """As ``steps``, but waits without a thread, and for work that nobody cancels by a name: closing the iterator ends it."""
        job = self._submitted(work)
        future = asyncio.wrap_future(job.future)
        future.add_done_callback(_heard)
        told = None
        try:
            while not future.done():
                await asyncio.wait([future], timeout=LOOK_SECONDS)
                if job.step != told and not future.done():
                    told = job.step
                    yield told
            yield future.result()
        finally:
            job.end()


def _heard(future: asyncio.Future) -> None:
    """Marks an error as seen, which asyncio would else write to the log: who waits has been told, and else nobody waits any more."""
    if not future.cancelled():
        future.exception()


class _Job:
    """Work that was submitted: its ``future`` and its current ``step``."""

    def __init__(self, threads: ThreadPoolExecutor, work: Callable[[Callable[[str, float], None]], Answer]):
        self.step, self._ended = Step(WAITING), threading.Event()
        # within the caller's context, by which ZeroGPU knows whose quota a GPU is on
        self.future: Future = threads.submit(copy_context().run, work, self._progress)

    def _progress(self, name: str, share: float = 0.0) -> None:
        if self._ended.is_set():
            raise Cancelled
        self.step = Step(name, share)

    def end(self) -> None:
        """Nobody is waiting any more: the work never starts, or ends with its next step."""
        self._ended.set()
        self.future.cancel()


class Busy:
    """Counts the requests in progress, ``with busy: …``, so that work that nobody waits for gives way to them. Thread-safe."""

    def __init__(self) -> None:
        self._count = 0
        self._another = False  # whether one has begun since ``wait_until_none`` last looked
        self._changed = threading.Condition()

    def __enter__(self) -> None:
        with self._changed:
            self._count += 1
            self._another = True
            self._changed.notify_all()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._changed:
            self._count -= 1
            self._changed.notify_all()

    def wait_until_none(self, for_seconds: float = 0.0) -> None:
        """Returns when no request is in progress, and none has been for so long."""
        with self._changed:
            while True:
                self._changed.wait_for(lambda: not self._count)
                self._another = False
                if not for_seconds or not self._changed.wait_for(lambda: self._another, for_seconds):
                    return
