"""Several processes that train one model together, as ``torchrun`` starts them; alone, one process is the whole world.

What holds: with equal global batches, several processes augment every picture as one process would, average their gradients,
and end with the same weights up to rounding, provided that nothing depends on the part of the batch a process sees.
BatchNorm does: its statistics are those of each process's part, and the running ones those of the first process. So do
dropout and stochastic depth, which each process draws for itself.
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
        """The model so that its gradients become those of all processes' batches."""
        if self.size == 1:
            return model
        with warnings.catch_warnings():  # newer versions of PyTorch have another name for it, which older ones lack
            warnings.simplefilter("ignore", FutureWarning)
            # BatchNorm's running statistics are read in evaluation only, so nobody needs the first process's in every step
            return DistributedDataParallel(model, broadcast_buffers=False)

    def same(self, model: nn.Module) -> None:
        """Gives the model the first process's weights and buffers, in every process."""
        if self.size > 1:
            for value in model.state_dict().values():
                dist.broadcast(value, 0)

    def average(self, values: list[torch.Tensor]) -> None:
        """Makes each value, in place, the mean of all processes' values; in one message."""
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
        """Until all processes are here."""
        if self.size > 1:
            dist.barrier()


def gradients_stay(model: nn.Module, stay: bool):
    """While entered, gradients are kept to this process if they are to ``stay``: more parts of the batch are to come."""
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
