"""Programs that were written or exported when modules had other names still run."""

import runpy
import sys

import numpy as np
import pytest
import torch

from cvt import CvtForImageClassification, CvtImageProcessor
from tests.helpers import tiny_model
from tests.pictures.photographs import PHOTOGRAPHS

PICTURE = PHOTOGRAPHS / "koala.jpg"

# What the page gave away then, FOLDER for the model and PICTURE for the picture.
INHERITED = """
import torch

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.inherit import inherit
from cvt.variants import architecture

base = CvtForImageClassification.from_pretrained(FOLDER)
processor = CvtImageProcessor.from_pretrained(FOLDER)
stages = [  # what differs from the base
    {'depth': 2},  # stage 1
    {},  # stage 2
    {'stride_kv': 1},  # stage 3
]
config = architecture(base.config, stages)
model = inherit(base, config, seed=0).model

inputs = processor(PICTURE, return_tensors="pt")
with torch.inference_mode():
    logits = model(**inputs).logits
"""
BUILT = INHERITED.replace("cvt.inherit import inherit", "cvt.build import build_variant").replace(
    "inherit(base, config, seed=0).model", "build_variant(config, seed=0)"
)
SEEN = """
from cvt import CvtForImageClassification, CvtImageProcessor
from visualize import explore
from visualize.feature_maps import principal_components
from visualize.plots import draw_cells, new_figure

model = CvtForImageClassification.from_pretrained(FOLDER)
processor = CvtImageProcessor.from_pretrained(FOLDER)
seen = explore(model, processor, PICTURE)

stage = seen.stages[1]  # of 3; here everything counts from 0
shown = principal_components(stage.features).rgb  # red, green, blue
picture = shown

figure = new_figure(5, 5)
axes = figure.add_subplot()
axes.imshow(seen.pixels, extent=(0, seen.pixels.shape[1], seen.pixels.shape[0], 0))
draw_cells(axes, stage.query_grid, picture)
"""
LIBRARY = """
from cvt.checkpoint import as_device, load_config, load_model, load_processor, save_model
from cvt.linear import onednn_is_faster
from cvt.preprocess import CvtImageProcessor, open_picture
from visualize.attention_maps import statistics

model, config, processor = load_model(CvtForImageClassification, FOLDER), load_config(FOLDER), load_processor(FOLDER)
save_model(model, FOLDER)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("model"))
    tiny_model().save_pretrained(folder)
    CvtImageProcessor(size=32).save_pretrained(folder)
    return folder


def run(program, folder):
    found = {"FOLDER": folder, "PICTURE": str(PICTURE), "CvtForImageClassification": CvtForImageClassification}
    exec(compile(program, "lines", "exec"), found)
    return found


@pytest.mark.parametrize("program", [INHERITED, BUILT])
def test_lines_of_the_laboratory(program, folder):
    assert torch.isfinite(run(program, folder)["logits"]).all()


def test_lines_of_the_explorer(folder):
    found = run(SEEN, folder)
    assert found["shown"].dtype == np.uint8
    assert len(found["axes"].images) == 2


def test_functions_of_the_library(folder):
    found = run(LIBRARY, folder)
    assert found["config"].depth == found["model"].config.depth
    assert found["processor"].side == 32


def every_old_name():
    return [(old, new) for finder in sys.meta_path if hasattr(finder, "names") for old, new in finder.names.items()]


@pytest.mark.parametrize(("old", "new"), every_old_name())
def test_an_old_name_is_the_module_itself(old, new):
    __import__(old)
    module = sys.modules[new]
    assert sys.modules[old] is module
    assert module.__spec__.name == module.__name__ == new


def test_old_names_are_packages_attributes():
    import cvt.variants
    import visualize.plots

    assert cvt.variants is cvt.architecture.variants
    assert visualize.plots is visualize.draw.plots


def test_the_command_that_draws_curves(tmp_path, monkeypatch, capsys):
    (tmp_path / "history.csv").write_text("step,loss\n1,2.5\n2,2.0\n")
    monkeypatch.delitem(sys.modules, "visualize.curves", raising=False)  # a command starts in a process that has imported nothing
    monkeypatch.setattr(sys, "argv", ["curves", str(tmp_path)])
    runpy.run_module("visualize.curves", run_name="__main__", alter_sys=True)
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert capsys.readouterr().out == "curves.png\n"


def test_a_name_that_never_was_is_not_there():
    with pytest.raises(ModuleNotFoundError):
        import cvt.nothing  # noqa: F401
