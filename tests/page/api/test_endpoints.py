"""The endpoints of the table as functions: their answers against PyTorch and NumPy, and what they refuse."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
import torch
from PIL import Image

from cvt.architecture.build import inherit
from cvt.architecture.cost import cost
from cvt.architecture.variants import architecture
from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor
from tests.helpers import tiny_model
from visualize.page.api.parameters import CHOICE, FLAG, LIST, NUMBER, PICTURE, WHOLE
from visualize.page.api.services import Services
from visualize.page.api.table import ENDPOINTS, TOOLS
from visualize.page.breaking.api import ANSWERS
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.lessons.api import LessonsApi
from visualize.page.workbench import Workbench

SIDE = 96


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    tiny_model(num_labels=9).save_pretrained(folder / "mine")
    CvtImageProcessor(size=SIDE, crop_pct=1.0).save_pretrained(folder / "mine")
    small = np.random.default_rng(0).integers(0, 256, (5, 5, 3), np.uint8)
    Image.fromarray(small).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / "photo.png")
    return folder


@pytest.fixture(scope="module")
def to(folder):
    workbench = Workbench(str(folder / "mine"), "cpu", kept=[])
    return Services(workbench, LaboratoryApi(workbench), LessonsApi())


@pytest.fixture(scope="module")
def ask(to, folder):
    """An endpoint's answer to these values and the defaults, as JSON has it."""

    def asked(name, /, **values):
        endpoint = ENDPOINTS[name]
        given = {each.name: each.default for each in endpoint.parameters} | values
        if any(each.kind == PICTURE for each in endpoint.parameters):
            given.setdefault("picture", "")
            given["picture"] = str(folder / "photo.png")
        return json.loads(json.dumps(endpoint.ask(to, given), allow_nan=False))

    return asked


@pytest.fixture(scope="module")
def seen(folder):
    """The model, and what it gives the picture: its own modules, run here."""
    model = CvtForImageClassification.from_pretrained(folder / "mine")
    values = CvtImageProcessor.from_pretrained(folder / "mine")(str(folder / "photo.png"), return_tensors="pt").pixel_values
    with torch.inference_mode():
        return model, values, model(values, output_hidden_states=True)


def test_features_are_the_models_own(ask, seen):
    _, _, out = seen
    features = out.hidden_states[1][0].numpy()
    found = ask("features", stage=2, channel=3, row=2, column=1, colours=True)
    np.testing.assert_allclose(found["values"], features[2], atol=1e-4)
    assert (found["grid"], found["channels"]) == (list(features.shape[1:]), len(features))
    token = features[:, 1, 0]
    expected = np.einsum("c,chw->hw", token, features) / np.linalg.norm(token) / np.linalg.norm(features, axis=0)
    np.testing.assert_allclose(found["similarity"], expected, atol=1e-4)
    spread = features.reshape(len(features), -1)
    variances = np.linalg.svd(spread - spread.mean(1, keepdims=True), compute_uv=False) ** 2
    np.testing.assert_allclose(found["explained"], variances[:3] / variances.sum(), atol=1e-4)
    assert np.shape(found["colours"]) == (*features.shape[1:], 3)
    most = int(spread.var(axis=1).argmax()) + 1
    plain = ask("features", stage=2)
    assert (plain["channel"], plain["strongest"][0], plain["similarity"], plain["colours"]) == (most, most, None, None)


def test_a_variants_maps_are_those_of_the_model_that_the_library_builds(ask, seen):
    model, values, _ = seen
    stages = [{}, {"stride_kv": 1}, {"depth": 2}]
    built = inherit(model, architecture(model.config, stages)).model.eval()
    with torch.inference_mode():
        out = built(values, output_hidden_states=True)
    other = json.dumps({"stages": stages})
    np.testing.assert_allclose(ask("features", stage=2, channel=3, architecture=other)["values"], out.hidden_states[1][0, 2], atol=1e-4)
    found = ask("evidence", label=model.config.id2label[4], architecture=other)
    assert found["places"] + found["rest"] == pytest.approx(float(out.logits[0, 4] - out.logits.mean()), abs=1e-3)
    assert len(ask("inside", stage=3, architecture=other)["norms"]) == 2
    for wrong, sentence in (("[]", "Set architecture to a JSON object"), ('{"stage": 1}', "There is no argument"), ('{"side": 7}', "7")):
        with pytest.raises(ValueError, match=sentence):
            ask("features", architecture=wrong)


def test_evidence_adds_up_to_the_class_also_to_an_improbable_one(ask, seen):
    model, _, out = seen
    logits = out.logits[0].numpy()
    for label in (model.config.id2label[int(logits.argmax())], model.config.id2label[int(logits.argmin())]):
        found = ask("evidence", label=label)
        index = model.config.label2id[label]
        assert found["label"] == label
        assert found["logit"] == pytest.approx(logits[index], abs=1e-4)
        assert found["places"] + found["rest"] == pytest.approx(logits[index] - logits.mean(), abs=1e-3)
        assert np.sum(found["values"]) == pytest.approx(found["places"], abs=1e-2)


def test_a_variants_classes_are_those_of_the_model_that_the_library_builds(ask, seen):
    model, values, out = seen
    stages = [{}, {"stride_kv": 1}, {"depth": 2}]
    found = ask("variant", stages=json.dumps(stages))
    built = inherit(model, architecture(model.config, stages)).model.eval()
    with torch.inference_mode():
        after = built(values).logits[0].softmax(0)
    for name, shares in (("variant", after), ("baseline", out.logits[0].softmax(0))):
        labels = [model.config.id2label[each] for each in shares.argsort(descending=True)[:5].tolist()]
        assert [each["label"] for each in found[name]] == labels
        np.testing.assert_allclose([each["probability"] for each in found[name]], sorted(shares.tolist())[:-6:-1], rtol=1e-3)
    described = ask("describe", stages=json.dumps(stages))
    assert described["variant"]["macs"] == cost(architecture(model.config, stages), SIDE, SIDE).macs
    assert len(described["differences"]) == 2
    code = ask("variant_code", stages=json.dumps(stages))
    assert "stride_kv" in code["python"]
    assert json.loads(code["config"])["depth"] == [1, 2, 2]


def test_a_trained_ablation_stands_beside_its_baseline(ask, to, folder):
    found = ask("ablation", name="linear")
    for side, name in (("baseline", "ablations/baseline"), ("variant", "ablations/linear")):
        model, processor = (kind.from_pretrained(name) for kind in (CvtForImageClassification, CvtImageProcessor))
        with torch.inference_mode():
            shares = model(**processor(str(folder / "photo.png"), return_tensors="pt")).logits[0].softmax(0)
        assert found[side][0]["probability"] == pytest.approx(float(shares.max()), rel=1e-3)
        parameters = sum(each.numel() for each in model.parameters())
        assert found["costs"][side]["parameters"] == parameters


def test_what_there_is_can_be_listed_and_read(ask, to):
    mine, *others = ask("models")["models"]
    assert (mine["name"], mine["state"], mine["classes"], mine["side"]) == ("mine", "ready", 9, SIDE)
    assert {"ablations/linear", "microsoft/cvt-13"} <= {each["name"] for each in others}
    assert [each["heads"] for each in mine["stages"]] == [1, 2, 3]
    known = ask("lessons")["lessons"]
    assert {each["name"] for each in known} == {each["name"] for each in to.lessons.lessons()["lessons"]}
    for each in known:
        assert len(ask("lesson", name=each["name"])["steps"]) == each["steps"]
    assert ask("check_lesson", text="format: 2")["line"] == 1
    assert ask("open_link", query="stage=2&tab=break")["view"]["stage"] == 2
    assert ask("architecture")["base"]["side"] == SIDE
    assert {each["name"] for each in ask("ablations")["members"]} >= {"baseline", "linear"}


def test_a_lessons_question_is_asked_and_its_answer_graded(ask, seen):
    """Whose attention is largest is known from the model's own attention maps."""
    model, values, _ = seen
    question = {"lesson": "cls", "step": 1}  # the three cells that the cls token looks at most in the last block
    asked = ask("lesson_question", **question)
    assert (asked["kind"], asked["count"], asked["impossible"]) == ("cells", 3, None)
    with torch.inference_mode():
        weights = _last_attention(model, values)
    columns = asked["grid"]["shape"][1]
    best = [[each // columns + 1, each % columns + 1] for each in weights.argsort(descending=True)[:3].tolist()]
    worst = [[each // columns + 1, each % columns + 1] for each in weights.argsort()[:3].tolist()]
    right, wrong = (ask("lesson_answer", answer=json.dumps(each), **question) for each in (best, worst))
    assert (right["right"], right["score"], right["truth"]) == (True, 1, best)
    assert (wrong["right"], wrong["score"]) == (False, 0)


def _last_attention(model, values):
    """(keys without the cls token): what the cls token attends to in the last block, mean of its heads; by a hook, not by a capture."""
    kept = {}
    attention = model.cvt.encoder.stages[-1].layers[-1].attention.attention
    with_heads = model.config.num_heads[-1]

    def keep(module, given, out):
        kept[module] = out

    projections = (attention.projection_query, attention.projection_key)
    handles = [each.register_forward_hook(keep) for each in projections]
    model(values)
    for handle in handles:
        handle.remove()
    query, key = (kept[each][0] for each in projections)  # (tokens, C)
    query, key = (each.unflatten(1, (with_heads, -1)).transpose(0, 1) for each in (query, key))
    scores = query[:, :1] @ key.transpose(1, 2) * model.config.embed_dim[-1] ** -0.5
    return scores.softmax(-1)[:, 0, 1:].mean(0)


@pytest.mark.parametrize("place", [(1, 1), (3, 2), (0, 0)])
@pytest.mark.parametrize("name", ["query", "key", "value"])
def test_the_steps_inside_a_block_end_at_the_models_own_projection(ask, seen, name, place):
    model, values, _ = seen
    attention = model.cvt.encoder.stages[2].layers[1].attention.attention
    linear, read = getattr(attention, f"projection_{name}"), {}
    handle = linear.register_forward_hook(lambda module, given, out: read.update(given=given[0][0], out=out[0]))
    with torch.inference_mode():
        model(values)
    handle.remove()
    row, column = place
    found = ask("inside", stage=3, block=2, projection=name, row=row, column=column, channel=5)
    at = (row - 1) * found["grid"][1] + column if row else 0  # after the cls token
    assert found["linear"]["result"] == pytest.approx(float(read["out"][at, 4]), abs=1e-3)
    terms = [each["product"] for each in found["linear"]["terms"]]
    assert sum(terms) + found["linear"]["rest"] + found["linear"]["bias"] == pytest.approx(found["linear"]["result"], abs=1e-3)
    if not row:
        assert found["convolution"] is None
        return
    step = found["convolution"]
    assert step["value"] == pytest.approx(float(read["given"][at, 4]), abs=1e-3)
    assert sum(each["value"] * each["weight"] for each in step["window"]) == pytest.approx(step["sum"], abs=1e-3)
    assert step["sum"] * step["scale"] + step["shift"] == pytest.approx(step["value"], abs=1e-3)


@pytest.mark.parametrize("method", ["avg", "linear"])
def test_a_block_without_convolutions_pools_or_reads_the_token_itself(method, to, folder):
    changed = tiny_model(qkv_projection_method=(method,) * 3)
    changed.save_pretrained(folder / method)
    CvtImageProcessor(size=SIDE, crop_pct=1.0).save_pretrained(folder / method)
    workbench = Workbench(str(folder / method), "cpu", kept=[])
    there, read = Services(workbench, to.laboratory, to.lessons), {}
    linear = workbench.loaded().model.cvt.encoder.stages[0].layers[0].attention.attention.projection_key
    handle = linear.register_forward_hook(lambda module, given, out: read.update(given=given[0][0]))
    last = {"stage": 1, "block": 1, "projection": "key", "channel": 2, "model": "", "picture": str(folder / "photo.png")}
    first = ENDPOINTS["inside"].ask(there, {**last, "row": 1, "column": 1})
    rows, columns = first["grid"]
    for row, column in ((1, 1), (2, 3), (rows, columns)):
        found = ENDPOINTS["inside"].ask(there, {**last, "row": row, "column": column})
        given = read["given"][(row - 1) * columns + column - 1].numpy()
        total = found["linear"]["result"] - found["linear"]["bias"]
        assert total == pytest.approx(float(linear.weight[1].detach().numpy() @ given), abs=1e-3)
        if method == "avg":
            assert found["convolution"]["value"] == pytest.approx(float(given[1]), abs=1e-4)
        else:
            assert found["convolution"] is None
    handle.remove()


@pytest.mark.parametrize(
    ("name", "values", "sentence"),
    [
        ("features", {"stage": 4}, "There is no stage 4 in this model: choose 1 to 3."),
        ("features", {"stage": "one"}, "Set stage to a whole number from 1 to 8."),
        ("features", {"stage": 1, "channel": 99}, "There is no channel 99 in stage 1: choose 1 to 8, or 0 for the one that varies most."),
        ("features", {"stage": 1, "row": 99, "column": 1}, "Stage 1 has 24×24 tokens: there is none at row 99, column 1."),
        ("features", {"colours": 1}, "Set colours to true or false."),
        ("evidence", {"label": "a cat"}, "There is no such class in this model."),
        ("evidence", {"model": "a cat"}, "There is no model 'a cat' here: choose mine."),
        ("variant", {"stages": "{}"}, "Set stages to a JSON list, such as []."),
        ("variant", {"stages": "[" * 5000}, "Set stages to a JSON list, such as []."),
        ("variant", {"stages": "[]", "weights": "mine"}, "Set weights to one of these: inherited, random."),
        ("ablation", {"name": "nobody"}, "Set name to one of these: "),
        ("lesson", {"name": "nobody"}, "There is no lesson 'nobody' here: choose tour or far or "),
        ("lesson", {"name": "x" * 300}, "Set name to text of at most 200 characters."),
        ("lesson_question", {"lesson": "cls", "step": 9}, "This lesson has no step 9: choose 1 to 6."),
        ("lesson_question", {"lesson": "cls", "step": 1, "after": True}, "Step 1 of this lesson asks nothing there."),
        ("lesson_answer", {"lesson": "cls", "step": 1, "answer": "[[0, 1]]"}, "Answer with 3 cells as a list of [row, column], "),
        ("lesson_answer", {"lesson": "cls", "step": 4, "answer": "maybe"}, "Answer with the value of one of the options: better | "),
    ],
)
def test_what_cannot_be_used_gets_a_sentence(ask, name, values, sentence):
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}"):
        ask(name, **values)


def test_tools_say_what_they_take_with_ranges_and_choices():
    for tool in TOOLS.values():
        schema = tool.schema
        assert schema["additionalProperties"] is False
        assert len(tool.description) > 60, tool.name
        for each in (*tool.parameters, *tool.packed):
            shown = schema["properties"][each.name]
            assert shown["description"], (tool.name, each.name)
            if each.kind in (WHOLE, NUMBER):
                assert shown["minimum"] < shown["maximum"]
            if each.kind == CHOICE:
                assert each.name in schema["required"] or shown.get("default", shown["enum"][0]) in shown["enum"]
            if each.kind == LIST:
                assert shown["items"]["type"] in ("object", "string")
            if each.kind == FLAG:
                assert shown["default"] is False
    assert set(ANSWERS) - set(TOOLS) == set()  # what the page can ask of a result, programs can; the examples too
    for tool in (each for each in TOOLS.values() if each.takes_settings):
        for each in tool.packed:
            assert f"``{each.name}``" in ANSWERS[tool.name].__doc__, (tool.name, each.name)
