"""Quantised attention weights: those of a softmax in float64, and attention with them, in however many pieces."""

import pytest
import torch

from cvt.architecture.cost import cost
from cvt.runtime import attention
from cvt.runtime import forward as forward_module
from cvt.runtime.attention import quantised_weights
from cvt.runtime.runner import Runner
from tests.helpers import pixels, tiny_model
from visualize.capture import Capture

SHAPES = [(1, 1, 1, 8), (1, 50, 13, 16), (4, 17, 5, 8), (3, 64, 16, 4)]  # heads, queries, keys, D


def of_shape(heads, queries, keys, width):
    generator = torch.Generator().manual_seed(0)
    return [3 * torch.randn(heads, count, width, generator=generator) for count in (queries, keys, keys)]


def exact_weights(query, key, scale):
    return (query.double() @ key.double().mT * scale).softmax(dim=-1)


def check(found, exact):
    peak = exact.amax(dim=-1)
    assert found.values.dtype == torch.uint8
    torch.testing.assert_close(found.peak.double(), peak, rtol=2e-5, atol=0)
    assert ((found.peak[..., None] * found.values / 255.0 - exact).abs() <= peak[..., None] * (1 / 510 + 2e-5)).all()


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("chunk", [1, 20, 1 << 18])
def test_weights_are_within_half_a_step_and_attention_is_exact(monkeypatch, shape, chunk):
    monkeypatch.setattr(attention, "CHUNK", chunk)
    query, key, value = of_shape(*shape)
    before = [each.clone() for each in (query, key, value)]
    exact = exact_weights(query, key, 0.3)
    attended = torch.full((shape[1], shape[0], shape[3]), torch.nan)
    found = quantised_weights(query, key, 0.3, value, attended)
    check(found, exact)
    torch.testing.assert_close(attended.double(), (exact @ value.double()).transpose(0, 1), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(*pair) for pair in zip(found, quantised_weights(query, key, 0.3), strict=True))
    assert all(torch.equal(*pair) for pair in zip((query, key, value), before, strict=True))


def test_a_row_with_a_number_that_is_not_finite_has_no_finite_peak():
    query, key, _ = of_shape(2, 6, 5, 8)
    query[1, 3, 0] = float("nan")
    query[0, 2, 0] = float("inf")
    peak = quantised_weights(query, key, 0.3).peak
    assert [tuple(place) for place in (~peak.isfinite()).nonzero().tolist()] == [(0, 2), (1, 3)]


@pytest.mark.parametrize("changes", [{}, {"cls_token": False}, {"qkv_bias": False, "depth": (1, 1, 1)}], ids=str)
def test_a_runner_gives_them_of_one_captured_picture(monkeypatch, changes):
    monkeypatch.setattr(forward_module, "FEWEST_ENTRIES", 1)
    model = tiny_model(**changes)
    runner, x = Runner(model), pixels(1, 3, 40, 56)
    with torch.inference_mode():
        answer, plain = runner(x, captures=True), model(x).logits
    seen = Capture.of(answer.taps)
    torch.testing.assert_close(answer.logits, plain, rtol=1e-4, atol=1e-5)
    for stage, depth in enumerate(model.config.depth):
        for block in range(depth):
            query, key, scale = seen.query_key(stage, block)
            check(seen.quantised(stage, block), exact_weights(query[0], key[0], scale))


@pytest.mark.parametrize(("few", "pictures", "dtype"), [(1, 2, torch.float32), (1 << 20, 1, torch.float32), (1, 1, torch.float64)])
def test_of_several_pictures_few_weights_or_another_dtype_there_are_none(monkeypatch, few, pictures, dtype):
    monkeypatch.setattr(forward_module, "FEWEST_ENTRIES", few)
    with torch.inference_mode():
        answer = Runner(tiny_model().to(dtype))(pixels(pictures, 3, 40, 56).to(dtype), captures=True)
    assert all(block.quantised is None for stage in answer.taps for block in stage.blocks)


@pytest.mark.parametrize(("height", "width"), [(40, 56), (47, 83)])
@pytest.mark.parametrize("changes", [{}, {"stride_kv": (1, 2, 3)}, {"kernel_qkv": 5, "padding_q": 2, "padding_kv": 2}], ids=str)
def test_of_more_than_can_be_shown_there_are_none(monkeypatch, changes, height, width):
    model = tiny_model(**changes)
    monkeypatch.setattr(forward_module, "FEWEST_ENTRIES", 1)
    entries = cost(model.config, height, width).attention_entries
    for most, expected in ((entries, True), (entries - 1, False)):
        monkeypatch.setattr(forward_module, "MOST_ENTRIES", most)
        with torch.inference_mode():
            answer = Runner(model)(pixels(1, 3, height, width), captures=True)
        assert {block.quantised is not None for stage in answer.taps for block in stage.blocks} == {expected}
