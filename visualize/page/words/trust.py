"""How far a prediction can be trusted, in sentences: how often the model is right, what it saw of the picture, whose weights it has."""

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

LEAST_SEEN = 0.4  # of a picture's area, which most cameras' pictures keep: below that it is said that the rest was cut off
MOST_STRETCHED = 1.5  # one side against the other


def accuracy(config: CvtConfig) -> str:
    """How often the model is right, where its config says so; that nobody knows, where it does not."""
    measured = config.extra.get("evaluation")
    share = measured.get("top1") if isinstance(measured, dict) else None
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not 0 <= share <= 1:  # nor is NaN
        return say("unmeasured")
    key = "measured_one_class" if config.num_labels == 1 else "measured"
    return say(key, percent=f"{100 * share:.0f}", classes=config.num_labels)


def notes(seen: Exploration) -> list[str]:
    """What was done to the picture before the model saw it, in sentences; none where nothing is worth a word."""
    return [*map(note_sentence, seen.notes), *_framing(seen)]


def _framing(seen: Exploration) -> list[str]:
    """What became of a picture that is far from the model's input in shape."""
    (left, top, right, bottom), (width, height) = seen.crop_box, seen.original_size
    rows, columns = seen.pixels.shape[:2]
    if (right - left) * (bottom - top) < LEAST_SEEN * width * height:
        return [say("seen_in_part", width=width, height=height)]
    stretched = (right - left) * rows / ((bottom - top) * columns)
    if max(stretched, 1 / stretched) > MOST_STRETCHED:
        return [say("seen_squeezed", width=width, height=height)]
    return []


def weights(config: CvtConfig, side: int, variant: ModelRequest) -> str:
    """Where a variant's weights come from, and what that means for its prediction; the config and the side are the loaded model's."""
    if variant.weights != INHERITED:
        return say("random_weights")
    inheritance = report(config, variant.architecture or config)
    if inheritance.same and variant.side is not None:
        return say("other_input", side=variant.side, own=side)
    return inherited(inheritance)
