"""Several models on one workbench: chosen by name, each with its own examples, and results that know their model."""

import numpy as np
import pytest
import torch

pytest.importorskip("gradio")

from cvt import CvtConfig, CvtForImageClassification
from cvt.architecture.build import model_bytes
from cvt.architecture.cost import cost
from cvt.architecture.variants import stage_settings
from tests import serving
from visualize.container import unpack
from visualize.page.laboratory.architectures import LIMITS, model_request
from visualize.page.models.offers import EMBEDDED
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

SMALL = {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders of three models: "birds" and "fish", and another "birds" elsewhere."""
    root = tmp_path_factory.mktemp("models")
    kinds = {"birds": {"seed": 1}, "fish": {"seed": 2, "image_size": 64}, "else/birds": {"seed": 3}}
    for name, changes in kinds.items():
        serving.save_random_model(root / name, kind=name.split("/")[-1], **SMALL, **changes)
    return [str(root / name) for name in kinds]


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    from PIL import Image

    path = tmp_path_factory.mktemp("pictures") / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)).save(path)
    return path.resolve()


def test_models_are_chosen_by_name_and_the_first_is_the_default(folders):
    workbench = Workbench(folders, "cpu")
    assert workbench.names == ["birds", "fish", "birds (2)"]
    assert workbench.loaded() is workbench.loaded("birds") is workbench.loaded("")
    assert (workbench.loaded("fish").side, workbench.loaded("birds").side) == (64, 96)
    with pytest.raises(ValueError, match=r"There is no model 'cats' here: choose birds or fish or birds \(2\)\."):
        workbench.loaded("cats")


def test_a_model_named_twice_is_loaded_once(folders):
    assert Workbench([folders[0], folders[0]], "cpu").names == ["birds"]


def test_one_model_may_be_given_alone(folders):
    assert Workbench(folders[1], "cpu").names == ["fish"]


def test_each_model_answers_for_itself_and_shares_the_store(folders, picture):
    workbench = Workbench(folders, "cpu", kept=[picture])
    found = {name: serving.explore(workbench, str(picture), name) for name in workbench.names}
    assert found["fish"].exploration.pixels.shape == (64, 64, 3)
    assert {name: result.exploration.labels[0] for name, result in found.items()} == {
        "birds": "birds 0", "fish": "fish 0", "birds (2)": "birds 0",
    }  # fmt: skip
    assert not np.allclose(found["birds"].exploration.logits, found["birds (2)"].exploration.logits)
    again = {name: serving.explore(workbench, str(picture), name).key for name in workbench.names}
    assert again == {name: result.key for name, result in found.items()}  # kept, a model at a time
    assert len(workbench.store) == len(set(again.values())) == 3


def test_the_microscope_looks_into_the_model_that_made_the_result(folders, picture):
    workbench = Workbench(folders, "cpu")
    for name, folder in zip(workbench.names, folders, strict=True):
        _, arrays = unpack(workbench.inside_payload(serving.explore(workbench, picture, name).key, 1, 0))
        layer = CvtForImageClassification.from_pretrained(folder).cvt.encoder.stages[1].layers[0]
        np.testing.assert_array_equal(arrays["query/linear"], layer.attention.attention.projection_query.weight.detach().numpy())
        assert arrays["tokens"].shape[1:] == (workbench.loaded(name).side // 4,) * 2


def deeper(loaded):
    """A variant with another block in its first stage, of random weights."""
    stages = stage_settings(loaded.config)
    stages[0]["depth"] += 1
    return model_request(loaded.name, loaded.config, loaded.side, {"stages": stages, "weights": "random", "seed": 5})


def test_the_microscope_looks_into_a_variant_with_its_models_own_processor(folders, picture):
    workbench = Workbench(folders, "cpu")
    result = workbench.explore(deeper(workbench.loaded("fish")).with_picture(str(picture)))
    serving.explore(workbench, picture, "birds")  # another model's result in between changes nothing
    _, arrays = unpack(workbench.inside_payload(result.key, 0, 1))
    assert arrays["tokens"].shape[1:] == (32, 32)


def test_a_page_whose_model_has_no_attention_begins_with_the_embedded_one_and_says_so(tmp_path):
    serving.save_random_model(tmp_path / "empty", kind="empty", embed_dim=(8, 16, 32), depth=(1, 1, 0))
    workbench = Workbench(str(tmp_path / "empty"), "cpu")
    assert workbench.names == [EMBEDDED, "empty"]
    assert workbench.loaded().source is None
    reason = say("model_without_blocks", name="empty")
    assert workbench.models.listed()["instead"] == say("model_not_first", problem=reason, name=EMBEDDED)
    assert (workbench.models.entry("empty")["state"], workbench.models.entry("empty")["sentence"]) == ("failed", reason)
    with pytest.raises(ValueError, match="empty has a stage without blocks"):
        workbench.loaded("empty")


def test_the_largest_architecture_allowed_is_kept_between_two_looks(folders):
    config = CvtConfig(embed_dim=(128, 448, 1472), num_heads=(1, 7, 23), depth=(1, 2, 5), num_labels=10)
    parameters = cost(config, 224, 224).parameters
    assert 0.9 * LIMITS.parameters < parameters <= LIMITS.parameters  # as large as it gets
    with torch.device("meta"):
        model = CvtForImageClassification(config)
    assert sum(value.numel() for value in model.parameters()) == parameters
    assert model_bytes(model) <= Workbench(folders[0], "cpu").variants.kept.max_bytes


def test_the_page_runs_its_models_faster_where_their_weights_may_be_held_twice(folders, picture, monkeypatch):
    quick = Workbench(folders[0], "cpu", kept=[picture])
    assert quick.loaded().runner.model is quick.loaded().model
    monkeypatch.setattr("visualize.page.models.loader.MOST_TWICE", 1000)
    plain = Workbench(folders[0], "cpu", kept=[picture])
    assert plain.loaded().runner is None
    ours, expected = (serving.explore(each, str(picture)).exploration for each in (quick, plain))
    np.testing.assert_allclose(ours.logits, expected.logits, atol=1e-4)
    for stage, other in zip(ours.stages, expected.stages, strict=True):
        np.testing.assert_allclose(stage.features, other.features, atol=1e-4)  # unit variance, some 50 roundings of 1e-7
        for block, same in zip(stage.blocks, other.blocks, strict=True):
            np.testing.assert_allclose(block.weights(), same.weights(), atol=1e-4)


def test_a_result_that_others_have_displaced_is_computed_again_under_its_key(folders, picture, tmp_path):
    workbench = Workbench(folders[0], "cpu", kept=[picture])
    workbench.store.max_items = 1
    mine = tmp_path / "mine.png"
    mine.write_bytes(picture.read_bytes())
    keys = [serving.explore(workbench, str(each)).key for each in (picture, mine)]
    logits = [workbench.stored(key).exploration.logits for key in keys]  # each displaces the other
    np.testing.assert_array_equal(*logits)
    assert workbench.stored(keys[1]) is workbench.store.get(keys[1])
    serving.explore(workbench, str(picture))
    mine.unlink()
    for key in (keys[1], "unknown"):
        with pytest.raises(KeyError):
            workbench.stored(key)
