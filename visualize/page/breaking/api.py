"""The experiments of "Break it", for the page and for programs: questions about a stored result, answered in JSON."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

from ..compute import Progress, within_memory
from ..jobs import Jobs, Step
from ..lent import caller
from ..requests import Request
from ..words.sentences import Refused
from ..workbench import Workbench
from .asked import stored
from .distance import distance, receptive_field
from .explanations import explain, trial
from .knock_outs import importance, knock_out
from .lens import lens
from .pairs import examples, pair, patch
from .positions import transform

Answer = Callable[[Workbench, Mapping[str, Any], Progress], dict[str, Any]]

# Each takes the workbench, the question, a JSON object, and ``progress``, which reports a share from 0 to 1, and raises Cancelled once
# nobody is waiting any more.
ANSWERS: dict[str, Answer] = {
    "knock_out": knock_out,
    "lens": lens,
    "distance": distance,
    "receptive_field": receptive_field,
    "transform": transform,
    "examples": examples,
    "pair": pair,
    "patch": patch,
    "importance": importance,
    "explain": explain,
    "trial": trial,
}

# Questions that take many passes: one at a time, so that the others are answered meanwhile.
MANY_PASSES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "importance": lambda asked: True,
    "trial": lambda asked: True,
    "explain": lambda asked: asked.get("measures") != [],
    "patch": lambda asked: asked.get("sweep") is True,
}
# Questions that run the model themselves, and the seconds that they need of a lent GPU. The others run it through ``compute``, if at all.
OWN_PASSES = {
    "lens": caller.ONE_PASS,
    "receptive_field": caller.ONE_PASS,
    "patch": caller.SOME_PASSES,
    "importance": caller.SOME_PASSES,
    "explain": caller.MANY_PASSES,
    "trial": caller.MANY_PASSES,
}
ENDPOINTS = tuple(name for name in ANSWERS if name != "examples")  # those for programs, at /<name>
_PROGRAMS = """

For programs: ``picture`` takes the place of ``key``; ``settings`` is the text of a JSON object with the rest of what is asked."""


def answered(workbench: Workbench, progress: Progress, name: str, asked: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a question, from this process."""
    with within_memory():  # some copy the model before they run it
        return ANSWERS[name](workbench, asked, progress)


class BreakingApi:
    """Answers for all users of a workbench; all methods are thread-safe."""

    def __init__(self, workbench: Workbench):
        self._workbench = workbench
        self._long = Jobs(1)
        self.names = tuple(ANSWERS)

    def answer(self, name: str, asked: Any, progress: Progress = lambda step, share: None) -> dict[str, Any]:
        """The answer to a question. Raises ValueError with a sentence if it is invalid; Cancelled."""
        if not isinstance(asked, Mapping):
            raise Refused("not_a_question")
        workbench = self._workbench
        with workbench.models.using():
            if workbench.lent is None or name not in OWN_PASSES:
                return answered(workbench, progress, name, asked)
            results = {asked[each]: stored(workbench, asked, progress, each) for each in ("key", "other") if each in asked}
            return workbench.lent.run(answered, progress, name, asked, results=results, seconds=OWN_PASSES[name])

    async def steps(self, name: str, asked: Any) -> AsyncGenerator[Step | dict[str, Any]]:
        """Answers in a thread: yields steps, finally the answer. Closing the iterator cancels the work. Raises as ``answer``."""
        many = isinstance(asked, Mapping) and name in MANY_PASSES and MANY_PASSES[name](asked)
        jobs = self._long if many else self._workbench.jobs
        async with aclosing(jobs.waited(lambda progress: self.answer(name, asked, progress))) as steps:
            async for step in steps:
                yield step

    def of_picture(self, name: str, picture: str | None, settings: str, model: str) -> dict[str, Any]:
        """The answer to a program's question about a picture; ``settings``: the rest of it, as text in JSON. Raises ValueError."""
        if picture is None:
            raise Refused("no_picture")
        try:
            asked = json.loads(settings or "{}")
        except (ValueError, RecursionError) as error:
            raise Refused("not_json") from error
        if not isinstance(asked, Mapping):
            raise Refused("not_a_question")
        result = self._workbench.explore(Request(model=self._workbench.loaded(model).name, picture=picture))
        return self.answer(name, {**asked, "key": result.key})

    @staticmethod
    def description(name: str) -> str:
        """What an endpoint does, for the page on the API."""
        return inspect.cleandoc(ANSWERS[name].__doc__ or "") + _PROGRAMS
