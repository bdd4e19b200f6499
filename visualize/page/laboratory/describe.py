"""Describes an architecture while its controls move: costs next to the baseline's, differences, or why it cannot be built.

Everything is closed form: an answer takes milliseconds, and nothing is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cvt.architecture.budget import TooLarge
from cvt.architecture.cost import Cost, CvtCost, StageCost, cost
from cvt.architecture.geometry import Grid, stage_grids
from cvt.architecture.presets import PRESETS, preset
from cvt.architecture.settings import INPUT_SIDES, MAX_STAGES, SETTINGS
from cvt.architecture.variants import architecture, stage_settings
from cvt.config import CvtConfig, StageConfig
from cvt.fields import Remedy

from ..words import architecture as texts
from ..words.laboratory import difference, problem
from .architectures import architecture_of, check_limits, nearest
from .differences import Difference, differences


def about(config: CvtConfig, side: int) -> dict[str, Any]:
    """The laboratory's controls for a model of ``config`` whose input side is ``side`` pixels, as JSON values.

    ``base``: the baseline's settings per stage, and its input side. ``start``: initial settings for the maximum number of
    stages. ``settings``: every control with its values, its meaning, the paper's text on it, and ``idle``, another
    setting and its value with which it has no effect. ``presets``: starting points,
    with the paper's results. ``baseline``: its costs.
    """
    settings = [
        {"name": name, **texts.SETTINGS[name]._asdict(), "values": list(setting.values), "idle": setting.idle}
        for name, setting in SETTINGS.items()
    ]
    return {
        "base": {"stages": stage_settings(config), "side": side},
        "start": stage_settings(architecture(config, [{}] * MAX_STAGES)),
        "settings": settings,
        "stages": MAX_STAGES,
        "sides": sorted({*INPUT_SIDES, side}),
        "presets": [made for name in PRESETS if (made := _preset(name, config, side))],
        "baseline": costs(config, cost(config, side, side)),
    }


def _preset(name: str, config: CvtConfig, side: int) -> dict[str, Any] | None:
    """A preset with all its settings; None if this model cannot be changed to it."""
    try:
        stages, own_side = preset(name, config, side)
    except ValueError:
        return None
    note = texts.preset_note(name, PRESETS[name].paper)
    named = {"name": name, "label": texts.PRESETS[name].label, "question": texts.PRESETS[name].question}
    return {**named, "note": note, "stages": stages, "side": own_side}


def describe(config: CvtConfig, side: int, asked: Any) -> dict[str, Any]:
    """Describes the architecture after a control has moved: ``variant`` (costs) and ``differences``, or ``problem``, or both.

    Args:
        config, side: the baseline and its input side. asked: as for ``model_request``; ``moved`` ([stage, setting]) names the
            control that moved last, for a remedy near it.
    Returns:
        JSON values. A difference has ``name`` (a setting, "side" or "stages"), ``stages`` (from 0) and its ``sentence``. A
        ``problem`` has its sentence and, if there is one, ``remedy``: a stage, setting and value that fit; or ``together``,
        several that fit only in combination. An architecture that is too large for this machine still has costs; one that
        cannot be built has none.
    """
    try:
        read = architecture_of(config, side, asked)
    except ValueError as error:
        return {"problem": problem(error), "remedy": _near(config, side, asked)}
    answer: dict[str, Any] = {
        "variant": costs(*read),
        "differences": [_difference(each) for each in differences(read[0], config, read[1].width, side)],
    }
    try:
        check_limits(read[0], read[1].width)
    except TooLarge as error:
        together = [_remedy(each) for each in error.together]
        answer |= {"problem": problem(error), "remedy": error.remedy and _remedy(error.remedy), "together": together}
    return answer


def _difference(change: Difference) -> dict[str, Any]:
    return {"name": change.name, "stages": list(change.stages), "sentence": difference(change)}


def _near(config: CvtConfig, side: int, asked: Any) -> dict[str, Any] | None:
    """The nearest valid value for the control that moved last."""
    moved = asked.get("moved") if isinstance(asked, Mapping) else None
    if not isinstance(moved, list) or len(moved) != 2 or type(moved[0]) is not int or not isinstance(moved[1], str):
        return None
    stage, name = moved
    value = nearest(config, side, asked, stage, name)
    return None if value is None else _remedy(Remedy(stage, name, value))


def _remedy(remedy: Remedy) -> dict[str, Any]:
    return {"stage": remedy.stage, "name": remedy.name, "value": remedy.value, "label": texts.setting_label(remedy.name)}


def costs(config: CvtConfig, result: CvtCost) -> dict[str, Any]:
    """A ``CvtCost`` and the architecture's shapes, as JSON values."""
    return {
        "side": result.width,
        "parameters": result.parameters,
        "macs": result.macs,
        "activation_bytes": result.activation_bytes,
        "attention_entries": result.attention_entries,
        "classifier": asdict(result.classifier),
        "stages": [
            _stage(stage, each, *grids)
            for stage, each, grids in zip(config.stages, result.stages, stage_grids(config, result.height, result.width), strict=True)
        ],
    }


def _stage(stage: StageConfig, result: StageCost, query: Grid, key: Grid) -> dict[str, Any]:
    numbers = ("depth", "queries", "keys", "attention_entries", "activation_bytes", "parameters", "macs")
    return {
        **{name: getattr(result, name) for name in numbers},
        "field": list(result.field),
        "query": _grid(query),
        "key": _grid(key),
        "width": stage.embed_dim,
        "heads": stage.num_heads,
        "mlp": stage.mlp_dim,
        "cls": stage.cls_token,
        "parts": {name: asdict(part) for name, part in _parts(result).items()},
    }


def _grid(grid: Grid) -> dict[str, Any]:
    return {"shape": list(grid.shape), "first": list(grid.first), "stride": list(grid.stride), "field": list(grid.field)}


def _parts(result: StageCost) -> dict[str, Cost]:
    """The parts as they are displayed, with related ones added up."""
    parts = result.parts
    return {
        "embedding": parts.embedding,
        "projections": parts.conv_projections + parts.linear_projections,
        "attention": parts.attention + parts.attention_output,
        "mlp": parts.mlp,
        "norms": parts.norms,
    }
