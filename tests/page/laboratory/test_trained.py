"""Trained ablations on the page: loaded when asked for, run beside the family's baseline, and named by links."""

import threading

import numpy as np
import pytest

pytest.importorskip("gradio")

import torch
from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

from cvt import ablations
from cvt.architecture.cost import cost
from tests import serving
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.laboratory.trained import ABLATIONS
from visualize.page.requests import Request
from visualize.page.routes import routes
from visualize.page.workbench import Workbench


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder, embed_dim=(8, 16, 32), depth=(1, 1, 2))
    return Workbench(str(folder), "cpu")


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "own.png"
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (90, 70, 3), np.uint8)).save(path)
    return str(path)


def test_one_is_loaded_once_when_it_is_first_asked_for_and_is_not_in_the_menu(workbench, picture):
    found = []
    threads = [threading.Thread(target=lambda: found.append(workbench.loaded("ablations/mean"))) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(map(id, found))) == 1
    assert len(workbench.names) == 1
    assert (found[0].source, found[0].side, found[0].config.num_labels) == ("ablations/mean", 64, 200)
    with pytest.raises(ValueError, match="There is no model 'ablations/none'"):
        workbench.loaded("ablations/none")
    model, processor = ablations.load("mean")
    with torch.inference_mode():
        expected = model(**processor(picture, return_tensors="pt")).logits[0].softmax(-1).topk(5)
    classes = workbench.classes(Request(model="ablations/mean", picture=picture))
    assert [label for label, _ in classes] == [model.config.id2label[index] for index in expected.indices.tolist()]
    assert [share for _, share in classes] == pytest.approx(expected.values.tolist(), abs=1e-5)


def test_a_run_shows_the_familys_baseline_and_the_member_and_says_how_often_each_is_right(workbench, picture):
    steps = list(LaboratoryApi(workbench).run(picture, {"run": "1", "ablation": "no-overlap"}))
    rows = {row["name"]: row for row in ablations.table()["members"]}
    shown = {}
    for side, name in (("baseline", "baseline"), ("variant", "no-overlap")):
        value = steps[-1][side]
        assert value["model"] == value["source"] == f"ablations/{name}"
        share = rows[name]["measures"]["top1_64"]["values"][0]
        assert value["note"].replace("\u202f", " ").startswith(f"It classifies {100 * share:.0f} % of unseen pictures correctly")
        stored = workbench.stored(value["key"])
        shown[side] = stored.exploration.shown
        assert stored.exploration.pixels.shape == (64, 64, 3)
    assert shown["baseline"][0] in shown["variant"]  # by which the two are compared
    with pytest.raises(ValueError, match="There is no such trained ablation: choose linear or no-overlap"):
        list(LaboratoryApi(workbench).run(picture, {"run": "2", "ablation": "baseline"}))


def test_the_server_gives_the_table_and_the_costs_of_both(workbench):
    with TestClient(Starlette(routes=routes(workbench))) as client:
        assert client.get("/ablations").json() == ablations.table()
        found = client.post("/laboratory/trained", json={"ablation": "linear"}).json()
        for side, name in (("baseline", "baseline"), ("variant", "linear")):
            expected = cost(ablations.load(name)[0].config, 64, 64)
            assert (found[side]["macs"], found[side]["parameters"]) == (expected.macs, expected.parameters)
        for body in ({"ablation": "other"}, {"ablation": ["linear"]}, {}, []):
            answer = client.post("/laboratory/trained", json=body)
            assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_links_name_an_ablation_beside_an_architecture_or_as_the_model(workbench):
    api = LaboratoryApi(workbench)
    for name in ABLATIONS:
        view, notices = api.linked(f"tab=architecture&ablation={name}&s1.kv=1")
        assert (view.ablation, view.architecture is not None, notices) == (name, True, [])
    view, notices = api.linked("model=ablations/circular&stage=2&block=2&row=16&col=16")
    assert (view.model, view.row, notices) == ("ablations/circular", 16, [])
