"""The models of a page: what can be chosen, what is in memory, and loading what is asked for."""

from __future__ import annotations

import asyncio
import copy
import logging
import threading
from collections.abc import AsyncGenerator, Callable, Iterable
from concurrent.futures import TimeoutError as NotYet  # not the built-in one in Python 3.10
from contextlib import AbstractContextManager
from typing import Any

import torch

from cvt.architecture.build import Cancelled
from cvt.files.hub import Offline, Unreachable, Withheld

from ..jobs import LOOK_SECONDS, Step
from ..words import models as words
from ..words.sentences import Refused, say
from .kept import Kept
from .loaded import LoadedModel
from .loader import DOWNLOADING, Loader
from .loads import Loads, Progress
from .offers import EMBEDDED, Offer, offers
from .room import room_for_models

WAIT_SECONDS = 60.0  # that a program waits for a model to be loaded
# What the library says to programmers, such as to give a folder, is said in other words to people who choose from the menu.
PLAIN: dict[type[BaseException], str] = {Unreachable: "model_unreachable", Offline: "model_offline", Withheld: "model_withheld"}
WAITERS = 3  # programs that wait for downloads at once, so that others are answered meanwhile

log = logging.getLogger("cvt_explorer")


class Models:
    """The models by name; all methods are thread-safe.

    Args:
        sources: of the models that were given, for ``from_pretrained``. The first one is loaded now; if it cannot be had, the next one,
            and finally the embedded one, takes its place.
        max_bytes: of the models in memory besides the first; by default a share of what the device has. freed: called after some of them
            were dropped.
    Raises:
        ValueError: a source that can be no model, or no model at all can be loaded.
    """

    def __init__(
        self,
        sources: Iterable[str | None],
        loader: Loader,
        max_bytes: int | None = None,
        freed: Callable[[], None] = lambda: None,
    ):
        sources = list(sources)
        self.offers, self._loader = offers(sources), loader
        given = list(self.offers)[: len(set(sources))]
        self._start(max_bytes, freed)
        self.instead: str | None = None
        self.first = self._begin(given)
        self.names = list(dict.fromkeys((self.first, *given)))

    def _start(self, max_bytes: int | None, freed: Callable[[], None]) -> None:
        """Makes what belongs to one process."""
        self._problems: dict[str, str] = {}  # why a model could not be had when it was asked for last
        self._kept = Kept(max_bytes or room_for_models(self._loader.device), freed)
        self._loads = Loads(self._load)
        self._waiters = threading.BoundedSemaphore(WAITERS)

    @property
    def in_memory(self) -> dict[str, LoadedModel]:
        """The models in memory, by name, for a process that was just forked."""
        return self._kept.models

    def forked(self, loader: Loader) -> Models:
        """These models for a process that was just forked from this one: loaded by its own loader when they are asked for."""
        made = copy.copy(self)
        made._loader = loader
        made._start(None, lambda: None)
        made._kept.pin(self.first, loader.load(self.offers[self.first]))
        return made

    def _begin(self, given: list[str]) -> str:
        """Loads the first of the given models that can be had, else the embedded one, and returns its name."""
        problems = []
        for name in dict.fromkeys((*given, EMBEDDED)):
            try:
                self._kept.pin(name, self._loader.load(self.offers[name]))
                break
            except Exception as error:
                problems.append(self._reported(name, error))
        else:
            raise problems[0]
        if problems:
            self.instead = say("model_not_first", problem=problems[0], name=name)
            log.warning("%s", self.instead)
        return name

    def using(self) -> AbstractContextManager[None]:
        """Within the block, models that this thread asks for stay in memory."""
        return self._kept.using()

    def offer(self, name: str) -> Offer:
        """Raises ValueError: there is no such model."""
        if not isinstance(name, str) or name not in self.offers:
            raise Refused("no_model", name=repr(name), names=" or ".join(self.names))
        return self.offers[name]

    def ready(self, name: str) -> LoadedModel | None:
        """The model of this name if it is in memory. Raises ValueError: there is no such model."""
        return self._kept.get(self.offer(name).name)

    def at_once(self, name: str) -> LoadedModel | None:
        """The model of this name if that is no wait: it is in memory, or part of this project. Raises ValueError: there is none."""
        return self.loaded(name) if self.offer(name).quick else self.ready(name)

    def loaded(self, name: str | None = None, wait: float = WAIT_SECONDS) -> LoadedModel:
        """The model of this name, by default the first; loaded now if it is not in memory.

        Raises:
            ValueError: there is no such model, it cannot be had, or this takes longer than ``wait`` seconds; the load then goes on.
        """
        name = name or self.first
        found = self.ready(name)
        if found is not None:
            return found
        if self.offers[name].here:
            return self._waited(name, wait)
        if not self._waiters.acquire(blocking=False):
            raise Refused("models_busy")
        try:
            return self._waited(name, wait)
        finally:
            self._waiters.release()

    def _waited(self, name: str, seconds: float) -> LoadedModel:
        load, late = self._loads.join(name), False
        try:
            model = load.future.result(seconds)
        except NotYet as error:
            if load.future.done():  # the load itself ran into a time limit
                raise
            late = True
            raise Refused("model_loading", name=name, progress=words.progress(load.step)) from error
        finally:
            self._loads.leave(name, load, keep_on=late)
        return self._kept.get(name) or model

    async def steps(self, name: Any) -> AsyncGenerator[Step | dict[str, Any]]:
        """Loads a model: yields steps, finally its entry in the list. Closing the iterator ends the load unless others wait, too.

        Raises ValueError: there is no such model, or it cannot be had.
        """
        if self.ready(name) is None:
            load, told = self._loads.join(name), None
            future = asyncio.wrap_future(load.future)
            future.add_done_callback(_heard)
            try:
                while not future.done():
                    if load.step != told:
                        told = load.step
                        yield told
                    await asyncio.wait([future], timeout=LOOK_SECONDS)
                future.result()
            finally:
                self._loads.leave(name, load)
        yield self.entry(name)

    def listed(self) -> dict[str, Any]:
        """What can be chosen: ``models``, each as ``entry`` has it, in order; the name of the ``first``; and ``instead``, a sentence if
        that is not the one that was to be the first."""
        return {"first": self.first, "instead": self.instead, "models": [self.entry(name) for name in self.offers]}

    def entry(self, name: str) -> dict[str, Any]:
        """A model that can be chosen.

        ``name``; ``title`` and ``group`` for people; ``state``: "ready" in memory, "here" on this machine, "absent" if it needs a
        download, "loading" or "failed"; ``share`` of a download, from 0 to 1; ``bytes`` to download, 0 if none and null if unknown;
        ``sentence``: why it could not be had, else null.
        """
        offer, step, problem = self.offers[name], self._loads.step(name), self._problems.get(name)
        here = name in self._kept or offer.here
        state = "ready" if name in self._kept else "loading" if step else "failed" if problem else "here" if here else "absent"
        return {
            "name": name,
            "title": words.title(name, dict(offer.about)),
            "group": words.group(offer.group),
            "state": state,
            "share": step.share if step and step.name == DOWNLOADING else None,
            "bytes": 0 if here else offer.download_bytes,
            "sentence": problem if state == "failed" else None,
        }

    def _load(self, name: str, progress: Progress) -> LoadedModel:
        """Loads a model into memory. Raises ValueError, with a sentence that the list then has, too; Cancelled."""

        def make_room(nbytes: int) -> None:
            if nbytes > self._kept.max_bytes:
                raise Refused("model_too_large", name=name, needed=words.amount(nbytes), allowed=words.amount(self._kept.max_bytes))
            self._kept.reserve(name, nbytes)

        found = self._kept.get(name)
        if found is not None:  # by a load that ended just now
            return found
        self._problems.pop(name, None)
        try:
            model = self._loader.load(self.offers[name], progress, make_room)
        except BaseException as error:
            self._kept.give_up(name)
            raise self._reported(name, error) from error
        self._kept.put(name, model)
        return model

    def _reported(self, name: str, error: BaseException) -> BaseException:
        """The error to raise for a failed load, which the list then shows."""
        if isinstance(error, Cancelled):
            return error
        if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
            error = Refused("model_no_memory", name=name)
        elif type(error) in PLAIN:
            log.warning("%s", error)
            error = Refused(PLAIN[type(error)], title=words.title(name, dict(self.offers[name].about)))
        elif not isinstance(error, ValueError):
            log.error("%s could not be loaded", name, exc_info=error)
            error = Refused("model_failed", name=name)
        self._problems[name] = str(error)
        return error


def _heard(future: asyncio.Future) -> None:
    """Marks an error as seen, which asyncio would else write to the log."""
    if not future.cancelled():
        future.exception()
