"""Parts switched off, as the page and programs ask for it: the answers are the library's, what is wrong is said in words."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from cvt.architecture.build import Cancelled
from tests import serving
from visualize import explore
from visualize.change.importance import importance
from visualize.change.interventions import Intervention, intervened
from visualize.page.breaking.api import BreakingApi
from visualize.page.requests import Request
from visualize.page.workbench import Workbench


@pytest.fixture(scope="module")
def asked_of(tmp_path_factory):
    """A workbench, its picture's key, and what answers questions about it."""
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder / "mine", embed_dim=(8, 16, 32), depth=(1, 1, 2), qkv_projection_method=("linear", "dw_bn", "dw_bn"))
    path = folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)).save(path)
    workbench = Workbench(str(folder / "mine"), "cpu", kept=[path])
    key = workbench.explore(Request(model="mine", picture=str(path))).key
    api = BreakingApi(workbench)
    return workbench, key, lambda name, key=key, **asked: api.answer(name, {"key": key, **asked})


def logits(workbench, key, *interventions):
    model, pixels = workbench.loaded().model, workbench.store.get(key).exploration.pixels
    x = torch.from_numpy(workbench.loaded().processor.normalize(Image.fromarray(pixels)))[None]
    with torch.inference_mode(), intervened(model, [interventions]):
        return model(x).logits[0]


OFF = {"stage": 3, "block": 1, "part": "head", "head": 2, "how": "mean"}


def test_the_classes_before_and_after_and_the_result_to_show(asked_of):
    workbench, key, ask = asked_of
    answer = ask("knock_out", interventions=[OFF, {"stage": 2, "block": 1, "part": "mlp"}])
    head = Intervention(stage=2, block=0, part="head", head=1, how="mean")
    mlp = Intervention(stage=1, block=0, part="mlp")
    for side, expected in (("before", logits(workbench, key)), ("after", logits(workbench, key, head, mlp))):
        shares = expected.softmax(dim=0)
        for each in answer[side]:
            index = int(each["label"].split()[1])
            assert (each["logit"], each["probability"]) == pytest.approx((float(expected[index]), float(shares[index])), abs=1e-5)
        assert answer[side][0]["label"] == f"class {int(expected.argmax())}"
        assert [each["probability"] for each in answer[side]] == sorted((each["probability"] for each in answer[side]), reverse=True)
    assert {each["label"] for each in answer["before"]} <= {each["label"] for each in answer["after"]}
    assert answer["label"] == answer["before"][0]["label"]
    stored = workbench.store.get(answer["value"]["key"])
    assert stored.request.interventions == (mlp, head)
    assert ask("knock_out", interventions=[{"stage": 2, "block": 1, "part": "mlp", "how": "zero"}, OFF])["value"] == answer["value"]
    json.dumps(answer)
    same = ask("knock_out", interventions=[])
    np.testing.assert_array_equal(workbench.store.get(same["value"]["key"]).exploration.logits, workbench.store.get(key).exploration.logits)


def test_the_code_that_is_offered_computes_the_result_that_is_shown(asked_of, monkeypatch):
    workbench, _, ask = asked_of
    value = ask("knock_out", interventions=[{**OFF, "how": "examples"}])["value"]
    request = workbench.store.get(value["key"]).request
    monkeypatch.chdir(Path(request.picture).parent.parent)  # the code names the example's file in its folder
    names = {"model": workbench.loaded().model, "processor": workbench.loaded().processor, "explore": explore}
    exec(value["changed"]["lines"], names)
    seen = eval(f"explore(model, processor, {value['file']!r}{value['changed']['arguments']})", names)
    np.testing.assert_allclose(seen.logits, workbench.store.get(value["key"]).exploration.logits, atol=1e-6)
    assert "changed" not in ask("knock_out", interventions=[])["value"]


@pytest.mark.parametrize(
    ("interventions", "sentence"),
    [
        ("all", "as a list of objects"),
        ([3], "as a list of objects"),
        ([{**OFF, "stage": 4}], "Set stage to a whole number from 1 to 3"),
        ([{**OFF, "block": 0}], "Set block to a whole number from 1 to 2"),
        ([{**OFF, "head": 5}], "Set head to a whole number from 1 to 4"),
        ([{**OFF, "part": "tail"}], "Set part to one of these: head, attention"),
        ([{**OFF, "how": "gone"}], "Set how to one of these: zero, mean"),
        ([{**OFF, "part": "mlp", "how": "uniform"}], "Only heads and attention can be uniform; mlp cannot."),
        ([{"stage": 1, "block": 1, "part": "key_conv"}], "Stage 1 has no key_conv"),
        ([OFF, {**OFF, "how": "zero"}], "The part head of stage 3, block 1 is given twice."),
    ],
)
def test_what_a_model_does_not_have_is_refused_in_words(asked_of, interventions, sentence):
    with pytest.raises(ValueError, match=sentence):
        asked_of[2]("knock_out", interventions=interventions)


def test_importance_is_the_librarys_with_progress_and_an_end(asked_of):
    workbench, key, ask = asked_of
    answer = ask("importance", how="examples", label="class 3")
    model, pixels = workbench.loaded(), workbench.store.get(key).exploration.pixels
    x = torch.from_numpy(model.processor.normalize(Image.fromarray(pixels)))[None]
    found = importance(model.model, x, 3, "examples", workbench.example_means("mine"))
    assert (answer["label"], answer["logit"]) == ("class 3", pytest.approx(found.logit, abs=1e-5))
    assert len(answer["losses"]) == len(found.losses)
    for ours, theirs in zip(answer["losses"], found.losses, strict=True):
        part = theirs.intervention
        assert (ours["stage"], ours["block"], ours["part"]) == (part.stage + 1, part.block + 1, part.part)
        assert ours["head"] == (None if part.head is None else part.head + 1)
        assert (ours["logit"], ours["probability"]) == pytest.approx((theirs.logit, theirs.probability), abs=1e-5)
    assert ask("importance")["label"] == ask("knock_out", interventions=[])["label"]
    off = ask("knock_out", interventions=[OFF])
    of_changed = ask("importance", key=off["value"]["key"], label=off["after"][0]["label"])
    assert of_changed["logit"] == pytest.approx(off["after"][0]["logit"], abs=1e-5)  # what it asks about stays off
    with pytest.raises(ValueError, match="no such class"):
        ask("importance", label="class 99")

    def cancel(step, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        BreakingApi(workbench).answer("importance", {"key": key}, cancel)
