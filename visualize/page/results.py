"""The one place where results live between a picture and the questions about it: bounded, shared, thread-safe."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from ..explore import Exploration
from .requests import Request
from .words.sentences import Refused


@dataclass(frozen=True)
class StoredResult:
    """What a model did with a picture, the request that this answers, and, where they were made ahead, the bytes that the browser
    draws from."""

    request: Request
    exploration: Exploration
    prepared: bytes | None = None

    @property
    def nbytes(self) -> int:
        """Memory that this value holds."""
        return self.request.nbytes + self.exploration.nbytes + len(self.prepared or b"")


class Sized(Protocol):
    """Anything that knows how much memory it holds, as ``Exploration`` does."""

    @property
    def nbytes(self) -> int: ...


Item = TypeVar("Item", bound=Sized)


class ExplorationStore(Generic[Item]):
    """The most recently used results, at most ``max_items`` of them and at most ``max_bytes`` in all.

    Keys cannot be guessed: whoever has one was given it, so people who share a server do not see each other's pictures.

    Raises:
        ValueError: bounds below 1.
    """

    def __init__(self, max_items: int = 64, max_bytes: int = 512 << 20):
        if max_items < 1 or max_bytes < 1:
            raise ValueError(f"A store must hold at least one item and one byte, not {max_items} items and {max_bytes} bytes.")
        self.max_items, self.max_bytes = max_items, max_bytes
        self._items: OrderedDict[str, Item] = OrderedDict()  # least recently used first
        self._nbytes = 0
        self._lock = threading.Lock()

    def put(self, item: Item) -> str:
        """Keeps ``item``, drops the least recently used ones that no longer fit, and returns the new item's key.

        Raises:
            ValueError: the item alone is larger than ``max_bytes``.
        """
        size = item.nbytes
        if size > self.max_bytes:
            raise Refused("result_too_large", needed=size >> 20, allowed=self.max_bytes >> 20)
        key = secrets.token_urlsafe(16)
        with self._lock:
            self._items[key] = item
            self._nbytes += size
            while len(self._items) > self.max_items or self._nbytes > self.max_bytes:
                _, dropped = self._items.popitem(last=False)
                self._nbytes -= dropped.nbytes
        return key

    def get(self, key: str) -> Item:
        """The item of ``key``, now the most recently used one.

        Raises:
            KeyError: there is none, or it was dropped.
        """
        with self._lock:
            item = self._items[key]
            self._items.move_to_end(key)
            return item

    def find(self, fits: Callable[[Item], bool]) -> tuple[str, Item] | None:
        """The most recently used item that fits, with its key; None where none does."""
        with self._lock:
            key = next((key for key in reversed(self._items) if fits(self._items[key])), None)
            if key is None:
                return None
            self._items.move_to_end(key)
            return key, self._items[key]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def nbytes(self) -> int:
        """Memory that the kept items hold."""
        return self._nbytes
