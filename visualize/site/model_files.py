"""The model for the browser, as files: ``web/model`` runs it there.

``model.onnx``       the model with captures and gates, in float32, its weights stored as they are saved
``attention.onnx``   a block's attention weights from its queries and keys
``constants.bin``    arrays by name, packed as in ``container.py``: what the scripts compute with besides
``model.json``       what the scripts must know, among it the sizes and SHA-256 of the other files

``constants.bin`` has ``classifier/…`` and ``norm/…``, the layers that read the last stage; ``probe/{stage}.{block}/…``, the probes that
read the others; ``{stage}.{block}/{projection}/…``, the small weights of projections, for the microscope; and for the self-test
``test/{n}/pixels`` (H, W, 3) of pictures with ``test/{n}/logits``, the model's in PyTorch. The large weights of projections are read from
``model.onnx``, where ``model.json`` says that they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from cvt.architecture.geometry import stage_grids
from cvt.config import CvtConfig
from cvt.model import CvtForImageClassification
from cvt.pictures import read_picture
from cvt.probes import Probes, embedded
from cvt.processor import CvtImageProcessor
from cvt.processor.processor import FULL_RESOLUTION_SIDE
from cvt.runtime.export import export_onnx
from cvt.runtime.onnx.gates import gate_names

from ..change.means import example_means
from ..change.padding import ZEROS
from ..change.positions import aligned_steps
from ..container import Arrays, frozen, pack
from ..crops import pixel_values_of
from ..draw.payload import described
from ..maps.inside import PROJECTIONS, projection_arrays, projection_settings
from ..maps.lens import fitting
from .attention_graph import attention_graph

MOST_AVERAGED = 16  # example pictures, as on the page with a server
TESTED = 2  # of them whose logits are stored
RUNTIME = {"script": "../runtime/ort.wasm.bundle.min.mjs", "wasm": "../runtime/ort-wasm-simd-threaded.wasm.gz"}


def write_model(
    folder: str | Path,
    model: CvtForImageClassification,
    processor: CvtImageProcessor,
    pictures: Sequence[str | Path],
    *,
    common: Mapping[str, Any] | None = None,
    runtime: Mapping[str, str] = RUNTIME,
) -> dict[str, Any]:
    """Writes the files into ``folder``, which is made if it is not there, and returns what is in ``model.json``.

    Args:
        model: in evaluation mode. pictures: the examples, of which means are taken, and two of which the self-test runs on.
        common: fields of an explorer's value for a picture: ``model`` and ``source``, which answers have too, and others.
        runtime: the addresses of onnxruntime-web's ``script`` and ``wasm``, relative to the folder; a name that ends in .gz is unpacked.
    Raises:
        ValueError: no pictures, or a model or processor that the scripts cannot run. Also as ``export_onnx``.
    """
    if not pictures:
        raise ValueError("Give at least one example picture: the browser tests the model on it.")
    _check(model, processor)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    averaged = [Path(each) for each in pictures[:MOST_AVERAGED]]
    cuts = [processor.cut(read_picture(each).image) for each in averaged]
    means = example_means(model, (pixel_values_of(model, processor, cut) for cut in cuts))
    side = processor.side
    file = export_onnx(model, folder / "model.onnx", size=side, processor=processor, interventions=True, means=means, compact=True)
    (folder / "attention.onnx").write_bytes(attention_graph())
    probes = embedded() if model.config.num_stages > 1 and fitting(model, embedded(), (side, side)) else None
    constants = _constants(model, probes) | _tests(model, processor, [np.asarray(cut) for cut in cuts[:TESTED]])
    (folder / "constants.bin").write_bytes(pack({}, constants))
    facts = {
        "runtime": dict(runtime),
        "files": {name: _described(folder / name) for name in ("model.onnx", "attention.onnx", "constants.bin")},
        "labels": [model.config.id2label[index] for index in range(model.config.num_labels)],
        "input": [side, side],
        "processor": _processor(processor),
        "eps": model.config.layer_norm_eps,
        "stages": _stages(model.config, side),
        "gates": gate_names(model.config),
        "aligned": aligned_steps(model.config, side, side),
        "linear": _linear(model, file.read_bytes()),
        "probes": _probes(model, probes),
        "tests": len(cuts[:TESTED]),
        "averaged": ["/".join(path.parts[-2:]) for path in averaged],
        "common": dict(common or {}),
    }
    (folder / "model.json").write_text(json.dumps(facts, ensure_ascii=False, separators=(",", ":"), allow_nan=False), encoding="utf-8")
    return facts


def _check(model: CvtForImageClassification, processor: CvtImageProcessor) -> None:
    """Refuses what the scripts do not compute."""
    if 0 in model.config.depth or not model.config.num_labels:
        raise ValueError("A model needs classes, and blocks in every stage, to be shown in a browser.")
    if model.config.padding_mode != ZEROS:
        raise ValueError("A model runs in a browser if it pads with zeros.")
    usual = processor.do_resize and not processor.do_center_crop and processor.resample == 3 and processor.channels == 3
    if not usual or processor.do_convert_rgb is False or model.config.num_channels != 3:
        raise ValueError("A model runs in a browser if its pictures are RGB and only resized, by the bicubic filter.")


def _described(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _processor(processor: CvtImageProcessor) -> dict[str, Any]:
    """What ``pixels.js`` does with a picture."""
    moments = {"mean": _three(processor.image_mean), "std": _three(processor.image_std)}
    return {
        "side": processor.side,
        "cropPct": processor.crop_pct,
        "fullFrom": FULL_RESOLUTION_SIDE,
        "factor": processor.rescale_factor if processor.do_rescale else None,
        "normalise": moments if processor.do_normalize else None,
    }


def _three(moments: Sequence[float]) -> list[float]:
    return list(moments) if len(moments) == 3 else [moments[0]] * 3


def _stages(config: CvtConfig, side: int) -> list[dict[str, Any]]:
    """The stages as a payload's header has them, with each one's scale of attention and settings of projections."""
    stages = []
    for stage, grids in zip(config.stages, stage_grids(config, side, side), strict=True):
        inside = projection_settings(stage, *(grid.shape for grid in grids))
        stages.append({**described(stage, *grids), "scale": stage.embed_dim**-0.5, "inside": inside})
    return stages


def _constants(model: CvtForImageClassification, probes: Probes | None) -> Arrays:
    arrays = {f"norm/{name}": frozen(getattr(model.layernorm, name)) for name in ("weight", "bias")}
    classifier = model.classifier
    assert isinstance(classifier, nn.Linear)  # as _check has found
    arrays |= {f"classifier/{name}": frozen(getattr(classifier, name)) for name in ("weight", "bias")}
    for (stage, block), probe in ({} if probes is None else probes.by_place).items():
        arrays |= {f"probe/{stage}.{block}/{name}": frozen(value) for name, value in probe.tensors().items()}
    for number, stage in enumerate(model.cvt.encoder.stages):
        for block, layer in enumerate(stage.layers):
            for name in PROJECTIONS:
                own = projection_arrays(layer, name)
                arrays |= {f"{number}.{block}/{name}/{part}": value for part, value in own.items() if part != "linear"}
    return arrays


@torch.inference_mode()
def _tests(model: CvtForImageClassification, processor: CvtImageProcessor, pictures: list[np.ndarray]) -> Arrays:
    arrays: Arrays = {}
    for number, pixels in enumerate(pictures):
        values = torch.from_numpy(processor.normalize(pixels))[None].to(model.device, model.dtype)
        arrays |= {f"test/{number}/pixels": pixels, f"test/{number}/logits": frozen(model(values).logits[0])}
    return arrays


def _linear(model: CvtForImageClassification, file: bytes) -> dict[str, dict[str, Any]]:
    """Where the weights of projections, (in, out), lie in the model's file, and whether as float16."""
    found = {}
    for number, stage in enumerate(model.cvt.encoder.stages):
        for block, layer in enumerate(stage.layers):
            for name in PROJECTIONS:
                exact = np.ascontiguousarray(projection_arrays(layer, name)["linear"].T)
                with np.errstate(over="ignore"):
                    half = exact.astype(np.float16)
                offset, is_half = file.find(half.tobytes()), True
                if offset < 0:
                    offset, is_half = file.find(exact.tobytes()), False
                assert offset >= 0  # as export_onnx writes it
                found[f"{number}.{block}/{name}"] = {"offset": offset, "shape": list(exact.shape), "half": is_half}
    return found


def _probes(model: CvtForImageClassification, probes: Probes | None) -> dict[str, Any]:
    """The probes' places and accuracies, and what is known of them or why there are none."""
    if probes is None:
        same = model.config.num_stages > 1 and embedded().fits(model)
        return {"places": [], "known": None, "reason": None if model.config.num_stages == 1 else "side" if same else "model"}
    places = [{"stage": stage, "block": block, "accuracy": probe.accuracy} for (stage, block), probe in probes.by_place.items()]
    return {"places": places, "known": {name: probes.facts[name] for name in ("pictures", "unseen")}, "reason": None}
