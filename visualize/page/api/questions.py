"""A lesson's questions: what a step asks about a picture, and an answer's grade."""

from __future__ import annotations

from typing import Annotated, Any

from ..grading.case import Case
from ..grading.questions import Question
from ..lessons.measures import MOST_STEPS
from ..words.sentences import Refused
from .catalogue import LessonName, found
from .parameters import FLAG, TEXT, WHOLE, Column, Model, Parameter, Picture, Row
from .services import Services

Step = Annotated[int, Parameter(WHOLE, "the step, from 1", 1, MOST_STEPS)]
After = Annotated[bool, Parameter(FLAG, "the second question of a step that has two")]
Answer = Annotated[
    str,
    Parameter(TEXT, "the value of an option, a number, or cells as a list of [row, column] from 1, such as [[3, 4], [3, 5]]", most=500),
]


def lesson_question(
    to: Services,
    picture: Picture,
    lesson: LessonName,
    step: Step,
    after: After = False,
    row: Row = 0,
    column: Column = 0,
    model: Model = "",
) -> dict[str, Any]:
    """What a lesson's step asks about a picture, and how it can be answered; predict before you measure.

    Returns its ``text`` and ``kind``: "choice" with ``options`` (answer with one's value), "number" with a ``scale``, or "cells" with a
    ``grid`` and how many to choose, ``count``. ``impossible`` says why it cannot be asked of this model, or is null. Row and column hold
    the token that some questions are about; by default the one in the middle.
    """
    return _question(to, picture, lesson, step, after, row, column, model).asked()


def lesson_answer(
    to: Services,
    picture: Picture,
    lesson: LessonName,
    step: Step,
    answer: Answer,
    after: After = False,
    row: Row = 0,
    column: Column = 0,
    model: Model = "",
) -> dict[str, Any]:
    """An answer to `lesson_question`, graded by the running model.

    Returns whether it is ``right``, its ``score`` from 0 to 1, the ``gap`` to the truth, and the ``truth`` that the model found; for cells
    the best ones; ``also`` are values that are as right, ``tolerance`` is how far a number may be off.
    """
    return _question(to, picture, lesson, step, after, row, column, model).graded(answer)


def _question(to: Services, picture: str, lesson: str, step: int, after: bool, row: int, column: int, model: str) -> Question:
    steps = found(to, lesson)["steps"]
    if step > len(steps):
        raise Refused("no_step", step=step, most=len(steps))
    ask = steps[step - 1].get("after" if after else "ask")
    if ask is None:
        raise Refused("no_ask", step=step)
    key = to.explored(picture, model).key
    return Question(ask, Case(to.workbench, key, (row, column) if row or column else None))
