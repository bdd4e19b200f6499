"""The architecture of a CvT as one validated value.

Names and defaults are those Hugging Face documents for ``CvtConfig``. Invalid values are refused here with an error that names the
field, the stage and the remedy, so that ``model.py`` needs no checks.

Source: arXiv 2103.15808, table 2 (the variants) and section 3 (the parts).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property, update_wrapper
from typing import Any

from .arguments import ConfigArguments, validated
from .base.claims import CLAIMS
from .base.config import ALIASES, ConfigBase
from .fields import ABLATIONS, PROJECTION_METHODS, STAGE_DEFAULTS, ConfigError, Remedy, Size, check_spelling, nearest, pair
from .stage import StageConfig, check_stage, conv_output, pooled_output

__all__ = ["PROJECTION_METHODS", "PUBLISHED", "CvtConfig", "Size", "StageConfig", "conv_output", "pooled_output"]

# Fields that a measured accuracy does not depend on; a change of any other field makes it another model's.
_UNMEASURED = {
    *("attention_drop_rate", "drop_rate", "drop_path_rate", "initializer_range", "problem_type", "extra"),
    *("output_hidden_states", "output_attentions", "return_dict"),
}


@dataclass(repr=False, init=False)
class CvtConfig(ConfigBase):
    """Configuration of a CvT; ``CvtConfig()`` is CvT-13.

    Per-stage fields take one value per stage, or a single value for all stages. The number of stages is the length of the given
    values (3 by default). Sequences are kept as tuples. Labels, the problem type, the switches of ``forward`` and attributes of any
    other name can be set; the architecture cannot: ``config.replace(...)`` makes a new config.

    Args:
        num_channels: channels of the picture.
        patch_sizes, patch_stride, patch_padding: kernel, stride and padding of each conv embedding, an int or a
            (height, width) pair per stage.
        embed_dim: width of the tokens. num_heads: attention heads, a divisor of the width. depth: blocks.
        mlp_ratio: hidden width of the MLP as a multiple of the width.
        attention_drop_rate, drop_rate: dropout of the attention weights, and of the embeddings, projections and MLP.
        drop_path_rate: stochastic depth of the stage's last block; it grows linearly from 0 over the stage's blocks.
        qkv_bias: whether the linear q, k and v projections have a bias.
        cls_token: whether the stage adds a cls (class) token. Without one in the last stage the classifier reads the mean.
        qkv_projection_method: "dw_bn" (depth-wise convolution and BatchNorm), "avg" (average-pooled keys and values) or
            "linear" (no convolution; kernel and strides are not used).
        kernel_qkv, padding_kv, stride_kv, padding_q, stride_q: the convolutional projection. The residual needs
            the query grid unchanged: ``stride_q`` 1 and ``padding_q`` half of an odd kernel.
        initializer_range: standard deviation of the truncated normal that initialises convolutions and linear layers.
        layer_norm_eps: 1e-5, with which every published model was trained; 1e-12, which published files contain but no
            implementation used, is read as 1e-5.
        hidden_act: "gelu", or "quick_gelu" (x * sigmoid(1.702 x)) with which the authors' weights were trained.
        num_labels, id2label, label2id: the classes. problem_type: see ``CvtForImageClassification``.
        image_size: side in pixels of the input it was trained on; any other size works too.
        output_hidden_states, output_attentions, return_dict: defaults of ``forward``.
        extra: unknown keys of a ``config.json``, kept so that saving loses nothing. They are attributes too, and unknown keywords
            are added here.
        position_embedding, padding_mode, carry_cls_token: not in the paper; for ablations. See below. They are saved only if used.

    A position embedding is a learnt vector for every token of the first stage, added after its conv embedding; it is made for the grid
    of ``image_size`` and resized (bicubic) to others. ``padding_mode`` is PyTorch's of all convolutions, "zeros" or "circular", which
    continues a grid at its opposite side. With ``carry_cls_token``, and a cls token in every stage, one goes from the first stage to the
    last: a stage's starts as its own learnt one plus the previous stage's through LayerNorm and a linear layer.

    Raises:
        ConfigError: a combination that cannot be built; it and its message have the field, the stage, the value and the remedy.
        TypeError: a keyword that is a field's name misspelt.
    Source: arXiv 2103.15808, table 2; names as in Hugging Face's documentation of CvT.
    """

    num_channels: int
    patch_sizes: tuple[int | Size, ...]
    patch_stride: tuple[int | Size, ...]
    patch_padding: tuple[int | Size, ...]
    embed_dim: tuple[int, ...]
    num_heads: tuple[int, ...]
    depth: tuple[int, ...]
    mlp_ratio: tuple[float, ...]
    attention_drop_rate: tuple[float, ...]
    drop_rate: tuple[float, ...]
    drop_path_rate: tuple[float, ...]
    qkv_bias: tuple[bool, ...]
    cls_token: tuple[bool, ...]
    qkv_projection_method: tuple[str, ...]
    kernel_qkv: tuple[int, ...]
    padding_kv: tuple[int, ...]
    stride_kv: tuple[int, ...]
    padding_q: tuple[int, ...]
    stride_q: tuple[int, ...]
    initializer_range: float
    layer_norm_eps: float
    hidden_act: str
    num_labels: int
    id2label: dict[int, str]
    label2id: dict[str, int]
    problem_type: str | None  # None: chosen by the labels of a batch
    image_size: int | Size | None  # None: not given
    output_hidden_states: bool
    output_attentions: bool
    return_dict: bool
    extra: dict[str, Any]
    position_embedding: bool
    padding_mode: str
    carry_cls_token: bool

    unsaved = ABLATIONS

    def __init__(self, *args: Any, **values: Any):
        known = type(self).__dataclass_fields__
        values = {ALIASES.get(name, name): value for name, value in values.items()}
        unknown = {name: values.pop(name) for name in list(values) if name not in known}
        check_spelling(unknown, known, type(self).__name__)
        if unknown.pop("model_type", self.model_type) != self.model_type:
            raise ValueError(f"A {type(self).__name__} has the model_type {self.model_type!r} and no other.")
        self.__dict__ |= validated(ConfigArguments(*args, **values))
        self._check_ablations()
        for stage in self.stages:
            check_stage(stage)
        self.name_or_path = unknown.pop("name_or_path", unknown.pop("_name_or_path", ""))
        if (implementation := unknown.pop("attn_implementation", None)) is not None:
            self._attn_implementation = implementation
        self.update(unknown)

    @property
    def num_stages(self) -> int:
        return len(self.depth)

    @cached_property
    def stages(self) -> tuple[StageConfig, ...]:
        """One ``StageConfig`` per stage."""
        stages = [
            StageConfig(
                index=index,
                in_channels=self.embed_dim[index - 1] if index else self.num_channels,
                patch_size=pair(self.patch_sizes[index]),
                patch_stride=pair(self.patch_stride[index]),
                patch_padding=pair(self.patch_padding[index]),
                **{name: getattr(self, name)[index] for name in STAGE_DEFAULTS if not name.startswith("patch_")},
                padding_mode=self.padding_mode,
                carried_width=self.embed_dim[index - 1] if index and self.carry_cls_token else None,
            )
            for index in range(self.num_stages)
        ]
        if self.position_embedding and self.image_size is not None:
            stages[0] = replace(stages[0], position_grid=stages[0].query_grid(*pair(self.image_size)))
        return tuple(stages)

    def _check_ablations(self) -> None:
        if self.carry_cls_token and not all(self.cls_token):
            stage = self.cls_token.index(False)
            remedy, values = Remedy(stage, "cls_token", True), {"stage": stage + 1}
            message = "{where} hands a cls token from stage to stage, but stage {stage} has none: use {cls_token} in every stage."
            raise ConfigError(message, "carry_cls_token", None, True, remedy, values)
        if self.position_embedding and (self.image_size is None or min(self.stages[0].position_grid or (0,)) < 1):
            message = "{where} needs an {image_size} that the first stage can take: its grid has one vector for each token."
            raise ConfigError(message, "position_embedding", None, True)

    @property
    def settable(self) -> set[str]:
        # the shape of a position embedding depends on the input size
        return super().settable - ({"image_size"} if self.position_embedding else set())

    def grids(self, height: int, width: int) -> list[tuple[Size, Size]]:
        """(query grid, key grid) of every stage for an input of (height, width) pixels, each (rows, columns).

        Raises:
            ConfigError: the input is too small for a stage.
        """
        grids, size = [], (height, width)
        for stage in self.stages:
            before, size = size, stage.query_grid(*size)
            keys = stage.key_grid(*size) if min(size) > 0 else size
            if min(*size, *keys) < 1 or not stage.pads(before, size):
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
        """A validated copy with some fields changed; a new ``id2label`` or ``num_labels`` replaces all label fields.

        Changing anything that a measured accuracy depends on (anything but dropout rates, initialisation and switches) removes the
        accuracy from ``extra``, unless ``extra`` itself is given.

        Raises:
            TypeError: no field of that name. ValueError: as for the constructor.
        """
        known = {each.name for each in fields(self)}
        if unknown := sorted(set(changes) - known):
            raise TypeError(f"{unknown[0]!r} is not a field of a {type(self).__name__}{nearest(unknown[0], known)}")
        renewed = "id2label" in changes or changes.get("num_labels", self.num_labels) != self.num_labels
        labels = {"num_labels": None, "id2label": None, "label2id": None} if renewed else {}
        config = type(self)(**{name: getattr(self, name) for name in known} | labels | changes)
        if "extra" not in changes and any(getattr(self, name) != getattr(config, name) for name in known - _UNMEASURED):
            for name in CLAIMS:
                config.extra.pop(name, None)
        config.__dict__ |= {name: value for name, value in self.__dict__.items() if name.startswith("_")}
        return config


# so that help() and inspect show the arguments and defaults documented above
update_wrapper(CvtConfig.__init__, ConfigArguments.__init__, assigned=(), updated=())


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
