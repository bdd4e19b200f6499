"""Starting points of training: new weights of any architecture, or a trained model that gets a new classifier."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

import torch

from ..config import CvtConfig
from ..model import CvtForImageClassification
from ..processor import CvtImageProcessor
from .data.listing import composed

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_RESULTS = ("evaluation", "calibration")  # of an earlier training run, in its config


@dataclass(frozen=True)
class Start:
    """An architecture with its classes, its processor, and the source of its weights.

    Attributes:
        source: None for new weights, else as for ``from_pretrained``, with "embedded" for the built-in model.
    """

    config: CvtConfig
    processor: CvtImageProcessor
    source: str | None = None

    def order(self, classes: tuple[str, ...]) -> tuple[str, ...]:
        """The classes in the result's order: the model's own if it has exactly these."""
        own = known_classes(self.config)
        return own if self.source is not None and set(own) == set(classes) else classes

    def build(self, classes: tuple[str, ...], seed: int) -> CvtForImageClassification:
        """The model for these classes, on the CPU; new weights follow from the seed."""
        config = self.config.replace(id2label=dict(enumerate(classes)), extra=_without_results(self.config))
        torch.manual_seed(seed)
        if self.source is None:
            return CvtForImageClassification(config)
        model = CvtForImageClassification.from_pretrained(_named(self.source), config=config, ignore_mismatched_sizes=True)
        if known_classes(self.config) != classes:  # other classes, even if the number is the same
            model.init_weights(model.classifier)
        return model


def from_scratch(config: Path | None, embedded: dict, drop_path: float | None) -> Start:
    """New weights for the architecture in a JSON file, or for the embedded model's.

    Raises:
        ValueError: no such file, or no architecture in it.
    """
    architecture = CvtConfig(**embedded) if config is None else _read(config)
    processor = CvtImageProcessor(size=architecture.image_size or 224, crop_pct=1.0, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD)
    return Start(_with_drop_path(_of_colour(architecture), drop_path), processor)


def from_trained(source: str, drop_path: float | None) -> Start:
    """A trained model. Raises as ``from_pretrained``, and ValueError unless it has three input channels."""
    config, processor = CvtConfig.from_pretrained(_named(source)), CvtImageProcessor.from_pretrained(_named(source))
    return Start(_with_drop_path(_of_colour(config), drop_path), processor, source)


def load_teacher(source: str, classes: tuple[str, ...], processor: CvtImageProcessor, sides: set[int]) -> CvtForImageClassification:
    """A trained model to distil from, with its classifier in the order of ``classes``.

    Args:
        sides: the training pictures' sides in pixels.
    Raises:
        ValueError: other classes, a different normalisation, or an input side that is too small for it.
    """
    teacher, own = CvtForImageClassification.from_pretrained(_named(source)), CvtImageProcessor.from_pretrained(_named(source))
    known = known_classes(teacher.config)
    if sorted(known) != sorted(classes):
        raise ValueError(f"The teacher {source!r} has other classes than this data: it must have been trained on the same ones.")
    if own.moments != processor.moments:
        raise ValueError(f"The teacher {source!r} normalises pictures differently: rescaling and normalisation must be the same.")
    for side in sorted(sides):
        try:
            teacher.config.grids(side, side)
        except ValueError as error:
            raise ValueError(f"The teacher {source!r} cannot take pictures of {side}×{side} pixels: {error}") from error
    order = torch.tensor([known.index(name) for name in classes])
    for parameter in teacher.classifier.parameters():
        parameter.data = parameter.data[order]
    return teacher


def known_classes(config: CvtConfig) -> tuple[str, ...]:
    """A model's classes in its order, normalised as in a ``Listing``."""
    return tuple(composed(name) for name in config.id2label.values())


def checksum(model: torch.nn.Module) -> str:
    """The CRC-32 of a model's weights and buffers."""
    total = 0
    for value in model.state_dict().values():
        total = zlib.crc32(value.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy(), total)
    return f"{total:08x}"


def _named(source: str) -> str | None:
    return None if source == "embedded" else source


def _read(path: Path) -> CvtConfig:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"The architecture file {path.name!r} does not exist or cannot be read.") from error
    except ValueError as error:
        raise ValueError(f"{path.name!r} is not JSON: it must be a config.json of a CvT.") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path.name!r} holds no settings: it must be a config.json of a CvT.")
    try:
        return CvtConfig.from_dict(values)
    except TypeError as error:
        raise ValueError(f"{path.name!r} has a value of the wrong kind: it must be a config.json of a CvT.") from error


def _of_colour(config: CvtConfig) -> CvtConfig:
    if config.num_channels != 3:
        raise ValueError(f"This model takes {config.num_channels} channels, but pictures have three: num_channels must be 3.")
    return config


def _with_drop_path(config: CvtConfig, rate: float | None) -> CvtConfig:
    return config if rate is None else config.replace(drop_path_rate=(*config.drop_path_rate[:-1], rate))


def _without_results(config: CvtConfig) -> dict:
    return {name: value for name, value in config.extra.items() if name not in _RESULTS}
