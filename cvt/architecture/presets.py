"""Architectures to start from: the model itself, the published ones, and what the paper took away to see what it is for.

Numbers are those of arXiv 2103.15808; multiply-adds are what it calls FLOPs. Ablations are made of the model at hand, so the
paper's numbers beside them are those of its own CvT-13 on ImageNet, not of this model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config import PUBLISHED, CvtConfig
from ..fields import shown
from .variants import architecture, stage_settings


@dataclass(frozen=True)
class Published:
    """What the paper says of an architecture, or of CvT-13 with that change.

    Attributes:
        table: where. parameters: in millions. gmacs: billions of multiply-adds for one picture of ``side`` pixels.
        top1: per cent of ImageNet's validation pictures, of ``side`` pixels too. None where the table has no such number.
        normal: the same of the unchanged CvT-13 in that table, for an ablation: (parameters, gmacs, top1).
        note: one sentence to read with the numbers.
    """

    table: str
    parameters: float | None
    gmacs: float | None
    top1: float | None
    side: int = 224
    normal: tuple[float | None, float | None, float | None] | None = None
    note: str = ""


Stages = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Preset:
    """An architecture to start from.

    Attributes:
        name: in permalinks and tables. label: for people. meaning: one sentence on what it shows.
        stages: one mapping of settings a stage, or a function that makes them of the model at hand.
        side: of the input in pixels; None for the model's own.
        paper: None where the paper has no numbers.
    """

    name: str
    label: str
    meaning: str
    stages: Stages | Callable[[CvtConfig], Sequence[Mapping[str, Any]]]
    side: int | None = None
    paper: Published | None = None


def _published(name: str) -> Stages:
    return tuple(stage_settings(CvtConfig(**PUBLISHED[name])))


def _everywhere(**settings: Any) -> Callable[[CvtConfig], list[dict[str, Any]]]:
    """These settings in every stage."""
    return lambda base: [dict(settings)] * base.num_stages


def _no_overlap(base: CvtConfig) -> list[dict[str, Any]]:
    """Kernels as large as their strides: each pixel reaches one token."""
    return [{"patch_sizes": stage.patch_stride[0], "patch_padding": 0} for stage in base.stages]


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("own", "This model", "The trained model as it is.", _everywhere()),
        Preset(
            "cvt-13",
            "CvT-13",
            "The paper's small model: 13 blocks in three stages.",
            _published("CvT-13"),
            side=224,
            paper=Published("Tables 2 and 3", 19.98, 4.53, 81.6, note="Trained on ImageNet-1k at 224×224 pixels."),
        ),
        Preset(
            "cvt-21",
            "CvT-21",
            "The paper's deeper model: 21 blocks, as wide as CvT-13.",
            _published("CvT-21"),
            side=224,
            paper=Published("Tables 2 and 3", 31.54, 7.13, 82.5, note="Trained on ImageNet-1k at 224×224 pixels."),
        ),
        Preset(
            "cvt-w24",
            "CvT-W24",
            "The paper's wide model: 24 blocks of up to 1024 numbers a token.",
            _published("CvT-W24"),
            side=384,
            paper=Published(
                "Table 3",
                277.0,
                193.2,
                87.7,
                side=384,
                note="Pre-trained on ImageNet-22k. At 224×224 pixels it needs 60.86 billion (Table 2).",
            ),
        ),
        Preset(
            "linear",
            "No convolutional projection",
            "Queries, keys and values come from linear layers alone, one key for every token.",
            _everywhere(qkv_projection_method="linear"),
            paper=Published("Table 8", None, None, 80.6, normal=(None, None, 81.6), note="CvT-13 with linear projections in all stages."),
        ),
        Preset(
            "no-overlap",
            "No overlap of patches",
            "Each conv embedding's kernel is as large as its stride, so that patches do not overlap.",
            _no_overlap,
            paper=Published("Table 6", 19.5, None, 80.7, normal=(20.0, None, 81.6), note="CvT-13 with non-overlapping patch embedding."),
        ),
        Preset(
            "kv-stride-1",
            "Key and value stride 1",
            "Every token has a key and a value.",
            _everywhere(stride_kv=1),
            paper=Published(
                "Table 7",
                20.0,
                6.55,
                82.3,
                normal=(20.0, 4.53, 81.6),
                note="Both for CvT-13. The text beside the table speaks of a drop of 0.3 % at stride 2.",
            ),
        ),
        Preset("no-cls", "No class token", "The classifier reads the mean of the last stage's tokens.", _everywhere(cls_token=False)),
        Preset("cls-everywhere", "Class token in every stage", "Each stage has a class token of its own.", _everywhere(cls_token=True)),
    )
}


def preset(name: str, base: CvtConfig, side: int) -> tuple[list[dict[str, Any]], int]:
    """Every setting of every stage, as ``architecture`` takes them, and the input side in pixels.

    Args:
        base: the model at hand, from which ablations are made. side: its input side.
    Raises:
        ValueError: there is no such preset, or this base cannot be changed so.
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset {shown(name)}: choose among {', '.join(PRESETS)}.")
    chosen = PRESETS[name]
    stages = chosen.stages(base) if callable(chosen.stages) else chosen.stages
    return stage_settings(architecture(base, stages)), chosen.side or side
