"""Explanations by attention and its gradient for a class.

Sources: relevance, Chefer et al., 2021, arXiv 2103.15679, equations 5 and 6 (and arXiv 2012.09838, whose relevance of values they
leave out); LeGrad, Bousselham et al., 2024, arXiv 2404.03214, section 3.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cvt.outputs import CvtModelOutput

from ...container import frozen
from .attention import start
from .case import Case
from .explanation import Explanation
from .flow import carried


def relevance(case: Case) -> Explanation:
    """Attention counted where more of it would raise the class's score: R ← R + mean over heads of (gradient · attention)⁺ · R, block
    by block, on the tokens of the first stage."""
    places = [weights for blocks in case.seen.attention for weights in blocks]
    gradients = iter(case.seen.gradients(case.seen.logit, places))
    counted = [[_counted(weights, next(gradients)) for weights in blocks] for blocks in case.seen.attention]
    shares, rest = carried(case, start(case), lambda stage, block: counted[stage][block], to_pixels=False)
    grid = case.grids[0][0]
    return Explanation("relevance", frozen(shares.reshape(grid.shape)), grid, False, target=case.target, rest=float(rest[0]))


def _counted(weights: Tensor, gradient: Tensor) -> Tensor:
    """(1, heads, queries, keys) twice → (queries, keys)."""
    return (gradient * weights.detach()).clamp_min(0)[0].mean(dim=0)


def legrad(case: Case, stage: int) -> Explanation:
    """How much the class's score would rise if a stage looked more at a key: the positive part of the gradient by its attention weights,
    averaged over blocks, heads and queries, on its key grid.

    In the last stage each block's score is what the model's own norm and classifier make of the tokens after it, as published.
    Tokens of earlier stages are in other spaces, which no classifier reads, so there it is the model's score.
    """
    attention = case.seen.attention[stage]
    if stage == case.last:
        found = [case.seen.gradients(_score_after(case, block), [weights])[0] for block, weights in enumerate(attention)]
    else:
        found = case.seen.gradients(case.seen.logit, attention)
    keys = torch.stack(found).clamp_min(0).mean(dim=(0, 1, 2, 3))
    cls, grid = case.cls(stage), case.grids[stage][1]
    places = frozen(keys[cls:].reshape(grid.shape))
    return Explanation("legrad", places, grid, False, target=case.target, stage=stage, rest=float(keys[:cls].sum()))


def _score_after(case: Case, block: int) -> Tensor:
    """The class's score by the model's norm and classifier on the tokens after a block of the last stage."""
    if block == case.model.config.depth[case.last] - 1:
        return case.seen.logit
    tokens, cls = case.seen.captured.tap("input", case.last, block + 1), case.cls(case.last)
    with torch.inference_mode(False), torch.enable_grad():
        features = CvtModelOutput(
            last_hidden_state=tokens[:, cls:].transpose(1, 2)[..., None],  # only pooled, so their grid does not matter
            cls_token_value=tokens[:, :1] if cls else None,
        )
        return case.model.classifier(case.model.pooled(features))[0, case.target]
