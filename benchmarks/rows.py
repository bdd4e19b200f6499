"""One line of the report: the measurement, its target, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .paired import Pairs

HEADER = "| what | measured | target | verdict |\n|---|---|---|---|"


@dataclass(frozen=True)
class Row:
    """``reached`` is None if there is no target. ``details`` are JSON values for programs."""

    what: str
    measured: str
    target: str = "–"
    reached: bool | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        verdict = {True: "reached", False: "**missed**", None: "–"}[self.reached]
        return f"| {self.what} | {self.measured} | {self.target} | {verdict} |"

    def as_json(self) -> dict[str, Any]:
        return {"what": self.what, "measured": self.measured, "target": self.target, "reached": self.reached, **self.details}


def in_time(seconds: float) -> str:
    """Seconds as people read them."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.{1 if seconds >= 0.01 else 2}f} ms"


def faster(what: str, against: str, times: Pairs, at_least: float | None = None) -> Row:
    """A speed-up over something else; ``times`` in that order."""
    reached = None if at_least is None else times.ratio >= at_least
    target = "–" if at_least is None else f"≥ {at_least:g} × as fast"
    return Row(what, f"{_ratio(times)} × as fast as {against} ({_both(times)})", target, reached, _details(times))


def longer(what: str, base: str, times: Pairs, at_most: float) -> Row:
    """A slowdown against a base; ``times`` of the base first."""
    measured = f"{_ratio(times)} × as long as {base} ({_both(times, swapped=True)})"
    return Row(what, measured, f"≤ {at_most:g} × as long", times.ratio <= at_most, _details(times))


def amount(what: str, measured: str, value: float, target: str, limit: float, more: bool = False) -> Row:
    """A number against a limit in the same unit; ``more``: a lower limit."""
    return Row(what, measured, target, value >= limit if more else value <= limit, {"value": value, "limit": limit})


def _ratio(times: Pairs) -> str:
    low, high = times.spread
    return f"{times.ratio:.2f} ({low:.2f}–{high:.2f})"


def _both(times: Pairs, swapped: bool = False) -> str:
    first, second = (in_time(each) for each in times.medians)
    return f"{second} against {first}" if swapped else f"{first} against {second}"


def _details(times: Pairs) -> dict[str, Any]:
    low, high = times.spread
    return {"ratio": times.ratio, "quartiles": [low, high], "seconds": list(times.medians), "rounds": len(times.first)}
