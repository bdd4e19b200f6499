"""Packs a header and named arrays into bytes, a format that the browser reads.

A little-endian uint32 with the header's length; the header, JSON padded with spaces; the arrays, raw and little-endian, each
starting at a multiple of 8 bytes. The header's ``arrays`` lists name, dtype (NumPy's), shape and offset from the end of the
header.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

Arrays = dict[str, np.ndarray]


def frozen(tensor: Tensor) -> np.ndarray:
    """Converts a tensor to a read-only float32 array, because results are kept and shared."""
    array = np.ascontiguousarray(tensor.detach().cpu().float().numpy())
    array.flags.writeable = False
    return array


def frozen_together(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """``frozen`` of each, for tensors that nobody writes to any more: without a copy on a CPU, as views in any order of memory.

    A GPU hands them over in one copy, since it would wait for all its work at every one; tensors that fill one stretch of its memory, as
    a runner's do, as that stretch, since collecting them would take longer than the pass.
    """
    if tensors and tensors[0].device.type != "cpu":
        tensors = _fetched(tensors)
    return read_only([tensor.detach().float() for tensor in tensors])


def read_only(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """Tensors on a CPU, of any dtype, as arrays of the same memory."""
    arrays = [tensor.numpy() for tensor in tensors]
    for array in arrays:
        array.flags.writeable = False
    return arrays


def _fetched(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Tensors of a GPU, in float32 on the CPU."""
    by_memory: dict[int, list[int]] = {}
    for index, tensor in enumerate(tensors):
        by_memory.setdefault(tensor.untyped_storage().data_ptr(), []).append(index)
    sources: list[Tensor] = []
    places: dict[int, tuple[int, tuple[int, ...], int]] = {}  # of each tensor: its source, its strides, and its place in it
    for members in by_memory.values():
        first, end = _stretch([tensors[index] for index in members])
        if sum(tensors[index].numel() for index in members) == end - first:
            sources.append(tensors[members[0]].as_strided((end - first,), (1,), first))
            places |= {index: (len(sources) - 1, tensors[index].stride(), tensors[index].storage_offset() - first) for index in members}
        else:
            for index in members:
                sources.append(tensors[index].flatten())
                places[index] = len(sources) - 1, torch.empty(tensors[index].shape, device="meta").stride(), 0
    together = torch.cat([source.float() for source in sources]).cpu()
    starts = np.cumsum([0, *(source.numel() for source in sources)]).tolist()
    return [together.as_strided(tensor.shape, places[i][1], starts[places[i][0]] + places[i][2]) for i, tensor in enumerate(tensors)]


def _stretch(tensors: Sequence[Tensor]) -> tuple[int, int]:
    """The first place and the one behind the last in the memory that tensors share."""
    ends = [each.storage_offset() + 1 + sum((n - 1) * step for n, step in zip(each.shape, each.stride(), strict=True)) for each in tensors]
    return min(each.storage_offset() for each in tensors), max(ends)


def pack(header: dict, arrays: Arrays) -> bytes:
    """Packs a header, which must not have the key ``arrays``, and arrays into bytes."""
    described, offset = [], 0
    parts: list[Any] = []
    for name, array in arrays.items():
        array = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
        described.append({"name": name, "dtype": array.dtype.name, "shape": list(array.shape), "offset": offset})
        padding = -array.nbytes % 8
        parts += [array.reshape(-1).view(np.uint8).data, bytes(padding)]
        offset += array.nbytes + padding
    # in ASCII, because a label may have half of a surrogate pair, which UTF-8 lacks
    text = json.dumps({**header, "arrays": described}, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % 8)
    return b"".join([struct.pack("<I", len(text)), text, *parts])


def unpack(data: bytes) -> tuple[dict, Arrays]:
    """Inverts ``pack``; the arrays are read-only views of ``data``.

    Raises:
        ValueError: not a container.
    """
    if len(data) < 4 or 4 + (length := struct.unpack_from("<I", data)[0]) > len(data):
        raise ValueError("These bytes are not a container: the header is missing or truncated.")
    header = json.loads(data[4 : 4 + length])
    arrays = {}
    for each in header.pop("arrays"):
        dtype = np.dtype(each["dtype"]).newbyteorder("<")
        count = int(np.prod(each["shape"], dtype=np.int64))
        arrays[each["name"]] = np.frombuffer(data, dtype, count, 4 + length + each["offset"]).reshape(each["shape"])
    return header, arrays
