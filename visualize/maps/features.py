"""Summarises a stage's feature map: principal components as colours, and the channels that vary most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

CPU = torch.device("cpu")
SMALL = 32  # the side of a matrix whose eigenvectors are found fastest all at once
DIRECTIONS, ROUNDS, CHECKS = 16, 5, 2  # of the iteration for larger matrices: directions, rounds between two checks, checks


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


def principal_components(features: np.ndarray, device: torch.device = CPU) -> PrincipalComponents:
    """PCA of the tokens of one feature map, (C, H, W) floats; with fewer than three channels or tokens, the missing components are zero.

    The large products are computed on ``device``.
    Source: as in the feature pictures of DINOv2, arXiv 2304.07193, section 7.4.
    """
    _, height, width = features.shape
    values = torch.tensor(features, device=device).to(torch.float64).flatten(1)  # (C, H·W); its own copy
    values -= values.mean(dim=1, keepdim=True)
    total, variances, projected = _projected(values)
    low, high = np.percentile(projected, (1, 99), axis=1)[..., None]
    shown = np.where(high > low, (projected - low) / np.maximum(high - low, 1e-12), 0.5)
    rgb = np.round(shown.clip(0, 1) * 255).astype(np.uint8).T.reshape(height, width, 3)
    return PrincipalComponents(rgb, variances / total if total > 0 else np.zeros(3))


def _projected(values: Tensor) -> tuple[float, np.ndarray, np.ndarray]:
    """The sum of squares of centred values (C, N), and of their first three components: the part of it (3,), the scores (3, N).

    A direction that explains only rounding errors gives zeros. Computed from the Gram matrix of channels or of tokens, whichever
    is smaller. Source: https://en.wikipedia.org/wiki/Singular_value_decomposition, relation to eigenvalues.
    """
    channels, tokens = values.shape
    gram = (values.T @ values if channels > tokens else values @ values.T).cpu()
    found, vectors = _largest(gram)  # of tokens, or of channels
    count = len(found)
    variances, projected = np.zeros(3), np.zeros((3, tokens))
    found = np.where(found > 1e-12 * found[0], found, 0.0)
    if channels > tokens:
        loadings = (values @ vectors.to(values.device)).cpu().numpy()  # (C, count), of any length: only their signs are used
        scores = np.sqrt(found)[:, None] * vectors.numpy().T
    else:
        loadings = vectors.numpy()
        scores = (vectors.T.to(values.device) @ values).cpu().numpy()
    strongest = loadings[np.abs(loadings).argmax(axis=0), np.arange(count)]
    variances[:count] = found
    projected[:count] = np.where((found > 0)[:, None], scores * np.where(strongest < 0, -1.0, 1.0)[:, None], 0.0)
    return float(gram.trace()), variances, projected


def _largest(gram: Tensor) -> tuple[np.ndarray, Tensor]:
    """The three largest eigenvalues of a Gram matrix (n, n), largest first, and their eigenvectors (n, 3); fewer where n is smaller.

    All n of them take 4 to 5 times as long from n = 128 on, and more on many threads. So a few directions are multiplied by the
    matrix until the first three no longer turn, which is checked. Source: https://en.wikipedia.org/wiki/Power_iteration, with
    several vectors at once. A matrix whose eigenvalues lie too close together is left to PyTorch, whose large products do not
    spin as NumPy's threads do: under load those took 10 to 100 times as long.
    """
    if len(gram) > SMALL:
        square = gram @ gram
        square /= square.trace().clamp(min=1e-300)
        fourth = square @ square
        basis = torch.randn(len(gram), DIRECTIONS, dtype=gram.dtype, generator=torch.Generator().manual_seed(0))
        for _ in range(CHECKS):
            for _ in range(ROUNDS):
                basis = _orthonormal(fourth @ basis)
            if not basis.isfinite().all():  # where fewer directions have anything in them
                break
            # too small for NumPy's threads, while PyTorch would start all of its own, which takes longer than the rest
            values, turn = map(torch.from_numpy, np.linalg.eigh((basis.T @ (gram @ basis)).numpy()))
            values, vectors = values.flip(0)[:3], (basis @ turn).flip(1)[:, :3]
            if (gram @ vectors - vectors * values).norm() <= 1e-9 * values[0]:
                return values.numpy(), vectors
    values, vectors = torch.linalg.eigh(gram)
    return values.flip(0)[:3].clamp(min=0).numpy(), vectors.flip(1)[:, :3]


def _orthonormal(basis: Tensor) -> Tensor:
    """Columns that span the same and are orthonormal; not finite where they do not span as many dimensions."""
    factor, _ = torch.linalg.cholesky_ex(basis.T @ basis)
    return torch.linalg.solve_triangular(factor, basis.T, upper=False).T


def strongest_channels(features: np.ndarray) -> np.ndarray:
    """Channel indices of (C, H, W) features, sorted by their variation over the picture, largest first."""
    return np.argsort(-features.reshape(len(features), -1).var(axis=1), kind="stable")
