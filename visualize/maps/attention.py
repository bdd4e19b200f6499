"""Computes exact attention weights from captured q and k, and the statistics shown beside a map."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class BlockAttention:
    """One block's attention as q and k; weights are computed on demand, for the requested queries only.

    ``query`` float32 (heads, queries, D), ``key`` float32 (heads, keys, D); the cls token first if ``has_cls``. ``quantised``: all
    weights as bytes, the arrays of a ``cvt.runtime.attention.QuantisedWeights``, where they were a by-product of the pass.
    """

    query: np.ndarray
    key: np.ndarray
    scale: float
    has_cls: bool
    # not in ``replace``: a copy with another query or key has none
    quantised: tuple[np.ndarray, np.ndarray] | None = field(default=None, init=False)

    def with_quantised(self, values: np.ndarray, peak: np.ndarray) -> BlockAttention:
        """A copy with these."""
        copy = replace(self)
        object.__setattr__(copy, "quantised", (values, peak))
        return copy

    @property
    def heads(self) -> int:
        return self.query.shape[0]

    @property
    def shape(self) -> tuple[int, int, int]:
        """(heads, queries, keys), the shape of all weights."""
        return self.query.shape[0], self.query.shape[1], self.key.shape[1]

    def weights(self, queries: list[int] | np.ndarray | None = None) -> np.ndarray:
        """Weights (heads, queries, keys) float32, rows sum to 1; ``queries`` and errors as in ``Capture.attention``."""
        query = self.query if queries is None else self.query[:, self._checked(queries)]
        scores = (query * np.float32(self.scale)) @ self.key.transpose(0, 2, 1)
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        return scores

    def _checked(self, queries: list[int] | np.ndarray) -> np.ndarray:
        index, count = np.asarray(queries), self.query.shape[1]
        if index.ndim != 1 or (index.size and not (index.dtype.kind in "iu" and index.min() >= 0 and index.max() < count)):
            raise ValueError(f"queries must be a list of token indices from 0 to {count - 1}.")
        return index.astype(np.int64)


@dataclass(frozen=True)
class MapStatistics:
    """Statistics of one row of weights; ``times_uniform`` is the largest weight in multiples of 1 / keys."""

    minimum: float
    maximum: float
    entropy: float  # bit
    times_uniform: float


def statistics(weights: np.ndarray) -> MapStatistics:
    """Statistics of one row of weights, (keys,), summing to 1."""
    positive = weights[weights > 0].astype(np.float64)
    return MapStatistics(
        minimum=float(weights.min()),
        maximum=float(weights.max()),
        entropy=max(0.0, float(-(positive * np.log2(positive)).sum())),  # avoids -0.0
        times_uniform=float(weights.max() * weights.size),
    )
