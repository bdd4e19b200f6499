"""Stores results between the request for them and later queries about them: bounded, shared, thread-safe."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from cvt.architecture.cache import Recent

from ..explore import Exploration
from .requests import Request
from .words.sentences import Refused

AHEAD = 8  # payloads, of up to some 8 MB each, that are made before a browser asks for them


@dataclass(frozen=True)
class StoredResult:
    """A model's result for a picture, its request, and, if precomputed, the browser's payload."""

    request: Request
    exploration: Exploration
    prepared: bytes | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of memory that this value holds."""
        return self.request.nbytes + self.exploration.nbytes + len(self.prepared or b"")


class ExplorationStore(Recent[str, StoredResult]):
    """The most recently used results. Keys cannot be guessed, so people who share a server do not see each other's pictures."""

    def __init__(self, max_items: int = 64, max_bytes: int = 512 << 20):
        super().__init__(max_items, max_bytes, lambda item: item.nbytes)

    def put(self, item: StoredResult) -> str:
        """Stores ``item``, drops the least recently used ones that no longer fit, and returns the new item's key.

        Raises:
            ValueError: the item alone is larger than ``max_bytes``.
        """
        if item.nbytes > self.max_bytes:
            raise Refused("result_too_large", needed=item.nbytes >> 20, allowed=self.max_bytes >> 20)
        key = secrets.token_urlsafe(16)
        self.keep(key, item)
        return key


class Ahead:
    """Payloads that are made while the browser is still being told of their results, each given once; thread-safe.

    Those that nobody fetches, such as of a page that was closed, make room for the next.
    """

    def __init__(self, most: int = AHEAD):
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="payload")
        self._most = most
        self._made: OrderedDict[str, Future[bytes]] = OrderedDict()  # the newest last
        self._lock = threading.Lock()

    def begin(self, key: str, make: Callable[[], bytes]) -> None:
        """Begins to make the payload of a result."""
        with self._lock:
            self._made[key] = self._threads.submit(make)
            while len(self._made) > self._most:
                self._made.popitem(last=False)[1].cancel()  # or all that nobody fetches would wait here, each with its result

    def take(self, key: str) -> bytes | None:
        """The payload of a result, once it is made; None if it was not begun. Raises what making it raised."""
        with self._lock:
            found = self._made.pop(key, None)
        # others' are before one that still waits: whoever asks makes it at once
        return None if found is None or found.cancel() else found.result()
