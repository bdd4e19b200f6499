"""The parameters of a lesson's measures, checked by the table: ``{name: measure, stage: 3, …}``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .measures import COUNTS, MEASURES, NAME, NAMES, ORDINALS, VALUES
from .text import LessonError, Part, short

LAST = "last"
# Each with an example of what is expected.
_TEXTS = {
    "preset": (re.compile(NAME), "no-overlap"),
    "member": (re.compile(NAME), "linear"),
    "members": (re.compile(rf"{NAME}(,{NAME}){{1,5}}"), "baseline,linear"),
    "off": (re.compile(r"((\d{1,2}|last)\.(\d{1,2}|last|all)\.[a-z_]+\d{0,2},?\b){1,9}"), "3.8.head2,last.all.mlp"),
}
assert set(_TEXTS) == set(NAMES)


def parameters(name: str, given: Mapping[str, Part], line: int) -> dict[str, Any]:
    """The parameters of the measure with this name: numbers, "last", or text. Raises LessonError."""
    measure = MEASURES[name]
    for each, part in given.items():
        if each not in measure.takes:
            raise LessonError(
                "lesson_parameter", line=part.line, measure=name, name=short(each), names=", ".join(measure.takes) or "nothing"
            )
    for each in measure.takes:
        if each not in given and each not in measure.optional:
            raise LessonError("lesson_no_parameter", line=line, measure=name, name=each)
    return {each: _value(each, part) for each, part in given.items()}


def _value(name: str, part: Part) -> int | str:
    text = part.value if isinstance(part.value, str) else ""
    if name in _TEXTS:
        pattern, example = _TEXTS[name]
        if pattern.fullmatch(text):
            return text
        raise LessonError("lesson_parameter_text", line=part.line, name=name, value=short(text), example=example)
    if name in VALUES:
        if text in VALUES[name]:
            return text
        raise LessonError("lesson_value", line=part.line, name=name, value=short(text), values=", ".join(VALUES[name]))
    if name in ORDINALS and text == LAST:
        return LAST
    least, most = (0 if name == "head" else 1, 99) if name in ORDINALS else (0, COUNTS[name])
    if re.fullmatch(r"[0-9]{1,3}", text) and least <= int(text) <= most:
        return int(text)
    expected = f"{least} to {most}{f', or {LAST}' if name in ORDINALS else ''}"
    raise LessonError("lesson_whole", line=part.line, name=name, value=short(text), expected=expected)
