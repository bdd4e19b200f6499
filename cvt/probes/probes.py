"""Probes as values: a linear classifier per block of the stages before the last, for exactly one set of weights.

A probe reads the mean of a block's tokens, each channel standardised with its mean and deviation over the training pictures.
There is no LayerNorm: the next conv embedding reads the tokens without one too.

Source: Alain and Bengio, Understanding intermediate layers using linear classifier probes, arXiv 1610.01644; the control with
random labels is after Hewitt and Liang, arXiv 1909.03368.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..files.hub import EMBEDDED
from ..files.storage import replacing
from ..model import CvtForImageClassification
from ..stage import StageConfig

FILE = "probes.safetensors"
Place = tuple[int, int]  # stage and block, from 0


@dataclass(frozen=True, eq=False)
class Probe:
    """A linear classifier after one block.

    Attributes:
        mean, deviation: float32 (C,), over the training pictures. weight (classes, C) and bias (classes,): float16.
        accuracy: the share of the pictures that neither model nor probe was trained on that it classifies correctly.
    """

    mean: Tensor
    deviation: Tensor
    weight: Tensor
    bias: Tensor
    accuracy: float = float("nan")

    def logits(self, features: Tensor) -> Tensor:
        """float32 (B, classes) of ``pooled`` features (B, C), on any device."""
        mean, deviation, weight, bias = (each.to(features.device, torch.float32) for each in self.tensors().values())
        return F.linear((features.float() - mean) / deviation, weight, bias)

    def tensors(self) -> dict[str, Tensor]:
        """Its tensors by name."""
        return {"mean": self.mean, "deviation": self.deviation, "weight": self.weight, "bias": self.bias}


@dataclass(frozen=True, eq=False)
class Probes:
    """Probes by stage and block, for the model with this ``digest``.

    Attributes:
        side: of the pictures, in pixels; accuracies hold for this side only.
        facts: how they were trained and measured, for people.
    """

    digest: str
    side: int
    by_place: Mapping[Place, Probe]
    facts: dict = field(default_factory=dict)

    def fits(self, model: CvtForImageClassification) -> bool:
        """Whether they were trained on this model: the same settings, weights and classes, in any float dtype that holds them."""
        sizes = {place: (model.config.num_labels, model.config.embed_dim[place[0]]) for place in places(model)}
        alike = sizes == {place: tuple(probe.weight.shape) for place, probe in self.by_place.items()}
        return alike and self.digest == digest(model)  # which reads all these weights

    def save(self, path: Path) -> None:
        """Writes one safetensors file, atomically."""
        tensors = {f"{_name(place)}.{name}": value for place, probe in self.by_place.items() for name, value in probe.tensors().items()}
        accuracies = {_name(place): probe.accuracy for place, probe in self.by_place.items()}
        described = {"digest": self.digest, "side": self.side, "accuracy": accuracies, "facts": self.facts}
        with replacing(Path(path)) as temporary:
            save_file(tensors, str(temporary), metadata={"format": "pt", "probes": json.dumps(described)})

    @classmethod
    def load(cls, path: Path) -> Probes:
        """Reads what ``save`` wrote. Raises ValueError for a file that is missing, damaged, or of another kind."""
        try:
            with safe_open(path, "pt") as file:
                described = json.loads(file.metadata()["probes"])
                probes = {
                    _place(name): Probe(
                        **{each: file.get_tensor(f"{name}.{each}") for each in ("mean", "deviation", "weight", "bias")}, accuracy=accuracy
                    )
                    for name, accuracy in described["accuracy"].items()
                }
            return cls(described["digest"], described["side"], probes, described["facts"])
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{Path(path).name} contains no probes: write one with 'python -m cvt.probes'.") from error


@cache
def embedded() -> Probes:
    """The embedded model's."""
    return Probes.load(EMBEDDED / FILE)


def pooled(tokens: Tensor, has_cls: bool) -> Tensor:
    """(B, C) float32: the mean of a block's tokens (B, N, C), without the cls token, which comes first if there is one."""
    return tokens[:, int(has_cls) :].float().mean(dim=1)


def places(model: CvtForImageClassification) -> list[Place]:
    """The blocks that have no classifier: those of all stages but the last, in order."""
    return [(stage.index, block) for stage in model.config.stages[:-1] for block in range(stage.depth)]


def digest(model: CvtForImageClassification) -> str:
    """SHA-256 of all that decides what probes read and say: settings and weights of the stages before the last, and the classes."""
    config = model.config
    stages = [_settings(stage) for stage in config.stages[:-1]]
    settings = {"stages": stages, "act": config.hidden_act, "eps": config.layer_norm_eps}
    classes = [config.id2label[number] for number in range(config.num_labels)]
    total = hashlib.sha256(json.dumps([settings, classes], sort_keys=True).encode())
    for name, value in model.cvt.encoder.stages[:-1].state_dict().items():
        total.update(name.encode())
        total.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return total.hexdigest()


def _settings(stage: StageConfig) -> dict[str, Any]:
    """A stage's settings. Those with a default count only where they differ: probes may be older than a setting."""
    defaults = {each.name: each.default for each in fields(stage) if each.default is not MISSING}
    return {name: value for name, value in asdict(stage).items() if name not in defaults or value != defaults[name]}


def _name(place: Place) -> str:
    return "stages.{}.layers.{}".format(*place)


def _place(name: str) -> Place:
    _, stage, _, block = name.split(".")
    return int(stage), int(block)
