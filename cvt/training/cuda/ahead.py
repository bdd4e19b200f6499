"""The next batch, augmented on a stream of its own while the GPU works on this one."""

from __future__ import annotations

import torch
from torch import Tensor

from ..batches import Batches


class Ahead:
    """``batches`` on a GPU, each made one step early: the same pictures and targets.

    On two H100 a step of the embedded model (512 pictures each) took 56.4 instead of 57.6 ms.
    """

    def __init__(self, batches: Batches):
        self._batches = batches
        self._stream = torch.cuda.Stream(batches.device)
        self._stream.wait_stream(torch.cuda.current_stream(batches.device))  # until the pictures are there
        self._next: tuple[int, int] | None = None

    def __call__(self, step: int, part: int) -> tuple[Tensor, Tensor]:
        """As ``Batches``."""
        if self._next != (step, part):
            self._begin(step, part)
        batch, current = self._batch, torch.cuda.current_stream(self._batches.device)
        current.wait_event(self._made)
        for tensor in batch:
            tensor.record_stream(current)  # so that its memory is not used again before this stream has read it
        if step + 1 < len(self._batches.plan):
            self._begin(step + 1, part)
        return batch

    def _begin(self, step: int, part: int) -> None:
        with torch.cuda.stream(self._stream):
            self._batch = self._batches(step, part)
            self._made = self._stream.record_event()
        self._next = step, part
