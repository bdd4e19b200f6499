"""What people ask the page, and what they are to be answered: the same work by the same code, without a server."""

from __future__ import annotations

import json
import random
import resource
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from visualize.page.api import attention_answer
from visualize.page.breaking.api import BreakingApi
from visualize.page.compute import PASSES
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

MODELS = ("Embedded CvT", "ablations/no-overlap")
OPTIONS = ("--model", "embedded", "--model", MODELS[1])
SOURCES = (None, MODELS[1])
OWN = 3  # pictures of each person
CLOSE = 1e-3  # probabilities of a pass among others and of one alone may differ by so much
SIDES = (64, 80, 96, 112, 128)


@dataclass(frozen=True)
class Question:
    """One of a person's: ``kind`` is the endpoint's name, ``more`` what it takes besides picture and model."""

    kind: str
    picture: Path
    model: str
    more: tuple[Any, ...] = ()


def own_pictures(folder: Path, people: int) -> list[list[Path]]:
    """Files that differ from person to person, each a part of a photograph under its own colours."""
    examples = sorted((Path(__file__).parents[2] / "examples").glob("*.jpg"))
    found: list[list[Path]] = []
    for person in range(people):
        found.append([])
        for number in range(OWN):
            chance = random.Random(OWN * person + number)
            with Image.open(examples[chance.randrange(len(examples))]) as photograph:
                side = chance.randrange(min(photograph.size) // 2, min(photograph.size))
                left, top = (chance.randrange(size - side + 1) for size in photograph.size)
                picture = photograph.convert("RGB").crop((left, top, left + side, top + side)).rotate(chance.uniform(-20, 20))
            path = folder / f"{person}-{number}.jpg"
            picture.save(path, quality=90)
            found[-1].append(path)
    return found


def questions(pictures: Sequence[Path], seed: int) -> Iterator[Question]:
    """A person's questions, over and over: every picture through both models, a place in it, and a part switched off."""
    chance = random.Random(seed)
    head = {"stage": 3, "block": chance.randrange(1, 6), "part": "head", "head": chance.randrange(1, 5)}
    place = (chance.randrange(1, 4), 1, 0, chance.randrange(1, 6), chance.randrange(1, 6))
    each = [
        *(Question("predict", picture, model) for picture in pictures for model in MODELS),
        *(Question("explore", picture, MODELS[0], place) for picture in pictures),
        *(Question("knock_out", picture, MODELS[0], (json.dumps({"interventions": [head]}),)) for picture in pictures),
    ]
    chance.shuffle(each)
    while True:
        yield from each


def expected(workbench: Workbench, question: Question) -> Any:
    """The answer, computed here, in the form of ``essence``."""
    request = Request(model=question.model, picture=str(question.picture))
    if question.kind == "predict":
        return [probability for _, probability in workbench.classes(request)]
    if question.kind == "explore":
        return essence("explore", attention_answer(workbench.explore(request).exploration, *question.more, overview=False))
    return essence("knock_out", BreakingApi(workbench).of_picture("knock_out", request.picture, *question.more, question.model))


def essence(kind: str, answer: Any) -> list[float]:
    """The numbers of an answer by which one person's is told from another's."""
    if kind == "predict":
        return [each["confidence"] for each in answer["confidences"]]
    if kind == "explore":
        return [each["probability"] for each in answer[0]["classes"]] + [weight for row in answer[0]["weights"] for weight in row]
    return [each["probability"] for side in ("before", "after") for each in answer[side]]


def alike(first: Sequence[float], second: Sequence[float]) -> bool:
    return len(first) == len(second) and all(abs(one - other) < CLOSE for one, other in zip(first, second, strict=True))


def slider(workbench: Workbench) -> tuple[list[dict[str, Any]], list[Any]]:
    """Moves of a slider as the page asks about them, and the answers."""
    api = LaboratoryApi(workbench)
    stages = api.open({"query": ""})["architecture"]["stages"]
    asked = [{"model": MODELS[0], "stages": stages, "side": side, "moved": None} for side in SIDES]
    return asked, [json.loads(json.dumps(api.describe(each))) for each in asked]


@dataclass(frozen=True)
class Bare:
    """The same questions answered without a server: the answers, and seconds by the clock and of processor time for each."""

    answers: dict[Question, list[float]]
    seconds: float
    processor: float


def bare(workbench: Workbench, asked: Sequence[Question], steps: Sequence[dict[str, Any]], moves: int) -> Bare:
    """Answers them as the server may at most, in as many threads as it lets passes run at once, and so many moves of a slider after
    each."""
    pending, found, api = list(reversed(asked)), {}, LaboratoryApi(workbench)

    def work() -> None:
        while True:
            try:
                question = pending.pop()
            except IndexError:
                return
            found[question] = expected(workbench, question)
            for number in range(moves):
                api.describe(steps[number % len(steps)])

    begun, used = time.perf_counter(), processor_seconds()
    threads = [threading.Thread(target=work) for _ in range(PASSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Bare(found, (time.perf_counter() - begun) / len(asked), (processor_seconds() - used) / len(asked))


def processor_seconds() -> float:
    """Of this process; the child that opens pictures is not counted, here as in the server."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
