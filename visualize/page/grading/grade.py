"""How an answer is graded against what the model found, as in ``web/lesson/grade.js``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .kinds import Scale, Truth

TOLERANCE = 0.25  # of the truth, unless a lesson says otherwise
LEAST = 1 / 20  # of the scale: a truth near 0 leaves at least this to be off by, times the tolerance
ENOUGH = 0.5  # of the way from uniform to the best cells
ALIKE = 0.01  # more than uniform: less than this, and every cell is as good as any other

Answer = str | float | Sequence[int]  # a choice's value, a number, or the indices of cells


@dataclass(frozen=True)
class Grade:
    """``score``: from 0 to 1. ``gap``: by how much a number is too large; of cells, their shares: ``chosen``, ``best``, ``uniform``."""

    right: bool
    score: float
    gap: Any = None


def allowed(truth: float, scale: Scale | None, tolerance: float = TOLERANCE) -> float:
    """How far a number may be from the truth."""
    return tolerance * max(abs(truth), LEAST * (scale.most - scale.least if scale else 0))


def grade(ask: dict[str, Any], answer: Answer, truth: Truth, scale: Scale | None = None) -> Grade:
    """``ask``: as ``lessons.reader`` gives it; ``scale``: of a number. ``answer`` must be of the ask's kind."""
    if not truth.gradable:
        return Grade(False, 0.0)
    if ask["kind"] == "cells":
        assert truth.values is not None
        assert not isinstance(answer, str | float)
        return _cells(answer, ask["count"], truth.values)
    if ask["kind"] == "number":
        return _number(float(answer), float(truth.value), allowed(float(truth.value), scale, ask.get("tolerance", TOLERANCE)))  # type: ignore[arg-type]
    right = str(answer) in (str(truth.value), *truth.also)
    return Grade(right, float(right))


def _number(answer: float, truth: float, tolerance: float) -> Grade:
    """The score falls evenly from 1 to a half at the tolerance, and on to 0."""
    gap = answer - truth
    if gap == 0:
        return Grade(True, 1.0, gap)
    return Grade(abs(gap) <= tolerance, max(0.0, 1 - abs(gap) / (2 * tolerance)) if tolerance > 0 else 0.0, gap)


def best(values: np.ndarray, count: int) -> list[int]:
    """The indices of the largest values, largest first."""
    return np.argsort(-values, kind="stable")[:count].tolist()


def _cells(chosen: Sequence[int], count: int, values: np.ndarray) -> Grade:
    total, kept = float(values.sum(dtype=float)), list(dict.fromkeys(chosen))[:count]

    def share(indices: Sequence[int]) -> float:
        return float(values[list(indices)].sum(dtype=float)) / total if total > 0 else 0.0

    gap = {"chosen": share(kept), "best": share(best(values, count)), "uniform": min(1.0, count / values.size)}
    span = gap["best"] - gap["uniform"]
    if span <= ALIKE * gap["uniform"]:
        return Grade(True, 1.0, gap)
    score = min(1.0, max(0.0, (gap["chosen"] - gap["uniform"]) / span))
    return Grade(score >= ENOUGH, score, gap)
