"""Principal components against numpy's singular value decomposition, and the order of channels against plain loops."""

import numpy as np
import pytest

from visualize.maps.features import principal_components, strongest_channels


def features(channels=12, height=7, width=9, seed=0):
    """Random features whose channels differ in strength, so that the components are well apart."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(channels, channels)) * np.geomspace(5, 0.1, channels)
    values = np.einsum("ck,khw->chw", mixing, generator.normal(size=(channels, height, width)))
    return (values + generator.normal(size=(channels, 1, 1)) * 10).astype(np.float32)


def by_svd(values):
    """(scores (H·W, 3) of the first three components with the largest loading positive, their shares of the variance)."""
    tokens = values.reshape(len(values), -1).T.astype(np.float64)
    tokens = tokens - tokens.mean(axis=0)
    _, singular, directions = np.linalg.svd(tokens, full_matrices=False)
    directions = directions[:3]
    for direction in directions:
        direction *= np.sign(direction[np.abs(direction).argmax()])
    return tokens @ directions.T, (singular**2 / (singular**2).sum())[:3]


@pytest.mark.parametrize("shape", [(12, 7, 9), (64, 5, 5), (3, 20, 4), (256, 12, 12), (200, 6, 7), (1024, 24, 24)])
def test_components_are_those_of_a_singular_value_decomposition(shape):
    values = features(*shape)
    scores, shares = by_svd(values)
    result = principal_components(values)
    assert result.explained == pytest.approx(shares, abs=1e-9)
    low, high = np.percentile(scores, (1, 99), axis=0)
    expected = ((scores - low) / (high - low)).clip(0, 1).reshape(*shape[1:], 3) * 255
    assert result.rgb.dtype == np.uint8
    assert result.rgb.shape == (*shape[1:], 3)
    assert np.abs(result.rgb - expected).max() <= 0.5 + 1e-6


def test_colours_depend_on_neither_level_nor_scale():
    values = features()
    rgb = principal_components(values).rgb
    assert np.array_equal(principal_components(values.copy()).rgb, rgb)
    assert np.abs(principal_components(values * 8 + 5).rgb.astype(int) - rgb).max() <= 1


def test_the_first_component_carries_most():
    shares = principal_components(features()).explained
    assert shares[0] >= shares[1] >= shares[2] > 0
    assert shares.sum() <= 1


@pytest.mark.parametrize("channels", [1, 2])
def test_fewer_than_three_channels_leave_colours_grey(channels):
    result = principal_components(features(channels))
    assert result.explained[channels:].tolist() == [0] * (3 - channels)
    assert result.explained.sum() == pytest.approx(1)
    assert (result.rgb[..., channels:] == 128).all()
    assert np.ptp(result.rgb[..., 0]) == 255


@pytest.mark.parametrize("values", [np.full((5, 4, 4), 3.0, np.float32), np.ones((5, 1, 1), np.float32), np.zeros((1, 1, 1), np.float32)])
def test_features_without_variance_are_grey_and_explain_nothing(values):
    result = principal_components(values)
    assert (result.rgb == 128).all()
    assert result.explained.tolist() == [0, 0, 0]


@pytest.mark.parametrize("channels", [6, 30])  # fewer than the 20 tokens, and more
def test_features_of_a_single_direction_leave_the_other_colours_grey(channels):
    direction, place = np.arange(1, channels + 1, dtype=np.float32), np.linspace(-1, 1, 20, dtype=np.float32).reshape(4, 5)
    result = principal_components(direction[:, None, None] * place)
    assert result.explained == pytest.approx([1, 0, 0])
    assert np.ptp(result.rgb[..., 0]) == 255
    assert (result.rgb[..., 1:] == 128).all()


def test_channels_are_ordered_by_how_much_they_vary():
    values = features(10)
    variances = []
    for channel in values:
        mean = sum(float(value) for value in channel.flat) / channel.size
        variances.append(sum((float(value) - mean) ** 2 for value in channel.flat) / channel.size)
    assert strongest_channels(values).tolist() == sorted(range(10), key=lambda channel: -variances[channel])


def test_channels_that_vary_alike_keep_their_order():
    channel = features(1)[0]
    assert strongest_channels(np.stack([channel, 0 * channel, channel, 2 * channel])).tolist() == [3, 0, 2, 1]


@pytest.mark.parametrize("rank", [0, 1, 2, 5])
@pytest.mark.parametrize("shape", [(200, 12, 12), (128, 24, 24)])
def test_features_of_few_directions_are_drawn_too(shape, rank):
    """As of a picture of one colour: fewer directions than the iteration for large matrices turns."""
    random = np.random.default_rng(rank)
    values = (random.normal(size=(shape[0], rank)) @ random.normal(size=(rank, shape[1] * shape[2]))).reshape(shape) + 1
    result = principal_components(values.astype(np.float32))
    assert (result.explained > 1e-9).sum() == min(rank, 3)
    assert result.explained == pytest.approx(by_svd(values)[1] if rank else [0, 0, 0], abs=1e-6)
