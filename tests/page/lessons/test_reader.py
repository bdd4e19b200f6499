"""Lessons as text: what is read, and that whatever is wrong is refused with its line and a remedy."""

from __future__ import annotations

import json
import pickle
import time

import pytest

from visualize.page.lessons.api import ORDER, OWN, LessonsApi
from visualize.page.lessons.measures import KINDS, MEASURES, MOST_STEPS, PARAMETERS
from visualize.page.lessons.reader import read, sentences
from visualize.page.lessons.text import MOST_BYTES, LessonError

LESSON = """\
format: 1
name: mine
title: "Mine: a test"
minutes: 3
steps:
  - title: One
    view: tab=explore&stage=last&block=last&s1.kv=1
    point: picture
    say: A token looks at places. It holds 1.5 of them.
    do: Look.
    ask:
      text: Which cells?
      kind: cells
      count: 3
      measure: {name: attention, stage: 2, block: last, head: 0, token: held}
    show: off=3.8.head2,last.last.mlp
    after:
      text: How far?
      kind: number
      tolerance: 0.1
      measure: {name: distance, stage: 1}
  - title: Two
    say: A teacher's own.
    ask:
      text: Which?
      kind: choice
      options: [yes, "no", 3]
      right: 2
"""
STEP = "steps:\n  - title: a\n    say: b\n"
HEAD = "format: 1\nname: mine\ntitle: a\nminutes: 3\n"


def ask(*lines: str) -> str:
    return HEAD + STEP + "    ask:\n" + "".join(f"      {line}\n" for line in ("text: c", *lines))


def test_a_lesson_becomes_plain_values():
    lesson = read(LESSON)
    one, two = lesson["steps"]
    assert (lesson["name"], lesson["title"], lesson["minutes"]) == ("mine", "Mine: a test", 3)
    assert one["ask"]["measure"] == {"name": "attention", "stage": 2, "block": "last", "head": 0, "token": "held"}
    assert one["ask"]["count"] == 3
    assert (one["after"]["tolerance"], one["after"]["measure"]["stage"]) == (0.1, 1)
    assert one["show"] == "off=3.8.head2,last.last.mlp"
    assert two == {"title": "Two", "say": "A teacher's own.", "ask": {
        "text": "Which?", "kind": "choice", "options": ["yes", "no", "3"], "right": 2,
    }}  # fmt: skip
    assert json.loads(json.dumps(lesson)) == lesson


def test_json_is_read_too_and_another_text_has_another_digest():
    lesson = read(LESSON)
    text = json.dumps({"format": 1, **{name: lesson[name] for name in ("name", "title", "minutes", "steps")}}, indent=1)
    again = read(text)
    assert again["steps"] == lesson["steps"]
    assert again["digest"] != lesson["digest"]
    assert len(bytes.fromhex(lesson["digest"])) == 4
    assert read(LESSON)["digest"] == lesson["digest"]


def test_the_pages_own_lessons_are_lessons_in_their_order():
    found = LessonsApi().lessons()
    assert [each["name"] for each in found["lessons"]] == [*ORDER]
    assert {path.stem for path in OWN.iterdir()} == set(ORDER)
    assert found["problems"] == []
    assert all(len(each["steps"]) <= MOST_STEPS for each in found["lessons"])


def test_each_measure_has_known_parameters():
    for measure in MEASURES.values():
        assert measure.kind in KINDS
        assert set(measure.optional) <= set(measure.takes) <= set(PARAMETERS)


# Each: what is written, the line of what is wrong, words on what it is, and words on what to do.
WRONG = {
    "a field's name": (LESSON.replace("    do: Look", "    dos: Look"), 10, "no field “dos”", "do,"),
    "a kind": (LESSON.replace("kind: cells", "kind: chioce"), 13, "“kind” is “chioce”", "choose among cells, number, choice"),
    "a measure": (LESSON.replace("name: distance", "name: distnace"), 21, "“distnace”", "distance, field"),
    "a measure of another kind": (LESSON.replace("name: distance", "name: attention"), 21, "“attention”", "distance, field"),
    "a parameter": (LESSON.replace("{name: distance, stage", "{name: distance, stag"), 21, "has no “stag”", "it takes stage"),
    "no parameter": (LESSON.replace("distance, stage: 1", "distance"), 21, "needs “stage”", "add it"),
    "a number": (LESSON.replace("stage: 1}", "stage: one}"), 21, "“stage” is “one”", "1 to 99, or last"),
    "a name among several": (LESSON.replace("held", "hold"), 15, "“token” is “hold”", "choose among cls, held"),
    "what is off": (ask("kind: number", "measure: {name: probability, off: 3-8}"), 11, "“off” is “3-8”", "3.8.head2"),
    "a point": (LESSON.replace("point: picture", "point: pitcure"), 8, "“point” is “pitcure”", "choose among picture, verdict"),
    "a link's key": (LESSON.replace("stage=last&", "stags=last&"), 7, "cannot have “stags”", "choose among"),
    "a link's value": (LESSON.replace("tab=explore", "tab=expolre"), 7, "“tab” is “expolre”", "explore, architecture"),
    "a link": (LESSON.replace("view: tab=explore&stage=last&block=last&s1.kv=1", "view: stage 3"), 7, "not a link's text", "tab=explore"),
    "a step of a lesson in a link": (LESSON.replace("tab=explore", "lesson=far"), 7, "cannot have “lesson”", "choose among"),
    "a long sentence": (LESSON.replace("A token looks", "A token looks" + " far" * 20), 9, "has 25 words", "at most 20"),
    "a third sentence": (LESSON.replace("places. It", "places. So. It"), 9, "“say” has 3 sentences", "at most 2"),
    "two sentences to do": (LESSON.replace("do: Look.", "do: Look. Do."), 10, "“do” has 2 sentences", "at most 1"),
    "no text": (LESSON.replace("title: Two", "title:"), 22, "“title” needs text", "1 to 80"),
    "no title": (LESSON.replace("title: Two\n    say", "say"), 22, "“title” is missing", "add it"),
    "a name": (LESSON.replace("name: mine", "name: My lesson"), 2, "“My lesson”", "small letters"),
    "another format": (LESSON.replace("format: 1", "format: 2"), 1, "“format” is “2”", "whole number: 1"),
    "minutes": (LESSON.replace("minutes: 3", "minutes: soon"), 4, "“minutes” is “soon”", "1 to 60"),
    "steps that are no list": (HEAD + "steps: 3\n", 5, "needs a list", "hyphen"),
    "no step": (HEAD + "steps: []\n", 5, "needs a list", "1 to 12"),
    "too many steps": (HEAD + "steps:\n" + "  - {title: a, say: b}\n" * 13, 5, "needs a list", "1 to 12"),
    "a step that is text": (HEAD + "steps:\n  - look\n", 6, "fields are expected", "name: value"),
    "after without ask": (HEAD + STEP + "    after:\n      text: c\n", 8, "follows an answer", "add an “ask”"),
    "cells after": (LESSON.replace("kind: number", "kind: cells"), 19, "“kind” is “cells”", "choose among number, choice"),
    "a count of no cells": (LESSON.replace("tolerance: 0.1", "count: 2"), 20, "does not fit", "delete it"),
    "too many cells": (LESSON.replace("count: 3", "count: 10"), 14, "“count” is “10”", "1 to 9"),
    "a tolerance": (LESSON.replace("tolerance: 0.1", "tolerance: 25"), 20, "“tolerance” is “25”", "such as 0.25"),
    "a choice that nobody grades": (ask("kind: choice"), 8, "needs either a measure", "give one of them"),
    "a choice that two grade": (ask("kind: choice", "options: [a, b]", "measure: {name: decided}"), 8, "needs either", "give one of them"),
    "a number of one's own": (ask("kind: number", "options: [a, b]"), 8, "only a measure", "add it"),
    "one option": (ask("kind: choice", "options: [a]", "right: 1"), 11, "needs a list of 2 to 6", "different"),
    "the same option twice": (ask("kind: choice", "options: [a, a]", "right: 1"), 11, "needs a list", "different"),
    "right beyond the options": (ask("kind: choice", "options: [a, b]", "right: 3"), 12, "“right” is “3”", "1 to 2"),
    "a field twice": (LESSON.replace("minutes: 3", "minutes: 3\nminutes: 4"), 5, "given twice", "delete one"),
    "a text with a colon": (LESSON.replace("do: Look.", "do: Look: there."), 10, "not yaml", "in quotes"),
    "a tab": (LESSON.replace("    do", "\tdo"), 10, "not yaml", "by spaces"),
    "an open bracket": (HEAD + "steps: [\n", 6, "not yaml", "indent"),
    "an anchor": (LESSON.replace("title: Two", "title: &a Two"), 22, "anchors", "in quotes"),
    "an alias": (LESSON.replace("title: Two", "title: *a"), 22, "aliases", "in quotes"),
    "a tag": (LESSON.replace("title: Two", "title: !!python/name:os.system Two"), 22, "tags", "delete it"),
    "a list as a name": (HEAD + "[a, b]: c\n", 5, "needs a name", "name: value"),
    "a character": (LESSON.replace("Two", "Two\x07"), 22, "U+0007", "delete it"),
    "nothing": ("\n# nothing\n", 1, "empty", "format: 1"),
    "another thing": ("just text", 1, "fields are expected", "format, name"),
    "two documents": (LESSON + "---\na: 1\n", 29, "not yaml", "indent"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_with_its_line_and_a_remedy(what):
    text, line, problem, remedy = WRONG[what]
    with pytest.raises(LessonError) as caught:
        read(text)
    said = str(caught.value)
    assert caught.value.line == line, said
    assert said.startswith(f"Line {line}: ")
    assert problem.lower() in said.lower()
    assert remedy.lower() in said.lower()
    assert len(said) < 800
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.line) == (said, line)


HOSTILE = {
    "a megabyte": "a" * 1_000_000,
    "a megabyte of lines": "- a\n" * 250_000,
    "lists in lists": "[" * 60_000,
    "mappings in mappings": "{a: " * 15_000,
    "indented lists": "\n".join(" " * depth + "-" for depth in range(340)),
    "a great many parts": "[" + "a," * 30_000,
    "a great many names": "".join(f"a{index}: b\n" for index in range(6000)),
    "aliases of aliases": "a: &a [x, x]\n" + "".join(f"b{each}: &b{each} [*a, *a]\n" for each in range(100)),
    "an object": "!!python/object/apply:os.system ['true']",
    "half of a pair": "\ud800",
    "a merge": "<<: {a: b}",
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_text_is_refused_quickly(what):
    start = time.process_time()
    with pytest.raises(LessonError):
        read(HOSTILE[what])
    assert time.process_time() - start < 5  # a few hundredths; the time of a bomb knows no such bound


def test_a_text_of_nearly_the_largest_size_is_a_lesson():
    text = LESSON + "#" * (MOST_BYTES - len(LESSON.encode()))
    assert read(text)["name"] == "mine"
    with pytest.raises(LessonError, match="64 kB"):
        read(text + "#")


def test_sentences_end_at_the_end_of_a_word():
    assert sentences("It holds 1.5 of them. So? Yes!") == ["It holds 1.5 of them.", "So?", "Yes!"]


def test_a_folder_adds_lessons_and_says_which_files_are_none(tmp_path, caplog):
    (tmp_path / "mine.yaml").write_text(LESSON, encoding="utf-8-sig")  # as some editors write it
    (tmp_path / "other.yml").write_text(LESSON, encoding="utf-8")
    (tmp_path / "far.yaml").write_text(LESSON.replace("name: mine\ntitle: ", "title: Its name is a title\nname: far\n# "), encoding="utf-8")
    (tmp_path / "broken.json").write_text('{"format": 1}', encoding="utf-8")
    (tmp_path / "latin.yaml").write_bytes(b"format: 1\nname: caf\xe9\n")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG")
    (tmp_path / "folder.yaml").mkdir()
    found = LessonsApi(tmp_path).lessons()
    assert [each["name"] for each in found["lessons"]] == [*ORDER, "mine"]
    problems = {each["file"]: (each["line"], each["error"]) for each in found["problems"]}
    assert {name: line for name, (line, _) in problems.items()} == {"broken.json": 1, "far.yaml": 3, "latin.yaml": 2, "other.yml": 2}
    assert "the file is called other" in problems["other.yml"][1]
    assert "another lesson “far”" in problems["far.yaml"][1]
    assert "UTF-8" in problems["latin.yaml"][1]
    assert "broken.json" in caplog.text  # and at the start
    with pytest.raises(ValueError, match=r"There is no folder .*nowhere with lessons"):
        LessonsApi(tmp_path / "nowhere")
