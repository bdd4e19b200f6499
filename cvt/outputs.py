"""What the models return, and the loss of a classifier."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import torch
import torch.nn.functional as F
from torch import Tensor

from .config import CvtConfig

IGNORED = -100  # the label that cross entropy leaves out


class ModelOutput(Mapping):
    """Base of the outputs: values by attribute, by name, or by position, counted among those that are not None."""

    def to_tuple(self) -> tuple:
        return tuple(self.values())

    def __getitem__(self, key: str | int | slice):
        if not isinstance(key, str):
            return self.to_tuple()[key]
        if key not in self._given():
            raise KeyError(key)
        return getattr(self, key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._given())

    def __len__(self) -> int:
        return len(self._given())

    def _given(self) -> list[str]:
        return [each.name for each in fields(self) if getattr(self, each.name) is not None]


@dataclass(frozen=True, eq=False)
class CvtModelOutput(ModelOutput):
    """See ``CvtModel.forward``."""

    last_hidden_state: Tensor
    cls_token_value: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass(frozen=True, eq=False)
class ImageClassifierOutput(ModelOutput):
    """See ``CvtForImageClassification.forward``."""

    loss: Tensor | None
    logits: Tensor
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


# so that torch.export can name the parts of what a model returns, and its programs can be saved (who loads one imports this module first)
torch.export.register_dataclass(CvtModelOutput, serialized_type_name="cvt.CvtModelOutput")
torch.export.register_dataclass(ImageClassifierOutput, serialized_type_name="cvt.ImageClassifierOutput")


def classification_loss(logits: Tensor, labels: Tensor, config: CvtConfig) -> Tensor:
    """The mean loss of a batch, by the config's ``problem_type`` or, where it is None, by the labels of this call alone.

    A model of one output regresses. Otherwise labels (B,) of whole numbers are one class a picture, and labels
    (B, num_labels) are zeros and ones (or shares) for several classes a picture. The loss is computed, and returned, in at
    least float32: a squared error leaves the range of float16 from 256 on.

    Args:
        logits: (B, num_labels) floats.
        labels: regression (mean squared error): floats (B, num_labels), or (B,) for one output. One class a picture (cross
            entropy): whole numbers (B,) or (B, 1), where -100 leaves a picture out. Several (binary cross entropy):
            (B, num_labels) of any dtype.
    Raises:
        ValueError: labels that are no tensor, or whose shape or values do not fit.
    Source: Hugging Face's documentation of CvtForImageClassification, whose losses these are.
    """
    if config.num_labels == 0:
        raise ValueError("A model without classes has no loss: give its config num_labels or id2label.")
    if not isinstance(labels, Tensor):
        raise ValueError(f"labels must be a tensor, as from torch.tensor(labels), not {type(labels).__name__}.")
    logits, labels = logits.to(torch.promote_types(logits.dtype, torch.float32)), labels.to(logits.device)
    kind = config.problem_type or _problem_type(labels, config)
    if kind == "single_label_classification":
        return F.cross_entropy(logits, _class_indices(labels, logits))
    if kind == "regression" and config.num_labels == 1 and labels.numel() == len(logits):
        labels = labels.reshape(logits.shape)
    if labels.shape != logits.shape:
        raise ValueError(f"Labels for {kind.replace('_', ' ')} must be {tuple(logits.shape)}, as the logits, not {tuple(labels.shape)}.")
    loss = F.mse_loss if kind == "regression" else F.binary_cross_entropy_with_logits
    return loss(logits, labels.to(logits.dtype))


def _problem_type(labels: Tensor, config: CvtConfig) -> str:
    if config.num_labels == 1:
        return "regression"
    if labels.ndim == 2 and labels.shape[1] == config.num_labels:
        return "multi_label_classification"
    return "single_label_classification"


def _class_indices(labels: Tensor, logits: Tensor) -> Tensor:
    """(B,) int64, checked: an index that does not exist would stop a GPU for good."""
    count, classes = logits.shape
    if labels.is_floating_point() or labels.is_complex() or labels.shape not in ((count,), (count, 1)):
        raise ValueError(
            f"Labels must be class indices ({count},), or zeros and ones ({count}, {classes}) for several classes a picture, "
            f"not {tuple(labels.shape)} of {labels.dtype}."
        )
    labels = labels.reshape(count).long()
    if not torch.compiler.is_compiling() and ((labels >= classes) | ((labels < 0) & (labels != IGNORED))).any():
        raise ValueError(f"Labels must lie in 0..{classes - 1}, the classes of this model; these go from {labels.min()} to {labels.max()}.")
    return labels
