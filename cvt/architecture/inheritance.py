"""What one architecture can inherit from another, tensor by tensor, in closed form and without PyTorch.

The rules are in ``build.py``, which follows what ``how`` says.
"""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass

from ..config import CvtConfig, StageConfig

COPIED, RESIZED, SEEDED = "copied", "resized", "seeded"  # what becomes of a tensor
EXACTLY, UP_TO_ROUNDING = "exactly", "up to rounding"  # how closely a variant's outputs match its base's

IN_STAGE = re.compile(r"cvt\.encoder\.stages\.(\d+)\.(?:layers\.(\d+)\.)?(.+)")  # stage, block if in one, local name
QKV = ("query", "key", "value")
PATCHES, POSITIONS = "embedding.convolution_embeddings.projection", "positions.position_embedding"  # in a stage
LINEAR, CONVOLUTION = (
    "attention.attention.projection_{}",
    "attention.attention.convolution_projection_{}.convolution_projection",
)  # in a block
MLP = ("intermediate.dense.weight", "intermediate.dense.bias", "output.dense.weight")  # in a block; the last bias is as wide as the tokens

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Share:
    """Numbers of parameters: copied from the trained model, resized from it by a rule, drawn from the seed."""

    copied: int = 0
    resized: int = 0
    seeded: int = 0

    def __add__(self, other: Share) -> Share:
        return Share(self.copied + other.copied, self.resized + other.resized, self.seeded + other.seeded)

    def __mul__(self, times: int) -> Share:
        return Share(self.copied * times, self.resized * times, self.seeded * times)

    @property
    def total(self) -> int:
        return self.copied + self.resized + self.seeded


@dataclass(frozen=True)
class Broken:
    """A part of the model with seeded weights: "stage", "embedding", "cls_token" or "classifier"; its stage counts from 0."""

    part: str
    stage: int


@dataclass(frozen=True)
class Report:
    """What a variant inherits.

    Attributes:
        stages: one share per stage. classifier: the last LayerNorm and the linear layer.
        broken: the first part with seeded weights that all information passes through; None if there is none, so that the
            prediction is still a trained model's, however disturbed.
        same: EXACTLY if the outputs equal the base's, UP_TO_ROUNDING if weights were only zero-padded; else None.
    """

    stages: tuple[Share, ...]
    classifier: Share
    broken: Broken | None
    same: str | None

    @property
    def all(self) -> Share:
        return sum(self.stages, self.classifier)


def report(base: CvtConfig, config: CvtConfig) -> Report:
    """What a model of ``config`` inherits from one of ``base``, without building either, in less than a millisecond."""
    stages = []
    for stage in config.stages:
        share = _share(_embedding(stage), f"cvt.encoder.stages.{stage.index}", base, config)
        old_depth = base.depth[stage.index] if stage.index < base.num_stages else 0
        both = min(stage.depth, old_depth)
        for block, times in ((0, both), (old_depth, stage.depth - both)):  # all inherited blocks count the same, and so do all new ones
            if times:
                share += _share(_block(stage), f"cvt.encoder.stages.{stage.index}.layers.{block}", base, config) * times
        stages.append(share)
    classifier = _share(_classifier(config), "", base, config)
    return Report(tuple(stages), classifier, _broken(base, config), _same(base, config))


def how(name: str, base: CvtConfig, config: CvtConfig) -> str:
    """Whether a tensor of ``config``'s model is COPIED from ``base``'s, RESIZED from it, or SEEDED; names as in ``model.py``."""
    matched = IN_STAGE.fullmatch(name)
    if matched is None:
        return COPIED if _classifier_stays(base, config) else SEEDED
    index, block, part = int(matched[1]), matched[2], matched[3]
    if index >= base.num_stages:
        return SEEDED
    old, new = base.stages[index], config.stages[index]
    if old.embed_dim != new.embed_dim or (block is not None and int(block) >= old.depth):
        return SEEDED
    before, after = (_embedding(each) if block is None else _block(each) for each in (old, new))
    if part.startswith(f"{PATCHES}.") and old.in_channels != new.in_channels:
        return SEEDED
    if part == POSITIONS and part in before:
        return COPIED if old.position_grid == new.position_grid else RESIZED
    if part.startswith("carried_cls.") and old.carried_width != new.carried_width:
        return SEEDED
    if before.get(part) == after[part]:
        return COPIED
    if part in before and (part == f"{PATCHES}.weight" or part in MLP or part.endswith(".convolution.weight")):
        return RESIZED
    return RESIZED if part in [f"{LINEAR.format(each)}.bias" for each in QKV] else SEEDED


def kernel_shift(old_size: int, old_stride: int, old_padding: int, size: int, stride: int, padding: int) -> int:
    """How far a conv embedding's kernel moves along one axis when its size changes.

    With the same stride every weight keeps its pixel; with another, the centres coincide. The smaller kernel always lies within
    the larger.
    """
    shift = padding - old_padding if stride == old_stride else (size - old_size) // 2
    return min(max(shift, min(0, size - old_size)), max(0, size - old_size))


@functools.lru_cache(maxsize=64)
def _embedding(stage: StageConfig) -> Shapes:
    """Shapes of a stage's tensors outside its blocks, by name."""
    dim = stage.embed_dim
    shapes = {
        f"{PATCHES}.weight": (dim, stage.in_channels, *stage.patch_size),
        f"{PATCHES}.bias": (dim,),
        "embedding.convolution_embeddings.normalization.weight": (dim,),
        "embedding.convolution_embeddings.normalization.bias": (dim,),
    }
    if stage.carried_width:
        shapes |= {f"carried_cls.normalization.{each}": (stage.carried_width,) for each in ("weight", "bias")}
        shapes |= {"carried_cls.projection.weight": (dim, stage.carried_width), "carried_cls.projection.bias": (dim,)}
    if stage.position_grid:
        shapes[POSITIONS] = (1, stage.position_grid[0] * stage.position_grid[1], dim)
    return shapes | ({"cls_token": (1, 1, dim)} if stage.cls_token else {})


@functools.lru_cache(maxsize=64)
def _block(stage: StageConfig) -> Shapes:
    """Shapes of one block's tensors, by name."""
    dim, hidden = stage.embed_dim, stage.mlp_dim
    shapes: Shapes = {}
    for name in ("layernorm_before", "layernorm_after"):
        shapes |= {f"{name}.weight": (dim,), f"{name}.bias": (dim,)}
    for name in QKV:
        linear, convolution = LINEAR.format(name), CONVOLUTION.format(name)
        if stage.qkv_projection_method == "dw_bn":
            shapes[f"{convolution}.convolution.weight"] = (dim, 1, stage.kernel_qkv, stage.kernel_qkv)
            shapes |= {f"{convolution}.normalization.{each}": (dim,) for each in ("weight", "bias", "running_mean", "running_var")}
            shapes[f"{convolution}.normalization.num_batches_tracked"] = ()
        shapes[f"{linear}.weight"] = (dim, dim)
        if stage.qkv_bias:
            shapes[f"{linear}.bias"] = (dim,)
    shapes |= {"attention.output.dense.weight": (dim, dim), "attention.output.dense.bias": (dim,)}
    return shapes | {MLP[0]: (hidden, dim), MLP[1]: (hidden,), MLP[2]: (dim, hidden), "output.dense.bias": (dim,)}


def _classifier(config: CvtConfig) -> Shapes:
    dim, labels = config.embed_dim[-1], config.num_labels
    shapes = {"layernorm.weight": (dim,), "layernorm.bias": (dim,)}
    return shapes | ({"classifier.weight": (labels, dim), "classifier.bias": (labels,)} if labels else {})


def _share(shapes: Shapes, prefix: str, base: CvtConfig, config: CvtConfig) -> Share:
    counts = dict.fromkeys((COPIED, RESIZED, SEEDED), 0)
    for name, shape in shapes.items():
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked")):  # buffers are not parameters
            counts[how(f"{prefix}.{name}" if prefix else name, base, config)] += math.prod(shape)
    return Share(**counts)


def _classifier_stays(base: CvtConfig, config: CvtConfig) -> bool:
    return (base.num_stages, base.embed_dim[-1], base.id2label) == (config.num_stages, config.embed_dim[-1], config.id2label)


def _broken(base: CvtConfig, config: CvtConfig) -> Broken | None:
    last = config.num_stages - 1
    for stage in config.stages:
        if stage.index >= base.num_stages or base.embed_dim[stage.index] != stage.embed_dim:
            return Broken("stage", stage.index)
        if base.stages[stage.index].in_channels != stage.in_channels:
            return Broken("embedding", stage.index)
    if config.num_stages == base.num_stages and config.cls_token[-1] and not base.cls_token[-1]:
        return Broken("cls_token", last)
    return None if _classifier_stays(base, config) else Broken("classifier", last)


def _same(base: CvtConfig, config: CvtConfig) -> str | None:
    """How closely a model of ``config`` that inherits from one of ``base`` matches its outputs; see ``Report.same``."""
    alike = ("num_stages", "num_channels", "hidden_act", "layer_norm_eps", "id2label")
    if any(getattr(base, name) != getattr(config, name) for name in alike):
        return None
    growths = [_growth(old, new) for old, new in zip(base.stages, config.stages, strict=True)]
    if None in growths:
        return None
    return UP_TO_ROUNDING if any(growths) else EXACTLY


def _growth(old: StageConfig, new: StageConfig) -> int | None:
    """0 if the stages compute the same, 1 if the new one was only zero-padded, None if they differ otherwise."""
    alike = ["in_channels", "embed_dim", "num_heads", "depth", "cls_token", "qkv_projection_method", "patch_stride", "stride_q"]
    alike += ["padding_mode", "position_grid", "carried_width"]
    grown = [new.mlp_dim - old.mlp_dim, new.qkv_bias - old.qkv_bias]
    sizes = [(new.patch_size[axis] - old.patch_size[axis], new.patch_padding[axis] - old.patch_padding[axis]) for axis in (0, 1)]
    if new.qkv_projection_method == "avg":
        alike += ["stride_kv", "kernel_qkv", "padding_kv"]
    if new.qkv_projection_method == "dw_bn":
        alike.append("stride_kv")
        kernel = new.kernel_qkv - old.kernel_qkv
        sizes += [(kernel, new.padding_q - old.padding_q), (kernel, new.padding_kv - old.padding_kv)]
    if any(getattr(old, name) != getattr(new, name) for name in alike) or any(size != 2 * padding for size, padding in sizes):
        return None
    grown += [size for size, _ in sizes]
    return None if min(grown) < 0 else int(any(grown))
