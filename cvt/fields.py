"""The values that the fields of a ``CvtConfig`` may have: defaults, types and ranges, one field of one stage at a time.

Each check returns the value in its own type, or raises a ValueError that names the field and the stage.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

Size = tuple[int, int]  # (height, width)

PROJECTION_METHODS = ("dw_bn", "avg", "linear")

# The value of every per-stage field that was not given: (first stage, middle stages, last stage).
STAGE_DEFAULTS: dict[str, tuple[Any, Any, Any]] = {
    "patch_sizes": (7, 3, 3),
    "patch_stride": (4, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (64, 192, 384),
    "num_heads": (1, 3, 6),
    "depth": (1, 2, 10),
    "mlp_ratio": (4.0, 4.0, 4.0),
    "attention_drop_rate": (0.0, 0.0, 0.0),
    "drop_rate": (0.0, 0.0, 0.0),
    "drop_path_rate": (0.0, 0.0, 0.1),
    "qkv_bias": (True, True, True),
    "cls_token": (False, False, True),
    "qkv_projection_method": ("dw_bn", "dw_bn", "dw_bn"),
    "kernel_qkv": (3, 3, 3),
    "padding_kv": (1, 1, 1),
    "stride_kv": (2, 2, 2),
    "padding_q": (1, 1, 1),
    "stride_q": (1, 1, 1),
}
# Fields without which a model of another number of stages has no meaning.
NO_GENERAL_DEFAULT = ("embed_dim", "num_heads", "depth")


def is_list(value: Any) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, (str, bytes))


def is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def pair(value: int | Size) -> Size:
    return (value, value) if isinstance(value, int) else value


def at(name: str, stage: int | None) -> str:
    return name if stage is None else f"{name} of stage {stage + 1}"


def whole(value: Any, name: str, stage: int | None, least: int = 1) -> int:
    if not is_number(value) or value != int(value) or value < least:
        raise ValueError(f"{at(name, stage)} must be a whole number, {least} or more, not {value!r}.")
    return int(value)


def side(value: Any, name: str, stage: int | None, least: int = 1) -> int | Size:
    if not is_list(value):
        return whole(value, name, stage, least)
    values = tuple(whole(each, name, stage, least) for each in value)
    if len(values) != 2:
        raise ValueError(f"{at(name, stage)} must be one number or a (height, width) pair, not {value!r}.")
    return values[0] if values[0] == values[1] else values


def fraction(value: Any, name: str, stage: int | None) -> float:
    if not is_number(value) or not 0 <= value < 1:
        raise ValueError(f"{at(name, stage)} must be at least 0 and below 1, not {value!r}.")
    return float(value)


def flag(value: Any, name: str, stage: int | None) -> bool:
    if value not in (True, False, 0, 1):
        raise ValueError(f"{at(name, stage)} must be true or false, not {value!r}.")
    return bool(value)


def ratio(value: Any, name: str, stage: int | None) -> float:
    if not is_number(value) or value <= 0:
        raise ValueError(f"{at(name, stage)} must be a positive number, not {value!r}.")
    return float(value)


def method(value: Any, name: str, stage: int | None) -> str:
    if value not in PROJECTION_METHODS:
        raise ValueError(f"{at(name, stage)} is {value!r}: choose one of {', '.join(PROJECTION_METHODS)}.")
    return value


def zero_or_more(value: Any, name: str, stage: int | None) -> int:
    return whole(value, name, stage, least=0)


def padding(value: Any, name: str, stage: int | None) -> int | Size:
    return side(value, name, stage, least=0)


CASTS = {
    "patch_sizes": side,
    "patch_stride": side,
    "patch_padding": padding,
    "depth": zero_or_more,
    "mlp_ratio": ratio,
    "attention_drop_rate": fraction,
    "drop_rate": fraction,
    "drop_path_rate": fraction,
    "qkv_bias": flag,
    "cls_token": flag,
    "qkv_projection_method": method,
    "padding_kv": zero_or_more,
    "padding_q": zero_or_more,
}


def cast(name: str, value: Any, stage: int) -> Any:
    """The value of one field in one stage, in the type that it has everywhere else; refused where it can mean nothing."""
    return CASTS.get(name, whole)(value, name, stage)
