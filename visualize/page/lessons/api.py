"""The page's lessons: its own, those of a teacher's folder, and what is asked of the reader. Nothing is stored."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..words.sentences import Refused, say
from .reader import read
from .text import MOST_BYTES, LessonError, tree

OWN = Path(__file__).parents[2] / "lessons"
ORDER = ("tour", "far", "heads", "decided", "position", "projection", "stride", "cls", "overlap")
MOST_FILES = 200
ENDINGS = (".yaml", ".yml", ".json")

log = logging.getLogger("cvt_explorer")


class LessonsApi:
    """The lessons of a page; ``folder``: a teacher's, whose files are read once, at the start.

    Raises:
        ValueError: there is no such folder. A file in it that is no lesson is logged, and named in the list; the others work.
    """

    def __init__(self, folder: str | Path | None = None):
        self._lessons = [read((OWN / f"{name}.yaml").read_text(encoding="utf-8")) for name in ORDER]
        self._problems: list[dict[str, Any]] = []
        for path in _files(folder):
            try:
                self._lessons.append(self._added(path))
            except LessonError as error:
                log.warning("%s: %s", path, error)
                self._problems.append({"file": path.name, "error": str(error), "line": error.line})

    def _added(self, path: Path) -> dict[str, Any]:
        text = _text(path)
        lesson = read(text)
        if lesson["name"] != path.stem:
            raise LessonError("lesson_file_name", line=_line_of_name(text), value=lesson["name"], name=path.stem)
        if lesson["name"] in {each["name"] for each in self._lessons}:
            raise LessonError("lesson_taken", line=_line_of_name(text), value=lesson["name"])
        return lesson

    def lessons(self) -> dict[str, Any]:
        """``lessons``, each as ``reader.read`` gives it, and ``problems``: files that are no lessons, each with its error."""
        return {"lessons": self._lessons, "problems": self._problems}

    @staticmethod
    def read(asked: Any) -> dict[str, Any]:
        """The lesson in asked["text"], or why it is none: ``error``, a sentence, its ``line``, and ``problem``, the sentence without it."""
        text = asked.get("text") if isinstance(asked, Mapping) else None
        if not isinstance(text, str):
            raise Refused("lesson_no_text")
        try:
            return {"lesson": read(text)}
        except LessonError as error:
            return {"error": str(error), "line": error.line, "problem": error.problem}


def _files(folder: str | Path | None) -> Iterator[Path]:
    if folder is None:
        return
    if not Path(folder).is_dir():
        raise ValueError(say("no_lessons_folder", folder=folder))
    found = sorted(path for path in Path(folder).iterdir() if path.suffix in ENDINGS and path.is_file())
    yield from found[:MOST_FILES]


def _line_of_name(text: str) -> int:
    fields = tree(text).value
    assert isinstance(fields, dict)
    return fields["name"].line


def _text(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(MOST_BYTES + 1)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise LessonError("lesson_not_text", line=content.count(b"\n", 0, error.start) + 1) from error
