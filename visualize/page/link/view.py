"""Everything that a person can see and choose on the page, as one value: the content of a permalink."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cvt.config import CvtConfig

from .choices import TABLE


def _default(name: str) -> Any:
    return TABLE[name].default


@dataclass(frozen=True)
class View:
    """What is displayed and chosen. Stages, blocks, rows and columns count from 1; None means that the page chooses.

    Attributes:
        model, picture: names in the page's lists. experiment: of the tab "Break it".
        off: parts that are switched off in its first experiment, as ``off.read`` writes them. how: what replaces them.
        head: 0 for the mean of all heads. row, col: the query token. cls: the query is the cls token instead.
        channel: of the feature map, from 1. which: the rank of the selected class, 1 for the most probable.
        layer, view, features, sort, depth, paint, scale, colours, projection, centred, smooth, pixels, ancestors: as in the explorer.
        architecture: the laboratory's, made by ``architecture`` from the model's; None for the model's own.
        side: input side in pixels. weights: "inherited" or "random". seed: of the random weights.
        preset, ablation: that the laboratory opens.
        lesson: its name, or the address of its file. step: of the lesson, from 1.
        hidden: hidden groups of controls, names in ``HIDEABLE`` in its order.
    """

    model: str | None = None
    picture: str | None = None
    tab: str = _default("tab")
    experiment: str = _default("experiment")
    off: str = _default("off")
    how: str = _default("how")
    stage: int | None = None
    block: int | None = None
    head: int | None = None
    row: int | None = None
    col: int | None = None
    cls: bool = _default("cls")
    channel: int | None = None
    which: int | None = None
    layer: str = _default("layer")
    view: str = _default("view")
    features: str = _default("features")
    sort: str = _default("sort")
    depth: str = _default("depth")
    paint: str = _default("paint")
    scale: str = _default("scale")
    colours: str = _default("colours")
    projection: str = _default("projection")
    centred: bool = _default("centred")
    smooth: bool = _default("smooth")
    pixels: bool = _default("pixels")
    ancestors: bool = _default("ancestors")
    architecture: CvtConfig | None = None
    side: int | None = None
    weights: str = _default("weights")
    seed: int = _default("seed")
    preset: str | None = None
    ablation: str | None = None
    lesson: str | None = None
    step: int = _default("step")
    hidden: tuple[str, ...] = _default("hidden")


DEFAULT = View()
