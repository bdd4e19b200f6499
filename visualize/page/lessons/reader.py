"""Reads a lesson: text → plain values that the page can trust, or an error that names the line, what is wrong, and the remedy."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from typing import Any

from .link import link
from .measures import CELLS, CHOICE, KINDS, MEASURES, MOST_STEPS, NAME, NUMBER, POINTS
from .parameters import parameters
from .text import LessonError, Part, short, tree

FORMAT = 1
MOST_MINUTES, MOST_CELLS = 60, 9
MOST_WORDS = 20  # of a sentence
LONGEST, LONGEST_TITLE = 400, 80  # characters
OPTIONS = (2, 6)

_LESSON = ("format", "name", "title", "minutes", "steps")
_STEP = ("title", "say", "view", "point", "do", "ask", "show", "after")
_ASK = ("text", "kind", "measure", "options", "right", "count", "tolerance")


def read(text: str) -> dict[str, Any]:
    """The lesson in a text: its fields without those that were left out, and ``digest``, 8 hex digits of the text.

    Raises:
        LessonError: the text is no lesson.
    """
    whole = tree(text)
    lesson = _Fields(whole, _LESSON)
    lesson.whole("format", FORMAT, FORMAT)
    steps = lesson.part("steps")
    if not isinstance(steps.value, list) or not 1 <= len(steps.value) <= MOST_STEPS:
        raise LessonError("lesson_steps", line=steps.line, most=MOST_STEPS)
    return {
        "name": lesson.name(),
        "title": lesson.title(),
        "minutes": lesson.whole("minutes", 1, MOST_MINUTES),
        "steps": [_step(each) for each in steps.value],
        "digest": hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest(),
    }


def _step(part: Part) -> dict[str, Any]:
    step = _Fields(part, _STEP)
    found: dict[str, Any] = {"title": step.title(), "say": step.sentences("say", 2)}
    for name in ("view", "show"):
        if name in step:
            found[name] = link(step.text(name, LONGEST), step.part(name).line)
    if "do" in step:
        found["do"] = step.sentences("do", 1)
    if "point" in step:
        found["point"] = step.one_of("point", POINTS)
    if "ask" in step:
        found["ask"] = _ask(step.part("ask"), KINDS)
    if "after" in step:
        if "ask" not in step:
            raise LessonError("lesson_after", line=step.part("after").line)
        found["after"] = _ask(step.part("after"), (NUMBER, CHOICE))
    return found


def _ask(part: Part, kinds: Collection[str]) -> dict[str, Any]:
    ask = _Fields(part, _ASK)
    kind = ask.one_of("kind", kinds)
    found: dict[str, Any] = {"text": ask.sentences("text", 2), "kind": kind}
    own = kind == CHOICE and "options" in ask
    if own == ("measure" in ask):
        raise LessonError("lesson_who_grades" if kind == CHOICE else "lesson_no_measure", line=part.line)
    ask.only_if(own, "right")
    ask.only_if(kind == CELLS, "count")
    ask.only_if(kind == NUMBER, "tolerance")
    if own:
        found["options"] = ask.options()
        found["right"] = ask.whole("right", 1, len(found["options"]))
    else:
        found["measure"] = _measure(ask.part("measure"), kind)
    if kind == CELLS:
        found["count"] = ask.whole("count", 1, MOST_CELLS)
    if "tolerance" in ask:
        found["tolerance"] = ask.share("tolerance")
    return found


def _measure(part: Part, kind: str) -> dict[str, Any]:
    measure = _Fields(part, None)
    name = measure.one_of("name", [each for each, measure in MEASURES.items() if measure.kind == kind])
    rest = {each: value for each, value in measure.parts.items() if each != "name"}
    return {"name": name, **parameters(name, rest, part.line)}


class _Fields:
    """The fields of a mapping. ``known``: their names, None for any. All methods raise LessonError."""

    def __init__(self, part: Part, known: Collection[str] | None):
        if not isinstance(part.value, dict):
            raise LessonError("lesson_no_fields", line=part.line, names=", ".join(known or ("name",)))
        self.parts, self.line = part.value, part.line
        for name, each in self.parts.items():
            if known is not None and name not in known:
                raise LessonError("lesson_field", line=each.line, name=short(name), names=", ".join(known))

    def __contains__(self, name: str) -> bool:
        return name in self.parts

    def part(self, name: str) -> Part:
        if name not in self.parts:
            raise LessonError("lesson_missing", line=self.line, name=name)
        return self.parts[name]

    def only_if(self, fits: bool, name: str) -> None:
        if name in self.parts and not fits:
            raise LessonError("lesson_unneeded", line=self.parts[name].line, name=name)

    def text(self, name: str, most: int) -> str:
        part = self.part(name)
        if not isinstance(part.value, str) or not part.value or len(part.value) > most:
            raise LessonError("lesson_text", line=part.line, name=name, most=most)
        return " ".join(part.value.split())

    def title(self) -> str:
        return self.text("title", LONGEST_TITLE)

    def sentences(self, name: str, most: int) -> str:
        """Text of at most so many sentences, none of which is too long to be read at once."""
        text, line = self.text(name, LONGEST), self.part(name).line
        each = sentences(text)
        if len(each) > most:
            raise LessonError("lesson_sentences", line=line, name=name, count=len(each), most=most)
        for sentence in each:
            words = len([word for word in sentence.split() if any(map(str.isalnum, word))])
            if words > MOST_WORDS:
                raise LessonError("lesson_words", line=line, start=short(sentence), count=words, most=MOST_WORDS)
        return text

    def one_of(self, name: str, values: Collection[str]) -> str:
        part = self.part(name)
        if not isinstance(part.value, str) or part.value not in values:
            raise LessonError("lesson_value", line=part.line, name=name, value=_written(part), values=", ".join(values))
        return part.value

    def name(self) -> str:
        part = self.part("name")
        if not isinstance(part.value, str) or not re.fullmatch(NAME, part.value):
            raise LessonError("lesson_name", line=part.line, value=_written(part))
        return part.value

    def whole(self, name: str, least: int, most: int) -> int:
        part = self.part(name)
        value = int(part.value) if isinstance(part.value, str) and re.fullmatch(r"[0-9]{1,6}", part.value) else -1
        if not least <= value <= most:
            expected = str(least) if least == most else f"{least} to {most}"
            raise LessonError("lesson_whole", line=part.line, name=name, value=_written(part), expected=expected)
        return value

    def share(self, name: str) -> float:
        part = self.part(name)
        value = float(part.value) if isinstance(part.value, str) and re.fullmatch(r"[0-9](\.[0-9]{1,4})?", part.value) else 0.0
        if not 0 < value <= 1:
            raise LessonError("lesson_share", line=part.line, name=name, value=_written(part))
        return value

    def options(self) -> list[str]:
        part = self.part("options")
        least, most = OPTIONS
        given = part.value if isinstance(part.value, list) else []
        texts = [each.value for each in given if isinstance(each.value, str) and 0 < len(each.value) <= LONGEST_TITLE]
        if len(texts) != len(given) or not least <= len(texts) <= most or len(set(texts)) < len(texts):
            raise LessonError("lesson_options", line=part.line, least=least, most=most)
        return texts


def sentences(text: str) -> list[str]:
    """A text's sentences: each ends with a full stop, question mark or exclamation mark at the end of a word."""
    return [each for each in re.split(r"(?<=[.!?])\s+", text) if each]


def _written(part: Part) -> str:
    return short(part.value) if isinstance(part.value, str) else "a list" if isinstance(part.value, list) else "a group of fields"
