"""Other engines that compute a classifier's logits on a CPU: ONNX Runtime and OpenVINO, where they are installed.

Which one is fastest depends on the processor and on the batch, so it is measured for each shape of input.
"""

from __future__ import annotations

import logging
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from importlib.util import find_spec

import torch
from torch import Tensor

from ...model import CvtForImageClassification

Run = Callable[[Tensor], Tensor]  # from pixel_values (B, channels, H, W) float32 to logits (B, num_labels)

TOLERANCE = 1e-3  # of the largest logit; float32's rounding in another order is a hundredth of it
ROUNDS, SECONDS = 5, 2.0  # of a comparison: at most so many, and no further one after so long
MOST_CHOSEN = 64  # numbers of pictures for which the fastest is known
PAUSE = 0.02  # seconds before each turn: threads of the engine before still wait for work for a while


def engines(model: CvtForImageClassification, size: tuple[int, int]) -> dict[str, Run]:
    """The engines that run here, by their package's name, for any number of pictures of ``size`` (height, width).

    Args:
        model: on a CPU, in float32 and in evaluation mode; the engines have copies of its weights.
    """
    makers = {name: make for name, make in MAKERS.items() if find_spec(name) is not None}
    if not makers or find_spec("onnx") is None:
        return {}
    made = {}
    for name, make in makers.items():
        try:
            from .graph import graph_of  # imports onnx

            made[name] = make(graph_of(model, size, captures=False).SerializeToString())
        except Exception:  # a package that does not fit this machine, or a graph above 2 GB, can raise anything
            logging.getLogger(__name__).warning("%s does not run this model; it is left out.", name, exc_info=True)
    return made


def _onnx_runtime(file: bytes) -> Run:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    return lambda pixel_values: torch.from_numpy(session.run(["logits"], {"pixel_values": pixel_values.numpy()})[0])


def _openvino(file: bytes) -> Run:
    import openvino

    settings = {"INFERENCE_NUM_THREADS": torch.get_num_threads(), "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(file), "CPU", settings)
    return lambda pixel_values: torch.from_numpy(compiled.create_infer_request().infer({"pixel_values": pixel_values.numpy()})["logits"])


MAKERS: dict[str, Callable[[bytes], Run]] = {"onnxruntime": _onnx_runtime, "openvino": _openvino}


class FastestEngine:
    """Computes logits with whichever is fastest for a number of pictures, of one size: ``own`` or one of ``others``. Thread-safe.

    The first pass with a number of pictures compares them, and leaves out those whose logits differ from ``own``'s.
    """

    def __init__(self, own: Run, others: Mapping[str, Run]):
        self._own, self._others = own, others
        self._chosen: dict[int, Run] = {}  # by the number of pictures
        self._lock = threading.Lock()

    def __call__(self, pixel_values: Tensor) -> Tensor:
        """(B, channels, H, W) → (B, num_labels)."""
        if len(pixel_values) not in self._chosen:
            with self._lock:  # comparisons at the same time would disturb each other
                if len(pixel_values) not in self._chosen:
                    if len(self._chosen) >= MOST_CHOSEN:
                        self._chosen = {}
                    self._chosen[len(pixel_values)] = self._fastest(pixel_values)
        return self._chosen.get(len(pixel_values), self._own)(pixel_values)

    def _fastest(self, pixel_values: Tensor) -> Run:
        expected = self._own(pixel_values)
        most = TOLERANCE * float(expected.abs().max())
        same = [run for name, run in self._others.items() if _error(name, run, pixel_values, expected) <= most]
        taken: list[tuple[Run, list[float]]] = [(run, []) for run in (self._own, *same)]
        ends = time.monotonic() + SECONDS
        for _ in range(ROUNDS if same else 0):
            for run, seconds in taken:
                time.sleep(PAUSE)
                began = time.perf_counter()
                run(pixel_values)
                seconds.append(time.perf_counter() - began)
            if time.monotonic() > ends:
                break
        return min(taken, key=lambda each: statistics.median(each[1] or [0.0]))[0]


def _error(name: str, run: Run, pixel_values: Tensor, expected: Tensor) -> float:
    """How far an engine's logits are from what is expected; infinity if it gives none."""
    try:
        return float((run(pixel_values) - expected).abs().max())
    except Exception:  # such as no memory for so many pictures
        logging.getLogger(__name__).warning("%s does not run %d pictures; it is left out.", name, len(pixel_values), exc_info=True)
        return float("inf")
