"""Requests are values: they compare, hash, cross into another process, and there give the same result."""

import pickle
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from cvt import CvtConfig
from cvt.architecture.variants import architecture
from cvt.pictures import read_picture
from tests import serving
from tests.helpers import tiny_config
from visualize.change.interventions import Intervention, intervened
from visualize.change.means import example_means
from visualize.container import unpack
from visualize.page.compute import BUILDING, RUNNING, compute, compute_inside
from visualize.page.requests import ModelRequest, Request
from visualize.page.workbench import Workbench

BASE = tiny_config()
PLAIN = Request(model="mine", picture="/a/picture.png")
DEEPER = architecture(BASE, [{}, {}, {"depth": 3}])
CHANGES = [
    {"model": "other"}, {"picture": "/another.png"}, {"architecture": DEEPER}, {"side": 64}, {"weights": "random"}, {"seed": 1},
    {"interventions": (Intervention(stage=2, block=1, part="mlp"),)},
]  # fmt: skip


def test_a_request_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        PLAIN.seed = 3


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: next(iter(change)))
def test_requests_that_differ_in_anything_are_not_the_same(change):
    changed = replace(PLAIN, **change)
    assert changed != PLAIN
    assert changed == replace(PLAIN, **change)
    assert hash(changed) == hash(replace(PLAIN, **change))
    assert len({PLAIN, changed}) == 2


def test_architectures_are_compared_by_what_they_are():
    again = architecture(CvtConfig.from_dict(BASE.to_dict()), [{}, {}, {"depth": 3}])
    assert again is not DEEPER
    assert replace(PLAIN, architecture=again) == replace(PLAIN, architecture=DEEPER)


def test_a_model_gets_its_picture():
    model = ModelRequest(model="mine", architecture=DEEPER, side=64, weights="random", seed=4)
    assert model.with_picture(b"file") == Request(model="mine", architecture=DEEPER, side=64, weights="random", seed=4, picture=b"file")


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "mine"
    serving.save_random_model(folder, embed_dim=(8, 16, 32), depth=(1, 1, 2))
    return Workbench(str(folder), "cpu")


@pytest.mark.parametrize("kind", ["path", "bytes", "opened"])
def test_a_request_that_crossed_into_another_process_gives_the_same(workbench, tmp_path, kind):
    path = tmp_path / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (70, 90, 3), np.uint8)).save(path)
    picture = {"path": str(path), "bytes": path.read_bytes(), "opened": read_picture(path)}[kind]
    deeper = architecture(workbench.loaded().config, [{}, {"depth": 2}, {}])
    request = Request(model="mine", picture=picture, architecture=deeper, side=64, weights="random", seed=7)
    crossed = pickle.loads(pickle.dumps(request))
    assert crossed == request
    steps = []
    found = compute(request, workbench, lambda step, share: steps.append((step, share)))
    np.testing.assert_array_equal(compute(crossed, workbench).logits, found.logits)
    assert found.pixels.shape == (64, 64, 3)
    assert [len(stage.blocks) for stage in found.stages] == [1, 2, 2]
    assert (steps[0], steps[-1]) == ((BUILDING, 0.0), (RUNNING, 0.0))
    assert request.nbytes == (3 * 70 * 90 if kind == "opened" else len(picture))


def test_the_loaded_model_is_not_built(workbench, tmp_path):
    Image.new("RGB", (80, 80)).save(tmp_path / "black.png")
    plain, steps = Request(model="mine", picture=str(tmp_path / "black.png")), []
    compute(plain, workbench, lambda step, share: steps.append(step))
    assert steps == [RUNNING]
    assert workbench.loaded().model_of(plain) is workbench.loaded().model


def test_parts_are_replaced_in_the_result_and_in_its_blocks(tmp_path):
    """Also by means over the example pictures, which are taken once; a variant has none."""
    paths = [tmp_path / f"{name}.png" for name in ("one", "two")]
    for seed, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (70, 90, 3), np.uint8)).save(path)
    serving.save_random_model(tmp_path / "mine", embed_dim=(8, 16, 32), depth=(1, 1, 2))
    workbench = Workbench(str(tmp_path / "mine"), "cpu", kept=paths)
    loaded, off = workbench.loaded(), Intervention(stage=2, block=0, part="mlp", how="examples")
    values = [torch.from_numpy(loaded.processor.normalize(loaded.processor.cut(Image.open(path))))[None] for path in paths]
    request = Request(model="mine", picture=str(paths[0]), interventions=(off,))
    found = compute(request, workbench)
    with torch.inference_mode(), intervened(loaded.model, [[off]], example_means(loaded.model, values)):
        np.testing.assert_allclose(found.logits, loaded.model(values[0]).logits[0].numpy(), atol=1e-5)
    assert workbench.example_means("mine") is workbench.example_means("mine")
    plain = replace(request, interventions=())
    inside = [unpack(compute_inside(each, found, workbench, 2, 1))[1]["norms/2"] for each in (plain, request)]
    assert (abs(inside[0] - inside[1]) > 1e-4).tolist() == [[False, False, True], [True, True, True]]  # from what that MLP adds on
    with pytest.raises(ValueError, match="for loaded models only"):
        compute(replace(request, weights="random"), workbench)
    with pytest.raises(ValueError, match="no example pictures"):
        compute(request, Workbench(str(tmp_path / "mine"), "cpu"))


def test_stored_results_keep_their_request_and_count_its_picture(workbench, tmp_path):
    Image.new("RGB", (60, 60)).save(tmp_path / "black.png")
    request = Request(model="mine", picture=(tmp_path / "black.png").read_bytes())
    stored = workbench.store.get(workbench.explore(request).key)
    assert stored.request == request
    assert stored.nbytes == len(request.picture) + stored.exploration.nbytes
