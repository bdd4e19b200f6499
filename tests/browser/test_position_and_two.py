"""Where position comes from, and what two pictures share: what the page says and lights is what the server computes."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio")

from tests.browser import axe
from visualize.page.breaking.api import BreakingApi

pytestmark = pytest.mark.browser
BODY = ".cvt-break-experiment"
BEFORE, AFTER = 'cvt.explorer("before")', 'cvt.explorer("after")'
LIT = ".cvt-two-both canvas"


@pytest.fixture
def ask(broken, random_app):
    """Asks the same of the server, in this process."""
    api, key = BreakingApi(random_app[0]), broken.page.evaluate("cvt.page.state.picture.key")
    return lambda name, **asked: api.answer(name, {"key": key, **asked})


def opened(visit, question: str) -> None:
    visit.page.get_by_role("button", name=question, exact=True).click()


def said(visit, part: str) -> str:
    """The large sentence, once this is in it."""
    line = visit.page.locator("[data-break] [data-ref=finding]")
    visit.page.wait_for_function("([line, part]) => line.textContent.includes(part)", arg=[line.element_handle(), part])
    return line.inner_text()


def after_is(visit, answer: dict) -> None:
    """Waits until the classes of the picture after are the answer's. The same result may be stored twice, under two keys."""
    near = """classes => Object.entries(classes).every(([label, probability]) => {
      const found = %s.result.header.top.find((each) => each.label === label);
      return !found || Math.abs(found.probability - probability) < 1e-5;
    })"""
    classes = {each["label"]: each["probability"] for each in answer["after"]}
    visit.page.wait_for_function(near % AFTER, arg=classes)


def first(label: str) -> str:
    return label.split(",")[0]


def test_a_guess_then_shifts_by_keyboard_and_padding(broken, ask):
    page = broken.page
    opened(broken, "Where does position come from?")
    page.get_by_role("button", name="Yes", exact=True).press("Enter")
    answer = ask("transform", right=48)
    finding = said(broken, "Moved 48 pixels right")
    assert finding.startswith("You guessed it." if answer["stays"] else "You guessed otherwise.")
    assert f"{'still ' if answer['stays'] else ''}{first(answer['after'][0]['label'])}, " in finding
    after_is(broken, answer)
    assert page.locator("[data-break] [data-ref=afterName]").inner_text() == "After: moved 48 pixels right"
    bars = page.locator(".cvt-position-answer [role=listitem]")
    for bar, stage in zip(bars.all(), answer["agreement"], strict=True):
        assert float(bar.locator("b").inner_text().replace("−", "-")) == pytest.approx(stage["cosine"], abs=0.0051)
        border = bar.locator("small").inner_text().split(" at the border")[0]
        assert float(border.replace("−", "-")) == pytest.approx(stage["border"], abs=0.0051)

    slider = page.get_by_role("slider", name="Move right")
    slider.press("Home")
    assert slider.get_attribute("aria-valuetext") == "−48 px, aligned"
    slider.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "−47 px"
    said(broken, "Moved 47 pixels left")
    page.get_by_role("button", name="Circular", exact=True).click()
    said(broken, "Moved 47 pixels left, with circular padding")
    assert "no multiple of 16 pixels" in page.locator(".cvt-position-answer").inner_text()
    slider.press("ArrowLeft")
    finding = said(broken, "Moved 48 pixels left, with circular padding")
    assert "every stage’s features are the same" in finding
    assert bars.first.locator("b").inner_text() == "1.00"
    assert "nothing tells a token where it is" in page.locator(".cvt-position-answer").inner_text()

    page.get_by_role("button", name="Undo all changes").click()
    page.wait_for_function(f"{AFTER}.key === {BEFORE}.key")
    assert page.locator(".cvt-position-answer").is_hidden()


def test_shuffle_size_and_turn_are_the_servers(broken, ask):
    page = broken.page
    opened(broken, "Where does position come from?")
    page.get_by_role("group", name="Shuffle patches").get_by_text("24", exact=True).click()
    said(broken, "Shuffled in 16 patches")
    after_is(broken, ask("transform", patch=24))
    page.get_by_role("button", name="Another order").click()
    after_is(broken, ask("transform", patch=24, seed=1))
    page.get_by_role("group", name="Resolution").get_by_text("64", exact=True).click()
    said(broken, "At 64×64 pixels:")  # which 24 does not divide
    page.get_by_role("group", name="Shape").get_by_text("Half as tall").click()
    page.get_by_role("slider", name="Turn left").press("End")
    said(broken, "At 32×64 pixels, turned left by 180°")
    after_is(broken, ask("transform", height=32, width=64, turn=180))
    assert "features are interpolated" in page.locator(".cvt-position-answer").inner_text()


def test_a_spot_lights_the_second_picture_and_patches_change_its_class(broken, ask):
    page = broken.page
    opened(broken, "What do two pictures share?")
    page.get_by_role("button", name="Second picture: koala").press("Enter")
    said(broken, "most like this spot")
    pictures = set()
    for y, x in ((20, 30), (70, 60)):
        page.evaluate("place => cvt.explorer('before').set({ ...place, stage: 2, pinned: false })", {"y": y, "x": x})
        answer = ask("pair", example="koala", stage=3, y=y, x=x)
        found = answer["stages"][2]
        assert "In stage 3, the place" in said(broken, f"cosine {found['highest']:.2f}, on average {found['mean']:.2f}".replace("-", "−"))
        pictures.add(page.eval_on_selector(LIT, "canvas => canvas.toDataURL()"))
    assert len(pictures) == 2
    page.get_by_role("button", name="What it would look at").click()
    assert f"{answer['attention']['times_uniform']:.1f} times its share" in said(broken, "would look most")

    page.get_by_role("button", name="Tokens", exact=True).click()
    page.get_by_role("button", name="All", exact=True).click()
    settings = page.locator(".cvt-two-settings")
    settings.get_by_role("group", name="Block").get_by_text("2", exact=True).click()
    finding = said(broken, "With all 145 tokens of the")
    answer = ask("patch", example="koala", part="tokens", stage=3, block=2)
    assert f"becomes {first(answer['labels'][0])}, " in finding
    assert "Its score goes 100\u202f% of the way" in finding
    assert first(answer["labels"][0]) in settings.locator(".cvt-break-bars").inner_text()
    page.get_by_role("button", name="What a block adds", exact=True).click()
    page.get_by_role("button", name="Every block in turn").press("Enter")
    said(broken, "of the way. ")
    rows = page.locator(".cvt-two-sweep > div")
    rows.first.wait_for()
    sweep = ask("patch", example="koala", part="block", stage=3, block=2, sweep=True)["sweep"]
    assert rows.count() == len(sweep) == 11
    for row, each in zip(rows.all(), sweep, strict=True):
        share = float(row.locator("b").inner_text().replace("\u202f", "").replace("−", "-").replace("<", "").strip("%")) / 100
        assert share == pytest.approx(each["moved"], rel=0.06, abs=0.001)
    page.get_by_role("button", name="Nothing", exact=True).last.click()
    said(broken, "would look most")
    assert settings.locator(".cvt-break-bars").is_hidden()


@pytest.mark.parametrize("question", ["Where does position come from?", "What do two pictures share?"])
def test_a_phone_needs_no_sideways_scroll(broken, question):
    page = broken.page
    page.set_viewport_size({"width": 390, "height": 844})
    opened(broken, question)
    if question.startswith("Where"):
        page.get_by_role("button", name="No", exact=True).click()
        page.locator(".cvt-position-answer").wait_for()
    else:
        page.get_by_role("button", name="Second picture: bison").click()
        page.get_by_role("button", name="One head", exact=True).click()
        page.locator(".cvt-two-settings .cvt-break-bars").wait_for()
    broken.drawn()
    assert axe.violations(page, "[data-break]") == []
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    small = """all => all.filter((each) => !each.children.length && each.textContent.trim() && each.localName !== "option")
      .map((each) => parseFloat(getComputedStyle(each).fontSize))"""
    assert min(page.eval_on_selector_all(f"{BODY} *", small)) >= 14
