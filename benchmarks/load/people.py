"""People who use the page all at once: programs with ``gradio_client``, and real browsers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import httpx
from gradio_client import Client, handle_file

from .questions import OWN, Question, alike, essence, questions

# a server closes a connection that was unused for five seconds; a browser then asks again, this client does not
FRESH = httpx.Limits(keepalive_expiry=2)
MOVES = 3  # of a slider after each answer
QUESTIONS = 4 * OWN  # of a person, before they begin again


@dataclass
class Seen:
    """What one person met: seconds of each answer, wrong answers, and errors."""

    answers: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Person:
    """Somebody with pictures of their own, who asks one question after the other, and moves a slider between them."""

    def __init__(self, address: str, pictures: Sequence[Path], seed: int, slider: tuple[list, list]):
        self.asked = list(islice(questions(pictures, seed), QUESTIONS))
        self.answers: dict[Question, list[float]] = {}  # the expected ones
        self.seen = Seen()
        self._address, self._slider, self._seed = address, slider, seed

    def connect(self) -> None:
        """Opens the page; until then, a person can be sent to another process."""
        # without encryption: a client would read all certificates for each request, which takes longer than the answer
        self._client = Client(self._address, verbose=False, ssl_verify=False, httpx_kwargs={"timeout": 120})
        self._page = httpx.Client(base_url=self._address, timeout=120, limits=FRESH)

    def use(self, until: float) -> None:
        """Asks until this time of ``time.monotonic``."""
        turn = 0
        while time.monotonic() < until:
            self._ask(self.question(turn))
            for move in range(MOVES):
                self.move(self._seed + turn + move)
            turn += 1

    def question(self, turn: int) -> Question:
        """The one that is asked in this turn, counted from 0."""
        return self.asked[(self._seed + turn) % QUESTIONS]

    def _ask(self, question: Question) -> None:
        begun = time.monotonic()
        picture = handle_file(str(question.picture))
        given = (*question.more, question.model) if question.kind != "predict" else (question.model,)
        more = (False,) if question.kind == "explore" else ()
        try:
            answer = self._client.predict(picture, *given, *more, api_name=f"/{question.kind}")
        except Exception as error:  # whatever it is, it is counted
            self.seen.errors.append(f"{question.kind}: {type(error).__name__}: {error}")
            return
        self.seen.answers.append(time.monotonic() - begun)
        if not alike(essence(question.kind, answer), self.answers[question]):
            self.seen.wrong.append(f"{question.kind} of {question.picture.name} by {question.model}")

    def move(self, number: int) -> None:
        """One step of a slider."""
        asked, answers = self._slider
        try:
            found = self._page.post("laboratory/describe", json=asked[number % len(asked)]).json()
        except Exception as error:
            self.seen.errors.append(f"slider: {type(error).__name__}: {error}")
            return
        if found != answers[number % len(asked)]:
            self.seen.wrong.append("slider")


class Crowd:
    """People in several processes: one process could not ask as fast as a server answers. Begins when all have opened the page."""

    def __init__(self, people: Sequence[Person], processes: int):
        context = get_context("spawn")
        self._pipes, self._processes = [], []
        for number in range(processes):
            pipe, other = context.Pipe()
            self._processes.append(context.Process(target=_use, args=(other, people[number::processes]), daemon=True))
            self._processes[-1].start()
            other.close()
            self._pipes.append(pipe)
        for pipe in self._pipes:
            pipe.recv()

    def use(self, until: float) -> list[Seen]:
        """All use the page until this time of ``time.monotonic``; returns what each met."""
        for pipe in self._pipes:
            pipe.send(until)
        seen = [each for pipe in self._pipes for each in pipe.recv()]
        for process in self._processes:
            process.join()
        return seen


def _use(pipe: Connection, people: Sequence[Person]) -> None:
    for person in people:
        person.connect()
    pipe.send(None)
    until = pipe.recv()
    threads = [threading.Thread(target=person.use, args=[until]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    pipe.send([person.seen for person in people])
