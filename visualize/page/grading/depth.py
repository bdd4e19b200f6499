"""Measures of the class after every block, as the lens reads it."""

from __future__ import annotations

from typing import Any

from ..words import measures as words
from .case import Case
from .kinds import MOST_CLASSES, Measure, Option, Parameters, Truth, class_options, numbered, one_class, percent


def _at(asked: Parameters, case: Case) -> int | None:
    """The index of a place among the lens's points; None if nothing reads there."""
    stage, block = case.place(asked)
    points = case.answered("lens")["points"]
    return next((at for at, each in enumerate(points) if (each["stage"], each["block"]) == (stage + 1, block + 1)), None)


def _point(asked: Parameters, case: Case) -> dict[str, Any]:
    at = _at(asked, case)
    assert at is not None
    return case.answered("lens")["points"][at]


def _unread(asked: Parameters, case: Case) -> str | None:
    return case.no_place(asked) or (words.say("measure_unread") if _at(asked, case) is None else None)


def _probability(asked: Parameters, case: Case) -> Truth:
    lens = case.answered("lens")
    final = next(each for each in lens["classes"] if each["label"] == lens["points"][-1]["label"])
    return Truth(100 * final["probabilities"][_at(asked, case)])


def _classes(asked: Parameters, case: Case) -> list[Option]:
    labels = dict.fromkeys([_point(asked, case)["label"], *(each["label"] for each in case.answered("lens")["classes"])])
    return class_options(sorted(list(labels)[:MOST_CLASSES]))  # by name: their order must not tell


def _no_class(asked: Parameters, case: Case) -> str | None:
    return _unread(asked, case) or one_class(case)


def _no_probe(asked: Parameters, case: Case) -> str | None:
    if absent := _unread(asked, case):
        return absent
    stage, _ = case.place(asked)
    return words.say("measure_no_probe", stage=stage + 1) if _point(asked, case)["accuracy"] is None else None


def _one_block(asked: Parameters, case: Case) -> str | None:
    return None if len(case.stages[-1].blocks) > 1 else words.say("measure_one_block", stage=len(case.stages))


DEPTH = {
    "probability-after-block": Measure(_probability, _unread, scale=percent),
    "class-after-block": Measure(lambda asked, case: Truth(_point(asked, case)["label"]), _no_class, options=_classes),
    "decided": Measure(
        lambda asked, case: Truth(str(case.answered("lens")["decided"]["block"])),
        _one_block,
        options=lambda asked, case: numbered(len(case.stages[-1].blocks), words.block_name),
    ),
    "probe-accuracy": Measure(lambda asked, case: Truth(100 * _point(asked, case)["accuracy"]), _no_probe, scale=percent),
}
