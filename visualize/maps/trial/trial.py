"""A trial of methods on one picture, and of what several such trials say together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..explain import METHODS, RANDOM, randomised
from ..explain.case import Case
from ..explain.explanation import Explanation
from ..explain.gradients import WAY, gradient_batch
from ..explain.squares import random_map, squares
from .checks import SPLITS, agreement, knocked_out, survives_randomisation
from .curves import CORNERS, Curves, curves

MEASURES = ("curves", "agreement", "randomisation")
SEEDS = 3  # random maps beside the methods
UNSEEN = {RANDOM, "integrated_gradients", "occlusion"}  # methods that do not need ``Case.seen``
CERTAIN = 2.0  # standard errors from 0 that count as a difference, about 95 %


@dataclass(frozen=True)
class Judged:
    """A method's map and its measures; those that were not asked for, or cannot be computed, are None.

    ``agreement`` and ``survives``: rank correlations, see ``checks``.
    """

    explanation: Explanation
    curves: Curves | None = None
    agreement: float | None = None
    survives: float | None = None


def mapped(case: Case, methods: Sequence[str], stage: int | None = None, seeds: int = SEEDS) -> list[Explanation]:
    """The methods' maps in their order; of ``RANDOM`` as many as there are ``seeds``.

    Args:
        methods: names in ``METHODS``. stage: for those that explain one; None for the last.
    """
    maps: list[Explanation] = []
    for name in methods:
        maps += [random_map(case.size, seed) for seed in range(seeds)] if name == RANDOM else [METHODS[name](case, stage)]
    return maps


def judged(case: Case, maps: Sequence[Explanation], measures: Sequence[str] = MEASURES) -> list[Judged]:
    """The case's maps, each with those of ``MEASURES`` that are asked for."""
    lines = curves(case, maps) if "curves" in measures else [None] * len(maps)
    knocked = knocked_out(case) if "agreement" in measures else None
    other = case.through(randomised(case.model)) if "randomisation" in measures else None
    return [
        Judged(
            each,
            line,
            agreement(each, knocked, case.size) if knocked else None,
            survives_randomisation(each, other) if other and each.method != RANDOM else None,
        )
        for each, line in zip(maps, lines, strict=True)
    ]


def passes_of(case: Case, methods: Sequence[str], measures: Sequence[str] = MEASURES, stage: int | None = None) -> int:
    """About how often ``mapped`` and ``judged`` will call ``case.watch``; never less."""

    def batches(pictures: int, size: int) -> int:
        return -(-pictures // size)

    rows, columns = squares(case.size).shape
    own = {
        "relevance": 1,
        "grad_cam": 1,
        "legrad": case.model.config.depth[-1] if stage is None else 1,
        "integrated_gradients": sum(batches(points, gradient_batch(case)) for _, points in WAY),
        "occlusion": 1 + batches((rows - 1) * (columns - 1), case.batch),
    }
    maps = sum(own.get(name, 0) for name in methods) + bool({*methods} - UNSEEN)
    count = len(methods) + (SEEDS - 1) * (RANDOM in methods)
    return (
        maps * (2 if "randomisation" in measures else 1)
        + (batches(2 + 2 * (CORNERS - 1) * count, case.batch) if "curves" in measures else 0)
        + (1 + batches(3 * SPLITS, case.batch) if "agreement" in measures else 0)
    )


def beats_random(one: Judged, trial: Sequence[Judged]) -> bool | None:
    """Whether a map's curves lie further apart than those of every random map in the trial; None without curves or random maps."""
    drawn = _drawn(trial)
    return one.curves.gap > max(drawn) if one.curves and drawn else None


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over ``count`` pictures; the deviation of one is 0."""

    mean: float
    deviation: float
    count: int


def spread(values: Sequence[float | None]) -> Spread | None:
    """Of those values that are not None."""
    known = np.array([value for value in values if value is not None])
    if not len(known):
        return None
    return Spread(float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else 0.0, len(known))


@dataclass(frozen=True)
class Summary:
    """One method over several pictures.

    ``lead``: how much further apart its curves lie than those of random maps on the same picture. ``beats``: whether that differs from
    0 by more than ``CERTAIN`` standard errors; None with fewer than three pictures, and for random maps.
    """

    method: str
    deletion: Spread | None
    insertion: Spread | None
    agreement: Spread | None
    survives: Spread | None
    lead: Spread | None
    beats: bool | None


def summary(trials: Sequence[Sequence[Judged]]) -> list[Summary]:
    """Every method's measures over pictures, from the trial of each; several maps of a method on a picture count as their mean."""
    names = list(dict.fromkeys(each.explanation.method for trial in trials for each in trial))
    return [_of_method(name, trials) for name in names]


def _of_method(name: str, trials: Sequence[Sequence[Judged]]) -> Summary:
    def over(value: Callable[[Judged], float | None]) -> list[float | None]:
        """Of each picture, the mean of the method's maps."""
        return [_mean([value(each) for each in trial if each.explanation.method == name]) for trial in trials]

    leads = [_difference(gap, _mean(_drawn(trial))) for gap, trial in zip(over(_of_curves("gap")), trials, strict=True)]
    lead = None if name == RANDOM else spread(leads)
    return Summary(
        name,
        spread(over(_of_curves("deletion_area"))),
        spread(over(_of_curves("insertion_area"))),
        spread(over(lambda each: each.agreement)),
        spread(over(lambda each: each.survives)),
        lead,
        lead.mean > CERTAIN * lead.deviation / lead.count**0.5 if lead and lead.count > 2 else None,
    )


def _of_curves(name: str) -> Callable[[Judged], float | None]:
    return lambda each: getattr(each.curves, name) if each.curves else None


def _drawn(trial: Sequence[Judged]) -> list[float]:
    """How far apart the curves of a trial's random maps lie."""
    return [each.curves.gap for each in trial if each.explanation.method == RANDOM and each.curves]


def _difference(one: float | None, two: float | None) -> float | None:
    return None if one is None or two is None else one - two


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None
