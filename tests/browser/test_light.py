"""Light: how attention and evidence lie on the photograph, pixel by pixel, against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from tests.browser.component import PROCESSOR, Page
from tests.draw.test_payload import photo
from visualize.explore import Exploration, explore

pytestmark = pytest.mark.browser
SIDE = 64
DIMMED, FAINT, FULL = 0.42, 0.08, 0.58  # opacities: of the shade where nothing is, of the faintest light and of the brightest
# RGBA of the overlay at points of the input, from 0 to 1 and with the alpha multiplied in
PIXELS = """(points) => { const { overlay } = cvt.explorer().ref, { input } = cvt.explorer().result;
  const { top, left, height, width } = cvt.explorer().picture.view();
  const { data, width: columns } = overlay.getContext("2d").getImageData(0, 0, overlay.width, overlay.height);
  return points.map(([y, x]) => {
    const row = Math.floor(((y - top) / height) * overlay.height), column = Math.floor(((x - left) / width) * columns);
    const at = 4 * (row * columns + column), alpha = data[at + 3] / 255;
    return [...Array.from(data.slice(at, at + 3), (each) => (each / 255) * alpha), alpha];
  }); }"""


def drawn(page: Page, points) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """At each point of the input: the opacity of the light, of what counts against, and of the shade."""
    red, _, blue, alpha = np.array(page.page.evaluate(PIXELS, np.asarray(points, float).tolist())).T
    # the light is #ffd21a and the rest #2f7bff, over black: of two unknowns by red and blue
    light, against = np.linalg.solve([[1, 47 / 255], [26 / 255, 1]], [red, blue])
    return light, against, 1 - (1 - alpha) / (1 - np.clip(light + against, 0, 0.99))


def lit(weights: np.ndarray, top: float, keys: int) -> np.ndarray:
    """How bright weights are: 0 at uniform or below, 1 at the scale's end, which is at least 3 × uniform."""
    return np.clip((weights * keys - 1) / (max(top * keys, 3) - 1), 0, 1)


def opacities(light: np.ndarray) -> np.ndarray:
    return np.where(light > 0.01, FAINT + (FULL - FAINT) * light, 0)


def points_of(grid) -> np.ndarray:
    """A point of each cell of a grid, away from its middle, where a token may be outlined, and from its edge."""
    rows, columns = grid.shape
    centres = [grid.centre(row, column) for row in range(rows) for column in range(columns)]
    return np.array(centres) + np.array(grid.stride) / 4


def places(stage, block: int, head: int, query: int | None = None) -> np.ndarray:
    """Weights on the key cells, of one query or the mean of all, of one head or with −1 the mean of all."""
    weights = stage.blocks[block].weights().astype(np.float64)
    weights = weights.mean(axis=0) if head < 0 else weights[head]
    return (weights.mean(axis=0) if query is None else weights[query])[-np.prod(stage.key_grid.shape) :]


def peak(stages) -> float:
    """The largest weight of any head on a place."""
    return max(block.weights()[..., -np.prod(stage.key_grid.shape) :].max() for stage in stages for block in stage.blocks)


def keys_of(stage) -> int:
    return stage.blocks[0].key.shape[1]


@pytest.fixture(scope="module")
def seen(explored) -> Exploration:
    return explored["first"]


@pytest.fixture
def page(component) -> Page:
    component.set(opacity=1)
    return component


def test_light_begins_at_uniform_and_grows_with_the_weight(page, seen):
    compared = []
    for index, stage in enumerate(seen.stages):
        for block in range(len(stage.blocks)):
            for head in range(-1, len(stage.blocks[block].weights())):
                blocks, heads = [0, 0, 0], [-1, -1, -1]
                blocks[index], heads[index] = block, head
                page.set(stage=index, blocks=blocks, heads=heads, view="mean")
                weights = places(stage, block, head)
                wanted = lit(weights, weights.max(), keys_of(stage))
                light, against, shade = drawn(page, points_of(stage.key_grid))
                assert light == pytest.approx(opacities(wanted), abs=0.012)
                assert against == pytest.approx(0, abs=0.012)
                assert shade == pytest.approx(DIMMED * np.clip(1 - 3 * wanted, 0, 1), abs=0.02)
                compared += zip(weights * keys_of(stage), light, shade, strict=True)
    times, light, shade = np.array(compared).T
    assert 20 < (times <= 1).sum() < len(times) - 20
    assert light[times <= 1].max() < 0.012
    assert shade[times <= 1] == pytest.approx(DIMMED, abs=0.012)
    assert light[times > 1.2].min() > 0.07
    assert (times > 1.2).sum() > 20


@pytest.mark.parametrize("scale", ["map", "stage", "all"])
def test_the_scale_ends_where_it_says(page, seen, scale):
    ends = []
    for index, stage in enumerate(seen.stages):
        y, x = stage.query_grid.centre(1, 1)
        page.set(stage=index, scale=scale, y=y, x=x)
        last = len(stage.blocks) - 1
        weights = places(stage, last, -1, stage.query_index(1, 1))
        end = {"map": weights.max(), "stage": peak([stage]), "all": peak(seen.stages)}[scale]
        points = points_of(stage.key_grid)
        field = np.array(stage.query_grid.receptive_field(1, 1))
        free = ((points < field[:2] - 3) | (points > field[2:] + 3)).any(axis=1)
        light, _, _ = drawn(page, points[free])
        assert light == pytest.approx(opacities(lit(weights, end, keys_of(stage)))[free], abs=0.012)
        ends.append(end)
    assert len(set(ends)) == (1 if scale == "all" else 3)


def test_a_strong_map_is_full_at_its_own_end_and_a_weak_one_at_three_times_uniform(page):
    light_of = "(values) => import('/below/modules/shared/draw.js').then(({ lightOf }) => values.map((value) => lightOf(...value)))"
    given = [(0.2, 5), (1, 5), (3, 5), (5, 5), (9, 5), (1, 1.2), (1.2, 1.2), (2, 1.2), (3, 1.2), (4, 3)]
    assert page.page.evaluate(light_of, given) == pytest.approx([0, 0, 0.5, 1, 1, 0, 0.1, 0.5, 1, 1])


def test_cells_at_the_border_reach_the_border(page, seen):
    """The last cells end before the picture does, and the first of some begin after its edge."""
    short = 0
    for index, stage in enumerate(seen.stages):
        for view, grid in (("mean", stage.key_grid), ("received", stage.query_grid)):
            page.set(stage=index, view=view, y=SIDE / 2, x=SIDE / 2)
            rows, columns = grid.shape
            _, _, bottom, _ = grid.cell(rows - 1, columns - 1)
            short += bottom < SIDE
            inner = [grid.centre(row, column) for row, column in ((0, 0), (rows - 1, 0), (0, columns - 1), (rows - 1, columns - 1))]
            outer = [(0.2, 0.2), (SIDE - 0.2, 0.2), (0.2, SIDE - 0.2), (SIDE - 0.2, SIDE - 0.2)]
            for near, far in zip(inner, outer, strict=True):
                between = np.linspace(near, far, 12)
                _, _, _, alpha = np.array(page.page.evaluate(PIXELS, between.tolist())).T
                assert alpha.min() > 0.05, (index, view, near)
                light, _, _ = drawn(page, between[:1])
                beyond, _, _ = drawn(page, [np.array(far) + np.sign(np.array(near) - far) * 1.2])
                assert (light > 0.02) == (beyond > 0.02)
    assert short > 2


def test_uniform_attention_shows_nothing_special_and_the_words_say_so(component, explored):
    """A model as it is made: its weights are random and small, so that every token looks everywhere alike."""
    torch.manual_seed(0)
    made = CvtForImageClassification(CvtConfig(embed_dim=(16, 24, 32), num_heads=(1, 2, 4), depth=(1, 2, 3), num_labels=7)).eval()
    plain = explore(made, PROCESSOR, photo())
    component.as_opened("plain", results={**explored, "plain": plain})
    component.set(opacity=1)
    for index, stage in enumerate(plain.stages):
        for scale in ("map", "stage", "all"):
            component.set(stage=index, scale=scale, view="mean")
            light, _, shade = drawn(component, points_of(stage.key_grid))
            assert light.max() < 0.15
            assert shade.min() > DIMMED / 2
        component.set(view="token", scale="map")
        headline = component.page.locator("[data-ref=headline]").inner_text()
        assert "looks everywhere equally" in headline


def test_what_speaks_for_a_class_is_light_and_what_speaks_against_it_is_blue(page, seen):
    stage = seen.stages[2]
    assert seen.evidence.places.shape[1] == 4
    for which, values in enumerate(seen.evidence.places):
        page.set(layer="class", which=which, stage=2)
        light, against, _ = drawn(page, points_of(stage.key_grid))
        wanted = values / np.abs(values).max()
        assert light == pytest.approx(opacities(wanted.clip(0)), abs=0.02)
        assert against == pytest.approx(opacities((-wanted).clip(0)), abs=0.02)
        assert light[values.argmax()] == light.max()
    assert (seen.evidence.places < 0).any()
    assert (seen.evidence.places > 0).any()


def test_a_zoomed_picture_shows_its_part_of_the_light(page, seen):
    stage = seen.stages[1]
    weights = places(stage, 1, -1)
    wanted = opacities(lit(weights, weights.max(), keys_of(stage)))
    points = points_of(stage.key_grid)
    for zoom, focus in ((2, (20, 44)), (4, (50, 10)), (3, (0, 64)), (8, (33, 35))):
        page.set(stage=1, blocks=[0, 1, 2], view="mean", zoom=zoom, focus={"y": focus[0], "x": focus[1]})
        side = SIDE / zoom
        corner = [min(SIDE - side, max(0, each - side / 2)) for each in focus]
        visible = np.all((points > np.array(corner) + 0.5) & (points < np.array(corner) + side - 0.5), axis=1)
        if visible.any():
            light, _, _ = drawn(page, points[visible])
            assert light == pytest.approx(wanted[visible], abs=0.012)
    page.set(zoom=1)
    light, _, _ = drawn(page, points)
    assert light == pytest.approx(wanted, abs=0.012)
