"""People who use the page all at once: programs with ``gradio_client``, and real browsers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

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

    def __init__(self, address: str, pictures: Sequence[Path], seed: int, answers: dict[Question, list[float]], slider: tuple[list, list]):
        self.asked = list(islice(questions(pictures, seed), QUESTIONS))
        self.seen = Seen()
        self.answers, self._slider, self._seed = answers, slider, seed
        self._client = Client(address, verbose=False, httpx_kwargs={"timeout": 120})
        self._page = httpx.Client(base_url=address, timeout=120, limits=FRESH)

    def use(self, until: float) -> None:
        """Asks until this time of ``time.monotonic``."""
        number = self._seed
        while time.monotonic() < until:
            self._ask(self.asked[number % QUESTIONS])
            for move in range(MOVES):
                self.move(number + move)
            number += 1

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


def together(people: Sequence[Any], seconds: float) -> float:
    """All use the page for so long; returns the seconds until the last was answered."""
    begun = time.monotonic()
    threads = [threading.Thread(target=each.use, args=[begun + seconds]) for each in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.monotonic() - begun
