"""A model's weights in a file instead of memory, for a model whose runner has a packed copy of them."""

from __future__ import annotations

import mmap
import os
import tempfile
from contextlib import suppress
from itertools import accumulate

import torch
from torch import Tensor, nn

ALIGNED = 64  # bytes; as PyTorch aligns tensors


class Paged:
    """The weights of ``model``, moved to an unnamed file, from which the system reads them when they are used: they take memory only then,
    until ``let_go``. Without room on the disk, or where the system has no such files, they stay where they are.

    Args:
        model: on a CPU. Its tensors stay the same objects.
    """

    def __init__(self, model: nn.Module):
        self._map: mmap.mmap | None = None
        tensors = [each for each in (*model.parameters(), *model.buffers()) if each.is_contiguous() and each.numel()]
        if not tensors or not hasattr(os, "posix_fallocate") or not hasattr(mmap, "MADV_DONTNEED"):
            return
        sizes = [-(-each.nbytes // ALIGNED) * ALIGNED for each in tensors]
        with suppress(OSError), tempfile.TemporaryFile() as file:
            os.posix_fallocate(file.fileno(), 0, sum(sizes))  # a disk that is full later would end the process
            self._map = mmap.mmap(file.fileno(), sum(sizes))
        if self._map is not None:
            for tensor, start in zip(tensors, accumulate(sizes, initial=0), strict=False):
                _move(tensor, self._map, start)

    def let_go(self) -> None:
        """Gives back the memory of what was read of the file. Whoever uses the weights now or later reads them again."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_DONTNEED)


def _move(tensor: Tensor, file: mmap.mmap, start: int) -> None:
    # a storage of its own: whoever copies or saves a tensor takes its whole storage
    moved = torch.frombuffer(file, dtype=tensor.dtype, count=tensor.numel(), offset=start).view(tensor.shape)
    moved.copy_(tensor.detach())
    tensor.data = moved
