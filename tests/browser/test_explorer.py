"""The browser component in a real Chromium, on a page of its own: what it draws, hears and says, and what it asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest

from cvt.processor import CvtImageProcessor
from tests.browser.component import MODEL, PROCESSOR, Page
from tests.draw.test_payload import model_of, photo
from visualize.explore import explore

pytestmark = pytest.mark.browser
SIZES = [(1440, "wide"), (1024, "medium"), (760, "narrow")]  # of a window and of the panels in it
TWO_STAGES = {"mlp_ratio": 2.0, "cls_token": False, "drop_path_rate": 0.0}


@pytest.fixture
def seen(explored):
    return explored


@pytest.fixture
def page(component):
    return component


@pytest.fixture
def own_page(tabs, seen) -> Iterator[Page]:
    """A page for a test that leaves something behind."""
    page = Page(tabs, seen)
    yield page
    page.close()
    assert page.problems == []


def test_hovering_draws_the_exact_weights_where_the_keys_are(page, seen):
    stage = seen["first"].stages[1]
    page.set(stage=1, blocks=[0, 1, 2], heads=[-1, 1, -1], paint="map", opacity=1, colours="grey")
    for row, column in ((0, 0), (3, 6), (7, 2)):
        y, x = stage.query_grid.centre(row, column)
        page.page.mouse.move(*page.over(y, x))
        page.settle()
        assert f"row {row + 1}, column {column + 1} attends to each of the 4×4 key cells" in page.sentence
        weights = stage.blocks[1].weights([stage.query_index(row, column)])[1, 0]
        top, left, bottom, right = stage.query_grid.receptive_field(row, column)
        compared = 0
        for key_row in range(4):
            for key_column in range(4):
                key_y, key_x = stage.key_grid.centre(key_row, key_column)
                # away from the cell's middle, and from the outlines of the query
                for at_y, at_x in ((key_y + 5, key_x + 5), (key_y - 5, key_x + 5)):
                    inside = 0 < at_y < 64 and 0 < at_x < 64
                    outlined = top - 2 < at_y < bottom + 2 and left - 2 < at_x < right + 2
                    if inside and not outlined:
                        grey = weights[key_row * 4 + key_column] / weights.max() * 255
                        assert abs(page.pixel(at_y, at_x)[0] - grey) <= 2.5
                        compared += 1
        assert compared > 10


def test_the_receptive_field_and_the_cell_are_outlined(page, seen):
    grid = seen["first"].stages[2].query_grid
    page.set(stage=2, layer="none", y=grid.centre(1, 1)[0], x=grid.centre(1, 1)[1])
    top, left, bottom, right = grid.cell(1, 1)
    for at_y, at_x in ((top, (left + right) / 2), (bottom, (left + right) / 2), ((top + bottom) / 2, left), ((top + bottom) / 2, right)):
        assert page.pixel(at_y, at_x)[3] > 150
    assert page.pixel(*grid.centre(1, 1))[3] == 0
    field = grid.receptive_field(1, 1)
    dashes = {page.pixel(field[0], x)[3] > 100 for x in np.arange(max(1, field[1] + 1), field[3] - 1, 0.4)}
    assert dashes == {True, False}


def test_after_the_payload_nothing_is_asked_of_the_server(page):
    before = len(page.asked)
    for step in range(12):
        page.page.mouse.move(*page.over(3 + 5 * step, 60 - 4 * step))
    depths = page.page.locator("[data-choice=depth]")
    page.page.get_by_role("button", name="Look inside").click()
    for depth, names in (
        ("Heads and blocks", ("To this place", "Mean of all", "From this token", "Head 2", "Block 1", "cls token's")),
        ("Channels", ("Mean", "Channel", "Similarity", "PCA")),
        ("Drawing", ("Exact map", "Per stage", "All stages", "Per map", "Light", "4×", "1×")),
        ("Export", ("Looks where", "Sees what", "For the class", "Nothing")),
    ):
        depths.get_by_role("button", name=depth).click()
        if depth == "Heads and blocks":
            for stage in (0, 2):
                page.page.locator("[data-ref=pipeline] .cvt-stage").nth(stage).click()
        for name in names:
            buttons = page.page.get_by_role("button", name=name, exact=not name.startswith(("Head", "Block", "cls")))
            buttons.locator("visible=true").first.click()
        if depth == "Drawing":
            for name in ("smooth", "pixels", "ancestors"):
                page.page.locator(f"[data-bind={name}]").check()
            page.page.locator("[data-bind=colours]").select_option("cividis")
        if depth == "Channels":
            page.page.locator("[data-bind=sort]").select_option("here")
            page.page.locator("[data-ref=wall]").hover(position={"x": 20, "y": 20})
        if depth == "Export":
            page.page.locator("[data-ref=codePart] summary").click()
    depths.get_by_role("button", name="Overview").click()
    for each in page.page.locator("[data-ref=spots] button").all():
        each.click()
    page.settle()
    assert page.asked[before:] == []
    assert "from visualize import explore" in page.page.locator("[data-ref=code]").inner_text()


def test_pin_and_release_and_arrow_keys(page):
    page.set(stage=0)
    page.page.mouse.click(*page.over(20, 20))
    page.settle()
    pinned = page.sentence
    page.page.mouse.move(*page.over(50, 50))
    page.settle()
    assert page.sentence == pinned
    assert page.state("pinned") is True
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowDown")
    page.settle()
    assert "row 6, column 6" in pinned
    assert "row 7, column 7" in page.sentence
    page.page.keyboard.press("Escape")
    page.page.mouse.move(*page.over(2, 2))
    page.settle()
    assert "row 1, column 1" in page.sentence
    page.page.keyboard.press("Enter")
    assert page.state("pinned") is True


def test_another_result_replaces_the_first_and_keeps_the_choices(page, seen):
    page.set(stage=2, features="mean")
    page.page.evaluate('tell({ key: "second", note: "" })')
    page.page.wait_for_selector("[data-ready=second]")
    page.settle()
    assert (page.state("stage"), page.state("features")) == (2, "mean")
    shown = page.page.locator(".cvt-class span").all_inner_texts()
    assert shown == [label for label, _ in seen["second"].top(5)]
    assert page.page.locator("[data-ref=note]").is_hidden()
    assert page.asked.count("/below/explorer/data/second") == 1


def test_a_note_is_text(page):
    assert page.page.locator("[data-ref=note]").inner_text() == "A <b>note</b>."


def test_a_result_that_is_gone_is_a_sentence_and_the_old_one_stays(page):
    page.page.evaluate('tell({ key: "gone", note: "" })')
    message = page.page.locator("[data-ref=message]")
    message.get_by_text("no longer keeps this result.").wait_for()
    assert message.get_by_role("button").all_inner_texts() == ["Show it again"]  # asking once more for what is gone would be no way out
    page.page.mouse.move(*page.over(60, 2))
    page.settle()
    assert "row 8, column 1" in page.sentence
    assert len(page.problems) == 1  # the browser's own line about the 404
    assert "404" in page.problems.pop()


def test_a_block_that_did_not_travel_says_load_and_is_asked_for_once(page):
    page.as_opened(room=30_000)
    page.set(stage=2, blocks=[0, 1, 2], depth="attention")
    page.page.wait_for_function("cvt.explorer().result.block(2, 2)")
    page.settle()
    first, _, last = page.page.locator("[data-ref=blocks] button").all()
    held = page.page.evaluate("Object.keys(cvt.explorer().result.arrays).filter((each) => /\\.\\d+.(weights|query)$/.test(each)).length")
    assert 0 < held < 6
    page.set(depth="export")
    assert page.page.locator("[data-ref=saveNumbers]").inner_text() == f"Save the loaded numbers ({held} of 6 blocks) as .npz, to 8 bits"
    page.set(depth="attention")
    assert first.locator(".cvt-value").inner_text() == "load"
    assert "cls" in last.locator(".cvt-value").inner_text()
    first.click()
    page.page.wait_for_function("cvt.explorer().result.block(2, 0)")
    page.settle()
    assert "cls" in first.locator(".cvt-value").inner_text()
    for step in range(5):
        page.page.mouse.move(*page.over(5 + 9 * step, 20))
    assert page.asked.count("/below/explorer/data/first/2/0") == 1


def test_a_block_that_fails_is_asked_for_again_only_by_hand(page):
    page.as_opened(room=30_000)
    page.server.failing.append(500)
    page.set(stage=2, blocks=[0, 1, 0])
    again = page.page.get_by_role("button", name="Try again")
    again.wait_for()
    for step in range(5):
        page.page.mouse.move(*page.over(5 + 9 * step, 20))
        page.settle()
    assert page.asked.count("/below/explorer/data/first/2/0") == 1
    page.server.failing.clear()
    again.click()
    page.page.wait_for_function("cvt.explorer().result.block(2, 0)")
    page.settle()
    assert page.page.locator("[data-ref=message]").is_hidden()
    assert len(page.problems) == 1
    assert "500" in page.problems.pop()


def test_what_the_server_has_forgotten_comes_back_by_one_press_at_the_same_token(page, seen):
    page.as_opened(results=seen | {"renewed": seen["first"]}, room=30_000)
    page.page.evaluate('tell({ key: "first", picture: "the same" })')
    page.page.mouse.click(*page.over(10, 50))
    page.server.failing.append(404)
    page.set(stage=2, blocks=[0, 1, 0])
    page.page.get_by_text("The server no longer keeps this result.").wait_for()
    page.page.get_by_role("button", name="Show it again").click()
    assert page.page.evaluate("cvt.page.state.gone") == {"explorer": "main"}
    page.server.failing.clear()
    page.page.evaluate('tell({ key: "renewed", picture: "the same" })')  # as the host answers
    page.page.wait_for_selector("[data-ready=renewed]")
    page.page.wait_for_function("cvt.explorer().result.block(2, 0)")
    page.settle()
    assert page.page.locator("[data-ref=message]").is_hidden()
    assert (page.state("pinned"), page.state("stage"), page.state("blocks")) == (True, 2, [0, 1, 0])
    assert abs(page.state("y") - 10) < 1
    assert len(page.problems) == 1
    assert "404" in page.problems.pop()


def test_tabs_with_different_pictures_never_see_each_others(page, tabs, seen):
    pages = {"first": page, "second": Page(tabs, seen, key="second")}
    for key, page in pages.items():
        page.page.mouse.move(*page.over(20, 30))
        page.settle()
        assert page.page.locator(".cvt-class b").all_inner_texts()
        given = page.page.evaluate("Array.from(cvt.explorer().result.arrays.pixels)")
        assert given == seen[key].pixels.reshape(-1).tolist()
        other = ({"first", "second"} - {key}).pop()
        assert not [path for path in page.asked if other in path]
    page.close()
    assert page.problems == []


def test_another_models_result_may_come_while_the_pointer_moves(page, seen):
    small = model_of(9, depth=(1, 1), embed_dim=(8, 12), num_heads=(1, 3), patch_sizes=(5, 3), patch_stride=(2, 2), patch_padding=(2, 1),
                     num_labels=3, **{name: (value,) * 2 for name, value in TWO_STAGES.items()})  # fmt: skip
    page.as_opened(results=seen | {"small": explore(small, CvtImageProcessor(size=48), photo())})
    page.set(stage=2, blocks=[0, 1, 2], heads=[-1, 1, 3], channels=[15, 23, 31], features="channel")
    page.page.evaluate('tell({ key: "small" })')
    for step in range(30):
        page.page.mouse.move(*page.over(2 * step, 60 - 2 * step))
        page.settle()
    page.page.wait_for_selector("[data-ready=small]")
    for step in range(6):
        page.page.mouse.move(*page.over(10 * step, 60 - 10 * step))
        page.settle()
    assert page.sentence.startswith("Stage 2, block 1, mean of 3 heads")
    assert page.page.locator("[data-ref=pipeline] .cvt-stage").count() == 2


def test_a_finger_taps_and_drags_the_token_and_does_not_pin_it(tabs, seen):
    page = Page(tabs, seen, has_touch=True, is_mobile=True, viewport={"width": 900, "height": 800})
    page.page.touchscreen.tap(*page.over(10, 40))
    page.settle()
    assert page.state("pinned") is False
    assert abs(page.state("y") - 10) < 1
    assert abs(page.state("x") - 40) < 1
    touch = page.page.context.new_cdp_session(page.page)
    places = [page.over(8, 8), page.over(30, 30), page.over(50, 20)]
    for name, place in zip(("touchStart", "touchMove", "touchMove"), places, strict=True):
        touch.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": [dict(zip("xy", place, strict=True))]})
    page.settle()
    assert abs(page.state("y") - 50) < 1
    assert abs(page.state("x") - 20) < 1
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    assert page.state("pinned") is False
    assert page.page.evaluate("scrollY") == 0  # the finger moved the token, not the page
    page.close()
    assert page.problems == []


def test_after_another_size_of_the_window_everything_is_drawn_where_it_was(own_page, seen):
    page = own_page
    grid = seen["first"].stages[1].query_grid
    page.set(stage=1, layer="none", y=grid.centre(4, 4)[0], x=grid.centre(4, 4)[1])
    top, left, _, right = grid.cell(4, 4)
    for width in (900, 1440):
        page.page.set_viewport_size({"width": width, "height": 700})
        page.page.evaluate("(width) => document.querySelector('.row').style.gridTemplateColumns = width", f"{width // 4}px 1fr")
        page.settle()
        page.settle()
        assert page.page.evaluate("cvt.explorer().ref.overlay.width") == pytest.approx(width // 4, abs=1)
        assert page.pixel(top, (left + right) / 2)[3] > 150
        assert page.pixel(*grid.centre(4, 4))[3] == 0


CONTRAST = """(dark) => {
  document.documentElement.classList.toggle("dark", dark);
  document.body.style.background = dark ? "#0f1318" : "#ffffff";
  const parse = (colour) => { const n = colour.match(/[\\d.]+/g).map(Number);
    const [r, g, b, a = 1] = colour.startsWith("color") ? n.map((each, i) => (i < 3 ? 255 * each : each)) : n;
    return [r, g, b, a]; };
  const over = (a, b) => a.slice(0, 3).map((each, i) => each * a[3] + b[i] * (1 - a[3])).concat(1);
  const own = (element) => parse(getComputedStyle(element).backgroundColor);
  const ground = (element) => element ? over(own(element), ground(element.parentElement)) : [255, 255, 255, 1];
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const found = [];
  for (const element of document.querySelectorAll(".cvt *")) {
    const text = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
    if (!text || !element.getClientRects().length || element.closest(".cvt-hidden")) continue;
    const back = ground(element), [a, b] = [light(over(parse(getComputedStyle(element).color), back)), light(back)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), element.className + ": " + element.textContent.slice(0, 40)]);
  }
  return found;
}"""


def test_text_stands_out_from_its_ground(own_page):
    page = own_page
    page.set(stage=2, ancestors=True, pinned=True, sort="region", features="similarity")
    seen_words = set()
    for depth in ("none", "attention", "features", "inside", "drawing", "export"):
        if depth == "inside":
            page.open_microscope()
        page.set(depth=depth, layer="class" if depth == "none" else "attention")
        page.page.evaluate("(open) => { cvt.explorer().ref.codePart.open = open; }", depth == "export")
        page.settle()
        for dark in (False, True):
            found = page.page.evaluate(CONTRAST, dark)
            assert [words for ratio, words in found if ratio < 4.5] == []
            seen_words.update(words for _, words in found)
    assert len(seen_words) > 120


def chain(page: Page) -> list[int]:
    """The stages whose ancestors are drawn now, and −1 where the pixels are."""
    return page.page.evaluate(
        """() => { const { windows, pixels } = cvt.explorer().ancestry.chain({ row: 1, column: 1 });
        return [...windows.map((each) => each.stage), ...(pixels ? [-1] : [])]; }"""
    )


def test_where_a_token_comes_from_is_told_step_by_step(own_page):
    page = own_page
    page.set(stage=2)
    page.page.evaluate("window.setInterval = (step) => { window.step = step; }")  # time goes on when the test says so
    page.set(ancestors=True)
    seen_steps = [chain(page)]
    for _ in range(3):
        page.page.evaluate("step()")
        page.settle()
        seen_steps.append(chain(page))
    assert seen_steps == [[], [1], [1, 0], [1, 0, -1]]
    figures = page.page.locator("[data-ref=ancestry] figure")
    assert "share 48" in figures.nth(0).inner_text()
    assert "patches of 16×16 pixels share none" in figures.nth(1).inner_text()
    sizes = page.page.evaluate("Array.from(document.querySelectorAll('[data-ref=ancestry] canvas'), (each) => [each.width, each.height])")
    assert sizes[0] == sizes[1]  # the same part of the picture, at the same scale
    page.page.mouse.move(*page.over(30, 30))
    page.settle()
    assert chain(page) == [1, 0, -1]  # passing over tokens does not play it again


def test_with_less_motion_all_is_there_at_once(tabs, seen):
    page = Page(tabs, seen, reduced_motion="reduce")
    page.set(stage=2)
    page.set(ancestors=True)
    assert chain(page) == [1, 0, -1]
    page.close()
    assert page.problems == []


def test_the_cls_token_over_the_blocks_of_the_last_stage(page, seen):
    page.set(stage=2, cls=True, heads=[-1, -1, -1], depth="attention")
    title = page.page.locator("[data-ref=blocksTitle]").inner_text()
    assert title.startswith("The cls token's attention in 3 blocks")
    said = [each.inner_text() for each in page.page.locator("[data-ref=blocks] .cvt-size").all()]
    for block, words in zip(seen["first"].stages[2].blocks, said, strict=True):
        weights = block.weights([0])[:, 0].mean(axis=0).astype(np.float64)
        assert float(words.removesuffix(" bits")) == pytest.approx(-(weights * np.log2(weights)).sum(), abs=0.06)


def region_of(places: np.ndarray) -> set[int]:
    """The fewest cells that carry half of what adds, one after the other."""
    chosen: set[int] = set()
    while sum(places[cell] for cell in chosen) < places.clip(0).sum() / 2:
        chosen.add(max(set(range(len(places))) - chosen, key=lambda cell: places[cell]))
    return chosen


def test_a_class_shows_its_evidence_and_sorts_the_channels_by_its_region(page, seen):
    evidence, stages = seen["first"].evidence, seen["first"].stages
    grid = stages[2].key_grid
    page.set(stage=1, opacity=1, paint="map")
    before = page.sentence
    asked = len(page.asked)
    page.page.get_by_role("button", name="For the class").click()
    bars = page.page.get_by_role("group", name="Most probable classes").get_by_role("button")
    for which, choose in ((1, bars.nth(1).click), (2, lambda: bars.nth(1).press("ArrowRight"))):
        choose()
        page.settle()
        places, rest = evidence.places[which], evidence.rest[which]
        label = seen["first"].top()[which][0]
        assert page.sentence.startswith(f"Score of {label}: what the cls token's attention fetches for it from each of the 2×2 key cells")
        legend = page.page.locator("[data-ref=legend]").inner_text().replace("−", "-")
        said = [float(each) for each in re.findall(r"(?:places|else|Together):? ([+-][0-9]+[.][0-9]+)", legend)]
        assert said == pytest.approx([places.sum(), rest, places.sum() + rest], abs=0.006)
        assert bars.nth(which).get_attribute("aria-pressed") == "true"
        for cell in (int(places.argmax()), int(places.argmin())):  # red where it adds, blue where it takes away
            y, x = grid.centre(*divmod(cell, 2))
            page.set(y=63, x=0)
            red, _, blue, alpha = page.pixel(min(63, y + 2), min(63, x + 2))
            assert alpha > 200
            assert (red > blue) == (places[cell] > 0)
            page.set(y=y, x=x)
            chip = page.page.locator("[data-ref=chip]").inner_text().replace("−", "-")
            assert chip.startswith(f"{label} · here ")
            assert float(chip.rsplit(" ", 1)[1]) == pytest.approx(places[cell], abs=0.006)
        region = region_of(places)
        shape = stages[1].query_grid.shape
        centres = np.array([stages[1].query_grid.centre(row, column) for row in range(shape[0]) for column in range(shape[1])])
        nearest = np.floor((centres - grid.first) / np.array(grid.stride) + 0.5).clip(0, 1).astype(int)
        inside = np.isin(nearest @ [2, 1], list(region))
        flat = stages[1].features.reshape(24, -1)
        contrast = (flat[:, inside].mean(axis=1) - flat[:, ~inside].mean(axis=1)) / flat.std(axis=1)
        page.set(channels=[None, int(contrast.argmax()), None], depth="features", sort="region")
        note = page.page.locator("[data-ref=wallNote]").inner_text()
        assert f"the {len(region)} cell" in note
        assert label in note
        page.page.locator("[data-ref=wall]").focus()
        page.page.keyboard.press("ArrowLeft")  # stays: it is the first
        assert page.state("channels[1]") == contrast.argmax()
        page.set(layer="class", depth="none")
    bars.nth(2).click()  # once more: back to the attention
    page.settle()
    assert page.sentence.split(":")[0] == before.split(":")[0]
    assert page.asked[asked:] == []


def test_without_a_cls_token_the_evidence_is_that_of_tokens(page):
    whole = {"whole": explore(model_of(6, cls_token=(False, False, False)), PROCESSOR, photo())}
    page.as_opened("whole", results=whole)
    page.page.get_by_role("button", name="For the class", exact=True).click()
    page.settle()
    assert page.sentence.endswith("what each of the 4×4 tokens of stage 3 adds to it.")
    assert "The classifier's constants: " in page.page.locator("[data-ref=legend]").inner_text()


def crumbs(page: Page) -> list[str]:
    return page.page.locator("[data-ref=crumbs] button, [data-ref=crumbs] b").all_inner_texts()


def test_each_part_of_the_flow_opens_and_is_lit_and_escape_leads_back(page):
    page.set(stage=1, blocks=[0, 1, 2])
    asked = len(page.asked)
    overview, part = page.page.locator("[data-ref=overview]"), page.page.locator("[data-ref=part]")
    names = [name for stage in (1, 2, 3) for name in (f"Conv embedding of stage {stage}", f"Stage {stage}")] + ["Classifier"]
    buttons = page.page.get_by_role("toolbar", name="From picture to class").locator("button:not(.cvt-given)")
    assert buttons.count() == len(names)
    for index, name in enumerate(names):
        buttons.nth(index).focus()
        page.page.keyboard.press("Enter")
        page.settle()
        assert [each.get_attribute("aria-pressed") for each in buttons.all()] == [str(other == index).lower() for other in range(7)]
        stage = not name.startswith("C")
        assert (overview.is_visible(), part.is_visible()) == (stage, not stage)
        if name.startswith("Conv"):
            number = index // 2 + 1
            assert crumbs(page) == ["Model", f"Stage {number}", "Conv embedding"]
            assert page.sentence.startswith(f"Conv embedding of stage {number}: the token at row ")
            assert page.page.locator("[data-ref=partTitle]").inner_text() == name
            assert page.state("ancestors") is True  # it opens with what it is made of, on the picture
            assert page.page.locator("[data-ref=ancestry]").is_visible()
    assert crumbs(page) == ["Model", "Classifier"]
    assert page.sentence.startswith("Score of ")
    page.page.keyboard.press("Escape")
    page.settle()
    assert (page.state("part"), overview.is_visible(), part.is_visible()) == ("stage", True, False)
    buttons.nth(0).click()
    page.page.locator("[data-ref=crumbs]").get_by_role("button", name="Stage 1").click()
    page.settle()
    assert page.sentence.startswith("Stage 1, block 1")
    assert page.asked[asked:] == []


def test_the_flow_says_what_is_in_a_stage_and_its_picture_shows_the_pixels(page):
    stages = page.page.locator("[data-ref=pipeline] .cvt-stage")
    assert [each.get_attribute("title") for each in stages.all()] == ["1 block, 1 head", "2 blocks, 2 heads", "3 blocks, 4 heads"]
    button = page.page.locator("[data-ref=pipeline] button").first
    button.click()
    page.settle()
    assert (page.state("pixels"), button.get_attribute("aria-pressed")) == (True, "true")
    page.set(depth="drawing")
    assert page.page.locator("[data-bind=pixels]").is_checked()


def test_escape_goes_up_one_level_at_a_time(page):
    page.set(stage=1, layer="class", pinned=True)
    page.open_microscope()
    page.page.locator("[data-ref=output]").focus()
    page.set(part="embedding")
    steps = []
    for _ in range(5):
        open_part = crumbs(page)[-1] if page.page.locator("[data-ref=depth]").is_visible() else ""
        steps.append((open_part, page.state("layer"), page.state("pinned")))
        page.page.keyboard.press("Escape")
        page.settle()
    assert steps == [
        ("Conv embedding", "class", True),
        ("Query projection", "class", True),
        ("", "class", True),
        ("", "attention", True),
        ("", "attention", False),
    ]


def test_a_conv_embedding_says_what_a_token_is_made_of(page, seen):
    second = seen["first"].stages[1]
    y, x = second.query_grid.centre(2, 5)
    page.set(part="embedding", stage=1, y=y, x=x)
    assert page.sentence == "Conv embedding of stage 2: the token at row 3, column 6 starts from 3×3 tokens of stage 1."
    facts = page.page.locator("[data-ref=part]").inner_text().replace("\u202f", "")
    weights = sum(value.numel() for value in MODEL.cvt.encoder.stages[1].embedding.convolution_embeddings.projection.parameters())
    assert f"3×3 tokens × 16 = 144 numbers, once for each of its 24 channels. That is {weights} weights" in facts
    assert "A 3×3 convolution, stride 2, padding 1, then LayerNorm: 16×16 tokens of 16 numbers become 8×8 tokens of 24." in facts
    assert "Neighbouring tokens share 1 of 3 columns, and 47" in facts
    page.page.mouse.move(*page.over(y + 8, x))
    page.settle()
    assert "row 4, column 6" in page.sentence
    page.set(stage=0)
    assert "7×7 pixels × 3 = 147 numbers" in page.page.locator("[data-ref=partFacts]").inner_text()


def test_the_classifier_shows_all_five_classes_evidence(page, seen):
    page.page.locator("[data-ref=pipeline] button").last.click()
    page.settle()
    tiles = page.page.locator("[data-ref=partBody] button")
    for tile, (label, _), places, rest in zip(
        tiles.all(), seen["first"].top(), *(getattr(seen["first"].evidence, name) for name in ("places", "rest")), strict=True
    ):
        words = tile.inner_text().replace("−", "-")
        assert label in words
        assert [float(each) for each in re.findall(r"(?:places|rest) ([+-]?[0-9.]+[0-9])", words)] == pytest.approx(
            [places.sum(), rest], abs=0.006
        )
    tiles.nth(3).click()
    page.settle()
    assert page.sentence.startswith(f"Score of {seen['first'].top()[3][0]}")
    assert "32 numbers of the cls token become 7 scores" in page.page.locator("[data-ref=partSub]").inner_text()


def test_a_pressed_pointer_sweeps_through_the_blocks(page):
    page.set(stage=2, blocks=[0, 1, 2], depth="attention")
    tiles = [each.bounding_box() for each in page.page.locator("[data-ref=blocks] button").all()]
    middles = [(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2) for box in tiles]
    page.page.mouse.move(*middles[2])
    page.page.mouse.move(*middles[0])
    assert page.state("blocks[2]") == 2  # not pressed
    page.page.mouse.down()
    chosen = []
    for place in middles:
        page.page.mouse.move(*place)
        page.settle()
        chosen.append((page.state("blocks[2]"), page.sentence.split(",")[1]))
    page.page.mouse.up()
    assert chosen == [(0, " block 1"), (1, " block 2"), (2, " block 3")]


def test_what_is_saved(page, seen, tmp_path):
    page.set(depth="export")
    for name, file in (("Save this view as PNG", "view.png"), ("Save the numbers as .npz, to 8 bits", "numbers.npz")):
        with page.page.expect_download() as download:
            page.page.get_by_role("button", name=name).click()
        download.value.save_as(tmp_path / file)
    from PIL import Image

    with Image.open(tmp_path / "view.png") as picture:
        assert picture.width == 1024
        assert picture.height > 1024
    with np.load(tmp_path / "numbers.npz") as archive:
        exact = seen["first"].stages[2].blocks[1].weights()
        assert np.abs(archive["attention_stage3_block2"] - exact).max() <= 1 / 255


def test_a_ticked_box_looks_ticked_whatever_the_hosts_styles(own_page):
    page = own_page
    page.page.add_style_tag(content="input[type=checkbox] { appearance: none } body input[type=checkbox]:checked { background: none }")
    page.set(depth="drawing")
    box = page.page.locator("[data-bind=ancestors]")
    before = box.screenshot()
    box.check()
    page.settle()
    assert box.screenshot() != before


def test_the_captions_of_many_blocks_do_not_run_into_each_other(page):
    page.as_opened("deep", results={"deep": explore(model_of(4, depth=(1, 1, 10)), PROCESSOR, photo())})
    page.set(stage=2, cls=True, depth="attention")
    for width, size in (*SIZES[:2], (520, "narrow")):
        page.page.set_viewport_size({"width": width, "height": 900})
        page.page.locator(f"[data-part=panels][data-size={size}]").wait_for()
        page.settle()
        captions = page.page.locator(".cvt-strip .cvt-under").all()
        wide = [each.evaluate("(each) => each.scrollWidth - each.clientWidth") for each in captions]
        assert len(wide) == 10
        assert max(wide) <= 0


@pytest.mark.parametrize(("width", "size"), SIZES)
def test_nothing_is_wider_than_its_column(page, width, size):
    page.page.set_viewport_size({"width": width, "height": 900})
    page.page.locator(f"[data-part=panels][data-size={size}]").wait_for()
    for depth in ("none", "attention", "features", "inside", "drawing", "export"):
        page.set(depth=depth)
        assert page.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, depth
