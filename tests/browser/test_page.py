"""The page as people use it, in a real browser: pictures, tokens, heads, sliders, keyboard, phones."""

import re
import threading

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

import app
from tests import serving
from visualize.page.words.sentences import say

pytestmark = pytest.mark.browser


def place(sentence: str) -> tuple[int, int]:
    row, column = re.search(r"row (\d+), column (\d+)", sentence).groups()
    return int(row), int(column)


def test_it_opens_working(seen):
    assert len(seen.page.query_selector_all('[data-explorer="main"] .cvt-class')) == 5
    assert seen.page.locator('[data-explorer="main"] [data-ref="chip"]').inner_text() == "Move · click holds"
    top = seen.page.evaluate("cvt.explorer().result.header.top")
    verdict = seen.page.inner_text('[data-explorer="main"] [data-ref="verdict"]').replace("\u202f", "")
    assert re.search(r"^(class \d) (\d+)%\s+next: (class \d), (\d+)%", verdict).groups() == tuple(
        text for each in top[:2] for text in (each["label"], f"{100 * each['probability']:.0f}")
    )
    assert "attends to each of the 12×12 key cells" in seen.sentence()
    pixels = seen.page.eval_on_selector(
        '[data-explorer="main"] [data-ref="base"]',
        "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size",
    )
    assert pixels > 50  # the photograph is drawn
    assert seen.page.inner_text('[data-explorer="main"] [data-ref="note"]') == say("unmeasured")


def test_an_example_replaces_the_picture(seen):
    before = seen.classes()
    base = '[data-explorer="main"] [data-ref="base"]'
    drawn = seen.page.eval_on_selector(base, "canvas => canvas.toDataURL()")
    seen.choose("koala")
    seen.page.wait_for_function(f"before => document.querySelector('{base}').toDataURL() !== before", arg=drawn)
    assert seen.classes() != before


def test_a_click_chooses_the_token_without_asking_the_server(seen):
    before, count = seen.overlay(), len(seen.requests)
    box = seen.picture().bounding_box()
    seen.picture().click(position={"x": box["width"] * 0.25, "y": box["height"] * 0.75})
    # stage 2 at 96 pixels: cells of 4 pixels whose centres lie at 4 i + 0.5
    assert place(seen.sentence()) == (19, 7)
    assert seen.overlay() != before
    seen.page.mouse.move(5, 5)
    assert place(seen.sentence()) == (19, 7)  # pinned
    assert [url for url in seen.requests_since(count) if "/assets/" not in url] == []  # Gradio loads some of its files late


def test_moving_over_the_picture_moves_the_token(seen):
    box = seen.picture().bounding_box()
    places = []
    for share in (0.2, 0.5, 0.8):
        seen.page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] * share)
        places.append(place(seen.sentence()))
    assert len(set(places)) == 3


def test_arrow_keys_move_the_token_and_escape_releases(seen):
    seen.picture().focus()
    row, column = place(seen.sentence())
    seen.page.keyboard.press("ArrowRight")
    seen.page.keyboard.press("ArrowDown")
    assert place(seen.sentence()) == (row + 1, column + 1)
    seen.page.keyboard.press("Enter")
    seen.page.keyboard.press("Escape")


def test_head_block_and_stage_change_what_is_drawn(seen):
    drawn = [seen.overlay()]
    panels = seen.page.locator('[data-explorer="main"][data-part="panels"]')
    panels.get_by_role("button", name="Look inside").click()
    panels.locator('[data-ref="heads"] button').nth(2).click()
    assert "head 2" in seen.sentence()
    drawn.append(seen.overlay())
    panels.locator('[data-ref="blocks"] button').first.click()
    assert "block 1" in seen.sentence()
    drawn.append(seen.overlay())
    panels.locator('[data-ref="pipeline"] .cvt-stage').nth(2).click()
    assert seen.sentence().startswith("Stage 3")
    drawn.append(seen.overlay())
    panels.get_by_role("button", name="Show the cls token's attention").click()
    assert "cls token" in seen.sentence()
    drawn.append(seen.overlay())
    assert len(set(drawn)) == len(drawn)


@pytest.mark.parametrize("kind", ["Mean", "Channel", "Similarity", "PCA"])
def test_every_feature_picture_is_drawn_and_labelled(seen, kind):
    panels = seen.page.locator('[data-explorer="main"][data-part="panels"]')
    seen.page.evaluate("cvt.explorer().set({ depth: 'features' })")
    panels.get_by_role("group", name="Features").get_by_role("button", name=kind).click()
    figure = panels.locator('[data-ref="featureFigure"]')
    assert figure.inner_text().strip()
    colours = figure.locator("canvas").first.evaluate(
        "canvas => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )
    assert colours > 8


def test_a_bad_upload_says_so_and_loses_nothing(seen, tmp_path):
    before = seen.classes()
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    seen.upload(tmp_path / "broken.png")
    seen.page.get_by_text(re.compile("This (picture is damaged|file is not a picture)")).first.wait_for()
    assert seen.classes() == before
    seen.problems[:] = [each for each in seen.problems if "broken" not in each and "Failed to load resource" not in each]


def test_an_upload_is_shown(seen, tmp_path):
    before = seen.classes()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8)).save(tmp_path / "noise.png")
    seen.upload(tmp_path / "noise.png")
    seen.page.wait_for_function(
        'before => document.querySelector(\'[data-explorer="main"] [data-ref="classes"]\').innerText !== before', arg=before
    )


def test_two_people_see_their_own_pictures(seen, visit):
    one, two = visit(), seen
    two.choose("espresso")
    two.page.wait_for_function("before => document.querySelector('[data-ref=\"classes\"]').innerText !== before", arg=one.classes())
    assert one.classes() != two.classes()
    one.picture().hover()
    assert one.classes() != two.classes()


@pytest.mark.parametrize("width", [390, 1024])
def test_narrow_windows_lose_nothing(seen, width):
    seen.page.set_viewport_size({"width": width, "height": 800})
    seen.drawn()
    nothing_is_lost(seen, width)


def test_a_narrow_dark_screen_loses_nothing(visit):
    seen = visit(viewport={"width": 390, "height": 800}, color_scheme="dark")
    assert seen.page.evaluate("document.body.classList.contains('dark')")
    nothing_is_lost(seen, 390)


DEPTHS = {"none": ("headline", "spots", "questions"), "attention": ("sentence", "heads"), "features": ("wall",), "export": ("savePng",)}


def nothing_is_lost(seen, width):
    for depth, names in DEPTHS.items():
        seen.page.evaluate("depth => cvt.explorer().set({ depth })", depth)
        seen.drawn()
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, depth
        for name in ("picture", "verdict", "layer:class", "headline", *names):
            element = seen.page.locator(f'[data-explorer="main"] [data-ref="{name}"]').first
            assert element.is_visible(), name
            box = element.bounding_box()
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= width, name  # the page has no scroll bar where it is cut off


@pytest.mark.parametrize("width", [1440, 1024, 390])
def test_nothing_covers_the_verdict_or_the_finding(seen, width):
    seen.page.set_viewport_size({"width": width, "height": 900})
    on_top = """([name, x, y]) => Boolean(document.elementsFromPoint(x, y).find((each) => getComputedStyle(each).pointerEvents !== "none")
      ?.closest(name))"""
    frame = seen.page.locator('[data-explorer="main"] [data-ref="frame"]')
    for name, holder in (("verdict", "[data-ref=frame]"), ("headline", "[data-ref=headline]"), ("layer:class", ".cvt-layers")):
        seen.page.evaluate("scrollTo(0, 0)")
        element = seen.page.locator(f'[data-explorer="main"] [data-ref="{name}"]')
        element.scroll_into_view_if_needed()
        seen.drawn()
        box, around = element.bounding_box(), frame.bounding_box()
        if name == "verdict":
            assert around["y"] <= box["y"] <= box["y"] + box["height"] <= around["y"] + around["height"]
        assert seen.page.evaluate(on_top, [holder, box["x"] + 5, box["y"] + box["height"] / 2]), name


def choose_model(seen, name: str) -> None:
    seen.page.get_by_role("combobox", name="Model").select_option(name)


def wait_for_class(seen, kind: str, explorer: str = "main") -> None:
    seen.page.locator(f'[data-explorer="{explorer}"] [data-ref="verdictName"]', has_text=kind).wait_for()


def original_place(seen) -> tuple[float, float]:
    """Where the chosen token lies on the picture in its own pixels."""
    return tuple(
        seen.page.evaluate(
            """() => { const { state, result } = cvt.explorer(); const [left, top, right, bottom] = result.header.crop_box;
            return [top + state.y / result.input[0] * (bottom - top), left + state.x / result.input[1] * (right - left)]; }"""
        )
    )


def test_a_model_switch_keeps_the_token_at_its_place_of_the_picture(of_several):
    seen = of_several
    assert "10 classes · input 96×96" in seen.page.evaluate("cvt.page.state.picture.facts")
    box = seen.picture().bounding_box()
    seen.picture().click(position={"x": box["width"] * 0.3, "y": box["height"] * 0.6})
    before = original_place(seen)
    choose_model(seen, "wide")
    wait_for_class(seen, "wide")
    assert original_place(seen) == pytest.approx(before, abs=0.5)
    assert place(seen.sentence())[0] <= 32
    assert "attends to each of the 16×16 key cells" in seen.sentence()
    assert "10 classes · input 128×128" in seen.page.evaluate("cvt.page.state.picture.facts")
    assert seen.page.evaluate("cvt.explorer().state.pinned") is True
    seen.choose("bison")  # another picture, the same model; the token begins in the middle again
    seen.page.wait_for_function("cvt.explorer().state.pinned === false")
    wait_for_class(seen, "wide")
    assert place(seen.sentence()) == (17, 17)


def test_the_model_can_be_switched_while_the_pointer_moves(of_several):
    seen = of_several
    choice = seen.page.get_by_role("combobox", name="Model")
    choice.focus()  # by keyboard, so that the pointer stays on the picture
    for kind, key in (("wide", "ArrowDown"), ("narrow", "ArrowUp"), ("wide", "ArrowDown")):
        choice.press(key)
        arrived = False
        for step in range(400):
            box = seen.picture().bounding_box()
            y, x = 0.2 + step % 60 / 100, 0.1 + step % 80 / 100
            seen.page.mouse.move(box["x"] + box["width"] * x, box["y"] + box["height"] * y)
            if arrived:
                break
            arrived = seen.page.evaluate(f"cvt.explorer().result.header.top[0].label.startsWith('{kind}')")
        assert arrived
        side = {"wide": 16, "narrow": 12}[kind]
        # cells of 4 pixels whose centres lie at 4 i + 0.5
        assert place(seen.sentence()) == (round(y * side * 2 - 0.125) + 1, round(x * side * 2 - 0.125) + 1)
        assert f"the {side}×{side} key cells" in seen.sentence()
        assert seen.page.evaluate("cvt.page.state.picture.facts").endswith(f"input {side * 8}×{side * 8}")


def test_a_model_and_a_picture_chosen_at_once_are_shown_together(of_several):
    seen = of_several
    first = seen.page.evaluate("cvt.page.state.picture.picture")
    seen.choose("suspension bridge")
    choose_model(seen, "wide")
    wait_for_class(seen, "wide")
    seen.page.wait_for_function("first => cvt.page.state.picture.picture !== first", arg=first)
    wait_for_class(seen, "wide")
    assert "input 128×128" in seen.page.evaluate("cvt.page.state.picture.facts")


def test_a_model_that_fails_is_not_shown_as_chosen(of_several):
    seen = of_several
    classes = seen.classes()
    choose_model(seen, "broken")
    seen.page.get_by_text("This model gives NaN or infinity").first.wait_for()
    seen.page.wait_for_function("document.querySelector('#model-choice select').value === 'narrow'")
    assert seen.classes() == classes
    assert seen.page.locator('[data-explorer="main"] [data-ref="message"]').is_hidden()


def test_a_slow_model_says_that_it_works_and_a_failure_ends_that(of_several, several_models, monkeypatch):
    seen, (workbench, _) = of_several, several_models
    quick, go = workbench.explore, threading.Event()
    message = seen.page.locator('[data-explorer="main"] [data-ref="message"]')
    assert message.is_hidden()
    key = seen.page.evaluate("cvt.explorer().key")
    for wrong, example in ((False, "koala"), (True, "espresso")):

        def slow(request, wrong=wrong):
            assert go.wait(60)
            if wrong:
                raise ValueError("This picture is too dark.")
            return quick(request)

        monkeypatch.setattr(workbench, "explore", slow)
        go.clear()
        seen.choose(example)
        seen.page.get_by_text("Running the model").wait_for()
        go.set()
        message.wait_for(state="hidden")
    seen.page.get_by_text("This picture is too dark.").first.wait_for()
    assert seen.page.evaluate("cvt.explorer().key") != key


def test_the_choice_of_models_fits_the_page(of_several):
    seen = of_several
    for width in (1440, 1024, 390):
        seen.page.set_viewport_size({"width": width, "height": 800})
        seen.drawn()
        box = seen.page.get_by_role("combobox", name="Model").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width


def test_another_persons_model_stays_as_it_is(of_several, visit, several_models):
    one, two = of_several, visit(several_models[1])
    choose_model(two, "wide")
    wait_for_class(two, "wide")
    one.choose("koala")
    one.page.wait_for_function("before => cvt.explorer().key !== before", arg=one.page.evaluate("cvt.explorer().key"))
    assert one.classes().count("narrow") == 5
    assert "input 96×96" in one.page.evaluate("cvt.page.state.picture.facts")


def test_examples_have_names_for_those_who_do_not_see_them(seen):
    assert seen.page.get_by_role("button", name="Example: red panda").count() == 1


def test_a_result_that_the_server_dropped_is_computed_again(of_several, several_models, monkeypatch):
    seen, (workbench, _) = of_several, several_models
    classes, body = seen.classes(), seen.page.locator('[data-explorer="main"] [data-ref="insideBody"]')
    monkeypatch.setattr(workbench.store, "max_items", 1)
    serving.explore(workbench, app.EXAMPLES[1])  # somebody else's picture
    seen.page.evaluate("cvt.explorer().set({ depth: 'inside', stage: 2, blocks: [0, 0, 0] })")
    body.wait_for()
    assert seen.classes() == classes


def test_a_result_that_the_server_does_not_know_any_more_is_asked_for_again(of_several, several_models):
    seen, (workbench, _) = of_several, several_models
    classes, body = seen.classes(), seen.page.locator('[data-explorer="main"] [data-ref="insideBody"]')
    workbench.store.drop(lambda key: True)
    workbench._requests.drop(lambda key: True)  # as another server after a restart
    seen.page.evaluate("cvt.explorer().set({ depth: 'inside', stage: 2, blocks: [0, 0, 1] })")
    seen.page.get_by_role("button", name="Show it again").click()
    body.wait_for()
    assert seen.classes() == classes
    seen.problems[:] = [each for each in seen.problems if "404" not in each]  # the browser reports the unknown result
