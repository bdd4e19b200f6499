"""What can be chosen about a stage: the table behind sliders and switches, and what the paper says of each choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..fields import PROJECTION_METHODS, ConfigError

MAX_STAGES = 4
INPUT_SIDES = range(32, 513, 32)  # pixels; a model's own input side can be chosen too


@dataclass(frozen=True)
class Setting:
    """A field of ``CvtConfig`` that can be set for one stage.

    Attributes:
        name: the field. label: what the control is called. meaning: one sentence on what it is.
        paper: one sentence on what arXiv 2103.15808 says of it or does; where it is silent, what the published models use.
        values: what can be chosen, in order; values that a base already has are allowed too.
        cheaper: the direction in which the model becomes smaller: -1 for smaller values, 1 for larger, 0 if neither.
    """

    name: str
    label: str
    meaning: str
    paper: str
    values: Sequence[Any]
    cheaper: int = 0


SETTINGS: dict[str, Setting] = {
    setting.name: setting
    for setting in (
        Setting(
            "depth",
            "Depth",
            "How many blocks of attention and MLP follow one another.",
            "CvT-13 has 1, 2 and 10 blocks in its stages, CvT-21 has 1, 4 and 16 (Table 2).",
            range(1, 25),
            cheaper=-1,
        ),
        Setting(
            "num_heads",
            "Heads",
            "How many attention patterns each block forms side by side.",
            "CvT-13 has 1, 3 and 6 heads, so that each is 64 numbers wide (Table 2).",
            range(1, 17),
        ),
        Setting(
            "embed_dim",
            "Embedding width",
            "How many numbers describe each token.",
            "Widths grow from stage to stage: 64, 192, 384 in CvT-13 and 192, 768, 1024 in CvT-W24 (Table 2).",
            range(16, 1025, 16),
            cheaper=-1,
        ),
        Setting(
            "mlp_ratio",
            "MLP ratio",
            "How many times wider the MLP is than its tokens.",
            "Every model of Table 2 uses 4; the searched CvT-13-NAS has 2 in its first and last stages (Section 4.2).",
            (0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 8.0),
            cheaper=-1,
        ),
        Setting(
            "kernel_qkv",
            "Projection kernel",
            "Side of the convolution before query, key and value, in tokens.",
            "Every model of Table 2 uses 3; a kernel of 1 could serve as the plain linear projection (Section 3.2.1).",
            (1, 3, 5, 7),
            cheaper=-1,
        ),
        Setting(
            "stride_kv",
            "Key and value stride",
            "Every how many tokens, each way, there is a key and a value.",
            "Stride 2 needs 4.53 instead of 6.55 GFLOPs and gives 81.6 instead of 82.3 % top-1 (Table 7).",
            (1, 2, 3, 4),
            cheaper=1,
        ),
        Setting(
            "qkv_projection_method",
            "Projection",
            "What precedes the linear layers: a convolution, a mean, or nothing (linear).",
            "Convolutions in all three stages give 81.6 % top-1, linear layers alone 80.6 % (Table 8).",
            PROJECTION_METHODS,
        ),
        Setting(
            "patch_sizes",
            "Embedding kernel",
            "Side of the convolution that makes this stage's tokens.",
            "7 in stage 1, then 3 (Table 2); without overlap, top-1 falls from 81.6 to 80.7 % (Table 6).",
            range(1, 17),
            cheaper=-1,
        ),
        Setting(
            "patch_stride",
            "Embedding stride",
            "How much coarser this stage's grid is than what it reads.",
            "4 in stage 1, then 2 (Table 2), so that tokens become fewer as they become wider (Section 3.1).",
            (1, 2, 3, 4, 8, 16),
            cheaper=1,
        ),
        Setting(
            "patch_padding",
            "Embedding padding",
            "How many rows of zeros surround what the conv embedding reads.",
            "It is there for the borders (Section 3.1); the published models use 2 in stage 1, then 1.",
            range(9),
            cheaper=-1,
        ),
        Setting(
            "qkv_bias",
            "Bias",
            "Whether the linear layers of query, key and value add a constant.",
            "The paper does not mention it; the published models have it.",
            (False, True),
        ),
        Setting(
            "cls_token",
            "Class token",
            "Whether the stage has a token that belongs to no place.",
            "Only the last stage has one, and the classifier reads it (Section 3).",
            (False, True),
        ),
    )
}


def check_value(setting: Setting, value: Any, stage: int) -> None:
    """Refuses what cannot be chosen. Raises ConfigError, naming the choice."""
    values = setting.values
    if isinstance(value, bool) == isinstance(values[0], bool) and isinstance(value, (int, float, str)) and value in values:
        return
    if isinstance(values, range):
        choice = f"a whole number from {values[0]} to {values[-1]}" + (f" in steps of {values.step}" if values.step > 1 else "")
    else:
        choice = "one of " + ", ".join(str(each) for each in values)
    words = {"label": setting.label, "number": stage + 1, "choice": choice}
    raise ConfigError("{label} of stage {number} cannot be {shown}: choose {choice}.", setting.name, stage, value, values=words)


def value_words(value: Any) -> str:
    """How a setting's value is written for people: "convolution", "on", "3", "7×3"."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str):
        return {"dw_bn": "convolution", "avg": "mean"}.get(value, value)
    return "×".join(map(str, value)) if isinstance(value, tuple) else f"{value:g}"
