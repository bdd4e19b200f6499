"""Compares one spot of a picture with another picture in the same model."""

from __future__ import annotations

import numpy as np

from .attention import BlockAttention


def similarity(features: np.ndarray, row: int, column: int, others: np.ndarray) -> np.ndarray:
    """The cosine of one token's features with those of every token of another picture, from -1 to 1.

    Args:
        features, others: (C, H, W) of the same stage. row, column: of the token in ``features``, from 0.
    Returns:
        float32 (H, W) of ``others``; 0 where a vector has no length.
    Raises:
        ValueError: other channels.
    """
    if len(features) != len(others):
        raise ValueError(f"Tokens of {len(features)} and of {len(others)} channels cannot be compared: take the same stage of one model.")
    token = features[:, row, column]
    lengths = np.linalg.norm(token) * np.linalg.norm(others, axis=0)
    return np.einsum("c,chw->hw", token, others) / np.maximum(lengths, np.finfo(np.float32).tiny)


def attention_across(of_a: BlockAttention, of_b: BlockAttention, queries: list[int]) -> np.ndarray:
    """softmax(q of A · k of B): what A's tokens would look at if they looked at B's keys instead of their own.

    The model never computes this: it compares pictures with the model's own measure of what fits a query.

    Args:
        of_a, of_b: the same block of the same model. queries: as in ``BlockAttention.weights``.
    Returns:
        float32 (heads, queries, keys of B), rows sum to 1; the cls token's key first if there is one.
    Raises:
        ValueError: another block's heads or widths, or no such query.
    """
    if (of_a.heads, of_a.query.shape[2]) != (of_b.heads, of_b.key.shape[2]):
        raise ValueError("Attention across two pictures needs the same block of one model.")
    return BlockAttention(of_a.query, of_b.key, of_a.scale, of_a.has_cls).weights(queries)
