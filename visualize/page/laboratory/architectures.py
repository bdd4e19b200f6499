"""Reads architectures from the laboratory's controls, checks them against this machine's limits, and finds the nearest that fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cvt.architecture.budget import Limits, refuse_if_too_large
from cvt.architecture.cost import CvtCost, cost
from cvt.architecture.settings import INPUT_SIDES, SETTINGS
from cvt.architecture.variants import architecture
from cvt.config import CvtConfig
from cvt.fields import shown

from ..requests import INHERITED, WEIGHTS, ModelRequest
from ..words.sentences import Refused

# Limits for a variant so that two CPU cores run it in about a second, within the memory of a Space.
MAX_PARAMETERS = 150_000_000
LIMITS = Limits(macs=10_000_000_000, parameters=MAX_PARAMETERS, memory=2 << 30)
MAX_SEED = 2**31 - 1


def model_request(model: str, base: CvtConfig, side: int, asked: Any) -> ModelRequest:
    """Reads the variant that a browser requested of the loaded model with this name; its architecture is always set.

    Args:
        base, side: the loaded model's config and input side in pixels.
        asked: ``stages`` (a list of {setting: value}, one per stage), and optionally ``side``, ``weights`` and ``seed``; other
            keys are ignored.
    Raises:
        ValueError: invalid values, or an architecture that cannot be built. TooLarge: too large for this machine. The message
            says why and what to change.
    """
    config, _ = architecture_of(base, side, asked)
    weights, seed, chosen = asked.get("weights", INHERITED), asked.get("seed", 0), asked.get("side", side)
    if weights not in WEIGHTS:
        raise Refused("no_weights", value=shown(weights))
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= MAX_SEED:
        raise Refused("no_seed", value=shown(seed), most=MAX_SEED)
    check_limits(config, chosen)
    return ModelRequest(model=model, architecture=config, side=None if chosen == side else chosen, weights=weights, seed=seed)


def check_limits(config: CvtConfig, side: int) -> None:
    """Raises TooLarge, with what to change, if this machine cannot run ``config`` on an input of side × side pixels."""
    refuse_if_too_large(config, side, side, LIMITS.macs, LIMITS.parameters, LIMITS.memory)


def architecture_of(base: CvtConfig, side: int, asked: Any) -> tuple[CvtConfig, CvtCost]:
    """The architecture that ``model_request`` reads, and its costs, whether or not this machine can run it.

    Raises:
        ValueError: invalid values, or an architecture that cannot be built.
    """
    if not isinstance(asked, Mapping):
        raise Refused("not_an_architecture")
    chosen = asked.get("side", side)
    if type(chosen) is not int or chosen not in (*INPUT_SIDES, side):
        raise Refused("no_input_side", value=shown(chosen), step=INPUT_SIDES.step, most=INPUT_SIDES[-1], own=side)
    config = architecture(base, asked.get("stages", ()))
    return config, cost(config, chosen, chosen)


def nearest(base: CvtConfig, side: int, asked: Mapping[str, Any], stage: int, name: str) -> Any | None:
    """The nearest value for one setting of one stage with which the architecture can be built and run.

    None if there is no such value or setting. Arguments as for ``model_request``, which has refused them.
    """
    stages = asked.get("stages")
    if name not in SETTINGS or not isinstance(stages, list) or not 0 <= stage < len(stages) or not isinstance(stages[stage], Mapping):
        return None
    current = stages[stage].get(name)
    for value in sorted(SETTINGS[name].values, key=lambda value: _steps(value, current)):
        changed = [{**each, name: value} if index == stage else each for index, each in enumerate(stages)]
        try:
            _, result = architecture_of(base, side, {**asked, "stages": changed})
        except ValueError:
            continue
        if LIMITS.exceeded(result) is None:
            return value
    return None


def _steps(value: Any, current: Any) -> float:
    """How far one value of a control is from another, as a hand moves it: where both are numbers such as sliders have."""
    numbers = all(type(each) in (int, float) and abs(each) < 1e9 for each in (value, current))
    return abs(value - current) if numbers else float(value != current)
