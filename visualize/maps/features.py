"""Summarises a stage's feature map: principal components as colours, and the channels that vary most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

SMALL = 64  # the side of a matrix whose eigenvectors are found fastest all at once
DIRECTIONS, ROUNDS = 12, 8  # of the iteration that finds three of a larger one's


@dataclass(frozen=True)
class PrincipalComponents:
    """The first three principal components of a stage's tokens, as colours.

    ``rgb`` uint8 (H, W, 3): components 1, 2, 3 as red, green, blue, each stretched from its 1st to its 99th percentile.
    ``explained`` float (3,): the share of the tokens' variance that each component explains.
    Axes and signs are arbitrary; each component's sign is chosen so that its largest loading is positive, so that the same
    features always give the same colours.
    """

    rgb: np.ndarray
    explained: np.ndarray


def principal_components(features: np.ndarray) -> PrincipalComponents:
    """PCA of the tokens of one feature map, (C, H, W) floats; with fewer than three channels or tokens, the missing components are zero.

    Source: as in the feature pictures of DINOv2, arXiv 2304.07193, section 7.4.
    """
    channels, height, width = features.shape
    tokens = features.reshape(channels, -1).T.astype(np.float64)  # (H·W, C)
    tokens -= tokens.mean(axis=0)
    values, vectors = _strongest_directions(tokens)
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)
    projected = np.zeros((height * width, 3))
    projected[:, : vectors.shape[1]] = _product(tokens, vectors)
    low, high = np.percentile(projected, (1, 99), axis=0)
    shown = np.where(high > low, (projected - low) / np.maximum(high - low, 1e-12), 0.5)
    total = float((tokens**2).sum())
    explained = np.zeros(3)
    explained[: len(values)] = values / total if total > 0 else 0.0
    rgb = np.round(shown.clip(0, 1) * 255).astype(np.uint8).reshape(height, width, 3)
    return PrincipalComponents(rgb, explained)


def _strongest_directions(tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """At most three (squared singular values (3,), directions (C, 3) of length 1) of centred tokens (H·W, C), largest first.

    A direction that explains only rounding errors is zero. Computed from the Gram matrix of channels or of tokens, whichever is
    smaller. Source: https://en.wikipedia.org/wiki/Singular_value_decomposition, relation to eigenvalues.
    """
    wide = tokens.shape[1] > tokens.shape[0]
    values, vectors = _largest(torch.from_numpy(_product(tokens, tokens.T) if wide else _product(tokens.T, tokens)))
    values = values.clip(0)
    if wide:
        vectors = _product(tokens.T, vectors) / np.sqrt(np.maximum(values, 1e-300))
    real = values > 1e-12 * values[0]
    return values * real, np.where(real, vectors, 0.0)


# PyTorch's linear algebra, because NumPy's threads spin while they wait: under load it took 10 to 100 times as long.


def _largest(gram: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The three largest eigenvalues of a Gram matrix (n, n), largest first, and their eigenvectors (n, 3); fewer where n is smaller.

    All n of them take 4 to 5 times as long from n = 128 on, and more on many threads. So a few directions are multiplied by the
    matrix until the first three no longer turn, which is checked. Source: https://en.wikipedia.org/wiki/Power_iteration, with
    several vectors at once. A matrix whose eigenvalues lie too close together is left to PyTorch.
    """
    if len(gram) > SMALL:
        square = gram @ gram
        square /= square.diagonal().sum().clamp(min=1e-300)
        basis = torch.randn(len(gram), DIRECTIONS, dtype=gram.dtype, generator=torch.Generator().manual_seed(0))
        for _ in range(ROUNDS):
            basis = _orthonormal(square @ (square @ basis))
        if basis.isfinite().all():  # it is not where fewer directions have anything in them
            values, turn = torch.linalg.eigh(basis.T @ (gram @ basis))
            values, vectors = values.flip(0)[:3], (basis @ turn).flip(1)[:, :3]
            if (gram @ vectors - vectors * values).norm() <= 1e-9 * values[0]:
                return values.numpy(), vectors.numpy()
    values, vectors = torch.linalg.eigh(gram)
    return values.flip(0)[:3].numpy(), vectors.flip(1)[:, :3].numpy()


def _orthonormal(basis: torch.Tensor) -> torch.Tensor:
    """Columns that span the same and are orthonormal; not finite where they do not span as many dimensions."""
    factor, _ = torch.linalg.cholesky_ex(basis.T @ basis)
    return torch.linalg.solve_triangular(factor, basis.T, upper=False).T


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (torch.from_numpy(a) @ torch.from_numpy(b.copy())).numpy()  # a copy, because views may have negative strides


def strongest_channels(features: np.ndarray) -> np.ndarray:
    """Channel indices of (C, H, W) features, sorted by their variation over the picture, largest first."""
    return np.argsort(-features.reshape(len(features), -1).var(axis=1), kind="stable")
