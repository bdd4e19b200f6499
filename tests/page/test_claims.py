"""What a config says about how good its model is goes with the measured model, and with no other that is made of it."""

import pytest

pytest.importorskip("gradio")

from cvt import CvtConfig, CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import build_variant, inherit
from cvt.architecture.variants import stage_settings
from tests.helpers import pixels, tiny_model
from visualize.page.laboratory.api import LaboratoryApi
from visualize.page.laboratory.export import model_zip
from visualize.page.words import trust
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

CLAIMS = {"evaluation": {"top1": 0.5, "top5": 0.8, "pictures": 100}, "calibration": {"temperature": 0.9, "pictures": 100}}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The folder of a model that was measured."""
    folder = tmp_path_factory.mktemp("measured")
    model = tiny_model(num_labels=5)
    model.config = model.config.replace(extra=CLAIMS)
    model.save_pretrained(folder)
    CvtImageProcessor(size=32).save_pretrained(folder)
    return folder


def load(folder, **options):
    return CvtForImageClassification.from_pretrained(folder, **options)


def trained(folder):
    model = load(folder).train()
    model(pixels()).logits.square().sum().backward()
    for parameter in model.parameters():
        parameter.data -= 0.01 * parameter.grad
    return model.eval()


# How another model is made of the measured one.
OTHERS = {
    "the same architecture, its weights copied": lambda folder: inherit(load(folder), load(folder).config).model,
    "the same architecture, random weights": lambda folder: build_variant(CvtConfig.from_pretrained(folder)),
    "a deeper one": lambda folder: inherit(load(folder), load(folder).config.replace(depth=(1, 2, 4))).model,
    "other strides, which weights do not tell": lambda folder: load(folder, stride_kv=(2, 2, 1)),
    "a classifier of other classes": lambda folder: load(folder, num_labels=3, ignore_mismatched_sizes=True),
    "trained further": trained,
}


def test_the_measured_model_says_how_good_it_is(measured):
    assert trust.accuracy(Workbench(str(measured), "cpu").loaded().config).startswith("It classifies 50\u202f%")


@pytest.mark.parametrize("how", OTHERS)
def test_no_other_says_so(measured, how, tmp_path):
    model = OTHERS[how](measured)
    model.save_pretrained(tmp_path)
    CvtImageProcessor(size=32).save_pretrained(tmp_path)
    config = Workbench(str(tmp_path), "cpu").loaded().config
    assert trust.accuracy(config) == say("unmeasured")
    assert not set(CLAIMS) & set(config.extra)
    assert b"top1" not in model_zip(model, CvtImageProcessor(size=32))
    assert set(CvtConfig.from_pretrained(measured).extra) >= set(CLAIMS)  # the model it was made of still does


def test_the_config_of_a_variant_to_copy_does_not_say_so(measured):
    workbench = Workbench(str(measured), "cpu")
    stages = stage_settings(workbench.loaded().config)
    texts = LaboratoryApi(workbench).texts({"stages": stages, "side": 32})
    assert "top1" not in texts["config"]
    assert '"depth"' in texts["config"]


def test_a_measurement_that_is_none_is_not_said(tmp_path):
    model = tiny_model()
    for claim in ({"top1": float("nan")}, {"top1": "high"}, {"top1": 41.0}, "good"):
        model.config = model.config.replace(extra={"evaluation": claim})
        model.save_pretrained(tmp_path)
        CvtImageProcessor(size=32).save_pretrained(tmp_path)
        assert trust.accuracy(Workbench(str(tmp_path), "cpu").loaded().config) == say("unmeasured")
