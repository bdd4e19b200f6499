"""CUDA graphs: a function that is recorded once, and then replayed without the CPU launching each of its kernels."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

Result = TypeVar("Result")
Groups = Sequence[Sequence[np.ndarray]]  # arrays of one shape in each
Function = Callable[..., list[Tensor]]
WARM_UP = 2  # runs before a recording
_one_at_a_time = threading.Lock()  # PyTorch records only one graph at a time in a process


class Recording(Generic[Result]):
    """A function of tensors that stay where they are, as a graph; ``result``: what the last replay gave, in place.

    The function must not wait for the GPU. ``nbytes``: of the memory that the recording holds.
    """

    def __init__(self, function: Callable[[], Result], device: torch.device):
        with _one_at_a_time, torch.cuda.device(device):
            side, current = torch.cuda.Stream(device), torch.cuda.current_stream(device)
            side.wait_stream(current)
            with torch.cuda.stream(side):  # what libraries set up on their first call cannot be recorded
                for _ in range(WARM_UP):
                    function()
            current.wait_stream(side)
            self._graph = torch.cuda.CUDAGraph()
            # what other threads do on the GPU meanwhile, such as reserving memory, must not end the recording
            with torch.cuda.graph(self._graph, stream=side, capture_error_mode="thread_local"):
                before = torch.cuda.memory_reserved(device)  # of a cache that PyTorch has just emptied
                self.result = function()
            self.nbytes = max(0, torch.cuda.memory_reserved(device) - before)

    def replay(self) -> None:
        """Runs it again, on what its tensors hold now; returns before the GPU is done."""
        self._graph.replay()


class Recorded:
    """A function of arrays, computed on a GPU, as a recording from the second time on that arrays of the same shapes come. Thread-safe.

    Args:
        function: takes a list of tensors on the device and the settings, returns a list of tensors, and does not wait for the GPU.
        most, most_bytes: bounds of the recordings that are kept, the most recently used ones.
    """

    def __init__(self, function: Function, most: int = 4, most_bytes: int = 1 << 30):
        self._function, self._most, self._most_bytes = function, most, most_bytes
        self._known: OrderedDict[Hashable, _Work] = OrderedDict()  # the least recently used first
        self._lock = threading.Lock()

    def begin(self, device: torch.device, groups: Groups, *settings: Hashable) -> Callable[[], list[np.ndarray]]:
        """Begins to compute; the call of what it returns waits for the results.

        Args:
            groups: of float32 arrays; those of one group, which have one shape, become one tensor (arrays, *shape).
            settings: further arguments of the function.
        """
        key = (device, tuple((len(group), *group[0].shape) for group in groups), settings)
        with self._lock:
            work = self._known.pop(key, None) or _Work(device, groups)
            self._known[key] = work
            result = work.begin(groups, lambda: self._function(work.inputs, *settings))
            while len(self._known) > 1 and (
                len(self._known) > self._most or sum(each.nbytes for each in self._known.values()) > self._most_bytes
            ):
                self._known.popitem(last=False)
        return result


class _Work:
    """The inputs for one key, on both sides, and the recording. In inference mode, whose tensors others cannot change."""

    @torch.inference_mode()
    def __init__(self, device: torch.device, groups: Groups):
        shapes = [(len(group), *group[0].shape) for group in groups]
        sizes = [int(np.prod(shape)) for shape in shapes]
        self._host = torch.empty(sum(sizes), pin_memory=True)  # memory that a GPU reads by itself
        self._given = torch.empty(sum(sizes), device=device)
        self._places = [part.view(shape).numpy() for part, shape in zip(self._host.split(sizes), shapes, strict=True)]
        self.inputs = [part.view(shape) for part, shape in zip(self._given.split(sizes), shapes, strict=True)]
        self._copied = torch.cuda.Event()
        self._recording: Recording[_Joined] | None = None
        self._runs = 0

    @property
    def nbytes(self) -> int:
        return self._given.nbytes + (self._recording.nbytes if self._recording else 0)

    @torch.inference_mode()
    def begin(self, groups: Groups, function: Callable[[], list[Tensor]]) -> Callable[[], list[np.ndarray]]:
        self._copied.synchronize()  # until the GPU has the arrays of the call before
        for place, group in zip(self._places, groups, strict=True):
            np.stack(group, out=place)
        self._given.copy_(self._host, non_blocking=True)
        self._copied.record(torch.cuda.current_stream(self._given.device))
        self._runs += 1
        if self._runs == 1:  # a recording takes as long as several runs
            return _Joined.of(function()).fetched()
        if self._recording is None:
            self._recording = Recording(lambda: _Joined.of(function()), self._given.device)
        self._recording.replay()
        return self._recording.result.fetched()


@dataclass(frozen=True)
class _Joined:
    """Tensors of any dtype in one tensor of bytes, because a GPU would wait for all its work at every copy to the CPU."""

    data: Tensor
    forms: list[tuple[int, np.dtype, tuple[int, ...]]]  # of each tensor: bytes, dtype, shape

    @classmethod
    def of(cls, tensors: Sequence[Tensor]) -> _Joined:
        forms = [(tensor.nbytes, torch.empty(0, dtype=tensor.dtype).numpy().dtype, tuple(tensor.shape)) for tensor in tensors]
        return cls(torch.cat([_bytes(tensor) for tensor in tensors]), forms)

    def fetched(self) -> Callable[[], list[np.ndarray]]:
        """Begins to copy them to the CPU, behind what the GPU does now and before what it is given next; the call of what it returns waits
        for the copy. In memory that a GPU writes to by itself, of which PyTorch keeps what has become free: not for long-lived results."""
        data = torch.empty_like(self.data, device="cpu", pin_memory=True)
        data.copy_(self.data, non_blocking=True)
        copied = torch.cuda.Event()
        copied.record(torch.cuda.current_stream(self.data.device))

        def arrays() -> list[np.ndarray]:
            copied.synchronize()
            flat, ends = data.numpy(), accumulate(size for size, _, _ in self.forms)
            return [flat[end - size : end].view(dtype).reshape(shape) for end, (size, dtype, shape) in zip(ends, self.forms, strict=True)]

        return arrays


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.contiguous().flatten().view(torch.uint8)
