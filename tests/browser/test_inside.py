"""The microscope in a real Chromium: every number on it against PyTorch's, its steps by key and by time, and what it links."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import pytest
import torch

from cvt.processor import CvtImageProcessor
from tests.browser.one_file import one_file
from tests.draw.test_payload import model_of, photo
from tests.maps.test_inside import randomised
from visualize.container import unpack
from visualize.draw.payload import payload
from visualize.explore import explore
from visualize.maps.inside import inside_payload

pytestmark = pytest.mark.browser
PROCESSOR = CvtImageProcessor(size=64)
VARIANTS = {
    "convolution": {},
    "wide": {"kernel_qkv": (5,) * 3, "padding_q": (2,) * 3, "padding_kv": (2,) * 3},
    "pool": {"qkv_projection_method": ("avg",) * 3},
    "linear": {"qkv_projection_method": ("linear",) * 3},
}
PLACES = ((1, 1), (2, 1))  # (stage, block) of the data that is there
SCENES = ("window", "norm", "linear", "score", "softmax")
FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Case:
    """One model, what it saw, and what PyTorch makes of a block's tokens before the linear layers."""

    def __init__(self, changes: dict):
        self.model = randomised(model_of(5, **changes))
        self.seen = explore(self.model, PROCESSOR, photo())
        self.packed = {place: inside_payload(self.model, PROCESSOR, self.seen, *place) for place in PLACES}

    def block(self, stage: int):
        return self.seen.stages[stage].blocks[1]

    def steps(self, stage: int, projection: str, channel: int, row: int, column: int) -> dict[str, float]:
        """The window's sum, and what the linear layer reads, of one channel at one place, from PyTorch's own modules."""
        tokens = torch.from_numpy(unpack(self.packed[stage, 1])[1]["tokens"].copy())[None]
        attention = self.model.cvt.encoder.stages[stage].layers[1].attention.attention
        module = getattr(attention, f"convolution_projection_{projection}").convolution_projection
        with torch.inference_mode():
            first = getattr(module, "convolution", module)(tokens)
            whole = module(tokens)
        return {"sum": float(first[0, channel, row, column]), "value": float(whole[0, channel, row, column])}


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return {name: Case(changes) for name, changes in VARIANTS.items()}


class Microscope:
    """A page from the disk with one explorer, whose microscope is open."""

    def __init__(self, browser, path, **context):
        self.context = browser.new_context(**{"viewport": {"width": 1200, "height": 1000}, **context})
        self.page = self.context.new_page()
        self.problems: list[str] = []
        self.page.on("pageerror", lambda error: self.problems.append(str(error)))
        self.page.on("console", lambda message: message.type == "error" and self.problems.append(message.text))
        self.page.goto(path.as_uri())
        self.mounted = False

    def show(self, key: str, **state) -> None:
        """Shows a result with its microscope open, in a stage and at a place (row, column) of its queries."""
        if self.mounted:
            self.page.evaluate("stops.one()")
        self.page.evaluate("(key) => mount('one', key, true)", key)
        self.mounted = True
        self.page.wait_for_selector(f'[data-part="panels"][data-ready="{key}"]')
        self.set(stage=2, blocks=[0, 1, 1], heads=[-1, 1, 1], **state)
        self.page.evaluate("explorers.one.set({ depth: 'inside' })")
        self.ref("insideBody").wait_for()
        self.settle()

    def set(self, row: int | None = None, column: int = 0, **changes) -> None:
        self.page.evaluate("(changes) => explorers.one.set(changes)", changes)
        if row is not None:
            self.page.evaluate(
                """([row, column]) => { const { state, result } = explorers.one, { first, stride } = result.stages[state.stage].query;
                explorers.one.set({ y: first[0] + row * stride[0], x: first[1] + column * stride[1] }); }""",
                [row, column],
            )
        self.settle()

    def settle(self) -> None:
        self.page.evaluate(FRAMES)

    def ref(self, name: str):
        return self.page.locator(f'[data-explorer="one"] [data-ref="{name}"]')

    def open(self, scene: str) -> None:
        self.ref("insideSteps").get_by_role("button").nth(SCENES.index(scene)).click()
        self.settle()

    def there(self) -> list[str]:
        buttons = self.ref("insideSteps").get_by_role("button").all()
        return [scene for scene, button in zip(SCENES, buttons, strict=True) if button.is_enabled()]

    @property
    def sentence(self) -> str:
        return self.ref("insideSentence").inner_text()

    @property
    def shown(self):
        return self.ref("insideScenes").locator("> [data-shown]")

    def numbers(self, selector: str) -> list[float]:
        """The typeset numbers in the shown scene's elements, from first to last; hidden ones are left out."""
        found = self.shown.locator(selector).evaluate_all(
            """(all) => all.filter((each) => getComputedStyle(each).visibility === "visible").map((each) => {
            const ten = each.querySelector("msup"); return ten ? [ten.previousElementSibling.previousElementSibling.textContent,
              ten.lastElementChild.textContent, each.textContent[0]] : [each.textContent, "0", ""]; })"""
        )
        return [number(text) * 10 ** number(power) * (-1 if sign == "−" else 1) for text, power, sign in found]

    def part(self, name: str) -> float:
        """The number of a part in the formula."""
        return self.numbers(f'.cvt-formula [data-number="{name}"]')[-1]

    def share(self) -> float:
        """The weight in the formula of softmax."""
        return float(self.shown.locator('.cvt-formula [data-number="weight"]').inner_text().replace("\u202f%", "")) / 100

    def press(self, key: str) -> str:
        self.page.keyboard.press(key)
        self.settle()
        return self.sentence


def number(text: str) -> float:
    return float(re.sub(r"[()+\s]", "", text).replace("−", "-"))


def close(wanted) -> pytest.approx:
    return pytest.approx(wanted, rel=0.0051, abs=0.000011)  # three significant digits, five decimals


@pytest.fixture(scope="module")
def path(cases, tmp_path_factory):
    results = {name: payload(case.seen) for name, case in cases.items()}
    insides = {f"{name}/{stage}/{block}": case.packed[stage, block] for name, case in cases.items() for stage, block in PLACES}
    file = tmp_path_factory.mktemp("microscope") / "page.html"
    file.write_text(one_file(["one"], results, insides), "utf-8")
    return file


@pytest.fixture(scope="module")
def _shared(chromium, path) -> Iterator[Microscope]:
    opened = Microscope(chromium, path)
    yield opened
    opened.context.close()


@pytest.fixture
def microscope(_shared) -> Iterator[Microscope]:
    yield _shared
    assert _shared.problems == []


def places_of(case: Case, stage: int, row: int, column: int, head: int) -> tuple[int, tuple[int, int], np.ndarray]:
    """The query's index, the cell of its strongest key place in a head, and all its weights there."""
    each = case.seen.stages[stage]
    query = each.query_index(row, column)
    weights = each.blocks[1].weights([query])[head, 0]
    first = int(each.blocks[1].has_cls)
    return query, divmod(int(weights[first:].argmax()), each.key_grid.shape[1]), weights


@pytest.mark.parametrize("projection", ["query", "key", "value"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_number_is_the_models(microscope, cases, variant, projection):
    case, channel, entry, head, stage = cases[variant], 11, 2, 1, 2
    for row, column in {"wide": ((0, 0),), "linear": ((2, 3),)}.get(variant, ((0, 0), (2, 3))):
        microscope.show(variant, projection=projection, channels=[None, None, channel], output=entry + 1, row=row, column=column)
        query, key_cell, weights = places_of(case, stage, row, column, head)
        block, first = case.block(stage), int(case.block(stage).has_cls)
        cell = (row, column) if projection == "query" else key_cell
        key = key_cell[0] * case.seen.stages[stage].key_grid.shape[1] + key_cell[1] + first
        convolved = variant in ("convolution", "wide")
        pooled = variant == "pool" and projection != "query"
        assert microscope.there() == list(SCENES[0 if convolved else 2 :]) or (pooled and microscope.there() == ["window", *SCENES[2:]])
        if convolved or pooled:
            wanted = case.steps(stage, projection, channel, *cell)
            microscope.open("window")
            side = 5 if variant == "wide" else 3
            products = microscope.numbers(".cvt-products b")
            assert len(products) == side * side
            assert sum(products) == pytest.approx(wanted["sum"], abs=0.005 * sum(map(abs, products)) + 1e-4)
            assert microscope.numbers(".cvt-outcome b") == [close(wanted["sum"])]
            assert microscope.part("z") == close(wanted["sum"])
            if side == 3:  # each product is that of the two numbers below it
                parts = microscope.shown.locator(".cvt-products small").all_text_contents()
                for text, product in zip(parts, products, strict=True):
                    factors = [] if text == "padding" or text == "not counted" else [number(each) for each in text.split("·")]
                    assert product == pytest.approx(np.prod(factors) if factors else 0, rel=0.02, abs=1e-4)
        if convolved:
            microscope.open("norm")
            (scale,), (shift,) = microscope.numbers('.cvt-formula [data-number="a"]'), microscope.numbers('.cvt-formula [data-number="b"]')
            assert microscope.part("y") == close(wanted["value"])
            assert scale * wanted["sum"] + shift == pytest.approx(wanted["value"], abs=0.006 * (abs(scale * wanted["sum"]) + abs(shift)))
        microscope.open("linear")
        terms = microscope.numbers(".cvt-terms b")
        assert len(terms) == 8  # six channels, the others, the bias
        made = microscope.part("out")
        assert sum(terms) == pytest.approx(made, abs=0.005 * sum(map(abs, terms)) + 1e-4)
        if projection != "value":
            vector = getattr(block, projection)[head, query if projection == "query" else key]
            assert made == close(vector[entry])
        q, k = block.query[head, query].astype(float), block.key[head, key].astype(float)
        microscope.open("score")
        largest = sorted(q * k, key=abs, reverse=True)[:3]
        assert microscope.numbers('.cvt-formula [data-number^="e"]') == [
            *map(close, largest),
            pytest.approx((q @ k) - sum(largest), rel=0.02),
        ]
        assert microscope.numbers('.cvt-formula [data-number="dot"]') == [close(q @ k)] * 2
        assert microscope.part("s") == close(q @ k * block.scale)
        microscope.open("softmax")
        share = microscope.shown.locator('.cvt-formula [data-number="weight"]').inner_text()
        assert float(share.replace("\u202f%", "")) / 100 == pytest.approx(weights[key], rel=0.051)
        assert f"The key at row {key_cell[0] + 1}, column {key_cell[1] + 1} gets {share} of the attention" in microscope.sentence
        assert "The picture shows this weight there." in microscope.sentence
        slider = microscope.shown.get_by_role("slider")
        assert slider.get_attribute("aria-valuemax") == str(len(weights))
        rank = int((weights > weights[key]).sum()) + 1
        assert slider.get_attribute("aria-valuenow") == str(rank)
        assert slider.get_attribute("aria-valuetext").startswith(f"Key {rank} of {len(weights)}, the key at row {key_cell[0] + 1}")


def test_the_bars_are_the_weights(microscope, cases):
    microscope.show("convolution", row=1, column=2)
    microscope.open("softmax")
    _, _, weights = places_of(cases["convolution"], 2, 1, 2, 1)
    heights = microscope.shown.locator("canvas").evaluate(
        """(canvas) => { const { width, height } = canvas, data = canvas.getContext("2d").getImageData(0, 0, width, height).data;
        return Array.from({ length: 5 }, (_, bar) => { const x = Math.floor(((bar + 0.5) / 5) * width);
          let tall = 0; for (let y = 0; y < height; y++) tall += data[4 * (y * width + x) + 3] > 128; return tall / height; }); }"""
    )
    assert len(weights) == 5
    assert heights == pytest.approx(np.sort(weights)[::-1] / weights.max(), abs=0.02)
    line = microscope.shown.locator(".cvt-uniform").evaluate("(each) => parseFloat(each.style.bottom) / each.parentElement.clientHeight")
    assert line == pytest.approx(1 / 5 / weights.max(), abs=0.02)


def test_the_cls_token_is_not_convolved_and_says_so(microscope, cases):
    microscope.show("convolution", cls=True, projection="query", output=4)
    assert microscope.there() == ["linear", "score", "softmax"]
    assert "not convolved" in microscope.ref("insideWords").inner_text()
    block = cases["convolution"].block(2)
    assert microscope.part("out") == close(block.query[1, 0, 3])
    microscope.open("softmax")
    weights = block.weights([0])[1, 0]
    key = int(weights[1:].argmax()) + 1
    assert microscope.share() == pytest.approx(weights[key], rel=0.051)


def test_a_model_without_convolutions_says_so(microscope):
    microscope.show("linear", row=1, column=1)
    assert microscope.ref("insideWords").inner_text().startswith("This model projects without a convolution")
    assert microscope.there() == ["linear", "score", "softmax"]
    microscope.show("pool", row=1, column=1, projection="key")
    assert "mean of 9 neighbours" in microscope.ref("insideWords").inner_text()
    microscope.set(projection="query")
    assert "not pooled" in microscope.ref("insideWords").inner_text()


def test_arrow_keys_go_through_all_steps_and_say_each(microscope):
    microscope.show("convolution", projection="key", row=2, column=2)
    microscope.ref("insideSteps").get_by_role("button").first.click()
    microscope.ref("insideScenes").focus()
    for _ in range(20):
        first = microscope.press("ArrowLeft")
    assert re.match(r"The window of the key at row \d, column 1 covers tokens", first)
    said, scenes = [first], []
    for _ in range(60):
        said.append(microscope.press("ArrowRight"))
        scenes.append(microscope.shown.get_attribute("class").split()[1])
        if said[-1] == said[-2]:
            break
    assert [scene for index, scene in enumerate(scenes) if not index or scene != scenes[index - 1]] == [
        f"cvt-{scene}-scene" for scene in SCENES
    ]
    assert "moves by 2 tokens at a time" in first
    assert "of the attention" in said[-1]
    assert len(set(said)) > 20


def test_space_plays_and_pauses_and_the_end_is_the_last_step(chromium, path):
    microscope = Microscope(chromium, path)
    microscope.page.clock.install()
    microscope.page.goto(path.as_uri())
    frames = "explorers.one.inside.draw()"  # the clock stands still, so does the browser's next frame
    microscope.page.evaluate("(key) => mount('one', key, true)", "convolution")
    microscope.page.wait_for_function("explorers.one?.result")
    microscope.page.evaluate("explorers.one.set({ stage: 2, blocks: [0, 1, 1] }); explorers.one.set({ depth: 'inside' })")
    microscope.page.evaluate(frames)
    microscope.page.wait_for_function("[...explorers.one.result.insides.values()].some(Boolean)")
    microscope.page.clock.run_for(100)
    microscope.ref("insideScenes").focus()
    play = microscope.ref("insidePlayer").get_by_role("button").nth(1)
    microscope.page.keyboard.press("Space")
    microscope.page.clock.run_for(100)
    assert play.inner_text() == "Pause"
    first = microscope.sentence
    assert first.startswith("The window of the query")
    microscope.page.clock.run_for(2000)
    assert microscope.sentence != first
    microscope.page.keyboard.press("Space")
    microscope.page.clock.run_for(100)
    paused = microscope.sentence
    assert play.inner_text() == "Play"
    microscope.page.clock.run_for(5000)
    assert microscope.sentence == paused
    assert microscope.ref("insideLive").inner_text() == paused  # what stands still is announced
    microscope.page.keyboard.press("Space")
    for _ in range(60):
        microscope.page.clock.run_for(1700)
    assert play.inner_text() == "Play"
    assert "of the attention" in microscope.sentence
    assert microscope.problems == []
    microscope.context.close()


def test_with_less_motion_nothing_plays_and_keys_step(chromium, path):
    microscope = Microscope(chromium, path, reduced_motion="reduce")
    microscope.show("convolution", row=2, column=2)
    assert microscope.ref("insidePlayer").get_by_role("button").count() == 2  # back and on
    microscope.ref("insideScenes").focus()
    before = microscope.sentence
    after = microscope.press("Space")
    assert after != before
    assert microscope.page.evaluate("explorers.one.inside.playing()") is False
    moving = microscope.page.evaluate(
        """Array.from(document.querySelectorAll(".cvt-inside *")).filter((each) =>
        parseFloat(getComputedStyle(each).transitionDuration) > 0).length"""
    )
    assert moving == 0
    assert microscope.problems == []
    microscope.context.close()


def outlined(microscope: Microscope) -> set[str]:
    return set(microscope.shown.locator("[data-on]").evaluate_all("(all) => all.map((each) => each.localName + ' ' + each.dataset.number)"))


def test_a_number_and_its_cell_are_linked_by_pointer_and_by_focus(microscope):
    microscope.show("convolution", row=1, column=2)
    microscope.open("window")
    microscope.shown.locator('.cvt-formula [data-number="w4"]').hover()
    microscope.settle()
    assert outlined(microscope) == {"i w4", "div w4", "button w4"}
    said = microscope.sentence
    assert said.startswith("Token ")
    microscope.shown.locator(".cvt-products > div").nth(4).hover()
    microscope.settle()
    assert outlined(microscope) == {"i w4", "div w4", "button w4"}
    assert microscope.sentence == said
    microscope.page.mouse.move(0, 0)
    microscope.settle()
    assert outlined(microscope) == {"b z", "button z"}  # the step is about the sum
    microscope.shown.locator('.cvt-formula [data-number="w7"]').focus()
    microscope.settle()
    assert outlined(microscope) == {"i w7", "div w7", "button w7"}
    microscope.open("linear")
    microscope.shown.locator(".cvt-terms > div").nth(2).hover()
    microscope.settle()
    assert outlined(microscope) == {"div c2", "path c2", "button c2"}
    assert microscope.sentence.startswith("Channel ")
    microscope.page.mouse.move(0, 0)


def test_a_wide_window_is_written_by_rows(microscope):
    microscope.show("wide", row=2, column=2)
    microscope.open("window")
    microscope.shown.locator('.cvt-formula [data-number="r1"]').hover()
    microscope.settle()
    assert microscope.shown.locator(".cvt-products [data-on]").count() == 5
    assert microscope.sentence.startswith("The products of row 2 of the window add up to")
    microscope.page.mouse.move(0, 0)


def test_entries_and_keys_can_be_chosen(microscope, cases):
    microscope.show("convolution", projection="key", row=1, column=2)
    block, weights = cases["convolution"].block(2), places_of(cases["convolution"], 2, 1, 2, 1)[2]
    microscope.open("score")
    slider = microscope.shown.get_by_role("slider")
    slider.focus()
    microscope.page.keyboard.press("End")
    microscope.settle()
    assert microscope.page.evaluate("explorers.one.state.output") == 8
    assert slider.get_attribute("aria-valuetext").startswith("Entry 8: ")
    microscope.open("softmax")
    slider = microscope.shown.get_by_role("slider")
    slider.focus()
    for index, key in enumerate(np.argsort(-weights, kind="stable")):
        microscope.page.keyboard.press("Home")
        for _ in range(index):
            microscope.page.keyboard.press("ArrowRight")
        microscope.settle()
        assert microscope.share() == pytest.approx(weights[key], rel=0.051)
        assert microscope.sentence.startswith("The cls token gets" if key == 0 else "The key at row")
        microscope.open("linear")  # which makes that very key
        assert microscope.part("out") == close(block.key[1, key, 7])
        assert microscope.there()[0] == ("linear" if key == 0 else "window")
        microscope.open("softmax")
        slider.focus()
    box = slider.bounding_box()
    microscope.page.mouse.click(box["x"] + box["width"] * 0.3, box["y"] + 20)
    microscope.settle()
    assert slider.get_attribute("aria-valuenow") == "2"
    microscope.page.mouse.move(0, 0)


def test_controls_choose_head_entry_and_channel(microscope):
    microscope.show("convolution", row=1, column=2)
    microscope.ref("insideHead").select_option(label="3")
    microscope.ref("insideChannel").fill("5")
    microscope.ref("insideChannel").press("Enter")
    microscope.ref("output").fill("6")
    microscope.settle()
    assert microscope.page.evaluate("[explorers.one.state.heads[2], explorers.one.state.channels[2]]") == [2, 4]
    microscope.open("window")
    assert "channel 5" in microscope.shown.locator("h4").first.inner_text()
    microscope.open("linear")
    assert microscope.sentence.startswith("All 32 channels of this one place make entry 6 of the query")
    assert microscope.ref("output").get_attribute("max") == "8"


@pytest.mark.parametrize("width", [1200, 680])  # the panels get 320 pixels less
def test_nothing_moves_while_the_pointer_does_and_steps_go_on(microscope, width):
    microscope.page.set_viewport_size({"width": width, "height": 1000})
    microscope.show("convolution", projection="key", row=0, column=0)
    sizes = """() => [...document.querySelectorAll(".cvt-overview, .cvt-steps-row, .cvt-step-words, .cvt-scenes, .cvt-quiet")]
      .map((each) => [each.offsetTop, each.offsetHeight].join())"""
    found = set()
    for scene in SCENES:
        microscope.open(scene)
        for row, column in ((0, 0), (3, 3), (1, 2)):
            microscope.set(row=row, column=column)
            found.add(tuple(microscope.page.evaluate(sizes)))
            wide = microscope.page.evaluate(
                """Array.from(document.querySelectorAll(".cvt-inside *")).filter((each) =>
                each.getClientRects().length && each.getBoundingClientRect().right > innerWidth + 1).map((each) => each.outerHTML)"""
            )
            assert wide == []
    assert len(found) == 1
    microscope.page.set_viewport_size({"width": 1200, "height": 1000})


def test_text_is_large_enough_and_so_is_what_is_pressed(microscope):
    microscope.show("convolution", projection="key", row=1, column=2)
    microscope.ref("insideAddsPart").locator("summary").click()
    for scene in SCENES:
        microscope.open(scene)
        small = microscope.page.evaluate(
            """Array.from(document.querySelectorAll(".cvt-inside *")).filter((each) => each.getClientRects().length
            && getComputedStyle(each).visibility === "visible" && !each.closest(".cvt-hidden")
            && Array.from(each.childNodes).some((node) => node.nodeType === 3 && node.data.trim())
            && parseFloat(getComputedStyle(each).fontSize) < 14).map((each) => each.outerHTML)"""
        )
        assert small == []
        low = microscope.page.evaluate(
            """Array.from(document.querySelectorAll(".cvt-inside :is(button, select, input, summary)")).filter((each) =>
            each.getClientRects().length && each.getBoundingClientRect().height < 24).map((each) => each.outerHTML)"""
        )
        assert low == []


def test_what_the_block_adds_is_said_below(microscope, cases):
    microscope.show("convolution", row=1, column=3)
    microscope.ref("insideAddsPart").locator("summary").click()
    microscope.settle()
    arrays = unpack(cases["convolution"].packed[2, 1])[1]
    said = re.search(r"length ([0-9.]+)\. Attention adds one of ([0-9.]+), then the MLP one of ([0-9.]+)\.",
                     microscope.ref("insideAdds").inner_text())  # fmt: skip
    assert [float(each) for each in said.groups()] == pytest.approx(arrays["lengths"][:, 1, 3], abs=0.06)
    norms = arrays["norms/2"].ravel()
    wide = "() => [...document.querySelectorAll('.cvt-norms td i')].some((each) => each.getBoundingClientRect().width > 30)"
    microscope.page.wait_for_function(wide)
    bars = microscope.page.locator(".cvt-norms td i").evaluate_all("(all) => all.map((each) => each.getBoundingClientRect().width)")
    scale = max(bars) / norms.max()
    assert bars == pytest.approx(norms * scale, abs=1.1)  # none is thinner than a pixel
