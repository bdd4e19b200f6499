"""Changes of position and two pictures, as the page and programs ask for them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("gradio")

from cvt.architecture.build import Cancelled
from tests import serving
from visualize.change.padding import padded
from visualize.change.patching import Patch, moves_between, patched, recorded
from visualize.explore import explore
from visualize.maps.pairs import attention_across, similarity
from visualize.page.breaking.api import BreakingApi
from visualize.page.requests import Request
from visualize.page.workbench import Workbench

SMALL = {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder / "mine", **SMALL, crop_pct=0.75)
    paths = [folder / f"{name}.png" for name in ("one", "two")]
    for seed, path in enumerate(paths):
        small = np.random.default_rng(seed).integers(0, 256 - 190 * seed, (10, 14, 3), np.uint8)
        Image.fromarray(small).resize((560, 400), Image.Resampling.BICUBIC).save(path)
    workbench = Workbench(str(folder / "mine"), "cpu", kept=paths)
    keys = [workbench.explore(Request(model="mine", picture=str(path))).key for path in paths]
    return workbench, keys


@pytest.fixture(scope="module")
def ask(pictures):
    workbench, keys = pictures
    api = BreakingApi(workbench)
    return lambda name, progress=lambda step, share: None, **asked: api.answer(name, {"key": keys[0], **asked}, progress)


def seen(workbench, key):
    return workbench.store.get(key).exploration


def logits(workbench, pixels, padding="zeros"):
    model, x = workbench.loaded().model, torch.from_numpy(workbench.loaded().processor.normalize(pixels))[None]
    with torch.inference_mode(), padded(model, padding):
        return model(x).logits[0].numpy()


def test_a_shift_is_of_the_models_own_pixels_and_its_result_is_stored(pictures, ask):
    workbench, (key, _) = pictures
    answer = ask("transform", right=16, down=-32)
    after, before = seen(workbench, answer["value"]["key"]), seen(workbench, key)
    rolled = np.roll(before.pixels, (-32, 16), axis=(0, 1))
    np.testing.assert_array_equal(after.pixels, rolled)
    np.testing.assert_allclose(after.logits, logits(workbench, rolled), atol=1e-5)
    assert after.crop.size == (288, 288)  # three times the input, of the 300 pixels that the model saw
    sharp = np.asarray(before.crop.resize((288, 288), Image.Resampling.BICUBIC))
    np.testing.assert_array_equal(np.asarray(after.crop), np.roll(sharp, (-96, 48), axis=(0, 1)))
    assert (after.crop_box, after.original_size) == (before.crop_box, before.original_size)
    assert (answer["aligned"], answer["is_aligned"]) == ([[4, 4], [8, 8], [16, 16]], True)
    assert all(each["exact"] and each["compared"] == 1 for each in answer["agreement"])
    assert answer["label"] == answer["before"][0]["label"]
    assert answer["stays"] == (answer["after"][0]["label"] == answer["label"])
    for each in answer["after"]:
        assert each["logit"] == pytest.approx(float(after.logits[int(each["label"].split()[1])]), abs=1e-5)
    assert ask("transform", right=16, down=-32)["value"] == answer["value"]  # not computed again
    json.dumps(answer, allow_nan=False)


@pytest.mark.parametrize(
    "change", [{"right": 16, "padding": "circular"}, {"height": 64, "width": 48, "turn": 90, "patch": 8}, {"padding": "reflect"}]
)
def test_the_code_that_is_offered_computes_the_result_that_is_shown(pictures, ask, change):
    workbench, (key, _) = pictures
    value = ask("transform", **change)["value"]
    code = value["changed"]
    call = f"{code['picture']}{code['arguments']}"
    loaded = workbench.loaded()
    file = workbench.store.get(key).request.picture
    names = {"model": loaded.model, "processor": loaded.processor, "explore": explore, "file": file}
    exec(code["lines"], names)
    program = f"seen = explore(model, processor, {call})"
    exec(f"with {code['within']}:\n    {program}" if code["within"] else program, names)
    np.testing.assert_array_equal(names["seen"].pixels, seen(workbench, value["key"]).pixels)
    np.testing.assert_allclose(names["seen"].logits, seen(workbench, value["key"]).logits, atol=1e-5)
    assert "changed" not in ask("transform")["value"]


def test_the_features_follow_an_aligned_shift_exactly_under_circular_padding_alone(ask):
    by = {padding: ask("transform", right=16, padding=padding) for padding in ("zeros", "reflect", "circular")}
    assert all(each["cosine"] > 1 - 1e-6 for each in by["circular"]["agreement"])
    assert by["circular"]["padding_before"] == "circular"
    for padding in ("zeros", "reflect"):
        first = by[padding]["agreement"][0]
        assert first["cosine"] < 0.999
        assert first["border"] < first["inside"]
    half = ask("transform", right=8, padding="circular")
    assert (half["is_aligned"], half["agreement"][1]["cosine"] > 1 - 1e-6, half["agreement"][2]["cosine"] < 0.999) == (False, True, True)


def test_padding_alone_is_compared_with_zeros(pictures, ask):
    workbench, (key, _) = pictures
    answer = ask("transform", padding="circular")
    assert answer["padding_before"] == "zeros"
    after, before = seen(workbench, answer["value"]["key"]), seen(workbench, key)
    np.testing.assert_allclose(after.logits, logits(workbench, before.pixels, "circular"), atol=1e-5)
    one, two = (each.stages[2].features.reshape(32, -1) for each in (before, after))
    cosines = (one * two).sum(axis=0) / np.linalg.norm(one, axis=0) / np.linalg.norm(two, axis=0)
    assert answer["agreement"][2]["cosine"] == pytest.approx(cosines.mean(), abs=1e-5)
    with pytest.raises(ValueError, match="zero padding only"):
        workbench.inside_payload(answer["value"]["key"], 0, 0)
    assert len(workbench.payload(answer["value"]["key"])) > 1000


def test_other_sizes_and_orders(pictures, ask):
    workbench, (key, _) = pictures
    same = ask("transform")
    assert [each["cosine"] for each in same["agreement"]] == [1, 1, 1]
    np.testing.assert_allclose(seen(workbench, same["value"]["key"]).logits, seen(workbench, key).logits, atol=1e-5)
    answer = ask("transform", height=64, width=128, turn=90, flip="vertical", patch=16, seed=2)
    after = seen(workbench, answer["value"]["key"])
    assert after.pixels.shape == (128, 64, 3)
    assert after.crop.size == (128, 256)
    assert not any(each["exact"] for each in answer["agreement"])
    for stage in answer["agreement"]:
        assert 0.5 < stage["compared"] <= 1
    turned = ask("transform", turn=30)
    assert all(0.5 < each["compared"] < 1 for each in turned["agreement"])


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ({"key": "gone"}, "no longer stored"),
        ({"right": 97}, "Set right to a whole number from -96 to 96"),
        ({"down": 1.5}, "Set down to a whole number"),
        ({"turn": "up"}, "Set turn to a number from -360 to 360"),
        ({"turn": float("nan")}, "Set turn to a number"),
        ({"flip": "both"}, "Set flip to one of these: none, horizontal, vertical"),
        ({"patch": 7}, "Patches of 7 pixels do not divide 96×96 pixels"),
        ({"height": 193}, "Set height to a whole number from 16 to 192"),
        ({"padding": "wrap"}, "Set padding to one of these: zeros, reflect, circular"),
        ({"height": 16, "width": 16, "padding": "reflect"}, None),
    ],
)
def test_impossible_changes_are_refused_in_words(ask, asked, sentence):
    if sentence is None:  # the smallest grids, 2×2 tokens, can still be reflected
        assert ask("transform", **asked)["value"]["key"]
        return
    with pytest.raises(ValueError, match=sentence):
        ask("transform", **asked)


def test_one_spot_across_two_pictures_is_the_librarys(pictures, ask):
    workbench, (one, two) = pictures
    a, b = seen(workbench, one), seen(workbench, two)
    answer = ask("pair", other=two, stage=3, block=1, head=2, y=30, x=50.5, picture=True)
    assert answer["spot"] == {"row": 5, "column": 7}  # centres at 0.5 + 8 i
    np.testing.assert_allclose(answer["similarity"], similarity(a.stages[2].features, 4, 6, b.stages[2].features), atol=1e-4)
    weights = attention_across(a.stages[2].blocks[0], b.stages[2].blocks[0], [1 + 4 * 12 + 6])[1, 0]
    np.testing.assert_allclose([answer["attention"]["cls"], *np.ravel(answer["attention"]["weights"])], weights, atol=1e-5)
    assert answer["attention"]["times_uniform"] == pytest.approx(weights[1:].max() * 37, rel=1e-3)
    best = np.unravel_index(np.argmax(answer["similarity"]), (12, 12))
    assert (answer["stages"][2]["y"], answer["stages"][2]["x"]) == (best[0] * 8 + 0.5, best[1] * 8 + 0.5)
    assert answer["stages"][2]["same"] == pytest.approx(answer["similarity"][4][6], abs=1e-4)
    assert answer["picture"].startswith("data:image/jpeg;base64,")
    by_name = ask("pair", example="two", stage=3, block=1, head=2, y=30, x=50.5)
    assert by_name == answer | {"picture": None, "value": by_name["value"]}
    assert seen(workbench, by_name["value"]["key"]).top() == b.top()
    json.dumps(answer, allow_nan=False)


def test_patching_is_the_librarys_and_everything_from_a_is_all_the_way(pictures, ask):
    workbench, (one, two) = pictures
    a, b = seen(workbench, one), seen(workbench, two)
    assert a.shown[0] != b.shown[0]
    model, normalize = workbench.loaded().model, workbench.loaded().processor.normalize
    x, y = (torch.from_numpy(normalize(each.pixels))[None] for each in (a, b))
    everything = ask("patch", other=two, part="tokens", stage=1)
    assert everything["moved"] == pytest.approx(1, abs=1e-4)
    assert everything["labels"] == [each.labels[each.shown[0]] for each in (a, b)]
    assert everything["after"][0]["label"] == everything["labels"][0]
    assert everything["before"][0]["label"] == everything["labels"][1]
    steps = []
    asked = {"part": "head", "stage": 3, "block": 2, "head": 3, "spot": True, "y": 30, "x": 40, "to_y": 50, "to_x": 60, "radius": 8}
    answer = ask("patch", lambda step, share: steps.append(share), other=two, sweep=True, **asked)
    moves = moves_between(a.stages[2].query_grid, (30, 40), (50, 60), 8, True)
    assert answer["tokens"] == len(moves) == 4
    source = recorded(model, x)

    def by_library(*patches):
        with torch.inference_mode(), patched(model, source, [patches]):
            return model(y).logits[0].numpy()

    wanted = by_library(Patch(stage=2, block=1, part="head", head=2, moves=moves))
    for each in answer["after"]:
        assert each["logit"] == pytest.approx(float(wanted[int(each["label"].split()[1])]), abs=1e-5)
    first, second = a.shown[0], b.shown[0]

    def moved(found):
        apart = [each[first] - each[second] for each in (found, b.logits, a.logits)]
        return (apart[0] - apart[1]) / (apart[2] - apart[1])

    assert answer["moved"] == pytest.approx(moved(wanted), abs=1e-3)
    assert [(each["stage"], each["block"], each["head"]) for each in answer["sweep"]] == [
        *((1, 1, 1), (2, 1, 1), (2, 1, 2)),
        *((3, block, head) for block in (1, 2) for head in (1, 2, 3, 4)),
    ]
    assert answer["sweep"][-1]["moved"] == pytest.approx(
        moved(by_library(Patch(stage=2, block=1, part="head", head=3, moves=moves))), abs=1e-3
    )
    assert steps == sorted(steps)
    assert steps[-1] == 1
    itself = ask("patch", other=one, part="block")
    assert (itself["moved"], itself["before"]) == (None, itself["after"])
    json.dumps(answer, allow_nan=False)


def test_what_cannot_be_paired_is_refused_in_words(pictures, ask):
    workbench, (_, two) = pictures
    large = workbench.explore(Request(model="mine", picture=str(workbench.examples["two"]), side=128)).key
    with pytest.raises(ValueError, match="one model and input size"):
        ask("pair", other=large)
    with pytest.raises(ValueError, match="Choose a second picture"):
        ask("pair")
    with pytest.raises(ValueError, match="Set part to one of these"):
        ask("patch", other=two, part="nose")
    with pytest.raises(ValueError, match="Set spot to true or false"):
        ask("patch", other=two, spot="yes")
    circular = [workbench.explore(Request(model="mine", picture=str(path), padding="circular")).key for path in workbench.examples.values()]
    with pytest.raises(ValueError, match="unchanged model"):
        ask("patch", key=circular[0], other=circular[1])

    def cancel(step, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        ask("patch", cancel, other=two)


def test_one_resolution_after_another_stays_within_twice_the_models_own(pictures, ask):
    side = pictures[0].loaded().side
    doubled = ask("transform", height=2 * side, width=2 * side)["value"]["key"]
    assert ask("transform", key=doubled, height=side)["agreement"]
    with pytest.raises(ValueError, match=f"from 16 to {2 * side}"):
        ask("transform", key=doubled, height=4 * side)
