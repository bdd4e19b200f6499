"""The laboratory's text, made from values: how a variant differs, why it is invalid, and how far a run is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvt.architecture.budget import TooLarge
from cvt.fields import ConfigError

from .architecture import in_sentence, setting_label, value_words
from .sentences import say

if TYPE_CHECKING:
    from ..jobs import Step
    from ..laboratory.differences import Difference


def progress(step: Step) -> str:
    """A run's current step."""
    return say(f"{step.name}_share", percent=round(100 * step.share)) if step.share else say(step.name)


def problem(error: ValueError) -> str:
    """Why an architecture is invalid, with the page's names for its controls."""
    if isinstance(error, TooLarge):
        return error.sentence(in_sentence, value_words)
    if not isinstance(error, ConfigError):
        return str(error)
    said = error.sentence(in_sentence)
    return said[:1].upper() + said[1:]


def difference(change: Difference) -> str:
    """One difference of a variant, and the effect of that change alone on the baseline."""
    return say("difference", change=_change(change), effect=_effect(change))


def _change(change: Difference) -> str:
    if change.name == "side":
        return say("input_side_changed", old=change.old, new=change.new)
    if change.name == "stages":
        sizes = ", ".join(say("stage_size", depth=depth, width=width) for depth, width in change.new)
        key = f"{'stage' if len(change.stages) == 1 else 'stages'}_{'new' if change.new else 'gone'}"
        return say(key, stages=_numbers(change.stages), sizes=sizes)
    where = "all_stages" if change.everywhere else "one_stage" if len(change.stages) == 1 else "some_stages"
    stages = say(where, stages=_numbers(change.stages))
    return say("setting_changed", label=setting_label(change.name), old=value_words(change.old), new=value_words(change.new), stages=stages)


def _numbers(stages: tuple[int, ...]) -> str:
    names = [str(stage + 1) for stage in stages]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _effect(change: Difference) -> str:
    before, after = change.before, change.after
    if before is None or after is None:
        return say("only_together")
    if before == after:
        return say("no_effect")
    amounts = {"macs": amount_change(after.macs, before.macs), "parameters": amount_change(after.parameters, before.parameters)}
    if before.attention_entries == after.attention_entries:
        return say("effect", **amounts)
    key = "effect_on_attention" if change.name in ("side", "stages") else "effect_on_attention_there"
    return say(key, attention=amount_change(after.attention_entries, before.attention_entries), **amounts)


def amount_change(new: int, old: int) -> str:
    """The change of a count: as a factor from 2 or ½ on, else in per cent, never rounded to 0."""
    if new == old:
        return say("unchanged")
    if not old or not new:
        return say("gone" if old else "from_none")
    ratio = max(new, old) / min(new, old)
    if ratio >= 1.995:
        times = f"{ratio:,.0f}" if ratio >= 9.95 or abs(ratio - round(ratio)) < 0.05 else f"{ratio:.1f}"
        return say("times_more" if new > old else "times_fewer", times=times)
    percent = 100 * abs(new - old) / old
    if percent < 0.1:
        return say("slightly_up" if new > old else "slightly_down")
    return say("percent_up" if new > old else "percent_down", percent=f"{percent:.0f}" if percent >= 9.95 else f"{percent:.1f}")
