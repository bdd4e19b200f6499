"""Ways to run one CvT with equal weights: this project's, and the alternatives.

A peer is a function from (model, example input) to a function from pixel_values to logits; ``PEERS`` lists them. One that cannot
run here raises ``Missing`` with the reason, and the others still run.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType

import torch
from torch import Tensor, nn

from cvt import CvtForImageClassification, export_onnx
from cvt.architecture.build import build_variant
from cvt.config import CvtConfig
from cvt.runtime.runner import Runner
from visualize.capture import capture

Run = Callable[[Tensor], Tensor]
PLAIN, RUNNER, COMPILED, CAPTURED = "this, plain", "this, Runner", "this, compiled", "this, Runner, all captured"
TRANSFORMERS, ONNX_RUNTIME, OPENVINO = "transformers, eager", "ONNX Runtime", "OpenVINO"


class Missing(Exception):
    """Why a peer cannot run here, as a sentence."""


def package(name: str) -> ModuleType:
    try:
        return import_module(name)
    except ImportError as error:
        raise Missing(f"the package {name} is not installed.") from error


def lively(model: nn.Module, seed: int = 0) -> None:
    """Randomises BatchNorm's statistics, so that equal results mean equal computation."""
    generator = torch.Generator().manual_seed(seed)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(generator=generator)
            module.running_var.uniform_(0.5, 2, generator=generator)


def lively_model(config: CvtConfig) -> CvtForImageClassification:
    """A model with seeded weights and such statistics, in float32 on the CPU."""
    model = build_variant(config)
    lively(model)
    return model


def plain(model: CvtForImageClassification, example: Tensor) -> Run:
    return lambda pixel_values: model(pixel_values).logits


def runner(model: CvtForImageClassification, example: Tensor) -> Run:
    made = Runner(model)
    return lambda pixel_values: made(pixel_values).logits


def captured(model: CvtForImageClassification, example: Tensor) -> Run:
    made = Runner(model)
    return lambda pixel_values: made(pixel_values, captures=True).logits


def compiled(model: CvtForImageClassification, example: Tensor) -> Run:
    """On a CPU the runner's fastest engine, on a GPU ``torch.compile``. The first call compiles, which is not part of the rounds."""
    if not example.is_cuda:
        made = Runner(model, compiled=True)
        made(example)
        return lambda pixel_values: made(pixel_values).logits
    graph = torch.compile(model, dynamic=False)
    try:
        graph(example)
    except Exception as error:  # a missing or broken C++ compiler can raise anything
        raise Missing(f"torch.compile fails here: {(str(error).strip() or type(error).__name__).splitlines()[0]}") from error
    return lambda pixel_values: graph(pixel_values).logits


def transformers(model: CvtForImageClassification, example: Tensor) -> Run:
    theirs = package("transformers")
    values = model.config.to_dict()
    if values.pop("hidden_act") != "gelu":
        raise Missing("transformers' CvT only supports GELU.")
    made = theirs.CvtForImageClassification(theirs.CvtConfig(**values)).eval()
    made.load_state_dict(model.state_dict())
    made.to(example.device, example.dtype)
    return lambda pixel_values: made(pixel_values).logits


def exported(model: CvtForImageClassification, example: Tensor) -> bytes:
    """The model as an ONNX file."""
    package("onnx")
    with tempfile.TemporaryDirectory() as folder:
        return export_onnx(model, Path(folder) / "model.onnx", size=tuple(example.shape[2:])).read_bytes()


def onnx_runtime(model: CvtForImageClassification, example: Tensor) -> Run:
    runtime = package("onnxruntime")
    if example.is_cuda:
        if "CUDAExecutionProvider" not in runtime.get_available_providers():
            raise Missing("this build of onnxruntime has no CUDA.")
        if example.dtype != torch.float32:
            raise Missing(f"files are written in float32, and this is measured in {example.dtype}.")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    provider = "CUDAExecutionProvider" if example.is_cuda else "CPUExecutionProvider"
    session = runtime.InferenceSession(exported(model, example), options, providers=[provider])
    return lambda pixel_values: torch.from_numpy(session.run(["logits"], {"pixel_values": pixel_values.cpu().numpy()})[0])


def openvino(model: CvtForImageClassification, example: Tensor) -> Run:
    if example.is_cuda:
        raise Missing("it has no CUDA.")
    runtime = package("openvino")
    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    core = runtime.Core()
    request = core.compile_model(core.read_model(exported(model, example)), "CPU", settings).create_infer_request()
    return lambda pixel_values: torch.from_numpy(request.infer({"pixel_values": pixel_values.numpy()})["logits"])


PEERS: dict[str, Callable[[CvtForImageClassification, Tensor], Run]] = {
    PLAIN: plain,
    RUNNER: runner,
    CAPTURED: captured,
    COMPILED: compiled,
    TRANSFORMERS: transformers,
    ONNX_RUNTIME: onnx_runtime,
    OPENVINO: openvino,
}


def hooked(model: CvtForImageClassification, pixel_values: Tensor) -> Tensor:
    """A plain pass with everything captured by hooks."""
    with capture(model):
        return model(pixel_values).logits
