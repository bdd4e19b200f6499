"""The classes after every block: against models that end there, and probes against plain arithmetic."""

import copy

import numpy as np
import pytest
import torch

from cvt.probes import Probe, Probes
from cvt.probes.probes import digest, places
from tests.helpers import pixels, tiny_model
from visualize.maps.lens import Lens, class_lens, fitting

PIXELS = pixels(1, 3, 32, 32)


def probes_of(model, side=32):
    generator = torch.Generator().manual_seed(0)
    widths = [model.config.stages[stage].embed_dim for stage, _ in places(model)]
    made = [Probe(*(torch.rand(shape, generator=generator) + 0.5 for shape in ((c,), (c,), (5, c), (5,))), accuracy=0.1) for c in widths]
    return Probes(digest(model), side, dict(zip(places(model), made, strict=True)))


@pytest.mark.parametrize("cls_token", [(False, False, True), (True, True, False)])
@torch.inference_mode()
def test_each_block_of_the_last_stage_answers_as_a_model_that_ends_there(cls_token):
    model = tiny_model(cls_token=cls_token)
    lens = class_lens(model, PIXELS)
    assert lens.places == ((2, 0), (2, 1), (2, 2))
    for (_, block), row in zip(lens.places, lens.probabilities, strict=True):
        ended = copy.deepcopy(model)
        del ended.cvt.encoder.stages[2].layers[block + 1 :]
        assert np.array_equal(row, ended(PIXELS).logits[0].softmax(-1).numpy())  # bit by bit; the last is the whole model
    assert not np.allclose(lens.probabilities[0], lens.probabilities[-1], atol=1e-3)


def test_probes_read_the_mean_token_of_their_block():
    model = tiny_model(cls_token=(True, False, True))
    probes = probes_of(model)
    lens = class_lens(model, PIXELS, probes)
    assert lens.places[:3] == ((0, 0), (1, 0), (1, 1))
    assert lens.accuracies == (0.1, 0.1, 0.1, None, None, None)
    with torch.inference_mode():
        maps = model(PIXELS, output_hidden_states=True).hidden_states  # (1, C, H, W), without cls tokens
    for index, place in ((0, (0, 0)), (2, (1, 1))):  # the blocks at their stage's end
        mean, deviation, weight, bias = (value.numpy() for value in probes.by_place[place].tensors().values())
        scores = weight @ ((maps[place[0]][0].numpy().mean(axis=(1, 2)) - mean) / deviation) + bias
        expected = np.exp(scores - scores.max())
        np.testing.assert_allclose(lens.probabilities[index], expected / expected.sum(), rtol=1e-4)


def test_probes_hold_for_their_model_and_side_only():
    model = tiny_model()
    probes = probes_of(model)
    assert fitting(model, probes, (32, 32))
    assert not fitting(model, probes, (32, 48))
    assert not fitting(tiny_model(seed=1), probes, (32, 32))


@pytest.mark.parametrize(
    ("best", "accuracies", "decided"),
    [
        ([0, 2, 1, 2, 2], [0.1, None, None, None, None], (3, 1)),
        ([1, 2, 2, 2], [0.1, None, None, None], (1, None)),  # what probes say does not count
        ([0, 1, 2], [None, None, None], (2, 1)),
    ],
)
def test_decided_is_where_the_last_change_was(best, accuracies, decided):
    probabilities = np.eye(3, dtype=np.float32)[best]
    assert Lens(tuple((0, n) for n in range(len(best))), probabilities, tuple(accuracies)).decided() == decided
