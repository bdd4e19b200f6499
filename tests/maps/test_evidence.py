"""What places add to a class's score: against the model itself with parts taken away, and against plain sums."""

import numpy as np
import pytest
import torch

from cvt.processor import CvtImageProcessor
from tests.helpers import tiny_model
from tests.visualize.test_explore import picture
from visualize import explore

PROCESSOR = CvtImageProcessor(size=48)


def seen_by(model):
    return explore(model, PROCESSOR, picture())


@pytest.mark.parametrize("changes", [{}, {"cls_token": False}, {"cls_token": True}, {"qkv_projection_method": "avg"}], ids=str)
def test_places_and_rest_are_the_score_above_the_mean_score(changes):
    model = tiny_model(**changes)
    seen = seen_by(model)
    best = np.argsort(-seen.probabilities)[:5]
    expected = seen.logits[best] - seen.logits.mean()
    np.testing.assert_allclose(seen.evidence.places.sum(axis=1) + seen.evidence.rest, expected, atol=1e-5)
    grid = seen.stages[-1].query_grid if seen.evidence.of_queries else seen.stages[-1].key_grid
    assert seen.evidence.places.shape == (5, grid.shape[0] * grid.shape[1])
    assert seen.evidence.of_queries == (not seen.stages[-1].config.cls_token)
    assert not np.allclose(seen.evidence.places, 0)


def test_a_place_adds_what_is_missing_when_what_was_fetched_there_is_taken_away():
    """Taken away, place by place, from the sum that the classifier reads; the LayerNorm's deviation stays as it is."""
    model = tiny_model()
    layers, fetched, token = model.cvt.encoder.stages[2].layers, [], []
    for layer in layers:
        layer.attention.attention.attend.register_forward_hook(lambda module, inputs, output: fetched.append(inputs))
    model.layernorm.register_forward_hook(lambda module, inputs, output: token.append(inputs[0][0, 0]))
    with torch.no_grad():
        logits = model(PROCESSOR(picture(), return_tensors="pt").pixel_values).logits[0]
        token, norm = token[0], model.layernorm
        deviation = torch.sqrt(((token - token.mean()) ** 2).mean() + norm.eps)

        def scores(x):
            return model.classifier((x - x.mean()) / deviation * norm.weight + norm.bias)

        torch.testing.assert_close(scores(token), logits)
        expected = []
        for place in range(1, fetched[0][1].shape[2]):
            without = token.clone()
            for layer, (query, key, value) in zip(layers, fetched, strict=True):
                weights = torch.softmax(torch.einsum("hd,hkd->hk", query[0, :, 0], key[0]) * 24**-0.5, dim=-1)
                without -= layer.attention.output.dense.weight @ (weights[:, place, None] * value[0, :, place]).flatten()
            less = logits - scores(without)
            expected.append((less - less.mean())[logits.argsort(descending=True)[:5]])
    np.testing.assert_allclose(seen_by(tiny_model()).evidence.places, torch.stack(expected, dim=1).numpy(), atol=1e-5)


def test_without_a_cls_token_each_token_adds_its_own_score():
    model = tiny_model(cls_token=False)
    seen = seen_by(model)
    tokens = torch.from_numpy(seen.stages[-1].features.reshape(24, -1).T.copy())
    with torch.no_grad():
        scores = model.classifier(model.layernorm(tokens)).numpy()  # every token as if it were alone
    best = np.argsort(-seen.probabilities)[:5]
    apart = (scores - scores.mean(axis=1, keepdims=True))[:, best].T
    bias = (model.classifier.bias - model.classifier.bias.mean()).detach().numpy()[best]
    np.testing.assert_allclose(seen.evidence.places, (apart - bias[:, None]) / len(tokens), atol=1e-5)
    np.testing.assert_allclose(seen.evidence.rest, bias, atol=1e-5)


def test_a_stage_without_blocks_fetches_nothing():
    assert seen_by(tiny_model(depth=(1, 1, 0))).evidence is None


def test_fewer_than_five_classes():
    assert seen_by(tiny_model(num_labels=2)).evidence.places.shape[0] == 2
