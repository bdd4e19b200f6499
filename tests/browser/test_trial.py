"""Explanations on trial on the page: maps as light, a trial that names what fails, by pointer and by keyboard."""

import numpy as np
import pytest

pytest.importorskip("gradio")

from tests.browser import axe
from tests.browser.test_page import choose_model, wait_for_class
from visualize.maps.explain import METHODS, RANDOM
from visualize.page.breaking import api, explanations

pytestmark = pytest.mark.browser


@pytest.fixture
def page(of_several):
    """The experiment with the smaller model, all maps drawn."""
    choose_model(of_several, "wide")
    wait_for_class(of_several, "wide")
    page = of_several.page
    page.get_by_role("tab", name="Break it").click()
    page.get_by_role("button", name="Which explanation can be trusted?").click()
    drawn(page)
    yield page
    page.keyboard.press("Escape")


def drawn(page):
    """Until every method's map is there and nothing runs."""
    page.wait_for_function(
        """() => document.querySelectorAll(".cvt-trial-card:not([data-waiting])").length === 8
          && !document.querySelector("[data-break] [data-busy]")""",
        timeout=60_000,
    )


def text(page, ref):
    return page.inner_text(f'[data-break] [data-ref="{ref}"]').replace("\u202f", " ")


def bright(page, sent):
    """How much brighter than the picture alone the inside of each cell of a map is on its canvas, (rows, columns)."""
    return np.array(
        page.evaluate(
            """({ method, grid }) => {
              const canvas = document.querySelector(`[data-method="${method}"] canvas`);
              const { result } = cvt.explorer("before");
              const plain = result.underlay(canvas.width, canvas.height);
              const unit = [canvas.height / result.input[0], canvas.width / result.input[1]];
              const sum = (drawn, at) => {
                const box = at.map((centre, axis) => Math.round((centre - grid.stride[axis] / 4) * unit[axis]));
                const size = grid.stride.map((stride, axis) => Math.floor((stride / 2) * unit[axis]));
                const { data } = drawn.getContext("2d").getImageData(box[1], box[0], size[1], size[0]);
                return data.reduce((all, value, index) => (index % 4 === 3 ? all : all + value), 0) / data.length;
              };
              const [rows, columns] = grid.shape.map((count, axis) =>
                Array.from({ length: count }, (_, at) => grid.first[axis] + at * grid.stride[axis]));
              return rows.map((y) => columns.map((x) => sum(canvas, [y, x]) - sum(plain, [y, x])));
            }""",
            {"method": sent["method"], "grid": sent["grid"]},
        )
    )


@pytest.fixture
def answers(monkeypatch):
    """What the server answers to questions about explanations."""
    found = []

    def explain(*asked):
        found.append(explanations.explain(*asked))
        return found[-1]

    monkeypatch.setitem(api.ANSWERS, "explain", explain)
    return found


def test_maps_are_put_on_trial_and_what_fails_is_named(page, answers):
    label = page.evaluate("cvt.explorer('before').result.header.top[0].label")
    assert text(page, "finding") == f"7 explanations of one answer, {label}. Which would you trust?"
    page.locator('[data-method="rollout"]').focus()
    page.keyboard.press("ArrowRight")
    assert page.inner_text(".cvt-trial-tells").startswith("Relevance: ")
    page.keyboard.press("Enter")  # the guess
    page.locator("[data-trial=start]").click()
    page.locator(".cvt-trial-chart svg").wait_for(timeout=60_000)
    drawn(page)

    # that this is the library's answer is tests/page/breaking/test_explanations.py's
    maps = answers[-1]["maps"]
    trial = {each["method"]: {**each, "gap": each["insertion_area"] - each["deletion_area"]} for each in reversed(maps)}
    chance = np.array(trial[RANDOM]["values"])  # the first of three, whose mean is about a half
    assert (bright(page, trial[RANDOM])[chance < 0.4] < 0).all()
    assert (bright(page, trial[RANDOM])[chance > 0.9] > 0).all()
    methods = [name for name in METHODS if name != RANDOM]
    beating = [name for name in methods if trial[name]["beats"]]
    order = sorted(methods, key=lambda name: -trial[name]["gap"])
    for name in methods:
        words = "Beats random" if name in beating else "No better than random"
        assert page.inner_text(f'[data-method="{name}"] small') == words
    finding = text(page, "finding")
    count = f"Here all 7 explanations beat random maps; best is {order[0]}"
    assert finding.startswith(
        f"Here {len(beating)} of 7 explanations " if 0 < len(beating) < 7 else count if beating else "Here no explanation"
    )
    assert f"Your choice, relevance, is number {order.index('relevance') + 1} of 7." in finding
    shown = page.locator(".cvt-trial-table tbody tr").evaluate_all("rows => rows.map((row) => row.dataset.method)")
    assert [name for name in shown if name != RANDOM] == order
    cells = page.locator('.cvt-trial-table tr[data-method="occlusion"] td').all_inner_texts()
    occlusion = trial["occlusion"]
    numbers = [float(each.replace("\u202f%", "").replace("−", "-")) for each in cells[:4]]
    assert numbers[:2] == pytest.approx([100 * occlusion["deletion_area"], 100 * occlusion["insertion_area"]], rel=0.06)
    assert numbers[2:] == pytest.approx([occlusion["agreement"], occlusion["survives"]], abs=0.006)

    assert page.inner_text(".cvt-trial-chart figcaption") == "Relevance: curves"  # of the choice
    own_curve = page.get_attribute('.cvt-trial-curve[data-of="own"][data-curve="deletion"]', "points")
    heights = [float(point.split(",")[1]) for point in own_curve.split()]
    deletion = trial["relevance"]["deletion"]
    assert np.corrcoef(heights, deletion)[0, 1] == pytest.approx(-1, abs=1e-3)  # up is less
    assert page.locator('.cvt-trial-curve[data-of="random"]').count() == 2
    assert axe.violations(page, "[data-experiment=trial]") == []


def test_another_class_is_explained_and_the_examples_can_be_cancelled(page):
    before = page.eval_on_selector('[data-method="occlusion"] canvas', "canvas => canvas.toDataURL()")
    second = page.evaluate("cvt.explorer('before').result.header.top[1].label")
    page.locator(f'.cvt-break-experiment [data-value="{second}"]').click()
    page.wait_for_function("label => document.querySelector('[data-break] [data-ref=finding]').textContent.includes(label)", arg=second)
    page.locator("[data-trial=examples]").click()  # which ends what still runs
    page.get_by_role("button", name="Cancel").click()
    assert text(page, "status") == "Cancelled."
    page.locator(f'.cvt-break-experiment [data-value="{second}"]').click()
    drawn(page)
    assert page.eval_on_selector('[data-method="occlusion"] canvas', "canvas => canvas.toDataURL()") != before
    assert page.locator(".cvt-trial-chart").is_hidden()  # nothing was tried for this class
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
