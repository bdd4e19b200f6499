"""Runs one picture through a model once, and collects everything that the page and the API show; or, faster, only its classes.

The maps are computed from this by ``maps`` and by the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from os import PathLike
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvt.architecture.geometry import Grid, stage_grids
from cvt.config import StageConfig
from cvt.model import CvtForImageClassification
from cvt.pictures import Note, OpenedPicture, PictureSource, read_picture
from cvt.processor import CvtImageProcessor
from cvt.runtime.runner import Answer, Runner

from .capture import Capture, observed
from .change.interventions import Intervention, Means, intervened
from .change.parts import first_direct_block
from .container import frozen, frozen_together, read_only
from .crops import cut_and_shown, model_input
from .maps.attention import BlockAttention
from .maps.evidence import ClassEvidence, class_evidence

TOP = 5  # classes that the page shows


@dataclass(frozen=True)
class StageExploration:
    """One stage: ``features`` float32 (C, H, W), the attention of its blocks, and the query and key grids."""

    config: StageConfig
    features: np.ndarray
    blocks: tuple[BlockAttention, ...]
    query_grid: Grid
    key_grid: Grid

    def query_index(self, row: int, column: int) -> int:
        """The index among this stage's queries of the token at (row, column), counted from 0; row-major, after the cls token."""
        rows, columns = self.query_grid.shape
        if not (0 <= row < rows and 0 <= column < columns):
            raise ValueError(
                f"Stage {self.config.index} has rows 0 to {rows - 1} and columns 0 to {columns - 1}: "
                f"there is no token at row {row}, column {column}."
            )
        return row * columns + column + self.config.cls_token


@dataclass(frozen=True)
class Exploration:
    """The results of a model on one picture.

    ``pixels`` uint8 (H, W, 3): exactly the model's input, before normalisation. ``crop`` PIL image: the same part of the
    picture in its own resolution, or smaller, at most CROP_SIDE. ``crop_box``: left, top, right, bottom of that part in pixels
    of the original, whose (width, height) is ``original_size``. ``whole`` PIL image: all of the picture, its longer side WHOLE_SIDE
    or less, where the crop leaves some of it out; else None. ``logits`` and ``probabilities`` float32 (classes,).
    ``shown``: the indices of the TOP most probable classes, best first, and then of others that were asked for.
    ``evidence``: for the classes in ``shown``, in their order; None if no place contributes directly to the score.
    ``notes``: what was done to the file to get the picture.
    """

    pixels: np.ndarray
    crop: Image.Image
    crop_box: tuple[float, float, float, float]
    original_size: tuple[int, int]
    logits: np.ndarray
    probabilities: np.ndarray
    labels: tuple[str, ...]
    stages: tuple[StageExploration, ...]
    shown: tuple[int, ...] = ()
    evidence: ClassEvidence | None = None
    notes: tuple[Note, ...] = ()
    whole: Image.Image | None = None

    def top(self, count: int = TOP) -> list[tuple[str, float]]:
        """The ``count`` most probable classes as (label, probability), best first."""
        return self.of_classes(_best(self.probabilities, min(count, len(self.labels))))

    def of_classes(self, indices: Sequence[int]) -> list[tuple[str, float]]:
        """These classes as (label, probability)."""
        return [(self.labels[index], float(self.probabilities[index])) for index in indices]

    def to_html(self, path: str | PathLike[str], **options: Any) -> None:
        """Writes this as one HTML file, an explorer that needs no network. ``options`` and errors: as ``visualize.alone.file.to_html``."""
        import_module("visualize.alone.file").to_html(self, path, **options)  # which imports this module

    @property
    def nbytes(self) -> int:
        """Bytes of memory that this value holds, for bounded caches."""
        arrays = [self.pixels, self.logits, self.probabilities]
        arrays += [] if self.evidence is None else [self.evidence.places, self.evidence.rest]
        for stage in self.stages:
            arrays += [stage.features, *(each for block in stage.blocks for each in (block.query, block.key, *(block.quantised or ())))]
        pictures = [self.crop] if self.whole is None else [self.crop, self.whole]
        return sum(array.nbytes for array in arrays) + sum(3 * picture.width * picture.height for picture in pictures)


def explore(
    model: CvtForImageClassification,
    processor: CvtImageProcessor,
    picture: PictureSource | OpenedPicture,
    runner: Runner | None = None,
    also: Sequence[int] = (),
    interventions: Sequence[Intervention] = (),
    means: Means | None = None,
) -> Exploration:
    """Runs one forward pass on ``picture``, and captures everything that the maps need.

    Args:
        model: in evaluation mode, on any device, in any float dtype.
        picture: anything ``read_picture`` takes, or its result.
        runner: the model's faster runner; for inputs that it does not support, the model runs with hooks.
        also: the indices of classes to show besides the most probable ones.
        interventions: parts of the model to replace; then the model itself runs. means: as for ``intervened``.
    Raises:
        UnreadablePicture: a picture that cannot be used. ValueError: an input too small for the model, or as ``intervened``.
    """
    opened = picture if isinstance(picture, OpenedPicture) else read_picture(picture)
    original = opened.image
    pixel_values, shown_parts = cut_and_shown(model, processor, original)
    with torch.inference_mode():
        with intervened(model, [interventions], means):
            logits, seen, found = observed(model, pixel_values, None if interventions else runner, summarised)
        if also or not found:
            found = _summary(model, logits, seen, also, first_direct_block(interventions, model.config))
        probabilities, shown, *evidence = found
        pixels, crop, whole = shown_parts()
        numbers, stages = _arrays(seen, model.config.stages, [logits[0], probabilities, *evidence])
    grids = stage_grids(model.config, *pixels.shape[:2])
    return Exploration(
        pixels=pixels,
        crop=crop,
        crop_box=processor.crop_box(*original.size),
        original_size=original.size,
        logits=numbers[0],
        probabilities=numbers[1],
        labels=tuple(model.config.id2label[index] for index in range(model.config.num_labels)),
        shown=tuple(shown.tolist()),
        stages=tuple(StageExploration(*each, *grid) for each, grid in zip(stages, grids, strict=True)),
        evidence=ClassEvidence(numbers[2], numbers[3], of_queries=not model.config.stages[-1].cls_token) if evidence else None,
        notes=opened.notes,
        whole=whole,
    )


def summarised(model: CvtForImageClassification, answer: Answer) -> tuple[Tensor, ...]:
    """What ``explore`` computes of a runner's answer besides maps: for the runner, so that a GPU has it in the graph of the pass."""
    return _summary(model, answer.logits, Capture.of(answer.taps or []))


def _summary(
    model: CvtForImageClassification, logits: Tensor, seen: Capture, also: Sequence[int] = (), first_block: int = 0
) -> tuple[Tensor, ...]:
    """Probabilities, the indices of the classes that are shown, and ``class_evidence`` for these if there is any."""
    logits = logits[0].float()
    probabilities = torch.softmax(logits, dim=-1)
    shown = torch.argsort(probabilities, descending=True, stable=True)[: min(TOP, model.config.num_labels)]
    if also:
        shown = torch.tensor(list(dict.fromkeys((*shown.tolist(), *also))), device=logits.device)
    evidence = class_evidence(model, seen, logits, shown, first_block) if model.config.num_labels else None
    return probabilities, shown, *(evidence or ())


def classify(
    model: CvtForImageClassification, processor: CvtImageProcessor, picture: OpenedPicture, runner: Runner | None = None
) -> list[tuple[str, float]]:
    """The most probable classes, as in ``Exploration.top``, from a pass without captures. Raises as ``explore``."""
    pixel_values = model_input(model, processor, picture.image)
    with torch.inference_mode():
        logits = model(pixel_values).logits if runner is None else runner.logits(pixel_values)
        probabilities = frozen(torch.softmax(logits[0].float(), dim=-1))
    return [(model.config.id2label[index], float(probabilities[index])) for index in _best(probabilities, TOP)]


def _best(probabilities: np.ndarray, count: int) -> list[int]:
    """The indices of the ``count`` most probable classes, best first."""
    return np.argsort(-probabilities, kind="stable")[:count].tolist()


Stage = tuple[StageConfig, np.ndarray, tuple[BlockAttention, ...]]  # the first fields of a StageExploration


def _arrays(seen: Capture, configs: Sequence[StageConfig], others: list[Tensor]) -> tuple[list[np.ndarray], list[Stage]]:
    """``others`` and all that was captured, fetched at once."""
    places = [(config, layer) for config in configs for layer in range(config.depth)]
    blocks = [seen.query_key(config.index, layer) for config, layer in places]
    tensors = [*others, *(seen.feature_map(config.index)[0].contiguous() for config in configs)]
    tensors += [tensor[0] for query, key, _ in blocks for tensor in (query, key)]
    arrays = iter(frozen_together(tensors))
    numbers = [next(arrays) for _ in others]
    features = [next(arrays) for _ in configs]
    attentions: list[list[BlockAttention]] = [[] for _ in configs]
    for (config, layer), (_, _, scale) in zip(places, blocks, strict=True):
        attention = BlockAttention(next(arrays), next(arrays), scale, config.cls_token)
        quantised = seen.quantised(config.index, layer)
        attentions[config.index].append(attention if quantised is None else attention.with_quantised(*read_only(quantised)))
    return numbers, [(config, found, tuple(own)) for config, found, own in zip(configs, features, attentions, strict=True)]
