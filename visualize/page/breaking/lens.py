"""The classes after every block: when does the model decide? Stages and blocks count from 1 here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from cvt import CvtForImageClassification
from cvt.probes import embedded

from ...maps.lens import Lens, class_lens, fitting
from ..compute import RUNNING, Progress, passing
from ..workbench import Workbench
from .answers import DIGITS
from .asked import prepared, stored

MOST = 5  # classes
OF_MODEL, OF_SIDE = "model", "side"  # why there are no probes: they are another model's, or for pictures of another side


def lens(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """The class probabilities after every block: when does the model decide?

    In the last stage the model's own LayerNorm and classifier read the token that they read at the end. In the stages before, which
    have no classifier, linear probes read the mean token; only the embedded model has them, at its own input side. The spaces between
    blocks need not be aligned with the last one, so an early answer may be a mistake of the reader rather than of the block.

    Args:
        asked: ``key`` of a result.
    Returns:
        ``points``: a ``stage`` and ``block`` each, in order of depth, with the most probable ``label`` there, and the ``accuracy`` of
        its probe on pictures that it never saw, null where the model's own classifier reads. ``classes``: those that lead anywhere, and
        the most probable ones at the end, each with its ``label`` and its ``probabilities`` at the points. ``decided``: the ``stage``
        and ``block`` from which on the model's own classifier gives its final answer, and its answer ``before`` (null if there is no
        other). ``probes``: on how many ``pictures`` each was trained and how many ``unseen`` ones it was measured; null if there are
        none, and then ``reason`` says why: "model", they are another model's; "side", they are for pictures of another side; null if
        there is no stage before the last.
    Raises:
        ValueError: no such result.
    """
    result = stored(workbench, asked, progress)
    progress(RUNNING, 0.0)
    model, pixel_values = prepared(workbench, result)
    reason = _reason(model, (pixel_values.shape[2], pixel_values.shape[3]))
    probes = embedded() if reason is None and model.config.num_stages > 1 else None
    with passing(result.request, workbench, model):
        found = class_lens(model, pixel_values, probes)
    known = None if probes is None else {name: probes.facts[name] for name in ("pictures", "unseen")}
    return {**_answer(found, result.exploration.labels), "probes": known, "reason": reason}


def _reason(model: CvtForImageClassification, side: tuple[int, int]) -> str | None:
    if model.config.num_stages == 1:
        return None
    if fitting(model, embedded(), side):
        return None
    return OF_SIDE if embedded().fits(model) else OF_MODEL


def _answer(found: Lens, labels: tuple[str, ...]) -> dict[str, Any]:
    best = found.probabilities.argmax(axis=1)
    at_the_end = np.argsort(-found.probabilities[-1], kind="stable")[:MOST]
    own = [int(each) for each, accuracy in zip(best, found.accuracies, strict=True) if accuracy is None]
    # what leads by the model's own classifier is a part of the answer; what leads by a probe, and what is second, as far as there is room
    order = list(dict.fromkeys([int(at_the_end[0]), *own, *map(int, best), *map(int, at_the_end)]))
    shown = sorted(order[: max(MOST, len(set(own)))], key=lambda each: -found.probabilities[-1, each])
    index, before = found.decided()
    points = [
        {"stage": stage + 1, "block": block + 1, "label": labels[leading], "accuracy": accuracy}
        for (stage, block), leading, accuracy in zip(found.places, best, found.accuracies, strict=True)
    ]
    return {
        "points": points,
        "classes": [{"label": labels[each], "probabilities": found.probabilities[:, each].round(DIGITS).tolist()} for each in shown],
        "decided": {**{name: points[index][name] for name in ("stage", "block")}, "before": None if before is None else labels[before]},
    }
