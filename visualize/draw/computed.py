"""The numbers that a payload shows, computed from an exploration: on a GPU all at once, in one recording.

Its time would otherwise be that of launching some 300 kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from cvt.runtime.attention import rounded
from cvt.runtime.recording import Recorded

from ..container import Arrays
from ..explore import StageExploration
from ..maps.features import channel_order, component_colours
from .blocks import ARRAYS, Form, attention_arrays

CPU = torch.device("cpu")
OF_STAGE = ("features", "lo", "hi", "pca", "mean", "order", "explained")  # the arrays of a stage, in this order

Place = tuple[int, int]  # (stage, block)
Group = tuple[int, Form]  # blocks of one stage that take one form


@dataclass(frozen=True)
class Computed:
    """The arrays OF_STAGE of each stage, and of each block those of its form."""

    stages: list[Arrays]
    blocks: dict[Place, Arrays]


def begin(
    stages: Sequence[StageExploration], forms: dict[Place, Form], check: Callable[[], None], device: torch.device = CPU
) -> Callable[[], Computed]:
    """Begins to compute; the call of what it returns gives the results. For each stage, and for each block in ``forms``.

    Other devices, such as Apple's, may lack float64: for them it is computed on the CPU.

    Args:
        check: raises an error if a number of the stages is not finite, and may take its time: it is called only where their sum is not.
            A finite sum has only finite terms. On a CPU, where eigenvalues of other numbers may never be found, it is called first.
    """
    groups: dict[Group, list[int]] = {}
    known: dict[Place, Arrays] = {}  # by-products of the pass
    for (stage, block), form in forms.items():
        attention = stages[stage].blocks[block]
        if attention.quantised is not None and form != "rows":
            known[stage, block] = dict(zip(ARRAYS["weights"], attention.quantised, strict=True))
            if not (_has_finite_sum(attention.query) and _has_finite_sum(attention.key)):
                check()
        else:
            groups.setdefault((stage, form), []).append(block)
    arrays = [[stage.features] for stage in stages]
    for (stage, _), members in groups.items():
        blocks = [stages[stage].blocks[member] for member in members]
        arrays += [[block.query for block in blocks], [block.key for block in blocks]]
    settings = tuple((form, stages[stage].blocks[0].scale) for stage, form in groups)
    if device.type == "cuda":
        found = _recorded.begin(device, arrays, settings)
    else:
        tensors = [torch.from_numpy(np.stack(group)) for group in arrays]
        if not _sum(tensors).isfinite():
            check()
        computed = _compute(tensors, settings)
        found = partial(list, [tensor.numpy() for tensor in computed])

    def result() -> Computed:
        numbers = found()
        if device.type == "cuda" and not np.isfinite(numbers.pop()):
            check()
        return _sorted(numbers, len(stages), groups, known)

    return result


def _has_finite_sum(array: np.ndarray) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(array.sum()))


def _sum(tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack([tensor.sum() for tensor in tensors]).sum()


def _compute(tensors: list[Tensor], settings: Sequence[tuple[Form, float]]) -> list[Tensor]:
    """All arrays in the order in which ``_sorted`` takes them."""
    count = len(tensors) - 2 * len(settings)
    maps = [tensor[0] for tensor in tensors[:count]]
    results: list[Tensor] = []  # in the order of OF_STAGE and ARRAYS
    for (rgb, explained), features in zip(component_colours(maps), maps, strict=True):
        values, low, high = quantise_channels(features)
        results += [values, low, high, rgb, features.mean(dim=0), channel_order(features), explained]
    for number, (form, scale) in enumerate(settings):
        query, key = tensors[count + 2 * number : count + 2 * number + 2]  # (blocks, heads, …, D)
        found = attention_arrays(query.flatten(0, 1), key.flatten(0, 1), scale, form)
        results += [each.unflatten(0, query.shape[:2]) for each in found]
    return results


_recorded = Recorded(lambda tensors, settings: [*_compute(tensors, settings), _sum(tensors)])


def _sorted(arrays: Sequence[np.ndarray], stages: int, groups: dict[Group, list[int]], known: dict[Place, Arrays]) -> Computed:
    rest = iter(arrays)
    of_stages = [{name: next(rest) for name in OF_STAGE} for _ in range(stages)]
    blocks = dict(known)
    for (stage, form), members in groups.items():
        found = {name: next(rest) for name in ARRAYS[form]}
        blocks |= {(stage, block): {name: array[index] for name, array in found.items()} for index, block in enumerate(members)}
    return Computed(of_stages, blocks)


def quantise_channels(features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(C, H, W) float32 → uint8 (C, H, W) and each channel's lowest and highest value (C,).

    value = lo + (hi − lo) · uint8 / 255, so that no value is off by more than 1/510 of its channel's range.
    """
    low, high = features.amin(dim=(1, 2)), features.amax(dim=(1, 2))
    factor = torch.where(high > low, 255 / (high - low), 0.0)
    shifted = (features - low[:, None, None]).mul_(factor[:, None, None])
    return rounded(shifted), low, high
