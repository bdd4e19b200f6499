"""The gates of an exported file replace what ``intervened`` replaces with hooks, each sample of a batch another part."""

import json

import numpy as np
import pytest
import torch

import cvt
from cvt.model import attention_weights
from cvt.runtime import export as export_module
from tests.helpers import pixels, tiny_model
from visualize.capture import TAPS, capture
from visualize.change.interventions import Intervention, intervened, singles
from visualize.change.means import example_means
from visualize.change.parts import CONVS, RESIDUALS, convs, ways

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

NUMBERS = {None: (1, 0, 0, 1), "zero": (0, 0, 0, 1), "mean": (0, 1, 0, 1), "examples": (0, 0, 1, 1), "uniform": (1, 0, 0, 0)}
ODD = {
    "qkv_projection_method": ("avg", "linear", "dw_bn"),
    "cls_token": (True, True, False),
    "hidden_act": "quick_gelu",
    "depth": (1, 1, 1),
}
SIZE = (32, 40)


def each_alone(config):
    """Every part of every block, replaced in every way."""
    found = [[]]
    for stage in config.stages:
        for block in range(stage.depth):
            for part in ("head", "attention", "mlp", "block", *convs(stage.qkv_projection_method), *RESIDUALS):
                heads = range(stage.num_heads) if part == "head" else [None]
                found += [
                    [Intervention(stage=stage.index, block=block, part=part, head=head, how=how)] for head in heads for how in ways(part)
                ]
    return found


def several(config):
    """Of everything some, together."""
    one = {"stage": 0, "block": 0}
    last = {"stage": config.num_stages - 1, "block": 0}
    return [
        [Intervention(**one, part="head", head=0, how="mean"), Intervention(**one, part="attention", how="mean")],
        [Intervention(**one, part="head", head=0, how="uniform"), Intervention(**one, part="mlp_residual", how="examples")],
        [Intervention(**last, part="head", head=1, how="examples"), Intervention(**last, part="attention", how="uniform")],
        [Intervention(**last, part="attention_residual"), Intervention(**last, part="block", how="mean")],
    ]


def gates_of(samples, names):
    """(samples, gates, 4) as the file takes them."""
    gates = np.tile(np.float32(NUMBERS[None]), (len(samples), len(names), 1))
    for sample, interventions in zip(gates, samples, strict=True):
        for given in interventions:
            for each in singles(given):
                number = "" if each.head is None else f".{each.head}"
                sample[names.index(f"stages.{each.stage}.layers.{each.block}.{each.part}{number}")] = NUMBERS[each.how]
    return gates


def session_of(path):
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def by_hooks(model, x, samples, means):
    """What the hooks that the page uses find."""
    taps = [name for name in TAPS if name not in ("heads",)]
    with torch.inference_mode(), capture(model, taps) as seen, intervened(model, samples, means):
        logits = model(x).logits
    return logits, seen


def added(model, seen, block):
    """What attention adds to the cls token from each key with a place: (B, keys, C)."""
    stage = model.config.num_stages - 1
    query, key, value, scale = seen.tap("qkv", stage, block)
    weights = attention_weights(query[:, :, :1], key, scale)[:, :, 0, 1:]
    each = (weights[..., None] * value[:, :, 1:]).transpose(1, 2).flatten(2)
    return each @ model.cvt.encoder.stages[stage].layers[block].attention.output.dense.weight.detach().T


@pytest.mark.parametrize("changes", [{}, ODD], ids=["usual", "odd"])
def test_every_part_is_replaced_in_every_way(changes, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "_compare", lambda *_: None)  # this test does it
    model = tiny_model(**changes)
    means = example_means(model, [pixels(1, 3, *SIZE, seed=seed) for seed in (7, 8)])
    path = cvt.export_onnx(model, tmp_path / "cvt.onnx", size=SIZE, interventions=True, means=means)
    file = onnx.load(path)
    onnx.checker.check_model(file, full_check=True)
    names = json.loads({each.key: each.value for each in file.metadata_props}["gates"])
    assert {name.split(".")[4] for name in names} >= {"head", "attention", "mlp", *CONVS, *RESIDUALS}
    samples = [*each_alone(model.config), *several(model.config)]
    x = pixels(1, 3, *SIZE, seed=3).expand(len(samples), -1, -1, -1)
    logits, seen = by_hooks(model, x, samples, means)
    session = session_of(path)
    outputs = [output.name for output in session.get_outputs()]
    found = dict(zip(outputs, session.run(outputs, {"pixel_values": x.numpy(), "gates": gates_of(samples, names)}), strict=True))
    assert len({tuple(row) for row in found["logits"].round(4).tolist()}) > 0.8 * len(samples)  # nearly every change shows

    def equal(name, expected):
        ours = torch.from_numpy(found.pop(name))
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()), msg=name)

    equal("logits", logits)
    for stage, depth in enumerate(model.config.depth):
        equal(f"stages.{stage}.features", seen.feature_map(stage))
        equal(f"stages.{stage}.layers.0.input", seen.tap("input", stage, 0))
        for block in range(depth):
            place = f"stages.{stage}.layers.{block}"
            query, key, _ = seen.query_key(stage, block)
            equal(f"{place}.query", query)
            equal(f"{place}.key", key)
            for tap in ("normalised", "attention", "mlp", "output"):
                equal(f"{place}.{tap}", seen.tap(tap, stage, block))
            if f"{place}.added" in found:
                equal(f"{place}.added", added(model, seen, block))
    assert not found


def test_weights_saved_in_half_precision_stay_as_they_are_in_half_the_room(tmp_path):
    model = tiny_model(embed_dim=(16, 32, 48)).half().float()
    sizes, logits = [], []
    for compact in (False, True):
        path = cvt.export_onnx(model, tmp_path / "cvt.onnx", interventions=True, compact=compact)
        sizes.append(sum(each.ByteSize() for each in onnx.load(path).graph.initializer))
        session = session_of(path)
        neutral = np.tile(np.float32(NUMBERS[None]), (2, session.get_inputs()[1].shape[1], 1))
        logits.append(session.run(["logits"], {"pixel_values": pixels().numpy(), "gates": neutral})[0])
    assert sizes[1] < 0.7 * sizes[0]
    assert np.array_equal(*logits)
