"""A loaded classifier that answers faster, with the same outputs.

    runner = Runner(model)
    with torch.inference_mode():
        runner.logits(pixel_values)

It packs the weights once (``packing.py``), and on CUDA replays the whole pass as one graph per input shape. What it does not
support runs on the model itself: training, gradients, autocast, hooks, replaced modules, other projections. Weights that were
changed, replaced or moved since are noticed and packed again; only writes through ``tensor.data``, which bypass PyTorch's version
counter, need ``refresh()``: until then, answers mix old weights with new ones. So may those given while another thread changes weights.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from ..model import CvtForImageClassification, check_pixels
from .forward import Taps, forward
from .onnx.engines import FastestEngine, engines
from .packing import Packed, pack, why_not
from .recording import Recording

MAX_GRAPHS = 8  # of a runner, one per shape of input
MAX_SIZES = 2  # of input, for which engines are kept, each with a copy of the weights
MAX_GRAPH_BYTES = 4 << 30  # of all graphs' buffers together


@dataclass(frozen=True)
class Answer:
    """Logits (B, num_labels); ``taps`` if requested, see ``forward.StageTaps``; ``summary``: what was to be computed of these."""

    logits: Tensor
    taps: Taps | None = None
    summary: tuple[Tensor, ...] = ()


Summary = Callable[[CvtForImageClassification, Answer], tuple[Tensor, ...]]


class _Graph:
    """One recorded pass for one input shape, with the buffers that it reads and writes."""

    def __init__(self, like: Tensor, run: Callable[[Tensor], Answer]):
        with torch.inference_mode(False):  # or it could not be written to outside of that mode
            self.given = like.clone()
        self._recorded = Recording(lambda: self._together(run(self.given)), like.device)

    def _together(self, answer: Answer) -> tuple[Answer, Tensor | None]:
        """The answer, and one buffer with all its taps, which one copy hands out."""
        if answer.taps is None:
            return answer, None
        tensors = _tensors(answer.taps)
        together = answer.logits.new_empty(sum(each.numel() for each in tensors))
        torch._foreach_copy_(_parts(together, tensors), tensors)
        return answer, together

    @property
    def nbytes(self) -> int:
        return self._recorded.nbytes

    def __call__(self, pixel_values: Tensor) -> Answer:
        self.given.copy_(pixel_values)
        self._recorded.replay()
        recorded, together = self._recorded.result
        if recorded.taps is None or together is None:
            return Answer(recorded.logits.clone())
        copies = iter(_parts(together.clone(), _tensors(recorded.taps)))
        taps = [replace(stage, tokens=next(copies)) for stage in recorded.taps]
        for stage in taps:
            stage.blocks = [replace(block, query=next(copies), key=next(copies)) for block in stage.blocks]
        for stage in taps:
            stage.blocks = [replace(block, value=next(copies)) for block in stage.blocks]
        return Answer(recorded.logits.clone(), taps, tuple(each.clone() for each in recorded.summary))


def _tensors(taps: Taps) -> list[Tensor]:
    """All tensors, those of one kind together: so are queries and keys, which are mostly wanted without the others."""
    blocks = [block for stage in taps for block in stage.blocks]
    return [*(stage.tokens for stage in taps), *(each for block in blocks for each in (block.query, block.key)), *(b.value for b in blocks)]


def _parts(buffer: Tensor, like: list[Tensor]) -> list[Tensor]:
    """Consecutive parts of a flat buffer, in these tensors' shapes."""
    parts = buffer.split([each.numel() for each in like])
    return [part.view(each.shape) for part, each in zip(parts, like, strict=True)]


def _count_as_changed(optimizer: torch.optim.Optimizer, *called_with: Any) -> None:
    """Steps of fused optimizers bypass PyTorch's version counter, unlike all others."""
    for group in optimizer.param_groups:
        if group.get("fused"):
            torch.autograd.graph.increment_version(group["params"])


register_optimizer_step_post_hook(_count_as_changed)


class _Weights:
    """A model's packed weights, and what shows whether they are up to date. ``packed`` is None if they cannot be packed."""

    def __init__(self, model: CvtForImageClassification):
        self._modules = list(model.modules())
        owners = [owner for module in self._modules for owner in (module._parameters, module._buffers, module._modules)]
        # counts of batches too: a pass in training writes the running statistics past PyTorch's count of changes, but not these
        self._held = [(owner, name, value) for owner in owners for name, value in owner.items()]
        self._counts = [(module._modules, len(module._modules)) for module in self._modules if module._modules]
        # PyTorch counts in-place changes, except of tensors made in inference mode, which cannot be changed
        tensors = [value for _, _, value in self._held if isinstance(value, Tensor) and not value.is_inference()]
        self._versions = [(tensor, tensor._version) for tensor in tensors]
        # a summary's graph reads these where they are; ``model.half()`` gives its parameters other memory
        self._memory = [tensor.detach() for tensor in tensors if tensor.is_cuda]
        # by size of input, the newest last; here, so that nobody gets one with weights from before a change
        self.engines: OrderedDict[tuple[int, int], FastestEngine] = OrderedDict()
        self.packed = pack(model) if why_not(model) is None else None  # last, so that a change meanwhile is noticed too

    def changed(self) -> bool:
        """Whether a weight, a statistic or a module was changed, replaced or added since they were packed."""
        for owner, name, value in self._held:  # plain loops: on a GPU this takes about as long as the pass
            if owner.get(name) is not value:
                return True
        if any(len(children) != count for children, count in self._counts):
            return True
        return any(tensor._version != version for tensor, version in self._versions)

    def hooked(self) -> bool:
        """Whether any module has hooks."""
        return any(module._forward_hooks or module._forward_pre_hooks for module in self._modules)


class Runner:
    """Runs one model; thread-safe.

    Args:
        model: in evaluation mode, on the device and in the dtype in which it is to run.
        compiled: on a CPU in float32, passes without captures run in ONNX Runtime or OpenVINO if the packages ``onnx`` and one of these
            are installed, and if that is faster for the shape of the input. The first pass of a shape takes some seconds, in which
            they are compared; each engine holds another copy of the weights. Elsewhere it changes nothing: on a GPU passes are
            graphs in any case.
    """

    def __init__(self, model: CvtForImageClassification, compiled: bool = False):
        self.model = model
        self.compiled = compiled
        self._lock = threading.Lock()  # guards the graphs and their buffers, and the engines; else passes on a CPU share no mutable state
        self._graphs: OrderedDict[tuple, _Graph] = OrderedDict()  # least recently used first
        self._warming: int | None = None  # the thread that warms it up
        self._pack()

    @torch.inference_mode()
    def warm_up(self, *shape: int, summary: Summary | None = None) -> None:
        """Runs with and without captures for pixel_values of this shape, (B, channels, H, W), so that the first picture need not
        wait for what each of them prepares. On a GPU, where kernels may take ten seconds to build, other threads' passes are not
        supported meanwhile."""
        self._warming = threading.get_ident()
        try:
            for captures in (True, False):
                self(torch.zeros(shape, device=self.model.device, dtype=self.model.dtype), captures, summary if captures else None)
        finally:
            self._warming = None

    def __call__(self, pixel_values: Tensor, captures: bool = False, summary: Summary | None = None) -> Answer | None:
        """Logits, and with ``captures`` the taps of the pass.

        Args:
            summary: a function that computes tensors from the model and an answer with taps, without waiting for a GPU, where it is
                part of the graph: one of a module, since there is a graph for each.
        Returns:
            None if the runner does not support this pass (see the module); the caller then calls the model.
        Raises:
            ValueError: as the model.
        """
        check_pixels(pixel_values, self.model.config)
        if self.model.training or torch.is_grad_enabled() or torch.is_autocast_enabled(self.model.device.type):
            return None
        if self.model.device.type == "cuda" and self._warming not in (None, threading.get_ident()):
            return None
        with self._lock if self.model.device.type == "cuda" else nullcontext():
            weights = self._weights
            answer = self._answer(weights, pixel_values, captures, summary)
            if weights.changed():  # checked while a GPU is at work
                weights = self._pack()
                answer = self._answer(weights, pixel_values, captures, summary)
        return None if weights.hooked() else answer

    def logits(self, pixel_values: Tensor) -> Tensor:
        """Logits (B, num_labels), by the model itself if the runner does not support this pass. Raises as the model."""
        answer = self(pixel_values)
        return self.model(pixel_values, return_dict=True).logits if answer is None else answer.logits

    def refresh(self) -> None:
        """Packs the model's weights as they are now."""
        with self._lock:
            self._pack()

    def _answer(self, weights: _Weights, pixel_values: Tensor, captures: bool, summary: Summary | None) -> Answer | None:
        packed = weights.packed
        if packed is None or not len(pixel_values):
            return None
        pixel_values = pixel_values.to(self.model.device, packed.dtype)
        if pixel_values.is_cuda:
            return self._graph(packed, pixel_values, captures, summary)(pixel_values)
        if self.compiled and not captures and pixel_values.dtype == torch.float32:
            return Answer(self._compiled(packed, weights.engines, pixel_values))
        return self._run(packed, captures, summary, pixel_values)

    def _run(self, packed: Packed, captures: bool, summary: Summary | None, pixel_values: Tensor) -> Answer:
        taps: Taps | None = [] if captures else None
        answer = Answer(forward(packed, pixel_values, taps), taps)
        return answer if taps is None or summary is None else replace(answer, summary=summary(self.model, answer))

    def _compiled(self, packed: Packed, known: OrderedDict[tuple[int, int], FastestEngine], pixel_values: Tensor) -> Tensor:
        size = (pixel_values.shape[2], pixel_values.shape[3])
        with self._lock:
            if size not in known:
                known[size] = FastestEngine(partial(forward, packed), engines(self.model, size))
                while len(known) > MAX_SIZES:
                    known.popitem(last=False)
            engine = known[size]
        return engine(pixel_values)

    def _graph(self, packed: Packed, pixel_values: Tensor, captures: bool, summary: Summary | None) -> _Graph:
        key = (*pixel_values.shape, captures, summary)
        if key not in self._graphs:
            self._graphs[key] = _Graph(pixel_values, partial(self._run, packed, captures, summary))
            while len(self._graphs) > 1 and (
                len(self._graphs) > MAX_GRAPHS or sum(graph.nbytes for graph in self._graphs.values()) > MAX_GRAPH_BYTES
            ):
                self._graphs.popitem(last=False)
        self._graphs.move_to_end(key)
        return self._graphs[key]

    def _pack(self) -> _Weights:
        self._graphs.clear()
        self._weights = _Weights(self.model)
        return self._weights
