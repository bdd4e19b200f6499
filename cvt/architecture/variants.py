"""Makes other architectures from a base, and sets the fields that depend on a changed one.

``architecture`` makes a config of one to four stages from the sliders' settings, ``variant`` from a base and some changes;
``settings.py`` lists the settings. ``budget.py`` checks first whether a machine can run it, ``build.py`` gives it weights, and
``cache.py`` keeps the last models.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..config import CvtConfig
from ..fields import STAGE_DEFAULTS, shown
from .settings import MAX_STAGES, SETTINGS, check_value

Changes = Mapping[int, Mapping[str, Any]]
Stage = dict[str, Any]  # a value for every field of STAGE_DEFAULTS


def _projection_padding(stage: Stage) -> Stage:
    """Half the kernel, which keeps the query grid, as the residual needs."""
    return {"padding_q": stage["kernel_qkv"] // 2, "padding_kv": stage["kernel_qkv"] // 2}


def _patch_padding(stage: Stage) -> Stage:
    """Makes the grid the input's divided by the stride (an even kernel at stride 1 adds one), as in the published models."""
    kernel, stride = (each if isinstance(each, tuple) else (each, each) for each in (stage["patch_sizes"], stage["patch_stride"]))
    padding = tuple(max(0, (kernel[axis] - stride[axis] + 1) // 2) for axis in (0, 1))
    return {"patch_padding": padding[0] if padding[0] == padding[1] else padding}


# Fields that change with another, unless they are given too.
FOLLOWERS: dict[str, Callable[[Stage], Stage]] = {
    "kernel_qkv": _projection_padding,
    "patch_sizes": _patch_padding,
    "patch_stride": _patch_padding,
}
PADDINGS = ("padding_q", "padding_kv")  # fields that a program may set besides the settings


def variant(base: CvtConfig, changes: Changes) -> CvtConfig:
    """``base`` with some settings of some stages changed.

    Paddings follow their kernels; the next stage's conv embedding takes the width before it.

    Args:
        changes: {stage, from 0: {field of ``SETTINGS``: value}}; the paddings of projections may be given as well.
    Raises:
        ValueError: no such stage, field or value, or a combination that cannot be built. It says why.
    """
    stages = [_stage_of(base, index) for index in range(base.num_stages)]
    for index, settings in changes.items():
        if index not in range(base.num_stages):
            raise ValueError(f"There is no stage {index + 1}: this model has {base.num_stages}. Change one of those.")
        stages[index] = _with(stages[index], settings, index, (*SETTINGS, *PADDINGS))
    return _joined(base, stages)


def architecture(base: CvtConfig, stages: Sequence[Mapping[str, Any]]) -> CvtConfig:
    """A config with the given stages; everything else, such as the classes, is the base's.

    Fields that a stage does not give are the base's at that index, except that the conv embedding's padding follows its kernel and
    stride if one of them is changed. A stage that the base lacks starts from the base's last: one block, twice the width and heads
    for each further stage as far as ``SETTINGS`` allows, a conv embedding of kernel 3, stride 2 and padding 1, and no cls token.

    Args:
        stages: 1 to 4, each {field of ``SETTINGS``: value}; values may be untrusted.
    Raises:
        ValueError: a count, field or value that there is not, or a combination that cannot be built, saying why.
    """
    if isinstance(stages, (str, bytes, Mapping)) or not isinstance(stages, Sequence) or not 1 <= len(stages) <= MAX_STAGES:
        raise ValueError(f"An architecture is a list of 1 to {MAX_STAGES} stages: give settings for each.")
    full = []
    for index, settings in enumerate(stages):
        if not isinstance(settings, Mapping):
            raise ValueError(f"Stage {index + 1} is {shown(settings)}: give its settings by their names.")
        full.append(_with(_start_of(base, index), settings, index, tuple(SETTINGS)))
    return _joined(base, full)


def stage_settings(config: CvtConfig) -> list[dict[str, Any]]:
    """Every stage's settings, all of them: what ``architecture`` takes, and sliders show."""
    return [{name: getattr(config, name)[index] for name in SETTINGS} for index in range(config.num_stages)]


def stage_changes(config: CvtConfig, base: CvtConfig) -> list[dict[str, Any]]:
    """The smallest argument with which ``architecture`` makes ``config`` from ``base``."""
    every = []
    for index, settings in enumerate(stage_settings(config)):
        start = _start_of(base, index)
        changes = {name: value for name, value in settings.items() if name != "patch_padding" and value != start[name]}
        if settings["patch_padding"] != _with(start, changes, index, tuple(SETTINGS))["patch_padding"]:
            changes["patch_padding"] = settings["patch_padding"]
        every.append(changes)
    return every


def _stage_of(config: CvtConfig, index: int) -> Stage:
    return {name: getattr(config, name)[index] for name in STAGE_DEFAULTS}


def _start_of(base: CvtConfig, index: int) -> Stage:
    """A stage's defaults before its settings are applied; see ``architecture``."""
    if index < base.num_stages:
        return _stage_of(base, index)
    stage = _stage_of(base, base.num_stages - 1)
    widths, heads = SETTINGS["embed_dim"].values, SETTINGS["num_heads"].values
    for _ in range(index - base.num_stages + 1):
        if 2 * stage["embed_dim"] in widths:
            stage["embed_dim"] *= 2
            stage["num_heads"] *= 2 if 2 * stage["num_heads"] in heads else 1
    return stage | {"depth": 1, "patch_sizes": 3, "patch_stride": 2, "patch_padding": 1, "cls_token": False}


def _with(start: Stage, settings: Mapping[str, Any], index: int, allowed: tuple[str, ...]) -> Stage:
    """``start`` with ``settings``, each checked, and with the fields that depend on them."""
    chosen = {}
    for name, value in settings.items():
        if name not in allowed:
            raise ValueError(f"{shown(name)} is not a setting of a stage: choose among {', '.join(SETTINGS)}.")
        if name in SETTINGS and not _is(value, start[name]):
            check_value(SETTINGS[name], value, index)
        chosen[name] = tuple(value) if isinstance(value, list) else value
    now = start | chosen
    follow: dict[str, Any] = {}
    for name, value in chosen.items():
        if name in FOLLOWERS and value != start[name]:
            follow |= FOLLOWERS[name](now)
    return start | follow | chosen


def _is(value: Any, now: Any) -> bool:
    """Whether a given value is the current one, which need not be among the choices."""
    if isinstance(value, list):  # a pair, as JSON has it
        value = tuple(value)
    return isinstance(value, bool) == isinstance(now, bool) and value == now


def _joined(base: CvtConfig, stages: list[Stage]) -> CvtConfig:
    """``base`` with these stages."""
    fields = {name: tuple(stage[name] for stage in stages) for name in STAGE_DEFAULTS}
    changed = {name: values for name, values in fields.items() if values != getattr(base, name)}
    return base.replace(**changed) if changed else base
