"""What each part of a model is worth to a class on one picture: every head, branch and block is replaced in turn.

Source: ablation as a measure of heads, arXiv 1905.10650, section 3.2. Losses of single parts do not add up: what one part does,
another may do as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification, CvtModelOutput

from ..capture import capture
from .interventions import Intervention, Means, intervened
from .parts import ZERO, ways

BATCH = 8  # samples in a forward pass: more take memory and, on a CPU, no less time each


@dataclass(frozen=True)
class Loss:
    """How much lower a class's logit and probability are when one part is replaced; negative where they rise."""

    intervention: Intervention
    logit: float
    probability: float


@dataclass(frozen=True)
class Importance:
    """A class's ``logit`` and ``probability`` by the unchanged model, and its ``losses`` without each part."""

    logit: float
    probability: float
    losses: tuple[Loss, ...]


def parts_to_try(config: CvtConfig, how: str = ZERO) -> list[Intervention]:
    """Every block, its branches and its heads, by stage and block; those that can be replaced in this way."""
    return [
        Intervention(stage=stage.index, block=block, part=part, head=head, how=how)
        for stage in config.stages
        for block in range(stage.depth)
        for part in ("block", "attention", "mlp", "head")
        if how in ways(part)
        for head in (range(stage.num_heads) if part == "head" else (None,))
    ]


def importance(
    model: CvtForImageClassification,
    pixel_values: Tensor,
    label: int,
    how: str = ZERO,
    means: Means | None = None,
    progress: Callable[[float], None] = lambda share: None,
    each_pass: Callable[[], AbstractContextManager] = nullcontext,
) -> Importance:
    """Replaces every part of ``parts_to_try`` alone, several in a batch, from the part's stage on.

    Args:
        model: in evaluation mode. pixel_values: (1, C, H, W), one picture. label: the class's index. how, means: as for ``intervened``.
        progress: called with the share that is done, first with 0, before every pass. each_pass: called for a context for every pass.
    Raises:
        ValueError: no such class, or as ``intervened``. Also what ``progress`` raises, to cancel.
    """
    if not 0 <= label < model.config.num_labels:
        raise ValueError(f"There is no class {label}: this model's classes are 0 to {model.config.num_labels - 1}.")
    progress(0.0)
    with torch.inference_mode():
        with each_pass(), capture(model, taps=("stage",)) as seen:
            features = model.cvt(pixel_values, output_hidden_states=True, return_dict=True)
            [(logit, share)] = _scores(model.classifier(model.pooled(features)), label)
        given = [pixel_values.to(model.dtype), *features.hidden_states]  # what each stage is given, and the cls token before it
        tokens = [None, *(seen.cls_token(stage) for stage in range(model.config.num_stages))]
        tried = parts_to_try(model.config, how)
        after: list[tuple[float, float]] = []
        for batch in _batches(tried):
            progress(len(after) / len(tried))
            stage = batch[0].stage
            with each_pass(), intervened(model, [[each] for each in batch], means):
                logits = _from_stage(model, stage, given[stage].expand(len(batch), -1, -1, -1), tokens[stage])
            after += _scores(logits, label)
    losses = tuple(Loss(each, logit - left[0], share - left[1]) for each, left in zip(tried, after, strict=True))
    return Importance(logit, share, losses)


def _batches(tried: list[Intervention]) -> Iterator[list[Intervention]]:
    """At most BATCH at a time, of one stage."""
    for stage in sorted({each.stage for each in tried}):
        own = [each for each in tried if each.stage == stage]
        yield from (own[start : start + BATCH] for start in range(0, len(own), BATCH))


def _from_stage(model: CvtForImageClassification, first: int, x: Tensor, cls: Tensor | None) -> Tensor:
    """Logits (B, classes) from what a stage is given, and the cls token (1, 1, C) of the stage before, if any."""
    for stage in model.cvt.encoder.stages[first:]:
        x, cls = stage(x, cls=cls)
    return model.classifier(model.pooled(CvtModelOutput(last_hidden_state=x, cls_token_value=cls)))


def _scores(logits: Tensor, label: int) -> list[tuple[float, float]]:
    """(logit, probability) of a class for each sample."""
    logits = logits.float()
    return list(zip(logits[:, label].tolist(), logits.softmax(dim=-1)[:, label].tolist(), strict=True))
