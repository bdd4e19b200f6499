"""Weights from q and k, and the numbers beside a map, against plain loops."""

import math

import numpy as np
import pytest
import torch

from visualize.maps.attention import BlockAttention, statistics


def block(heads=3, queries=10, keys=7, dim=4, scale=0.37, seed=0, has_cls=True, size=1.0):
    generator = np.random.default_rng(seed)
    query, key = (generator.normal(size=(heads, count, dim)).astype(np.float32) * size for count in (queries, keys))
    return BlockAttention(query, key, scale, has_cls)


def by_loops(attention):
    """softmax(q · k · scale), number by number, in double precision."""
    heads, queries, keys = attention.shape
    result = np.zeros((heads, queries, keys))
    for head in range(heads):
        for query in range(queries):
            scores = []
            for key in range(keys):
                products = zip(attention.query[head, query].tolist(), attention.key[head, key].tolist(), strict=True)
                scores.append(attention.scale * sum(a * b for a, b in products))
            powers = [math.exp(score - max(scores)) for score in scores]
            result[head, query] = [power / sum(powers) for power in powers]
    return result


def test_weights_are_the_softmax_of_scaled_products():
    attention = block()
    weights = attention.weights()
    assert attention.shape == weights.shape == (3, 10, 7)
    assert attention.heads == 3
    assert weights.dtype == np.float32
    assert np.abs(weights - by_loops(attention)).max() < 1e-6
    assert weights.sum(-1) == pytest.approx(np.ones((3, 10)), abs=1e-6)


@pytest.mark.parametrize("queries", [[0], [9, 0, 4], np.array([2, 2]), []])
def test_the_queries_asked_for_in_the_order_asked(queries):
    attention = block()
    assert attention.weights(queries) == pytest.approx(attention.weights()[:, np.asarray(queries, dtype=int)], abs=1e-7)


@pytest.mark.parametrize("queries", [[10], [-1], [[0]], 3, [0.5], [True]])
def test_queries_that_do_not_exist_are_refused(queries):
    with pytest.raises(ValueError, match="from 0 to 9"):
        block().weights(queries)


def test_what_was_captured_stays_as_it_was():
    attention = block()
    query, key = attention.query.copy(), attention.key.copy()
    attention.weights()
    attention.weights([1])
    assert np.array_equal(attention.query, query)
    assert np.array_equal(attention.key, key)


def test_large_scores_do_not_overflow():
    attention = block(size=200.0)
    weights = attention.weights()
    assert np.isfinite(weights).all()
    assert np.abs(weights - by_loops(attention)).max() < 1e-3
    expected = torch.softmax(torch.from_numpy(attention.query * attention.scale).double() @ torch.from_numpy(attention.key).double().mT, -1)
    assert np.abs(weights - expected.numpy()).max() < 1e-3


def test_statistics_of_a_row():
    row = block().weights()[1, 2]
    result = statistics(row)
    assert result.minimum == min(row.tolist())
    assert result.maximum == max(row.tolist())
    assert result.entropy == pytest.approx(-sum(value * math.log2(value) for value in row.tolist()), abs=1e-9)
    assert result.times_uniform == pytest.approx(max(row.tolist()) * 7)


def test_statistics_of_the_extremes():
    even, single = statistics(np.full(64, 1 / 64, np.float32)), statistics(np.eye(1, 64, 5, dtype=np.float32)[0])
    assert (even.entropy, even.times_uniform) == pytest.approx((6.0, 1.0))
    assert (single.entropy, single.times_uniform, single.minimum, single.maximum) == (0.0, 64.0, 0.0, 1.0)
    assert math.copysign(1, single.entropy) == 1  # "-0.0 bit" would be written beside the map
