"""The forward and backward passes of a training step as one CUDA graph, so that the CPU launches it instead of thousands of kernels.

Communication between processes stays outside: a graph that holds their connection keeps it from being closed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

WARM_UP = 3  # runs before a recording: they compile the model and choose kernels

Work = Callable[[Tensor, Tensor], Tensor]


class _Recording(NamedTuple):
    graph: torch.cuda.CUDAGraph
    x: Tensor
    targets: Tensor
    result: Tensor
    gradients: list[Tensor | None]


class CapturedGradients:
    """``work`` as CUDA graphs, one per shape of a batch.

    Args:
        model: whose gradients ``work`` computes.
        work: pictures (B, 3, H, W) and targets (B, classes) → a tensor for the caller; it leaves the gradients in the parameters,
            does not synchronise, and uses only the GPU's default generator.
    """

    def __init__(self, model: nn.Module, work: Work):
        self._model, self._work = model, work
        self._recordings: dict[torch.Size, _Recording] = {}

    def __call__(self, x: Tensor, targets: Tensor) -> Tensor:
        """Runs ``work``: the parameters hold the new gradients until the next call; the caller must not free them."""
        if x.shape not in self._recordings:
            self._recordings[x.shape] = self._record(x, targets)
        recording = self._recordings[x.shape]
        recording.x.copy_(x)
        recording.targets.copy_(targets)
        recording.graph.replay()
        for parameter, gradient in zip(self._model.parameters(), recording.gradients, strict=True):
            parameter.grad = gradient
        return recording.result.clone()

    def _record(self, x: Tensor, targets: Tensor) -> _Recording:
        x, targets = x.clone(), targets.clone()
        before = [buffer.clone() for buffer in self._model.buffers()]  # warming up changes BatchNorm's statistics
        beside = torch.cuda.Stream()
        beside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(beside):
            for _ in range(WARM_UP):
                self._forget()
                self._work(x, targets)
        torch.cuda.current_stream().wait_stream(beside)
        self._forget()
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            result = self._work(x, targets)
        for buffer, value in zip(self._model.buffers(), before, strict=True):
            buffer.copy_(value)
        return _Recording(graph, x, targets, result, [parameter.grad for parameter in self._model.parameters()])

    def _forget(self) -> None:
        for parameter in self._model.parameters():
            parameter.grad = None
