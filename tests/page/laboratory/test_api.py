"""The laboratory's questions over HTTP, from browsers and untrusted callers, and its runs through Gradio's queue."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("gradio")

from PIL import Image
from starlette.applications import Starlette
from starlette.testclient import TestClient

import app
from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import inherit
from cvt.architecture.variants import stage_settings, variant
from tests import serving
from visualize.container import unpack
from visualize.page.compute import compute
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.link.choices import TABLE, as_module
from visualize.page.requests import Request
from visualize.page.routes import QUESTION_BYTES, routes
from visualize.page.workbench import Workbench

PHOTO = str(app.EXAMPLES[0])


def softmax(scores):
    powers = np.exp(scores.astype(np.float64) - scores.max())
    return powers / powers.sum()


@pytest.fixture(scope="module")
def workbench(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder)
    return Workbench(str(folder), "cpu", kept=app.EXAMPLES)


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A workbench of two models."""
    root, small = tmp_path_factory.mktemp("models"), {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}
    for seed, name in enumerate(("narrow", "wide")):
        serving.save_random_model(root / name, name, seed=seed, **small)
    return Workbench([str(root / name) for name in ("narrow", "wide")], "cpu")


@pytest.fixture
def own_picture(tmp_path):
    """The path of a picture that nobody has seen before."""
    Image.fromarray(np.random.default_rng(5).integers(0, 256, (90, 70, 3), np.uint8)).save(tmp_path / "own.png")
    return str(tmp_path / "own.png")


@pytest.fixture(scope="module")
def client(workbench):
    with TestClient(Starlette(routes=routes(workbench))) as client:
        yield client


def stages(workbench, changes=None):
    config = workbench.loaded().config
    return json.loads(json.dumps(stage_settings(variant(config, changes) if changes else config)))


def test_the_controls_are_told_by_the_server(client, workbench):
    told = client.post("/laboratory/about", json={}).json()
    assert told["model"] == workbench.names[0]
    assert told["base"] == {"stages": stages(workbench), "side": 96}
    assert "cvt-13" in [each["name"] for each in told["presets"]]


def test_a_step_is_answered_with_costs_or_with_a_sentence(client, workbench):
    answer = client.post("/laboratory/describe", json={"stages": stages(workbench, {0: {"stride_kv": 1}}), "side": 96}).json()
    assert answer["differences"][0]["sentence"].startswith("Key and value stride 2 → 1 in stage 1: attention weights there 4× as many")
    assert answer["variant"]["stages"][0]["key"]["shape"] == [48, 48]
    odd = stages(workbench)
    odd[1]["num_heads"] = 5
    answer = client.post("/laboratory/describe", json={"stages": odd, "moved": [1, "num_heads"]})
    assert answer.status_code == 200
    assert answer.json()["remedy"]["value"] == 4
    for name in ("texts", "model"):  # as on the page too, not "embed_dim"
        refused = client.post(f"/laboratory/{name}", json={"stages": odd}).json()["error"]
        assert refused == answer.json()["problem"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "This is not JSON."),
        (b"\xff\xfe{}", "This is not JSON."),
        (b"{", "This is not JSON."),
        (b"[" * 9000, "This is not JSON."),
        (b" " * (QUESTION_BYTES + 1), "The request is too large."),
        (b'{"stages": "' + b"x" * (1 << 20) + b'"}', "The request is too large."),
        (b'{"model": "nobody\'s"}', "There is no model"),
    ],
)
@pytest.mark.parametrize("name", ["about", "describe", "texts", "model"])
def test_what_is_no_question_is_refused_in_a_sentence(client, name, body, sentence):
    answer = client.post(f"/laboratory/{name}", content=body)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"].startswith(sentence)


@pytest.mark.parametrize(
    "body", ["null", "[]", "3", '"x"', "{}", '{"stages": null}', '{"stages": [{"hidden_size": 3}]}', '{"stages": [[]], "side": NaN}']
)
def test_any_json_gets_an_answer(client, body):
    for name in ("describe", "texts", "model", "cancel"):
        answer = client.post(f"/laboratory/{name}", content=body)
        assert answer.status_code in (200, 400)
        assert set(answer.json()) <= {"problem", "remedy", "error"}
        assert all(value is None or value.endswith(".") for value in answer.json().values()), answer.json()
    for name in ("about", "open"):
        assert client.post(f"/laboratory/{name}", content=body).status_code == 200


def test_questions_are_asked_by_post_alone(client):
    assert client.get("/laboratory/describe").status_code == 405
    assert client.post("/laboratory/linked", json={}).status_code == 404


def test_scripts_find_each_other_as_on_disk(client):
    for name in ("laboratory/main.js", "explorer/link.js", "share/main.js"):
        assert "export" in client.get(f"/modules/{name}").text
    assert client.get("/modules/share/../workbench.py").status_code == 404


def test_scripts_get_the_table_of_choices(client):
    served = client.get("/modules/choices.js")
    assert served.headers["content-type"].startswith("text/javascript")
    assert served.text == as_module()
    table = json.loads(served.text.splitlines()[0].removeprefix("export const CHOICES = ").removesuffix(";"))
    assert {name: each["key"] for name, each in table.items()} == {name: choice.key for name, choice in TABLE.items()}


def test_what_is_taken_away_is_the_variant(client, workbench, tmp_path):
    changes = {2: {"depth": 3, "kernel_qkv": 5}}
    asked = {"stages": stages(workbench, changes), "side": 64, "seed": 3}
    texts = client.post("/laboratory/texts", json=asked).json()
    config = variant(workbench.loaded().config, changes)
    assert json.loads(texts["config"]) == json.loads(config.to_json_string())
    assert "architecture(base.config, stages)" in texts["python"]
    assert "size=64" in texts["python"]
    answer = client.post("/laboratory/model", json=asked)
    assert answer.headers["content-type"] == "application/zip"
    zipfile.ZipFile(io.BytesIO(answer.content)).extractall(tmp_path)
    saved = CvtForImageClassification.from_pretrained(tmp_path)
    assert CvtImageProcessor.from_pretrained(tmp_path).side == 64
    expected = inherit(workbench.loaded().model, config, 3).model.state_dict()
    for name, value in saved.state_dict().items():
        assert value.equal(expected[name]), name


def test_a_model_too_large_to_be_saved_says_what_to_do(client):
    presets = {each["name"]: each for each in client.post("/laboratory/about", json={}).json()["presets"]}
    wide = json.loads(json.dumps(presets["cvt-13"]["stages"]))
    wide[2]["embed_dim"] = 768
    answer = client.post("/laboratory/model", json={"stages": wide, "side": 96})
    assert answer.status_code == 400
    assert "The Python code builds it" in answer.json()["error"]


def test_a_link_is_read_with_notices(client, workbench):
    found = client.post(
        "/laboratory/open", json={"query": "tab=architecture&s1.kv=1&s3.depth=99&side=64&stage=2&hide=upload&seed=4"}
    ).json()
    assert found["notices"] == ["The link's s3.depth cannot be “99”. The default is used."]
    assert found["architecture"] == {"stages": stages(workbench, {0: {"stride_kv": 1}}), "side": 64, "weights": "inherited", "seed": 4}
    assert found["view"]["stage"] == 2
    assert found["view"]["hidden"] == ["upload"]
    assert found["written"] == "s1.kv=1&side=64&seed=4"
    for query in ("%%%", "&&&=", "stage=" + "9" * 5000, "s1.kv=1;DROP", "model=<script>", 7, None):
        answer = client.post("/laboratory/open", json={"query": query})
        assert answer.status_code == 200
        assert "<" not in json.dumps(answer.json()["notices"])


def run(workbench, changes=None, picture=PHOTO, **more):
    asked = {"run": "mine", "stages": stages(workbench, changes), **more}
    return list(LaboratoryApi(workbench).run(picture, asked))


def shown(workbench, told):
    return workbench.store.get(told["key"]).exploration


def test_a_run_shows_the_variant_beside_the_baseline(workbench):
    own = serving.explore(workbench, PHOTO)
    steps = run(workbench, {2: {"depth": 5}})
    assert all(step["run"] == "mine" for step in steps)
    assert steps[-1]["baseline"]["key"] == own.key
    variant_ = shown(workbench, steps[-1]["variant"])
    assert [len(stage.blocks) for stage in variant_.stages] == [1, 2, 5]
    assert "trained model's" in steps[-1]["words"]
    assert steps[-1]["words"] == steps[-1]["variant"]["note"]


def test_a_fully_inherited_variant_predicts_exactly_as_the_baseline(workbench):
    told = run(workbench)[-1]
    np.testing.assert_array_equal(shown(workbench, told["variant"]).logits, shown(workbench, told["baseline"]).logits)
    assert "The prediction is exactly the model's." in told["words"]
    other = run(workbench, side=64)[-1]
    assert shown(workbench, other["variant"]).pixels.shape == (64, 64, 3)
    assert "64×64 pixels instead of 96×96" in other["words"]


def test_random_weights_are_the_seeds_and_said_to_mean_nothing(workbench):
    first, same, other = (shown(workbench, run(workbench, weights="random", seed=seed)[-1]["variant"]).logits for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)
    assert run(workbench, weights="random")[-1]["words"].startswith("Random weights: these classes mean nothing.")


def test_both_sides_can_be_compared_by_the_baselines_class_and_it_is_said_how_far_to_trust_the_variant(workbench):
    """Whatever rank the variant gives the baseline's class: its probability and the evidence for it travel."""
    cases = [({}, {}, "same"), ({2: {"depth": 5}}, {}, "changed"), ({0: {"depth": 2}}, {}, "disturbed"), ({}, {"side": 64}, "changed")]
    cases += [({1: {"embed_dim": 32}}, {}, "untrained"), *(({}, {"weights": "random", "seed": seed}, "untrained") for seed in range(4))]
    ranks = []
    for changes, more, trained in cases:
        told = run(workbench, changes, **more)[-1]
        assert told["trained"] == trained
        before, after = (shown(workbench, told[side]) for side in ("baseline", "variant"))
        best = int(before.logits.argmax())
        ranks.append(int((after.logits > after.logits[best]).sum()))
        header, arrays = unpack(workbench.payload(told["variant"]["key"]))
        place = [each["label"] for each in header["top"]].index(before.labels[best])
        assert place == min(ranks[-1], 5)
        assert header["top"][place]["probability"] == pytest.approx(float(softmax(after.logits)[best]))
        apart = after.logits[best] - after.logits.mean()
        assert arrays["evidence"][place].sum() + arrays["rest"][place] == pytest.approx(apart, abs=1e-4)
    assert ranks[0] == 0
    assert max(ranks) > 4, "a case in which it is not among the most probable"


def test_a_baseline_is_found_by_its_request_and_never_by_a_key_from_the_browser(models, own_picture):
    """Each key is of a result that the store has: of another picture, of another model, of a variant, of another person."""
    own = Request(model="narrow", picture=own_picture)
    others = [
        models.explore(replace(own, picture=PHOTO)),
        models.explore(replace(own, model="wide")),
        models.explore(replace(own, side=64)),
        models.explore(replace(own, picture=Path(own_picture).read_bytes())),
    ]
    expected = compute(own, models)
    told = [run(models, picture=own_picture, key=key)[-1]["baseline"]["key"] for key in [*(each.key for each in others), "forged", ["x"]]]
    assert len(set(told)) == 1  # made for the first run, found for all others
    assert told[0] not in {each.key for each in others}
    stored = models.store.get(told[0])
    assert stored.request == own
    np.testing.assert_array_equal(stored.exploration.logits, expected.logits)
    shown_there = models.explore(own)  # as the page's first tab does
    assert run(models, picture=own_picture)[-1]["baseline"]["key"] == shown_there.key


def test_a_baseline_that_is_gone_is_made_again(models, own_picture, monkeypatch):
    monkeypatch.setattr(models.store, "max_items", 2)
    gone = models.explore(Request(model="narrow", picture=own_picture)).key
    for _ in range(2):
        models.explore(Request(model="wide", picture=own_picture))
    told = run(models, picture=own_picture, key=gone)[-1]
    assert told["baseline"]["key"] != gone
    assert models.store.get(told["baseline"]["key"]).request.model == "narrow"


def test_a_cancelled_run_says_so_and_makes_nothing(workbench):
    laboratory_api, before = LaboratoryApi(workbench), len(workbench.store)
    laboratory_api.cancel({"run": "unwanted"})
    steps = list(laboratory_api.run(PHOTO, {"run": "unwanted", "stages": stages(workbench, {2: {"depth": 6}})}))
    assert steps == [{"run": "unwanted", "cancelled": True}]
    assert len(workbench.store) == before


def test_a_run_builds_its_variant_once_even_where_it_is_too_large_to_be_kept(workbench, monkeypatch):
    built = []
    monkeypatch.setattr(workbench.variants.kept, "max_bytes", 1)
    monkeypatch.setattr(workbench.variants, "_inherit", lambda *given, **watch: built.append(1) or inherit(*given, **watch).model)
    assert "variant" in run(workbench, {2: {"depth": 4}})[-1]
    assert built == [1]


def test_a_variant_that_cannot_be_is_refused_before_it_is_built(workbench):
    built = len(workbench.variants.kept)
    with pytest.raises(ValueError, match="are allowed here"):
        list(LaboratoryApi(workbench).run(PHOTO, {"run": "x", "stages": stages(workbench, {2: {"depth": 24}}), "side": 512}))
    odd = stages(workbench)
    odd[0]["num_heads"] = 5
    with pytest.raises(ValueError, match="not divisible by 5 heads"):
        list(LaboratoryApi(workbench).run(PHOTO, {"run": "x", "stages": odd}))
    with pytest.raises(ValueError, match="Invalid run id"):
        list(LaboratoryApi(workbench).run(PHOTO, {"stages": odd}))
    assert len(workbench.variants.kept) == built
