"""One run of a variant, told step by step, that whoever asked for it can cancel."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # in Python 3.10 not the built-in one
from typing import TypeVar

from cvt.build import Cancelled

PATIENCE = 0.1  # seconds after which a cancelled run is noticed
TELL = 10  # looks between two words about what is still going on
REMEMBERED = 1024  # cancelled runs

Answer = TypeVar("Answer")


class Cancellations:
    """The runs that are no longer wanted; the last ones, for any number of threads."""

    def __init__(self):
        self._runs: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, run: str) -> None:
        with self._lock:
            self._runs[run] = None
            while len(self._runs) > REMEMBERED:
                self._runs.popitem(last=False)

    def __contains__(self, run: str) -> bool:
        return run in self._runs

    def __len__(self) -> int:
        return len(self._runs)


class Workers:
    """A few threads for what takes long, so that whoever waits for it can stop waiting.

    Args:
        count: how many work at the same time; all others wait in line.
    """

    def __init__(self, count: int = 2):
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="trial")

    def steps(
        self, work: Callable[[Callable[[float, str], None]], Answer], cancelled: Callable[[], bool]
    ) -> Iterator[str | Answer]:
        """Does ``work`` in a thread. Yields words about it while it goes on, and at last what it returned.

        Args:
            work: called with ``tell(share, words)``, which it calls often: it passes words on, and raises ``Cancelled`` once
                the run is.
        Raises:
            Cancelled: as soon as ``cancelled`` is true, whether or not the work has noticed yet. What ``work`` raises.
        """
        told = ["Waiting in line …"]
        ended = threading.Event()

        def tell(share: float, words: str) -> None:
            if ended.is_set():
                raise Cancelled
            told[0] = f"{words} {share:.0%} …" if share else f"{words} …"

        future: Future = self._threads.submit(work, tell)
        last, looks = None, 0
        try:
            while True:
                if cancelled():
                    raise Cancelled
                try:
                    yield future.result(PATIENCE)
                    return
                except NotYet:
                    if future.done():  # the work itself ran into a time limit
                        raise
                looks += 1
                if told[0] != last or looks % TELL == 0:  # now and then anyway, so that a closed page is noticed
                    last = told[0]
                    yield last
        finally:
            ended.set()
            future.cancel()
