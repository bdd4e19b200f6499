"""The one place where results live between a picture and the questions about it: bounded, shared, thread-safe."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cvt.architecture.cache import Recent

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


class ExplorationStore(Recent[str, StoredResult]):
    """The most recently used results. Keys cannot be guessed: whoever has one was given it, so people who share a server do not see
    each other's pictures."""

    def __init__(self, max_items: int = 64, max_bytes: int = 512 << 20):
        super().__init__(max_items, max_bytes, lambda item: item.nbytes)

    def put(self, item: StoredResult) -> str:
        """Keeps ``item``, drops the least recently used ones that no longer fit, and returns the new item's key.

        Raises:
            ValueError: the item alone is larger than ``max_bytes``.
        """
        if item.nbytes > self.max_bytes:
            raise Refused("result_too_large", needed=item.nbytes >> 20, allowed=self.max_bytes >> 20)
        key = secrets.token_urlsafe(16)
        self.keep(key, item)
        return key
