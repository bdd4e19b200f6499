"""The page of one file in a browser without a network: what it draws, what it opens with, and what it does not do."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from cvt.processor import CvtImageProcessor
from tests.browser.tabs import VIEWPORT
from tests.draw.test_payload import model_of, photo
from visualize.alone.file import opening, page
from visualize.change.importance import importance
from visualize.change.interventions import Intervention
from visualize.crops import pixel_values_of
from visualize.explore import explore
from visualize.maps.inside import inside_payload

pytestmark = pytest.mark.browser
MODEL, PROCESSOR = model_of(5), CvtImageProcessor(size=64)
HOSTILE = '"><img src=x onerror=alert(1)>'
OFF = Intervention(stage=1, block=0, part="head", head=1)
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))"


class File:
    """The file, opened in a browser that is offline."""

    def __init__(self, tabs, address: str, **context):
        self.problems: list[str] = []
        self.requests: list[str] = []
        heard = {
            "pageerror": lambda error: self.problems.append(str(error)),
            "console": lambda message: message.type == "error" and self.problems.append(message.text),
            "request": lambda request: self.requests.append(request.url),
            "dialog": lambda dialog: (self.problems.append(dialog.message), dialog.dismiss()),
        }
        self.page = tabs.take(address, heard, offline=True, **context)
        self.page.goto(address)
        self.frame = self.page.main_frame

    def opened(self, frame=None) -> File:
        self.frame = frame or self.page.main_frame
        self.frame.wait_for_selector('[data-part="panels"][data-ready="result"]')
        self.drawn()
        return self

    def drawn(self) -> None:
        self.frame.evaluate(FRAMES)

    def ref(self, name: str):
        return self.frame.locator(f'[data-ref="{name}"]')

    def hover(self, y: float, x: float, side: int = 64) -> str:
        """Moves the pointer to a point of the input; the headline that is said then."""
        self.ref("picture").scroll_into_view_if_needed()
        box = self.ref("picture").bounding_box()
        self.page.mouse.move(box["x"] + x / side * box["width"], box["y"] + y / side * box["height"])
        self.drawn()
        return self.ref("headline").inner_text()

    def overlay(self) -> str:
        return self.ref("overlay").evaluate("(canvas) => canvas.toDataURL()")

    def grey(self, y: float, x: float) -> int:
        """What is drawn at this share of the picture, from 0 to 255."""
        pixel = "(canvas, [y, x]) => canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data[0]"
        return self.ref("overlay").evaluate(pixel, [y, x])


def classes(seen):
    found = zip(seen.of_classes(seen.shown), seen.logits[list(seen.shown)], strict=True)
    return [{"label": label, "probability": share, "logit": float(logit)} for (label, share), logit in found]


@pytest.fixture(scope="module")
def seen():
    found = explore(MODEL, PROCESSOR, photo())
    return replace(found, labels=tuple(f"{HOSTILE} {number}" for number in range(7)))


@pytest.fixture(scope="module")
def made(seen):
    """The answers as the page's server gives them."""
    after = replace(explore(MODEL, PROCESSOR, photo(), also=seen.shown, interventions=(OFF,)), labels=seen.labels)
    found = importance(MODEL, pixel_values_of(MODEL, PROCESSOR, PROCESSOR.cut(photo())), seen.shown[0])
    losses = [
        {
            "stage": each.intervention.stage + 1,
            "block": each.intervention.block + 1,
            "part": each.intervention.part,
            "head": None if each.intervention.head is None else each.intervention.head + 1,
            "logit": each.logit,
            "probability": each.probability,
        }
        for each in found.losses
    ]
    answer = {
        "label": classes(seen)[0]["label"],
        "before": classes(seen),
        "after": sorted(classes(after), key=lambda each: -each["probability"]),
    }
    worth = {"label": answer["label"], "logit": found.logit, "probability": found.probability, "losses": losses}
    return {"outs": [{"off": "2.1.head2", "how": "zero", "answer": answer}], "importance": worth}


@pytest.fixture(scope="module")
def address(seen, made, tmp_path_factory):
    path = tmp_path_factory.mktemp("file") / "page.html"
    state = opening(seen, 1, 0, 1, (2, 5)) | {"view": "mean", "paint": "map", "colours": "grey", "opacity": 1}
    insides = [((1, 0), inside_payload(MODEL, PROCESSOR, seen, 1, 0))]
    path.write_bytes(page(seen, {"model": HOSTILE, "source": HOSTILE, "example": HOSTILE, "notes": [HOSTILE]}, state, insides, made))
    return path.as_uri()


@pytest.fixture(scope="module")
def _shared(tabs, address):
    opened = File(tabs, address)
    yield opened
    tabs.give(opened.page)


@pytest.fixture
def file(_shared):
    _shared.page.reload()
    yield _shared.opened()
    assert _shared.problems == []
    assert {url.split(":")[0] for url in _shared.requests} <= {"file", "blob", "data"}
    assert len({url for url in _shared.requests if url.startswith("file:")}) == 1


def test_it_opens_with_its_choices_and_draws_the_models_numbers(file, seen):
    file.ref("lookInside").click()
    assert "Stage 2, block 1, head 2" in file.ref("sentence").inner_text()
    assert file.frame.locator('[data-ref="chip"]').inner_text() != ""
    stage = seen.stages[1]
    weights = stage.blocks[0].weights()[1].mean(axis=0)
    assert np.ptp(weights) > 0.01
    for index in range(16):
        y, x = stage.key_grid.centre(*divmod(index, 4))
        assert np.isclose(file.grey(y / 64, x / 64), weights[index] / weights.max() * 255, atol=2.5)


def test_pointing_heads_blocks_channels_scales_and_evidence_need_nothing_else(file, seen):
    file.ref("picture").focus()
    file.page.keyboard.press("Escape")  # lets the held token go
    file.ref("lookInside").click()
    file.frame.locator('[data-choice="view"] [data-value="token"]').click()
    drawn, grid = [], seen.stages[1].query_grid
    for row, column in ((1, 1), (3, 6), (6, 2)):
        file.hover(*grid.centre(row, column))
        drawn.append(file.overlay())
    for choice in ('[data-ref="heads"] button >> nth=0', '[data-ref="blocks"] button >> nth=1'):
        file.frame.locator(choice).click()
        file.drawn()
        drawn.append(file.overlay())
    file.ref("depth:features").click()
    file.frame.locator('[data-choice="features"] [data-value="channel"]').click()
    file.frame.locator('[data-choice="layer"] [data-value="features"]').click()
    file.drawn()
    drawn.append(file.overlay())
    file.ref("depth:drawing").click()
    file.frame.locator('[data-choice="scale"] [data-value="all"]').click()
    file.frame.locator('[data-choice="layer"] [data-value="class"]').click()
    file.drawn()
    drawn.append(file.overlay())
    assert len(set(drawn)) == len(drawn)
    file.frame.locator(".cvt-term >> visible=true").first.click()
    file.frame.locator(".cvt-tip canvas").wait_for()
    file.page.keyboard.press("Escape")
    file.ref("depth:export").click()
    assert file.ref("savePage").is_hidden()  # it is one
    with file.page.expect_download() as download:
        file.ref("savePng").click()
    assert download.value.suggested_filename == "cvt-stage2-block2.png"


def test_the_microscope_has_its_block_and_says_which(file):
    file.ref("lookInside").click()
    file.ref("depth:inside").click()
    file.ref("insideOverview").locator("canvas").first.wait_for()
    file.ref("insideAddsPart").locator("summary").click()
    file.ref("insideNorms").locator("i").first.wait_for(state="attached")
    bars = file.ref("insideNorms").locator("i").evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().width)")
    assert len(set(bars)) > 3  # the policy lets the scripts set lengths
    file.ref("depth:attention").click()
    file.frame.locator('[data-ref="blocks"] button').nth(1).click()
    file.ref("depth:inside").click()
    said = "This file holds the numbers inside block 1 of stage 2, not inside block 2 of stage 2."
    file.ref("message").get_by_text(said).wait_for()
    assert file.ref("message").get_by_role("button").count() == 0
    file.ref("insideWords").get_by_text(said, exact=True).wait_for()  # drawn after the message


def test_what_was_measured_is_there(file, seen, made):
    section = file.ref("made")
    [out] = made["outs"]
    assert section.locator("h3").all_inner_texts() == ["Without head 2 of block 1, stage 2", "What each part is worth"]
    after = {each["label"]: each["probability"] for each in out["answer"]["after"]}
    shown = section.locator(".cvt-break-bars > div").evaluate_all(
        "(all) => all.map((each) => [each.querySelector('[title]').title, "
        "+getComputedStyle(each.querySelector('.cvt-break-after i')).getPropertyValue('--share')])"
    )
    assert len(shown) == 4
    assert dict(shown) == {label: pytest.approx(after[label], abs=1e-4) for label, _ in shown}
    best = max(made["importance"]["losses"], key=lambda each: each["logit"])
    part = section.locator(
        f'[data-part="{best["stage"] - 1}.{best["block"] - 1}.{best["part"]}.{"" if best["head"] is None else best["head"] - 1}"]'
    )
    section.locator(".cvt-term").first.click()
    file.frame.locator(".cvt-tip canvas").wait_for()
    file.page.keyboard.press("Escape")
    part.hover()
    assert f"falls by {best['logit']:.2f}" in section.locator("article").last.inner_text()
    assert part.get_attribute("data-level") == section.locator("[data-part][data-level]").evaluate_all(
        "(all) => String(Math.max(...all.map((each) => +each.dataset.level)))"
    )


def test_what_was_left_out_is_said_and_not_asked_for_again(tabs, seen, tmp_path):
    path = tmp_path / "small.html"
    whole = len(page(seen, {}, {}))
    path.write_bytes(page(seen, {}, {"stage": 0, "depth": "attention"}, max_bytes=whole - 20_000))
    file = File(tabs, path.as_uri())
    try:
        file.opened()
        said = "To stay small, this file does not hold the attention of block 1 in stage 1."
        file.ref("message").get_by_text(said).wait_for()
        assert file.ref("message").get_by_role("button").count() == 0
        assert file.ref("notes").inner_text() == "To stay small, this file holds the attention of 5 of 6 blocks."
        assert file.ref("title").inner_text() == "What a CvT sees in a picture"
        assert file.ref("about").inner_text() == "Saved from CvT Explorer; this file needs no network."
        assert file.ref("made").is_hidden()
        assert file.ref("depth:inside").is_hidden()
        path.write_bytes(page(seen, {}, {"stage": 9, "layer": "none"}))  # of another model
        file.page.reload()
        file.opened()
        assert file.ref("layer:attention").get_attribute("aria-pressed") == "true"
        assert file.problems == []
    finally:
        tabs.give(file.page)


def test_nobodys_text_becomes_markup(file):
    assert file.frame.locator("img").count() == 0
    assert file.ref("title").inner_text() == f"What {HOSTILE} sees in “{HOSTILE}”"
    assert file.ref("about").inner_text() == f"Model: {HOSTILE}. Saved from CvT Explorer; this file needs no network."
    assert file.ref("notes").inner_text() == HOSTILE
    assert file.ref("verdictName").inner_text().startswith('"><img')


def test_on_paper_it_is_light_and_whole_and_says_nothing_of_a_pointer(file):
    file.page.set_viewport_size({"width": 800, "height": 900})  # A4
    file.page.emulate_media(media="print", color_scheme="dark")
    try:
        file.frame.wait_for_selector("html:not(.dark)", state="attached")
        file.drawn()
        assert not any(file.ref(name).is_visible() for name in ("hint", "chip", "lookInside"))
        assert file.frame.evaluate("document.documentElement.scrollWidth") <= 800
        bar = file.frame.locator(".cvt-break-after i").first
        assert bar.evaluate("(bar) => getComputedStyle(bar).printColorAdjust") == "exact"  # else paper has no bars
    finally:
        file.page.emulate_media(media="screen", color_scheme="light")
        file.page.set_viewport_size(VIEWPORT)


def test_it_works_in_a_sandbox_on_a_phone_in_the_dark(tabs, address, tmp_path):
    """As in a course's page, which lets it run scripts and no more."""
    frame = tmp_path / "course.html"
    frame.write_text(
        f'<!doctype html><body style="margin:0"><iframe sandbox="allow-scripts" src="{address}" width="390" height="800"></iframe>'
    )
    phone = {"viewport": {"width": 400, "height": 820}, "color_scheme": "dark", "has_touch": True, "is_mobile": True}
    file = File(tabs, frame.as_uri(), **phone)
    try:
        file.opened(file.page.frames[1])
        assert file.frame.evaluate("document.documentElement.scrollWidth") <= 390
        red, green, blue = map(int, re.findall(r"\d+", file.frame.evaluate("getComputedStyle(document.body).backgroundColor")))
        assert max(red, green, blue) < 40
        before = file.overlay()
        file.page.keyboard.press("Tab")
        file.ref("picture").focus()
        file.page.keyboard.press("ArrowRight")
        file.ref("layer:features").click()
        file.drawn()
        assert file.overlay() != before
        assert file.ref("hint").inner_text() == "Drag a finger over the picture: the maps follow."
        file.ref("lookInside").click()
        file.ref("depth:export").click()
        file.ref("savePng").click()
        file.ref("saveNote").get_by_text("If no file was saved, open this page in a tab of its own.").wait_for()
        file.page.emulate_media(color_scheme="light")
        file.frame.wait_for_selector("html:not(.dark)", state="attached")
        assert file.problems == []
    finally:
        tabs.give(file.page)
