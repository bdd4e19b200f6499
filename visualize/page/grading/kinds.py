"""What a measure is made of, as in ``web/lesson/measures``: the two are tested against each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..words import measures as words

if TYPE_CHECKING:
    from .case import Case

Parameters = dict[str, Any]  # as ``lessons.parameters`` reads them
Option = dict[str, str]  # ``value`` and ``text``


@dataclass(frozen=True)
class Truth:
    """What a measure found: a ``value``, or the weights ``values`` of cells, none below 0; ``also``: values that are as right."""

    value: str | float | None = None
    values: np.ndarray | None = None
    also: tuple[str, ...] = ()

    @property
    def gradable(self) -> bool:
        return self.value is not None or self.values is not None


@dataclass(frozen=True)
class Scale:
    """The numbers that can be answered, and their unit."""

    least: float
    most: float
    step: float
    unit: str


PERCENT = Scale(0, 100, 1, "percent")
MOST_CLASSES = 4  # to choose from


def possible_always(asked: Parameters, case: Case) -> str | None:
    return None


@dataclass(frozen=True)
class Measure:
    """``possible``: None, or why it cannot be asked here. By its kind a measure has ``options``, a ``scale``, or a ``grid``: the stage,
    from 0, and whether the cells are its queries rather than its keys."""

    truth: Callable[[Parameters, Case], Truth]
    possible: Callable[[Parameters, Case], str | None] = possible_always
    options: Callable[[Parameters, Case], list[Option]] | None = None
    scale: Callable[[Parameters, Case], Scale] | None = None
    grid: Callable[[Parameters, Case], tuple[int, bool]] | None = None


def no_place(asked: Parameters, case: Case) -> str | None:
    """Why the model has no such stage or block."""
    return case.no_place(asked)


def no_heads(asked: Parameters, case: Case) -> str | None:
    """Why nobody can choose among the heads there."""
    return case.no_heads(asked)


def one_class(case: Case) -> str | None:
    """Why nobody can choose among the classes."""
    return None if len(case.seen.labels) > 1 else words.say("measure_one_class")


def percent(asked: Parameters, case: Case) -> Scale:
    return PERCENT


def numbered(count: int, name: Callable[[int], str]) -> list[Option]:
    """Options for numbers from 1 to ``count``."""
    return [{"value": str(at + 1), "text": name(at)} for at in range(count)]


def yes_or_no(asked: Parameters, case: Case) -> list[Option]:
    return [{"value": value, "text": words.name(value)} for value in ("yes", "no")]


def class_options(labels: Sequence[str]) -> list[Option]:
    """Classes as options; by their first names, if these differ."""
    names = [label.split(",")[0] for label in labels]
    return [{"value": label, "text": name if names.count(name) == 1 else label} for label, name in zip(labels, names, strict=True)]


SAME = 1e-9  # numbers of the experiments are rounded: what is nearer than this is a tie


def leaders(numbers: Sequence[float | None], sign: int = 1, near: float = SAME) -> list[int]:
    """The indices of all numbers that tie with the least, ``near`` to it; ``sign`` −1: with the largest. None never wins."""
    valid = [sign * each for each in numbers if each is not None]
    first = sign * min(valid, default=math.inf)
    return [at for at, each in enumerate(numbers) if each is not None and abs(each - first) <= near]


def winner(best: Sequence[int]) -> Truth:
    """A truth by its index, from 0, with those that tie."""
    first, *ties = (str(at + 1) for at in best)
    return Truth(first, also=tuple(ties))
