"""From the overview to the depth and back: the same spot in every stage, the flow, questions, channels, classes."""

from __future__ import annotations

import numpy as np
import pytest

from tests.browser.component import Page
from visualize.container import unpack
from visualize.draw.payload import payload

pytestmark = pytest.mark.browser
SIDE = 64
# Colours of a card at points of the input.
CARD = """([card, points]) => { const canvas = document.querySelectorAll("[data-ref=spots] canvas")[card];
  const { data, width, height } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return points.map(([y, x]) => Array.from(data.slice(...[0, 3].map((each) =>
    4 * (Math.floor((y / 64) * height) * width + Math.floor((x / 64) * width)) + each)))); }"""


@pytest.fixture
def page(component) -> Page:
    return component


@pytest.fixture
def seen(explored):
    return explored["first"]


def cards(page: Page):
    return page.page.get_by_role("group", name="The same spot in every stage").get_by_role("button")


def centres(grid) -> np.ndarray:
    rows, columns = grid.shape
    return np.array([grid.centre(row, column) for row in range(rows) for column in range(columns)])


def test_a_card_shows_its_stages_map_at_the_same_spot_and_leads_there(page, seen):
    y, x = 40.0, 12.0
    page.set(paint="map", colours="grey", y=y, x=x, blocks=[0, 1, 2], stage=0)
    for index, stage in enumerate([*seen.stages, seen.stages[2]]):
        asks = index == 3
        row, column = (int(np.clip(round((at - first) / step), 0, count - 1)) for at, first, step, count in
                       zip((y, x), stage.query_grid.first, stage.query_grid.stride, stage.query_grid.shape, strict=True))  # fmt: skip
        query = 0 if asks else stage.query_index(row, column)
        weights = stage.blocks[-1].weights([query]).mean(axis=0)[0][-np.prod(stage.key_grid.shape) :]
        points = centres(stage.key_grid) + np.array(stage.key_grid.stride) / 4
        free = np.abs(points - stage.query_grid.centre(row, column)).max(axis=1) > np.array(stage.query_grid.stride).max() * 0.8 + 1
        free |= asks
        grey = np.array(page.page.evaluate(CARD, [index, points.tolist()]))[:, 0]
        assert grey[free] == pytest.approx((weights / weights.max() * 255)[free], abs=3)
        assert free.sum() > 2
        card = cards(page).nth(index)
        assert ("cls token" if asks else f"Stage {index + 1}") in card.inner_text()
        card.click()
        page.settle()
        assert (page.state("stage"), page.state("cls"), page.state("layer")) == (min(index, 2), asks, "attention")
        assert page.sentence.startswith(f"Stage {min(index, 2) + 1}, ")
        assert ("the cls token attends to" in page.sentence) == asks
        assert [each.get_attribute("aria-pressed") for each in cards(page).all()] == [str(at == index).lower() for at in range(4)]
        assert page.state("depth") == "none"
    assert (page.state("y"), page.state("x")) == (y, x)


def test_light_on_a_card_is_where_it_is_on_the_picture(page):
    """The photograph darkened and lit alike, at the card's size."""
    page.set(opacity=1, view="mean", stage=1)
    shown = """() => { const { base, overlay } = cvt.explorer().ref, card = document.querySelectorAll("[data-ref=spots] canvas")[1];
      const read = (...sources) => { const canvas = document.createElement("canvas"); canvas.width = canvas.height = 32;
        const pen = canvas.getContext("2d"); for (const each of sources) pen.drawImage(each, 0, 0, 32, 32);
        return Array.from(pen.getImageData(0, 0, 32, 32).data); };
      return [read(base, overlay), read(card), read(base)]; }"""
    picture, card, plain = (np.array(each, float) for each in page.page.evaluate(shown))
    assert np.abs(picture - card).mean() < 6
    assert np.abs(picture - plain).mean() > 20


def test_cards_of_features_are_the_stages_components(page, seen):
    page.set(layer="features")
    assert cards(page).count() == 3  # the cls token has no place, and so no features there
    _, arrays = unpack(payload(seen))
    for index, stage in enumerate(seen.stages):
        points = centres(stage.query_grid)
        far = np.abs(points - SIDE / 2).max(axis=1) > 2 * max(stage.query_grid.stride)
        wanted = arrays[f"{index}/pca"].reshape(-1, 3)
        found = np.array(page.page.evaluate(CARD, [index, points.tolist()]))
        assert found[far] == pytest.approx(wanted[far], abs=3)
        assert far.any() or index == 2
    cards(page).nth(2).click()
    page.settle()
    assert (page.state("stage"), page.state("layer")) == (2, "features")


def test_there_are_no_cards_where_they_would_say_nothing(page):
    for changes, visible in (
        ({"layer": "attention"}, True),
        ({"layer": "none"}, True),
        ({"layer": "features"}, True),
        ({"layer": "class"}, False),
        ({"layer": "attention", "part": "embedding"}, False),
        ({"part": "classifier"}, False),
        ({"part": "stage", "depth": "attention"}, False),
    ):
        page.set(**changes)
        assert page.page.locator("[data-ref=spots]").is_visible() == visible, changes


def test_every_feature_picture_is_on_the_picture_and_in_the_words(page):
    page.set(depth="features", layer="attention", opacity=1)
    group = page.page.get_by_role("group", name="Features")
    found = set()
    for name in ("Mean", "Channel", "Similarity", "PCA"):
        group.get_by_role("button", name=name, exact=True).click()
        page.settle()
        assert page.state("layer") == "features"
        sees = page.page.get_by_role("button", name="Sees what")
        assert sees.get_attribute("aria-pressed") == "true"
        picture = page.page.evaluate("cvt.explorer().ref.overlay.toDataURL()")
        words = tuple(page.page.locator(f"[data-ref={each}]").inner_text() for each in ("headline", "sentence"))
        found.add((picture, *words))
    for each in zip(*found, strict=True):
        assert len(set(each)) == 4


def test_a_class_does_not_change_how_the_channels_are_sorted(page):
    page.set(depth="features", stage=1, sort="peak")
    wall = "cvt.explorer().ref.wall.toDataURL()"
    before = page.page.evaluate(wall)
    page.set(depth="none")
    page.page.get_by_role("button", name="For the class").click()
    page.page.get_by_role("group", name="Most probable classes").get_by_role("button").nth(2).click()
    page.settle()
    assert (page.state("layer"), page.state("which")) == ("class", 2)
    page.set(depth="features")
    assert page.state("sort") == "peak"
    assert page.page.evaluate(wall) == before
    page.page.locator("[data-bind=sort]").select_option("region")  # as somebody asks for it
    page.settle()
    assert page.page.evaluate(wall) != before


def test_a_conv_embedding_opens_with_what_its_token_is_made_of(page, seen):
    page.set(stage=0, ancestors=False)
    page.page.get_by_role("button", name="Conv embedding of stage 3").click()
    page.settle()
    page.page.wait_for_function("cvt.explorer().ancestry.chain({ row: 1, column: 1 }).pixels")  # it is told step by step
    page.settle()
    stage = seen.stages[2]
    row, column = (round((SIDE / 2 - first) / step) for first, step in zip(stage.query_grid.first, stage.query_grid.stride, strict=True))
    window = seen.stages[1].query_grid
    for step_row in range(-1, 2):
        for step_column in range(-1, 2):  # the corner of each of the 3×3 tokens below it is outlined
            top, left, _, _ = window.cell(2 * row + step_row, 2 * column + step_column)
            assert page.pixel(top, left)[3] > 100
    assert page.page.locator("[data-ref=ancestry] figure").count() == 2
    page.page.locator("[data-ref=ancestry]").get_by_role("button").click()
    page.settle()
    assert page.page.locator("[data-ref=ancestry]").is_hidden()
    assert page.state("ancestors") is False
    page.page.locator("[data-ref=crumbs]").get_by_role("button", name="Stage 3").click()
    page.settle()
    assert page.page.locator("[data-ref=part]").is_hidden()


def test_the_focus_is_not_lost_where_it_was_is_hidden(page):
    page.set(depth="features")
    page.page.locator("[data-bind=sort]").focus()
    page.page.keyboard.press("Escape")
    page.settle()
    assert page.page.evaluate("document.activeElement.dataset.ref") == "lookInside"
    page.page.keyboard.press("Enter")
    page.settle()
    assert page.state("depth") == "attention"
    assert page.page.evaluate("document.activeElement.dataset.ref") == "depth:attention"
    page.set(layer="class", depth="none")
    page.page.keyboard.press("Escape")
    page.settle()
    assert page.state("layer") == "attention"


def test_the_cls_tokens_button_shows_its_attention_whatever_was_shown_before(page):
    for view in ("token", "mean", "received"):
        for cls in (False, True):
            page.set(stage=2, depth="attention", layer="attention", view=view, cls=cls)
            button = page.page.get_by_role("button", name="cls token's")
            pressed = cls and view == "token"
            assert button.get_attribute("aria-pressed") == str(pressed).lower()
            button.click()
            page.settle()
            assert button.get_attribute("aria-pressed") == str(not pressed).lower()
            assert ("how strongly the cls token attends to" in page.sentence) == (not pressed)


QUESTIONS = {  # the state of the page that each leads to
    "question_far": {"experiment": "reach"},
    "question_heads": {"experiment": "knock"},
    "question_decided": {"experiment": "decide"},
    "question_twice": {},
    "question_overlap": {"wanted": {"preset": "no-overlap"}},
    "question_fewer": {"wanted": {"preset": "kv-stride-1"}},
    "question_positions": {"experiment": "position"},
    "question_cls": {"wanted": {"preset": "cls-everywhere"}},
}


def test_each_question_leads_to_where_its_answer_is_seen(page):
    asked = page.page.get_by_role("navigation", name="Find out by doing").locator("[data-question]")  # each has a lesson beside it
    names = [each.get_attribute("data-question") for each in asked.all()]
    assert names == list(QUESTIONS)
    for index, state in enumerate(QUESTIONS.values()):
        page.set(depth="none")
        page.page.evaluate("cvt.page.update({ wanted: null, experiment: null })")
        asked.nth(index).click()
        found = page.page.evaluate("(({ wanted, experiment }) => ({ wanted, experiment }))(cvt.page.state)")
        assert found == {"wanted": None, "experiment": None, **state}
    page.set(stage=1, layer="class", view="mean", depth="none", part="stage", cls=True)
    asked.nth(names.index("question_twice")).click()
    page.settle()
    assert [page.state(each) for each in ("depth", "layer", "view", "cls")] == ["inside", "attention", "token", False]
    assert page.page.locator("[data-ref=headline]").is_visible()


def test_a_question_opens_the_laboratory_with_its_preset(long_visit, served):
    with long_visit(served) as visit:
        page = visit.page
        page.locator("[data-question=question_fewer]").first.click()
        page.wait_for_function("cvt.page.state.tab === 'architecture' && cvt.page.state.wanted === null && cvt.page.state.architecture")
        assert page.get_by_role("tab", name="Change it").get_attribute("aria-selected") == "true"
        assert page.evaluate("cvt.page.state.architecture.state.stages.map((each) => each.stride_kv)") == [1, 1, 1]


def test_what_is_open_is_in_the_link_and_opens_again(visit, served):
    seen = visit(f"{served}/?depth=features&paint=map&stage=3&features=mean&layer=features")
    assert seen.page.locator('[data-ref="wall"]').first.is_visible()
    shown = seen.page.evaluate("(({ depth, paint, features }) => [depth, paint, features])(cvt.explorer().state)")
    assert shown == ["features", "map", "mean"]
    seen.page.get_by_role("button", name="Heads and blocks").first.click()
    seen.page.wait_for_function("new URLSearchParams(location.search).get('depth') === 'attention'")
    seen.page.get_by_role("button", name="Overview").first.click()
    seen.page.wait_for_function("!new URLSearchParams(location.search).has('depth')")
    assert "paint=map" in seen.page.url
