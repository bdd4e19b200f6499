"""What a machine can run: a model over its limits is turned down before anything is allocated, with a setting that fits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .config import CvtConfig
from .cost import CvtCost, cost
from .variants import SETTINGS, Setting, variant

SIDE_STEP = 32  # pixels between the input sizes that are suggested


@dataclass(frozen=True)
class Limits:
    """The most that one model may need; None is no limit."""

    macs: int | None
    parameters: int | None
    memory: int | None

    def exceeded(self, result: CvtCost) -> str | None:
        """The first limit that is exceeded, in words; None if all are kept."""
        if self.macs is not None and result.macs > self.macs:
            return f"{in_words(result.macs)} multiply-adds, and at most {in_words(self.macs)} are allowed here"
        if self.parameters is not None and result.parameters > self.parameters:
            return f"{in_words(result.parameters)} parameters, and at most {in_words(self.parameters)} are allowed here"
        if self.memory is not None and result.memory_bytes > self.memory:
            return f"{in_bytes(result.memory_bytes)} of memory, and at most {in_bytes(self.memory)} are allowed here"
        return None


def refuse_if_too_large(
    config: CvtConfig,
    height: int,
    width: int,
    max_macs: int | None = None,
    max_parameters: int | None = None,
    max_memory: int | None = None,
) -> CvtCost:
    """What ``config`` costs for a picture of (height, width) pixels, if that is within the limits; nothing is allocated.

    Args:
        max_macs: multiply-adds for one picture. max_memory: bytes, of ``CvtCost.memory_bytes``. None is no limit.
    Raises:
        ValueError: it is too large, and what to change: the one setting whose smallest change makes it fit; where no single
            one is enough, smaller depths and widths together, or a smaller input. Or the input is too small for a stage.
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

    remedy = _one_setting(config, fits) or _all_smaller(config, fits) or _smaller_input(config, fits, height, width)
    raise ValueError(f"This model needs {over}. {remedy or 'No setting of it fits: choose another model.'}")


def _one_setting(config: CvtConfig, fits: Callable[[CvtConfig | None], bool]) -> str | None:
    """The single setting that fits with the smallest change, as a share of its value."""
    best, sentence = math.inf, None
    for setting in SETTINGS.values():
        if not setting.cheaper:
            continue
        for stage in range(config.num_stages):
            now = getattr(config, setting.name)[stage]
            value = None if isinstance(now, tuple) else _nearest(config, setting, stage, now, fits)
            if value is not None and abs(math.log(value / now)) < best:
                best = abs(math.log(value / now))
                sentence = f"The nearest setting that fits: {setting.label.lower()} {value} instead of {now} in stage {stage + 1}."
    return sentence


def _nearest(config: CvtConfig, setting: Setting, stage: int, now: Any, fits: Callable[[CvtConfig | None], bool]) -> Any | None:
    """The value nearest to ``now`` that fits, on the cheaper side; None if none does."""
    values = [value for value in setting.values if (value - now) * setting.cheaper > 0]
    if setting.name == "embed_dim":
        values = [value for value in values if value % config.num_heads[stage] == 0]
    values.sort(reverse=setting.cheaper < 0)  # from the nearest on; what fits comes after what does not
    return _first(values, lambda value: fits(_changed(config, {stage: {setting.name: value}})))


def _all_smaller(config: CvtConfig, fits: Callable[[CvtConfig | None], bool]) -> str | None:
    """All depths and widths shrunk by one share, the largest that fits."""

    def shrunk(percent: int) -> dict[int, dict[str, int]]:
        changes = {}
        for stage, (depth, dim, heads) in enumerate(zip(config.depth, config.embed_dim, config.num_heads, strict=True)):
            step = math.lcm(heads, SETTINGS["embed_dim"].values.step)
            depth = min(max(1, depth * percent // 100), SETTINGS["depth"].values[-1])
            changes[stage] = {"depth": depth, "embed_dim": max(step, dim * percent // 100 // step * step)}
        return changes

    percent = _first(range(99, 0, -1), lambda percent: fits(_changed(config, shrunk(percent))))
    if percent is None:
        return None
    small = _changed(config, shrunk(percent))
    depths, widths = (", ".join(map(str, values)) for values in (small.depth, small.embed_dim))
    return f"No single setting is enough. This fits: depth {depths} and embedding width {widths} in stages 1 to {small.num_stages}."


def _smaller_input(config: CvtConfig, fits: Callable[..., bool], height: int, width: int) -> str | None:
    """An input of the same shape, its shorter side a multiple of SIDE_STEP, the largest that fits."""

    def size(side: int) -> tuple[int, int]:
        return round(height * side / min(height, width)), round(width * side / min(height, width))

    sides = range((min(height, width) - 1) // SIDE_STEP * SIDE_STEP, 0, -SIDE_STEP)
    side = _first(sides, lambda side: fits(config, *size(side)))
    if side is None:
        return None
    return f"It fits with a smaller input: {size(side)[0]}×{size(side)[1]} pixels instead of {height}×{width}."


def _changed(config: CvtConfig, changes: dict[int, dict[str, Any]]) -> CvtConfig | None:
    try:
        return variant(config, changes)
    except ValueError:
        return None


def _first(values: Sequence[Any], fits: Callable[[Any], bool]) -> Any | None:
    """The first value that fits. Of many, all after one that fits are taken to fit too, and it is found by halving."""
    if len(values) <= 8:
        return next((value for value in values if fits(value)), None)
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(values[middle]) else (middle + 1, high)
    return values[low] if low < len(values) else None


def in_words(count: int) -> str:
    """A count with three digits: 950, 12.3 thousand, 4.57 billion."""
    return _scaled(count, ((10**12, " trillion"), (10**9, " billion"), (10**6, " million"), (10**3, " thousand")), "")


def in_bytes(count: int) -> str:
    """An amount of memory with three digits: 950 bytes, 12.3 kB, 1.31 GB."""
    return _scaled(count, ((10**12, " TB"), (10**9, " GB"), (10**6, " MB"), (10**3, " kB")), " bytes")


def _scaled(count: int, units: Sequence[tuple[int, str]], smallest: str) -> str:
    for size, name in units:
        if count >= 0.9995 * size:  # what three digits would round up to it
            value = count / size
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:,.{digits}f}{name}"
    return f"{count}{smallest}"
