"""What the laboratory asks for: read strictly, refused in sentences, with a remedy where there is one."""

import json

import numpy as np
import pytest

from cvt.architecture.budget import TooLarge
from cvt.architecture.cost import cost
from cvt.architecture.geometry import stage_grids
from cvt.architecture.settings import INPUT_SIDES, SETTINGS
from cvt.architecture.variants import stage_settings, variant
from cvt.config import PUBLISHED, CvtConfig
from tests.helpers import tiny_config
from visualize.page.laboratory.architectures import model_request, nearest
from visualize.page.laboratory.describe import about, describe
from visualize.page.requests import ModelRequest

BASE, SIDE = tiny_config(), 32


def asked(changes=None, **more):
    config = variant(BASE, changes) if changes else BASE
    return json.loads(json.dumps({"stages": stage_settings(config), **more}))


def test_what_is_asked_for_is_what_it_becomes():
    found = model_request("mine", BASE, SIDE, asked({1: {"depth": 5}}, side=64, weights="random", seed=7))
    assert found == ModelRequest(model="mine", architecture=variant(BASE, {1: {"depth": 5}}), side=64, weights="random", seed=7)
    plain = model_request("mine", BASE, SIDE, asked())
    assert plain == ModelRequest(model="mine", architecture=BASE)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (None, "not an architecture"),
        ([], "not an architecture"),
        ({}, "list of 1 to 4 stages"),
        ({"stages": []}, "list of 1 to 4 stages"),
        ({"stages": [{}] * 5}, "list of 1 to 4 stages"),
        ({"stages": [{}, 3, {}]}, "Stage 2"),
        ({"stages": [{"depth": 2, "colour": 1}]}, "'colour' is not a setting"),
        ({"stages": [{"depth": "2"}]}, "depth of stage 1 cannot be '2'"),
        ({"stages": [{"depth": True}]}, "depth of stage 1"),
        ({"stages": [{"depth": 10**400}]}, "depth of stage 1"),
        ({"stages": [{"embed_dim": [8, 8]}]}, "embed_dim of stage 1"),
        ({"stages": [{}], "side": 33}, "The input cannot be 33 pixels"),
        ({"stages": [{}], "side": "96"}, "The input cannot be '96' pixels"),
        ({"stages": [{}], "weights": ["random"]}, "The weights cannot be"),
        ({"stages": [{}], "seed": -1}, "The seed cannot be -1"),
        ({"stages": [{}], "seed": float("nan")}, "The seed cannot be nan"),
        ({"stages": [{"embed_dim": 1024, "num_heads": 1, "depth": 24}], "side": 512}, "allowed here"),
    ],
)
def test_what_means_nothing_is_refused_in_a_short_sentence(given, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        model_request("mine", BASE, SIDE, given)
    assert len(str(raised.value)) < 400


def test_the_remedy_is_the_nearest_value_that_can_be_run():
    heads = asked({1: {"num_heads": 2}})
    heads["stages"][1]["num_heads"] = 5  # 16 channels
    assert nearest(BASE, SIDE, heads, 1, "num_heads") == 4
    heads["stages"][1]["embed_dim"] = 96  # 6 heads would do too, and are as far; the refusal names 4
    assert nearest(BASE, SIDE, heads, 1, "num_heads") == 4
    large = asked({2: {"depth": 24}}, side=512)
    large["stages"][2]["embed_dim"] = 1008
    value = nearest(BASE, SIDE, large, 2, "embed_dim")
    large["stages"][2]["embed_dim"] = value
    assert model_request("mine", BASE, SIDE, large)
    fitting = [each for each in SETTINGS["embed_dim"].values if value < each < 1008]
    for each in fitting:
        large["stages"][2]["embed_dim"] = each
        with pytest.raises(ValueError):  # noqa: PT011
            model_request("mine", BASE, SIDE, large)
    assert nearest(BASE, SIDE, heads, 7, "num_heads") is None
    assert nearest(BASE, SIDE, heads, 1, "colour") is None
    heads["stages"][0]["depth"] = "many"  # no value of another setting helps
    assert nearest(BASE, SIDE, heads, 1, "num_heads") is None


def test_the_answer_to_a_step_has_the_numbers_of_cost_and_the_places_of_geometry():
    config = variant(BASE, {0: {"stride_kv": 1}, 2: {"depth": 2}})
    answer = json.loads(json.dumps(describe(BASE, SIDE, asked({0: {"stride_kv": 1}, 2: {"depth": 2}}))))
    found, shown = cost(config, SIDE, SIDE), answer["variant"]
    for name in ("parameters", "macs", "activation_bytes", "attention_entries"):
        assert shown[name] == getattr(found, name)
    for each, stage, (query, key) in zip(shown["stages"], found.stages, stage_grids(config, SIDE, SIDE), strict=True):
        assert (each["parameters"], each["macs"], each["field"]) == (stage.parameters, stage.macs, list(stage.field))
        assert sum(part["macs"] for part in each["parts"].values()) == stage.macs
        assert (each["query"]["first"], each["key"]["stride"]) == (list(query.first), list(key.stride))
    assert answer["differences"]
    assert describe(BASE, SIDE, asked())["differences"] == []


def test_a_step_that_cannot_be_comes_with_its_remedy():
    heads = asked(moved=[1, "num_heads"])
    heads["stages"][1]["num_heads"] = 5
    answer = describe(BASE, SIDE, heads)
    assert "not divisible by 5 heads" in answer["problem"]
    assert answer["problem"].startswith("Embedding width of stage ")  # as on the page, not "embed_dim"
    assert answer["remedy"] == {"stage": 1, "name": "num_heads", "value": 4, "label": "Heads"}
    for moved in (None, [1], [True, "num_heads"], ["1", "num_heads"], [1, 2], [-1, "num_heads"], {}):
        assert describe(BASE, SIDE, {**heads, "moved": moved}).get("remedy") in (None, answer["remedy"])


def test_random_walks_of_sliders_get_a_description_or_a_sentence():
    rng = np.random.default_rng(0)
    names, told, refused = list(SETTINGS), 0, 0
    base = CvtConfig(**PUBLISHED["CvT-13"])
    odd = [None, "", -1, 0, 1e9, "dw_bn", [1, 2], {}, float("inf"), 10**30, True]
    for _ in range(20):
        given = {"stages": json.loads(json.dumps(stage_settings(base))), "side": 224}
        for _ in range(8):
            stage, name = int(rng.integers(len(given["stages"]))), names[rng.integers(len(names))]
            values = list(SETTINGS[name].values) if rng.random() < 0.9 else odd
            given["stages"][stage][name] = values[rng.integers(len(values))]
            if rng.random() < 0.1:
                count = int(rng.integers(1, 5))
                given["stages"] = (given["stages"] * 2)[:count]
            if rng.random() < 0.1:
                given["side"] = int(rng.choice(INPUT_SIDES))
            given["moved"] = [stage, name]
            answer = describe(base, 224, json.loads(json.dumps(given)))
            json.dumps(answer, allow_nan=False)
            if "problem" in answer:
                refused += 1
                assert answer["problem"].endswith(".")
            else:
                told += 1
    assert min(told, refused) > 25


def test_an_answer_looks_at_a_handful_of_configurations(monkeypatch):
    base = CvtConfig(**PUBLISHED["CvT-13"])
    given = {"stages": stage_settings(base), "side": 224}
    given["stages"][2]["depth"] = 7
    looked = []
    for module in (
        "cvt.architecture.budget",
        "visualize.page.laboratory.architectures",
        "visualize.page.laboratory.describe",
        "visualize.page.laboratory.differences",
    ):
        monkeypatch.setattr(f"{module}.cost", lambda *where: looked.append(where) or cost(*where))
    describe(base, 224, given)
    assert 0 < len(looked) < 10


def test_what_there_is_to_control_is_json_and_complete():
    found = json.loads(json.dumps(about(BASE, SIDE)))
    assert [each["name"] for each in found["settings"]] == list(SETTINGS)
    assert all(each["meaning"] and each["paper"] for each in found["settings"])
    assert found["base"]["stages"] == json.loads(json.dumps(stage_settings(BASE)))
    assert found["baseline"]["macs"] == cost(BASE, SIDE, SIDE).macs
    for each in found["presets"]:
        assert "variant" in describe(BASE, SIDE, {"stages": each["stages"], "side": each["side"]}), each["name"]
    notes = {each["name"]: each["note"] for each in found["presets"]}
    assert (
        "Table 7: 20 million parameters, 6.55 billion multiply-adds at 224×224 instead of 4.53, 82.3\u202f% top-1 instead of 81.6."
        in (notes["kv-stride-1"])
    )
    assert "instead" not in notes["cvt-13"]


def test_what_is_too_large_is_not_run_but_has_its_costs():
    large = next(each for each in about(BASE, SIDE)["presets"] if each["name"] == "cvt-w24")
    answer = describe(BASE, SIDE, {"stages": large["stages"], "side": large["side"]})
    assert "are allowed here" in answer["problem"]
    assert answer["variant"]["macs"] == pytest.approx(194.2e9, rel=0.01)
    with pytest.raises(TooLarge):
        model_request("mine", BASE, SIDE, large)
