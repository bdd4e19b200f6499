"""Explanations by attention alone: they are the same for every class.

Sources: attention rollout, Abnar and Zuidema, 2020, arXiv 2005.00928, section 4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from cvt.architecture.geometry import pixels

from ...container import frozen
from .case import Case
from .explanation import Explanation
from .flow import carried


def cls_attention(case: Case) -> Explanation:
    """What the cls token looks at in the last stage, on its key grid: the mean of all blocks and heads. Without a cls token, what
    the tokens look at on average. The share of the cls token itself is ``rest``."""
    blocks = torch.stack(case.seen.attention[case.last]).detach()  # (blocks, 1, heads, queries, keys)
    weights = start(case) @ blocks.mean(dim=(0, 1, 2))
    cls = case.cls(case.last)
    grid = case.grids[case.last][1]
    return Explanation(
        "cls_attention", frozen(weights[0, cls:].reshape(grid.shape)), grid, False, stage=case.last, rest=float(weights[0, :cls].sum())
    )


def rollout(case: Case) -> Explanation:
    """Attention, multiplied through all blocks and stages down to pixels; what stays with the cls token is ``rest``."""
    shares, rest = rolled_out(case, start(case))
    return Explanation("rollout", frozen(shares.reshape(case.size)), pixels(*case.size), False, rest=float(rest[0]))


def start(case: Case) -> Tensor:
    """(1, queries) of the last stage: what the classifier reads, the cls token or all tokens alike."""
    tokens = case.seen.attention[case.last][0].shape[2]
    shares = torch.ones(1, tokens) / tokens
    if case.cls(case.last):
        shares = torch.eye(1, tokens)
    return shares.to(case.pixel_values)


def rolled_out(case: Case, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Where tokens of the last stage come from: (R, queries) → (R, pixels), and (R,) what stays with cls tokens.

    Every block passes half of a token's share on to itself, by the residual, and half to what it looks at, by the mean of its heads.
    Sums stay as they are.
    """
    return carried(case, shares, lambda stage, block: case.seen.attention[stage][block][0].detach().mean(dim=0), kept=0.5)
