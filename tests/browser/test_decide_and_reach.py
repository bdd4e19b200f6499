"""When it decides and how far it looks, by keyboard and by pointer: what is drawn and said is what the library computes."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("gradio")

import torch
from PIL import Image

from tests.browser import axe
from visualize.maps.distance import attention_distances, receptive_field
from visualize.maps.lens import class_lens

pytestmark = pytest.mark.browser
BODY = ".cvt-break-experiment"
BEFORE = 'cvt.explorer("before")'
# Whether each line is dashed, and the number of its points.
DASHES = "all => all.map((each) => [getComputedStyle(each).strokeDasharray !== 'none', each.getAttribute('d').split('L').length])"
SIZES = """all => all.filter((each) => !each.children.length && each.textContent.trim())
  .map((each) => parseFloat(getComputedStyle(each).fontSize))"""
SAYS = "([selector, text]) => document.querySelector(selector).textContent.includes(text)"


def opened(visit, question: str) -> None:
    visit.page.get_by_role("button", name=question, exact=True).click()


def finding(visit, changes_from: str = "") -> str:
    """The large sentence, once it has changed."""
    line = visit.page.locator("[data-break] [data-ref=finding]")
    told = "([line, before]) => line.textContent && line.textContent !== before"
    visit.page.wait_for_function(told, arg=[line.element_handle(), changes_from])
    return line.inner_text()


def shown(workbench, visit):
    """The model, what it saw of the shown picture, and its result."""
    exploration = workbench.store.get(visit.page.evaluate("cvt.page.state.picture.key")).exploration
    normal = workbench.loaded().processor.normalize(Image.fromarray(exploration.pixels))
    return workbench.loaded().model, torch.from_numpy(normal)[None], exploration


def test_a_guess_first_then_the_classes_after_every_block(broken, random_app):
    page = broken.page
    opened(broken, "When does it decide?")
    assert page.locator(f"{BODY} .cvt-plot").count() == 0  # nothing is told before
    slider = page.get_by_role("slider", name="The class is decided after")
    slider.focus()
    asked = finding(broken)
    page.keyboard.press("Home")
    assert slider.get_attribute("aria-valuetext") == "stage 1, block 1"
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    assert page.locator(f"{BODY} output").inner_text() == "stage 3, block 7"
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    said = finding(broken, asked)

    model, pixels, exploration = shown(random_app[0], broken)
    lens = class_lens(model, pixels)
    index, before = lens.decided()
    label = exploration.labels[lens.probabilities[-1].argmax()]
    first = f"The answer is {label} from block 1 of stage 3 on, the first that the classifier can read."
    if before is not None:
        first = f"From block {index + 1} of stage 3 on the answer is {label}; before that it was {exploration.labels[before]}."
    assert said.startswith(first)
    away = 6 - index  # the seventh was guessed
    how = "exactly this block" if away == 0 else f"{abs(away)} block{'s' * (abs(away) > 1)} too {'late' if away > 0 else 'early'}"
    assert how in page.locator(".cvt-decide-guessed").inner_text()
    assert page.evaluate("document.activeElement.matches('.cvt-decide-guessed')")
    assert "only the embedded model" in page.locator(BODY).inner_text()  # this one has no probes
    assert said in page.locator(".cvt-plot").get_attribute("aria-label")

    page.get_by_text("The same as a table").press("Enter")
    rows = page.locator(f"{BODY} tbody tr")
    assert rows.count() == 8
    names = page.locator(f"{BODY} thead th").all_inner_texts()[2:]
    for row, expected in zip(rows.all(), lens.probabilities, strict=True):
        for name, cell in zip(names, row.locator("td").all_inner_texts()[1:], strict=True):
            share = float(cell.replace("\u202f", "").strip("%<")) / 100
            assert share == pytest.approx(expected[exploration.labels.index(name)], rel=0.06, abs=1e-5)  # two digits
    page.get_by_role("button", name="Guess again").press("Enter")
    assert page.evaluate("document.activeElement.type") == "range"
    assert page.locator(f"{BODY} .cvt-plot").count() == 0


def test_probes_are_dashed_and_the_classifier_is_not(broken):
    points = [{"stage": min(3, n), "block": max(1, n - 2), "label": "bison", "accuracy": 0.1 * n if n < 3 else None} for n in range(1, 6)]
    classes = [{"label": "bison", "probabilities": [0.1, 0.2, 0.4, 0.7, 0.9]}, {"label": "ox", "probabilities": [0.5, 0.4, 0.3, 0.2, 0.1]}]
    decided = {"stage": 3, "block": 2, "before": "ox"}
    result = {"points": points, "classes": classes, "decided": decided, "probes": {"pictures": 20000, "unseen": 5000}, "reason": None}
    broken.page.route("**/break/lens", lambda route: route.fulfill(body=json.dumps({"result": result}) + "\n"))
    opened(broken, "When does it decide?")
    look = broken.page.get_by_role("button", name="Show it", exact=True)
    look.wait_for()
    before = finding(broken)
    look.click()
    assert finding(broken, before) == "From block 2 of stage 3 on the answer is bison; before that it was ox."
    lines = broken.page.eval_on_selector_all(".cvt-decide-line path", DASHES)
    assert lines == [[True, 2], [False, 3]] * 2
    assert broken.page.get_by_text("probes, one per block").is_visible()


def test_every_head_is_a_dot_that_shows_it_and_a_held_token_has_its_field(broken, random_app):
    page = broken.page
    opened(broken, "How far does it look?")
    page.wait_for_selector(".cvt-reach-head")
    model, pixels, exploration = shown(random_app[0], broken)
    distances = [attention_distances(stage) for stage in exploration.stages]
    dots = page.locator(".cvt-reach-head")
    assert dots.count() == sum(each.heads.size for each in distances) == 1 + 4 + 32
    best = min(range(3), key=lambda stage: distances[stage].heads.min())
    block, head = divmod(int(distances[best].heads.argmin()), distances[best].heads.shape[1])
    said = finding(broken)
    assert f"{'The head' if best == 0 else f'Head {head + 1}'} of block {block + 1}, stage {best + 1} looks nearest: " in said
    assert f"{round(float(distances[best].heads.min()))} pixels away" in said

    dots.nth(3).click()  # the first head of the second block of stage 2
    state = page.evaluate(f"{BEFORE}.state")
    assert (state["stage"], state["blocks"][1], state["heads"][1]) == (1, 1, 0)
    page.get_by_text("The same as a table").press("Enter")
    button = page.get_by_role("button", name="Show head 4 of block 8, stage 3")
    assert button.inner_text() == f"{distances[2].heads[7, 3]:.1f}"
    button.press("Enter")
    state = page.evaluate(f"{BEFORE}.state")
    assert (state["stage"], state["blocks"][2], state["heads"][2]) == (2, 7, 3)

    pictures = []
    for stage, row, column in ((1, 5, 7), (0, 40, 3)):
        grid = exploration.stages[stage].query_grid
        y, x = grid.centre(row, column)
        page.evaluate("choices => cvt.explorer('before').set(choices)", {"stage": stage, "y": y, "x": x, "cls": False, "pinned": True})
        field = receptive_field(model, pixels, stage, (row, column), (y, x))
        reach = f"lies within {field.side}×{field.side} pixels around it. Its convolutions alone reach {grid.field[0]}×{grid.field[1]}"
        page.wait_for_function(SAYS, arg=[".cvt-reach-field", f"after stage {stage + 1} {reach}"])
        pictures.append(page.eval_on_selector(".cvt-reach-field canvas", "canvas => canvas.toDataURL()"))
    assert pictures[0] != pictures[1]


def test_on_a_phone_the_answer_needs_no_sideways_scroll_and_no_glasses(broken):
    broken.page.set_viewport_size({"width": 390, "height": 844})
    opened(broken, "When does it decide?")
    broken.page.get_by_role("button", name="Show it", exact=True).click()
    broken.page.wait_for_selector(".cvt-plot")
    broken.drawn()
    assert axe.violations(broken.page, BODY) == []
    assert broken.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
    assert min(broken.page.eval_on_selector_all(f"{BODY} *", SIZES)) >= 14
