"""A lesson's text as a tree that knows its lines: the part of YAML that a lesson needs, within bounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from ..words.sentences import Refused, say

MOST_BYTES = 64_000
JSON_BYTES = 2 * MOST_BYTES + 1000  # of a text in JSON, where line ends and quotes take two
MOST_DEPTH = 8  # a lesson has five levels
MOST_PARTS = 2000  # a lesson of twelve steps has about 300


class LessonError(Refused):
    """A lesson that cannot be used: a sentence that begins with the ``line``, counted from 1."""

    def __init__(self, key: str, /, line: int, **values: Any):
        super().__init__(key, **values)
        self.line = line

    def __reduce__(self):
        return _again, (self.key, self.line, self.values)

    @property
    def problem(self) -> str:
        """The sentence without its line."""
        return super().__str__()

    def __str__(self) -> str:
        return say("lesson_line", line=self.line, problem=self.problem)


def _again(key: str, line: int, values: dict[str, Any]) -> LessonError:
    return LessonError(key, line=line, **values)


@dataclass(frozen=True)
class Part:
    """A part of the tree: ``value`` is text, as it is written, or a list or dictionary of parts. ``line`` counts from 1."""

    value: str | list[Part] | dict[str, Part]
    line: int


class _Loader(yaml.SafeLoader):
    """Refuses what a lesson does not need, before anything is made of it: anchors, aliases, tags, deep nesting, and a great many parts."""

    depth = parts = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise LessonError("lesson_alias", line=line)
        if getattr(event, "tag", None):
            raise LessonError("lesson_tag", line=line)
        if self.depth == MOST_DEPTH or self.parts == MOST_PARTS:
            raise LessonError("lesson_deep" if self.depth == MOST_DEPTH else "lesson_parts", line=line)
        self.depth += 1
        self.parts += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def tree(text: str) -> Part:
    """The text as a tree. Raises LessonError."""
    if len(text.encode("utf-8", "replace")) > MOST_BYTES:
        raise LessonError("lesson_large", line=1, most=MOST_BYTES // 1000)
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise LessonError("lesson_syntax", line=mark.line + 1 if mark else 1, problem=_plain(error.problem)) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise LessonError("lesson_character", line=line, code=f"U+{ord(text[error.position]):04X}") from error
    if node is None:
        raise LessonError("lesson_empty", line=1)
    return _part(node)


def _part(node: yaml.Node) -> Part:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Part(dict(_pairs(node)), line)
    if isinstance(node, yaml.SequenceNode):
        return Part([_part(each) for each in node.value], line)
    return Part(node.value.strip(), line)


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str, Part]]:
    known: set[str] = set()
    for key, value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            raise LessonError("lesson_key", line=line)
        if key.value in known:
            raise LessonError("lesson_twice", line=line, name=short(key.value))
        known.add(key.value)
        # a list or mapping begins below its key, where its name is
        yield key.value, Part(_part(value).value, line)


def short(text: str) -> str:
    """A few characters of what is written, on one line."""
    plain = " ".join(text.split())
    return f"{plain[:30]}…" if len(plain) > 30 else plain


def _plain(problem: str | None) -> str:
    """YAML's own words, in which nothing of the text is repeated at length."""
    return short(problem or "")
