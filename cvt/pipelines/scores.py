"""Unwraps and checks a classifier for a pipeline, and turns logits into named scores."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Classes = list[dict[str, float | str]]

FUNCTIONS = ("default", "softmax", "sigmoid", "none")
_WRAPPED = ("module", "_orig_mod")  # of DataParallel and DistributedDataParallel; of torch.compile


def unwrapped(model: nn.Module) -> nn.Module:
    """The model inside PyTorch's wrappers. PEFT's wrapper forwards attributes, so it counts as the model."""
    while isinstance(model, nn.Module) and (name := next((name for name in _WRAPPED if name in model._modules), None)):
        model = model._modules[name]
    return model


def check_classifier(model: Any) -> nn.Module:
    """Unwraps a model with classes, from this library or from transformers.

    Raises:
        ValueError: it is not an image classifier.
    """
    config = getattr(unwrapped(model), "config", None) if isinstance(model, nn.Module) else None
    if config is None or getattr(config, "num_labels", None) is None or not hasattr(unwrapped(model), "classifier"):
        raise ValueError(f"A {type(model).__name__} is not an image classifier: give a CvtForImageClassification, or where one is saved.")
    if not config.num_labels:
        raise ValueError("This model has no classes (num_labels is 0), so it cannot classify pictures.")
    return model


def score_function(name: str | None, config: Any) -> str:
    """The function that turns logits into scores, "softmax", "sigmoid" or "none": the one named, or the default for the config.

    Raises:
        ValueError: an unknown name.
    """
    name = "default" if name is None else str(getattr(name, "value", name)).lower()  # may be an enum of transformers
    if name not in FUNCTIONS:
        raise ValueError(f"function_to_apply is {name!r}: choose one of {', '.join(FUNCTIONS)}.")
    if name != "default":
        return name
    if config.problem_type == "regression":
        return "none"
    return "sigmoid" if config.problem_type == "multi_label_classification" or config.num_labels == 1 else "softmax"


def named_scores(logits: Tensor, config: Any, function: str, top_k: int) -> list[Classes]:
    """The ``top_k`` best classes of each row of logits (B, num_labels), best first."""
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    scores = {"softmax": lambda: logits.softmax(dim=-1), "sigmoid": logits.sigmoid, "none": lambda: logits}[function]().cpu()
    best, order = scores.sort(dim=1, descending=True, stable=True)
    return [
        [{"label": config.id2label[index], "score": score} for score, index in zip(values, indices, strict=True)]
        for values, indices in zip(best[:, :top_k].tolist(), order[:, :top_k].tolist(), strict=True)
    ]
