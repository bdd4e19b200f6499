"""What a CvT is: the dialog opens and closes by keyboard, fits, and says what is so of the model and the picture that are shown."""

from __future__ import annotations

import pytest

from tests.browser import axe

pytest.importorskip("playwright")

pytestmark = pytest.mark.browser
SIZES = [(1440, 900), (1024, 768), (390, 844)]
HOSTILE = "<img src=x onerror=alert(1)> ${1} [x|token]"


def dialog(page):
    return page.get_by_role("dialog", name="What is a CvT?")


@pytest.fixture
def opened(seen):
    page = seen.page
    page.get_by_role("button", name="What is a CvT?").focus()
    page.keyboard.press("Enter")
    dialog(page).wait_for()
    yield seen
    page.evaluate("document.querySelector('.cvt-about-dialog').close()")


def test_it_opens_and_closes_by_keyboard_and_the_focus_returns(opened):
    page = opened.page
    assert page.evaluate("document.activeElement.id") == "cvt-about-title"
    page.keyboard.press("Escape")
    assert dialog(page).count() == 0
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "What is a CvT?"
    page.keyboard.press(" ")
    dialog(page).get_by_role("button", name="Close").click()
    assert dialog(page).count() == 0


def test_it_is_accessible_in_light_and_dark(opened):
    page = opened.page
    assert axe.violations(page, ".cvt-about-dialog") == []
    page.evaluate("document.body.classList.add('dark')")
    try:
        assert axe.violations(page, ".cvt-about-dialog", only=axe.CONTRAST) == []
    finally:
        page.evaluate("document.body.classList.remove('dark')")


def test_a_click_beside_it_closes_it_and_one_in_it_does_not(opened):
    page = opened.page
    page.locator("#cvt-about-title").click()
    assert dialog(page).count() == 1
    page.mouse.click(5, 450)
    assert dialog(page).count() == 0


def test_terms_open_in_it_and_escape_closes_one_at_a_time(opened):
    page = opened.page
    asked = len(opened.requests)
    dialog(page).get_by_role("button", name="query", exact=True).click()
    tip = page.get_by_role("tooltip")
    assert tip.inner_text().startswith("Query")
    seen = "tip => { const { x, y } = tip.getBoundingClientRect(); return tip.contains(document.elementFromPoint(x + 20, y + 20)); }"
    assert tip.evaluate(seen)
    page.keyboard.press("Escape")
    assert (tip.count(), dialog(page).count()) == (0, 1)
    assert opened.requests_since(asked) == []


def test_each_step_has_a_picture_of_its_own_and_true_numbers(opened):
    page = opened.page
    steps = dialog(page).locator("li")
    pictures = steps.locator("canvas").evaluate_all("all => all.map((canvas) => canvas.toDataURL())")
    assert len(set(pictures)) == len(pictures) == 8
    stages, (height, width), best, classes = page.evaluate(
        "(({ stages, input, header }) => [stages, input, header.top[0].label, header.classes])(cvt.explorer().result)"
    )
    text = dialog(page).inner_text()
    assert f"The model gets {height}×{width} pixels." in text
    assert f"This happens in {len(stages)} stages: " in text
    for stage in stages:
        rows, columns = stage["query"]["shape"]
        assert f"{rows}×{columns}" in text
    assert f"gives each of {classes} classes a score" in text
    assert best.split(",")[0] in text
    value = page.evaluate("cvt.page.state.picture")
    for each in ("model", "facts", "note"):
        assert value[each]
        assert value[each] in text


def test_it_follows_the_result_and_names_are_text(opened):
    page = opened.page
    picture = page.evaluate("cvt.page.state.picture")
    page.evaluate("name => cvt.page.update({ picture: { ...cvt.page.state.picture, model: name } })", HOSTILE)
    assert dialog(page).locator("[data-ref=model]").inner_text() == HOSTILE
    assert dialog(page).locator("img, [data-ref=model] *").count() == 0
    page.evaluate("picture => cvt.page.update({ picture })", picture)


def test_it_fits_the_window(opened):
    for size in SIZES:
        fits(opened.page, size)


def fits(page, size):
    page.set_viewport_size({"width": size[0], "height": size[1]})
    box = dialog(page).bounding_box()
    assert box["x"] >= 0
    assert box["y"] >= 0
    assert box["x"] + box["width"] <= size[0]
    assert box["y"] + box["height"] <= size[1]
    scrolls, least = dialog(page).evaluate(
        "dialog => [[dialog.scrollWidth - dialog.clientWidth, dialog.scrollHeight - dialog.clientHeight],"
        " Math.min(...[...dialog.querySelectorAll('*')].filter(each => each.offsetParent)"
        ".map(each => parseFloat(getComputedStyle(each).fontSize)))]"
    )
    assert scrolls[0] == 0
    assert least >= 14
    if size[0] == 1440:
        assert scrolls[1] == 0, "all of it is seen at once"
