"""Measures of the trained ablations: small models of one family, trained alike, of which each lacks or adds one thing."""

from __future__ import annotations

from functools import cache
from typing import Any

from cvt import ablations
from cvt.ablations.family import BASELINE, SIDE

from ..words import measures as words
from .case import Case
from .kinds import Measure, Option, Parameters, Truth, leaders, percent


@cache
def _members() -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in ablations.table()["members"]}


def _measured(name: str, side: int = SIDE) -> dict[str, Any] | None:
    return _members().get(name, {"measures": {}})["measures"].get(f"top1_{side}")


def _known(name: str, side: int = SIDE) -> dict[str, Any]:
    found = _measured(name, side)
    assert found is not None
    return found


def _no_difference(asked: Parameters, case: Case) -> str | None:
    known = asked["member"] != BASELINE and _measured(asked["member"]) is not None
    return None if known else words.say("measure_not_trained")


def _difference(asked: Parameters, case: Case) -> Truth:
    found = _known(asked["member"])
    return Truth("none" if not found["significant"] else "better" if found["difference"] > 0 else "worse")


def _no_accuracy(asked: Parameters, case: Case) -> str | None:
    return None if _measured(asked["member"], asked["side"]) is not None else words.say("measure_not_trained")


def _named(asked: Parameters) -> list[str]:
    return asked["members"].split(",")


def _no_members(asked: Parameters, case: Case) -> str | None:
    return None if all(name in _members() for name in _named(asked)) else words.say("measure_not_trained")


def _titles(asked: Parameters, case: Case) -> list[Option]:
    return [{"value": name, "text": _members()[name]["title"]} for name in _named(asked)]


def _best(asked: Parameters, case: Case) -> Truth:
    names = _named(asked)
    best = names[leaders([_known(name)["mean"] for name in names], -1)[0]]
    return Truth(best, also=tuple(name for name in names if name != best and name not in _members()[best]["apart"]))


TRAINED = {
    "ablation": Measure(
        _difference,
        _no_difference,
        options=lambda asked, case: [{"value": value, "text": words.name(value)} for value in ("better", "worse", "none")],
    ),
    "ablation-accuracy": Measure(
        lambda asked, case: Truth(100 * _known(asked["member"], asked["side"])["mean"]), _no_accuracy, scale=percent
    ),
    "ablation-best": Measure(_best, _no_members, options=_titles),
}
