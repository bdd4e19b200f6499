"""What is said of the models that can be chosen, and of a load in progress."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cvt.architecture.amounts import in_bytes

from .sentences import say

if TYPE_CHECKING:
    from ..jobs import Step

GROUPS = {"given": "models_given", "included": "models_included", "published": "models_published", "ablation": "models_ablation"}
TITLES = {"1k": "model_published_1k", "22k": "model_published_22k"}  # by the pictures of the training
STEPS = {"waiting": "load_waiting", "downloading": "load_downloading", "loading": "load_loading"}


def title(name: str, about: Mapping[str, str | int]) -> str:
    """A model's title; ``about``: the values for it, of a published checkpoint or a trained ablation, else none."""
    if "title" in about:
        return str(about["title"])
    if "trained" in about:
        return say(TITLES[str(about["trained"])], architecture=about["architecture"], side=about["side"])
    return name


def group(key: str) -> str:
    """The heading over a group of models."""
    return say(GROUPS[key])


def amount(count: int) -> str:
    """An amount of memory."""
    return in_bytes(count)


def progress(step: Step) -> str:
    """How far a load is."""
    return say(STEPS[step.name], percent=f"{100 * step.share:.0f}")
