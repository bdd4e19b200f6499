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
    array = np.ascontiguousarray(tensor.detach().float().cpu().numpy())
    array.flags.writeable = False
    return array


def frozen_together(tensors: Sequence[Tensor]) -> list[np.ndarray]:
    """``frozen`` of each; a GPU hands them over in one copy, since it would wait for all its work at every one."""
    if not tensors or tensors[0].device.type == "cpu":
        return [frozen(tensor) for tensor in tensors]
    together = frozen(torch.cat([tensor.flatten() for tensor in tensors]).cpu())
    parts = np.split(together, np.cumsum([tensor.numel() for tensor in tensors])[:-1])
    return [part.reshape(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


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
