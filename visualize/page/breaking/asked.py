"""Reads what is asked of an experiment, a JSON object, and finds what it is about; what is invalid is refused in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image
from torch import Tensor

from cvt import CvtForImageClassification

from ...crops import pixel_values_of
from ...explore import Exploration
from ..compute import Progress
from ..models import LoadedModel
from ..results import StoredResult
from ..words.sentences import Refused
from ..workbench import Workbench

COMPUTING = "computing"  # the step of an experiment


def stored(workbench: Workbench, asked: Mapping[str, Any], progress: Progress, name: str = "key") -> StoredResult:
    """The result whose key is asked[name], computed again if it was dropped. Raises Refused if there is none; Cancelled."""
    key = asked.get(name)
    try:
        return workbench.stored(key if isinstance(key, str) else "", progress)
    except KeyError as error:
        raise Refused("result_gone", name=name) from error


def loaded(workbench: Workbench, result: StoredResult) -> LoadedModel:
    """The loaded model of a result's request."""
    return workbench.loaded(result.request.model)


def prepared(workbench: Workbench, result: StoredResult) -> tuple[CvtForImageClassification, Tensor]:
    """The model of a result, rebuilt if it is no longer cached, and what it saw, (1, C, H, W)."""
    of = loaded(workbench, result)
    model = of.model_of(result.request)
    return model, pixel_values_of(model, of.processor_of(result.request), Image.fromarray(result.exploration.pixels))


def whole(asked: Mapping[str, Any], name: str, least: int, most: int, default: int | None = None) -> int:
    """asked[name], a whole number from ``least`` to ``most``; ``default`` if it is absent. Raises Refused."""
    value = asked.get(name, default)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise Refused("no_whole", name=name, least=least, most=most)
    return value


def number(asked: Mapping[str, Any], name: str, least: float, most: float, default: float | None = None) -> float:
    """asked[name], a number from ``least`` to ``most``; ``default`` if it is absent. Raises Refused."""
    value = asked.get(name, default)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not least <= value <= most:  # also refuses NaN
        raise Refused("no_number", name=name, least=f"{least:g}", most=f"{most:g}")
    return float(value)


def flag(asked: Mapping[str, Any], name: str) -> bool:
    """asked[name], true or false; false if it is absent. Raises Refused."""
    value = asked.get(name, False)
    if not isinstance(value, bool):
        raise Refused("no_flag", name=name)
    return value


def one_of(asked: Mapping[str, Any], name: str, values: tuple[str, ...], default: str | None = None) -> str:
    """asked[name], one of ``values``; ``default`` if it is absent. Raises Refused."""
    value = asked.get(name, default)
    if not isinstance(value, str) or value not in values:
        raise Refused("no_such_choice", name=name, values=", ".join(values))
    return value


def class_of(asked: Mapping[str, Any], seen: Exploration) -> int:
    """The index of the class with the label asked["label"]; of the most probable one if it is absent. Raises Refused."""
    label = asked.get("label")
    if label is None:
        return seen.shown[0]
    if label not in seen.labels:
        raise Refused("no_class")
    return seen.labels.index(label)
