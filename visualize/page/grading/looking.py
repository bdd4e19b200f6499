"""Measures of attention, of class evidence, and of how far heads look."""

from __future__ import annotations

import numpy as np

from ..words import measures as words
from .case import Case, number_of
from .kinds import Measure, Option, Parameters, Scale, Truth, leaders, no_heads, no_place, numbered, winner

ALIKE = 0.05  # of the largest mean distance: stages or heads that differ by less look about equally far
EQUALLY = "equally"


def _no_attention(asked: Parameters, case: Case) -> str | None:
    if absent := case.no_place(asked):
        return absent
    at, _ = case.place(asked)
    stage, heads = case.stages[at], case.stages[at].config.num_heads
    if number_of(asked["head"], heads) > heads:
        return words.say("measure_no_head", head=asked["head"], stage=at + 1, heads=heads)
    if asked["token"] == "cls":
        if not stage.config.cls_token:
            return words.say("measure_no_cls", stage=at + 1)
    elif missing := case.no_token(stage.query_grid):
        return missing
    return None if stage.key_grid.shape != (1, 1) else words.say("measure_one_cell", stage=at + 1)


def _attention(asked: Parameters, case: Case) -> Truth:
    at, block = case.place(asked)
    stage = case.stages[at]
    query = 0 if asked["token"] == "cls" else stage.query_index(*case.token(stage.query_grid))
    heads = stage.blocks[block].weights([query])[:, 0, int(stage.config.cls_token) :]
    head = number_of(asked["head"], len(heads))
    return Truth(values=heads.mean(axis=0) if head == 0 else heads[head - 1])


def _no_evidence(asked: Parameters, case: Case) -> str | None:
    evidence = case.seen.evidence
    if evidence is None:
        return words.say("measure_no_evidence")
    return None if evidence.places.shape[1] > 1 else words.say("measure_one_cell", stage=len(case.stages))


def _evidence(asked: Parameters, case: Case) -> Truth:
    assert case.seen.evidence is not None
    adds = np.maximum(case.seen.evidence.places[0], 0)
    return Truth(values=adds if adds.any() else None)


def _of_queries(asked: Parameters, case: Case) -> tuple[int, bool]:
    return len(case.stages) - 1, case.seen.evidence is not None and case.seen.evidence.of_queries


def _means(case: Case) -> list[float]:
    return [float(np.mean(stage["heads"])) for stage in case.answered("distance")["stages"]]


def _equally(options: list[Option]) -> list[Option]:
    return [*options, {"value": EQUALLY, "text": words.name(EQUALLY)}]


def _alike_or(best: list[int], count: int) -> Truth:
    return Truth(EQUALLY) if len(best) == count else winner(best)


def _farthest(asked: Parameters, case: Case) -> Truth:
    means = _means(case)
    return _alike_or(leaders(means, -1, ALIKE * max(means)), len(means))


def _nearest(asked: Parameters, case: Case) -> Truth:
    stage, block = case.place(asked)
    heads = case.answered("distance")["stages"][stage]["heads"][block]
    return _alike_or(leaders(heads, 1, ALIKE * max(heads)), len(heads))


def _field(asked: Parameters, case: Case) -> Truth:
    at, _ = case.place(asked)
    row, column = case.token(case.stages[at].query_grid)
    return Truth(case.answered("receptive_field", stage=at + 1, row=row + 1, column=column + 1)["side"])


LOOKING = {
    "attention": Measure(_attention, _no_attention, grid=lambda asked, case: (case.place(asked)[0], False)),
    "evidence": Measure(_evidence, _no_evidence, grid=_of_queries),
    "distance": Measure(
        lambda asked, case: Truth(_means(case)[case.place(asked)[0]]),
        no_place,
        scale=lambda asked, case: Scale(0, case.side, 1, "px"),
    ),
    "farthest-stage": Measure(
        _farthest,
        lambda asked, case: None if len(case.stages) > 1 else words.say("measure_one_stage"),
        options=lambda asked, case: _equally(numbered(len(case.stages), words.stage_name)),
    ),
    "nearest-head": Measure(
        _nearest,
        no_heads,
        options=lambda asked, case: _equally(numbered(case.stage_of(asked).config.num_heads, words.head_name)),
    ),
    "field": Measure(
        _field,
        lambda asked, case: case.no_place(asked) or case.no_token(case.stage_of(asked).query_grid),
        scale=lambda asked, case: Scale(1, 2 * case.side, 1, "px"),  # the square may leave the picture
    ),
}
