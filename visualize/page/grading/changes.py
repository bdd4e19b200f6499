"""Measures of what the model says after a change: parts switched off, the picture moved, another padding, another architecture."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from cvt.config import StageConfig

from ...change.padding import ZEROS
from ..words import measures as words
from .case import Case, number_of
from .kinds import (
    MOST_CLASSES,
    Measure,
    Option,
    Parameters,
    Truth,
    class_options,
    leaders,
    no_heads,
    no_place,
    numbered,
    one_class,
    percent,
    winner,
    yes_or_no,
)  # fmt: skip

ELSE, NONE = "else", "none"  # the options "something else" and "none of them"
SAME = 1e-5  # of a cosine: more is a difference
ROUNDED = 0.99999  # a cosine from which features differ by rounding only
BRANCHES = ("attention", "mlp")
CONVS = {"dw_bn": ("query_conv", "key_conv", "value_conv"), "avg": ("key_conv", "value_conv"), "linear": ()}
_PART = re.compile(r"(\d+|last)\.(\d+|last|all)\.([a-z_]+)(\d*)")


def parts_off(off: str, case: Case) -> list[dict[str, Any]] | None:
    """What a lesson switches off, as ``knock_out`` takes it; None where the model has no such part, or one is named twice."""
    found: list[dict[str, Any]] = []
    for text in off.split(","):
        match = _PART.fullmatch(text)
        if not match:
            return None
        stage_name, block_name, part, head = match.groups()
        stage = number_of(stage_name, len(case.stages))
        if not 1 <= stage <= len(case.stages):
            return None
        config = case.stages[stage - 1].config
        blocks = range(1, config.depth + 1) if block_name == "all" else [number_of(block_name, config.depth)]
        for block in blocks:
            if not 1 <= block <= config.depth or not _has(config, part, head):
                return None
            found += [{"stage": stage, "block": block, **each} for each in _branches(part, head)]
    places = [tuple(each.items()) for each in found]
    return found if found and len(set(places)) == len(places) else None


def _has(config: StageConfig, part: str, head: str) -> bool:
    if part == "head":
        return head != "" and 1 <= int(head) <= config.num_heads
    known = ("block", *BRANCHES, "attention_residual", "mlp_residual", *CONVS[config.qkv_projection_method])
    return head == "" and part in known


def _branches(part: str, head: str) -> Iterator[dict[str, Any]]:
    """A part, or the two of a block."""
    for each in BRANCHES if part == "block" else (part,):
        yield {"part": each, **({"head": int(head)} if head else {})}


def _move(asked: Parameters) -> dict[str, Any]:
    return {name: asked.get(name, default) for name, default in (("right", 0), ("down", 0), ("padding", ZEROS))}


def _no_move(asked: Parameters, case: Case) -> str | None:
    move = _move(asked)
    if max(move["right"], move["down"]) > case.side:
        return words.say("measure_too_far", most=case.side)
    return None if move != _move({}) else words.say("measure_unchanged")


def _no_change(asked: Parameters, case: Case) -> str | None:
    if "off" not in asked:
        return _no_move(asked, case)
    return None if parts_off(asked["off"], case) else words.say("measure_no_part", off=asked["off"])


def _moved(asked: Parameters, case: Case) -> dict[str, Any]:
    return case.answered("transform", **_move(asked))


def _after(asked: Parameters, case: Case) -> dict[str, Any]:
    """The experiments' answer to a change."""
    return case.answered("knock_out", interventions=parts_off(asked["off"], case)) if "off" in asked else _moved(asked, case)


def _probability(asked: Parameters, case: Case) -> Truth:
    answer = _after(asked, case)
    return Truth(100 * next(each["probability"] for each in answer["after"] if each["label"] == answer["label"]))


def _labels(case: Case) -> list[str]:
    return [case.seen.labels[index] for index in case.seen.shown[:MOST_CLASSES]]


def _likely(asked: Parameters, case: Case) -> list[Option]:
    """The most probable classes before, and "something else" if there are more."""
    labels = _labels(case)
    more = [{"value": ELSE, "text": words.name(ELSE)}] if len(case.seen.labels) > len(labels) else []
    return [*class_options(labels), *more]


def _among(label: str, case: Case) -> Truth:
    return Truth(label if label in _labels(case) else ELSE)


def _unchanged(asked: Parameters, case: Case) -> Truth:
    answer = _after(asked, case)
    return Truth("yes" if answer["after"][0]["label"] == answer["label"] else "no")


def _cosines(asked: Parameters, case: Case) -> list[float | None]:
    return [stage["cosine"] for stage in _moved(asked, case)["agreement"]]


def _similarity(asked: Parameters, case: Case) -> Truth:
    cosine = _cosines(asked, case)[case.place(asked)[0]]
    return Truth(None if cosine is None else 100 * cosine)


def _no_stages(asked: Parameters, case: Case) -> str | None:
    return _no_move(asked, case) or (None if len(case.stages) > 1 else words.say("measure_one_stage"))


def _stages(asked: Parameters, case: Case) -> list[Option]:
    return [*numbered(len(case.stages), words.stage_name), {"value": NONE, "text": words.name("none-of-them")}]


def _most_changed(asked: Parameters, case: Case) -> Truth:
    cosines = _cosines(asked, case)
    best = leaders(cosines)
    if not best:
        return Truth()
    least = cosines[best[0]]
    return Truth(NONE) if least is not None and least >= 1 - SAME else winner(best)


def _exactly_shifted(asked: Parameters, case: Case) -> Truth:
    same = all(each["exact"] and each["cosine"] is not None and each["cosine"] >= ROUNDED for each in _moved(asked, case)["agreement"])
    return Truth("yes" if same else "no")


def _no_variant(asked: Parameters, case: Case) -> str | None:
    return None if asked.get("preset") in case.presets else words.say("measure_no_preset")


def _variant_class(asked: Parameters, case: Case) -> Truth:
    seen = case.variant(asked["preset"])
    return _among(seen.labels[int(seen.probabilities.argmax())], case)


def _variant_probability(asked: Parameters, case: Case) -> Truth:
    return Truth(100 * float(case.variant(asked["preset"]).probabilities[case.seen.shown[0]]))


def _losses(case: Case, stage: int, part: str) -> list[dict[str, Any]]:
    """What the class's logit loses without each part of this kind in a stage, from 0."""
    return [each for each in case.answered("importance")["losses"] if (each["stage"], each["part"]) == (stage + 1, part)]


def _head_that_matters(asked: Parameters, case: Case) -> Truth:
    stage, block = case.place(asked)
    heads = sorted((each for each in _losses(case, stage, "head") if each["block"] == block + 1), key=lambda each: each["head"])
    return winner(leaders([each["logit"] for each in heads], -1))


def _branch_that_matters(asked: Parameters, case: Case) -> Truth:
    stage, _ = case.place(asked)
    sums = [sum(each["logit"] for each in _losses(case, stage, branch)) for branch in BRANCHES]
    first, *ties = (BRANCHES[at] for at in leaders(sums, -1))
    return Truth(first, also=tuple(ties))


CHANGES = {
    "probability": Measure(_probability, _no_change, scale=percent),
    "class": Measure(
        lambda asked, case: _among(_after(asked, case)["after"][0]["label"], case),
        lambda asked, case: _no_change(asked, case) or one_class(case),
        options=_likely,
    ),
    "class-unchanged": Measure(_unchanged, _no_change, options=yes_or_no),
    "similarity": Measure(_similarity, lambda asked, case: case.no_place(asked) or _no_move(asked, case), scale=percent),
    "most-changed-stage": Measure(_most_changed, _no_stages, options=_stages),
    "exactly-shifted": Measure(_exactly_shifted, _no_move, options=yes_or_no),
    "variant-class": Measure(_variant_class, lambda asked, case: _no_variant(asked, case) or one_class(case), options=_likely),
    "variant-probability": Measure(_variant_probability, _no_variant, scale=percent),
    "head-that-matters": Measure(
        _head_that_matters,
        no_heads,
        options=lambda asked, case: numbered(case.stage_of(asked).config.num_heads, words.head_name),
    ),
    "branch-that-matters": Measure(
        _branch_that_matters,
        no_place,
        options=lambda asked, case: [{"value": value, "text": words.name(value)} for value in BRANCHES],
    ),
}
