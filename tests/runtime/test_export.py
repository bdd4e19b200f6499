"""An exported file computes what the model computes, in two runtimes that share no code with PyTorch or with each other."""

import json

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import cvt
from cvt.runtime import export as export_module
from cvt.runtime.onnx import graph as onnx_graph
from tests.helpers import pixels, tiny_model
from visualize.capture import capture

onnx = pytest.importorskip("onnx")

ODD = {"qkv_projection_method": ("dw_bn", "avg", "linear"), "cls_token": (False, True, False), "hidden_act": "quick_gelu", "stride_kv": 3}
ARCHITECTURES = [
    {},
    ODD,
    {"cls_token": True, "qkv_projection_method": "avg", "kernel_qkv": (2, 3, 5), "padding_kv": (1, 0, 2), "num_labels": 0},
    {"depth": (2, 0, 1), "qkv_bias": False, "num_channels": 1, "layer_norm_eps": 1e-3},
    {"depth": (1, 1), "embed_dim": (12, 20), "num_heads": (3, 2), "kernel_qkv": 5, "padding_q": 2, "padding_kv": 2, "patch_padding": 3},
    {"depth": (1, 1, 0), "cls_token": True},
]
SIZE = (47, 83)  # height, width: every grid is odd somewhere


def in_onnx_runtime(path):
    runtime = pytest.importorskip("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 2
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return lambda x: dict(zip(names, session.run(names, {"pixel_values": x.numpy()}), strict=True))


def in_openvino(path):
    openvino = pytest.importorskip("openvino")
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": 2, "INFERENCE_PRECISION_HINT": "f32"})
    return lambda x: {output.any_name: value for output, value in compiled({"pixel_values": x.numpy()}).items()}


def of_the_model(model, x, captures):
    """What the file promises, by the hooks with which the page looks at a model."""
    with torch.inference_mode(), capture(model) as seen:
        values = {"logits": model(x).logits}
    for stage, depth in enumerate(model.config.depth if captures else ()):
        values[f"stages.{stage}.features"] = seen.feature_map(stage)
        for block in range(depth):
            values[f"stages.{stage}.layers.{block}.query"], values[f"stages.{stage}.layers.{block}.key"], _ = seen.query_key(stage, block)
    return values


def check(path, runtime, model, size, captures, counts=(1, 3)):
    """One file, one picture and several."""
    run = runtime(path)
    for count in counts:
        x = pixels(count, model.config.num_channels, *size, seed=count)
        found, expected = run(x), of_the_model(model, x, captures)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            # float32 in another order: a few roundings of 6e-8 in each of some thousand additions
            torch.testing.assert_close(torch.from_numpy(found[name]), value, rtol=1e-4, atol=1e-4 * float(value.abs().max()), msg=name)


@pytest.mark.parametrize("captures", [False, True])
@pytest.mark.parametrize("changes", ARCHITECTURES, ids=str)
def test_logits_and_captures_are_the_models(changes, captures, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "_compare", lambda *_: None)  # this test does it
    model = tiny_model(**changes)
    path = cvt.export_onnx(model, tmp_path / "cvt.onnx", captures, size=SIZE)
    onnx.checker.check_model(onnx.load(path), full_check=True)  # also that the shapes it states follow from its nodes
    for runtime in (in_onnx_runtime, in_openvino):
        check(path, runtime, model, SIZE, captures)


def test_the_embedded_model(tmp_path):
    model = cvt.CvtForImageClassification.from_pretrained()
    path = cvt.export_onnx(model, tmp_path / "cvt.onnx", captures=True)
    for runtime in (in_onnx_runtime, in_openvino):
        check(path, runtime, model, (96, 96), captures=True, counts=(1,))


def test_the_last_block_is_computed_for_the_cls_token_alone_where_nobody_looks():
    """The queries of its other tokens, whose convolution would be one more, are then not there."""
    convolutions = 3 + 3 * (1 + 2 + 3)
    for changes, captures, expected in [({}, True, 0), ({}, False, 1), ({"cls_token": False}, False, 0)]:
        graph = onnx_graph.graph_of(tiny_model(**changes), (32, 48), captures)
        assert sum(node.op_type == "Conv" for node in graph.graph.node) == convolutions - expected


def test_any_state_of_a_model_is_written_as_it_answers(tmp_path):
    """In training mode, in half precision, with oneDNN's layers, with a new classifier: in evaluation, in float32."""
    model = tiny_model().half()
    model.classifier = nn.Linear(24, 7).half()
    cvt.runtime.linear.use_onednn(model).train()
    path = cvt.export_onnx(model, tmp_path / "cvt.onnx")
    assert model.training
    assert model.dtype == torch.float16
    check(path, in_onnx_runtime, model.float().eval(), (32, 32), captures=False)


def test_names_shapes_and_metadata(tmp_path):
    model, processor = tiny_model(num_labels=2, id2label={0: "nuts", 1: "bolts — ü"}), cvt.CvtImageProcessor(size=40)
    graph = onnx.load(cvt.export_onnx(model, tmp_path / "new" / "cvt.onnx", size=(32, 40), processor=processor))
    (given,), (output,) = graph.graph.input, graph.graph.output
    assert given.name == "pixel_values"
    assert [each.dim_param or each.dim_value for each in given.type.tensor_type.shape.dim] == ["batch", 3, 32, 40]
    assert output.name == "logits"
    assert [each.dim_param or each.dim_value for each in output.type.tensor_type.shape.dim] == ["batch", 2]
    metadata = {each.key: json.loads(each.value) for each in graph.metadata_props}
    assert metadata["labels"] == ["nuts", "bolts — ü"]
    assert metadata["preprocessor_config"]["size"] == processor.to_dict()["size"]
    assert metadata["attention_scales"] == [stage.attention.attention.attend.scale for stage in first_blocks(model)]


def first_blocks(model):
    return [stage.layers[0] for stage in model.cvt.encoder.stages]


def with_another_layer(model):
    first_blocks(model)[1].output.dense = nn.Sequential(nn.Linear(64, 16))


def with_a_parametrization(model):
    parametrizations.weight_norm(model.classifier)


def with_anothers_linear_layer(model):
    model.classifier.__class__ = type("Linear", (nn.Linear,), {})  # as quantisation and adapters call theirs


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            with_another_layer,
            r"layers\.0\.output\.dense is \S+\.Sequential instead of \S+\.Linear\.",
        ),
        (with_a_parametrization, r"classifier is torch.*Parametrized"),
        (with_anothers_linear_layer, r"classifier is tests\S*Linear instead of torch"),
    ],
)
def test_changed_modules_are_refused_by_name(change, named, tmp_path):
    model = tiny_model()
    change(model)
    with pytest.raises(ValueError, match=named):
        cvt.export_onnx(model, tmp_path / "cvt.onnx")


def test_refusals_are_sentences(tmp_path, monkeypatch):
    model = tiny_model()
    (tmp_path / "file").write_text("")
    for path, sentence in [(tmp_path, "is a folder: give a file"), (tmp_path / "file" / "cvt.onnx", "cannot be written: ")]:
        with pytest.raises(ValueError, match=sentence):
            cvt.export_onnx(model, path)
    with pytest.raises(ValueError, match="takes a CvtForImageClassification, not a CvtModel"):
        cvt.export_onnx(model.cvt, tmp_path / "cvt.onnx")
    with pytest.raises(ValueError, match="too small: stage 3"):
        cvt.export_onnx(tiny_model(patch_padding=0), tmp_path / "cvt.onnx", size=16)
    with pytest.raises(ValueError, match="size must be a whole number"):
        cvt.export_onnx(model, tmp_path / "cvt.onnx", size="large")
    monkeypatch.setattr(export_module, "LARGEST_FILE", 1000)
    with pytest.raises(ValueError, match="one ONNX file holds less than 2 GB"):
        cvt.export_onnx(model, tmp_path / "cvt.onnx")
    monkeypatch.setattr(export_module, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install onnx"):
        cvt.export_onnx(model, tmp_path / "cvt.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("captures", [False, True])
def test_a_file_that_computes_something_else_is_not_kept(captures, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")
    model, path = tiny_model(), tmp_path / "cvt.onnx"
    path.write_text("what was there before")
    monkeypatch.setattr(onnx_graph, "graph_of", lambda model, *rest, real=onnx_graph.graph_of: real(tiny_model(seed=9), *rest))
    with pytest.raises(RuntimeError, match=r"computes logits differently from the model, by up to \d"):
        cvt.export_onnx(model, path, captures)
    assert path.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [path]
