"""Terms in texts: what opens them, where they open, what they draw, and what is left when they close."""

from __future__ import annotations

import re

import pytest

from tests.browser.mounted import component_page

pytest.importorskip("playwright")

pytestmark = pytest.mark.browser
SIZES = [(1440, 900), (1024, 768), (390, 844)]
# A text with two terms in the explorer's panels, and the functions that write such texts.
WRITE = """async () => {
  Object.assign(window, await import("/modules/shared/terms.js"), await import("/modules/words/terms.js"));
  const text = document.createElement("p");
  text.id = "text";
  document.querySelector("#explorer [data-part=panels]").prepend(text);
  rich(text, "The [token|token] looks at 3 [keys|key].");
}"""
CORNERS = {"left": "left: 0; ", "right": "right: 0; ", "middle": "left: 50%; "}
HEIGHTS = {"top": "top: 0", "bottom": "bottom: 0", "centre": "top: 50%"}


@pytest.fixture(scope="module")
def opened(chromium):
    """A page with an explorer whose texts have terms, on a screen that also takes fingers."""
    with component_page(chromium, mounts="explorer", has_touch=True, viewport={"width": 1440, "height": 900}) as page:
        page.evaluate(WRITE)
        yield page


@pytest.fixture
def page(opened):
    """The page with nothing open and the mouse far from any term."""
    opened.set_viewport_size({"width": 1440, "height": 900})
    opened.evaluate("document.getElementById('text').style.cssText = ''; rich(text, 'The [token|token] looks at 3 [keys|key].')")
    opened.mouse.move(1400, 890)
    opened.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
    opened.keyboard.press("Escape")
    tip(opened).wait_for(state="detached")
    return opened


def tip(page):
    return page.get_by_role("tooltip")


def term(page, words="token"):
    return page.get_by_role("button", name=words, exact=True)


@pytest.mark.parametrize("key", ["Enter", " "])
def test_a_key_opens_a_term_and_escape_closes_nothing_else(page, key):
    page.evaluate("cvt.explorer().set({ pinned: true })")
    term(page).focus()
    assert tip(page).count() == 0, "it opens when it is asked for, not on the way of the Tab key"
    page.keyboard.press(key)
    assert re.match(r"Token\s+A token is a list of numbers [^.]+\.", tip(page).inner_text())
    assert term(page).get_attribute("aria-expanded") == "true"
    assert page.evaluate("document.querySelector('[data-term=token]').getAttribute('aria-describedby')") == tip(page).get_attribute("id")
    page.wait_for_function("document.querySelector('.cvt-tip [role=status]').textContent.startsWith('A token is')")
    page.keyboard.press("Escape")
    assert tip(page).count() == 0
    assert page.evaluate("document.activeElement.dataset.term") == "token"
    assert term(page).get_attribute("aria-expanded") == "false"
    assert page.evaluate("cvt.explorer().state.pinned"), "Escape was for the term alone"
    assert page.evaluate("document.querySelector('[data-term=token]').hasAttribute('aria-describedby')") is False


def test_a_mouse_that_rests_opens_a_term_which_stays_while_the_mouse_is_in_it(page):
    term(page).hover()
    tip(page).wait_for()
    tip(page).hover()
    page.wait_for_function("due.size === 0")  # no timer that would close it
    assert tip(page).count() == 1
    page.mouse.move(1400, 890)
    tip(page).wait_for(state="detached")


def test_a_click_keeps_a_term_open_until_another_click(page):
    term(page).click()
    page.mouse.move(1400, 890)
    page.wait_for_function("due.size === 0")
    assert tip(page).count() == 1
    tip(page).click()
    assert tip(page).count() == 1
    page.mouse.click(1400, 890)
    assert tip(page).count() == 0
    term(page).click()
    term(page).click()
    assert tip(page).count() == 0


def test_a_tap_opens_a_term_and_a_tap_elsewhere_closes_it(page):
    term(page).tap()
    assert tip(page).count() == 1
    term(page, "keys").tap()
    assert tip(page).count() == 1
    assert tip(page).inner_text().startswith("Key")
    page.touchscreen.tap(1400, 890)
    assert tip(page).count() == 0


def test_a_term_closes_when_the_focus_moves_on(page):
    term(page).focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert tip(page).count() == 0
    assert page.evaluate("document.activeElement.dataset.term") == "key"


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_what_opens_is_in_the_window_and_never_over_its_term(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for across, left in CORNERS.items():
        for down, top in HEIGHTS.items():
            page.evaluate("style => document.getElementById('text').style.cssText = 'position: fixed; z-index: 99; ' + style", left + top)
            term(page, "keys").focus()
            page.keyboard.press("Enter")
            box, own = tip(page).bounding_box(), term(page, "keys").bounding_box()
            assert box["x"] >= 0 and box["x"] + box["width"] <= size[0], (across, down)  # noqa: PT018
            assert box["y"] >= 0 and box["y"] + box["height"] <= size[1], (across, down)  # noqa: PT018
            assert box["y"] >= own["y"] + own["height"] or box["y"] + box["height"] <= own["y"], (across, down)
            page.keyboard.press("Escape")


def test_every_term_draws_a_picture_of_its_own_without_a_request(page):
    asked = len(page.asked)
    drawn = {}
    for name in page.evaluate("Object.keys(TERMS)"):
        page.evaluate("name => rich(text, `[words|${name}]`)", name)
        term(page, "words").click()
        canvas = tip(page).locator("canvas")
        assert canvas.get_attribute("aria-label") == tip(page).locator(".cvt-tip-shows").text_content()
        drawn[name] = canvas.evaluate("canvas => canvas.toDataURL()")
        colours = canvas.evaluate(
            "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
        )
        assert colours > 2, name
        page.keyboard.press("Escape")
    assert len(set(drawn.values())) == len(drawn) >= 15
    assert len(page.asked) == asked


def test_an_open_term_follows_the_picture(page):
    term(page).click()
    before = tip(page).locator("canvas").evaluate("canvas => canvas.toDataURL()")
    page.evaluate("cvt.explorer().set({ y: 1, x: 1 })")
    page.wait_for_function("before => document.querySelector('.cvt-tip canvas').toDataURL() !== before", arg=before)


def test_a_text_that_stays_the_same_is_not_touched_and_a_number_moves_no_focus(page):
    changed = page.evaluate(
        """() => { const seen = new MutationObserver(() => {}); seen.observe(text, { subtree: true, childList: true, characterData: true });
        rich(text, "The [token|token] looks at 3 [keys|key]."); return seen.takeRecords().length; }"""
    )
    assert changed == 0
    term(page, "keys").focus()
    page.evaluate("rich(text, 'The [token|token] looks at 4 [keys|key].')")
    assert page.inner_text("#text") == "The token looks at 4 keys."
    assert page.evaluate("document.activeElement.dataset.term") == "key"
    page.evaluate("rich(text, 'No <b>term</b> [here|nowhere].')")
    assert page.inner_text("#text") == "No <b>term</b> [here|nowhere]."


def test_an_open_term_goes_with_its_component(page):
    """The last test of this page, whose explorer it ends."""
    term(page).click()
    assert page.evaluate("held.listeners") > 0
    page.evaluate("stop()")
    assert tip(page).count() == 0
    assert page.evaluate("held") == {"listeners": 0, "observers": 0, "subscriptions": 0}
    assert page.evaluate("[...due]") == []
