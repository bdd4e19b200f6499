"""Parts of the model switched off on the page: what answers, by pointer and by keyboard, and what each part is worth."""

import re

import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from tests.browser import axe
from visualize.change.interventions import Intervention, intervened

pytestmark = pytest.mark.browser
UNCHANGED = "After: nothing is changed yet"


class Knock:
    """The experiment in somebody's visit."""

    def __init__(self, seen, workbench):
        self.seen, self.page, self.workbench = seen, seen.page, workbench

    def open(self):
        self.page.get_by_role("tab", name="Break it").click()
        self.page.get_by_role("button", name="What happens without a part?").click()
        self.switch("1.0.mlp.").wait_for()
        self.seen.wait_for_result("after", state="attached")
        self.page.locator("[data-knock=all-on]").dispatch_event("click")  # it may be disabled
        self.page.locator("[data-how=zero]").click()
        return self.answered(UNCHANGED)

    def switch(self, part: str):
        return self.page.locator(f'[data-part="{part}"]')

    def answered(self, heading: str):
        """Until the picture after is of this change."""
        self.page.wait_for_function(
            """heading => { const { results, view } = cvt.page.state;
            return document.querySelector("[data-break] [data-ref=afterName]").textContent === heading
              && cvt.explorer("after").key === results.after.key && !document.querySelector("[data-break] [data-busy]"); }""",
            arg=heading,
            timeout=60_000,
        )
        self.seen.drawn()
        return self

    def text(self, ref: str) -> str:
        return self.page.inner_text(f'[data-break] [data-ref="{ref}"]').replace("\u202f", " ")

    def pressed(self, part: str) -> bool:
        return self.switch(part).get_attribute("aria-pressed") == "true"

    def shares(self, side: str) -> dict[str, float]:
        top = self.page.evaluate("id => cvt.explorer(id).result.header.top", side)
        return {each["label"]: each["probability"] for each in top}

    @property
    def pixel_values(self):
        stored = self.workbench.store.get(self.page.evaluate("cvt.page.state.results.before.key"))
        return torch.from_numpy(self.workbench.loaded().processor.normalize(Image.fromarray(stored.exploration.pixels)))[None]

    def logits(self, *interventions) -> torch.Tensor:
        model = self.workbench.loaded().model
        with torch.inference_mode(), intervened(model, [interventions]):
            return model(self.pixel_values).logits[0]

    def probabilities(self, *interventions) -> torch.Tensor:
        return self.logits(*interventions).softmax(dim=0)


@pytest.fixture
def knock(seen, random_app):
    return Knock(seen, random_app[0]).open()


HEAD = Intervention(stage=1, block=0, part="head", head=1)


def test_a_head_off_by_a_click_and_on_again(knock):
    before, maps = knock.text("bars"), knock.seen.overlay("before")
    assert knock.seen.overlay("after") == maps
    knock.switch("1.0.head.1").click()
    assert not knock.pressed("1.0.head.1")
    knock.answered("Without head 2 of block 1, stage 2")
    expected = knock.probabilities(HEAD)
    for label, share in knock.shares("after").items():
        assert share == pytest.approx(float(expected[int(label.split()[1])]), abs=1e-5)
    best = f"class {int(expected.argmax())}"
    assert re.search(rf"it (still says|says|says the same:) {best}\b", knock.text("finding"))
    assert knock.page.locator("[data-break] .cvt-break-after").count() == 4  # the bars have a second line each
    assert knock.seen.overlay("before") == maps
    assert knock.seen.overlay("after") != maps
    knock.switch("1.0.head.1").click()
    knock.answered(UNCHANGED)
    assert (knock.text("bars"), knock.seen.overlay("after")) == (before, maps)
    assert knock.shares("after") == knock.shares("before")


def test_several_by_the_keyboard_alone_in_another_way(knock):
    page = knock.page
    page.locator("[data-how=zero]").focus()
    page.keyboard.press("ArrowRight")  # in a group of choices this also chooses
    assert page.locator("[data-how=mean]").get_attribute("aria-pressed") == "true"
    for _ in range(10):  # past the buttons between, to the first stage's switches, to the second's
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.dataset.part ?? ''").startswith("1."):
            break
    assert page.evaluate("document.activeElement.dataset.part") == "1.0.block."
    page.keyboard.press("Space")
    knock.answered("With the mean of its tokens for block 1 of stage 2")
    assert not knock.pressed("1.0.mlp.")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.part") == "1.1.query_conv."
    page.keyboard.press("Enter")
    knock.answered("With the mean of its tokens for 2 parts")
    block = [Intervention(stage=1, block=0, part=part, how="mean") for part in ("attention", "mlp")]
    expected = knock.probabilities(*block, Intervention(stage=1, block=1, part="query_conv", how="mean"))
    assert max(knock.shares("after").values()) == pytest.approx(float(expected.max()), abs=1e-5)
    assert page.locator("[data-how=uniform]").get_attribute("aria-disabled") == "true"  # not for what is off
    page.locator("[data-knock=all-on]").focus()
    page.keyboard.press("Enter")
    knock.answered(UNCHANGED)
    assert knock.shares("after") == knock.shares("before")


def test_a_link_switches_parts_off_and_the_address_follows(visit, random_app, served):
    link = "?tab=break&off=last.last.head2,2.1.block&how=mean"
    knock = Knock(visit(f"{served}/{link}"), random_app[0])
    knock.answered("With the mean of its tokens for 2 parts")
    off = [Intervention(stage=1, block=0, part="block", how="mean"), Intervention(stage=2, block=7, part="head", head=1, how="mean")]
    assert max(knock.shares("after").values()) == pytest.approx(float(knock.probabilities(*off).max()), abs=1e-5)
    assert [knock.pressed(part) for part in ("2.7.head.1", "1.0.mlp.", "1.0.block.", "2.7.head.0")] == [False, False, False, True]
    page, query = knock.page, "() => new URLSearchParams(location.search)"
    page.wait_for_function(f"({query})().get('off') === '3.8.head2,2.1.block' && ({query})().get('how') === 'mean'")
    knock.switch("1.0.block.").click()  # on again
    knock.answered("With the mean of its tokens for head 2 of block 8, stage 3")
    page.wait_for_function(f"({query})().get('off') === '3.8.head2'")
    page.evaluate("cvt.page.update({ off: '3.1.mlp', how: 'zero' })")  # as a lesson does
    knock.answered("Without the MLP of block 1, stage 3")
    assert page.locator("[data-how=zero]").get_attribute("aria-pressed") == "true"
    page.evaluate("cvt.page.update({ off: '' })")
    knock.answered(UNCHANGED)
    page.wait_for_function(f"!({query})().has('off') && !({query})().has('how')")


def test_what_matters_after_a_guess_that_is_judged(knock):
    knock.page.locator("[data-knock=matters]").click()
    assert knock.text("finding").startswith("Which head matters most for class ")
    assert knock.switch("2.0.mlp.").get_attribute("aria-disabled") == "true"
    assert knock.page.evaluate("document.activeElement.dataset.part") == "0.0.head.0"
    knock.switch("2.0.mlp.").dispatch_event("click")
    assert knock.page.locator("[data-knock=back]").is_visible()  # that was no guess
    knock.switch("2.7.head.1").focus()
    knock.page.keyboard.press("Enter")
    knock.page.locator(".cvt-knock [data-level]").first.wait_for(timeout=60_000)
    assert knock.page.locator(".cvt-knock [data-level]").count() == 11 * 3 + 1 + 2 * 2 + 8 * 4
    before = knock.logits()
    best, guess = re.findall(r"head (\d) of block (\d), stage (\d).*? (falls|rises) by (\d+\.\d+)", knock.text("finding"))
    assert guess[:3] == ("2", "8", "3")
    for *place, way, loss in (best, guess):
        head, block, stage = (int(each) - 1 for each in place)
        after = knock.logits(Intervention(stage=stage, block=block, part="head", head=head))
        lost = float(before.max() - after[before.argmax()])
        assert float(loss) == pytest.approx(abs(lost), rel=0.01, abs=0.006)
        assert way == ("falls" if lost > 0 else "rises")
        level = knock.switch(f"{stage}.{block}.head.{head}").get_attribute("data-level")
        assert int(level) == (-1 if lost <= -0.1 else sum(lost >= step for step in (0.1, 0.3, 1, 3)))
    heads = [int(each.get_attribute("data-level")) for each in knock.page.locator("[data-kind=head]").all()]
    assert max(heads) == int(knock.switch(f"{int(best[2]) - 1}.{int(best[1]) - 1}.head.{int(best[0]) - 1}").get_attribute("data-level"))
    assert knock.switch("2.7.head.1").get_attribute("title").endswith("Your guess.")
    assert knock.page.locator(".cvt-knock-scale li").count() == 6
    assert axe.violations(knock.page, "[data-experiment=knock]") == []


def test_measuring_can_be_cancelled(knock):
    with knock.workbench.passes, knock.workbench.passes:  # nothing runs meanwhile
        knock.page.locator("[data-knock=matters]").click()
        knock.page.locator("[data-knock=no-guess]").click()
        knock.page.get_by_role("button", name="Cancel", exact=True).click()
        knock.page.wait_for_function("document.querySelector('[data-break] [data-ref=status]').textContent === 'Cancelled.'")
        assert knock.page.locator(".cvt-knock [data-level]").count() == 0
        assert knock.page.locator(".cvt-knock [aria-pressed=false]").count() == 0
    knock.switch("2.0.mlp.").click()
    knock.answered("Without the MLP of block 1, stage 3")


def test_what_the_server_dropped_is_computed_again_and_stays_switched_off(knock):
    knock.switch("2.0.mlp.").click()
    knock.answered("Without the MLP of block 1, stage 3")
    with knock.page.expect_response("**/break/knock_out"):
        knock.page.evaluate("cvt.page.update({ gone: { explorer: 'after' } })")
    knock.answered("Without the MLP of block 1, stage 3")
    assert not knock.pressed("2.0.mlp.")


def test_a_model_without_conv_projections_has_no_title_or_legend_for_them(visit, random_app):
    seen = visit(f"{random_app[1]}?model=ablations/linear&tab=break")
    seen.page.wait_for_function("cvt.page.state.results.before?.model === 'ablations/linear'")
    seen.page.wait_for_function("!document.querySelector('[data-part$=_conv\\\\.]')")
    seen.page.locator('[data-part="1.1.head.1"]').wait_for()
    assert seen.page.locator(".cvt-knock-names span").all_inner_texts() == ["Block", "", "Heads"]
    assert seen.page.locator(".cvt-knock-beside").inner_text().startswith("+: the residual connection")
