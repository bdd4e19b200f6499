"""Several processes that train one model together, as ``torchrun`` starts them; a single process is a world of size 1.

With equal global batches, several processes augment every picture as one process would, average their gradients, and end with
the same weights up to rounding, except for what depends on a process's part of the batch: BatchNorm, whose statistics are
each part's and whose running statistics are the first process's, and dropout and stochastic depth, which each process draws
for itself.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel


@dataclass(frozen=True)
class World:
    """This process among ``size`` of them."""

    rank: int = 0
    size: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the process that prints, measures and writes."""
        return self.rank == 0

    def share(self, model: nn.Module) -> nn.Module:
        """The model, wrapped so that its gradients are averaged over all processes' batches."""
        if self.size == 1:
            return model
        with warnings.catch_warnings():  # renamed in newer versions of PyTorch; older ones lack the new name
            warnings.simplefilter("ignore", FutureWarning)
            # BatchNorm's running statistics are only read in evaluation, so they need not be broadcast in every step
            return DistributedDataParallel(model, broadcast_buffers=False)

    def same(self, model: nn.Module) -> None:
        """Broadcasts the first process's weights and buffers to every process."""
        if self.size > 1:
            for value in model.state_dict().values():
                dist.broadcast(value, 0)

    def average(self, values: list[torch.Tensor]) -> None:
        """Averages each value over all processes, in place, in one message."""
        if self.size > 1:
            together = torch.cat([value.flatten() for value in values])
            dist.all_reduce(together)
            together /= self.size
            parts = together.split([value.numel() for value in values])
            torch._foreach_copy_(values, [part.view(value.shape) for part, value in zip(parts, values, strict=True)])

    def agree(self, decision: bool) -> bool:
        """The first process's decision, in every process."""
        if self.size == 1:
            return decision
        decisions = [decision]
        dist.broadcast_object_list(decisions)
        return decisions[0]

    def total(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of all processes' values."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def wait(self) -> None:
        """Waits until all processes are here."""
        if self.size > 1:
            dist.barrier()


def gradients_stay(model: nn.Module, stay: bool):
    """Within this context, gradients are not exchanged if they are to ``stay``, because more parts of the batch follow."""
    return model.no_sync() if stay and isinstance(model, DistributedDataParallel) else nullcontext()


@contextmanager
def joined(device: torch.device) -> Iterator[tuple[World, torch.device]]:
    """This process's place in the world that ``torchrun`` made, and its own GPU if ``device`` is CUDA."""
    size = int(os.environ.get("WORLD_SIZE", 1))
    if size == 1:
        yield World(), device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), size), device
    finally:
        dist.destroy_process_group()
