"""Measures of an architecture: counts and shares that follow from its settings, and costs."""

from __future__ import annotations

import math

from cvt.architecture.cost import cost
from cvt.architecture.variants import architecture

from ..words import measures as words
from .case import Case
from .kinds import Measure, Parameters, Scale, Truth, no_place, percent

WIDEST = 7  # the laboratory's largest kernel
MOST = {"cvt-w24": 200}  # times the model's multiply-adds


def _keys(asked: Parameters, case: Case) -> Truth:
    stage = case.stage_of(asked)
    return Truth(math.prod(stage.key_grid.shape) + stage.config.cls_token)


def _tokens(asked: Parameters, case: Case) -> Scale:
    stage = case.stage_of(asked)
    return Scale(1, math.prod(stage.query_grid.shape) + stage.config.cls_token, 1, "count")


def _window(asked: Parameters, case: Case) -> Truth:
    config = case.stage_of(asked).config
    return Truth(config.kernel_qkv**2 if config.qkv_projection_method == "dw_bn" else 1)  # "avg" pools keys and values only


def _overlap(asked: Parameters, case: Case) -> Truth:
    config = case.stage_of(asked).config
    return Truth(100 * max(0, config.patch_size[1] - config.patch_stride[1]) / config.patch_size[1])


def _cost(asked: Parameters, case: Case) -> Truth:
    chosen, loaded = case.presets[asked["preset"]], case.loaded
    changed = architecture(loaded.config, chosen["stages"])
    after, before = cost(changed, chosen["side"], chosen["side"]), cost(loaded.config, loaded.side, loaded.side)
    return Truth(after.macs / before.macs)


SHAPES = {
    "keys": Measure(_keys, no_place, scale=_tokens),
    "window": Measure(_window, no_place, scale=lambda asked, case: Scale(1, WIDEST * WIDEST, 1, "count")),
    "overlap": Measure(_overlap, no_place, scale=percent),
    "cost": Measure(
        _cost,
        lambda asked, case: None if asked["preset"] in case.presets else words.say("measure_no_preset"),
        scale=lambda asked, case: Scale(0, MOST.get(asked["preset"], 10), 0.1, "times"),
    ),
}
