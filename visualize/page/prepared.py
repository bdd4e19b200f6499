"""Keeps precomputed results that many people open, in temporary files, so that they take no memory until requested."""

from __future__ import annotations

import ctypes
import gc
import pickle
import tempfile
import threading
from contextlib import suppress
from typing import IO

from .requests import Request
from .results import StoredResult

M_ARENA_MAX = -8  # as in glibc's malloc.h


def give_back_memory() -> None:
    """Returns freed memory to the system: glibc's allocator keeps 20 MB of what a dozen passes used. Elsewhere nothing happens."""
    gc.collect()
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


def use_one_arena() -> None:
    """For this process and those that it forks: with an arena for each thread, glibc's allocator keeps up to 40 MB of what threads used and
    freed, which ``give_back_memory`` cannot return: it trims the tops of no arenas but the first. Elsewhere nothing happens."""
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


class PreparedResults:
    """Results by their request, each in an unnamed file that only this process can open and that disappears with it.

    The files take at most ``max_bytes`` together. All methods are thread-safe.
    """

    def __init__(self, max_bytes: int = 512 << 20) -> None:
        self.max_bytes = max_bytes
        self._files: dict[Request, IO[bytes]] = {}
        self._nbytes = 0
        self._lock = threading.Lock()

    def put(self, result: StoredResult) -> None:
        """Keeps a result. Without room for it, here or on the disk, it does nothing: the result is then computed when requested."""
        with self._lock:
            if result.request in self._files or self._nbytes + result.nbytes > self.max_bytes:
                return
            try:
                file = tempfile.TemporaryFile()  # noqa: SIM115 -- open for as long as the page runs
                pickle.dump(result, file, protocol=pickle.HIGHEST_PROTOCOL)
                file.flush()
            except OSError:
                return
            self._files[result.request] = file
            self._nbytes += result.nbytes

    def get(self, request: Request) -> StoredResult | None:
        """The result for exactly this request, if there is one."""
        with self._lock:  # threads share a file's read position
            file = self._files.get(request)
            if file is None:
                return None
            file.seek(0)
            return pickle.load(file)

    def __contains__(self, request: Request) -> bool:
        return request in self._files  # without the lock, which is held for as long as a result is read
