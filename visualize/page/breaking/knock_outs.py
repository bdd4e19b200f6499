"""Parts of the model switched off: the classes before and after, and what each part is worth to a class.

Stages, blocks and heads count from 1 here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cvt.config import CvtConfig

from ...change.importance import importance as importance_of
from ...change.interventions import InterventionError, validate
from ...change.parts import PARTS, WAYS, ZERO, Intervention
from ..compute import Progress, means_for, passing
from ..words.sentences import Refused
from ..workbench import Workbench
from .answers import DIGITS, classes, explorer_value
from .asked import COMPUTING, class_of, loaded, one_of, prepared, stored, whole
from .code import changed_lines


def knock_out(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What the model says with parts of it switched off.

    Args:
        asked: ``key`` of a result; ``interventions``, a list of objects, none for the unchanged model: ``stage`` and ``block`` from 1;
            ``part``: "head" (with its number ``head`` from 1), "attention", "mlp", "block", "query_conv", "key_conv", "value_conv",
            "attention_residual" or "mlp_residual"; ``how``, what replaces the part's output: "zero" (the default), "mean" (over this
            picture's tokens), "examples" (the mean over the example pictures), and for heads and attention "uniform" (every query
            looks at all keys alike).
    Returns:
        ``before`` and ``after``: the most probable classes before and, by their new probability, the same and the new ones: objects
        with ``label``, ``probability`` and ``logit``; ``label``: the most probable class before; ``value``: an explorer's value for
        the result after.
    Raises:
        ValueError: no such result, or no such part.
    """
    before = stored(workbench, asked, progress)
    interventions = read(asked, loaded(workbench, before).config_of(before.request))
    request = replace(before.request, interventions=interventions, also=before.exploration.shown)
    after = workbench.found(request) or workbench.explore(request, progress)
    files = [workbench.named(path)["file"] for path in workbench.averaged]
    more = {"changed": changed_lines(interventions, files)} if interventions else {}
    return {
        "label": before.exploration.labels[before.exploration.shown[0]],
        "before": classes(before.exploration),
        "after": classes(after.exploration),
        "value": explorer_value(workbench, after.key, request, **more),
    }


def importance(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """What every head, branch and block is worth to a class: how much lower its score is when the part alone is switched off.

    Args:
        asked: ``key`` of a result; ``how`` as for ``knock_out``; ``label``: the class, by default the most probable one.
    Returns:
        ``label``, its ``logit`` and ``probability``; ``losses``: objects with ``stage``, ``block``, ``part``, ``head`` (null but
        for heads), and what is lost of the ``logit`` and the ``probability``, negative where they rise.
    Raises:
        ValueError: no such result or class. Cancelled: by ``progress``.
    """
    result = stored(workbench, asked, progress)
    seen = result.exploration
    how, label = one_of(asked, "how", WAYS, ZERO), class_of(asked, seen)
    model, pixel_values = prepared(workbench, result)
    means = means_for(result.request, workbench, how)
    found = importance_of(
        model, pixel_values, label, how, means, lambda share: progress(COMPUTING, share), lambda: passing(result.request, workbench, model)
    )
    return {
        "label": seen.labels[label],
        "logit": round(found.logit, DIGITS),
        "probability": round(found.probability, DIGITS),
        "losses": [
            _written(each.intervention) | {"logit": round(each.logit, DIGITS), "probability": round(each.probability, DIGITS)}
            for each in found.losses
        ],
    }


def read(asked: Mapping[str, Any], config: CvtConfig) -> tuple[Intervention, ...]:
    """asked["interventions"] as values, sorted, for a model of this config. Raises Refused."""
    given = asked.get("interventions", [])
    if not isinstance(given, list) or not all(isinstance(each, Mapping) for each in given):
        raise Refused("no_interventions")
    found = sorted(_read(each, config) for each in given)
    try:
        validate(found, config)
    except InterventionError as error:
        one = error.intervention
        if error.reason == "how":
            raise Refused("no_way", part=one.part) from error
        raise Refused("no_conv" if error.reason == "conv" else "twice", stage=one.stage + 1, block=one.block + 1, part=one.part) from error
    return tuple(found)


def _read(each: Mapping[str, Any], config: CvtConfig) -> Intervention:
    stage = config.stages[whole(each, "stage", 1, config.num_stages) - 1]
    part = one_of(each, "part", PARTS)
    return Intervention(
        stage=stage.index,
        block=whole(each, "block", 1, stage.depth) - 1,
        part=part,
        head=whole(each, "head", 1, stage.num_heads) - 1 if part == "head" else None,
        how=one_of(each, "how", WAYS, ZERO),
    )


def _written(each: Intervention) -> dict[str, Any]:
    return {"stage": each.stage + 1, "block": each.block + 1, "part": each.part, "head": None if each.head is None else each.head + 1}
