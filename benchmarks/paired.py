"""Times several actions in turn, so that other load on the machine affects all of them alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True)
class Pairs:
    """Seconds of two actions, round by round."""

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


@dataclass(frozen=True)
class Rounds:
    """Seconds of several actions, by name, round by round."""

    times: Mapping[str, tuple[float, ...]]

    def median(self, name: str) -> float:
        return statistics.median(self.times[name])

    def speed(self, name: str, against: str) -> Pairs:
        """Its ``ratio``: how many times as fast as ``against`` this is; below 1 if slower."""
        return Pairs(self.times[name], self.times[against])


def seconds(action: Callable[[], object], clock: Clock = time.perf_counter) -> float:
    started = clock()
    action()
    return clock() - started


def interleaved(
    actions: Mapping[str, Callable[[], object]], rounds: int, warmup: int = 3, pause: float = 0.0, clock: Clock = time.perf_counter
) -> Rounds:
    """Runs every action once per round, starting with a different one each time, after ``warmup`` uncounted rounds.

    Args:
        pause: seconds of rest before each action: libraries let their threads spin for a while after they have worked, which would
            take the processor from whatever comes next.
    """
    names = list(actions)
    times: dict[str, list[float]] = {name: [] for name in names}
    for number in range(-warmup, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            time.sleep(pause)
            taken = seconds(actions[name], clock)
            if number >= 0:
                times[name].append(taken)
    return Rounds({name: tuple(each) for name, each in times.items()})


def pairs(first: Callable[[], object], second: Callable[[], object], rounds: int, warmup: int = 3) -> Pairs:
    """Two actions, ``interleaved``."""
    times = interleaved({"first": first, "second": second}, rounds, warmup).times
    return Pairs(times["first"], times["second"])
