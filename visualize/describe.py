"""What the page says about an architecture as its controls move: costs beside the baseline's, differences, or why it cannot be.

Everything here is closed form: an answer takes milliseconds, and nothing is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from cvt.config import CvtConfig, StageConfig
from cvt.cost import Cost, CvtCost, StageCost, cost
from cvt.variants import INPUT_SIDES, MAX_STAGES, SETTINGS, architecture, stage_settings

from .differences import differences
from .wanted import nearest, wanted


def about(config: CvtConfig, side: int) -> dict[str, Any]:
    """What the laboratory's controls are made of, for a model of ``config`` whose input has ``side`` pixels: JSON values.

    ``base``: the baseline's settings a stage, and its input. ``start``: what as many stages as possible begin with. ``settings``: every control with its values, its meaning and
    what the paper says. ``presets``: what can be started from, with the paper's numbers. ``baseline``: its costs.
    """
    settings = [
        {"name": each.name, "label": each.label, "meaning": each.meaning, "paper": each.paper, "values": list(each.values)}
        for each in SETTINGS.values()
    ]
    return {
        "base": {"stages": stage_settings(config), "side": side},
        "start": stage_settings(architecture(config, [{}] * MAX_STAGES)),
        "settings": settings,
        "stages": MAX_STAGES,
        "sides": sorted({*INPUT_SIDES, side}),
        "presets": [],
        "baseline": costs(config, cost(config, side, side)),
    }


def describe(config: CvtConfig, side: int, asked: Any) -> dict[str, Any]:
    """The answer to one step of a control: ``variant`` (costs) and ``differences`` (sentences), or ``problem``.

    Args:
        config, side: the baseline and its input. asked: as ``wanted`` takes it; ``moved`` ([stage, setting]) names the
            control that moved last, for a remedy near it.
    Returns:
        JSON values. A ``problem`` has its sentence and, where there is one, ``remedy``: the stage, setting and value that fit.
    """
    try:
        found = wanted(config, side, asked)
    except ValueError as error:
        return {"problem": str(error), "remedy": _remedy(config, side, asked)}
    before = cost(config, side, side)
    return {
        "variant": costs(found.config, found.cost),
        "differences": list(differences(config, found.config, before, found.cost)),
    }


def _remedy(config: CvtConfig, side: int, asked: Any) -> dict[str, Any] | None:
    moved = asked.get("moved") if isinstance(asked, Mapping) else None
    if not isinstance(moved, list) or len(moved) != 2 or not isinstance(moved[0], int) or not isinstance(moved[1], str):
        return None
    value = nearest(config, side, asked, *moved)
    return None if value is None else {"stage": moved[0], "name": moved[1], "value": value, "label": SETTINGS[moved[1]].label}


def costs(config: CvtConfig, found: CvtCost) -> dict[str, Any]:
    """A ``CvtCost`` and the shape that goes with it, as JSON values."""
    return {
        "side": found.width,
        "parameters": found.parameters,
        "macs": found.macs,
        "activation_bytes": found.activation_bytes,
        "attention_entries": found.attention_entries,
        "classifier": asdict(found.classifier),
        "stages": [_stage(stage, each) for stage, each in zip(config.stages, found.stages, strict=True)],
    }


def _stage(stage: StageConfig, found: StageCost) -> dict[str, Any]:
    numbers = ("depth", "queries", "keys", "attention_entries", "activation_bytes", "parameters", "macs")
    pairs = ("query_grid", "key_grid", "embedding_field", "key_field", "field")
    return {
        **{name: getattr(found, name) for name in numbers},
        **{name: list(getattr(found, name)) for name in pairs},
        "width": stage.embed_dim,
        "heads": stage.num_heads,
        "mlp": stage.mlp_dim,
        "cls": stage.cls_token,
        "parts": {name: asdict(part) for name, part in _parts(found).items()},
    }


def _parts(found: StageCost) -> dict[str, Cost]:
    """The parts as they are shown: what belongs together is added up."""
    parts = found.parts
    return {
        "embedding": parts.embedding,
        "projections": parts.conv_projections + parts.linear_projections,
        "attention": parts.attention + parts.attention_output,
        "mlp": parts.mlp,
        "norms": parts.norms,
    }
