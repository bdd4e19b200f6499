"""The page without a server, from a plain web server and below a path: it shows, computes and keeps all that it says."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from urllib.parse import parse_qsl, urlparse

import numpy as np
import pytest
from PIL import Image

from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor
from tests.browser.axe import CONTRAST, violations
from tests.browser.static import EXAMPLES, RUNTIME, hosted
from tests.browser.test_camera import CAMERA
from tests.helpers import ROOT, tiny_model
from visualize.alone.bundle import script
from visualize.change.parts import Intervention
from visualize.container import unpack
from visualize.explore import explore
from visualize.maps.inside import inside_payload
from visualize.site.build import build
from visualize.site.shell import page as page_of
from visualize.web.components import COMPONENTS
from visualize.web.site import SHELL

pytestmark = pytest.mark.browser
BELOW = "below/a path/"  # of the web server
SERVER = "https://example.org/explorer"
HOSTILE = '"><img src=x onerror=alert(1)>'
MOST_FIRST, MOST_OWN = 2_500_000, 25_000_000  # bytes before the first maps, and before the model's first result
SHOWN = '[data-explorer="main"] [data-ref="verdictName"]:not(:empty)'
# Waits until a cache has these addresses; until the caches are as many, with these letters in the first one's name.
KEPT = """async (addresses) => {
  for (let tries = 0; tries < 3000; tries++) {
    const found = await Promise.all(addresses.map((address) => caches.match(address)));
    if (found.every(Boolean)) return navigator.serviceWorker.ready.then(() => true);
    await new Promise((done) => setTimeout(done, 20));
  }
}"""
CACHES = """async ([count, letters]) => {
  for (let tries = 0; tries < 3000; tries++) {
    const names = await caches.keys();
    if (names.length === count && names[0].includes(letters)) return names;
    await new Promise((done) => setTimeout(done, 20));
  }
}"""

OWN = """() => { const { picture, results, choosing } = cvt.page.state;
  return picture && !picture.example && picture.key === results.main.key && !choosing; }"""
CHANGED = """() => { const { before, after } = cvt.page.state.results;
  return after && after.key !== before.key && cvt.explorer("after").key === after.key; }"""
ASK = """async (name) => { const { answer } = await import("./modules/site/running.js");
  return answer(name, { key: cvt.page.state.picture.key, interventions: [] }, () => {}); }"""
ROWS = """async ([stage, block, queries]) => {
  const { row } = await import("./modules/explorer/attention.js");
  const { result } = cvt.explorer();
  await result.ask(stage, block);
  const found = result.block(stage, block);
  const heads = Array.from({ length: found.heads }, (_, head) => head);
  return queries.map((query) => heads.map((head) => Array.from(row(found, head, query))));
}"""
MIDDLE = "(each) => { const { x, y, width, height } = each.getBoundingClientRect(); return [x + width / 2, y + height / 2]; }"
# Has a step's questions answered by Show me, and goes on; what is said of each.
SHOWN_ME = """async (step) => {
  const panel = document.querySelector("[data-lesson]"), show = () => [...panel.querySelectorAll("button")].find(
    (each) => each.textContent === "Show me" && !each.disabled);
  for (let tries = 0; tries < 6000; tries++) {
    const { lesson } = cvt.page.state;
    if (lesson?.problem) throw new Error(lesson.problem);
    if (lesson?.step === step && lesson.phase === "seen") break;
    if (lesson?.step === step) show()?.click();
    await new Promise((done) => setTimeout(done, 20));
  }
  const said = [...panel.querySelectorAll(".cvt-lesson-result")].map((each) => each.textContent);
  panel.querySelector("[data-ref=next]").click();
  return said;
}"""


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of a web server with the site in it."""
    if not RUNTIME.exists():
        pytest.skip("needs onnxruntime-web: npm ci --prefix tests/web")
    root = tmp_path_factory.mktemp("site")
    build(root / BELOW, examples=EXAMPLES, runtime=RUNTIME, server=SERVER)
    return root


@contextmanager
def visited(chromium, host, query: str = "", **context) -> Iterator[SimpleNamespace]:
    """A first visit, as of a new browser: nothing may go wrong on it, and nobody else may be asked."""
    with_options = {"viewport": {"width": 1440, "height": 900}, **context}
    own = chromium.new_context(**with_options)
    page, problems, asked = own.new_page(), [], []
    page.on("console", lambda message: message.type in ("error", "warning") and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    own.on("request", lambda request: asked.append(request.url))
    address = f"{host.address}/{BELOW}{query}"
    page.goto(address)
    page.wait_for_selector(SHOWN, state="attached")
    try:
        yield SimpleNamespace(page=page, problems=problems, asked=asked, address=address)
        assert problems == []
        assert {urlparse(url).netloc for url in asked if urlparse(url).scheme.startswith("http")} == {urlparse(host.address).netloc}
    finally:
        own.close()


@pytest.fixture(scope="module")
def host(site):
    with hosted(site) as found:
        yield found


@pytest.fixture(scope="module")
def seen(chromium, host):
    """One visit that tests share."""
    with visited(chromium, host) as found:
        found.first = host.bytes_of()
        # one that takes over while the model comes fetches it anew where the browser has not kept it
        found.page.wait_for_function("() => Boolean(navigator.serviceWorker.controller)")
        yield found


def drawn(page) -> None:
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def state(page, name: str):
    return page.evaluate(f"cvt.explorer().state.{name}")


def test_the_first_maps_need_few_bytes(seen):
    assert 500_000 < seen.first < MOST_FIRST


def test_the_scripts_are_the_same_files_as_with_a_server(site):
    folder = site / BELOW / "modules"
    there = {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*.js")}
    for component in COMPONENTS:
        for file in component.STATIC.rglob("*.js"):
            assert there.pop(file.relative_to(component.STATIC.parent).as_posix()) == file.read_bytes()
    assert there.pop("choices.js").decode() == script("choices.js")
    assert {name.split("/")[0] for name in there} == {"site"}


def test_the_shell_is_accessible(seen):
    assert violations(seen.page) == []


def test_maps_follow_the_pointer_and_the_heads_on_every_block(seen):
    page, finding = seen.page, '[data-explorer="main"] [data-ref="detail"]'
    box = page.locator('[data-explorer="main"] [data-ref="picture"]').bounding_box()
    told = set()
    for x, y in ((0.2, 0.2), (0.5, 0.5), (0.8, 0.7)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        drawn(page)
        told.add(page.inner_text(finding))
    assert len(told) == 3
    page.get_by_role("button", name="Look inside", exact=True).click()
    for stage, depth, heads in ((1, 2, 2), (2, 8, 4)):
        for block in range(depth):  # also those that come one by one
            page.evaluate("([stage, block]) => cvt.explorer().set({ stage, blocks: [0, 0, 0].with(stage, block) })", [stage, block])
            page.wait_for_function("([stage, block]) => Boolean(cvt.explorer().result.block(stage, block))", arg=[stage, block])
        drawings = set()
        for head in range(heads):
            page.evaluate("([stage, head]) => cvt.explorer().set({ heads: [0, 0, 0].with(stage, head + 1) })", [stage, head])
            drawn(page)
            drawings.add(page.eval_on_selector('[data-explorer="main"] [data-ref="overlay"]', "canvas => canvas.toDataURL()"))
        assert len(drawings) == heads


def test_the_inside_of_a_block_is_put_together_from_its_files(seen):
    model, processor = CvtForImageClassification.from_pretrained().eval(), CvtImageProcessor.from_pretrained()
    wanted = unpack(inside_payload(model, processor, explore(model, processor, EXAMPLES[0]), 2, 7))
    page = seen.page
    page.evaluate("cvt.explorer().set({ stage: 2, depth: 'inside', blocks: [0, 0, 7] })")
    page.wait_for_function("() => Boolean(cvt.explorer().result.insides.get('2/7'))")
    found = page.evaluate("""() => { const { header, arrays } = cvt.explorer().result.insides.get("2/7");
      return { shapes: header.shapes, arrays: Object.fromEntries(Object.entries(arrays).map(([name, values]) => [name, values.length])),
        last: Object.fromEntries(["tokens", "lengths", "value/linear"].map((name) => [name, Array.from(arrays[name].slice(-3))])) }; }""")
    assert found["shapes"] == wanted[0]["shapes"]
    assert found["arrays"] == {name: array.size for name, array in wanted[1].items()}
    for name, values in found["last"].items():
        np.testing.assert_allclose(values, wanted[1][name].ravel()[-3:], rtol=1e-5, atol=1e-6)


@pytest.fixture(scope="module")
def photograph(tmp_path_factory):
    """A picture of one's own whose name is no name: in a format that every program reads alike, and not square."""
    path = tmp_path_factory.mktemp("own") / f"{HOSTILE}.png"
    with Image.open(ROOT / "examples/gosling.jpg") as picture:
        picture.convert("RGB").resize((330, 250)).save(path)
    return path


@pytest.fixture(scope="module")
def own(seen, photograph):
    """The shared visit with that picture, which the model in the browser has looked at."""
    seen.page.get_by_role("tab", name="Look").click()
    seen.page.on("dialog", lambda dialog: seen.problems.append(dialog.message))
    with seen.page.expect_file_chooser() as chooser:
        seen.page.get_by_role("button", name="Drop, paste or choose").click()
    chooser.value.set_files(photograph)
    seen.page.wait_for_function(OWN, timeout=60_000)
    return seen


def test_a_picture_of_ones_own_needs_few_bytes_and_leaves_nothing_in_the_page(own, host, photograph):
    assert 10_000_000 < host.bytes_of() < MOST_OWN
    page = own.page
    assert page.get_by_text("Your own picture stays on this machine.").is_visible()
    bad = photograph.with_name(photograph.name.replace("png", "txt"))
    bad.write_text("no picture")
    page.set_input_files("[data-own=file]", bad)
    page.get_by_role("alert").get_by_text(f"{bad.name} is not a picture.").wait_for()
    assert page.locator("img[onerror]").count() == 0


def test_the_browsers_numbers_are_pythons(own, photograph):
    model, processor = CvtForImageClassification.from_pretrained().eval(), CvtImageProcessor.from_pretrained()
    expected = explore(model, processor, photograph)
    page = own.page
    top = page.evaluate("cvt.explorer().result.header.top")
    assert [(each["label"], round(each["probability"], 3)) for each in top] == [
        (label, round(share, 3)) for label, share in expected.of_classes(expected.shown)
    ]
    answer = page.evaluate(ASK, "knock_out")
    found = {each["label"]: each["logit"] for each in answer["before"]}
    for index in expected.shown:
        assert found[expected.labels[index]] == pytest.approx(expected.logits[index], abs=1e-3)
    for stage, block, queries in ((0, 0, [0, 1000, 2303]), (1, 0, [0, 300]), (1, 1, [575]), (2, 0, [0, 70]), (2, 7, [0, 144])):
        rows = np.array(page.evaluate(ROWS, [stage, block, queries]))  # (queries, heads, keys)
        wanted = expected.stages[stage].blocks[block].weights(queries=queries).transpose(1, 0, 2)
        assert rows.shape == wanted.shape
        assert (np.abs(rows - wanted) <= wanted.max(axis=-1, keepdims=True) / 255 + 1e-6).all(), (stage, block)


def test_what_is_shown_is_saved_as_a_page_that_needs_nothing(own, chromium, tmp_path):
    page = own.page
    page.evaluate("cvt.explorer().set({ depth: 'export' })")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as a page").click()
    page.evaluate("cvt.explorer().set({ depth: 'none' })")
    file = tmp_path / "saved.html"
    download.value.save_as(file)
    assert file.stat().st_size < 4_000_000
    opened = chromium.new_page()
    problems: list[str] = []
    opened.on("console", lambda message: message.type == "error" and problems.append(message.text))
    opened.goto(file.as_uri())
    opened.wait_for_selector("[data-ref=verdictName]:not(:empty)")
    assert opened.locator("[data-ref=verdict]").inner_text() == page.locator("[data-ref=verdict]").first.inner_text()
    assert problems == []
    opened.context.close()


def test_a_head_is_knocked_out(own, photograph):
    model, processor = CvtForImageClassification.from_pretrained().eval(), CvtImageProcessor.from_pretrained()
    off = Intervention(stage=2, block=7, part="head", head=1)
    expected = explore(model, processor, photograph, interventions=[off])
    page = own.page
    page.get_by_role("tab", name="Break it").click()
    page.locator('[data-part="2.7.head.1"]').click()
    page.wait_for_function(CHANGED)
    top = {each["label"]: each["probability"] for each in page.evaluate("cvt.explorer('after').result.header.top")}
    for label, share in expected.top(3):
        assert top[label] == pytest.approx(share, abs=1e-3)
    assert "Without head 2 of block 8" in page.locator("[data-break] [data-ref=finding]").inner_text()
    page.get_by_role("button", name="Which explanation can be trusted?").click()
    page.locator("[data-break]").get_by_text("This needs the page with a server.").wait_for()
    page.get_by_role("button", name="What happens without a part?").click()


def test_the_page_follows_the_camera_until_its_dialog_is_closed_or_another_picture_is_chosen(own, photograph):
    page = own.page
    page.get_by_role("tab", name="Look").click()
    page.evaluate(CAMERA)
    page.get_by_role("button", name="Use the camera").click()
    dialog = page.get_by_role("dialog", name="A picture from your camera")
    page.evaluate("window.keys = new Set(); cvt.page.subscribe(({ picture }) => keys.add(`${picture.picture} ${picture.key}`)); null")
    dialog.get_by_role("button", name="Live").click()
    page.wait_for_function("() => keys.size >= 3")
    dialog.get_by_text("pictures per second").wait_for()
    assert page.evaluate("cvt.explorer().result.header.original") == [160, 120]
    page.mouse.move(*page.locator('[data-explorer="main"] [data-ref="picture"]').evaluate(MIDDLE))  # the dialog does not lie over it
    assert page.locator('[data-explorer="main"] [data-ref="picture"]').evaluate("(each) => each.matches(':hover')")
    dialog.get_by_role("button", name="Close").click()
    page.wait_for_function("() => tracks.every((each) => each.readyState === 'ended') && !cvt.page.state.choosing")
    count = page.evaluate("clearInterval(painting); cvt.page.state.answers")
    drawn(page)
    assert page.evaluate("cvt.page.state.answers") == count
    names = page.evaluate("[...keys].map((each) => each.split(' ')[0])")
    assert names.count("live") == len(names) - (names[0] != "live")  # one picture, in which a token keeps its place
    page.evaluate(CAMERA)
    page.get_by_role("button", name="Use the camera").click()
    dialog.get_by_role("button", name="Live").click()
    dialog.get_by_text("pictures per second").wait_for()
    page.get_by_role("button", name="Example: koala").click()
    page.wait_for_function("() => tracks.every((each) => each.readyState === 'ended') && !cvt.page.state.choosing")
    assert page.evaluate("clearInterval(painting); cvt.page.state.picture.example") == "koala"  # no picture of the camera's took its place
    page.set_input_files("[data-own=file]", photograph)
    page.wait_for_function(OWN)


def test_a_lesson_is_walked_to_its_end_and_what_needs_the_server_is_passed(own):
    page = own.page
    for name, steps in (("tour", 6), ("overlap", 5)):
        page.get_by_role("tab", name="Lessons").click()
        page.locator(f'[data-begin="{name}"][data-step="1"]').click()
        passed = [page.evaluate(SHOWN_ME, step) for step in range(1, steps + 1)]
        page.wait_for_function("() => cvt.page.state.lesson === null")
        needed = [text for texts in passed for text in texts if "needs the page with a server" in text]
        assert len(needed) == {"tour": 0, "overlap": 1}[name]
        finished = page.evaluate("JSON.parse(localStorage.getItem('cvt-lessons'))")
        assert len(finished[name]["done"]) == steps


def test_the_tab_that_needs_the_server_says_so_and_links_open_the_rest(chromium, host):
    with visited(
        chromium, host, "?tab=lessons&picture=koala&stage=3&row=2&col=3&picture=bison&nothing=<img src=x onerror=alert(1)>"
    ) as visit:
        page = visit.page
        page.get_by_role("button", name="Begin").first.wait_for()
        notices = page.locator("[data-ref=notices] li").all_inner_texts()
        assert notices == [
            "The link gives “picture” more than once. The first value is used.",
            "The link has an unknown part, “nothing”. It is ignored.",
        ]
        assert page.evaluate("cvt.page.state.picture.example") == "koala"
        assert (state(page, "stage"), state(page, "pinned")) == (2, True)
        page.get_by_role("tab", name="Change it").click()
        assert page.get_by_text("Changing the architecture needs the page with a server.").is_visible()
        link = page.get_by_role("link", name="Open it there")
        link.evaluate("(each) => each.addEventListener('click', (event) => event.preventDefault())")
        page.evaluate("cvt.page.update({ wanted: { preset: 'kv-stride-1' } })")
        page.wait_for_function("() => !location.search.includes('bison')")  # it follows the state a moment later
        link.click()
        address = urlparse(link.get_attribute("href"))
        assert f"{address.scheme}://{address.netloc}{address.path}" == SERVER
        asked = dict(parse_qsl(address.query))
        assert {asked[name] for name in ("tab", "picture", "preset")} == {"architecture", "koala", "kv-stride-1"}
        page.get_by_role("tab", name="Change it").focus()
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("Enter")
        assert page.locator("#tab-explore").is_visible()
        page.wait_for_function("() => !location.search.includes('tab=')")
        assert "picture=koala" in page.url


def test_a_phone_shows_all_of_it_in_the_dark(chromium, host):
    phone = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "color_scheme": "dark"}
    with visited(chromium, host, **phone) as visit:
        page = visit.page
        for tab in ("Look", "Change it", "Break it", "Lessons"):
            page.get_by_role("tab", name=tab).tap()
            drawn(page)
            assert page.evaluate("document.documentElement.scrollWidth") == 390, tab
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(11, 15, 25)"
        assert violations(page, only=CONTRAST) == []


def test_a_model_that_came_before_the_service_worker_is_kept(chromium, site, photograph):
    with hosted(site) as host:
        host.held = "ablations.json"  # which the service worker waits for
        with visited(chromium, host) as visit:
            page = visit.page
            page.set_input_files("[data-own=file]", photograph)
            page.wait_for_function(OWN, timeout=60_000)
            host.released.set()
            files = [f"{part}/{each.name}" for part in ("model", "runtime") for each in (site / BELOW / part).iterdir()]
            assert page.evaluate(KEPT, [f"{visit.address}{name}" for name in files])
            host.down = True
            page.goto(visit.address)
            page.wait_for_selector(SHOWN, state="attached")
            page.set_input_files("[data-own=file]", photograph)
            page.wait_for_function(OWN, timeout=60_000)


def test_the_second_visit_needs_no_network(chromium, site):
    with hosted(site) as host, visited(chromium, host) as visit:
        page = visit.page
        loaded = page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
        assert page.evaluate(KEPT, loaded)
        before = len(host.sent)
        host.down = True
        page.goto(f"{visit.address}?tab=break&stage=1")
        page.wait_for_selector(SHOWN, state="attached")
        page.wait_for_function("() => cvt.explorer('before')?.result")
        assert len(host.sent) == before
        assert visit.problems == []
        page.get_by_role("tab", name="Look").click()
        page.get_by_role("button", name="Example: koala").click()
        page.get_by_text("A part of this page cannot be loaded.").wait_for()  # it was not looked at before
        host.down = False
        page.get_by_role("button", name="Try again").click()
        page.wait_for_function("() => cvt.page.state.picture.example === 'koala'")
        assert len(visit.problems) == 1  # the browser's own word on the file
        visit.problems.clear()


def test_a_new_build_takes_the_old_ones_place_once_it_is_left(chromium, site, tmp_path):
    shutil.copytree(site / BELOW, tmp_path / BELOW)
    worker = tmp_path / BELOW / "sw.js"
    with hosted(tmp_path) as host, visited(chromium, host) as visit:
        page = visit.page
        page.evaluate("navigator.serviceWorker.ready")
        [old] = page.evaluate(CACHES, [1, "explorer"])
        worker.write_text(worker.read_text().replace(old, "cvt-explorer-new"))
        page.evaluate("navigator.serviceWorker.ready.then((found) => found.update())")
        assert page.evaluate(CACHES, [2, "explorer"])  # the open page keeps its own files
        page.close()
        later = visit.page.context.new_page()
        later.goto(host.address)  # not in the site
        assert later.evaluate(CACHES, [1, "new"])


def test_nobody_waits_for_the_model_who_does_not_want_to(chromium, site, photograph):
    with hosted(site) as host, visited(chromium, host) as visit:
        page = visit.page
        page.get_by_role("tab", name="Break it").click()
        page.get_by_role("button", name="Which explanation can be trusted?").click()
        page.locator("[data-break]").get_by_text("This needs the page with a server.").wait_for()
        assert host.bytes_of("model.json", "model.onnx", "wasm.gz") == 0  # which would be for nothing
        host.held = "model.onnx"
        page.get_by_role("tab", name="Look").click()
        page.set_input_files("[data-own=file]", photograph)
        megabytes = round(sum(each.stat().st_size for name in ("model", "runtime") for each in (site / BELOW / name).iterdir()) / 1e6)
        page.get_by_text(f"Loading the model: {megabytes}\u202fMB, once.").wait_for()
        bar = page.get_by_role("progressbar", name="Share of the model that is loaded")
        page.wait_for_function("(bar) => bar.value > 0.05 && bar.value < 1", arg=bar.element_handle())
        page.get_by_role("button", name="Example: koala").click()
        page.wait_for_function("() => cvt.page.state.picture.example === 'koala' && !cvt.page.state.choosing")
        assert bar.is_visible()  # it goes on for what comes next
        page.set_input_files("[data-own=file]", photograph)
        page.wait_for_function("() => cvt.page.state.choosing")
        page.get_by_role("button", name="Cancel").press("Enter")
        page.get_by_role("alert").get_by_text("The model is needed for this. Its loading was cancelled.").wait_for()
        assert bar.is_hidden()
        page.get_by_role("tab", name="Break it").click()
        page.get_by_role("button", name="What happens without a part?").click()
        page.locator('[data-part="2.7.head.1"]').click()
        page.locator("[data-break] [data-ref=status]").get_by_text(f"Loading the model ({megabytes}\u202fMB, once), ").wait_for()
        page.locator("[data-break] [data-ref=cancel]").click()
        page.locator("[data-break] [data-ref=status]").get_by_text("Cancelled.").wait_for()
        page.wait_for_function("() => document.querySelector('[data-own-loading]').hidden")


def test_labels_and_names_that_look_like_markup_do_nothing(chromium, tmp_path, photograph):
    if not RUNTIME.exists():
        pytest.skip("needs onnxruntime-web: npm ci --prefix tests/web")
    model, folder = tiny_model(), tmp_path / "models" / HOSTILE
    model.config.id2label = {index: f"{HOSTILE}{index}" for index in range(model.config.num_labels)}
    model.config.label2id = {label: index for index, label in model.config.id2label.items()}
    model.save_pretrained(folder)
    CvtImageProcessor(size=32).save_pretrained(folder)
    build(tmp_path / "www" / BELOW, source=str(folder), examples=EXAMPLES[:1], runtime=RUNTIME)
    assert str(tmp_path) not in (tmp_path / "www" / BELOW / "index.html").read_text()  # everyone can read it
    with hosted(tmp_path / "www") as host, visited(chromium, host) as visit:
        page = visit.page
        page.on("dialog", lambda dialog: visit.problems.append(dialog.message))
        page.set_input_files("[data-own=file]", photograph)
        page.wait_for_function(OWN)
        for depth in ("inside", "export"):
            page.evaluate("(depth) => cvt.explorer().set({ depth, layer: 'class' })", depth)
            drawn(page)
        assert HOSTILE in page.locator("[data-ref=verdictName]").first.inner_text()
        page.get_by_role("tab", name="Break it").click()
        page.locator('[data-part="2.0.head.0"]').click()
        page.wait_for_function(CHANGED)
        assert HOSTILE in page.locator("[data-break]").inner_text()
        assert page.locator("[onerror], img[src=x]").count() == 0


def test_what_is_in_the_page_is_text():
    evil = f"</script>{HOSTILE}"
    text = page_of(EXAMPLES[:1], {"examples": {"a": {"note": evil}}, "server": f'"{evil}'})
    assert "<img src=x" not in text
    assert text.count("</script>") == SHELL.count("</script>")
