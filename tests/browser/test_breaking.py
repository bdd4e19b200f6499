"""The tab "Break it" around its experiments: each is reached by its question and by the link, in every size, light and dark."""

import pytest

pytest.importorskip("gradio")

from tests.browser import axe
from tests.browser.test_first_screen import SMALL, TARGETS, WIDE
from visualize.page.link.choices import TABLE

pytestmark = pytest.mark.browser
QUESTIONS = TABLE["experiment"].values
# The experiment is open, has drawn something, and waits for nothing.
SETTLED = """name => { const body = document.querySelector(`[data-break] [data-experiment="${name}"]`);
  return body?.children.length && !document.querySelector("[data-break] [data-busy]") && cvt.page.state.view.before; }"""
ANSWERS = ("[data-ref=finding]", "[data-side=before] [data-ref=picture]", "[data-ref=bars]")
IN_VIEW = """(selectors) => selectors.every((each) => {
  const { top, bottom } = document.querySelector(`[data-break] ${each}`).getBoundingClientRect();
  return top >= 0 && bottom <= innerHeight && bottom > top; })"""


def open_experiment(seen, name):
    seen.page.get_by_role("button", name=QUESTIONS[name]).click()
    seen.page.wait_for_function(SETTLED, arg=name, timeout=60_000)
    seen.drawn()


@pytest.fixture
def broken(seen):
    seen.page.get_by_role("tab", name="Break it").click()
    yield seen
    open_experiment(seen, "knock")


def test_every_question_opens_its_experiment_by_the_rules_of_accessibility(broken):
    page = broken.page
    for name in QUESTIONS:
        open_experiment(broken, name)
        assert page.get_by_role("button", name=QUESTIONS[name]).get_attribute("aria-pressed") == "true"
        assert page.locator("[data-break] [aria-pressed=true][data-value]", has_text=QUESTIONS[name]).count() == 1
        assert page.evaluate(SMALL, 14) == [], name
        for dark in (False, True):
            page.evaluate("dark => document.body.classList.toggle('dark', dark)", dark)
            within = "[data-break]" if dark or name != "knock" else None  # the rest of the page stays the same
            assert axe.violations(page, within, only=axe.CONTRAST if dark else ()) == [], (name, dark)
        page.evaluate("document.body.classList.remove('dark')")
        for width, height in ((1440, 900), (1024, 768)):
            page.set_viewport_size({"width": width, "height": height})
            page.evaluate("scrollTo(0, 0)")
            broken.drawn()
            assert page.evaluate(WIDE) <= 0, (name, width)
            assert page.evaluate(IN_VIEW, ANSWERS), (name, width)


def test_a_phone_has_room_for_every_experiment(phone, served):
    seen = phone
    seen.page.goto(f"{served}/?tab=break&experiment=decide")
    seen.page.wait_for_function(SETTLED, arg="decide", timeout=60_000)  # by the link
    for name in QUESTIONS:
        open_experiment(seen, name)
        assert seen.page.evaluate(WIDE) <= 0, name
        assert seen.page.evaluate(TARGETS, 44) == [], name
        seen.page.wait_for_function("name => location.search.includes(`experiment=${name}`) || name === 'knock'", arg=name)


def test_no_button_takes_the_focus_with_it(broken):
    page = broken.page
    for name in ("knock", "decide", "position"):
        open_experiment(broken, name)
        pressed = set()
        actions = page.locator("[data-break] [data-ref=experiment] .cvt-toggle").filter(visible=True)
        while left := [text for text in actions.all_inner_texts() if text not in pressed]:
            pressed.add(left[0])
            actions.get_by_text(left[0], exact=True).press("Enter")
            for _ in range(2):  # while the model runs, and then
                assert page.evaluate("document.activeElement !== document.body"), (name, left[0])
                page.wait_for_function(SETTLED, arg=name, timeout=60_000)
        assert len(pressed) > 1, name


def test_a_newer_run_ends_the_one_before(broken):
    page = broken.page
    open_experiment(broken, "knock")
    held = []
    page.route("**/break/knock_out", lambda route: held.append(route) if not held else route.continue_())
    with page.expect_event("requestfailed", lambda request: request.url.endswith("/break/knock_out")):
        with page.expect_request("**/break/knock_out"):
            page.locator('[data-part="0.0.mlp."]').click()
        page.locator('[data-part="0.0.attention."]').click()
    page.wait_for_function("document.querySelector('[data-break] [data-ref=afterName]').textContent === 'Without block 1 of stage 1'")
    page.unroute("**/break/knock_out")
    page.locator("[data-knock=all-on]").click()


def test_a_refusal_is_said_in_place_and_a_newer_picture_is_taken_over(broken):
    page = broken.page
    open_experiment(broken, "knock")
    page.route("**/break/knock_out", lambda route: route.fulfill(status=200, body='{"error": "This result is no longer stored."}\n'))
    page.locator('[data-part="0.0.block."]').click()
    page.get_by_role("alert").get_by_text("This result is no longer stored.").wait_for()
    page.unroute("**/break/knock_out")
    page.route("**/break/knock_out", lambda route: route.fulfill(body='{"error": "It is gone.", "gone": "key"}\n'))
    page.locator('[data-part="0.0.block."]').click()  # as a server that was started anew answers: the picture is computed again
    page.wait_for_function("cvt.page.state.gone?.explorer === 'main'")
    page.unroute("**/break/knock_out")
    page.get_by_role("tab", name="Look").click()
    broken.choose("bison")
    broken.wait_for_example("bison")
    page.get_by_role("tab", name="Break it").click()
    page.wait_for_function(
        "cvt.explorer('before').key === cvt.page.state.picture.key && cvt.explorer('after').key === cvt.page.state.results.after.key"
    )
    assert page.locator("[data-break] [data-ref=problem]").is_hidden()
