"""Loads in progress: each model once, different ones side by side, and each ends when nobody waits for it any more."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future

from cvt.architecture.build import Cancelled

from ..jobs import WAITING, Step
from .loaded import LoadedModel

Progress = Callable[[str, float], None]  # called with the step and its share, 0 to 1; raises Cancelled


class Load:
    """One load: its ``future``, its current ``step``, and how many wait for it."""

    def __init__(self) -> None:
        self.future: Future[LoadedModel] = Future()
        self.step = Step(WAITING)
        self.waiters = 0
        self.kept_on = False  # it goes on even if nobody waits
        self.ended = threading.Event()

    def progress(self, name: str, share: float = 0.0) -> None:
        if self.ended.is_set():
            raise Cancelled
        self.step = Step(name, share)


class Loads:
    """Runs loads, each in a thread of its own, as there are no more of them than models; thread-safe.

    Args:
        load: loads the model of this name; called with ``progress`` as well, which raises ``Cancelled`` once nobody waits.
    """

    def __init__(self, load: Callable[[str, Progress], LoadedModel]):
        self._load = load
        self._running: dict[str, Load] = {}
        self._ending: dict[str, Load] = {}  # cancelled, but not stopped yet
        self._lock = threading.Lock()

    def step(self, name: str) -> Step | None:
        """The current step of a model's load, if there is one."""
        load = self._running.get(name)
        return None if load is None else load.step

    def join(self, name: str) -> Load:
        """The load of this model, begun now if it is not in progress; ``leave`` it afterwards."""
        with self._lock:
            load = self._running.get(name)
            if load is None:
                load = self._running[name] = Load()
                before = self._ending.get(name)
                threading.Thread(target=self._run, args=(name, load, before), name=f"load {name}", daemon=True).start()
            load.waiters += 1
            return load

    def leave(self, name: str, load: Load, keep_on: bool = False) -> None:
        """No longer waits. The last one who leaves ends the load, unless it is to be kept on, as when it is asked for again soon."""
        with self._lock:
            load.waiters -= 1
            load.kept_on |= keep_on
            if not load.waiters and not load.kept_on and not load.future.done():
                load.ended.set()
                if self._running.get(name) is load:
                    self._ending[name] = self._running.pop(name)

    def _run(self, name: str, load: Load, before: Load | None) -> None:
        if before is not None:  # both would write the same file
            before.future.exception()
        try:
            load.progress(WAITING)
            model = self._load(name, load.progress)
        except BaseException as error:
            self._forget(name, load)
            load.future.set_exception(error)
        else:
            self._forget(name, load)
            load.future.set_result(model)

    def _forget(self, name: str, load: Load) -> None:
        with self._lock:
            for loads in (self._running, self._ending):
                if loads.get(name) is load:
                    del loads[name]
