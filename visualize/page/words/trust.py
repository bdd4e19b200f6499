"""Sentences on how far to trust a prediction: the model's accuracy, what it saw of the picture, and where its weights come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cvt.architecture.inheritance import report
from cvt.config import CvtConfig
from cvt.pictures import note_sentence

from ..requests import INHERITED, ModelRequest
from .architecture import inherited
from .sentences import say

if TYPE_CHECKING:
    from ...explore import Exploration

LEAST_SEEN = 0.4  # of a picture's area; most cameras' pictures keep more, and below it the crop is mentioned
MOST_STRETCHED = 1.5  # ratio of the sides


def accuracy(config: CvtConfig) -> str:
    """The model's accuracy if its config has it; else that it is unknown."""
    measured = config.extra.get("evaluation")
    share = measured.get("top1") if isinstance(measured, dict) else None
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:  # also refuses NaN
        return say("unmeasured")
    key = "measured_one_class" if config.num_labels == 1 else "measured"
    return say(key, percent=f"{100 * share:.0f}", classes=config.num_labels)


def notes(seen: Exploration) -> list[str]:
    """Sentences on what was done to the picture before the model saw it, if anything notable."""
    return [*map(note_sentence, seen.notes), *_framing(seen)]


def _framing(seen: Exploration) -> list[str]:
    """How a picture was cropped or squeezed whose shape is far from the model's input."""
    (left, top, right, bottom), (width, height) = seen.crop_box, seen.original_size
    rows, columns = seen.pixels.shape[:2]
    if (right - left) * (bottom - top) < LEAST_SEEN * width * height:
        return [say("seen_in_part", width=width, height=height)]
    stretched = (right - left) * rows / ((bottom - top) * columns)
    if max(stretched, 1 / stretched) > MOST_STRETCHED:
        return [say("seen_squeezed", width=width, height=height)]
    return []


def standing(config: CvtConfig, variant: ModelRequest) -> str:
    """How far to trust a variant's classes: "same" as those of the loaded model of this config, "changed" by another architecture or
    input with all weights trained, "disturbed" by untrained weights, or "untrained", when they mean nothing."""
    if variant.weights != INHERITED:
        return "untrained"
    inheritance = report(config, variant.architecture or config)
    if inheritance.same:
        return "same" if variant.side is None else "changed"
    if inheritance.broken:
        return "untrained"
    return "disturbed" if inheritance.all.seeded else "changed"


def weights(config: CvtConfig, side: int, variant: ModelRequest) -> str:
    """Where a variant's weights come from, and what that means for its prediction; config and side are the loaded model's."""
    if variant.weights != INHERITED:
        return say("random_weights")
    inheritance = report(config, variant.architecture or config)
    if inheritance.same and variant.side is not None:
        return say("other_input", side=variant.side, own=side)
    return inherited(inheritance)
