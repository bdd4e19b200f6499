"""The models in memory: bounded in bytes, the least recently used dropped first, never the first model nor one in use."""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .loaded import LoadedModel

_USED: ContextVar[list[str] | None] = ContextVar("used", default=None)  # the models of the innermost ``using`` of this thread


class Kept:
    """Loaded models by name; thread-safe.

    Models in use stay even where they exceed the bound together; they go as soon as nobody uses them.

    Args:
        max_bytes: of all models but the pinned one. freed: called after models were dropped.
    """

    def __init__(self, max_bytes: int, freed: Callable[[], None] = lambda: None):
        self.max_bytes, self._freed = max_bytes, freed
        self._models: OrderedDict[str, LoadedModel] = OrderedDict()  # least recently used first
        self._sizes: dict[str, int] = {}  # also of those that are being loaded
        self._uses: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def nbytes(self) -> int:
        """Bytes of all models but the pinned one, and of those for which there is a place."""
        return sum(self._sizes.values())

    @property
    def models(self) -> dict[str, LoadedModel]:
        """All models by name. It waits for nobody, so that a forked process, where nobody gives back the lock, can ask for them."""
        return dict(self._models)

    def __contains__(self, name: str) -> bool:
        return name in self._models

    def get(self, name: str) -> LoadedModel | None:
        """The model, now the most recently used one, and in use until this thread's ``using`` ends; None if it is not in memory."""
        with self._lock:
            model = self._models.get(name)
            if model is not None:
                self._models.move_to_end(name)
                self._use(name)
            return model

    def pin(self, name: str, model: LoadedModel) -> None:
        """Keeps a model for good, outside the bound."""
        with self._lock:
            self._models[name] = model

    def reserve(self, name: str, nbytes: int) -> None:
        """Makes room for a model that is about to be loaded."""
        with self._lock:
            self._sizes[name] = nbytes
            gone = self._shrink()
        self._let_go(gone)

    def put(self, name: str, model: LoadedModel) -> None:
        """Keeps a model for which there is room now."""
        with self._lock:
            self._models[name] = model
            self._use(name)

    def give_up(self, name: str) -> None:
        """The model for which there is room will not come."""
        with self._lock:
            if name not in self._models:
                self._sizes.pop(name, None)

    @contextmanager
    def using(self) -> Iterator[None]:
        """Within the block, models that this thread gets are in use."""
        names: list[str] = []
        token = _USED.set(names)
        try:
            yield
        finally:
            _USED.reset(token)
            with self._lock:
                self._uses.subtract(names)
                gone = self._shrink()
            self._let_go(gone)

    def _use(self, name: str) -> None:
        names = _USED.get()
        if names is not None:
            names.append(name)
            self._uses[name] += 1

    def _shrink(self) -> list[LoadedModel]:
        """Takes out what is beyond the bound, and returns it."""
        gone = []
        for name in list(self._models):
            if self.nbytes <= self.max_bytes:
                break
            if name in self._sizes and self._uses[name] <= 0:
                gone.append(self._models.pop(name))
                del self._sizes[name]
        return gone

    def _let_go(self, gone: list[LoadedModel]) -> None:
        if gone:
            for model in gone:
                model.variants.forget(model.model)
            del model
            gone.clear()
            self._freed()
