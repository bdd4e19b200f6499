"""How a variant differs from its baseline: each change with the cost of that change alone, as values.

``words.laboratory.difference`` says them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvt.architecture.cost import CvtCost, cost
from cvt.architecture.settings import SETTINGS
from cvt.architecture.variants import architecture, stage_changes, stage_settings
from cvt.config import CvtConfig

SIDE, STAGES = "side", "stages"  # what else than a setting may differ


@dataclass(frozen=True)
class Amounts:
    """Costs: of the whole model, but attention weights only of the stages that changed where one setting did."""

    attention_entries: int
    macs: int
    parameters: int


@dataclass(frozen=True)
class Difference:
    """One change, and what it alone does to the baseline.

    Attributes:
        name: a setting, SIDE or STAGES. stages: in which it was changed, or which are new or gone, from 0; empty for SIDE.
        old, new: values of the setting, or sides in pixels; of stages that are gone or new (depth, width) each.
        before, after: costs without and with the change; None where it can only be made together with others.
        everywhere: whether all stages of both were changed.
    """

    name: str
    stages: tuple[int, ...]
    old: Any
    new: Any
    before: Amounts | None
    after: Amounts | None
    everywhere: bool = False


def differences(config: CvtConfig, base: CvtConfig, side: int, base_side: int | None = None) -> list[Difference]:
    """Every field in which ``config`` differs from ``base``; stages that change alike share a difference.

    Args:
        side: the variant's input side in pixels. base_side: the baseline's, and that of all costs; ``side`` if None.
    Raises:
        ValueError: ``base`` cannot take an input of its side.
    """
    base_side = side if base_side is None else base_side
    before = cost(base, base_side, base_side)
    every = []
    if side != base_side:
        every.append(Difference(SIDE, (), base_side, side, *_amounts(before, _cost_or_none(base, side))))
    every += _stages(config, base, base_side, before)
    changes = stage_changes(config, base)[: base.num_stages]
    for name in SETTINGS:
        reference = _reference(name, base, changes)
        own = before if reference is base else _cost_or_none(reference, base_side)
        every += [_setting(name, *change, config, reference, base_side, own) for change in _changed(name, reference, changes)]
    return every


def _setting(
    name: str, old: Any, new: Any, stages: tuple[int, ...], config: CvtConfig, reference: CvtConfig, side: int, before: CvtCost | None
) -> Difference:
    """One setting, changed alike in some stages, against the reference with this change and no other."""
    try:
        alone = architecture(reference, [{name: new} if stage in stages else {} for stage in range(reference.num_stages)])
    except ValueError:
        alone = None
    everywhere = config.num_stages == reference.num_stages == len(stages) > 1
    return Difference(name, stages, old, new, *_amounts(before, _cost_or_none(alone, side), stages), everywhere)


def _reference(name: str, base: CvtConfig, changes: list[dict[str, Any]]) -> CvtConfig:
    """What a change of this setting is compared with: the base; for a padding, with the kernels and strides that it belongs to."""
    belong = ("patch_sizes", "patch_stride") if name == "patch_padding" else ()
    kept = [{each: value for each, value in stage.items() if each in belong} for stage in changes]
    if not any(kept):
        return base
    return architecture(base, kept + [{} for _ in range(base.num_stages - len(kept))])


def _changed(name: str, reference: CvtConfig, changes: list[dict[str, Any]]) -> list[tuple[Any, Any, tuple[int, ...]]]:
    """(old, new, stages) of one setting in the stages that both have."""
    groups: dict[tuple[Any, Any], list[int]] = {}
    for stage, each in enumerate(changes):
        if name in each:
            groups.setdefault((getattr(reference, name)[stage], each[name]), []).append(stage)
    return [(*values, tuple(stages)) for values, stages in groups.items()]


def _stages(config: CvtConfig, base: CvtConfig, side: int, before: CvtCost) -> list[Difference]:
    """The stages that are new or gone."""
    kept = min(config.num_stages, base.num_stages)
    which = tuple(range(kept, max(config.num_stages, base.num_stages)))
    if not which:
        return []
    unchanged: list[dict[str, Any]] = [{} for _ in range(kept)]
    alone = architecture(base, unchanged + stage_settings(config)[base.num_stages :])
    old, new = (tuple(zip(each.depth, each.embed_dim, strict=True))[kept:] for each in (base, config))
    return [Difference(STAGES, which, old, new, *_amounts(before, _cost_or_none(alone, side)))]


def _cost_or_none(config: CvtConfig | None, side: int) -> CvtCost | None:
    try:
        return None if config is None else cost(config, side, side)
    except ValueError:  # the input is too small
        return None


def _amounts(before: CvtCost | None, after: CvtCost | None, stages: tuple[int, ...] = ()) -> tuple[Amounts | None, Amounts | None]:
    """Both costs, their attention weights of some stages only where these are given; None and None where one is not possible."""
    if before is None or after is None:
        return None, None

    def attention(result: CvtCost) -> int:
        return sum(result.stages[stage].attention_entries for stage in stages) if stages else result.attention_entries

    before_it, after_it = (Amounts(attention(each), each.macs, each.parameters) for each in (before, after))
    return before_it, after_it
