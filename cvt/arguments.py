"""Validates the arguments of a config and fills in defaults.

Arguments may leave out fields, give one value for all stages, or use lists for tuples; validated values have every field in its
own type, so that users of a ``CvtConfig`` need no further checks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .fields import (
    LARGEST_SIDE,
    NO_GENERAL_DEFAULT,
    PADDING_MODES,
    STAGE_DEFAULTS,
    cast,
    flag,
    is_list,
    is_number,
    label_names,
    label_numbers,
    shown,
    side,
    whole,
)

ACTIVATIONS = ("gelu", "quick_gelu")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")
MAX_LABELS = 1_000_000  # each has a label, so more would fill the memory before a model is built


@dataclass
class ConfigArguments:
    """The arguments of ``CvtConfig``, documented there; None if not given."""

    num_channels: Any = 3
    patch_sizes: Any = None
    patch_stride: Any = None
    patch_padding: Any = None
    embed_dim: Any = None
    num_heads: Any = None
    depth: Any = None
    mlp_ratio: Any = None
    attention_drop_rate: Any = None
    drop_rate: Any = None
    drop_path_rate: Any = None
    qkv_bias: Any = None
    cls_token: Any = None
    qkv_projection_method: Any = None
    kernel_qkv: Any = None
    padding_kv: Any = None
    stride_kv: Any = None
    padding_q: Any = None
    stride_q: Any = None
    initializer_range: Any = 0.02
    layer_norm_eps: Any = 1e-5
    hidden_act: Any = "gelu"
    num_labels: Any = None
    id2label: Any = None
    label2id: Any = None
    problem_type: Any = None
    image_size: Any = 224
    output_hidden_states: Any = False
    output_attentions: Any = False
    return_dict: Any = True
    extra: Any = field(default_factory=dict)
    position_embedding: Any = False
    padding_mode: Any = "zeros"
    carry_cls_token: Any = False


def validated(arguments: ConfigArguments) -> dict[str, Any]:
    """Every field's value, in its own type. Raises ValueError as ``CvtConfig`` does."""
    return _stages(arguments) | _labels(arguments) | _scalars(arguments) | _ablations(arguments)


def _stages(arguments: ConfigArguments) -> dict[str, tuple]:
    """All per-stage fields: one checked value for each stage."""
    lists = {name: tuple(getattr(arguments, name)) for name in STAGE_DEFAULTS if is_list(getattr(arguments, name))}
    lengths = {name: len(values) for name, values in lists.items()}
    counted = "depth" if "depth" in lengths else next(iter(lengths), None)  # the field that determines the number of stages
    count = 3 if counted is None else lengths[counted]
    if count < 1:
        raise ValueError(f"{counted} is empty: a CvT needs at least one stage, for example depth=[2].")
    for name, length in lengths.items():
        if length != count:
            raise ValueError(
                f"{name} has {_counted(length, 'value')} but the model has {_counted(count, 'stage')}: give one value per stage, "
                f"or a single value for all of them."
            )
    stages = {}
    for name, (first, middle, last) in STAGE_DEFAULTS.items():
        value = getattr(arguments, name)
        if value is None and count != 3 and name in NO_GENERAL_DEFAULT:
            raise ValueError(
                f"{name} is missing: a model of {_counted(count, 'stage')} ({counted} has {_counted(count, 'value')}) "
                f"needs {name} with {_counted(count, 'value')} too."
            )
        if name in lists:
            values = lists[name]
        elif value is not None:
            values = (value,) * count
        elif count == 1:
            # a single stage is both the first (patches) and the last (cls token, stochastic depth)
            values = (first if name.startswith("patch_") else last,)
        else:
            values = (first, *[middle] * (count - 2), last)
        stages[name] = tuple(cast(name, each, stage) for stage, each in enumerate(values))
    return stages


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _labels(arguments: ConfigArguments) -> dict[str, Any]:
    """The fields of the classes: their number, labels by number, and numbers by label."""
    count = None if arguments.num_labels is None else whole(arguments.num_labels, "num_labels", None, least=0)
    if (count or 0) > MAX_LABELS:
        raise ValueError(f"num_labels is {count}: a classifier has at most {MAX_LABELS} classes here.")
    if arguments.id2label is None:
        names = {index: f"LABEL_{index}" for index in range(2 if count is None else count)}
    else:
        names = label_names(arguments.id2label)
        if count is not None and count != len(names):
            raise ValueError(f"num_labels is {count} but id2label has {len(names)} labels: give one of the two, or make them agree.")
    numbers = {label: index for index, label in names.items()} if arguments.label2id is None else label_numbers(arguments.label2id)
    return {"num_labels": len(names), "id2label": names, "label2id": numbers}


def _ablations(arguments: ConfigArguments) -> dict[str, Any]:
    """The options that the paper's CvT does not have."""
    mode = arguments.padding_mode
    if is_list(mode) or mode not in PADDING_MODES:
        raise ValueError(f"padding_mode is {shown(mode)}: choose one of {', '.join(PADDING_MODES)}.")
    flags = {name: flag(getattr(arguments, name), name, None) for name in ("position_embedding", "carry_cls_token")}
    return flags | {"padding_mode": mode}


def _scalars(arguments: ConfigArguments) -> dict[str, Any]:
    """The fields of the whole model."""
    if is_list(arguments.hidden_act) or arguments.hidden_act not in ACTIVATIONS:
        raise ValueError(f"hidden_act is {shown(arguments.hidden_act)}: choose one of {', '.join(ACTIVATIONS)}.")
    if arguments.problem_type is not None and (is_list(arguments.problem_type) or arguments.problem_type not in PROBLEM_TYPES):
        raise ValueError(f"problem_type is {shown(arguments.problem_type)}: choose one of {', '.join(PROBLEM_TYPES)}, or None.")
    if not is_number(arguments.layer_norm_eps) or not 0 < arguments.layer_norm_eps < 1:
        raise ValueError(f"layer_norm_eps is {shown(arguments.layer_norm_eps)}: choose a small positive number such as 1e-5.")
    if not is_number(arguments.initializer_range) or arguments.initializer_range < 0:
        raise ValueError(f"initializer_range is {shown(arguments.initializer_range)}: choose 0 or a positive number such as 0.02.")
    if not isinstance(arguments.extra, Mapping) or not all(isinstance(name, str) for name in arguments.extra):
        raise ValueError(f"extra must be values by name, not {shown(arguments.extra)}.")
    return {
        "num_channels": whole(arguments.num_channels, "num_channels", None),
        "hidden_act": arguments.hidden_act,
        "problem_type": arguments.problem_type,
        "layer_norm_eps": 1e-5 if arguments.layer_norm_eps == 1e-12 else float(arguments.layer_norm_eps),
        "initializer_range": float(arguments.initializer_range),
        "image_size": None if arguments.image_size is None else side(arguments.image_size, "image_size", None, least=1, most=LARGEST_SIDE),
        **{name: flag(getattr(arguments, name), name, None) for name in ("output_hidden_states", "output_attentions", "return_dict")},
        "extra": dict(arguments.extra),  # a copy: attributes are set in it
    }
