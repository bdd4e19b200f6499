"""Deletion and insertion: what happens to a class's probability when a picture loses, or gets, its squares in a map's order.

Source: Petsiuk et al., RISE, 2018, arXiv 1806.07421, section 4.3. Here squares are taken instead of pixels (see ``squares``), and
what is absent is blurred in both curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ..explain.case import Case
from ..explain.explanation import Explanation
from ..explain.occlusion import without
from ..explain.squares import per_square, square_of_pixels, squares

CORNERS = 5  # of a curve, besides its start


@dataclass(frozen=True)
class Curves:
    """The class's probability while squares go or come, the most important first.

    ``shares``: of the squares, from 0 to 1. ``deletion``: the probability without this share. ``insertion``: with this share alone.
    """

    shares: tuple[float, ...]
    deletion: tuple[float, ...]
    insertion: tuple[float, ...]

    @property
    def deletion_area(self) -> float:
        """The mean height of the curve; lower is better, as what matters goes first."""
        return float(np.trapezoid(self.deletion, self.shares))

    @property
    def insertion_area(self) -> float:
        """The mean height of the curve; higher is better."""
        return float(np.trapezoid(self.insertion, self.shares))

    @property
    def gap(self) -> float:
        """``insertion_area`` − ``deletion_area``: one number for both. For random maps it is 0 on average."""
        return self.insertion_area - self.deletion_area


def order(explanation: Explanation, size: tuple[int, int]) -> np.ndarray:
    """The squares' indices, the most important first; those that are alike in an order drawn once."""
    scores = per_square(explanation, size)
    drawn = np.random.default_rng(0).permutation(len(scores))
    return drawn[np.argsort(-scores[drawn], kind="stable")]


def curves(case: Case, explanations: Sequence[Explanation], steps: int = CORNERS) -> list[Curves]:
    """Both curves of each map, for the case's class. Pictures that several curves share run once."""
    count = int(np.prod(squares(case.size).shape))
    counts = np.linspace(0, count, steps + 1).round().astype(int)
    taken: dict[bytes, int] = {}  # sets of squares, by their position in the batch

    def runs(squares_taken: np.ndarray) -> int:
        mask = np.zeros(count, bool)
        mask[squares_taken] = True
        return taken.setdefault(mask.tobytes(), len(taken))

    orders = [order(explanation, case.size) for explanation in explanations]
    places = [[(runs(each[:number]), runs(each[number:])) for number in counts] for each in orders]
    masks = np.stack([np.frombuffer(mask, bool) for mask in taken])[:, square_of_pixels(case.size)]
    probabilities = torch.softmax(without(case, torch.from_numpy(masks)).double(), dim=-1)[:, case.target].cpu().numpy()
    shares = tuple((counts / count).tolist())
    return [Curves(shares, *(tuple(probabilities[list(way)].tolist()) for way in zip(*each, strict=True))) for each in places]
