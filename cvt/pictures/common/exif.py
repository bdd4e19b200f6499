"""Reads the orientation from EXIF, the only tag that affects how the pixels are shown."""

from __future__ import annotations

import struct

_ORIENTATION, _SHORT = 0x0112, 3


def orientation(exif: bytes) -> int:
    """The orientation (1 to 8) in an EXIF block, with or without its ``Exif\\0\\0``; 1 if damaged or absent."""
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", block, entry)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # truncated, or no TIFF header (order is None)
        pass
    return 1
