"""Which explanation can be trusted? Maps of a class by several methods, put on trial on a picture and over the examples."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import torch

from cvt.architecture.cache import Recent
from cvt.model import CvtForImageClassification

from ...change.padding import ZEROS
from ...maps.explain import METHODS, RANDOM, STAGED, Case, Explanation, in_float32
from ...maps.trial.trial import MEASURES, Judged, Spread, Summary, beats_random, judged, mapped, passes_of, summary
from ..compute import Progress
from ..results import StoredResult
from ..words.sentences import Refused
from ..workbench import Workbench
from .asked import COMPUTING, class_of, loaded, prepared, stored, whole

DIGITS = 4  # of a number that is sent
TRIED_KEPT = 256  # pictures of a model, each a few kilobytes
MAPS_KEPT, MAPS_BYTES = 64, 32 << 20  # of the maps that a question about their measures needs again

Key = tuple[str, int, str, int | None]  # a result's key, a class, a method and a stage

_maps: Recent[Key, list[Explanation]] = Recent(MAPS_KEPT, MAPS_BYTES, lambda maps: sum(each.values.nbytes for each in maps))
# For each model that was tried over the examples: the measures by stage, picture and input side, without maps. It goes with the model.
_tried: WeakKeyDictionary[CvtForImageClassification, Recent[tuple[int | None, str, int], list[Judged]]] = WeakKeyDictionary()
_lock = threading.Lock()


def explain(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """Maps of what a class's score depends on in a picture, by several methods, and measures of how far each can be trusted.

    Args:
        asked: ``key``: of the picture's result. ``label``: of the class to explain; by default the most probable one.
            ``methods``: a list of "cls_attention", "rollout", "relevance", "legrad", "grad_cam", "integrated_gradients", "occlusion"
            and "random"; by default all. ``stage``: which one LeGrad and Grad-CAM explain, from 1; by default the last.
            ``measures``: a list of "curves", "agreement" and "randomisation"; by default all, and none if it is empty.
    Returns:
        ``label`` and its ``probability``; ``size``, [height, width] of the input in pixels; ``maps``, a list
        of objects: ``method``; ``stage``, from 1, or null for all of the model; ``of_class``, whether it depends on the class;
        ``signed``, whether negative values count against the class; ``flat``, whether all places are alike; ``grid`` with ``shape``,
        [rows, columns], ``first``, the [y, x] of the first cell's centre in input pixels, and ``stride`` between centres; ``values``,
        rows of numbers. Their measures, or null: ``deletion`` and ``insertion``, the class's probability while the picture loses, or
        gets, its ``shares`` in the map's order, and ``deletion_area``, where less is better, and ``insertion_area``, where more is;
        ``agreement``, the rank correlation with what the score loses without parts of the picture; ``survives``, the rank correlation
        with the map of a model whose last stage and classifier are drawn anew, where 0 is good; ``beats``, whether insertion minus
        deletion is larger than for each random map. "random" gives three maps.
    Raises:
        ValueError: no such result, class, method, stage or measure. Cancelled: by ``progress``.
    """
    result = stored(workbench, asked, progress)
    check(result)
    exploration = result.exploration
    target = class_of(asked, exploration)
    methods, measures = _some_of(asked, "methods", tuple(METHODS)), _some_of(asked, "measures", MEASURES)
    stage = _stage(asked, len(exploration.stages))
    model, values = prepared(workbench, result)
    case = Case(in_float32(model), values, target, lambda: workbench.passes)
    case.watch = _counting(passes_of(case, methods, measures, stage), progress)
    maps = [each for method in methods for each in _kept(case, (str(asked["key"]), target, method, stage if method in STAGED else None))]
    trial = judged(case, maps, measures)
    label, probability = exploration.of_classes([target])[0]
    return {
        "label": label,
        "probability": _rounded(probability),
        "size": list(case.size),
        "shares": next((list(map(_rounded, each.curves.shares)) for each in trial if each.curves), None),
        "maps": [_sent(each, trial) for each in trial],
    }


def trial(workbench: Workbench, asked: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """All methods on trial over the example pictures, each for its most probable class; what was measured is kept for the next time.

    Args:
        asked: ``key``: of any result of the model. ``stage``: as in ``explain``.
    Returns:
        ``pictures``, how many there were, and ``rows``, one per method: ``method``; ``deletion``, ``insertion``, ``agreement``,
        ``survives`` and ``lead`` (how much further apart the curves lie than for random maps), each null or with ``mean``,
        ``deviation`` and ``count`` over pictures; ``beats``: whether the lead differs from 0 by more than two standard errors.
    Raises:
        ValueError: no such result or stage, or no examples. Cancelled: by ``progress``; the pictures tried so far are kept.
    """
    result = stored(workbench, asked, progress)
    models = loaded(workbench, result)
    check(result)
    if not workbench.examples:
        raise Refused("no_example")
    request, stage = result.request, _stage(asked, len(result.exploration.stages))
    shared = models.model_of(request)
    model, processor = in_float32(shared), models.processor_of(request)
    with _lock:
        done = _tried.setdefault(shared, Recent(TRIED_KEPT))
    trials = []
    for number, (name, path) in enumerate(workbench.examples.items()):

        def report(share: float, number: int = number) -> None:
            progress(COMPUTING, (number + share) / len(workbench.examples))

        report(0.0)
        place = stage, name, processor.side
        if place not in done:
            picture = workbench.intake.open(path)
            values = torch.from_numpy(processor.normalize(processor.cut(picture.image)))[None]
            done.keep(place, _tried_on(workbench, model, values, stage, report))
        trials.append(done.get(place))
    return {"pictures": len(trials), "rows": [_row(each) for each in summary(trials)]}


def _tried_on(
    workbench: Workbench, model: CvtForImageClassification, values: torch.Tensor, stage: int | None, report: Callable[[float], None]
) -> list[Judged]:
    """A trial of all methods for a picture's most probable class, without the maps."""
    target = int(Case(model, values, 0, lambda: workbench.passes).logits(values.to(model.device, model.dtype)).argmax())
    case = Case(model, values, target, lambda: workbench.passes)
    case.watch = _counting(passes_of(case, tuple(METHODS), MEASURES, stage), lambda step, share: report(share))
    none = np.zeros((1, 1), np.float32)
    return [replace(each, explanation=replace(each.explanation, values=none)) for each in judged(case, mapped(case, tuple(METHODS), stage))]


def check(result: StoredResult) -> None:
    """Refuses a result that cannot be explained."""
    if result.request.interventions or result.request.padding != ZEROS:
        raise Refused("explain_unchanged")
    if not result.exploration.labels:
        raise Refused("explain_no_classes")


def _kept(case: Case, key: Key) -> list[Explanation]:
    """A method's maps; those of earlier questions about the same result are kept for a while."""
    try:
        return _maps.get(key)
    except KeyError:
        maps = mapped(case, [key[2]], key[3])
        _maps.keep(key, maps)
        return maps


def _counting(expected: int, progress: Progress) -> Callable[[], None]:
    """Reports progress at each call, of which ``expected`` are to come."""
    calls = 0

    def watch() -> None:
        nonlocal calls
        progress(COMPUTING, min(1.0, calls / expected))
        calls += 1

    return watch


def _some_of(asked: Mapping[str, Any], name: str, values: Sequence[str]) -> list[str]:
    """asked[name], a list of some of ``values``; all if it is absent. Raises Refused."""
    chosen = asked.get(name)
    if chosen is None:
        return list(values)
    if not isinstance(chosen, list) or not all(isinstance(each, str) and each in values for each in chosen):
        raise Refused("no_such_choices", name=name, values=", ".join(values))
    return list(dict.fromkeys(chosen))


def _stage(asked: Mapping[str, Any], stages: int) -> int | None:
    """The index of the asked stage; None for the last, which is the default."""
    stage = whole(asked, "stage", 1, stages, stages)
    return None if stage == stages else stage - 1


def _sent(judged: Judged, trial: Sequence[Judged]) -> dict[str, Any]:
    explanation, curves, grid = judged.explanation, judged.curves, judged.explanation.grid
    return {
        "method": explanation.method,
        "stage": None if explanation.stage is None else explanation.stage + 1,
        "of_class": explanation.target is not None,
        "signed": explanation.signed,
        "flat": explanation.flat,
        "grid": {"shape": list(grid.shape), "first": list(grid.first), "stride": list(grid.stride)},
        "values": [[_rounded(value) for value in row] for row in explanation.values.tolist()],
        "deletion": curves and list(map(_rounded, curves.deletion)),
        "insertion": curves and list(map(_rounded, curves.insertion)),
        "deletion_area": curves and _rounded(curves.deletion_area),
        "insertion_area": curves and _rounded(curves.insertion_area),
        "agreement": _rounded(judged.agreement),
        "survives": _rounded(judged.survives),
        "beats": None if explanation.method == RANDOM else beats_random(judged, trial),
    }


def _row(row: Summary) -> dict[str, Any]:
    measures = ("deletion", "insertion", "agreement", "survives", "lead")
    return {"method": row.method, **{name: _spread(getattr(row, name)) for name in measures}, "beats": row.beats}


def _spread(spread: Spread | None) -> dict[str, Any] | None:
    if spread is None:
        return None
    return {"mean": _rounded(spread.mean), "deviation": _rounded(spread.deviation), "count": spread.count}


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
