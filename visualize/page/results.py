"""Stores results between the request for them and later queries about them: bounded, shared, thread-safe."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from cvt.architecture.cache import Recent

from ..explore import Exploration
from .requests import Request
from .words.sentences import Refused


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
