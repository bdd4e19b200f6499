"""Summarises a stage's feature map: principal components as colours, and the channels that vary most.

In PyTorch, for a CPU and, without ever waiting for it, for a GPU.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

COMPONENTS = 3
LEAST = 1e-12  # of the largest eigenvalue; a smaller one is rounding
SMALL = 64  # the side of a matrix whose eigenvectors are found fastest all at once
DIRECTIONS, ROUNDS, CHECKS = 16, 5, 2  # of the iteration for larger matrices: directions, rounds between two checks, checks
SQUARINGS = 26  # on a GPU: eigenvalues that differ by more than 10⁻⁶ of themselves are told apart
TAIL = 0.01  # of the values, which colours leave out on either side


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
    [(rgb, explained)] = component_colours([torch.tensor(features)])
    return PrincipalComponents(rgb.numpy(), explained.numpy())


def strongest_channels(features: np.ndarray) -> np.ndarray:
    """Channel indices of (C, H, W) features, sorted by their variation over the picture, largest first."""
    return channel_order(torch.tensor(features)).numpy()


def channel_order(features: Tensor) -> Tensor:
    """``strongest_channels`` as a tensor."""
    values = features.flatten(1)
    return torch.linalg.vector_norm(values - values.mean(dim=1, keepdim=True), dim=1).argsort(descending=True, stable=True)


def component_colours(maps: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """``PrincipalComponents.rgb`` and ``explained``, float64, of each of some feature maps (C, H, W) on one device.

    Computed from the Gram matrix of channels or of tokens, whichever is smaller. A direction that explains only rounding errors gives
    zeros. Source: https://en.wikipedia.org/wiki/Singular_value_decomposition, relation to eigenvalues.
    """
    centred = [values - values.mean(dim=1, keepdim=True) for values in (each.to(torch.float64).flatten(1) for each in maps)]
    grams = [values.T @ values if _of_tokens(values) else values @ values.T for values in centred]
    largest = _largest_together(grams) if grams[0].is_cuda else [_largest(gram) for gram in grams]
    colours = []
    for features, values, gram, (found, vectors) in zip(maps, centred, grams, largest, strict=True):
        variances = torch.where(found > LEAST * found[:1], found, 0.0)
        shown = _stretched(_scores(values, variances, vectors))
        rgb = (shown * 255).round().to(torch.uint8).T.reshape(*features.shape[1:], COMPONENTS)
        colours.append((rgb, variances / gram.trace().clamp(min=1e-300)))
    return colours


def _of_tokens(values: Tensor) -> bool:
    """Whether the Gram matrix of centred values (C, N) is that of tokens."""
    return values.shape[0] > values.shape[1]


def _scores(values: Tensor, variances: Tensor, vectors: Tensor) -> Tensor:
    """The components (3, N) of centred values (C, N), from their sums of squares (3,) and the Gram matrix's eigenvectors (n, 3)."""
    if _of_tokens(values):
        loadings = values @ vectors  # (C, 3), of any length: only their signs are used
        scores = variances.sqrt()[:, None] * vectors.T
    else:
        loadings = vectors
        scores = vectors.T @ values
    strongest = loadings.gather(0, loadings.abs().argmax(dim=0, keepdim=True))[0]
    return torch.where((variances > 0)[:, None], scores * torch.where(strongest < 0, -1.0, 1.0)[:, None], 0.0)


def _stretched(scores: Tensor) -> Tensor:
    """Each row of scores (3, N) from its 1st percentile, 0, to its 99th, 1; 0.5 where these are equal. Interpolated as NumPy does."""
    place = TAIL * (scores.shape[1] - 1)
    below, share = int(place), place % 1
    count = min(below + 2, scores.shape[1])
    ends = [scores.topk(count, dim=1, largest=largest).values for largest in (False, True)]  # from the outermost inwards
    low, high = (torch.lerp(end[:, below, None], end[:, count - 1, None], share) for end in ends)
    return torch.where(high > low, (scores - low) / (high - low).clamp(min=1e-12), 0.5).clamp_(0, 1)


def _largest(gram: Tensor) -> tuple[Tensor, Tensor]:
    """The three largest eigenvalues (3,) of a Gram matrix (n, n), largest first, and their eigenvectors (n, 3); zeros where n is smaller.

    All n of them take 4 to 5 times as long from n = 128 on, and more on many threads. So a few directions are multiplied by the
    matrix until the first three no longer turn, which is checked. Source: https://en.wikipedia.org/wiki/Power_iteration, with
    several vectors at once. A matrix whose eigenvalues lie too close together is left to PyTorch, whose large products do not
    spin as NumPy's threads do: under load those took 10 to 100 times as long.
    """
    if len(gram) > SMALL:
        square = gram @ gram
        square /= square.trace().clamp(min=1e-300)
        fourth = square @ square
        basis = _directions(len(gram))
        for _ in range(CHECKS):
            for _ in range(ROUNDS):
                basis = _orthonormal(fourth @ basis)
            if not basis.isfinite().all():  # where fewer directions have anything in them
                break
            # too small for NumPy's threads, while PyTorch would start all of its own, which takes longer than the rest
            values, turn = map(torch.from_numpy, np.linalg.eigh((basis.T @ (gram @ basis)).numpy()))
            values, vectors = values.flip(0)[:COMPONENTS], (basis @ turn).flip(1)[:, :COMPONENTS]
            if (gram @ vectors - vectors * values).norm() <= 1e-9 * values[0]:
                return values, vectors
    values, vectors = torch.linalg.eigh(gram)
    missing = max(0, COMPONENTS - len(gram))
    return F.pad(values.flip(0)[:COMPONENTS].clamp(min=0), (0, missing)), F.pad(vectors.flip(1)[:, :COMPONENTS], (0, missing))


@lru_cache(maxsize=8)
def _directions(size: int) -> Tensor:
    """Some directions to begin with, (size, DIRECTIONS): any, but always the same."""
    return torch.randn(size, DIRECTIONS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def _orthonormal(basis: Tensor) -> Tensor:
    """Columns that span the same and are orthonormal; not finite where they do not span as many dimensions."""
    factor, _ = torch.linalg.cholesky_ex(basis.T @ basis)
    return torch.linalg.solve_triangular(factor, basis.T, upper=False).T


def _largest_together(grams: Sequence[Tensor]) -> list[tuple[Tensor, Tensor]]:
    """``_largest`` of each of some matrices on a GPU, by few large steps that need no look at their results.

    A matrix multiplied by itself again and again keeps only its largest eigenvalue, and has its eigenvector in every column. What it
    contributes is then taken off the matrix, and the next one is the largest.
    """
    sizes = [len(gram) for gram in grams]
    left = torch.stack([F.pad(gram, (0, max(sizes) - len(gram)) * 2) for gram in grams])  # zeros add only eigenvalues of zero
    values, vectors = [], []
    for _ in range(COMPONENTS):
        power = left
        for number in range(SQUARINGS):
            if number % 4 == 0:  # four squarings turn a trace of 1 into one of at least n⁻¹⁵, which a float64 holds
                power = power / _diagonal(power).sum(dim=1).clamp(min=1e-300)[:, None, None]
            power = power @ power
        column = _diagonal(power).argmax(dim=1)[:, None, None].expand(-1, max(sizes), 1)
        vector = power.gather(2, column)
        vector = vector / torch.linalg.vector_norm(vector, dim=1, keepdim=True).clamp(min=1e-300)
        value = vector.mT @ left @ vector
        left = left - value * vector @ vector.mT
        values.append(value[:, 0, 0])
        vectors.append(vector)
    found, directions = torch.stack(values, dim=1).clamp(min=0), torch.cat(vectors, dim=2)
    return [(value, direction[:size]) for value, direction, size in zip(found, directions, sizes, strict=True)]


def _diagonal(matrices: Tensor) -> Tensor:
    return matrices.diagonal(dim1=-2, dim2=-1)
