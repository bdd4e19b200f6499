"""The architecture of a CvT as one validated value.

Names and defaults are those Hugging Face documents for ``CvtConfig``; what is impossible is refused here, with a sentence
that names the field, the stage and the remedy, so that ``model.py`` can trust what it is given.

Source: arXiv 2103.15808, table 2 (the variants) and section 3 (the parts).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property, wraps
from typing import Any

from .base.config import ALIASES, CLAIMS, ConfigBase
from .fields import (
    LARGEST_SIDE,
    NO_GENERAL_DEFAULT,
    PROJECTION_METHODS,
    STAGE_DEFAULTS,
    ConfigError,
    Size,
    cast,
    check_spelling,
    flag,
    is_list,
    is_number,
    label_names,
    label_numbers,
    nearest,
    pair,
    shown,
    side,
    whole,
)
from .stage import StageConfig, check_stage, conv_output, pooled_output

__all__ = ["PROJECTION_METHODS", "PUBLISHED", "CvtConfig", "Size", "StageConfig", "conv_output", "pooled_output"]

ACTIVATIONS = ("gelu", "quick_gelu")
PROBLEM_TYPES = ("regression", "single_label_classification", "multi_label_classification")
MAX_LABELS = 1_000_000  # each has a name: more would fill the memory before a model is built
# Fields that a measurement of a model does not depend on; with any other value in another field, it was of another model.
_UNMEASURED = {
    *("attention_drop_rate", "drop_rate", "drop_path_rate", "initializer_range", "problem_type", "extra"),
    *("output_hidden_states", "output_attentions", "return_dict"),
}


def _accepting(cls: Any) -> Any:
    """The dataclass with a constructor that keeps unknown keywords as attributes, as transformers' configs do."""
    fill = cls.__init__

    @wraps(fill)
    def __init__(self, *args, **values):
        known = {each.name for each in fields(cls)}
        values = {ALIASES.get(name, name): value for name, value in values.items()}
        unknown = {name: values.pop(name) for name in list(values) if name not in known}
        check_spelling(unknown, known, cls.__name__)
        if unknown.pop("model_type", cls.model_type) != cls.model_type:
            raise ValueError(f"A {cls.__name__} has the model_type {cls.model_type!r} and no other.")
        fill(self, *args, **values)
        self.name_or_path = unknown.pop("name_or_path", unknown.pop("_name_or_path", ""))
        if (implementation := unknown.pop("attn_implementation", None)) is not None:
            self._attn_implementation = implementation
        self._built = True
        self.update(unknown)

    cls.__init__ = __init__
    return cls


@_accepting
@dataclass(repr=False)
class CvtConfig(ConfigBase):
    """Configuration of a CvT; ``CvtConfig()`` is CvT-13.

    Fields that speak of a stage take one value per stage; a single value is used for every stage. The number of stages is
    the length of what is given (3 if nothing is). Sequences are kept as tuples. Labels, the problem type, the switches of
    ``forward`` and attributes of any other name can be set; the architecture cannot, ``config.replace(...)`` makes another.

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
        output_hidden_states, output_attentions, return_dict: what ``forward`` does where it is not told.
        extra: keys of a ``config.json`` that mean nothing here, kept so that saving loses nothing. They are attributes too, and
            any keyword of another name goes here.

    Raises:
        ConfigError: a combination that cannot be built; it has the field, the stage, the value and the remedy, and so has its sentence.
        TypeError: a keyword that is a field's name misspelt.
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
    num_labels: Any = None
    id2label: Any = None
    label2id: Any = None
    problem_type: str | None = None
    image_size: int | Size | None = 224
    output_hidden_states: bool = False
    output_attentions: bool = False
    return_dict: bool = True
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        self._fill_stages()
        self._fill_labels()
        self._check_scalars()
        for stage in self.stages:
            check_stage(stage)

    def _fill_stages(self) -> None:
        given = {name: tuple(getattr(self, name)) for name in STAGE_DEFAULTS if is_list(getattr(self, name))}
        lengths = {name: len(values) for name, values in given.items()}
        counted = "depth" if "depth" in lengths else next(iter(lengths), None)  # the field that tells the number of stages
        count = 3 if counted is None else lengths[counted]
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
            setattr(self, name, tuple(cast(name, each, stage) for stage, each in enumerate(values)))

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
        self.id2label = names
        self.num_labels = len(names)
        if self.label2id is None:
            self.label2id = {label: index for index, label in names.items()}
        else:
            self.label2id = label_numbers(self.label2id)

    def _check_scalars(self) -> None:
        self.num_channels = whole(self.num_channels, "num_channels", None)
        if is_list(self.hidden_act) or self.hidden_act not in ACTIVATIONS:
            raise ValueError(f"hidden_act is {shown(self.hidden_act)}: choose one of {', '.join(ACTIVATIONS)}.")
        if self.problem_type is not None and (is_list(self.problem_type) or self.problem_type not in PROBLEM_TYPES):
            raise ValueError(f"problem_type is {shown(self.problem_type)}: choose one of {', '.join(PROBLEM_TYPES)}, or None.")
        if not is_number(self.layer_norm_eps) or not 0 < self.layer_norm_eps < 1:
            raise ValueError(f"layer_norm_eps is {shown(self.layer_norm_eps)}: choose a small positive number such as 1e-5.")
        self.layer_norm_eps = 1e-5 if self.layer_norm_eps == 1e-12 else float(self.layer_norm_eps)
        if not is_number(self.initializer_range) or self.initializer_range < 0:
            raise ValueError(f"initializer_range is {shown(self.initializer_range)}: choose 0 or a positive number such as 0.02.")
        self.initializer_range = float(self.initializer_range)
        if self.image_size is not None:
            self.image_size = side(self.image_size, "image_size", None, least=1, most=LARGEST_SIDE)

        for name in ("output_hidden_states", "output_attentions", "return_dict"):
            setattr(self, name, flag(getattr(self, name), name, None))
        if not isinstance(self.extra, Mapping) or not all(isinstance(name, str) for name in self.extra):
            raise ValueError(f"extra must be values by name, not {shown(self.extra)}.")
        self.extra = dict(self.extra)  # one's own: attributes are set in it

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
            ConfigError: the input is too small for a stage.
        """
        grids, size = [], (height, width)
        for stage in self.stages:
            before, size = size, stage.query_grid(*size)
            keys = stage.key_grid(*size) if min(size) > 0 else size
            if min(*size, *keys) < 1:
                sizes = {"input": (height, width), "grid": before, "patch": stage.patch_size, "kernel": (stage.kernel_qkv,) * 2}
                raise ConfigError(
                    "An input of {input} pixels is too small: stage {stage} gets a grid of {grid} and has no room for its {patch} "
                    "conv embedding and {kernel} projection. Use a larger input, or smaller kernels and strides.",
                    "image_size",
                    stage.index,
                    (height, width),
                    values={"stage": stage.index + 1, **{name: f"{rows}×{columns}" for name, (rows, columns) in sizes.items()}},
                )
            grids.append((size, keys))
        return grids

    def replace(self, **changes) -> CvtConfig:
        """A copy with some fields changed, validated anew; new ``id2label`` or another ``num_labels`` replace all label fields.

        A change of what a measured accuracy depends on (anything but rates of dropping, initialisation and switches) leaves out
        what ``extra`` says about the model's accuracy, unless ``extra`` itself is given.

        Raises:
            TypeError: no field of that name. ValueError: as for the constructor.
        """
        known = {each.name for each in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise TypeError(f"{unknown[0]!r} is no field of a {type(self).__name__}{nearest(unknown[0], known)}")
        renewed = "id2label" in changes or changes.get("num_labels", self.num_labels) != self.num_labels
        labels = {"num_labels": None, "id2label": None, "label2id": None} if renewed else {}
        config = type(self)(**{name: getattr(self, name) for name in known} | labels | changes)
        if "extra" not in changes and any(getattr(self, name) != getattr(config, name) for name in known - _UNMEASURED):
            for name in CLAIMS:
                config.extra.pop(name, None)
        config.__dict__ |= {name: value for name, value in self.__dict__.items() if name.startswith("_")}
        return config


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


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
PUBLISHED: dict[str, dict[str, Any]] = {
    "CvT-13": _published((64, 192, 384), (1, 3, 6), (1, 2, 10), 224),
    "CvT-21": _published((64, 192, 384), (1, 3, 6), (1, 4, 16), 224),
    "CvT-W24": _published((192, 768, 1024), (3, 12, 16), (2, 2, 20), 384, drop_path=0.3),
}
VARIANTS = PUBLISHED  # their name in earlier versions
