"""Checks of a map: does it agree with what the model itself loses, and does it depend on what the model has learnt?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from ...container import frozen
from ..explain import METHODS
from ..explain.case import Case
from ..explain.explanation import Explanation
from ..explain.occlusion import losses_without
from ..explain.squares import per_square, square_of_pixels

SPLITS = 12  # into thirds: 36 passes


def ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts + 1) / 2)[inverse.ravel()]


def rank_correlation(one: np.ndarray, two: np.ndarray) -> float | None:
    """Spearman's correlation of two arrays, −1 to 1; None if all values of one are alike."""
    first, second = (ranks(values.ravel()) - (values.size - 1) / 2 for values in (one, two))
    norm = np.sqrt((first**2).sum() * (second**2).sum())
    return float((first * second).sum() / norm) if norm else None


@dataclass(frozen=True)
class KnockOuts:
    """What the class's score loses without parts of the picture: ``parts`` bool (N, squares), ``losses`` float32 (N,)."""

    parts: np.ndarray
    losses: np.ndarray


def knocked_out(case: Case, splits: int = SPLITS) -> KnockOuts:
    """Takes away every third of the picture in some random splits into three, so that each square is missing equally often.

    Pixels are taken away and not keys, because only pixels mean the same for every method: a key of one stage has met all of the
    picture before it is masked, and maps of other stages or of pixels have no value for it. Not single squares, because the model
    hardly misses one: its score loses 0.1, and without a third 0.6 to 2.8 (the embedded model, three examples).

    Source: faithfulness of Bhatt et al., 2020, arXiv 2005.00631, section 4.1, by ranks.
    """
    index = square_of_pixels(case.size)
    count, draw = int(index.max()) + 1, np.random.default_rng(0)
    thirds = [part for _ in range(splits) for part in np.array_split(draw.permutation(count), 3)]
    parts = np.stack([np.isin(np.arange(count), part) for part in thirds])
    return KnockOuts(parts, frozen(losses_without(case, torch.from_numpy(parts[:, index]))))


def agreement(explanation: Explanation, knocked: KnockOuts, size: tuple[int, int]) -> float | None:
    """The rank correlation of what a map sees in each missing part with what the model's score lost; None if the map is flat."""
    return None if explanation.flat else rank_correlation(knocked.parts @ per_square(explanation, size), knocked.losses)


def survives_randomisation(explanation: Explanation, randomised: Case) -> float | None:
    """The rank correlation, cell by cell, of a map with the same method's on a model whose last part is drawn anew; None if either is
    flat. Near 0 is good: a map that stays the same does not show what was learnt. Source: arXiv 1810.03292, section 3.

    Args:
        randomised: the same picture and class through ``randomised`` of the model.
    """
    other = METHODS[explanation.method](randomised, explanation.stage)
    return None if explanation.flat or other.flat else rank_correlation(explanation.values, other.values)
