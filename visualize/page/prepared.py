"""Results that many people open, made before anybody asks: in files of the temporary folder, so that they take no memory until then."""

from __future__ import annotations

import pickle
import tempfile
import threading
from typing import IO

from .requests import Request
from .results import StoredResult


class PreparedResults:
    """Results by their request. Each lies in a file without a name, which only this process can open and which ends with it.

    Every method may be called by many threads at once.
    """

    def __init__(self) -> None:
        self._files: dict[Request, IO[bytes]] = {}
        self._lock = threading.Lock()

    def put(self, result: StoredResult) -> None:
        """Keeps a result. A disk that is full is no reason to fail: the result is then made when it is asked for."""
        try:
            file = tempfile.TemporaryFile()  # noqa: SIM115 -- open for as long as the page runs
            pickle.dump(result, file, protocol=pickle.HIGHEST_PROTOCOL)
            file.flush()
        except OSError:
            return
        with self._lock:
            self._files[result.request] = file

    def get(self, request: Request) -> StoredResult | None:
        """The result of this very request, if there is one."""
        with self._lock:  # a file has one place from which it reads
            file = self._files.get(request)
            if file is None:
                return None
            file.seek(0)
            return pickle.load(file)
