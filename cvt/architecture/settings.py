"""The settings of a stage that can be changed: the table behind the sliders and switches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..fields import PROJECTION_METHODS, ConfigError

MAX_STAGES = 4
INPUT_SIDES = range(32, 513, 32)  # pixels; a model's own input side can be chosen too


@dataclass(frozen=True)
class Setting:
    """A field of ``CvtConfig`` that can be set for one stage.

    Attributes:
        name: the field.
        values: the choices, in order; values that a base already has are allowed too.
        cheaper: the direction in which the model becomes smaller: -1 for smaller values, 1 for larger, 0 if neither.
        idle: another setting of the stage and its value with which this one has no effect.
    """

    name: str
    values: Sequence[Any]
    cheaper: int = 0
    idle: tuple[str, Any] | None = None


_LINEAR = ("qkv_projection_method", "linear")  # which neither convolves nor pools

SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting("depth", range(1, 25), cheaper=-1),
        Setting("num_heads", range(1, 17)),
        Setting("embed_dim", range(16, 1025, 16), cheaper=-1),
        Setting("mlp_ratio", (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0), cheaper=-1),
        Setting("kernel_qkv", (1, 3, 5, 7), cheaper=-1, idle=_LINEAR),
        Setting("stride_kv", (1, 2, 3, 4), cheaper=1, idle=_LINEAR),
        Setting("qkv_projection_method", PROJECTION_METHODS),
        Setting("patch_sizes", range(1, 17), cheaper=-1),
        Setting("patch_stride", (1, 2, 3, 4, 8, 16), cheaper=1),
        Setting("patch_padding", range(9), cheaper=-1),
        Setting("qkv_bias", (False, True)),
        Setting("cls_token", (False, True)),
    )
}


def check_value(setting: Setting, value: Any, stage: int) -> None:
    """Raises ConfigError, naming the choices, if the value is not one of them."""
    values = setting.values
    if isinstance(value, bool) == isinstance(values[0], bool) and isinstance(value, (int, float, str)) and value in values:
        return
    words: dict[str, Any] = {"choices": ", ".join(map(str, values))}
    template = "{where} cannot be {shown}: choose one of {choices}."
    if isinstance(values, range):
        words = {"least": values[0], "most": values[-1], "step": values.step}
        steps = " in steps of {step}" if values.step > 1 else ""
        template = "{where} cannot be {shown}: choose a whole number from {least} to {most}" + steps + "."
    raise ConfigError(template, setting.name, stage, value, values=words)
