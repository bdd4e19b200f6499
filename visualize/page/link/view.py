"""Everything that a person can see and choose on the page, as one value: what a permalink carries."""

from __future__ import annotations

from dataclasses import dataclass

from cvt.config import CvtConfig

from ..requests import WEIGHTS

HIDEABLE = {  # groups of controls that a teacher can hide, and what each holds
    "upload": "pictures of one's own",
    "examples": "the examples",
    "laboratory": "the sliders of the architecture",
    "scales": "colours and their scales",
    "takeaway": "what can be taken away",
    "inside": "the inside of a block",
    "seed": "weights and their seed",
}
CHOICES: dict[str, tuple[str, ...]] = {  # field of View → its values, the default first; as visualize/web/explorer/state.js has them
    "tab": ("explore", "architecture"),
    "layer": ("attention", "features", "class", "none"),
    "view": ("token", "received", "mean"),
    "features": ("pca", "mean", "channel", "similarity"),
    "sort": ("variance", "peak", "here", "region"),
    "scale": ("map", "stage", "all"),
    "colours": ("viridis", "cividis", "grey"),
    "projection": ("query", "key", "value"),
    "weights": WEIGHTS,
}
FLAGS = ("cls", "centred", "smooth", "pixels", "ancestors")


@dataclass(frozen=True)
class View:
    """What a person sees and has chosen. Stages, blocks, rows and columns count from 1; None is the page's own choice.

    Attributes:
        model, picture: names, of which the page has lists.
        head: 0 for the mean of all heads. row, col: the query token. cls: the query is the cls token instead.
        channel: of the feature map, from 1. which: the class whose score is looked at, 1 the most probable.
        layer, view, features, sort, scale, colours, projection, centred, smooth, pixels, ancestors: as in the explorer.
        architecture: the laboratory's, made by ``architecture`` of the model's; None where it is the model's own.
        side: input side in pixels. weights: "inherited" or "random". seed: of the random ones.
        hidden: groups of controls that are not shown, names of ``HIDEABLE`` in its order.
    """

    model: str | None = None
    picture: str | None = None
    tab: str = "explore"
    stage: int | None = None
    block: int | None = None
    head: int | None = None
    row: int | None = None
    col: int | None = None
    cls: bool = False
    channel: int | None = None
    which: int | None = None
    layer: str = "attention"
    view: str = "token"
    features: str = "pca"
    sort: str = "variance"
    scale: str = "map"
    colours: str = "viridis"
    projection: str = "query"
    centred: bool = False
    smooth: bool = False
    pixels: bool = False
    ancestors: bool = False
    architecture: CvtConfig | None = None
    side: int | None = None
    weights: str = "inherited"
    seed: int = 0
    hidden: tuple[str, ...] = ()


DEFAULT = View()
