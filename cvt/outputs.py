"""The models' outputs, and the classification loss."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import MappingKey, register_pytree_node

from .config import CvtConfig

IGNORED = -100  # the label that cross entropy ignores


class ModelOutput(OrderedDict):
    """Base of the outputs: a dict of the values that are not None, also accessible as attributes and by position.

    It can be built from a mapping or from pairs, for tools that rebuild a model's output: ``type(out)({...})``.
    Follows the documentation of transformers' ``ModelOutput``.
    """

    if TYPE_CHECKING:  # members of the dataclasses
        __dataclass_fields__: ClassVar[dict[str, Any]]

    def __init_subclass__(cls):
        register_pytree_node(
            cls,
            lambda output: (list(output.values()), list(output)),
            lambda values, names: cls(**dict(zip(names, values, strict=True))),
            flatten_with_keys_fn=lambda output: ([(MappingKey(name), value) for name, value in output.items()], list(output)),
            serialized_type_name=f"cvt.{cls.__name__}",  # for programs saved by torch.export; import this module before loading one
        )

    def __post_init__(self):
        first = next(iter(self.__dataclass_fields__))
        given = getattr(self, first)
        if len(self) > 1 or given is None or isinstance(given, Tensor) or not isinstance(given, Iterable):
            return
        items = list(given.items() if isinstance(given, Mapping) else given)
        if all(isinstance(item, (tuple, list)) and len(item) == 2 and isinstance(item[0], str) for item in items):
            setattr(self, first, None)
            for name, value in items:
                self[name] = value

    def to_tuple(self) -> tuple:
        return tuple(self.values())

    def __getitem__(self, key: str | int | slice):
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def __setitem__(self, name: str, value) -> None:
        super().__setitem__(name, value)
        super().__setattr__(name, value)

    def __setattr__(self, name: str, value) -> None:
        super().__setattr__(name, value)
        if value is None and name in self:
            super().__delitem__(name)
        elif value is not None and name in self.__dataclass_fields__:
            super().__setitem__(name, value)

    def __reduce__(self):
        return type(self), (dict(self),)

    def _fixed(self, *args, **kwargs):
        raise TypeError(f"Values cannot be removed from a {type(self).__name__}: convert it to a dict first.")

    __delitem__ = pop = popitem = update = setdefault = clear = _fixed


@dataclass(eq=False)
class CvtModelOutput(ModelOutput):
    """See ``CvtModel.forward``."""

    last_hidden_state: Tensor | None = None
    cls_token_value: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


@dataclass(eq=False)
class ImageClassifierOutput(ModelOutput):
    """See ``CvtForImageClassification.forward``."""

    loss: Tensor | None = None
    logits: Tensor | None = None
    hidden_states: tuple[Tensor, ...] | None = None
    attentions: tuple[Tensor, ...] | None = None


def chosen(value: bool | None, config: CvtConfig, name: str) -> bool:
    """The call's value of the switch ``name``, or if None the config's; by default outputs are dicts."""
    return getattr(config, name, name == "return_dict") if value is None else value


def classification_loss(logits: Tensor, labels: Tensor, config: CvtConfig) -> Tensor:
    """The mean loss of a batch, by the config's ``problem_type`` or, if that is None, by the labels of this call alone.

    A model with one output regresses. Otherwise integer labels (B,) are one class per picture, and labels (B, num_labels) are
    zeros and ones (or shares) for several classes per picture. The loss is computed and returned in at least float32: the
    square of an error from 256 on overflows float16.

    Args:
        logits: (B, num_labels) floats.
        labels: regression (mean squared error): floats (B, num_labels), or (B,) for one output. One class per picture (cross
            entropy): integers (B,) or (B, 1), where -100 ignores a picture. Several (binary cross entropy):
            (B, num_labels) of any dtype.
    Raises:
        ValueError: labels that are not a tensor, or whose shape or values do not fit.
    Source: Hugging Face's documentation of CvtForImageClassification.
    """
    if config.num_labels == 0:
        raise ValueError("A model without classes has no loss: set num_labels or id2label in its config.")
    if not isinstance(labels, Tensor):
        raise ValueError(f"labels must be a tensor, such as torch.tensor(labels), not {type(labels).__name__}.")
    logits, labels = logits.to(torch.promote_types(logits.dtype, torch.float32)), labels.to(logits.device)
    kind = config.problem_type or _problem_type(labels, config)
    if kind == "single_label_classification":
        return F.cross_entropy(logits, _class_indices(labels, logits))
    if kind == "regression" and config.num_labels == 1 and labels.numel() == len(logits):
        labels = labels.reshape(logits.shape)
    if labels.shape != logits.shape:
        raise ValueError(
            f"Labels for {kind.replace('_', ' ')} must have the logits' shape {tuple(logits.shape)}, not {tuple(labels.shape)}."
        )
    loss = F.mse_loss if kind == "regression" else F.binary_cross_entropy_with_logits
    return loss(logits, labels.to(logits.dtype))


def _problem_type(labels: Tensor, config: CvtConfig) -> str:
    if config.num_labels == 1:
        return "regression"
    if labels.ndim == 2 and labels.shape[1] == config.num_labels:
        return "multi_label_classification"
    return "single_label_classification"


def _class_indices(labels: Tensor, logits: Tensor) -> Tensor:
    """(B,) int64, checked: an index out of range would crash a CUDA process."""
    count, classes = logits.shape
    if labels.is_floating_point() or labels.is_complex() or labels.shape not in ((count,), (count, 1)):
        raise ValueError(
            f"Labels must be class indices ({count},), or zeros and ones ({count}, {classes}) for several classes per picture, "
            f"not {tuple(labels.shape)} of {labels.dtype}."
        )
    labels = labels.reshape(count).long()
    if not torch.compiler.is_compiling() and ((labels >= classes) | ((labels < 0) & (labels != IGNORED))).any():
        raise ValueError(f"Labels must be in 0..{classes - 1}, the classes of this model, but range from {labels.min()} to {labels.max()}.")
    return labels
