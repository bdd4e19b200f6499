"""Class codes and lessons of one's own: a person's answers reach the teacher as text and as files, and a lesson is recorded and tried."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.browser import axe

pytest.importorskip("gradio")

pytestmark = pytest.mark.browser
HOSTILE = "<img src=x onerror=alert(1)>"
ANSWERS = {
    "1.ask": {"value": [5, 100, 143], "right": True, "score": 1, "shape": [12, 12]},
    "2.ask": {"value": "2", "right": False, "score": 0},
    "2.after": {"value": "yes", "right": True, "score": 1},
    "3.ask": {"value": 48, "right": True, "score": 0.9},
    "4.ask": {"value": None, "right": False, "score": 0},
}
# As if the lesson with this name had been left at its last step.
LEAVE = """async ([name, answers]) => {
  const { lessons } = await (await fetch("lessons")).json();
  const lesson = lessons.find((each) => each.name === name);
  cvt.page.update({ lesson: { lesson, link: name, step: 1, phase: "seen", answers, problem: "" } });
  cvt.page.update({ lesson: null });
}"""
DROP = """([selector, files]) => {
  const data = new DataTransfer();
  for (const [name, text, times] of files) data.items.add(new File([text.repeat(times ?? 1)], name));
  const event = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
  document.querySelector(selector).dispatchEvent(event);
  return event.defaultPrevented;
}"""


@pytest.fixture
def tab(seen):
    """The tab of lessons in the shared visit, which finds it as it was."""
    page = seen.page
    page.get_by_role("tab", name="Lessons").click()
    page.wait_for_selector("[data-begin=heads]")
    yield page
    page.unroute_all()
    page.evaluate("localStorage.clear(); cvt.page.update({ making: false, lesson: null })")
    for name in ("Start over", "Close"):
        for each in page.locator(".cvt-answers").get_by_role("button", name=name).all():
            if each.is_visible():
                each.click()


def code_of(page, name: str) -> str:
    page.get_by_label("Your name, if you like").fill(name)
    return page.get_by_role("group", name="Class code").inner_text()


def saved(page, button: str) -> tuple[str, str]:
    """The name and the text of the file that a button saves."""
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return download.value.suggested_filename, Path(download.value.path()).read_text(encoding="utf-8-sig")


def read(page, text: str) -> None:
    page.locator(".cvt-answers textarea").fill(text)
    page.get_by_role("button", name="Read the text").click()


def test_answers_reach_the_teacher_as_codes_and_as_files(tab, seen):
    tab.evaluate(LEAVE, ["heads", ANSWERS])
    tab.wait_for_selector("[data-ref=yours]:not([hidden])")
    assert "3 of 5 answers are right" in tab.locator("[data-ref=yours]").inner_text()
    ada, eve, nobody = code_of(tab, "Ada"), code_of(tab, HOSTILE), code_of(tab, "")
    assert len({ada, eve, nobody}) == 3
    code_of(tab, "Ben")
    name, ben = saved(tab, "Save as JSON")
    assert (name, json.loads(ben)["answers"]) == ("heads-ben.json", ANSWERS)
    assert axe.violations(tab, "[data-ref=yours]") == []

    before = len(seen.requests)
    tab.get_by_role("button", name="Read class codes").click()
    tab.wait_for_selector("[data-ref=teachers]:not([hidden])")
    damaged = ada[:-1] + ("A" if ada[-1] != "A" else "B")
    read(tab, f"Ada: {ada}\n{eve}\tEve\n{damaged}\n> {ada}\n{nobody}")
    tab.wait_for_selector("[data-slot='4.ask']")
    assert tab.evaluate(DROP, ["[data-ref=teachers]", [["heads-ben.json", ben], ["notes.txt", "nothing"]]])
    tab.wait_for_function("document.querySelector('[data-ref=teachers]').textContent.includes('4 sets of answers')")
    shown = tab.locator("[data-ref=teachers]")
    assert "notes.txt: there are no answers" in shown.inner_text()
    assert [each.inner_text() for each in tab.locator("[data-slot='2.ask'] li").all()] == [
        f"Head 2\n4 of 4\n\nAda, {HOSTILE[:24]}, Ben and 1 more"
    ]
    assert "4 of 4, right" in tab.locator("[data-slot='2.after']").inner_text()
    assert tab.locator("[data-slot='3.ask'] circle").count() == 4
    assert tab.locator("[data-slot='1.ask'] .cvt-answers-cell").count() == 3
    assert "4 had it shown without a guess: Ada," in tab.locator("[data-slot='4.ask']").inner_text()
    assert shown.locator("img").count() == 0
    assert axe.violations(tab, "[data-ref=teachers]") == []

    name, table = saved(tab, "Save as a table (CSV)")
    rows = list(csv.DictReader(io.StringIO(table)))
    assert (name, len(rows), {row["person"] for row in rows}) == ("answers.csv", 20, {"Ada", HOSTILE[:24], "Ben", "3"})
    tab.get_by_label("Show names").uncheck()
    assert "Ada" not in shown.inner_text()
    assert "Ada" not in saved(tab, "Save as a table (CSV)")[1]
    tab.get_by_label("Show names").check()
    assert [url for url in seen.requests_since(before) if "/modules/" not in url and not url.startswith("blob:")] == []


def test_what_is_damaged_twice_or_too_much_is_said(tab):
    tab.evaluate(LEAVE, ["far", {"1.ask": {"value": 20, "right": True, "score": 1}}])
    tab.wait_for_selector("[data-ref=yours]:not([hidden])")
    code = code_of(tab, "Ada")
    tab.get_by_role("button", name="Read class codes").click()
    tab.wait_for_selector("[data-ref=teachers]:not([hidden])")
    problems = tab.locator("[data-ref=teachers] .cvt-answers-problems")
    cut = code[:-1].rstrip("-")
    read(tab, f"\n{cut}\n{code}\n{code.lower()}")
    problems.locator("li").nth(1).wait_for()
    assert problems.locator("li").all_inner_texts() == [
        "The answers of Ada to “far” came 2 times and count once.",
        f"Line 2: the code {cut} has a wrong or missing letter. Ask for it again.",
    ]
    for text, times, sentence in (
        (f"{code}\n", 50_000, "With these 50000 codes there are more than the page can show"),
        ("x", 10_000_000, "This is 10 MB. Read at most 4 MB at once."),
    ):
        assert tab.evaluate(DROP, ["[data-ref=teachers]", [["class.txt", text, times]]])  # a browser takes long to lay out a field of this
        problems.get_by_text(sentence).wait_for()
    read(tab, "hello")
    problems.get_by_text("There is no class code in this text.").wait_for()
    assert tab.locator("[data-slot='1.ask'] circle").count() == 1
    tab.locator(".cvt-answers textarea").fill("")


def field(page, path: str):
    return page.locator(f'[data-path="{path}"]')


def test_a_lesson_is_recorded_tried_and_saved(tab, tmp_path):
    tab.get_by_role("button", name="Make a lesson").click()
    tab.wait_for_function("document.activeElement.id === 'cvt-make-title'")
    tab.get_by_role("tab", name="Look").click()
    add = tab.get_by_role("button", name="Add this view as a step")
    add.click()
    tab.keyboard.type("The nose")  # the new step's heading has the focus
    field(tab, "title").fill("Where does it look?")
    assert field(tab, "name").get_attribute("placeholder") == "where-does-it-look"
    assert field(tab, "steps.0.view").input_value().startswith("tab=explore&stage=")
    tab.get_by_role("button", name="Save as a file").click()
    tab.wait_for_function("document.activeElement.dataset.path === 'steps.0.say'")
    assert field(tab, "steps.0.say").get_attribute("aria-invalid") == "true"
    assert tab.locator("[data-wrong='steps.0.say']").inner_text().startswith("“say” needs text")  # without the line of the file
    tab.keyboard.type("It looks somewhere.")
    assert field(tab, "steps.0.say").get_attribute("aria-invalid") == "false"
    field(tab, "steps.0.ask").select_option("choice")
    field(tab, "steps.0.ask.text").fill("Which head looks nearest?")
    field(tab, "steps.0.ask.measure.name").select_option("nearest-head")
    field(tab, "steps.0.ask.measure.stage").fill("x")
    tab.get_by_role("button", name="Save as a file").click()
    tab.wait_for_function("document.activeElement.dataset.path === 'steps.0.ask.measure.name'")
    field(tab, "steps.0.ask.measure.stage").fill("last")
    assert axe.violations(tab, "[data-make]") == []

    tab.get_by_role("tab", name="Break it").click()
    add.click()
    tab.keyboard.type("Second")
    field(tab, "steps.1.say").fill("And now.")
    tab.get_by_role("button", name="Move step 2 up").focus()
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Move step 1 down"
    assert tab.locator(".cvt-make-step").all_inner_texts() == ["1. Second", "2. The nose"]

    name, text = saved(tab, "Save as a file")
    assert name == "where-does-it-look.yaml"
    assert "measure: {name: nearest-head, stage: last, block: last}" in text
    tab.get_by_role("button", name="Try step 2").click()
    tab.locator("[data-lesson]").get_by_text("Which head looks nearest?").wait_for()
    assert tab.locator("[data-make]").is_hidden()
    tab.locator("[data-lesson]").get_by_role("button", name="Leave").click()
    tab.locator("[data-make]").wait_for()

    kept = json.loads(tab.evaluate("localStorage.getItem('cvt-draft')"))
    assert [step["title"] for step in kept["steps"]] == ["Second", "The nose"]
    tab.get_by_role("button", name="Discard").click()
    assert tab.locator(".cvt-make-step").count() == 0
    assert tab.evaluate("localStorage.getItem('cvt-draft')") is None
    tab.get_by_role("button", name="Undo").click()
    assert tab.locator(".cvt-make-step").count() == 2
    tab.get_by_role("button", name="Delete step 1").click()
    (tmp_path / name).write_text(text, encoding="utf-8")
    with tab.expect_file_chooser() as dialog:
        tab.get_by_role("button", name="Open a file").click()
    dialog.value.set_files(tmp_path / name)
    tab.locator("[data-ref=makeStatus]").get_by_text("Opened.").wait_for()
    assert saved(tab, "Save as a file") == (name, text)
    tab.get_by_role("button", name="Discard").click()
