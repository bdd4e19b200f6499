"""Lessons that the browser writes: the reader's YAML finds in them what was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.helpers import run_in_node
from visualize.page.lessons.api import LessonsApi
from visualize.page.lessons.reader import read

TESTS = Path(__file__).parent / "make"
ASK = {"text": "How far?", "kind": "number", "measure": {"name": "distance", "stage": 3}, "tolerance": 0.2}
OFF = {"name": "class-unchanged", "off": "3.8.head2,1.1.block", "right": 16, "padding": "no", "block": "last", "member": "1e3"}
# text that YAML reads otherwise, if it is not quoted
TRICKY = [
    "yes", "No", "null", "~", "12", "1.5", "0x1f", "1e3", "2021-01-01", "12:30", "- a", "a: b", "a:b", "a #b", "#a", "a#b", "'a'",
    '"a"', "a\\n", "{a}", "[a]", "& a", "*a", "!a", "|", ">", "%a", "@a", "`a`", "a:", "? a", "a: ", "null ", "=", "😀",
    "Größe, 漢字: “ja” – 100\u202f%", "<b>&amp;</b>",
]  # fmt: skip


def odd(text: str) -> dict:
    """A lesson whose every text is this one."""
    ask = {"text": text, "kind": "choice", "options": [text, "two"], "right": 1}
    steps = [{"title": text, "say": text, "ask": ask}, {"title": text, "say": text}]
    return {"format": 1, "name": "odd", "title": text, "minutes": 1, "steps": steps}


LESSONS = [
    {"format": 1, "name": "mine", "title": "Which?", "minutes": 5, "steps": [
        {"title": "One", "view": "tab=break&experiment=knock&off=3.8.head2", "point": "heads", "say": "Look here. And there.",
         "do": "Move.", "ask": ASK, "show": "tab=explore&cls=1", "after": {"text": "And?", "kind": "choice", "measure": OFF}},
        {"title": "Two", "say": "Click.", "ask": {"text": "Where?", "kind": "cells", "measure": {"name": "evidence"}, "count": 3}},
    ]},
    *map(odd, TRICKY),
]  # fmt: skip
OWN = [{each: value for each, value in lesson.items() if each != "digest"} for lesson in LessonsApi().lessons()["lessons"]]  # the page's


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> list[str]:
    folder = tmp_path_factory.mktemp("make")
    (folder / "lessons.json").write_text(json.dumps([*LESSONS, *({"format": 1, **each} for each in OWN)]))
    run_in_node(TESTS, MAKE_CASES=folder)
    return json.loads((folder / "written.json").read_text())


def stripped(value):
    """A lesson whose texts have no space at their ends, as the writer leaves them, and with the key that YAML 1.1 reads as False."""
    if isinstance(value, dict):
        return {"off" if key is False else key: stripped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [stripped(each) for each in value]
    return value.strip() if isinstance(value, str) else value


def test_yaml_reads_what_was_written(written):
    yaml = pytest.importorskip("yaml")
    assert stripped([yaml.safe_load(text) for text in written[: len(LESSONS)]]) == stripped(LESSONS)


def test_the_reader_finds_in_a_written_lesson_what_it_read_before(written):
    found = [read(text) for text in written[len(LESSONS) :]]
    assert len(found) == 9
    assert [{each: value for each, value in lesson.items() if each != "digest"} for lesson in found] == OWN
