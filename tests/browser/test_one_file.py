"""The explorer without its server, in a plain HTML file: another host with data of its own, which also takes it away again."""

from __future__ import annotations

import numpy as np
import pytest

from cvt.processor import CvtImageProcessor
from tests.browser.one_file import one_file
from tests.draw.test_payload import model_of, photo
from visualize.draw.payload import payload
from visualize.explore import explore
from visualize.maps.inside import inside_payload

pytestmark = pytest.mark.browser
MODEL, PROCESSOR = model_of(5), CvtImageProcessor(size=64)
# Notes what was called by listeners and observers, which timers and frames are due, and which addresses of blobs are held.
WATCH = """window.heard = []; window.due = new Set(); window.addresses = new Set(); window.nextFrame = requestAnimationFrame.bind(window);
const { addEventListener } = EventTarget.prototype;
EventTarget.prototype.addEventListener = function (type, listener, options) {
  addEventListener.call(this, type, function (event) { heard.push(type); return listener.call(this, event); }, options);
};
for (const [start, end, once] of [["requestAnimationFrame", "cancelAnimationFrame", true], ["setTimeout", "clearTimeout", true],
  ["setInterval", "clearInterval", false]]) {
  const [starts, ends] = [window[start].bind(window), window[end].bind(window)];
  window[start] = (work, ...rest) => {
    const id = starts((...values) => { if (once) due.delete(start + id); heard.push(start); work(...values); }, ...rest);
    due.add(start + id);
    return id;
  };
  window[end] = (id) => { due.delete(start + id); ends(id); };
}
const Observer = window.ResizeObserver;
window.ResizeObserver = class extends Observer {
  constructor(work) { super((...values) => { heard.push("ResizeObserver"); work(...values); }); }
};
const { createObjectURL, revokeObjectURL } = URL;
URL.createObjectURL = (blob) => { const address = createObjectURL(blob); addresses.add(address); return address; };
URL.revokeObjectURL = (address) => { addresses.delete(address); revokeObjectURL(address); };"""
# Everything that somebody could do to a page.
STIR = """() => {
  for (const target of [window, document, ...document.querySelectorAll("*")]) {
    for (const type of ["pointermove", "pointerdown", "pointerleave", "click"]) {
      target.dispatchEvent(new PointerEvent(type, { bubbles: true, clientX: 50, clientY: 50 }));
    }
    target.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, key: "ArrowRight" }));
    for (const type of ["input", "change", "toggle", "resize"]) target.dispatchEvent(new Event(type, { bubbles: true }));
  }
}"""
FRAMES = "new Promise((done) => nextFrame(() => nextFrame(() => nextFrame(done))))"


class File:
    """The file opened from the disk, with two explorers: "one", which has the inside of a block, and "two", which lacks a block."""

    def __init__(self, tabs, address: str):
        self.problems: list[str] = []
        self.requests: list[str] = []
        heard = {
            "pageerror": lambda error: self.problems.append(str(error)),
            "console": lambda message: message.type == "error" and self.problems.append(message.text),
            "request": lambda request: self.requests.append(request.url),
        }
        self.page = tabs.take(address, heard, viewport={"width": 1200, "height": 900})
        self.page.goto(address)
        self.before = {name: self.html(name) for name in ("one", "two")}
        self.page.evaluate(WATCH)

    def html(self, name: str) -> list[str]:
        return self.page.locator(f'[data-explorer="{name}"]').evaluate_all("(all) => all.map((each) => each.outerHTML)")

    def mount(self, name: str, key: str, inside: bool = False) -> None:
        self.page.evaluate("(values) => mount(...values)", [name, key, inside])
        self.page.wait_for_selector(f'[data-part="panels"][data-explorer="{name}"][data-ready="{key}"]')
        self.page.evaluate(FRAMES)

    def stop(self, name: str) -> None:
        self.page.evaluate("(name) => stops[name]()", name)

    def ref(self, explorer: str, name: str):
        return self.page.locator(f'[data-explorer="{explorer}"] [data-ref="{name}"]')

    def hover(self, name: str, y: float, x: float, side: int = 64) -> str:
        """Moves the pointer to a point of the input; the sentence that is said then."""
        self.ref(name, "picture").scroll_into_view_if_needed()
        box = self.ref(name, "picture").bounding_box()
        self.page.mouse.move(box["x"] + x / side * box["width"], box["y"] + y / side * box["height"])
        self.page.evaluate(FRAMES)
        return self.ref(name, "sentence").inner_text()

    def overlay(self, name: str) -> str:
        return self.ref(name, "overlay").evaluate("(canvas) => canvas.toDataURL()")


@pytest.fixture(scope="module")
def seen():
    return {"first": explore(MODEL, PROCESSOR, photo()), "second": explore(MODEL, PROCESSOR, photo(70, 140))}


@pytest.fixture(scope="module")
def address(seen, tmp_path_factory):
    results = {"first": payload(seen["first"]), "second": payload(seen["second"], max_bytes=30_000)}
    path = tmp_path_factory.mktemp("file") / "explorers.html"
    path.write_text(one_file(["one", "two"], results, {"first/1/1": inside_payload(MODEL, PROCESSOR, seen["first"], 1, 1)}), "utf-8")
    return path.as_uri()


@pytest.fixture
def file(tabs, address):
    opened = File(tabs, address)
    yield opened
    tabs.give(opened.page)
    assert opened.problems == []


def test_hovering_draws_the_maps_and_asks_nothing(file, seen):
    file.mount("one", "first", inside=True)
    file.mount("two", "second")
    assert {url.split(":")[0] for url in file.requests} == {"file", "blob"}
    assert file.page.evaluate("Array.from(document.querySelectorAll('[id]'), (each) => each.id)") == []  # ids would meet each other
    file.requests.clear()
    other = file.overlay("two")
    grid, drawn = seen["first"].stages[1].query_grid, []
    for row, column in ((1, 1), (3, 6), (6, 2)):
        assert f"row {row + 1}, column {column + 1} attends to each of the 4×4 key cells" in file.hover("one", *grid.centre(row, column))
        drawn.append(file.overlay("one"))
    assert len(set(drawn)) == 3
    assert file.overlay("two") == other
    for name in ("one", "two"):
        file.ref(name, "lookInside").click()
    file.ref("one", "depth:inside").click()
    file.ref("one", "insideBody").wait_for()
    file.ref("one", "insideAddsPart").locator("summary").click()
    file.page.evaluate(FRAMES)
    assert file.ref("one", "insideNorms").locator("tr").count() == 2
    assert file.ref("two", "depth:inside").is_hidden()  # its source has none
    assert file.ref("two", "depth:export").is_visible()
    assert file.requests == []
    assert file.page.evaluate("window.cvt") is None


def test_what_the_source_does_not_have_is_said(file):
    file.mount("two", "second")
    file.page.evaluate("explorers.two.set({ stage: 2, blocks: [0, 1, 0] })")
    file.ref("two", "message").get_by_text("no longer keeps this result. Reload the page.").wait_for()
    assert file.ref("two", "message").get_by_role("button").count() == 0  # the host offers no way to have it made anew


def test_what_is_shown_keeps_its_words_until_the_next_result_is_there(file):
    file.mount("two", "second")
    file.page.evaluate(
        """() => { const { source } = explorers.two.host, { result } = source;
        source.result = (key) => new Promise((answer) => { window.arrive = () => answer(result(key)); });
        explorers.two.load({ key: "first", picture: "other", note: "Of the next." }); }"""
    )
    assert file.page.evaluate("explorers.two.value.key") == "second"  # which a file that is saved now would say
    assert file.ref("two", "note").text_content() == ""
    file.page.evaluate("arrive()")
    file.page.wait_for_selector('[data-part="panels"][data-explorer="two"][data-ready="first"]')
    assert file.page.evaluate("explorers.two.value.picture") == "other"
    assert file.ref("two", "note").text_content() == "Of the next."


def test_after_the_clean_up_nothing_listens_or_waits_and_it_can_be_mounted_again(file, seen):
    file.mount("one", "first", inside=True)
    file.mount("two", "second")
    file.page.evaluate("explorers.one.set({ stage: 2, ancestors: true })")  # which plays step by step
    file.hover("one", 20, 20)
    file.page.evaluate("explorers.one.set({ depth: 'export' })")
    with file.page.expect_download():
        file.ref("one", "saveNumbers").click()
    assert file.page.evaluate("[due.size > 0, addresses.size, heard.includes('pointermove'), heard.includes('ResizeObserver')]") == [
        True, 1, True, True
    ]  # fmt: skip
    crop = file.page.evaluate_handle("explorers.one.result.crop")
    for name in ("one", "two"):
        file.stop(name)
        assert file.html(name) == file.before[name]
    assert file.page.evaluate("[due.size, addresses.size]") == [0, 0]
    assert crop.evaluate("(bitmap) => bitmap.width") == 0  # its memory is free
    file.page.evaluate("heard.length = 0")
    file.page.evaluate(STIR)
    file.page.set_viewport_size({"width": 900, "height": 700})
    file.page.evaluate(FRAMES)
    assert file.page.evaluate("heard") == []
    file.mount("one", "second")
    y, x = seen["second"].stages[1].query_grid.centre(2, 5)
    assert "row 3, column 6 attends to each of the 4×4 key cells" in file.hover("one", y, x)
    colours = (
        "(canvas) => new Set(new Uint32Array(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.buffer)).size"
    )
    assert file.ref("one", "overlay").evaluate(colours) > 8


def test_a_result_that_comes_after_the_clean_up_is_not_shown(file):
    file.page.evaluate(
        """async () => {
          const { mount } = await loaded;
          const elements = { picture: part("one", "picture"), panels: part("one", "panels") };
          await new Promise((asked) => {
            const result = () => new Promise((give) => { window.give = () => give(bytes(results.first)); asked(); });
            const source = { result, block: async () => null };
            stops.one = mount(elements, { source, value: { key: "first" }, shown: () => (window.shown = true) });
          });
          stops.one();
          give();
        }"""
    )
    file.page.evaluate(FRAMES)
    assert file.page.evaluate("window.shown ?? false") is False
    assert file.html("one") == file.before["one"]


def test_the_weights_that_are_drawn_are_those_of_the_model(file, seen):
    file.mount("one", "first")
    file.page.evaluate(
        "explorers.one.set({ stage: 1, blocks: [0, 1, 2], heads: [-1, 1, -1], view: 'mean', paint: 'map', opacity: 1, colours: 'grey' })"
    )
    file.page.evaluate(FRAMES)
    stage = seen["first"].stages[1]
    weights = stage.blocks[1].weights()[1].mean(axis=0)
    pixel = """([y, x]) => { const canvas = explorers.one.ref.overlay;
    return canvas.getContext("2d").getImageData(x * canvas.width, y * canvas.height, 1, 1).data[0]; }"""
    for index in range(16):
        y, x = stage.key_grid.centre(*divmod(index, 4))
        shown = file.page.evaluate(pixel, [y / 64, x / 64])
        assert np.isclose(shown, weights[index] / weights.max() * 255, atol=2.5)
