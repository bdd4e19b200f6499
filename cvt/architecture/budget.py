"""What a machine can run: a model over its limits is turned down before anything is allocated, with a setting that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ..config import CvtConfig
from ..fields import Remedy, Size
from .amounts import in_bytes, in_words
from .cost import CvtCost, cost
from .settings import INPUT_SIDES, SETTINGS, Setting
from .variants import variant

SIDE_STEP = INPUT_SIDES.step  # pixels between the input sizes that are suggested


_AMOUNTS = {  # what is limited → how its numbers are formatted, and their unit
    "macs": (in_words, "multiply-adds"),
    "parameters": (in_words, "parameters"),
    "memory": (in_bytes, "of memory"),
}


@dataclass(frozen=True)
class Excess:
    """A limit that is exceeded: ``amount`` is "macs", "parameters" or "memory" (in bytes)."""

    amount: str
    needed: int
    allowed: int


class TooLarge(ValueError):
    """A model over the limits, as values; ``str`` has the sentence.

    Attributes:
        excess: the limit that is exceeded. config, size: the model and its input (height, width).
        remedy: the nearest single setting that fits, if any.
        together: settings that fit only in combination, if no single one does.
        smaller: an input size (height, width) that fits, if no settings do.
    """

    def __init__(
        self,
        excess: Excess,
        config: CvtConfig,
        size: Size,
        remedy: Remedy | None = None,
        together: tuple[Remedy, ...] = (),
        smaller: Size | None = None,
    ):
        super().__init__(excess, config, size, remedy, together, smaller)  # so that it can be pickled
        self.excess, self.config, self.size = excess, config, size
        self.remedy, self.together, self.smaller = remedy, together, smaller

    def sentence(self, name: Callable[[str], str] = str, value: Callable[[Any], str] = str) -> str:
        """The sentence; ``name`` and ``value`` format a field and its value."""
        written, unit = _AMOUNTS[self.excess.amount]
        needed, allowed = written(self.excess.needed), written(self.excess.allowed)
        return f"This model needs {needed} {unit}, and at most {allowed} are allowed here. {self._advice(name, value)}"

    def _advice(self, name: Callable[[str], str], value: Callable[[Any], str]) -> str:
        if remedy := self.remedy:
            if remedy.stage is None:
                return f"The nearest setting that fits: input side {remedy.value} instead of {self.size[0]}."
            now = getattr(self.config, remedy.name)[remedy.stage]
            change = f"{name(remedy.name)} {value(remedy.value)} instead of {value(now)}"
            return f"The nearest setting that fits: {change} in stage {remedy.stage + 1}."
        if self.together:
            depths, widths, sides = (_values(self.together, each) for each in ("depth", "embed_dim", "side"))
            also = f"input side {sides[0]}, " if sides else ""
            small = f"{name('depth')} {', '.join(depths)} and {name('embed_dim')} {', '.join(widths)}"
            return f"No single setting is enough. This fits: {also}{small} in stages 1 to {len(depths)}."
        if self.smaller is not None:
            (height, width), (rows, columns) = self.size, self.smaller
            return f"It fits with a smaller input: {rows}×{columns} pixels instead of {height}×{width}."
        return "No setting of it fits: choose another model."

    def __str__(self) -> str:
        return self.sentence()


def _values(remedies: tuple[Remedy, ...], name: str) -> list[str]:
    return [str(remedy.value) for remedy in remedies if remedy.name == name]


@dataclass(frozen=True)
class Limits:
    """Upper bounds on what one model may need; None is no limit. Memory is in bytes."""

    macs: int | None
    parameters: int | None
    memory: int | None

    def exceeded(self, result: CvtCost) -> Excess | None:
        """The first limit that is exceeded; None if none is."""
        needed = {"macs": result.macs, "parameters": result.parameters, "memory": result.memory_bytes}
        for amount, number in needed.items():
            allowed = getattr(self, amount)
            if allowed is not None and number > allowed:
                return Excess(amount, number, allowed)
        return None


def refuse_if_too_large(
    config: CvtConfig,
    height: int,
    width: int,
    max_macs: int | None = None,
    max_parameters: int | None = None,
    max_memory: int | None = None,
    input_fixed: bool = False,
) -> CvtCost:
    """What ``config`` costs for a picture of (height, width) pixels, if within the limits; nothing is allocated.

    Args:
        max_macs: multiply-adds for one picture. max_memory: bytes, of ``CvtCost.memory_bytes``. None is no limit.
        input_fixed: whether the input size is fixed, so that no smaller one is suggested.
    Raises:
        TooLarge: over a limit. It says what to change: the single setting that fits with the smallest change or, if no single one
            is enough, smaller depths and widths together, or a smaller input.
        ValueError: the input is too small for a stage.
    """
    limits = Limits(max_macs, max_parameters, max_memory)
    result = cost(config, height, width)
    over = limits.exceeded(result)
    if over is None:
        return result

    def fits(changed: CvtConfig | None, height: int = height, width: int = width) -> bool:
        try:
            return changed is not None and limits.exceeded(cost(changed, height, width)) is None
        except ValueError:  # the input is too small for it
            return False

    sides = [] if input_fixed or height != width else _sides(config, height)
    remedy = _one_setting(config, fits, height, sides)
    together: tuple[Remedy, ...] = ()
    smaller = None
    if remedy is None:
        together = _all_smaller(config, fits)
        if not together and not input_fixed:
            smaller = _smaller_input(config, fits, height, width)
    if remedy is None and smaller is None and not together:
        together = next((found for side in sides if (found := _all_smaller(config, fits, side))), ())
    raise TooLarge(over, config, (height, width), remedy, together, smaller)


Fits = Callable[..., bool]


def _sides(config: CvtConfig, side: int) -> list[int]:
    """Smaller input sides that the model accepts, nearest first."""
    seen = []
    for each in reversed(INPUT_SIDES):
        with suppress(ValueError):
            if each < side and config.grids(each, each):
                seen.append(each)
    return seen


def _one_setting(config: CvtConfig, fits: Fits, side: int, sides: Sequence[int]) -> Remedy | None:
    """The single setting that fits with the smallest change, as ``_distance`` measures it."""
    best, remedy = math.inf, None
    value = _first(sides, lambda value: fits(config, value, value))
    if value is not None:
        best, remedy = _distance(value, side), Remedy(None, "side", value)
    for setting in SETTINGS.values():
        for stage in range(config.num_stages):
            now = getattr(config, setting.name)[stage]
            value = None if isinstance(now, tuple) else _nearest(config, setting, stage, now, fits, best)
            if value is not None:
                best, remedy = _distance(value, now), Remedy(stage, setting.name, value)
    return remedy


def _distance(value: Any, now: Any) -> float:
    """How large a change is: the ratio's logarithm; a switch counts as a halving."""
    if isinstance(now, (bool, str)):
        return math.log(2)
    return abs(math.log(value / now)) if value and now else abs(math.log((value + 1) / (now + 1)))


def _nearest(config: CvtConfig, setting: Setting, stage: int, now: Any, fits: Fits, best: float) -> Any | None:
    """The value nearest to ``now`` that fits and is nearer than ``best``; None if none is."""
    values = [value for value in setting.values if value != now and _distance(value, now) < best - 1e-9]
    if setting.cheaper:
        values = [value for value in values if (value - now) * setting.cheaper > 0]
    elif setting.name == "num_heads":
        return None  # no cost depends on it
    if setting.name == "embed_dim":
        values = [value for value in values if value % config.num_heads[stage] == 0]

    def value_fits(value: Any) -> bool:
        return fits(_changed(config, {stage: {setting.name: value}}))

    values.sort(reverse=setting.cheaper < 0)  # nearest first; values that fit come after those that do not
    if len(values) > 2 and not value_fits(values[-1]):
        return None
    return _first(values, value_fits)


def _all_smaller(config: CvtConfig, fits: Fits, side: int | None = None) -> tuple[Remedy, ...]:
    """All depths and widths scaled by the largest factor that fits, at an input of ``side`` pixels if given; empty if no factor
    does."""
    size = () if side is None else (side, side)

    def shrunk(percent: int) -> dict[int, dict[str, int]]:
        changes, widths = {}, SETTINGS["embed_dim"].values
        for stage, (depth, dim, heads) in enumerate(zip(config.depth, config.embed_dim, config.num_heads, strict=True)):
            step = math.lcm(heads, widths[1] - widths[0])
            depth = min(max(1, depth * percent // 100), SETTINGS["depth"].values[-1])
            changes[stage] = {"depth": depth, "embed_dim": max(step, dim * percent // 100 // step * step)}
        return changes

    percent = _first(range(99, 0, -1), lambda percent: fits(_changed(config, shrunk(percent)), *size))
    if percent is None:
        return ()
    changes = [Remedy(stage, name, value) for stage, each in shrunk(percent).items() for name, value in each.items()]
    return tuple([] if side is None else [Remedy(None, "side", side)]) + tuple(changes)


def _smaller_input(config: CvtConfig, fits: Fits, height: int, width: int) -> Size | None:
    """The largest input of the same aspect ratio that fits, its shorter side a multiple of SIDE_STEP."""

    def size(side: int) -> tuple[int, int]:
        return round(height * side / min(height, width)), round(width * side / min(height, width))

    sides = range((min(height, width) - 1) // SIDE_STEP * SIDE_STEP, 0, -SIDE_STEP)
    side = _first(sides, lambda side: fits(config, *size(side)))
    return None if side is None else size(side)


def _changed(config: CvtConfig, changes: dict[int, dict[str, Any]]) -> CvtConfig | None:
    try:
        return variant(config, changes)
    except ValueError:
        return None


def _first(values: Sequence[Any], fits: Callable[[Any], bool]) -> Any | None:
    """The first value that fits, by bisection if there are many: every value after one that fits is assumed to fit too."""
    if len(values) <= 8:
        return next((value for value in values if fits(value)), None)
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(values[middle]) else (middle + 1, high)
    return values[low] if low < len(values) else None
