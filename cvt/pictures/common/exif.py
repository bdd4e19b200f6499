"""The one thing of a picture's EXIF that concerns its pixels: which way is up."""

from __future__ import annotations

import struct

_ORIENTATION, _SHORT = 0x0112, 3


def orientation(exif: bytes) -> int:
    """1 to 8 of an EXIF block, with or without its ``Exif\\0\\0``; 1 where it is damaged or says nothing."""
    block = exif.removeprefix(b"Exif\0\0")
    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    try:
        (start,) = struct.unpack_from(f"{order}I", block, 4)
        (count,) = struct.unpack_from(f"{order}H", block, start)
        for entry in range(start + 2, start + 2 + 12 * count, 12):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", block, entry)
            if tag == _ORIENTATION:
                return value if kind == _SHORT and 1 <= value <= 8 else 1
    except struct.error:  # cut off, or no TIFF header: order is None
        pass
    return 1
