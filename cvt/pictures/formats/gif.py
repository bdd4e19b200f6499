"""GIF: the first frame on its canvas. Source: CompuServe, GIF89a."""

from __future__ import annotations

import struct
from typing import BinaryIO

from PIL import GifImagePlugin, Image

from ..common.bounds import check_size, damaged
from ..common.notes import Note
from ..common.stored import Stored, decoded, pieced, read_at

_MOST_BLOCKS = 2_000_000


def read(file: BinaryIO) -> Stored:
    """Reads the first frame; the canvas around it is transparent, so it becomes white."""
    screen = read_at(file, 0, 13)
    if len(screen) < 13:
        raise damaged()
    place = 13 + _table(screen[10])
    palette = read_at(file, 13, place - 13)
    frames, control, blocks = 0, b"", 0
    first: tuple[bytes, int, int] | None = None
    while blocks < _MOST_BLOCKS:
        blocks += 1
        kind = read_at(file, place, 1)
        if kind == b"!":
            label = file.read(1)
            if label == b"\xf9" and not frames:
                control = b"!\xf9" + file.read(6)
            place += 2
        elif kind == b",":
            head = b"," + file.read(9)
            if len(head) < 10:
                break
            data = place + 10 + _table(head[9])
            frames += 1
            if not first:
                first = (head, place + 10, place + 10)
            place = data + 1
        else:
            break
        start = place
        place, count, whole = _behind(file, place, _MOST_BLOCKS - blocks)
        blocks += count
        if first and frames == 1 and kind == b",":
            first = (*first[:2], place)
        if not whole:
            break
    if not first:
        raise damaged()
    head, start, end = first
    left, top, width, height = struct.unpack("<4H", head[1:9])
    across, down = struct.unpack("<HH", screen[6:10])
    across, down = max(across, left + width), max(down, top + height)
    check_size(across, down)
    check_size(width, height)
    picture = _decode(file, screen, palette, control, head, (start, end - start))
    if picture.size != (across, down):
        canvas = Image.new("RGBA", (across, down))
        canvas.paste(picture.convert("RGBA"), (left, top))
        picture = canvas
    return Stored(picture, notes=[Note("frames", frames)] if frames > 1 else [])


def _table(flags: int) -> int:
    """Length in bytes of the colour table that these flags announce."""
    return 3 << (flags & 7) + 1 if flags & 128 else 0


def _behind(file: BinaryIO, place: int, most: int) -> tuple[int, int, bool]:
    """(where the sub-blocks from ``place`` end, their number, whether they are terminated)."""
    for count in range(most):
        length = read_at(file, place, 1)
        if not length:
            return place, count, False
        place += 1 + length[0]
        if not length[0]:
            return place, count, True
    return place, most, False


def _decode(file: BinaryIO, screen: bytes, palette: bytes, control: bytes, head: bytes, data: tuple[int, int]) -> Image.Image:
    """Decodes this frame alone with Pillow, on a canvas of its size."""
    start = screen[:6] + head[5:9] + screen[10:] + palette + control + b"," + bytes(4) + head[5:]
    try:
        return decoded(GifImagePlugin.GifImageFile(pieced(file, [start, data, b";"])))
    except (SyntaxError, OSError, EOFError, ValueError) as error:
        raise damaged() from error
