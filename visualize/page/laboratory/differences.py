"""How a variant differs from its baseline, in sentences with the cost of each change alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvt.architecture.cost import CvtCost, cost
from cvt.architecture.settings import SETTINGS, value_words
from cvt.architecture.variants import architecture, stage_changes, stage_settings
from cvt.config import CvtConfig


def differences(config: CvtConfig, base: CvtConfig, side: int, base_side: int | None = None) -> list[str]:
    """A sentence for each field in which ``config`` differs from ``base``, and what that change alone does to the base.

    Stages that change alike share a sentence. Where a change cannot be made alone, such as a width that the heads do not
    divide, the sentence says so and gives no numbers.

    Args:
        side: the variant's input side in pixels. base_side: the baseline's, and that of all costs; ``side`` if None.
    Raises:
        ValueError: ``base`` cannot take an input of its side.
    """
    base_side = side if base_side is None else base_side
    before = cost(base, base_side, base_side)
    sentences = []
    if side != base_side:
        sentences.append(f"Input side {base_side} → {side}: {_consequence(_cost_or_none(base, side), before)}")
    sentences += _stages(config, base, base_side, before)
    changes = stage_changes(config, base)[: base.num_stages]
    for name in SETTINGS:
        reference = _reference(name, base, changes)
        for change in _changes_of(name, config, reference, changes):
            after = _cost_or_none(change.alone(reference), base_side)
            own = before if reference is base else _cost_or_none(reference, base_side)
            sentences.append(f"{change.words}: {_consequence(after, own, change.stages)}")
    return sentences


@dataclass(frozen=True)
class _Change:
    """One setting, changed alike in some stages, counted from 0."""

    name: str
    old: Any
    new: Any
    stages: tuple[int, ...]
    all_stages: bool

    @property
    def words(self) -> str:
        return f"{SETTINGS[self.name].label} {value_words(self.old)} → {value_words(self.new)} in {_where(self.stages, self.all_stages)}"

    def alone(self, reference: CvtConfig) -> CvtConfig | None:
        """The reference with this change and no other; None where that cannot be built."""
        try:
            return architecture(reference, [{self.name: self.new} if stage in self.stages else {} for stage in range(reference.num_stages)])
        except ValueError:
            return None


def _reference(name: str, base: CvtConfig, changes: list[dict[str, Any]]) -> CvtConfig:
    """What a change of this setting is compared with: the base; for a padding, with the kernels and strides that it belongs to."""
    belong = ("patch_sizes", "patch_stride") if name == "patch_padding" else ()
    kept = [{each: value for each, value in stage.items() if each in belong} for stage in changes]
    if not any(kept):
        return base
    return architecture(base, kept + [{} for _ in range(base.num_stages - len(kept))])


def _changes_of(name: str, config: CvtConfig, reference: CvtConfig, changes: list[dict[str, Any]]) -> list[_Change]:
    """The changes of one setting in the stages that both have."""
    groups: dict[tuple[Any, Any], list[int]] = {}
    for stage, each in enumerate(changes):
        if name in each:
            groups.setdefault((getattr(reference, name)[stage], each[name]), []).append(stage)
    every = config.num_stages == reference.num_stages > 1
    return [_Change(name, *values, tuple(stages), every and len(stages) == len(changes)) for values, stages in groups.items()]


def _stages(config: CvtConfig, base: CvtConfig, side: int, before: CvtCost) -> list[str]:
    """The sentence on stages that are new or gone."""
    more = config.num_stages - base.num_stages
    if not more:
        return []
    own = [{} for _ in range(min(config.num_stages, base.num_stages))]
    alone = architecture(base, own + stage_settings(config)[base.num_stages :])
    if more > 0:
        which = tuple(range(base.num_stages, config.num_stages))
        words = ", ".join(f"depth {config.depth[stage]}, width {config.embed_dim[stage]}" for stage in which)
        start = f"{_where(which).capitalize()} {'is' if more == 1 else 'are'} new ({words})"
    else:
        which = tuple(range(config.num_stages, base.num_stages))
        start = f"{_where(which).capitalize()} {'is' if more == -1 else 'are'} gone"
    return [f"{start}: {_consequence(_cost_or_none(alone, side), before)}"]


def _cost_or_none(config: CvtConfig | None, side: int) -> CvtCost | None:
    try:
        return None if config is None else cost(config, side, side)
    except ValueError:  # the input is too small
        return None


def _consequence(after: CvtCost | None, before: CvtCost | None, stages: tuple[int, ...] = ()) -> str:
    if after is None or before is None:
        return "possible only together with other changes."
    parts = []
    if stages:
        old, new = (sum(each.stages[stage].attention_entries for stage in stages) for each in (before, after))
        if new != old:
            parts.append(f"attention weights there {_change(new, old)}")
    elif after.attention_entries != before.attention_entries:
        parts.append(f"attention weights {_change(after.attention_entries, before.attention_entries)}")
    parts.append(f"multiply-adds in all {_change(after.macs, before.macs)}")
    parts.append(f"parameters {_change(after.parameters, before.parameters)}")
    if all(part.endswith(" unchanged") for part in parts):
        return "multiply-adds and parameters unchanged."
    return ", ".join(parts) + "."


def _change(new: int, old: int) -> str:
    """The change of a count: in times from twice or half on, else in per cent, never rounded to nothing."""
    if new == old:
        return "unchanged"
    if not old or not new:
        return "from none" if not old else "gone"
    ratio = max(new, old) / min(new, old)
    if ratio >= 1.995:
        return f"{_times(ratio)}× {'as many' if new > old else 'fewer'}"
    percent = 100 * abs(new - old) / old
    if percent < 0.1:
        return f"{'up' if new > old else 'down'} by less than 0.1 %"
    sign = "+" if new > old else "−"
    return f"{sign}{percent:.0f} %" if percent >= 9.95 else f"{sign}{percent:.1f} %"


def _times(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 9.95 or abs(ratio - round(ratio)) < 0.05 else f"{ratio:.1f}"


def _where(stages: tuple[int, ...], all_stages: bool = False) -> str:
    if all_stages:
        return "all stages"
    names = [str(stage + 1) for stage in stages]
    return f"stage {names[0]}" if len(names) == 1 else f"stages {', '.join(names[:-1])} and {names[-1]}"
