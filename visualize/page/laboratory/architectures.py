"""The architectures that the laboratory's controls ask for: read, checked against what this machine can run, and the nearest that fits."""

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

# What a variant may need so that two CPU cores answer within about a second, and a Space's memory suffices.
MAX_PARAMETERS = 150_000_000
LIMITS = Limits(macs=10_000_000_000, parameters=MAX_PARAMETERS, memory=2 << 30)
MAX_SEED = 2**31 - 1


def model_request(model: str, base: CvtConfig, side: int, asked: Any) -> ModelRequest:
    """The variant that a browser asked for, of the loaded model of this name; its architecture is always given.

    Args:
        base, side: the loaded model's configuration and input side in pixels.
        asked: ``stages`` (a list of {setting: value}, one a stage), and if wanted ``side``, ``weights`` and ``seed``; anything
            else in it is left alone.
    Raises:
        ValueError: nothing that can be read, or an architecture that cannot be built. TooLarge: one that is too large for
            this machine. The sentence says why and what to change.
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
    """Raises TooLarge, with what to change, where this machine cannot run ``config`` at an input of side × side pixels."""
    refuse_if_too_large(config, side, side, LIMITS.macs, LIMITS.parameters, LIMITS.memory)


def architecture_of(base: CvtConfig, side: int, asked: Any) -> tuple[CvtConfig, CvtCost]:
    """The architecture that ``model_request`` reads, and what it costs, whether or not this machine can run it.

    Raises:
        ValueError: nothing that can be read, or an architecture that cannot be built.
    """
    if not isinstance(asked, Mapping):
        raise Refused("not_an_architecture")
    chosen = asked.get("side", side)
    if type(chosen) is not int or chosen not in (*INPUT_SIDES, side):
        raise Refused("no_input_side", value=shown(chosen), step=INPUT_SIDES.step, most=INPUT_SIDES[-1], own=side)
    config = architecture(base, asked.get("stages", ()))
    return config, cost(config, chosen, chosen)


def nearest(base: CvtConfig, side: int, asked: Mapping[str, Any], stage: int, name: str) -> Any | None:
    """The value of one setting of one stage, nearest to what was asked for, with which all the rest can be built and run.

    None where there is none, or no such setting. Takes what ``model_request`` takes and has refused.
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
