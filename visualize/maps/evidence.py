"""Computes the direct contribution of each place to a class's score, from the last stage's tokens to the classifier.

The classifier reads the cls token, which is a sum: its initial value, what every block's attention adds from each key cell,
and what every MLP adds. The LayerNorm before the classifier, for its given deviation, and the classifier itself are linear, so
the score splits into the contributions of these terms. Those of the key cells, summed over blocks, are the map. All others,
including the MLPs, which may have processed what attention added, are one number. Together they are the score. Without a cls
token the score is a mean over tokens, and the map is each token's contribution.

Source: "direct logit attribution" of Elhage et al., A Mathematical Framework for Transformer Circuits, 2021,
https://transformer-circuits.pub/2021/framework; without a cls token these are class activation maps, arXiv 1512.04150.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cvt.model import CvtForImageClassification, attention_weights, to_tokens

from ..capture import Capture


@dataclass(frozen=True)
class ClassEvidence:
    """Evidence for some classes: ``places`` float32 (classes, cells), and ``rest`` float32 (classes,), which has no place.

    places.sum(axis=1) + rest is the class's logit minus the mean logit of all classes. The cells are those of the last
    stage's key grid, or of its query grid if ``of_queries``; row-major.
    """

    places: np.ndarray
    rest: np.ndarray
    of_queries: bool


def class_evidence(
    model: CvtForImageClassification, seen: Capture, logits: Tensor, classes: Tensor, first_block: int = 0
) -> tuple[Tensor, Tensor] | None:
    """``ClassEvidence.places`` and ``rest`` in the pass that ``seen`` captured, of one picture, still on the model's device.

    Args:
        logits: (all classes,) of that pass. classes: the indices of the classes to explain.
        first_block: the first block of the last stage from which residual connections reach the classifier; others add nothing directly.
    Returns:
        None if no place contributes directly.
    """
    stage = model.config.num_stages - 1
    depth, cls = model.config.stages[stage].depth, seen.cls_token(stage)
    if not len(classes) or (cls is not None and first_block >= depth):
        return None
    weight = model.classifier.weight.float()
    apart = weight[classes] - weight.mean(dim=0)  # (classes, C): scores are relative to the mean score
    if cls is None:
        tokens = model.layernorm(to_tokens(seen.feature_map(stage)))[0].float()  # (H·W, C)
        places = apart @ tokens.T / len(tokens)  # (classes, H·W)
    else:
        direction = _before_norm(apart, model.layernorm, cls[0, 0].float())
        places = _fetched(model, seen, stage, range(first_block, depth), direction)
    score = (logits[classes] - logits.mean()).float()
    return places, score - places.sum(dim=1)


def _before_norm(apart: Tensor, norm: torch.nn.LayerNorm, token: Tensor) -> Tensor:
    """(classes, C): the factors from a vector added before the LayerNorm to the score, for this token's deviation."""
    through = apart * norm.weight.float() / torch.sqrt(token.var(correction=0) + norm.eps)
    return through - through.mean(dim=1, keepdim=True)  # the LayerNorm subtracts the mean


def _fetched(model: CvtForImageClassification, seen: Capture, stage: int, blocks: range, direction: Tensor) -> Tensor:
    """(classes, keys without the cls token): what attention in these blocks of a stage adds to the cls token from each key, along
    ``direction``. All blocks at once, because on a GPU many small steps would take longer than the model."""
    layers = model.cvt.encoder.stages[stage].layers
    output = torch.stack([layers[block].attention.output.dense.weight for block in blocks]).float()  # (blocks, C, heads · D)
    taps = [seen.tap("qkv", stage, block) for block in blocks]
    query = torch.stack([query[0, :, :1] for query, _, _, _ in taps])  # (blocks, heads, 1, D)
    key, value = (torch.stack([tap[part][0] for tap in taps]) for part in (1, 2))  # (blocks, heads, keys, D)
    weights = attention_weights(query, key, taps[0][3])[:, :, 0, 1:].float()  # without the cls token's own weight
    through = (direction @ output).unflatten(2, (weights.shape[1], -1))  # (blocks, classes, heads, D)
    return torch.einsum("bchd,bhkd,bhk->ck", through, value[:, :, 1:].float(), weights)
