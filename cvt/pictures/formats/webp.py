"""WebP: lossy or lossless, with transparency; the first frame of an animation. Source: Google, WebP container specification."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO

from PIL import Image, WebPImagePlugin

from ..common.bounds import MAX_PROFILE_BYTES, check_size, damaged
from ..common.exif import orientation
from ..common.notes import Note
from ..common.stored import Stored, read_at, size_of

_PARTS = (b"ALPH", b"VP8 ", b"VP8L")
_ALPHA = 0x10
_MOST_CHUNKS = 100_000


def read(file: BinaryIO) -> Stored:
    """The picture, or an animation's first frame on its canvas."""
    canvas, first, frames, small, parts = None, None, 0, {}, []
    for kind, start, length in _chunks(file, 12, size_of(file)):
        if kind == b"VP8X":
            head = read_at(file, start, 10)
            canvas = (_three(head, 4) + 1, _three(head, 7) + 1) if len(head) == 10 else None
        elif kind == b"ANMF":
            frames += 1
            first = first or (start, length)
        elif kind in (b"ICCP", b"EXIF") and kind not in small and length <= MAX_PROFILE_BYTES:
            small[kind] = read_at(file, start, length)
        elif kind in _PARTS:
            parts.append((kind, start, length))
    left = top = 0
    if first:
        head = read_at(file, first[0], 16)
        if len(head) < 16 or not canvas:
            raise damaged()
        left, top = 2 * _three(head, 0), 2 * _three(head, 3)
        parts = [part for part in _chunks(file, first[0] + 16, first[0] + first[1]) if part[0] in _PARTS]
    size = _size(file, parts)
    canvas = canvas or size
    check_size(*canvas)
    check_size(*size)
    picture = _decode(file, parts, size)
    if picture.size != canvas:
        if left + size[0] > canvas[0] or top + size[1] > canvas[1]:
            raise damaged()
        whole = Image.new("RGBA", canvas)
        whole.paste(picture.convert("RGBA"), (left, top))
        picture = whole
    notes = [Note("frames", frames)] if frames > 1 else []
    return Stored(picture, orientation(small.get(b"EXIF", b"")), small.get(b"ICCP"), notes)


def _chunks(file: BinaryIO, place: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(kind, start, length) of chunks that lie wholly between ``place`` and ``end``."""
    for _ in range(_MOST_CHUNKS):
        head = read_at(file, place, 8)
        if len(head) < 8 or place + 8 > end:
            return
        kind, length = struct.unpack("<4sI", head)
        if place + 8 + length > end:
            return
        yield kind, place + 8, length
        place += 8 + length + length % 2


def _three(content: bytes, place: int) -> int:
    return int.from_bytes(content[place : place + 3], "little")


def _size(file: BinaryIO, parts: list[tuple[bytes, int, int]]) -> tuple[int, int]:
    """(width, height) as the compressed picture itself says."""
    for kind, start, _ in parts:
        head = read_at(file, start, 10)
        if kind == b"VP8L" and len(head) >= 5 and head[0] == 0x2F:
            (packed,) = struct.unpack_from("<I", head, 1)
            return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        if kind == b"VP8 " and len(head) == 10 and head[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", head, 6)
            return width & 0x3FFF, height & 0x3FFF
    raise damaged()


def _decode(file: BinaryIO, parts: list[tuple[bytes, int, int]], size: tuple[int, int]) -> Image.Image:
    """What Pillow makes of a file of these parts alone."""
    flags = _ALPHA if any(kind in (b"ALPH", b"VP8L") for kind, _, _ in parts) else 0
    sides = b"".join((side - 1).to_bytes(3, "little") for side in size)
    body = b"WEBP" + struct.pack("<4sII", b"VP8X", 10, flags) + sides
    for kind, start, length in parts:
        body += struct.pack("<4sI", kind, length) + read_at(file, start, length) + bytes(length % 2)
    try:
        picture = WebPImagePlugin.WebPImageFile(io.BytesIO(struct.pack("<4sI", b"RIFF", len(body)) + body))
        # Pillow's own load keeps two canvases of the decoder beside the picture and its bytes.
        frame, mode, rawmode = picture._decoder.get_next(), picture.mode, picture.rawmode
    except Exception as error:  # as in ``decoded``
        raise damaged() from error
    if frame is None:
        raise damaged()
    del picture
    return Image.frombytes(mode, size, frame[0], "raw", rawmode)
