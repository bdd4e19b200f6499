"""The architecture of a CvT as one validated value.

Names and defaults are those Hugging Face documents for ``CvtConfig``; what is impossible is refused here, with a sentence
that names the field, the stage and the remedy, so that ``model.py`` can trust what it is given.

Source: arXiv 2103.15808, table 2 (the variants) and section 3 (the parts).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from .fields import (
    NO_GENERAL_DEFAULT,
    PROJECTION_METHODS,
    STAGE_DEFAULTS,
    Size,
    cast,
    is_list,
    is_number,
    label_names,
    label_numbers,
    pair,
    shown,
    side,
    whole,
)

__all__ = ["PROJECTION_METHODS", "VARIANTS", "CvtConfig", "Size", "StageConfig", "conv_output", "pooled_output"]

ACTIVATIONS = ("gelu", "quick_gelu")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")
MAX_LABELS = 1_000_000  # each has a name: more would fill the memory before a model is built


def conv_output(size: int, kernel: int, stride: int, padding: int) -> int:
    """Positions a convolution visits along one axis of ``size`` positions; may be zero or negative if it does not fit."""
    return (size + 2 * padding - kernel) // stride + 1


def pooled_output(size: int, kernel: int, stride: int, padding: int) -> int:
    """Positions of an average pool with ``ceil_mode=True``; a last window must start inside the input or left padding."""
    out = -((size + 2 * padding - kernel) // -stride) + 1
    return out - 1 if (out - 1) * stride >= size + padding else out


@dataclass(frozen=True)
class StageConfig:
    """One stage of a ``CvtConfig``: plain numbers, sizes as (height, width) pairs."""

    index: int
    in_channels: int
    patch_size: Size
    patch_stride: Size
    patch_padding: Size
    embed_dim: int
    num_heads: int
    depth: int
    mlp_ratio: float
    attention_drop_rate: float
    drop_rate: float
    drop_path_rate: float
    qkv_bias: bool
    cls_token: bool
    qkv_projection_method: str
    kernel_qkv: int
    padding_kv: int
    stride_kv: int
    padding_q: int
    stride_q: int

    @property
    def head_dim(self) -> int:
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        return int(self.embed_dim * self.mlp_ratio)

    @property
    def drop_path_rates(self) -> tuple[float, ...]:
        """The chance that a block's branches are dropped, a block: from 0 in the first to ``drop_path_rate`` in the last."""
        if self.depth == 1:
            return (0.0,)
        return tuple(self.drop_path_rate * layer / (self.depth - 1) for layer in range(self.depth))

    def query_grid(self, height: int, width: int) -> Size:
        """(rows, columns) of tokens that this stage's conv embedding makes of a (height, width) input."""
        return tuple(
            conv_output(size, self.patch_size[axis], self.patch_stride[axis], self.patch_padding[axis])
            for axis, size in enumerate((height, width))
        )

    def key_grid(self, height: int, width: int) -> Size:
        """(rows, columns) of keys and values for a query grid of (height, width)."""
        if self.qkv_projection_method == "linear":
            return height, width
        output = pooled_output if self.qkv_projection_method == "avg" else conv_output
        return tuple(output(size, self.kernel_qkv, self.stride_kv, self.padding_kv) for size in (height, width))


@dataclass(frozen=True)
class CvtConfig:
    """Configuration of a CvT; ``CvtConfig()`` is CvT-13.

    Fields that speak of a stage take one value a stage; a single value is used for every stage. The number of stages is
    the length of what is given (3 if nothing is). Sequences are kept as tuples; the value cannot be changed after it is
    built, ``config.replace(...)`` makes another.

    Args:
        num_channels: channels of the picture.
        patch_sizes, patch_stride, patch_padding: kernel, stride and padding of each conv embedding, an int or a
            (height, width) pair a stage.
        embed_dim: width of the tokens. num_heads: attention heads, a divisor of the width. depth: blocks.
        mlp_ratio: hidden width of the MLP as a multiple of the width.
        attention_drop_rate, drop_rate: dropout of the attention weights, and of the embeddings, projections and MLP.
        drop_path_rate: stochastic depth of the stage's last block; it grows linearly from 0 over the stage's blocks.
        qkv_bias: whether the linear q, k and v projections have a bias.
        cls_token: whether the stage adds a class token. Without one in the last stage the classifier reads the mean.
        qkv_projection_method: "dw_bn" (depth-wise convolution and BatchNorm), "avg" (average-pooled keys and values) or
            "linear" (no convolution; kernel and strides are not used).
        kernel_qkv, padding_kv, stride_kv, padding_q, stride_q: the convolutional projection. The query grid must stay as
            it is, for the residual: ``stride_q`` 1 and ``padding_q`` half of an odd kernel.
        initializer_range: standard deviation of the truncated normal that initialises convolutions and linear layers.
        layer_norm_eps: 1e-5, with which every published model was trained; 1e-12, which published files carry but no
            implementation used, is read as 1e-5.
        hidden_act: "gelu", or "quick_gelu" (x * sigmoid(1.702 x)) with which the authors' weights were trained.
        num_labels, id2label, label2id: the classes. problem_type: see ``CvtForImageClassification``.
        image_size: side in pixels of the input it was trained for; any other size works too.
        extra: keys of a ``config.json`` that mean nothing here, kept so that saving loses nothing.

    Raises:
        ValueError: a combination that cannot be built, naming the field, the stage and the remedy.
    Source: arXiv 2103.15808, table 2; names as in Hugging Face's documentation of CvT.
    """

    num_channels: int = 3
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
    initializer_range: float = 0.02
    layer_norm_eps: float = 1e-5
    hidden_act: str = "gelu"
    num_labels: int | None = None
    id2label: dict[int, str] | None = None
    label2id: dict[str, int] | None = None
    problem_type: str | None = None
    image_size: int | Size | None = 224
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        self._fill_stages()
        self._fill_labels()
        self._check_scalars()
        for stage in self.stages:
            _check_stage(stage)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)  # only while the frozen value is being built

    def _fill_stages(self) -> None:
        given = {name: tuple(getattr(self, name)) for name in STAGE_DEFAULTS if is_list(getattr(self, name))}
        lengths = {name: len(values) for name, values in given.items()}
        counted = "depth" if "depth" in lengths else next(iter(lengths), None)  # the field that tells the number of stages
        count = lengths.get(counted, 3)
        if count < 1:
            raise ValueError(f"{counted} is empty: a CvT needs at least one stage, for example depth=[2].")
        for name, length in lengths.items():
            if length != count:
                raise ValueError(
                    f"{name} has {_counted(length, 'value')} but the model has {_counted(count, 'stage')}: give one value a stage, "
                    f"or a single value for all of them."
                )
        for name, (first, middle, last) in STAGE_DEFAULTS.items():
            value = getattr(self, name)
            if value is None and count != 3 and name in NO_GENERAL_DEFAULT:
                raise ValueError(
                    f"{name} is missing: a model of {_counted(count, 'stage')} ({counted} has {_counted(count, 'value')}) "
                    f"needs {name} with {_counted(count, 'value')} too."
                )
            if name in given:
                values = given[name]
            elif value is not None:
                values = (value,) * count
            elif count == 1:
                # a single stage is the first by its patches and the last by its token and its stochastic depth
                values = (first if name.startswith("patch_") else last,)
            else:
                values = (first, *[middle] * (count - 2), last)
            self._set(name, tuple(cast(name, each, stage) for stage, each in enumerate(values)))

    def _fill_labels(self) -> None:
        count = None if self.num_labels is None else whole(self.num_labels, "num_labels", None, least=0)
        if (count or 0) > MAX_LABELS:
            raise ValueError(f"num_labels is {count}: a classifier has at most {MAX_LABELS} classes here.")
        if self.id2label is None:
            names = {index: f"LABEL_{index}" for index in range(2 if count is None else count)}
        else:
            names = label_names(self.id2label)
            if count is not None and count != len(names):
                raise ValueError(f"num_labels is {count} but id2label has {len(names)} labels: give one of the two, or make them agree.")
        self._set("id2label", names)
        self._set("num_labels", len(names))
        if self.label2id is None:
            self._set("label2id", {label: index for index, label in names.items()})
        else:
            self._set("label2id", label_numbers(self.label2id))

    def _check_scalars(self) -> None:
        self._set("num_channels", whole(self.num_channels, "num_channels", None))
        if is_list(self.hidden_act) or self.hidden_act not in ACTIVATIONS:
            raise ValueError(f"hidden_act is {shown(self.hidden_act)}: choose one of {', '.join(ACTIVATIONS)}.")
        if self.problem_type is not None and (is_list(self.problem_type) or self.problem_type not in PROBLEM_TYPES):
            raise ValueError(f"problem_type is {shown(self.problem_type)}: choose one of {', '.join(PROBLEM_TYPES)}, or None.")
        if not is_number(self.layer_norm_eps) or not 0 < self.layer_norm_eps < 1:
            raise ValueError(f"layer_norm_eps is {shown(self.layer_norm_eps)}: choose a small positive number such as 1e-5.")
        self._set("layer_norm_eps", 1e-5 if self.layer_norm_eps == 1e-12 else float(self.layer_norm_eps))
        if not is_number(self.initializer_range) or self.initializer_range < 0:
            raise ValueError(f"initializer_range is {shown(self.initializer_range)}: choose 0 or a positive number such as 0.02.")
        self._set("initializer_range", float(self.initializer_range))
        if self.image_size is not None:
            self._set("image_size", side(self.image_size, "image_size", None, least=1))

    @property
    def num_stages(self) -> int:
        return len(self.depth)

    @cached_property
    def stages(self) -> tuple[StageConfig, ...]:
        """One ``StageConfig`` a stage."""
        return tuple(
            StageConfig(
                index=index,
                in_channels=self.embed_dim[index - 1] if index else self.num_channels,
                patch_size=pair(self.patch_sizes[index]),
                patch_stride=pair(self.patch_stride[index]),
                patch_padding=pair(self.patch_padding[index]),
                **{name: getattr(self, name)[index] for name in STAGE_DEFAULTS if not name.startswith("patch_")},
            )
            for index in range(self.num_stages)
        )

    def grids(self, height: int, width: int) -> list[tuple[Size, Size]]:
        """(query grid, key grid) of every stage for an input of (height, width) pixels, each (rows, columns).

        Raises:
            ValueError: the input is too small for a stage.
        """
        grids, size = [], (height, width)
        for stage in self.stages:
            before, size = size, stage.query_grid(*size)
            keys = stage.key_grid(*size) if min(size) > 0 else size
            if min(*size, *keys) < 1:
                raise ValueError(
                    f"An input of {height}×{width} pixels is too small: stage {stage.index + 1} gets a grid of "
                    f"{before[0]}×{before[1]} and has no room for its {stage.patch_size[0]}×{stage.patch_size[1]} conv embedding "
                    f"and {stage.kernel_qkv}×{stage.kernel_qkv} projection. Use a larger input, or smaller kernels and strides."
                )
            grids.append((size, keys))
        return grids

    def replace(self, **changes) -> CvtConfig:
        """A copy with some fields changed, validated anew; new ``id2label`` or ``num_labels`` replace all label fields."""
        if "num_labels" in changes or "id2label" in changes:
            changes = {"num_labels": None, "id2label": None, "label2id": None} | changes
        return replace(self, **changes)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values, in the form of a Hugging Face ``config.json`` (with ``extra`` spread out)."""
        own = {each.name: _jsonable(getattr(self, each.name)) for each in fields(self) if each.name != "extra"}
        own["id2label"] = {str(index): label for index, label in self.id2label.items()}
        del own["num_labels"]  # follows from id2label, as in Hugging Face's files
        return {**self.extra, "model_type": "cvt", **own}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CvtConfig:
        """The config of a ``config.json``'s content; keys that mean nothing here go into ``extra``.

        Raises:
            ValueError: another model's file, or an impossible architecture.
        """
        kind = values.get("model_type", "cvt")
        if kind != "cvt":
            raise ValueError(f"This config.json describes a {kind!r} model, not a CvT (model_type 'cvt').")
        known = {each.name for each in fields(cls)} - {"extra"}
        own = {name: value for name, value in values.items() if name in known}
        if own.get("id2label") is not None:
            own.pop("num_labels", None)
        extra = {name: value for name, value in values.items() if name not in known and name != "model_type"}
        return cls(**own, extra=extra)

    @classmethod
    def from_pretrained(cls, source: str | Path | None = None, **hub) -> CvtConfig:
        """The config of the embedded model (no argument), a folder, or a Hub id; see ``checkpoint.py``."""
        from .checkpoint import load_config  # checkpoint.py imports this module

        return load_config(source, **hub)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes ``config.json`` into ``folder``, made if it is missing."""
        from .checkpoint import write_json

        write_json(Path(folder) / "config.json", self.to_dict())

    def to_json_string(self) -> str:
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False) + "\n"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def _jsonable(value: Any) -> Any:
    return [_jsonable(each) for each in value] if isinstance(value, tuple) else value


def _check_stage(stage: StageConfig) -> None:
    """Refuses what is valid field by field but cannot be built together."""
    where = f"stage {stage.index + 1}"
    if stage.embed_dim % stage.num_heads:
        # not all divisors: a stranger's file may name a width of billions
        near = range(max(1, stage.num_heads - 1000), min(stage.embed_dim, stage.num_heads + 1000) + 1)
        divisors = [heads for heads in near if stage.embed_dim % heads == 0]
        nearest = min(divisors, key=lambda heads: abs(heads - stage.num_heads), default=1)
        raise ValueError(
            f"embed_dim of {where} is {stage.embed_dim}, which {stage.num_heads} heads cannot share equally: "
            f"use num_heads {nearest}, or a width that is a multiple of {stage.num_heads}."
        )
    if stage.mlp_dim < 1:
        raise ValueError(f"mlp_ratio of {where} is {stage.mlp_ratio}, which leaves the MLP no unit: use a larger ratio.")
    if stage.qkv_projection_method == "dw_bn":
        if stage.stride_q != 1:
            raise ValueError(
                f"stride_q of {where} is {stage.stride_q}: the block adds its output to its input, so queries must keep "
                f"their grid. Use stride_q 1, or a larger patch_stride."
            )
        if 2 * stage.padding_q != stage.kernel_qkv - 1:
            fits = f"padding_q {stage.kernel_qkv // 2}" if stage.kernel_qkv % 2 else "an odd kernel_qkv with half of it as padding_q"
            raise ValueError(
                f"kernel_qkv {stage.kernel_qkv} with padding_q {stage.padding_q} in {where} changes the size of the query grid, "
                f"which the residual needs unchanged: use {fits}."
            )
    if stage.qkv_projection_method == "avg" and 2 * stage.padding_kv > stage.kernel_qkv:
        raise ValueError(
            f"padding_kv of {where} is {stage.padding_kv}: average pooling allows at most half of kernel_qkv, {stage.kernel_qkv // 2}."
        )


def _published(dims: tuple, heads: tuple, depth: tuple, size: int, drop_path: float = 0.1) -> dict[str, Any]:
    return {
        "embed_dim": dims,
        "num_heads": heads,
        "depth": depth,
        "drop_path_rate": (0.0, 0.0, drop_path),
        "image_size": size,
        "num_labels": 1000,
    }


# The published architectures (arXiv 2103.15808, table 2, and the authors' repository); weights live on the Hub.
VARIANTS: dict[str, dict[str, Any]] = {
    "CvT-13": _published((64, 192, 384), (1, 3, 6), (1, 2, 10), 224),
    "CvT-21": _published((64, 192, 384), (1, 3, 6), (1, 4, 16), 224),
    "CvT-W24": _published((192, 768, 1024), (3, 12, 16), (2, 2, 20), 384, drop_path=0.3),
}
