"""What docs/ says is so: its example is a lesson, its tables are the reader's, and its questionnaire is complete."""

import re
from pathlib import Path

import pytest

from visualize.page.lessons.measures import MEASURES, PARAMETERS, POINTS
from visualize.page.lessons.reader import read

DOCS = Path(__file__).parent.parent / "docs"
LESSONS = (DOCS / "lessons.md").read_text(encoding="utf-8")
HOSTING = (DOCS / "hosting.md").read_text(encoding="utf-8")
QUESTIONNAIRE = (DOCS / "questionnaire.md").read_text(encoding="utf-8")
[EXAMPLE] = re.findall(r"^```yaml\n(.*?)^```", LESSONS, re.M | re.S)


def rows(text: str, heading: str) -> list[list[str]]:
    """The rows of the table whose first heading this is."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.M)
    assert table
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table[1].splitlines()]


def test_the_example_is_a_lesson_that_shows_every_kind_of_question():
    lesson = read(EXAMPLE)
    asked = [step[part] for step in lesson["steps"] for part in ("ask", "after") if part in step]
    assert {each["kind"] for each in asked} == {"cells", "number", "choice"}
    assert {field for step in lesson["steps"] for field in step} == {"title", "view", "point", "say", "do", "ask", "show", "after"}
    fields = {field for each in asked for field in each}
    assert fields == {"text", "kind", "measure", "options", "right", "count", "tolerance"}


def test_every_measure_is_described_with_its_parameters():
    described = {name.strip("`"): (kind, takes) for name, kind, takes, _ in rows(LESSONS, "Measure")}
    assert described == {
        name: (each.kind, ", ".join(f"{one}?" if one in each.optional else one for one in each.takes)) for name, each in MEASURES.items()
    }
    named = [name for first, _ in rows(LESSONS, "Parameter") for name in re.findall(r"`(\w+)`", first)]
    assert sorted(named) == sorted(PARAMETERS)


def test_every_point_is_named():
    [line] = re.findall(r"^\*\*Points:\*\* (.*?)\n\n", LESSONS, re.M | re.S)
    assert tuple(re.findall(r"`(\w+)`", line)) == POINTS


def test_the_class_code_is_one_that_is_read():
    [code] = re.findall(r"`(CVT-[^`]+)`", LESSONS)
    assert code in (DOCS.parent / "tests/web/class/code.test.mjs").read_text(encoding="utf-8")


def test_there_is_a_key_for_every_question_and_its_letter_is_offered():
    key = {name: letter for name, letter, _ in rows(QUESTIONNAIRE, "Question")}
    asked = re.findall(r"^\*\*([AB]\d)\. (.*?)\*\*.*?\n\n(a\).*?)\n\n", QUESTIONNAIRE, re.M | re.S)
    assert [name for name, _, _ in asked] == [f"{variant}{number}" for variant in "AB" for number in range(1, 9)] == list(key)
    for name, _, answers in asked:
        assert re.findall(r"(?:^| )([a-z])\) ", answers, re.M) == list("abcd")
        assert key[name] in "abcd"
    titles = {name: title for name, title, _ in asked}
    assert all(titles[f"A{number}"] == titles[f"B{number}"] for number in range(1, 9))


@pytest.mark.parametrize("document", [LESSONS, QUESTIONNAIRE, HOSTING], ids=["lessons", "questionnaire", "hosting"])
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!http)([^)#]+)", document):
        assert (DOCS / target).exists(), target


def test_the_scale_has_its_ten_sentences():
    [scale] = re.findall(r"## The System Usability Scale\n(.*)", QUESTIONNAIRE, re.S)
    sentences = re.findall(r"^(\d+)\. (I .*\.)$", scale, re.M)
    assert [int(number) for number, _ in sentences] == list(range(1, 11))
