"""Distances against plain loops over tokens and keys, and receptive fields against finite differences."""

import math

import numpy as np
import pytest
import torch

from cvt.architecture.geometry import stage_grids
from cvt.processor import CvtImageProcessor
from tests.helpers import pixels, tiny_model
from tests.visualize.test_explore import picture
from visualize import explore
from visualize.maps import distance
from visualize.maps.distance import _side, attention_distances, receptive_field, share_within

PIXELS = pixels(1, 3, 20, 28)


def by_loops(stage, block, head):
    """The mean over all tokens of the distance that their weights average; and of the distance to all keys alike."""
    cls = int(stage.config.cls_token)
    keys = [(row, column) for row in range(stage.key_grid.shape[0]) for column in range(stage.key_grid.shape[1])]
    looked, alike, count = 0.0, 0.0, 0
    for row in range(stage.query_grid.shape[0]):
        for column in range(stage.query_grid.shape[1]):
            query = stage.blocks[block].query[head, stage.query_index(row, column)]
            weights = [math.exp(float(query @ key) * stage.blocks[block].scale) for key in stage.blocks[block].key[head, cls:]]
            here = stage.query_grid.centre(row, column)
            away = [math.dist(here, stage.key_grid.centre(*key)) for key in keys]
            looked += sum(w * d for w, d in zip(weights, away, strict=True)) / sum(weights)
            alike += sum(away) / len(away)
            count += 1
    return looked / count, alike / count


@pytest.mark.parametrize("method", ["dw_bn", "avg"])
def test_distances_are_those_of_plain_loops_whatever_is_computed_at_a_time(method, monkeypatch):
    monkeypatch.setattr(distance, "AT_ONCE", 100)
    seen = explore(tiny_model(qkv_projection_method=method), CvtImageProcessor(size=32), picture())
    for stage in seen.stages:
        found = attention_distances(stage)
        assert found.heads.shape == (len(stage.blocks), stage.config.num_heads)
        for block, head in ((0, 0), (len(stage.blocks) - 1, stage.config.num_heads - 1)):
            looked, alike = by_loops(stage, block, head)
            assert found.heads[block, head] == pytest.approx(looked, rel=1e-5)
            assert found.uniform == pytest.approx(alike)
    assert attention_distances(seen.stages[1]).heads.std() > 0.01


@pytest.mark.parametrize(("stage", "place"), [(1, (1, 2)), (2, None)])
def test_a_pixels_share_is_that_of_finite_differences(stage, place):
    model = tiny_model().double()
    grid = stage_grids(model.config, 20, 28)[stage][0]
    found = receptive_field(model, PIXELS.double(), stage, place, None if place is None else grid.centre(*place))
    assert found.shares.shape == (20, 28)
    assert found.shares.sum() == pytest.approx(1)

    @torch.no_grad()
    def length(x):
        features = model.cvt(x, output_hidden_states=True)
        token = features.cls_token_value[0, 0] if place is None else features.hidden_states[stage][0, :, place[0], place[1]]
        return float(token.norm())

    def slope(row, column):
        ends = []
        for channel in range(3):
            step = torch.zeros_like(PIXELS, dtype=torch.float64)
            step[0, channel, row, column] = 1e-5
            ends.append((length(PIXELS.double() + step) - length(PIXELS.double() - step)) / 2e-5)
        return math.hypot(*ends)

    spots = [(3, 5), (11, 19), (19, 27)]
    slopes = np.array([slope(*each) for each in spots])
    shares = np.array([found.shares[each] for each in spots])
    np.testing.assert_allclose(shares / shares[0], slopes / slopes[0], rtol=1e-4)


def test_a_field_touches_neither_weights_nor_gradients():
    model = tiny_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with torch.inference_mode():
        receptive_field(model, PIXELS, 0, (1, 1), (4.5, 4.5))
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(each.grad is None and each.requires_grad for each in model.parameters())


@pytest.mark.parametrize("centre", [(4.5, 6.5), (4.0, 7.0), (0.5, 11.5)])
def test_the_square_is_the_smallest_that_holds_half(centre):
    shares = np.random.default_rng(0).random((10, 12)) ** 4
    shares /= shares.sum()

    def held(side):
        y, x = centre
        return share_within(shares, (y - side / 2 - 0.01, x - side / 2 - 0.01, y + side / 2 + 0.01, x + side / 2 + 0.01))

    side = _side(shares, centre)
    assert held(side) >= 0.5 > held(side - 2)
    inside = [shares[row, column] for row in range(2, 7) for column in range(3, 9)]
    assert share_within(shares, (2, 3, 7, 9)) == pytest.approx(sum(inside))


def test_few_pixels_hold_half_of_a_field():
    found = receptive_field(tiny_model(), PIXELS, 0, (1, 1), (4.5, 4.5))
    largest = np.sort(found.shares.ravel())[::-1]
    assert largest[: found.pixels].sum() >= 0.5 > largest[: found.pixels - 1].sum()
