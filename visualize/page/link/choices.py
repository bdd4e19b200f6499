"""The table of the page's choices and their keys in a link.

``view`` and ``permalink`` are built from it, and so are the page's buttons: the scripts import it as the module ``MODULE``, which
``as_module`` writes. Keys and values must not change, so that existing links keep working.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from ..lessons.measures import MEASURES, POINTS, VALUES
from ..requests import WEIGHTS

HIDEABLE = {  # groups of controls that a link can hide, for lessons
    "upload": "pictures of one's own",
    "examples": "the examples",
    "laboratory": "the sliders of the architecture",
    "scales": "colours and their scales",
    "takeaway": "exports",
    "inside": "the inside of a block",
    "seed": "weights and their seed",
}


@dataclass(frozen=True)
class Choice:
    """One choice.

    Attributes:
        name: the field of ``View``, and of the explorer's state if it has it. key: in a link.
        label: on the page. default: omitted from links; None means that the page chooses.
        values: the named values with their button labels; empty for a flag, a number or a name.
        hints: tooltips of some values' buttons.
    """

    name: str
    key: str
    label: str
    default: Any = None
    values: dict[str, str] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)


TABLE = {
    choice.name: choice
    for choice in (
        Choice("model", "model", "Model"),
        Choice("picture", "picture", "Picture"),
        Choice("tab", "tab", "Tab", "explore", {"explore": "Look", "architecture": "Change it", "break": "Break it", "lessons": "Lessons"}),
        Choice(
            "experiment",
            "experiment",
            "Experiment",
            "knock",
            {
                "knock": "What happens without a part?",
                "decide": "When does it decide?",
                "position": "Where does position come from?",
                "reach": "How far does it look?",
                "two": "What do two pictures share?",
                "trial": "Which explanation can be trusted?",
            },
        ),
        Choice("off", "off", "Switched off", ""),  # in the first experiment, as ``off.py`` says
        Choice("how", "how", "Off means", "zero", {"zero": "Zero", "mean": "Its mean", "examples": "Examples' mean", "uniform": "Uniform"}),
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
            {"attention": "Looks where", "features": "Sees what", "class": "For the class", "none": "Nothing"},
            hints={
                "attention": "The places that the token looks at",
                "features": "The feature map of the stage",
                "class": "What each place adds to the score of a class",
            },
        ),
        Choice(
            "view",
            "show",
            "Attention",
            "token",
            {"token": "From this token", "received": "To this place", "mean": "Mean of all"},
            hints={
                "token": "One row of the weights: what the chosen token attends to",
                "received": "One column of the weights: which tokens attend to this place",
                "mean": "The mean of all rows: the attention that each key receives from all tokens",
            },
        ),
        Choice("features", "features", "Features", "pca", {"pca": "PCA", "mean": "Mean", "channel": "Channel", "similarity": "Similarity"}),
        Choice(
            "sort",
            "sort",
            "Sorted by",
            "variance",
            {"variance": "variance", "peak": "peak", "here": "value at the token", "region": "response to the class's region"},
        ),
        Choice(
            "depth",
            "depth",
            "Look inside the stage",
            "none",
            {
                "none": "Overview",
                "attention": "Heads and blocks",
                "features": "Channels",
                "inside": "Inside a block",
                "drawing": "Drawing",
                "export": "Export",
            },
        ),
        Choice("paint", "paint", "Attention on the picture", "light", {"light": "Light", "map": "Exact map"}),
        Choice("scale", "scale", "Colour scale", "map", {"map": "Per map", "stage": "Per stage", "all": "All stages"}),
        Choice("colours", "colours", "Colours", "viridis", {"viridis": "Viridis", "cividis": "Cividis", "grey": "Grey"}),
        Choice("projection", "projection", "Projection", "query", {"query": "Query", "key": "Key", "value": "Value"}),
        Choice("centred", "centred", "Without the mean token", False),
        Choice("smooth", "smooth", "Smooth", False),
        Choice("pixels", "pixels", "Pixels the model sees", False),
        Choice("ancestors", "ancestors", "Where the token comes from", False),
        Choice("side", "side", "Input side"),
        Choice("weights", "weights", "Weights", WEIGHTS[0], {"inherited": "Inherited", "random": "Random"}),
        Choice("seed", "seed", "Seed", 0),
        Choice("preset", "preset", "Preset"),  # which the laboratory starts from
        Choice("ablation", "ablation", "Trained without it"),  # a member of the family, beside its baseline
        Choice("lesson", "lesson", "Lesson"),  # a name, or the address of a teacher's own
        Choice("step", "step", "Step", 1),
        Choice("hidden", "hide", "Hidden controls", ()),
    )
}
CHOICES = {name: tuple(choice.values) for name, choice in TABLE.items() if choice.values}  # the default first
FLAGS = tuple(name for name, choice in TABLE.items() if choice.default is False)

# Keys of a stage's settings in a link: s1.kv is the key and value stride of stage 1.
SETTING_KEYS = {
    "depth": "depth", "num_heads": "heads", "embed_dim": "width", "mlp_ratio": "mlp", "kernel_qkv": "kernel", "stride_kv": "kv",
    "qkv_projection_method": "projection", "patch_sizes": "patch", "patch_stride": "step", "patch_padding": "padding",
    "qkv_bias": "bias", "cls_token": "cls",
}  # fmt: skip
OTHERS = r"__|utm_|(deep_link|embed|fbclid|gclid|logs|session_hash|view)$"  # prefixes of other programs' keys, which are ignored


MODULE = "choices.js"  # the table's path among the scripts of visualize/web


def as_module() -> str:
    """The module's source: ``TABLE`` under the name ``CHOICES``, ``SETTING_KEYS``, ``OTHERS``, a pattern, and what lessons ask, with the
    named values of their parameters, and point at: ``MEASURES``, ``MEASURE_VALUES``, ``POINTS``."""
    parts = {
        "CHOICES": {name: asdict(choice) for name, choice in TABLE.items()},
        "SETTING_KEYS": SETTING_KEYS,
        "OTHERS": OTHERS,
        "MEASURES": {name: asdict(measure) for name, measure in MEASURES.items()},
        "MEASURE_VALUES": VALUES,
        "POINTS": POINTS,
    }
    return "".join(f"export const {name} = {json.dumps(value)};\n" for name, value in parts.items())
