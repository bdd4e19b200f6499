"""The class probabilities after every block: when does the model decide?

In the last stage the model's own LayerNorm and classifier read what a block leaves of the token that they read at the end (the
"logit lens": nostalgebraist, interpreting GPT, 2020, https://www.lesswrong.com/posts/AcKRB8wDpdaN6v6ru). They were trained for the
last block, and the spaces before it need not be aligned with its own, so an early answer may be their mistake rather than the
block's (Belrose et al., arXiv 2303.08112). The stages before have other widths and no classifier: there linear probes read the
mean token, which were trained for their block (``cvt.probes``), on pictures of one side.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cvt.model import CvtForImageClassification, to_picture
from cvt.outputs import CvtModelOutput
from cvt.probes import Probes, pooled

from ..capture import Capture, capture
from ..container import frozen


@dataclass(frozen=True)
class Lens:
    """The classes after some blocks, in order of depth.

    Attributes:
        places: stage and block of each, from 0. probabilities: float32 (blocks, classes); the last row is the model's prediction.
        accuracies: of each one's probe, on unseen pictures; None where the model's own classifier reads.
    """

    places: tuple[tuple[int, int], ...]
    probabilities: np.ndarray
    accuracies: tuple[float | None, ...]

    def decided(self) -> tuple[int, int | None]:
        """The index of the first block from which on the model's own classifier gives its final answer, and the class before that;
        None if it is the first that it reads."""
        own = [index for index, accuracy in enumerate(self.accuracies) if accuracy is None]
        best = self.probabilities.argmax(axis=1)
        others = [index for index in own if best[index] != best[-1]]
        return (others[-1] + 1, int(best[others[-1]])) if others else (own[0], None)


def fitting(model: CvtForImageClassification, probes: Probes, side: tuple[int, int]) -> bool:
    """Whether these probes hold for this model on pictures of (height, width) ``side``."""
    return tuple(side) == (probes.side, probes.side) and probes.fits(model)


@torch.inference_mode()
def class_lens(model: CvtForImageClassification, pixel_values: Tensor, probes: Probes | None = None) -> Lens:
    """Runs the model once on one picture, and reads the classes after every block of the last stage, and of those with a probe.

    Args:
        model: in evaluation mode, its last stage with blocks. pixel_values: (1, C, H, W). probes: ones that are ``fitting``.
    """
    with capture(model, taps=("stage", "output")) as seen:
        model(pixel_values)
    last = model.config.num_stages - 1
    found = {} if probes is None else {place: probe.logits(_pooled(model, seen, *place)) for place, probe in probes.by_place.items()}
    accuracies: list[float | None] = [] if probes is None else [probe.accuracy for probe in probes.by_place.values()]
    for block in range(model.config.stages[last].depth):
        found[last, block] = _own(model, seen, last, block)
        accuracies.append(None)
    probabilities = [torch.softmax(logits[0].float(), dim=-1) for logits in found.values()]
    return Lens(tuple(found), frozen(torch.stack(probabilities)), tuple(accuracies))


def _pooled(model: CvtForImageClassification, seen: Capture, stage: int, block: int) -> Tensor:
    return pooled(seen.tap("output", stage, block), model.config.stages[stage].cls_token)


def _own(model: CvtForImageClassification, seen: Capture, stage: int, block: int) -> Tensor:
    """(1, classes): the logits if the model ended after this block. One block at a time, as the model does it: the last is bit-equal."""
    tokens, grid = seen.tap("output", stage, block), seen.feature_map(stage).shape[2:]
    cls = tokens[:, :1] if model.config.stages[stage].cls_token else None
    picture = to_picture(tokens if cls is None else tokens[:, 1:], grid)
    return model.classifier(model.pooled(CvtModelOutput(last_hidden_state=picture, cls_token_value=cls)))
