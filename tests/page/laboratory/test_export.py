"""What is taken away, used: the program is run, the zip is opened by this library and by transformers."""

import io
import zipfile

import pytest
import torch

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import build_variant, inherit
from cvt.architecture.transformers_support import what_transformers_lacks
from cvt.architecture.variants import architecture
from tests.helpers import tiny_config, tiny_model
from tests.pictures.photographs import PHOTOGRAPHS
from visualize.page.laboratory.export import built_lines, model_zip, python_lines

STAGES = [{"stride_kv": 1}, {"patch_sizes": 5, "mlp_ratio": 2.0, "qkv_bias": False}, {"depth": 4, "qkv_projection_method": "avg"}]
PICTURE = str(PHOTOGRAPHS / "red_panda.jpg")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "a 'quoted' name"
    tiny_model().save_pretrained(folder)
    CvtImageProcessor(size=48, crop_pct=1.0).save_pretrained(folder)
    return str(folder)


def run(program):
    found = {}
    exec(compile(program.replace('"picture.jpg"', repr(PICTURE)), "lines", "exec"), found)
    return found


@pytest.mark.parametrize("side", [None, 64])
@pytest.mark.parametrize("inherited", [True, False])
@pytest.mark.parametrize("stages", [STAGES, [{}, {}, {}], [{}, {"depth": 1}], [{}, {}, {}, {"depth": 2}]])
def test_the_lines_build_the_same_variant(folder, stages, inherited, side, capsys):
    base, processor = CvtForImageClassification.from_pretrained(folder), CvtImageProcessor.from_pretrained(folder)
    config = architecture(base.config, stages)
    found = run(python_lines(config, base.config, inherited, 7, folder, side))
    model = inherit(base, config, 7).model if inherited else build_variant(config, 7)
    inputs = processor(PICTURE, return_tensors="pt", **({} if side is None else {"size": side}))
    assert found["inputs"]["pixel_values"].shape[-1] == (side or 48)
    with torch.inference_mode():
        assert torch.equal(found["logits"], model(**inputs).logits)
    assert capsys.readouterr().out.strip() in base.config.id2label.values()


@pytest.mark.parametrize("side", [None, 64])
@pytest.mark.parametrize("inherited", [True, False])
def test_the_lines_of_a_variants_view_build_it_with_its_processor(folder, inherited, side):
    base = CvtForImageClassification.from_pretrained(folder)
    config = architecture(base.config, STAGES)
    found = run(built_lines(config, base.config, inherited, 7, folder, side))
    model = inherit(base, config, 7).model if inherited else build_variant(config, 7)
    inputs = found["processor"](PICTURE, return_tensors="pt")
    assert inputs["pixel_values"].shape[-1] == (side or 48)
    with torch.inference_mode():
        assert torch.equal(found["model"](**inputs).logits, model(**inputs).logits)


def test_the_lines_of_the_embedded_model_name_no_source(capsys):
    base = CvtForImageClassification.from_pretrained()
    program = python_lines(base.config, base.config, True, 0)
    assert "from_pretrained()" in program
    assert torch.equal(run(program)["model"].classifier.weight, base.classifier.weight)
    assert "red panda" in capsys.readouterr().out


def unzipped(content, folder):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert sorted(archive.namelist()) == ["config.json", "model.safetensors", "preprocessor_config.json"]
        archive.extractall(folder)
    return folder


def test_the_zip_is_a_folder_that_loads(tmp_path):
    base = tiny_model()
    model = inherit(base, architecture(base.config, STAGES)).model
    content = model_zip(model, CvtImageProcessor(size=48, crop_pct=1.0))
    folder = unzipped(content, tmp_path)
    again, processor = CvtForImageClassification.from_pretrained(folder), CvtImageProcessor.from_pretrained(folder)
    pixel_values = processor(PICTURE, return_tensors="pt").pixel_values
    with torch.inference_mode():
        assert torch.equal(again(pixel_values).logits, model(pixel_values).logits)
    assert model_zip(model, processor) == content


@pytest.mark.parametrize("stages", [[{}, {}, {}], [{"stride_kv": 1}, {"kernel_qkv": 5, "qkv_bias": False}, {"depth": 4}]])
def test_transformers_opens_the_zip_where_nothing_is_foreign_to_it(stages, tmp_path):
    transformers = pytest.importorskip("transformers")
    base = tiny_model()
    model = inherit(base, architecture(base.config, stages)).model
    assert what_transformers_lacks(model.config) == ""
    folder = unzipped(model_zip(model, CvtImageProcessor(size=48, crop_pct=1.0)), tmp_path)
    theirs = transformers.CvtForImageClassification.from_pretrained(folder).eval()
    pixel_values = torch.randn(1, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(theirs(pixel_values).logits, model(pixel_values).logits, rtol=1e-4, atol=1e-4)
    assert transformers.AutoImageProcessor.from_pretrained(folder).size["shortest_edge"] == 48


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"qkv_projection_method": ("dw_bn", "avg", "dw_bn")}, "projection without convolution"),
        ({"cls_token": False}, "cls token"),
        ({"cls_token": True}, "cls token"),
        ({"depth": (1, 1, 3)}, "so few blocks"),
        ({"hidden_act": "quick_gelu"}, "activation"),
        ({"patch_sizes": ((7, 5), 3, 3)}, "oblong"),
    ],
)
def test_what_is_foreign_to_transformers_is_said(changes, words):
    assert words in what_transformers_lacks(tiny_config(**changes))
