"""Trained ablations in a real browser: chosen by click, by keyboard and by link, both verdicts and the finding, and back again."""

import pytest

pytest.importorskip("gradio")

from cvt import ablations
from tests.browser import axe
from tests.browser.test_laboratory import Laboratory

pytestmark = pytest.mark.browser
ROWS = {row["name"]: row for row in ablations.table()["members"]}
SHOWN = """name => { const { results, view, running, ablation } = cvt.page.state, { baseline, variant } = results;
  return !running && ablation === name && variant?.model === `ablations/${name}` && baseline.model === "ablations/baseline"
    && ["baseline", "variant"].every((id) => view[id]?.result.key === results[id].key); }"""

PERCENT = """share => import("/modules/words/format.js").then(({ percent }) => percent(share))"""


def heading(row):
    measure = row["measures"]["top1_64"]
    return f"{row['title']}, trained: {100 * measure['mean']:.1f} ± {100 * measure['sd']:.1f} %"


def says_all(page, name, finding):
    page.wait_for_function(SHOWN, arg=name, timeout=60_000)
    page.wait_for_function("document.querySelector('[data-lab] [data-ref=variantVerdict]').textContent")
    texts = {each: page.inner_text(f'[data-lab] [data-ref="{each}"]') for each in ("finding", "baselineName", "variantName")}
    plain = {each: text.replace("\u00a0", " ").replace("\u202f", " ") for each, text in texts.items()}
    assert plain["finding"].startswith(finding)
    assert (plain["baselineName"], plain["variantName"]) == (heading(ROWS["baseline"]), heading(ROWS[name]))
    tops = [page.evaluate("id => cvt.explorer(id).result.header.top", side) for side in ("baseline", "variant")]
    first = tops[0][0]["label"]
    for side, top in zip(("baseline", "variant"), tops, strict=True):
        share = next((each["probability"] for each in top if each["label"] == first), 0)
        verdict = page.inner_text(f'[data-lab] [data-side="{side}"] .cvt-lab-verdict')
        assert first.split(",")[0] in verdict
        assert page.evaluate(PERCENT, share) in verdict
    page.wait_for_function("name => location.search.includes(`ablation=${name}`)", arg=name)
    member = page.locator(f'[data-ref="ablations"] [data-ablation="{name}"]')
    assert member.get_attribute("aria-pressed") == "true"
    assert page.locator("[data-ref='ablationNumbers'] tbody tr").count() == 4
    assert page.locator("[data-lab] [data-own]:visible").count() == 0


def on_one_screen(page):
    """Whether the chosen member, both pictures with their verdicts, and the finding are in the window together."""
    return page.evaluate(
        """() => ['[data-ref="finding"]', '[data-side="baseline"] .cvt-lab-verdict', '[data-side="variant"] .cvt-lab-verdict',
        '[data-ref="ablations"] [aria-pressed="true"]', '[data-ref="totals"]'].every((each) => {
          const { top, bottom } = document.querySelector(`[data-lab] ${each}`).getBoundingClientRect();
          return top >= 0 && bottom <= innerHeight; })"""
    )


def test_an_ablation_chosen_by_click_or_key_and_back_again(seen):
    lab, page = Laboratory(seen).open(), seen.page
    lab.to_the_baseline()
    page.get_by_role("button", name="Trained without it").click()
    page.get_by_role("button", name="No conv projection").click()
    says_all(page, "linear", "No clear difference: +0.1 points, between −1.3 and +1.5. ")
    assert lab.total("macs") == "291 million"
    for size in ((1440, 900), (1024, 768)):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        lab.seen.drawn()
        assert on_one_screen(page)
    mean = page.get_by_role("button", name="The mean instead of a cls token")
    mean.focus()
    page.keyboard.press("Enter")
    says_all(page, "mean", "Better: +3.5 points")
    page.get_by_role("button", name="Back to your own architecture").click()
    lab.ran("both sides show the same model")
    assert page.evaluate("cvt.page.state.ablation") is None
    assert page.locator("[data-lab] [data-own]:visible").count() >= 1
    assert page.inner_text('[data-lab] [data-ref="baselineName"]').startswith("Baseline: ")
    assert page.inner_text('[data-lab] [data-ref="variantName"]') == "Variant: still the baseline"
    page.wait_for_function("!location.search.includes('ablation')")
    page.get_by_role("button", name="Trained without it").click()  # and from there to a question
    mean.click()
    says_all(page, "mean", "Better: +3.5 points")
    page.get_by_role("button", name="Not retrained").click()
    page.get_by_role("button", name="What do fewer keys save?").click()
    lab.ran("trained model's")
    assert page.evaluate("cvt.page.state.ablation") is None


def test_an_ablation_passes_axe(seen):
    lab, page = Laboratory(seen).open(), seen.page
    page.get_by_role("button", name="Trained without it").click()
    page.get_by_role("button", name="Zero padding replaced").click()
    says_all(page, "circular", "No clear difference: −0.4 points")
    assert axe.violations(page, "[data-lab]") == []
    lab.to_the_baseline()


def test_a_link_opens_an_ablation_on_a_phone_and_says_what_it_does_not_know(visit, served):
    opened = visit(f"{served}/?tab=architecture&ablation=no-overlap&s1.kv=1", viewport={"width": 390, "height": 844})
    says_all(opened.page, "no-overlap", "Worse: −2.6 points, between −4.0 and −1.3. ")
    assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    opened.page.get_by_role("button", name="Back to your own architecture").click()
    Laboratory(opened).settle()
    assert opened.page.evaluate("cvt.laboratory.state.stages[0].stride_kv") == 1  # the link's own architecture
