"""Architectures to start from: the model itself, the published ones, and the paper's ablations.

Numbers are from arXiv 2103.15808; its FLOPs are multiply-adds. Ablations change the loaded model, so the paper's numbers beside
them, measured with CvT-13 on ImageNet, are not this model's.
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
    """The paper's numbers for an architecture, or for CvT-13 with a change; None if the table has no such number.

    Attributes:
        table: the table in the paper. parameters: in millions. gmacs: billions of multiply-adds for one picture of ``side`` pixels.
        top1: accuracy in per cent on ImageNet's validation set at ``side`` pixels.
        normal: for an ablation, (parameters, gmacs, top1) of the unchanged CvT-13 in that table.
    """

    table: str
    parameters: float | None
    gmacs: float | None
    top1: float | None
    side: int = 224
    normal: tuple[float | None, float | None, float | None] | None = None


Stages = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Preset:
    """An architecture to start from.

    Attributes:
        name: its key.
        stages: one mapping of settings per stage, or a function from the loaded model's config to them.
        side: of the input in pixels; None for the model's own.
        paper: the paper's numbers; None if it has none.
    """

    name: str
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
        Preset("own", _everywhere()),
        Preset("cvt-13", _published("CvT-13"), 224, Published("Tables 2 and 3", 19.98, 4.53, 81.6)),
        Preset("cvt-21", _published("CvT-21"), 224, Published("Tables 2 and 3", 31.54, 7.13, 82.5)),
        Preset("cvt-w24", _published("CvT-W24"), 384, Published("Table 3", 277.0, 193.2, 87.7, side=384)),
        Preset(
            "linear", _everywhere(qkv_projection_method="linear"), paper=Published("Table 8", None, None, 80.6, normal=(None, None, 81.6))
        ),
        Preset("no-overlap", _no_overlap, paper=Published("Table 6", 19.5, None, 80.7, normal=(20.0, None, 81.6))),
        Preset("kv-stride-1", _everywhere(stride_kv=1), paper=Published("Table 7", 20.0, 6.55, 82.3, normal=(20.0, 4.53, 81.6))),
        Preset("no-cls", _everywhere(cls_token=False)),
        Preset("cls-everywhere", _everywhere(cls_token=True)),
    )
}


def preset(name: str, base: CvtConfig, side: int) -> tuple[list[dict[str, Any]], int]:
    """Every setting of every stage, as ``architecture`` takes them, and the input side in pixels.

    Args:
        base: the loaded model's config, which ablations change. side: its input side.
    Raises:
        ValueError: no such preset, or this base cannot be changed to it.
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset {shown(name)}: choose among {', '.join(PRESETS)}.")
    chosen = PRESETS[name]
    stages = chosen.stages(base) if callable(chosen.stages) else chosen.stages
    return stage_settings(architecture(base, stages)), chosen.side or side
