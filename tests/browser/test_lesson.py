"""Lessons as people go through them: by pointer, by keyboard, on a phone, from a link, and from a file of their own."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("gradio")

from tests.browser import axe
from tests.page.lessons.test_reader import LESSON

pytestmark = pytest.mark.browser

OWN = """\
format: 1
name: own
title: A lesson of one's own
minutes: 1
steps:
  - title: A choice
    view: picture=bison&tab=explore&stage=1&layer=features&depth=none
    point: picture
    say: This step asks what a teacher knows.
    ask: {text: "Which?", kind: choice, options: [this, that], right: 2}
    show: layer=none
    after: {text: "How many keys does stage 2 have?", kind: number, measure: {name: keys, stage: 2}}
  - title: Cells
    view: stage=2&block=last&head=1&layer=attention
    point: examples
    say: Which cells does a token look at?
    ask: {text: Click three cells., kind: cells, count: 3, measure: {name: attention, stage: 2, block: last, head: 1, token: held}}
  - title: Nothing to ask
    say: A model of three stages has no fourth one.
    ask: {text: "How far?", kind: number, measure: {name: distance, stage: 9}}
"""
PANEL = "[data-lesson]"
CELLS = ".cvt-lesson-cells"
HIDDEN = "(selector) => getComputedStyle(document.querySelector(selector)).visibility === 'hidden'"
OVERLAY = '[data-explorer="main"] [data-ref="overlay"]'
# Three cells of the block's last stage that hold most of what the held token looks at, by the page's bytes alone.
BEST = """() => { const { result, state } = cvt.explorer(), block = result.block(1, 1), { query } = result.stages[1];
  const row = Math.round((state.y - query.first[0]) / query.stride[0]), column = Math.round((state.x - query.first[1]) / query.stride[1]);
  const at = (0 * block.queries + row * query.shape[1] + column) * block.keys;
  const values = Array.from({ length: block.keys }, (_, key) => block.weights[at + key]);
  return [...values.keys()].sort((a, b) => values[b] - values[a]).slice(0, 3); }"""


class Lesson:
    """A running lesson on a page."""

    def __init__(self, seen):
        self.seen, self.page = seen, seen.page

    @property
    def state(self) -> dict:
        return self.page.evaluate("(({ lesson, ...rest }) => ({ ...rest, name: lesson.name }))(cvt.page.state.lesson)")

    def begin(self, link: str, step: int = 1) -> None:
        self.page.evaluate("(begins) => cvt.page.update({ begins })", {"link": link, "step": step})
        self.page.wait_for_function("(link) => cvt.page.state.lesson?.link === link", arg=link)
        self.asked()

    def begin_own(self, text: str = OWN, name: str = "own.yaml") -> None:
        """By dropping a file on the page."""
        transfer = self.page.evaluate_handle(
            "([name, text]) => { const each = new DataTransfer(); each.items.add(new File([text], name)); return each; }", [name, text]
        )
        self.page.dispatch_event(OVERLAY, "drop", {"dataTransfer": transfer})

    def asked(self, part: str = "ask") -> None:
        self.page.wait_for_selector(f"{PANEL} [data-ref={part}] :is(.cvt-lesson-answer, .cvt-lesson-result:not(:empty))")

    def phase(self, phase: str) -> None:
        """Waits for it; what is shown may be followed by nothing that is asked, and so be seen at once."""
        later = [phase, "seen"] if phase == "shown" else [phase]
        self.page.wait_for_function("(phases) => phases.includes(cvt.page.state.lesson?.phase)", arg=later)

    def result(self, part: str = "ask") -> str:
        line = f"{PANEL} [data-ref={part}] .cvt-lesson-result:not(:empty)"
        self.page.wait_for_selector(line)
        return self.page.inner_text(line)

    def press(self, name: str, part: str = "") -> None:
        self.page.locator(f"{PANEL} {part}").get_by_role("button", name=name, exact=True).click()

    def focused(self) -> str:
        return self.page.evaluate("document.activeElement.textContent.trim()")


@pytest.fixture
def lesson(seen):
    yield Lesson(seen)
    seen.page.unroute_all()


def test_by_pointer_from_the_list_with_a_wrong_and_a_right_answer(lesson):
    page = lesson.page
    page.get_by_role("tab", name="Lessons").click()
    page.get_by_role("button", name="Begin: What does kv stride 2 buy?").click()
    lesson.asked()
    assert lesson.focused() == "Fewer keys than queries"
    assert page.get_by_role("tab", name="Look").get_attribute("aria-selected") == "true"  # as its view says
    assert page.evaluate("cvt.explorer().state.stage") == 1
    page.wait_for_function("new URLSearchParams(location.search).get('lesson') === 'stride'")
    page.set_viewport_size({"width": 1440, "height": 900})  # beside the panel each part of the flow is as wide as its name
    page.wait_for_function(
        "[...document.querySelectorAll('.cvt-part')].filter((each) => each.checkVisibility())"
        ".every((each, _, all) => all.length > 3 && each.scrollWidth <= each.clientWidth)"
    )
    answer = page.locator(f"{PANEL} .cvt-lesson-answer")
    assert answer.is_disabled()
    page.locator(f"{PANEL} input[type=number]").fill("20")
    answer.click()
    said = lesson.result()
    assert said.startswith("Not quite.")
    assert "You said 20: 124 too few." in said  # 12×12 keys
    assert page.locator(f"{PANEL} .cvt-lesson-mark").count() == 2
    assert lesson.focused() == "Next"
    assert lesson.state["answers"]["1.ask"] == {"value": 20, "right": False, "score": 0}
    lesson.press("Next")
    lesson.asked()
    lesson.press("Back")
    lesson.asked()
    page.locator(f"{PANEL} input[type=range]").fill("144")
    assert page.locator(f"{PANEL} input[type=number]").input_value() == "144"
    answer.click()
    assert lesson.result().startswith("Right.")
    assert lesson.state["answers"]["1.ask"]["value"] == 20  # the first is the prediction
    lesson.press("Leave")
    assert lesson.page.evaluate("cvt.page.state.lesson") is None
    assert lesson.focused() == "Look"
    page.wait_for_function("!new URLSearchParams(location.search).has('lesson')")
    page.get_by_role("tab", name="Lessons").click()
    entry = page.locator("[data-lesson-name=stride]")
    assert "1 of 5 steps done · 0 of 1 predictions right" in entry.inner_text()
    entry.get_by_role("button", name="Resume").click()
    lesson.asked()
    assert lesson.state["step"] == 1
    page.keyboard.press("Escape")
    entry.page.get_by_role("tab", name="Lessons").click()
    entry.get_by_role("button", name="Start again").click()
    lesson.asked()
    assert lesson.state["answers"] == {}


def test_a_file_of_ones_own_by_keyboard_alone(lesson):
    page, seen = lesson.page, lesson.seen
    page.wait_for_function("!new URLSearchParams(location.search).has('lesson')")  # the host sends the address along with events
    asked_before = len(seen.requests)
    lesson.begin_own()
    lesson.asked()
    seen.wait_for_example("bison")  # the step names it
    state = page.evaluate("cvt.explorer().state")
    assert (state["stage"], state["layer"]) == (0, "features")
    assert not any("lesson=" in url for url in seen.requests[asked_before:])
    page.locator(f"{PANEL} input[type=radio]").first.focus()
    page.keyboard.press("ArrowDown")  # chooses, but does not answer
    assert lesson.state["phase"] == "ask"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    lesson.phase("shown")
    assert lesson.result() == "Right."
    assert page.locator(f"{PANEL} [data-true][data-mine]").inner_text().split("\n")[0].startswith("that")
    lesson.asked("after")
    assert page.evaluate("cvt.explorer().state.layer") == "none"  # what is shown after the answer
    assert lesson.focused() == "How many keys does stage 2 have?"
    lesson.press("Show me")
    lesson.phase("seen")
    assert "144 keys" in lesson.result("after")
    page.keyboard.press("Enter")  # the focus is on Next
    page.wait_for_selector(CELLS)
    assert page.evaluate(HIDDEN, OVERLAY)  # the light would tell
    assert page.evaluate(HIDDEN, '[data-explorer="main"] [data-ref="spots"]')
    page.get_by_role("button", name="Go to the picture").focus()
    page.keyboard.press("Enter")
    assert page.evaluate(f"document.activeElement.matches('{CELLS}')")
    assert page.get_by_text("Arrow keys move, Enter marks").is_visible()
    for key in ("ArrowUp", "ArrowLeft", "Enter"):  # the token first
        page.keyboard.press(key)
    held = page.evaluate("cvt.explorer().state")
    assert held["pinned"]
    best = page.evaluate(BEST)
    row, column = 6, 6
    for cell in best:
        for _ in range(abs(cell // 12 - row)):
            page.keyboard.press("ArrowDown" if cell // 12 > row else "ArrowUp")
        for _ in range(abs(cell % 12 - column)):
            page.keyboard.press("ArrowRight" if cell % 12 > column else "ArrowLeft")
        row, column = divmod(cell, 12)
        page.keyboard.down("Enter")
        page.keyboard.down("Enter")  # which repeats while it is held, and presses nothing else
        page.keyboard.up("Enter")
    assert lesson.focused() == "Answer"
    assert lesson.state["phase"] == "ask"
    page.keyboard.press("Enter")
    lesson.phase("seen")
    said = lesson.result()
    assert said.startswith("Right.")
    assert not page.evaluate(HIDDEN, OVERLAY)
    answers = lesson.state["answers"]
    assert (answers["2.ask"]["value"], answers["2.ask"]["right"]) == (best, True)
    assert answers["2.ask"]["score"] == pytest.approx(1, abs=1e-6)
    assert answers["1.after"] == {"value": None, "right": False, "score": 0}
    page.keyboard.press("Enter")
    lesson.phase("seen")
    assert "stage 9" in lesson.result()  # it cannot be asked here, says why, and goes on
    lesson.press("Finish")
    assert lesson.page.evaluate("cvt.page.state.lesson") is None
    assert lesson.focused() == "Lessons"
    assert page.get_by_role("tab", name="Lessons").get_attribute("aria-selected") == "true"


def test_a_file_with_a_mistake_is_named_with_its_line(lesson):
    page = lesson.page
    page.get_by_role("tab", name="Lessons").click()
    with page.expect_file_chooser() as dialog:
        page.get_by_role("button", name="Choose a file").click()
    text = LESSON.replace("kind: cells", "kind: chioce")
    dialog.value.set_files({"name": "mine.yaml", "mimeType": "text/yaml", "buffer": text.encode()})
    alert = page.locator("[data-ref=listProblem]")
    alert.wait_for()
    assert alert.inner_text() == "mine.yaml: Line 13: “kind” is “chioce”. Choose among cells, number, choice."
    assert page.evaluate("cvt.page.state.lesson") is None
    lesson.begin("far")  # which takes it away
    assert not alert.is_visible()


def test_escape_is_meant_for_what_is_open_first(lesson):
    page = lesson.page
    lesson.begin("far")
    page.locator(f"{PANEL} .cvt-term").first.click()
    page.locator(".cvt-tip").wait_for()
    page.keyboard.press("Escape")
    assert page.locator(".cvt-tip").count() == 0
    assert lesson.state["step"] == 1
    page.evaluate("cvt.explorer().set({ depth: 'attention' })")
    lesson.seen.drawn()  # which replaces the buttons
    page.locator('[data-explorer="main"] [data-ref="heads"] button').first.focus()
    page.keyboard.press("Escape")  # closes the depth
    assert page.evaluate("cvt.explorer().state.depth") == "none"
    assert lesson.state["step"] == 1
    page.keyboard.press("Escape")
    assert page.evaluate("cvt.page.state.lesson") is None
    assert page.evaluate("cvt.explorer().state.stage") == 0  # the page stays as it stands
    assert page.locator(PANEL).is_hidden()
    assert page.evaluate("document.documentElement.dataset.cvtLesson ?? null") is None  # and has its room again


def test_another_picture_is_asked_about_anew_and_a_failure_can_be_tried_again(lesson):
    page, seen = lesson.page, lesson.seen
    lesson.begin("position")
    page.route("**/break/transform", lambda route: route.abort())
    labels = page.locator(f"{PANEL} [data-ref=ask] label")
    labels.first.click()
    lesson.press("Answer")
    page.locator(f"{PANEL} [role=alert]").wait_for()
    assert lesson.state["phase"] == "ask"
    assert lesson.state["problem"]
    seen.problems.clear()  # the console's line on it
    page.unroute("**/break/transform")
    page.evaluate("cvt.page.update({ asked: { picture: { example: 'koala' } } })")
    seen.wait_for_example("koala")
    lesson.asked()
    assert lesson.state["problem"] == ""
    held = []
    page.route("**/break/transform", lambda route: held.append(route))
    labels.first.click()
    lesson.press("Answer")
    page.wait_for_selector(f"{PANEL} [data-busy]")
    assert page.locator(f"{PANEL} [inert] label").count() == labels.count()  # what was sent stays as it is
    labels.last.evaluate("(label) => label.click()")
    seen.drawn()
    held[0].continue_()
    lesson.phase("shown")
    assert lesson.result()
    assert labels.evaluate_all("(all) => all.map((each) => each.hasAttribute('data-mine'))") == [True, False]
    page.evaluate("cvt.page.update({ asked: { picture: { example: 'bison' } } })")
    seen.wait_for_example("bison")
    lesson.press("Predict for this picture")
    lesson.phase("ask")
    lesson.asked()
    labels.first.click()
    lesson.press("Answer")
    page.wait_for_selector(f"{PANEL} [data-busy]")
    lesson.press("Leave")  # while the model runs
    assert page.evaluate("cvt.page.state.lesson") is None


def test_hovering_asks_nobody(lesson):
    page, seen = lesson.page, lesson.seen
    lesson.begin("far", 3)
    page.wait_for_selector(CELLS)
    count = len(seen.requests)
    for selector in (CELLS, f"{PANEL} .cvt-lesson-answer", f"{PANEL} [data-ref=next]", f"{PANEL} [data-ref=say]"):
        box = page.locator(selector).bounding_box()
        page.mouse.move(box["x"] + 5, box["y"] + 5)
        page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] - 5, steps=5)
    seen.drawn()
    assert seen.requests_since(count) == []


def test_a_link_opens_at_its_step_and_a_reload_resumes(visit, served):
    seen = visit(f"{served}/?lesson=far&step=2&hide=upload")
    lesson = Lesson(seen)
    lesson.asked()
    assert (lesson.state["name"], lesson.state["step"]) == ("far", 2)
    assert not seen.page.locator("#picture-upload").is_visible()
    lesson.press("Show me")
    lesson.phase("shown")
    lesson.press("Next")
    lesson.asked()
    seen.page.wait_for_function("new URLSearchParams(location.search).get('step') === '3'")
    assert seen.page.evaluate("new URLSearchParams(location.search).get('hide')") == "upload"
    seen.page.reload()
    lesson.asked()
    assert lesson.state["step"] == 3
    assert lesson.state["answers"]["2.ask"]["value"] is None
    stored = json.loads(seen.page.evaluate("localStorage['cvt-lessons']"))
    assert (stored["far"]["step"], stored["far"]["done"]) == (3, [])  # what came after the answer was not answered


def test_a_lesson_at_an_address_is_fetched_by_the_browser(lesson):
    page, seen = lesson.page, lesson.seen
    address = "https://lessons.test/own.yaml"
    page.route(address, lambda route: route.fulfill(body=OWN, headers={"access-control-allow-origin": "*"}))
    lesson.begin(address)
    assert lesson.state["name"] == "own"
    page.wait_for_function("(address) => new URLSearchParams(location.search).get('lesson') === address", arg=address)
    lesson.press("Leave")
    held = []
    page.route(address, lambda route: held.append(route))
    begin = "(link) => cvt.page.update({ begins: { link } })"
    with page.expect_request(address):
        page.evaluate(begin, address)
    lesson.begin("far")
    held[0].fulfill(body=OWN, headers={"access-control-allow-origin": "*"})
    seen.drawn()
    assert lesson.state["name"] == "far"  # the one that was asked for last
    page.route(address, lambda route: route.abort())
    page.evaluate(begin, address)
    page.locator("[data-ref=listProblem]").get_by_text("cannot be loaded").wait_for()
    seen.problems.clear()  # the console's line on it
    seen.requests[:] = [url for url in seen.requests if not url.startswith("https://lessons.test/")]


def test_on_a_phone_what_is_pointed_at_is_not_covered(phone):
    lesson, page = Lesson(phone), phone.page
    box = "(selector) => { const { top, bottom } = document.querySelector(selector).getBoundingClientRect(); return [top, bottom]; }"
    for link, step in (("far", 3), ("heads", 2)):
        lesson.begin(link, step)
        page.wait_for_function("document.querySelector('[data-cvt-pointed]')")
        top, bottom = page.evaluate(box, PANEL)
        assert (bottom, bottom - top) == (844, pytest.approx(min(bottom - top, 0.45 * 844 + 1)))
        page.wait_for_function(
            "([height]) => { const { top } = document.querySelector('[data-cvt-pointed]').getBoundingClientRect();"
            " return top >= 0 && top < height - 100; }",
            arg=[top],
        )
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
        small = page.evaluate(
            "() => [...document.querySelectorAll('[data-lesson] :is(button, input[type=number], label)')]"
            ".filter((each) => each.checkVisibility() && !each.matches('p button')).map((each) => each.getBoundingClientRect())"
            ".filter(({ width, height }) => height < 43.5 || width < 43.5).length"
        )
        assert small == 0
    page.get_by_role("button", name="Fold", exact=True).tap()
    folded, _ = page.evaluate(box, PANEL)
    assert folded > top
    page.get_by_role("button", name="Unfold").tap()
    lesson.begin("far", 3)
    at = page.locator(CELLS).bounding_box()
    for x, y in ((0.5, 0.5), (0.2, 0.2), (0.2, 0.4), (0.6, 0.4)):  # the token, then three cells
        page.touchscreen.tap(at["x"] + x * at["width"], at["y"] + y * at["height"])
    page.get_by_role("button", name="Answer").tap()
    lesson.phase("seen")
    assert len(lesson.state["answers"]["3.ask"]["value"]) == 3


def test_nothing_is_found_wrong_by_axe(lesson):
    page = lesson.page
    page.get_by_role("tab", name="Lessons").click()
    page.wait_for_selector("[data-begin]")
    try:
        for dark in (False, True):
            page.evaluate("(dark) => document.body.classList.toggle('dark', dark)", dark)
            only = axe.CONTRAST if dark else ()
            page.get_by_role("tab", name="Lessons").click()
            assert axe.violations(page, "[data-lessons]", only) == []
            lesson.begin(*(("stride", 1) if dark else ("heads", 3)))
            assert axe.violations(page, PANEL, only) == []
            lesson.press("Show me", "[data-ref=ask]")
            lesson.result()
            assert axe.violations(page, PANEL, only) == []
    finally:
        page.evaluate("document.body.classList.remove('dark')")


def test_each_question_of_the_first_screen_leads_into_its_lesson(seen):
    lesson, page = Lesson(seen), seen.page
    ways = page.locator(".cvt-question-lesson")
    names = ways.evaluate_all("(all) => all.map((each) => each.dataset.leads)")
    assert sorted(names) == ["cls", "decided", "far", "heads", "overlap", "position", "projection", "stride"]
    ways.nth(names.index("decided")).click()
    lesson.asked()
    assert lesson.state["name"] == "decided"
    page.locator("[data-break] .cvt-break-experiment").wait_for(state="attached")
    assert page.evaluate(HIDDEN, "[data-break] .cvt-break-experiment")
    lesson.press("Show me")
    lesson.phase("shown")
    page.locator("[data-break] .cvt-plot").wait_for()  # it does not ask again
    assert not page.evaluate(HIDDEN, "[data-break] .cvt-break-experiment")
