"""What the models return, and the loss of a classifier."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import CvtConfig


class ModelOutput:
    """Base of the outputs: values by attribute, by name, or by position among those that are not None."""

    def to_tuple(self) -> tuple:
        return tuple(value for value in self._values().values() if value is not None)

    def keys(self):
        return [name for name, value in self._values().items() if value is not None]

    def __getitem__(self, key: str | int | slice):
        if isinstance(key, str):
            value = self._values()[key]
            if value is None:
                raise KeyError(key)
            return value
        return self.to_tuple()[key]

    def __iter__(self):
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self.keys())

    def _values(self) -> dict:
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True)
class CvtModelOutput(ModelOutput):
    """See ``CvtModel.forward``."""

    last_hidden_state: Tensor
    cls_token_value: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass(frozen=True)
class ImageClassifierOutput(ModelOutput):
    """See ``CvtForImageClassification.forward``."""

    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


# so that torch.export can name the parts of what a model returns
torch.export.register_dataclass(CvtModelOutput)
torch.export.register_dataclass(ImageClassifierOutput)


def classification_loss(logits: Tensor, labels: Tensor, config: CvtConfig) -> Tensor:
    """The mean loss of a batch, by the config's ``problem_type`` or, where it is None, by the labels of this call alone.

    One class, or float labels of one value a sample: regression (mean squared error). Labels (B,) of whole numbers: one
    class a sample (cross entropy). Labels (B, num_labels): several classes a sample (binary cross entropy).

    Raises:
        ValueError: labels whose shape or values do not fit.
    """
    labels = labels.to(logits.device)
    kind = config.problem_type or _problem_type(labels, config)
    if kind == "regression":
        if labels.numel() != logits.numel():
            raise ValueError(f"Regression needs one label an output: labels are {tuple(labels.shape)}, outputs {tuple(logits.shape)}.")
        return F.mse_loss(logits.flatten(), labels.flatten().to(logits.dtype))
    if kind == "multi_label_classification":
        if labels.shape != logits.shape:
            raise ValueError(f"Labels of several classes must be {tuple(logits.shape)}, not {tuple(labels.shape)}.")
        return F.binary_cross_entropy_with_logits(logits, labels.to(logits.dtype))
    labels = labels.flatten().long()
    if labels.shape[0] != logits.shape[0]:
        raise ValueError(f"There must be one label a picture: {labels.shape[0]} labels for {logits.shape[0]} pictures.")
    return F.cross_entropy(logits, labels)


def _problem_type(labels: Tensor, config: CvtConfig) -> str:
    if config.num_labels == 1:
        return "regression"
    if labels.ndim == 2 and labels.shape[1] == config.num_labels:
        return "multi_label_classification"
    if labels.is_floating_point():
        raise ValueError(
            f"Float labels of shape {tuple(labels.shape)} fit no loss of a model with {config.num_labels} classes: "
            f"give class indices (batch,), or zeros and ones (batch, {config.num_labels})."
        )
    return "single_label_classification"
