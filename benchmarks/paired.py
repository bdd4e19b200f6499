"""Two things timed in turn, so that whatever else the machine does hits both alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Pairs:
    """Seconds of two things, round by round."""

    first: tuple[float, ...]
    second: tuple[float, ...]

    @property
    def ratios(self) -> list[float]:
        """second / first of every round, ascending."""
        return sorted(b / a for a, b in zip(self.first, self.second, strict=True))

    @property
    def ratio(self) -> float:
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """Quartiles of the rounds' ratios: half of the rounds lie between."""
        low, _, high = statistics.quantiles(self.ratios, n=4, method="inclusive")
        return low, high

    @property
    def medians(self) -> tuple[float, float]:
        """Seconds of each."""
        return statistics.median(self.first), statistics.median(self.second)


def seconds(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def pairs(first: Callable[[], object], second: Callable[[], object], rounds: int, warmup: int = 3) -> Pairs:
    """Runs both once a round, each first in every other round, after ``warmup`` rounds that do not count."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(-warmup, rounds):
        order = ((0, first), (1, second)) if number % 2 else ((1, second), (0, first))
        for place, action in order:
            taken = seconds(action)
            if number >= 0:
                times[place].append(taken)
    return Pairs(tuple(times[0]), tuple(times[1]))
