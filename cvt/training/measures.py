"""Measures of predictions: accuracy, calibration error, confused classes; and the temperature that calibrates them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..model import CvtForImageClassification

BINS = 15  # of confidence
LEAST_PICTURES = 100  # pictures to fit a temperature to
TEMPERATURES = (0.05, 20.0)

_ALL_RIGHT = "No temperature can be fitted: calibration needs some misclassified pictures, and the model classifies all of these correctly."
_NO_BETTER_THAN_GUESSING = (
    "These predictions cannot be calibrated: they are no better than guessing. Check that the pictures are in the right classes."
)
_OUT_OF_RANGE = "These predictions cannot be calibrated: the temperature would have to be {} {:g}."


@dataclass(frozen=True)
class ClassResult:
    """One class's number of ``pictures``, how many of them were classified correctly (``right``), and how often it was predicted
    (``named``)."""

    name: str
    pictures: int
    right: int
    named: int


@dataclass(frozen=True)
class Evaluation:
    """Measures of predictions for a number of ``pictures``, as shares of 1.

    Attributes:
        top1, top5: how often the right class is the first, or among the first five.
        calibration_error: expected calibration error, over BINS bins of equal width (arXiv 1706.04599).
        confidence: its mean. loss: mean cross-entropy.
        classes: one result per class. confused: (class, predicted class, times), most frequent first.
    """

    pictures: int
    top1: float
    top5: float
    calibration_error: float
    confidence: float
    loss: float
    classes: tuple[ClassResult, ...]
    confused: tuple[tuple[str, str, int], ...]

    def summary(self) -> dict[str, float]:
        """The values that go into a config."""
        shares = {name: round(getattr(self, name), 4) for name in ("top1", "top5", "calibration_error")}
        return {**shares, "pictures": self.pictures}


def evaluate(logits: Tensor, labels: Tensor, names: list[str]) -> Evaluation:
    """Evaluates logits (N, classes) against labels (N,), int64; ``names`` of the classes."""
    if len(labels) == 0:
        raise ValueError("There are no pictures to measure with.")
    best = logits.topk(min(5, logits.shape[1])).indices  # (N, 5)
    right = best == labels[:, None]
    shares = logits.double().softmax(1)
    confidence = shares.amax(1)
    table = confusion(best[:, 0], labels, len(names))
    classes = [
        ClassResult(name, pictures, hits, named)
        for name, pictures, hits, named in zip(
            names, *(each.tolist() for each in (table.sum(1), table.diagonal(), table.sum(0))), strict=True
        )
    ]
    return Evaluation(
        pictures=len(labels),
        top1=right[:, 0].double().mean().item(),
        top5=right.any(1).double().mean().item(),
        calibration_error=calibration_error(confidence, right[:, 0]),
        confidence=confidence.mean().item(),
        loss=F.cross_entropy(logits.double(), labels).item(),
        classes=tuple(classes),
        confused=tuple(_confused(table, names)),
    )


def confusion(named: Tensor, labels: Tensor, classes: int) -> Tensor:
    """The confusion matrix, (classes, classes): rows are true classes, columns are predicted ones."""
    return torch.bincount(labels * classes + named, minlength=classes * classes).view(classes, classes)


def _confused(table: Tensor, names: list[str]) -> list[tuple[str, str, int]]:
    wrong = table.clone().fill_diagonal_(0)
    pairs = [(names[row], names[column], int(wrong[row, column])) for row, column in wrong.nonzero().tolist()]
    return sorted(pairs, key=lambda pair: -pair[2])


def calibration_error(confidence: Tensor, right: Tensor, bins: int = BINS) -> float:
    """The expected calibration error of confidences in 0..1, (N,), for predictions that are right or wrong, (N,) bool.

    Bins are (0, 1/15], (1/15, 2/15], … Source: arXiv 1706.04599, section 2.
    """
    confidence = confidence.double()
    index = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(bins, dtype=torch.double).index_add_(0, index, right.double() - confidence)
    return (gaps.abs().sum() / len(confidence)).item()


def fit_temperature(logits: Tensor, labels: Tensor, least: int = LEAST_PICTURES) -> float:
    """The temperature T for which softmax(logits / T) has the least loss; above 1 for an overconfident model.

    The loss is convex in 1 / T, so the zero of its slope is found by bisection. Source: arXiv 1706.04599, section 4.2.

    Raises:
        ValueError: fewer than ``least`` pictures, or no temperature in the range TEMPERATURES fits: all predictions are right, or
            on average the right classes' logits are no higher than the others'.
    """
    if len(labels) < least:
        raise ValueError(f"{len(labels)} pictures are too few to calibrate with: use {least} or more that the model has not seen.")
    logits = logits.double()
    target = logits.gather(1, labels[:, None])[:, 0]

    def slope(inverse: float) -> float:
        return ((logits * inverse).softmax(1) * logits).sum(1).sub(target).mean().item()

    low, high = (math.log(1 / temperature) for temperature in reversed(TEMPERATURES))
    if slope(math.exp(low)) > 0:
        raise ValueError(_NO_BETTER_THAN_GUESSING if slope(0.0) >= 0 else _OUT_OF_RANGE.format("above", TEMPERATURES[1]))
    if slope(math.exp(high)) < 0:
        right = bool((logits.amax(1) == target).all())
        raise ValueError(_ALL_RIGHT if right else _OUT_OF_RANGE.format("below", TEMPERATURES[0]))
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(math.exp(middle)) < 0 else (low, middle)
    return math.exp(-(low + high) / 2)


def error_when_calibrated(logits: Tensor, labels: Tensor) -> float:
    """The calibration error to expect after calibration: of each half of the pictures with the other half's temperature.

    Raises:
        ValueError: no temperature can be fitted to one half.
    """
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    halves = order[: len(order) // 2], order[len(order) // 2 :]
    scaled = logits.double().clone()
    for own, other in (halves, halves[::-1]):
        try:
            scaled[own] /= fit_temperature(logits[other], labels[other], LEAST_PICTURES // 2)
        except ValueError as error:
            raise ValueError("Too few pictures to calibrate with: no temperature can be fitted to half of them. Add more.") from error
    confidence, named = scaled.softmax(1).max(1)
    return calibration_error(confidence, named == labels)


@torch.no_grad()
def fold_temperature(model: CvtForImageClassification, temperature: float) -> None:
    """Divides the classifier's weights, and so all logits, by ``temperature``."""
    if not temperature > 0:
        raise ValueError(f"A temperature must be above 0, not {temperature}.")
    for parameter in model.classifier.parameters():
        parameter.copy_(parameter.float() / temperature)
