"""The one table of what can be chosen on the page, and under which key a link says it.

``view`` and ``permalink`` are made of it, and the scripts get it as JSON from the route ``modules/choices.json``. Keys and values
stay as they are: links that people have kept must go on working.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

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


@dataclass(frozen=True)
class Choice:
    """One thing that can be chosen.

    Attributes:
        name: the field of ``View``, and of the explorer's state where that has it. key: in a link.
        label: what it is called on the page. default: what a link leaves out; None is the page's own choice.
        values: what can be chosen by name, with the words on its button; empty for a flag, a number or the name of something.
        hidden_by: the group of controls it belongs to, if that can be hidden.
    """

    name: str
    key: str
    label: str
    default: Any = None
    values: dict[str, str] | None = None
    hidden_by: str | None = None


TABLE = {
    choice.name: choice
    for choice in (
        Choice("model", "model", "Model"),
        Choice("picture", "picture", "Picture", hidden_by="examples"),
        Choice("tab", "tab", "Tab", "explore", {"explore": "Explore", "architecture": "Architecture"}),
        Choice("stage", "stage", "Stage"),
        Choice("block", "block", "Block"),
        Choice("head", "head", "Head"),
        Choice("row", "row", "Row"),
        Choice("col", "col", "Column"),
        Choice("cls", "cls", "Cls token", False),
        Choice("channel", "channel", "Channel"),
        Choice("which", "class", "Class"),
        Choice(
            "layer",
            "layer",
            "On the picture",
            "attention",
            {"attention": "Attention", "features": "Features", "class": "Class", "none": "Nothing"},
        ),
        Choice("view", "show", "Attention", "token", {"token": "From this token", "received": "To this place", "mean": "Mean of all"}),
        Choice("features", "features", "Features", "pca", {"pca": "PCA", "mean": "Mean", "channel": "Channel", "similarity": "Similarity"}),
        Choice(
            "sort",
            "sort",
            "Channels sorted by",
            "variance",
            {"variance": "variance", "peak": "peak", "here": "value at the token", "region": "response to the class's region"},
        ),
        Choice("scale", "scale", "Colour scale", "map", {"map": "Per map", "stage": "Per stage", "all": "All stages"}, "scales"),
        Choice("colours", "colours", "Colours", "viridis", {"viridis": "Viridis", "cividis": "Cividis", "grey": "Grey"}, "scales"),
        Choice("projection", "projection", "Projection", "query", {"query": "Query", "key": "Key", "value": "Value"}, "inside"),
        Choice("centred", "centred", "Without the mean token", False),
        Choice("smooth", "smooth", "Smooth", False, hidden_by="scales"),
        Choice("pixels", "pixels", "Pixels the model got", False),
        Choice("ancestors", "ancestors", "Where the token comes from", False),
        Choice("side", "side", "Input side", hidden_by="laboratory"),
        Choice("weights", "weights", "Weights", WEIGHTS[0], {"inherited": "Inherited", "random": "Random"}, "seed"),
        Choice("seed", "seed", "Seed", 0, hidden_by="seed"),
        Choice("hidden", "hide", "Hidden controls", ()),
    )
}
CHOICES = {name: tuple(choice.values) for name, choice in TABLE.items() if choice.values}  # the default first
FLAGS = tuple(name for name, choice in TABLE.items() if choice.default is False)

# Settings of a stage as a link has them: s1.kv is the key and value stride of stage 1.
SETTING_KEYS = {
    "depth": "depth", "num_heads": "heads", "embed_dim": "width", "mlp_ratio": "mlp", "kernel_qkv": "kernel", "stride_kv": "kv",
    "qkv_projection_method": "projection", "patch_sizes": "patch", "patch_stride": "step", "patch_padding": "padding",
    "qkv_bias": "bias", "cls_token": "cls",
}  # fmt: skip
OTHERS = r"__|utm_|(deep_link|embed|fbclid|gclid|logs|session_hash|view)$"  # how keys begin that are not ours and mean no harm


def as_json() -> dict[str, Any]:
    """The table for the scripts: ``choices``, ``settings`` (a setting's key by its name), ``hideable``, and ``others``, a pattern."""
    return {"choices": [asdict(choice) for choice in TABLE.values()], "settings": SETTING_KEYS, "hideable": HIDEABLE, "others": OTHERS}
