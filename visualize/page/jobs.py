"""One run of a variant, told step by step, that whoever asked for it can cancel."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet  # in Python 3.10 not the built-in one
from typing import TypeVar

from cvt.architecture.build import Cancelled

PATIENCE = 0.1  # seconds after which a cancelled run is noticed
TELL = 10  # looks between two words about what is still going on
REMEMBERED = 1024  # cancelled runs

Answer = TypeVar("Answer")
Tell = Callable[..., None]


class Trials:
    """Runs that take a while, each with a name under which it can be cancelled; for any number of threads.

    Args:
        count: how many work at the same time; all others wait in line.
    """

    def __init__(self, count: int = 2):
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="trial")
        self._cancelled: OrderedDict[str, None] = OrderedDict()  # oldest first
        self._lock = threading.Lock()

    def cancel(self, run: str) -> None:
        """Ends the run of this name, wherever it is; also one that has not begun."""
        with self._lock:
            self._cancelled[run] = None
            while len(self._cancelled) > REMEMBERED:
                self._cancelled.popitem(last=False)

    def steps(self, run: str, work: Callable[[Tell], Answer]) -> Iterator[str | Answer]:
        """Does ``work`` in a thread. Yields words about it while it goes on, and at last what it returned.

        Args:
            work: called with ``tell(words, share)``, which it calls often: it passes the words on, and raises ``Cancelled``
                once nobody waits any more.
        Raises:
            Cancelled: the run is, whether or not the work has noticed yet. What ``work`` raises.
        """
        if run in self._cancelled:
            raise Cancelled
        told, ended = ["Waiting in line …"], threading.Event()

        def tell(words: str, share: float = 0.0) -> None:
            if ended.is_set():
                raise Cancelled
            told[0] = f"{words}, {share:.0%} …" if share else f"{words} …"

        future: Future = self._threads.submit(work, tell)
        last, looks = None, 0
        try:
            while True:
                if run in self._cancelled:
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
