"""The architecture laboratory in a real browser: sliders, costs, runs, linked views, and the link that restores it all."""

import json
import re
import time
import zipfile

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

from cvt.architecture.amounts import in_bytes, in_words
from cvt.architecture.cache import VariantCache
from cvt.architecture.cost import cost
from cvt.architecture.geometry import stage_grids
from cvt.architecture.settings import SETTINGS
from cvt.architecture.variants import variant
from cvt.config import CvtConfig
from tests import serving
from tests.browser import axe
from visualize.page.link.choices import HIDEABLE
from visualize.page.words import architecture as texts
from visualize.page.words import trust
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser
BASE = CvtConfig(**serving.ARCHITECTURE, num_labels=10)
# what is chosen; `place` is the token's in the original picture, in its pixels
STATE = """id => { const { state, result } = cvt.explorer(id); const [left, top, right, bottom] = result.header.crop_box;
  const [y, x] = [state.y / result.input[0], state.x / result.input[1]];
  return { place: [top + y * (bottom - top), left + x * (right - left)], stage: state.stage, blocks: state.blocks, heads: state.heads,
  y, x, features: state.features, layer: state.layer, sort: state.sort }; }"""


BASELINE = """import("/modules/laboratory/architecture.js").then(({ initial }) => {
  const { laboratory } = cvt;
  laboratory.trigger = laboratory.sent ?? laboratory.trigger;
  laboratory.change(initial(laboratory.about));
})"""
IS_BASELINE = "JSON.stringify(cvt.laboratory.drawn) === JSON.stringify(cvt.laboratory.about.baseline)"
SAME = "document.querySelector('[data-lab] [data-ref=status]').textContent.includes('both sides show the same model')"
# the baseline last: it leads the other then, as when the tab opens
CHOICES = "['variant', 'baseline'].forEach((id) => cvt.explorer(id).set(cvt.explorer().state))"


def open_stage(page, number: int) -> None:
    page.locator('[data-explorer="main"] [data-ref="pipeline"]').get_by_role("button", name=re.compile(f"Stage {number}")).first.click()


class Laboratory:
    """The tab in somebody's visit."""

    def __init__(self, seen):
        self.seen, self.page = seen, seen.page

    def open(self):
        self.page.get_by_role("tab", name="Change it").click()
        return self.ready()

    def ready(self):
        self.page.wait_for_selector("[data-lab][data-ready]")
        self.seen.wait_for_result("variant", state="attached")
        self.settle()
        return self

    def slider(self, label: str):
        """The slider of this name, such as "Depth of stage 3"; its stage is opened first."""
        if " of stage " in label:
            self.stage(int(label[-1]))
        return self.page.get_by_role("slider", name=label, exact=True)

    def stage(self, number: int):
        tab = self.page.locator('[data-lab] [data-ref="tabs"] button').nth(number - 1)
        if tab.get_attribute("aria-pressed") != "true":
            tab.click()

    def classes(self, explorer: str) -> list[dict]:
        """The most probable classes of what an explorer shows, as [{label, probability}]."""
        return self.page.evaluate("id => cvt.explorer(id).result.header.top", explorer)

    def verdict(self, side: str) -> str:
        return self.page.inner_text(f'[data-lab] [data-side="{side}"] .cvt-lab-verdict')

    def finding(self) -> str:
        return self.page.inner_text('[data-lab] [data-ref="finding"]')

    def press(self, label: str, key: str, times: int = 1):
        self.slider(label).focus()
        for _ in range(times):
            self.page.keyboard.press(key)

    def total(self, name: str) -> str:
        return self.page.inner_text(f'[data-total="{name}"] b')

    def status(self) -> str:
        return self.page.inner_text('[data-lab] [data-ref="status"]')

    def wait_for(self, words: str):
        self.page.wait_for_function(
            "words => document.querySelector('[data-lab] [data-ref=status]').textContent.includes(words)", arg=words, timeout=60_000
        )

    def explorer(self, name: str) -> dict:
        self.seen.drawn()
        return self.page.evaluate(STATE, name)

    def stages(self) -> list[dict]:
        return self.page.evaluate("cvt.laboratory.state.stages")

    def runs(self) -> dict:
        return self.page.evaluate("cvt.laboratory.runs.state()")

    def hold(self, held: bool):
        """Keeps runs from reaching the server, so that they last as long as a test needs."""
        self.page.evaluate("cvt.laboratory.sent ??= cvt.laboratory.trigger")
        self.page.evaluate(f"cvt.laboratory.trigger = {'() => {}' if held else 'cvt.laboratory.sent'}")

    def settle(self):
        """Until nothing runs or waits to run, and what was run is drawn."""
        self.page.wait_for_function(
            """() => { const { running, due } = cvt.laboratory.runs.state();
            const shown = (id) => { const it = cvt.explorer(id); return it?.result && it.key === cvt.page.state.results[id].key; };
            return !running && !due && shown("baseline") && shown("variant"); }""",
            timeout=60_000,
        )
        self.seen.drawn()

    def ran(self, words: str):
        """The same, and the page says this of the run."""
        self.wait_for(words)
        self.settle()

    def to_the_baseline(self):
        """As the tab opens: trained weights and the first seed, and both sides show the same model."""
        if not self.page.evaluate(f"{IS_BASELINE} && {SAME}"):
            self.page.evaluate(BASELINE)
            self.page.wait_for_function(IS_BASELINE)
            self.ran("both sides show the same model")
        self.page.evaluate(CHOICES)
        self.seen.drawn()


@pytest.fixture
def lab(seen):
    """The tab in the visit that tests share, at the baseline."""
    lab = Laboratory(seen).open()
    lab.to_the_baseline()
    seen.requests.clear()
    return lab


def test_it_opens_on_the_baseline_and_asks_nothing_of_the_model(lab):
    assert lab.total("macs") == in_words(cost(BASE, 96, 96).macs)
    assert lab.finding().startswith("Nothing differs from the baseline yet: class ")
    lab.wait_for("both sides show the same model")
    assert lab.page.evaluate("new Set(['main', 'baseline', 'variant'].map((id) => cvt.explorer(id).key)).size") == 1
    # each control says what it is and what the paper says
    lab.stage(1)
    why = lab.page.locator('[data-lab] [data-setting="stride_kv"] .cvt-lab-why')
    text = lab.page.get_by_text(texts.SETTINGS["stride_kv"].paper).first
    assert text.is_hidden()
    why.focus()
    lab.page.keyboard.press("Enter")
    assert text.is_visible()
    assert why.get_attribute("aria-expanded") == "true"


def test_a_slider_moved_by_keyboard_shows_the_costs_of_cost_py_and_one_light_request_a_step(lab):
    lab.ran("both sides show the same model")
    count = len(lab.seen.requests)
    lab.press("Depth of stage 3", "ArrowLeft", 3)
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[2].depth === 5")
    assert [url.rsplit("/", 1)[-1] for url in lab.seen.requests_since(count)] == ["describe"] * 3
    expected = cost(variant(BASE, {2: {"depth": 5}}), 96, 96)
    assert lab.total("parameters") == in_words(expected.parameters)
    assert lab.total("macs") == in_words(expected.macs)
    assert lab.total("activation_bytes") == in_bytes(expected.activation_bytes)
    assert lab.total("attention_entries") == in_words(expected.attention_entries)
    card = lab.page.locator('[data-lab] [data-ref="stage"]')
    for name, value in (("Parameters", in_words(expected.stages[2].parameters)), ("Multiply-adds", in_words(expected.stages[2].macs))):
        assert card.get_by_role("row", name=re.compile(f"^{name}")).locator("td").last.inner_text() == value
    # both receptive fields that the page shows of a token, in one sentence
    embeddings, everything = stage_grids(variant(BASE, {2: {"depth": 5}}), 96, 96)[2][0].field, expected.stages[2].field
    assert "{}×{} pixels through the conv embeddings, and {}×{}".format(*embeddings, *everything) in card.inner_text()
    assert "Depth 8 → 5 in stage 3" in lab.page.locator('[data-ref="differences"]').text_content()
    assert card.locator(".cvt-lab-now .cvt-lab-mlp").get_attribute("d").count("M") == 5
    lab.ran("trained model's")
    assert lab.page.evaluate("cvt.explorer('variant').result.stages[2].depth") == 5
    assert lab.page.evaluate("cvt.explorer('baseline').result.stages[2].depth") == 8


def test_a_slider_moved_by_pointer_says_the_same(lab):
    slider = lab.slider("Key and value stride of stage 1")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    lab.page.mouse.move(box["x"] + box["width"] * 0.34, box["y"] + box["height"] / 2)
    lab.page.mouse.down()
    lab.page.mouse.move(box["x"] + 2, box["y"] + box["height"] / 2, steps=4)
    lab.page.mouse.up()
    assert slider.get_attribute("aria-valuetext") == "1"
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[0].key.shape[0] === 48")
    assert lab.total("macs") == in_words(cost(variant(BASE, {0: {"stride_kv": 1}}), 96, 96).macs)
    assert "attention weights there 4× as many" in lab.page.locator('[data-ref="differences"]').text_content()
    assert "keys of stage 1: 4\u202f× as many" in lab.finding().lower()


def test_an_impossible_setting_says_why_offers_what_fits_and_keeps_the_last_variant(lab):
    classes, total = lab.classes("variant"), lab.total("macs")
    lab.press("Heads of stage 2", "ArrowRight", 3)  # 5 heads for 96 channels
    lab.page.get_by_text("not divisible by 5 heads").wait_for()
    assert (lab.classes("variant"), lab.total("macs")) == (classes, total)
    lab.page.get_by_role("button", name="Use heads 4 in stage 2").click()
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[1].heads === 4")
    lab.page.locator('[data-lab] [data-ref="problem"]').wait_for(state="hidden")
    assert lab.slider("Heads of stage 2").get_attribute("aria-valuetext") == "4"
    lab.ran("trained model's")
    # too large a model shows its costs and is not run
    lab.page.get_by_role("button", name="How large is CvT-W24?").click()
    lab.page.get_by_text("are allowed here").wait_for()
    assert lab.total("parameters").startswith("276")
    assert "Table 3: 277 million parameters" in lab.page.inner_text('[data-ref="presetNote"]')
    assert lab.runs() == {"running": False, "due": False}
    assert lab.page.evaluate("cvt.explorer('variant').result.stages[2].depth") == 8
    lab.page.get_by_role("button", name="Back to the baseline").click()
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[2].depth === 8")
    assert lab.page.locator('[data-lab] [data-ref="problem"]').is_hidden()


def test_a_setting_without_effect_cannot_be_moved_and_says_why(lab):
    method = lab.page.locator('[data-setting="qkv_projection_method"] select')
    for name in ("linear", "dw_bn"):
        method.select_option(index=SETTINGS["qkv_projection_method"].values.index(name))
        assert lab.stages()[1]["qkv_projection_method"] == name
        for setting in ("kernel_qkv", "stride_kv"):
            row = lab.page.locator(f'[data-setting="{setting}"]')
            assert row.locator("input").is_disabled() == (name == "linear")
            assert ("Without effect" in (row.get_attribute("title") or "")) == (name == "linear")
        assert lab.page.locator('[data-setting="qkv_bias"] input').is_enabled()


def test_linked_views_move_together(lab):
    lab.press("Depth of stage 3", "ArrowLeft", 5)
    lab.page.locator('[data-ref="side"]').focus()
    lab.page.keyboard.press("ArrowRight")  # 128 pixels
    lab.ran("trained model's")
    assert lab.page.evaluate("cvt.explorer('variant').result.input[0]") == 128
    box = lab.seen.picture("baseline").bounding_box()
    lab.seen.picture("baseline").hover(position={"x": box["width"] * 0.25, "y": box["height"] * 0.75})
    one, two = lab.explorer("baseline"), lab.explorer("variant")
    assert (one["x"], one["y"]) == pytest.approx((0.25, 0.75), abs=0.01)
    assert two["place"] == pytest.approx(one["place"], abs=0.1)
    lab.seen.picture("variant").focus()
    lab.page.keyboard.press("ArrowUp")
    one, two = lab.explorer("baseline"), lab.explorer("variant")
    assert two["y"] < 0.74
    assert one["place"] == pytest.approx(two["place"], abs=0.1)
    lab.page.locator("[data-lab] summary", has_text="Look inside both").click()
    panels = lab.page.locator('[data-explorer="baseline"][data-part="panels"]')
    panels.get_by_role("button", name=re.compile("Stage 3")).first.click()
    assert lab.page.inner_text('[data-lab] [data-ref="tabs"] [aria-pressed="true"]') == "Stage 3"
    panels.locator('[data-ref="lookInside"]').click()
    panels.locator('[data-ref="heads"] button').nth(2).click()
    lab.page.evaluate("cvt.explorer('baseline').set({ features: 'mean' })")
    one, two = lab.explorer("baseline"), lab.explorer("variant")
    assert (one["stage"], one["heads"][2], one["blocks"][2]) == (2, 1, 7)
    assert (two["stage"], two["heads"][2], two["blocks"][2]) == (2, 1, 2)  # the last that there is
    assert one["features"] == two["features"] == "mean"
    lab.press("Depth of stage 3", "ArrowRight")
    lab.page.wait_for_function("cvt.explorer('variant').result.stages[2].depth === 4")
    lab.settle()
    assert lab.explorer("variant")["place"] == pytest.approx(two["place"], abs=0.1)
    assert lab.explorer("variant")["features"] == "mean"


def test_a_run_can_be_cancelled_and_a_newer_one_replaces_it(lab, monkeypatch):
    slow, built, own = [True], [], VariantCache.get

    def get(cache, config, seed, base, watch):
        while slow[0]:
            watch(0.3)
            time.sleep(0.02)
        built.append(own(cache, config, seed, base, watch))
        return built[-1]

    monkeypatch.setattr(VariantCache, "get", get)
    classes = lab.classes("variant")
    lab.press("Depth of stage 3", "ArrowLeft")
    lab.wait_for("Building the variant, 30\u202f%")
    lab.page.get_by_role("button", name="Cancel").click()
    lab.wait_for("Cancelled.")
    assert lab.classes("variant") == classes
    for _ in range(2):  # each ends the one before it
        lab.press("Depth of stage 3", "ArrowLeft")
        lab.wait_for("Building the variant, 30\u202f%")
    slow[0] = False
    lab.ran("trained model's")
    assert lab.page.evaluate("cvt.explorer('variant').result.stages[2].depth") == 5
    assert [model.config.depth[2] for model in built] == [5]  # none of the others was built to its end


def test_a_link_restores_everything_in_a_fresh_browser(lab, visit):
    lab.press("Key and value stride of stage 1", "ArrowLeft")
    lab.ran("trained model's")
    lab.stage(3)
    lab.page.evaluate("cvt.explorer('variant').set({ blocks: [0, 1, 4] })")
    lab.seen.picture("variant").click(position={"x": 50, "y": 90})
    lab.page.get_by_role("button", name="Random").click()
    lab.ran("Random weights")
    lab.page.wait_for_function("location.search.includes('weights=random') && location.search.includes('block=5')")
    address = lab.page.url
    assert "s1.kv=1" in address
    fresh = Laboratory(visit(address))
    fresh.ready()
    fresh.ran("Random weights")
    fresh.page.wait_for_function("cvt.explorer('variant').state.blocks[2] === 4")
    assert fresh.stages() == lab.stages()
    old, new = lab.explorer("variant"), fresh.explorer("variant")
    assert [new[name] for name in ("stage", "blocks", "heads", "features")] == [
        old[name] for name in ("stage", "blocks", "heads", "features")
    ]
    assert (new["x"], new["y"]) == pytest.approx((old["x"], old["y"]), abs=1 / 24)  # the same token of 12 × 12
    assert fresh.page.evaluate("cvt.explorer('variant').sentence") == lab.page.evaluate("cvt.explorer('variant').sentence")
    assert fresh.page.inner_text('[data-lab] [data-ref="tabs"] [aria-pressed="true"]') == "Stage 3"
    assert fresh.classes("variant") == lab.classes("variant")  # the same seed


def test_a_stage_that_is_taken_away_while_it_is_open_leaves_the_last_one_open(lab):
    lab.page.locator('[data-lab] [data-ref="tabs"] button').nth(2).click()
    lab.page.get_by_role("group", name="Number of stages").get_by_role("button", name="2 stages").click()
    lab.page.wait_for_function("cvt.laboratory.drawn.stages.length === 2")
    tabs = lab.page.locator('[data-lab] [data-ref="tabs"] button')
    assert tabs.count() == 2
    assert lab.page.inner_text('[data-lab] [data-ref="tabs"] [aria-pressed="true"]').startswith("Stage 2")
    assert lab.page.get_by_role("slider", name="of stage 2").first.is_visible()


def test_a_preset_that_is_too_large_comes_with_what_fits(lab):
    problem = lab.page.locator('[data-lab] [data-ref="problem"]')
    lab.page.get_by_role("button", name="How large is CvT-W24?").click()
    problem.get_by_text("at most 10.0 billion are allowed here").wait_for()
    lab.wait_for("This cannot be run. Still showing the previous variant.")
    problem.get_by_role("button", name="Use all of these").click()
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[0].width < 192")
    assert problem.is_hidden()
    lab.ran("untrained")
    assert lab.page.evaluate("cvt.explorer('variant').result.stages.map((each) => each.width)") == [
        each["embed_dim"] for each in lab.stages()
    ]


def test_a_run_is_cancelled_and_taken_up_again_by_keyboard(lab):
    focused = "document.activeElement.dataset.ref"
    lab.hold(True)
    lab.press("Depth of stage 3", "ArrowRight")
    lab.page.get_by_role("button", name="Cancel").wait_for()
    lab.page.locator('[data-lab] [data-ref="cancel"]').focus()
    lab.page.keyboard.press("Enter")
    lab.wait_for("Cancelled")
    assert lab.page.evaluate(focused) == "again"
    lab.hold(False)
    lab.page.keyboard.press("Enter")
    lab.ran("trained model's")
    assert lab.page.evaluate(focused) == "status"  # where its buttons were


def test_a_dropped_result_can_be_asked_for_again_when_its_run_was_cancelled(lab):
    lab.press("Depth of stage 3", "ArrowLeft")
    lab.ran("trained model's")
    lab.page.evaluate(
        """import("/modules/explorer/result.js").then(({ Gone }) => cvt.explorer("variant").notice.trouble(new Gone("dropped")))"""
    )
    again = lab.page.locator('[data-explorer="variant"]').get_by_role("button", name="Show it again")
    lab.hold(True)
    again.click()
    lab.page.get_by_role("button", name="Cancel").click()
    lab.wait_for("Cancelled")
    lab.hold(False)
    again.click()
    lab.ran("trained model's")
    lab.page.wait_for_function("""document.querySelector('[data-explorer="variant"] [data-ref=message]').hidden""")


def test_a_forged_link_gets_defaults_and_a_notice_that_can_be_dismissed(visit, served):
    seen = visit(f"{served}/?picture=koala&tab=nowhere&stage=3&s1.kv=9&s2.heads=5&block=2&colour=<img src=x onerror=alert(1)>")
    notice = seen.page.locator('[data-share] [data-ref="notice"]')
    notice.wait_for()
    assert "The link's tab cannot be “nowhere”." in notice.inner_text()
    assert notice.locator("img").count() == 0
    seen.page.wait_for_function("cvt.explorer().state.blocks[2] === 1")
    assert seen.page.evaluate("cvt.page.state.picture.example") == "koala"
    notice.get_by_role("button", name="Dismiss").click()
    assert notice.is_hidden()
    seen.page.wait_for_function("!location.search.includes('colour') && location.search.includes('stage=3')")


def test_no_link_is_an_error_page(visit, served):
    seen = visit(f"{served}/?stage={'9' * 30_000}")
    seen.page.get_by_text(say("link_too_long")).wait_for()
    seen.page.goto(f"{served}/?model=x&model=y&hide=everything&&==&%00%ff=%f0%9f&%")
    seen.wait_for_result()
    assert len(seen.page.query_selector_all('[data-explorer="main"] .cvt-class')) == 5


def test_a_teacher_hides_controls_by_the_link(visit, served):
    seen = visit(f"{served}/?hide=upload,laboratory,takeaway")
    seen.page.wait_for_function("document.documentElement.dataset.cvtHide")
    assert seen.page.locator("#picture-upload").is_hidden()
    assert seen.page.locator(".cvt-takeaway").first.is_hidden()
    assert seen.page.locator("#picture-examples").is_visible()
    open_stage(seen.page, 3)
    seen.page.wait_for_function("location.search.includes('stage=3') && location.search.includes('hide=upload,laboratory,takeaway')")
    lab = Laboratory(seen).open()
    assert lab.page.locator(".cvt-lab-controls").first.is_hidden()
    assert lab.page.get_by_role("button", name="How large is CvT-13?").is_hidden()
    assert lab.page.locator(".cvt-lab-grid").first.is_visible()


def test_the_share_button_copies_the_link_and_says_what_is_not_in_it(seen, clipboard, tmp_path):
    open_stage(seen.page, 3)
    seen.page.get_by_role("button", name="Share").click()
    seen.page.get_by_text("Copied. The link opens this model").wait_for()
    assert seen.page.evaluate("navigator.clipboard.readText()") == seen.page.url
    assert "stage=3" in seen.page.url
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)).save(tmp_path / "mine.png")
    seen.upload(tmp_path / "mine.png")
    seen.page.wait_for_function("cvt.page.state.picture.example === undefined")
    seen.page.get_by_role("button", name="Share").click()
    seen.page.get_by_text("Your own picture is not in the link").wait_for()
    assert "picture=" not in seen.page.url
    assert "mine" not in seen.page.url


def test_the_variant_is_taken_away(lab, clipboard):
    lab.press("Depth of stage 3", "ArrowLeft")
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[2].depth === 7")
    lab.page.locator("[data-lab] summary", has_text="Export").click()
    lab.page.locator("[data-lab] summary", has_text="config.json").click()
    lab.page.wait_for_function("document.querySelector('[data-lab] [data-ref=config]').textContent.includes('depth')")
    assert json.loads(lab.page.inner_text('[data-lab] [data-ref="config"]'))["depth"] == [1, 2, 7]
    lab.page.locator("[data-lab] summary").get_by_text("Python code", exact=True).click()
    lab.page.locator('[data-lab] [data-ref="copyPython"]').click()
    lab.page.get_by_role("button", name="Copied").wait_for()
    assert "architecture(base.config, stages)" in lab.page.evaluate("navigator.clipboard.readText()")
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name="Save the model as .zip").click()
    assert download.value.suggested_filename == "cvt-variant.zip"


def test_a_variant_taken_away_does_not_say_how_good_its_model_is(of_several, tmp_path):
    lab = Laboratory(of_several)
    note = lab.page.inner_text('[data-explorer="main"] [data-ref="note"]')
    assert note == "It classifies 68\u202f% of unseen pictures correctly. It knows only these 10 classes."
    lab.open().press("Depth of stage 3", "ArrowLeft")
    lab.page.wait_for_function("cvt.laboratory.drawn.stages[2].depth === 7")
    lab.page.locator("[data-lab] summary", has_text="Export").click()
    with lab.page.expect_download() as download:
        lab.page.get_by_role("button", name="Save the model as .zip").click()
    download.value.save_as(tmp_path / "variant.zip")
    zipfile.ZipFile(tmp_path / "variant.zip").extractall(tmp_path / "variant")
    loaded = Workbench(str(tmp_path / "variant"), "cpu").loaded()
    assert trust.accuracy(loaded.config) == say("unmeasured")
    assert loaded.config.depth == (1, 2, 7)


WINDOW = """() => {
  const shown = (element) => element.checkVisibility({ checkVisibilityCSS: true, contentVisibilityAuto: true }) && element.offsetWidth;
  const lab = document.querySelector("[data-lab]");
  const box = (element) => (({ x, y, right, bottom }) => [x, y, right, bottom].map(Math.round))(element.getBoundingClientRect());
  const all = (selector) => [...lab.querySelectorAll(selector)].filter(shown);
  const texts = all("*").filter((each) => [...each.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  return {
    slider: box(all(".cvt-lab-setting input[type=range]")[0]),
    answers: ["[data-ref=finding]", ".cvt-frame", ".cvt-lab-verdict"].flatMap((each) => all(each).map(box)),
    small: texts.filter((each) => parseFloat(getComputedStyle(each).fontSize) < 14).map((each) => each.outerHTML),
    targets: all("button, input, select, summary").map((each) => [each.outerHTML.slice(0, 90), each.offsetWidth, each.offsetHeight]),
    cut: texts.filter((each) => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).overflowX === "hidden"
      && !each.closest(".cvt-hidden, .cvt-lab-pieces")).map((each) => each.outerHTML),
    wide: document.documentElement.scrollWidth, tall: document.documentElement.scrollHeight,
  };
}"""


def test_what_is_changed_and_what_answers_are_in_one_window(lab):
    lab.page.get_by_role("button", name="What if patches did not overlap?").click()
    lab.ran("trained model's")
    for width, height in ((1440, 900), (1024, 768), (720, 450), (390, 844)):
        lab.page.set_viewport_size({"width": width, "height": height})
        lab.page.evaluate("scrollTo(0, 0)")
        lab.seen.drawn()
        found = lab.page.evaluate(WINDOW)
        assert found["wide"] <= width  # 720: at 200 %
        assert found["small"] == found["cut"] == []
        assert [each for each in found["targets"] if min(each[1:]) < 24] == []
        assert len(found["answers"]) == 5  # the finding, two pictures, two verdicts
        if width >= 1024:
            for left, top, right, bottom in [found["slider"], *found["answers"]]:
                assert 0 <= left < right <= width
                assert 0 <= top < bottom <= height
        pictures = found["answers"][1:3]
        assert pictures[0][1] == pictures[1][1]  # beside each other, also on a phone
        assert pictures[0][2] <= pictures[1][0]
    assert found["tall"] < 4 * 844
    # on a phone the answers stay in view while a slider is moved
    lab.slider("MLP ratio of stage 2").scroll_into_view_if_needed()
    found = lab.page.evaluate(WINDOW)
    assert all(0 <= top < bottom <= 844 for _, top, _, bottom in found["answers"])
    config = lab.page.locator('[data-lab] [data-ref="config"]')
    lab.page.locator("[data-lab] summary", has_text="Export").click()
    lab.page.locator("[data-lab] summary", has_text="config.json").click()
    lab.page.wait_for_function("document.querySelector('[data-lab] [data-ref=config]').textContent.includes('depth')")
    assert config.bounding_box()["height"] <= 320


LABELS = """["baseline", "variant"].map((id) => cvt.explorer(id)).map(({ state, result }) => result.header.top[state.which].label)"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_tab_keeps_to_the_rules_of_accessibility(lab, scheme):
    lab.page.emulate_media(color_scheme=scheme)
    lab.page.evaluate("scheme => document.body.classList.toggle('dark', scheme === 'dark')", scheme)
    for drawer in lab.page.locator("[data-lab] .cvt-lab-below > details > summary").all():
        if drawer.is_visible():
            drawer.click()
    lab.seen.drawn()
    try:
        assert axe.violations(lab.page, "[data-lab]", only=axe.CONTRAST if scheme == "dark" else ()) == []
    finally:
        lab.page.emulate_media(color_scheme="light")
        lab.page.evaluate("document.body.classList.remove('dark')")


def test_a_question_from_elsewhere_opens_its_stage_and_both_sides_speak_of_the_same_class(lab):
    lab.stage(2)
    lab.page.evaluate("cvt.page.update({ wanted: { preset: 'no-cls' } })")
    lab.ran("trained model's")
    assert lab.page.evaluate("cvt.page.state.wanted") is None
    assert "cls token" in lab.page.inner_text('[data-lab] [data-side="variant"] h3')
    assert [lab.explorer(name)["stage"] for name in ("baseline", "variant")] == [2, 2]  # the only one that changed
    assert lab.page.inner_text('[data-lab] [data-ref="tabs"] [aria-pressed="true"]') == "Stage 3"
    for weights in ("Inherited", "Random"):
        lab.page.get_by_role("button", name=weights).click()
        lab.ran("trained model's" if weights == "Inherited" else "Random weights")
        best = lab.classes("baseline")[0]
        there = {each["label"]: each["probability"] for each in lab.classes("variant")}
        for side, share in (("baseline", best["probability"]), ("variant", there[best["label"]])):
            label, shown = re.match(r"(.*)\n([\d.]+)\u202f%", lab.verdict(side)).groups()
            assert label == best["label"]
            assert float(shown) == pytest.approx(100 * share, rel=0.06)
        lab.page.locator('[data-lab] [data-ref="layers"] [data-value="class"]').click()
        lab.seen.drawn()
        assert lab.page.evaluate(LABELS) == [best["label"]] * 2
        assert [lab.explorer(name)["layer"] for name in ("baseline", "variant")] == ["class", "class"]
    assert "untrained: its classes mean nothing" in lab.page.inner_text('[data-lab] [data-side="variant"] h3')


NAMED = {  # how a page would name the controls of each group that a link hides
    "upload": r"(?i)drop, paste|your own picture|choose a file",
    "examples": r"(?i)choose (the|an) (picture|example)",
    "laboratory": r"(?i)move a control|slider|change it yourself|start from|back to the baseline|\buse \w+ \d|any change",
    "scales": r"(?i)colour scale|per map|smooth",
    "takeaway": r"(?i)export|save |config\.json|python",
    "inside": r"(?i)inside (a|this) block|open a block",
    "seed": r"(?i)\bseed\b|inherited",
}


def test_what_a_link_hides_is_not_named_either(lab):
    assert set(NAMED) == set(HIDEABLE)
    lab.press("Heads of stage 2", "ArrowRight", 3)  # a problem with a remedy
    lab.page.get_by_text("not divisible by 5 heads").wait_for()
    for name, words in NAMED.items():
        lab.page.evaluate("name => (document.documentElement.dataset.cvtHide = name)", name)
        for tab in ("Look", "Change it"):
            lab.page.get_by_role("tab", name=tab).click()
            text = lab.page.inner_text("main")
            assert re.findall(words, text) == [], (name, tab)
    lab.page.evaluate("delete document.documentElement.dataset.cvtHide")
    text = lab.page.inner_text("[data-lab]")
    assert all(re.search(NAMED[name], text) for name in ("laboratory", "takeaway", "seed"))


def test_a_random_walk_of_controls_leaves_the_page_whole(lab):
    rng = np.random.default_rng(0)
    controls = lab.page.locator(".cvt-lab-setting input[type=range], [data-lab] [data-ref=side]")
    for step in range(24):
        control = controls.nth(int(rng.integers(controls.count())))
        control.focus()
        lab.page.keyboard.press(str(rng.choice(["ArrowLeft", "ArrowRight", "Home", "End", "PageUp"])))
        if step % 10 == 5:
            lab.page.locator(f'[data-lab] [data-count="{rng.integers(1, 5)}"]').click()
        if step % 20 == 15:
            lab.page.get_by_role("button", name="Back to the baseline").click()
    problem = lab.page.locator('[data-lab] [data-ref="problem"]')
    assert problem.evaluate("(element) => element.hidden || element.textContent.trim() !== ''")  # both at one moment
    lab.page.locator('[data-lab] [data-count="3"]').click()
    lab.page.get_by_role("button", name="Back to the baseline").click(force=True)
    lab.page.wait_for_function("JSON.stringify(cvt.laboratory.drawn) === JSON.stringify(cvt.laboratory.about.baseline)")
    lab.settle()
    assert lab.classes("baseline") == lab.classes("variant")


def test_the_baseline_is_the_chosen_model(of_several):
    lab = Laboratory(of_several).open()
    lab.to_the_baseline()
    lab.press("Depth of stage 3", "ArrowLeft")
    lab.ran("trained model's")
    lab.page.get_by_role("tab", name="Look").click()
    lab.page.get_by_role("combobox", name="Model").select_option("wide")
    lab.page.wait_for_function("cvt.laboratory.model === 'wide'")
    lab.page.get_by_role("tab", name="Change it").click()
    lab.settle()
    assert lab.slider("Embedding width of stage 2").get_attribute("aria-valuetext") == "32"
    assert lab.classes("baseline")[0]["label"].startswith("wide")
    lab.press("Depth of stage 3", "ArrowRight")
    lab.ran("trained model's")
    assert lab.page.evaluate("['baseline', 'variant'].map((id) => cvt.explorer(id).result.stages[2].depth)") == [2, 3]
    lab.page.wait_for_function("location.search.includes('model=wide') && location.search.includes('s3.depth=3')")
    classes = lab.classes("variant")
    lab.page.reload()
    lab.ready().ran("trained model's")
    assert lab.stages()[2]["depth"] == 3
    assert lab.classes("variant") == classes
