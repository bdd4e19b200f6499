"""A thread-safe LRU cache bounded by count and bytes, and a cache of built models that builds each one once."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet  # in Python 3.10 not the built-in one
from typing import Generic, TypeVar

from ..config import CvtConfig
from ..model import CvtForImageClassification
from .build import Cancelled, Watch, build_variant, inherit, model_bytes

LOOK_SECONDS = 0.05  # interval of checks while waiting for another caller's build

Key = TypeVar("Key")
Item = TypeVar("Item")
VariantKey = tuple[str, int, CvtForImageClassification | None]  # a config, a seed, and whose weights are inherited


class Recent(Generic[Key, Item]):
    """The most recently used items by key, at most ``max_items`` of them and ``max_bytes`` in all; thread-safe.

    Args:
        size: gives the bytes of an item when it is added. clock: gives the time in seconds.
    Raises:
        ValueError: bounds below 1.
    """

    def __init__(
        self,
        max_items: int,
        max_bytes: int = sys.maxsize,
        size: Callable[[Item], int] = lambda item: 0,
        clock: Callable[[], float] = time.monotonic,
    ):
        if max_items < 1 or max_bytes < 1:
            raise ValueError(f"There must be room for at least one item and one byte, not {max_items} items and {max_bytes} bytes.")
        self.max_items, self.max_bytes, self.size = max_items, max_bytes, size
        self._items: OrderedDict[Key, Item] = OrderedDict()  # least recently used first
        self._sizes: dict[Key, int] = {}
        self._used: dict[Key, float] = {}
        self._clock = clock
        self._nbytes = 0
        self._lock = threading.Lock()

    def keep(self, key: Key, item: Item) -> None:
        """Adds an item, and drops the least recently used ones that no longer fit, or the item itself if it alone is too large."""
        with self._lock:
            self._items[key] = item
            self._use(key)
            self._nbytes -= self._sizes.get(key, 0)
            self._sizes[key] = self.size(item)
            self._nbytes += self._sizes[key]
            while len(self._items) > self.max_items or self._nbytes > self.max_bytes:
                self._drop(self._oldest())

    def _use(self, key: Key) -> None:
        self._items.move_to_end(key)
        self._used[key] = self._clock()

    def _oldest(self) -> Key:
        return next(iter(self._items))

    def _drop(self, key: Key) -> None:
        del self._items[key], self._used[key]
        self._nbytes -= self._sizes.pop(key)

    def drop_unused(self, seconds: float) -> int:
        """Drops the items that nobody has used for so long; returns how many."""
        with self._lock:
            before, limit = len(self._items), self._clock() - seconds
            while self._items and self._used[self._oldest()] <= limit:
                self._drop(self._oldest())
            return before - len(self._items)

    def get(self, key: Key) -> Item:
        """The item of ``key``, now the most recently used one. Raises KeyError if it was never added or was dropped."""
        with self._lock:
            self._use(key)
            return self._items[key]

    def find(self, fits: Callable[[Item], bool]) -> tuple[Key, Item] | None:
        """The most recently used item that fits, with its key; None if none does."""
        with self._lock:
            key = next((key for key in reversed(self._items) if fits(self._items[key])), None)
            if key is None:
                return None
            self._use(key)
            return key, self._items[key]

    def items(self) -> list[tuple[Key, Item]]:
        """All keys and their items, the least recently used first."""
        with self._lock:
            return list(self._items.items())

    def drop(self, fits: Callable[[Key], bool]) -> None:
        """Takes out every item whose key fits."""
        with self._lock:
            for key in [key for key in self._items if fits(key)]:
                self._drop(key)

    def __contains__(self, key: Key) -> bool:
        return key in self._items

    def __len__(self) -> int:
        return len(self._items)

    @property
    def nbytes(self) -> int:
        """Bytes that the items hold."""
        return self._nbytes


class VariantCache:
    """The last models built: at most ``max_count`` of them and at most ``max_bytes`` in all; thread-safe.

    Simultaneous calls for the same model share one build; calls for other models, and for cached ones, do not wait for it. A model
    larger than ``max_bytes`` is built and returned but not cached.

    Args:
        build: builds the model of (config, seed), for example on a GPU; ``build_variant`` by default.
        inherit: builds the model of (base, config, seed) with the base's weights where they fit.
    """

    def __init__(
        self,
        max_count: int = 4,
        max_bytes: int = 512 << 20,
        build: Callable[..., CvtForImageClassification] = build_variant,
        inherit: Callable[..., CvtForImageClassification] = lambda *args, **watch: inherit(*args, **watch).model,
    ):
        self.kept: Recent[VariantKey, CvtForImageClassification] = Recent(max_count, max_bytes, model_bytes)
        self._build, self._inherit = build, inherit
        self._building: dict[VariantKey, Future] = {}
        self._lock = threading.Lock()

    def get(
        self, config: CvtConfig, seed: int = 0, base: CvtForImageClassification | None = None, watch: Watch | None = None
    ) -> CvtForImageClassification:
        """The model of ``config``, cached or built now. Raises what the build raises.

        Args:
            base: whose weights it inherits where they fit; None for random weights only. The seed fixes the random ones.
            watch: called with the progress, 0 to 1; it ends the build for this caller by raising ``Cancelled``, and other callers
                still get the model. It is passed to ``build`` and ``inherit`` only if given.
        """
        key = (config.to_json_string(), seed, base)
        while True:
            with self._lock:
                if key in self.kept:
                    return self.kept.get(key)
                mine = key not in self._building
                future: Future = self._building.setdefault(key, Future())
            if mine:
                return self._made(key, future, config, watch)
            try:
                return _waited(future, watch)
            except Cancelled:
                if not future.done() or not isinstance(future.exception(), Cancelled):
                    raise  # by this caller's own watch
                # else the building caller gave up: look again, and build it here if nobody else does

    def forget(self, base: CvtForImageClassification) -> None:
        """Drops the variants that inherit from this model, and with them what keeps it in memory."""
        self.kept.drop(lambda key: key[2] is base)

    def _made(self, key: VariantKey, future: Future, config: CvtConfig, watch: Watch | None) -> CvtForImageClassification:
        _, seed, base = key
        watching = {} if watch is None else {"watch": watch}
        try:
            model = self._build(config, seed, **watching) if base is None else self._inherit(base, config, seed, **watching)
        except BaseException as error:
            with self._lock:
                del self._building[key]
            future.set_exception(error)
            raise
        with self._lock:
            if model_bytes(model) <= self.kept.max_bytes:
                self.kept.keep(key, model)
            del self._building[key]
        future.set_result(model)
        return model


def _waited(future: Future, watch: Watch | None) -> CvtForImageClassification:
    """The result of another caller's build; ``watch`` may end the wait."""
    while watch is not None:
        try:
            return future.result(LOOK_SECONDS)
        except NotYet:
            if future.done():  # the build itself ran into a time limit
                raise
            watch(0.0)
    return future.result()
