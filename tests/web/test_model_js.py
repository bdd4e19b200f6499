"""The model in the browser, run in Node: pictures, results and answers against Pillow, PyTorch and the page's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")
pytest.importorskip("onnx")

from cvt.processor import CvtImageProcessor
from tests import serving
from tests.helpers import ROOT, run_in_node
from visualize.container import pack
from visualize.draw.payload import block_payload, payload
from visualize.maps.inside import inside_payload
from visualize.page.breaking.api import BreakingApi
from visualize.page.requests import Request
from visualize.page.words.sentences import Refused
from visualize.page.workbench import Workbench
from visualize.site.model_files import write_model

RUNTIME = ROOT / "tests/web/node_modules/onnxruntime-web/dist"
SMALL = {"embed_dim": (8, 16, 32), "num_heads": (1, 2, 4), "depth": (1, 2, 2), "image_size": 48}
WITHOUT_CLS = {**SMALL, "cls_token": (False, False, False), "qkv_projection_method": ("avg", "linear", "dw_bn")}
OFF = [  # what is switched off, counted from 1
    *([{"part": "head", "head": 2, "stage": 3, "block": 1, "how": how}] for how in ("zero", "mean", "examples", "uniform")),
    *([{"part": "attention", "stage": 2, "block": 2, "how": how}] for how in ("mean", "uniform")),
    *([{"part": part, "stage": 3, "block": 2, "how": "examples"}] for part in ("mlp", "block", "attention_residual")),
    [{"part": "mlp_residual", "stage": 3, "block": 1}, {"part": "head", "head": 1, "stage": 3, "block": 2}],
    [],
]
FEWER = [
    [{"part": "query_conv", "stage": 3, "block": 1, "how": "mean"}],
    [{"part": "key_conv", "stage": 1, "block": 1, "how": "examples"}],
    [{"part": "head", "head": 2, "stage": 3, "block": 1}],
]
SHIFTS = [{"right": 8}, {"down": -3, "right": 5}, {}]
ASKED = [("lens", {}), ("distance", {}), ("importance", {}), ("importance", {"how": "uniform", "label": "class 3"})]
ASKED += [("knock_out", {"interventions": each}) for each in OFF]
ASKED += [("transform", {"padding": "zeros", "flip": "none", "turn": 0, **each}) for each in SHIFTS]
ASKED_OF_ODD = [("lens", {}), ("distance", {}), *(("knock_out", {"interventions": each}) for each in FEWER), ("transform", SHIFTS[1])]
REFUSED = [
    ("knock_out", {"interventions": [{"part": "mlp", "stage": 3, "block": 1, "how": "uniform"}]}),
    ("knock_out", {"interventions": [{"part": "mlp", "stage": 4, "block": 1}]}),
    ("knock_out", {"interventions": [{"part": part, "stage": 1, "block": 1} for part in ("block", "mlp")]}),
    ("knock_out", {"interventions": {}}),
    ("importance", {"label": "unheard of"}),
    ("importance", {"how": "often"}),
    ("transform", {"right": 0.5}),
]


def frames() -> list[tuple[Image.Image, int, float]]:
    """Pictures, with the side and the crop of a processor: down and up, tall and wide, and one that is squeezed."""
    photo = Image.open(ROOT / "examples/koala.jpg").convert("RGB")
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 256, (37, 61, 3), np.uint8))
    return [(photo, 96, 1.0), (photo.resize((60, 200)), 64, 0.875), (noise, 96, 0.9), (noise, 384, 1.0)]


def write_pictures(folder: Path) -> list[dict[str, Any]]:
    """Pictures as RGBA, and what the processor makes of them."""
    written = []
    for number, (picture, side, crop_pct) in enumerate(frames()):
        processor = CvtImageProcessor(size=side, crop_pct=crop_pct, image_mean=[0.4, 0.5, 0.6], image_std=[0.2, 0.3, 0.25])
        cut = processor.cut(picture)
        arrays = {"rgba": np.asarray(picture.convert("RGBA")), "cut": np.asarray(cut), "values": processor.normalize(cut)}
        (folder / f"picture{number}.bin").write_bytes(pack({}, arrays))
        settings = {"side": side, "cropPct": crop_pct, "fullFrom": 384, "factor": processor.rescale_factor}
        settings["normalise"] = {"mean": processor.image_mean, "std": processor.image_std}
        written.append({"processor": settings, "box": processor.crop_box(*picture.size)})
    return written


def write_case(folder: Path, changes: dict[str, Any], asked: list[tuple[str, dict]]) -> None:
    """A model's files, and what the page's server finds of one picture and answers to what is asked."""
    serving.save_random_model(folder / "mine", **changes, crop_pct=1.0)
    examples = [ROOT / "examples/koala.jpg", ROOT / "examples/red_panda.jpg"]
    workbench = Workbench(str(folder / "mine"), "cpu", kept=examples)
    api, loaded = BreakingApi(workbench), workbench.loaded()
    write_model(
        folder / "model",
        loaded.model,
        loaded.processor,
        examples,
        common={"model": loaded.name, "source": loaded.source, "note": "Seldom right."},
    )
    picture = Image.open(examples[1]).convert("RGB").resize((150, 110))
    picture.save(folder / "picture.png")
    (folder / "picture.bin").write_bytes(pack({}, {"rgba": np.asarray(picture.convert("RGBA"))}))
    result = workbench.explore(Request(model=loaded.name, picture=str(folder / "picture.png")))
    seen = result.exploration
    (folder / "payload.bin").write_bytes(payload(seen))
    (folder / "block.bin").write_bytes(block_payload(seen, 0, 0))
    (folder / "inside.bin").write_bytes(inside_payload(loaded.model, loaded.processor, seen, 2, 1))
    answers = []
    for name, body in asked:
        answer = api.answer(name, {"key": result.key, **body})
        answers.append({"name": name, "body": body, "answer": answer})
        if name == "knock_out":
            (folder / f"changed{len(answers) - 1}.bin").write_bytes(workbench.payload(answer["value"]["key"]))
    refused = []
    for name, body in REFUSED:
        with pytest.raises(Refused) as error:
            api.answer(name, {"key": result.key, **body})
        refused.append({"name": name, "body": body, "sentence": str(error.value)})
    (folder / "answers.json").write_text(json.dumps({"answers": answers, "refused": refused}, default=np.generic.item))


def test_the_browser_computes_what_the_server_computes(tmp_path):
    if not RUNTIME.is_dir():
        pytest.skip("needs onnxruntime-web: npm ci --prefix tests/web")
    (tmp_path / "pictures.json").write_text(json.dumps(write_pictures(tmp_path)))
    for name, changes, asked in (("usual", SMALL, ASKED), ("odd", WITHOUT_CLS, ASKED_OF_ODD)):
        (tmp_path / name).mkdir()
        write_case(tmp_path / name, changes, asked)
    run_in_node(Path(__file__).parent / "model", MODEL_CASES=tmp_path, ORT=RUNTIME)
