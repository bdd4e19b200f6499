"""When it decides and how far it looks, as the page and programs ask for it: the answers are the library's, counted from 1."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from tests import serving
from visualize.change.interventions import Intervention
from visualize.maps.distance import AttentionDistances, attention_distances, receptive_field, share_within
from visualize.maps.lens import class_lens
from visualize.page.breaking.api import BreakingApi
from visualize.page.breaking.distance import _in_cells, _narrowest
from visualize.page.requests import Request
from visualize.page.workbench import Workbench


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """A workbench, its stored result, and what answers questions about it."""
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder / "mine", embed_dim=(8, 16, 32), depth=(1, 1, 3))
    path = folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)).save(path)
    workbench = Workbench(str(folder / "mine"), "cpu", kept=[path])
    api, request = BreakingApi(workbench), Request(model="mine", picture=str(path))
    key = workbench.explore(request).key
    return workbench, request, lambda name, key=key, **asked: api.answer(name, {"key": key, **asked})


def seen(workbench, request):
    """The model, what it saw, and its result."""
    exploration = workbench.explore(request).exploration
    model = workbench.loaded().model
    normal = workbench.loaded().processor.normalize(Image.fromarray(exploration.pixels))
    return model, torch.from_numpy(normal)[None], exploration


def test_the_lens_of_a_model_without_probes_is_of_its_last_stage(bench):
    workbench, request, ask = bench
    answer = ask("lens")
    model, pixels, exploration = seen(workbench, request)
    expected = class_lens(model, pixels)
    assert [(each["stage"], each["block"], each["accuracy"]) for each in answer["points"]] == [(3, 1, None), (3, 2, None), (3, 3, None)]
    assert [each["label"] for each in answer["points"]] == [exploration.labels[each] for each in expected.probabilities.argmax(axis=1)]
    assert {each["label"] for each in answer["points"]} <= {each["label"] for each in answer["classes"]}
    for each in answer["classes"]:
        index = exploration.labels.index(each["label"])
        np.testing.assert_allclose(each["probabilities"], expected.probabilities[:, index], atol=1e-6)
        assert each["probabilities"][-1] == pytest.approx(float(exploration.probabilities[index]), abs=1e-5)
    index, before = expected.decided()
    assert answer["decided"] == {"stage": 3, "block": index + 1, "before": None if before is None else exploration.labels[before]}
    assert (answer["probes"], answer["reason"]) == (None, "model")
    json.dumps(answer)


def test_a_lens_and_a_field_see_what_was_changed(bench):
    workbench, request, ask = bench
    off = Intervention(stage=2, block=2, part="block")
    key = workbench.explore(Request(model=request.model, picture=request.picture, interventions=(off,))).key
    shares = np.array([each["probabilities"] for each in ask("lens", key=key)["classes"]])
    assert np.allclose(shares[:, 1], shares[:, 2])  # the last block is switched off
    assert not np.allclose(shares[:, 0], shares[:, 1])
    near = Intervention(stage=0, block=0, part="block")
    key = workbench.explore(Request(model=request.model, picture=request.picture, interventions=(near,))).key
    assert ask("receptive_field", key=key, stage=1, row=5, column=5)["within"] == 1  # what is left are convolutions
    assert ask("receptive_field", stage=1, row=5, column=5)["within"] < 1
    round_about = workbench.explore(Request(model=request.model, picture=request.picture, padding="circular"))
    best = ask("lens", key=round_about.key)["classes"][0]
    assert best["probabilities"][-1] == pytest.approx(float(round_about.exploration.probabilities.max()), abs=1e-5)
    assert best["probabilities"][-1] != pytest.approx(float(seen(workbench, request)[2].probabilities.max()), abs=1e-5)


def test_distances_of_all_heads_and_the_two_that_stand_out(bench):
    workbench, request, ask = bench
    answer = ask("distance")
    stages = seen(workbench, request)[2].stages
    expected = [attention_distances(stage) for stage in stages]
    for found, own in zip(answer["stages"], expected, strict=True):
        np.testing.assert_allclose(found["heads"], own.heads, atol=1e-3)
        assert found["uniform"] == pytest.approx(own.uniform, abs=1e-3)
    nearest = answer["nearest"]
    assert nearest["distance"] == pytest.approx(min(own.heads.min() for own in expected), abs=1e-3)
    assert answer["stages"][nearest["stage"] - 1]["heads"][nearest["block"] - 1][nearest["head"] - 1] == nearest["distance"]
    assert answer["narrowest"] == _narrowest(expected)
    assert answer["input"] == list(seen(workbench, request)[2].pixels.shape[:2])


def test_the_narrowest_stage_is_the_one_farthest_under_uniform():
    found = [AttentionDistances(np.array(heads), 50.0) for heads in ([[49.0]], [[30.0, 50.0], [45.0, 35.0]], [[60.0]])]
    assert _narrowest(found) == {"stage": 2, "distance": 40.0, "uniform": 50.0}
    assert _narrowest(found[2:]) is None
    assert _narrowest([AttentionDistances(np.zeros((1, 1)), 0.0)]) is None  # one cell looks at itself


def test_a_field_of_a_token_and_of_the_cls_token(bench):
    workbench, request, ask = bench
    model, pixels, exploration = seen(workbench, request)
    grid = exploration.stages[1].query_grid
    answer = ask("receptive_field", stage=2, row=2, column=3)
    expected = receptive_field(model, pixels, 1, (1, 2), grid.centre(1, 2))
    assert (answer["side"], answer["pixels"], answer["theoretical"]) == (expected.side, expected.pixels, list(grid.field))
    assert answer["within"] == pytest.approx(share_within(expected.shares, grid.receptive_field(1, 2)), abs=1e-4)
    assert np.mean(answer["times"]) == pytest.approx(1, abs=0.01)
    whole = ask("receptive_field", stage=3, row=0, column=0)
    assert (whole["side"], whole["theoretical"], whole["within"]) == (None, None, None)


def test_large_fields_are_summed_in_cells():
    shares = np.random.default_rng(0).random((200, 193))
    shares /= shares.sum()
    cell, times = _in_cells(shares)
    assert (cell, times.shape) == (3, (67, 65))
    assert times[1, 2] == pytest.approx(shares[3:6, 6:9].mean() * shares.size)
    assert times[-1, -1] == pytest.approx(shares[198:, 192:].mean() * shares.size)  # smaller at the border


@pytest.mark.parametrize(("asked", "words"), [
    ({"stage": 4}, "Set stage to a whole number from 1 to 3"),
    ({"stage": 1, "row": 1, "column": 0}, "none at row 1, column 0"),
    ({"stage": 1, "row": 0, "column": 0}, "has no cls token"),
    ({"stage": 1, "row": 1, "column": 999}, "Set column to"),
    ({"key": "none"}, "no longer stored"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said(bench, asked, words):
    with pytest.raises(ValueError, match=words):
        bench[2]("receptive_field", **asked)
