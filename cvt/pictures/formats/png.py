"""PNG and APNG: 1 to 16 bits per channel, every kind of transparency, the first frame of an animation.

Only the chunks that hold the picture reach Pillow: text of any length, a broken profile and wrong checksums in chunks that
do not matter are no reason to refuse a file. Source: W3C, Portable Network Graphics, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from ..common.bounds import MAX_PROFILE_BYTES, check_size, damaged
from ..common.colour import Described, from_cicp, from_gamma
from ..common.exif import orientation
from ..common.notes import Note
from ..common.stored import Stored, bands, decoded, pieced, read_at, rows, size_of, to_8_bits

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MAX_CHUNKS = 1_000_000
_KINDS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}  # colour type → bits
_GREY, _RGB, _PALETTE, _GREY_ALPHA, _RGB_ALPHA = _KINDS
_CHANNELS = {_GREY: 1, _RGB: 3, _PALETTE: 1, _GREY_ALPHA: 2, _RGB_ALPHA: 4}
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))  # left, top, steps
_BLOCK = 1 << 20
_SMALL = {b"IHDR", b"PLTE", b"tRNS", b"cICP", b"iCCP", b"sRGB", b"gAMA", b"cHRM", b"eXIf", b"acTL"}  # read where they come first


@dataclass
class _Structure:
    small: dict[bytes, bytes] = field(default_factory=dict)
    still: list[tuple[int, int]] = field(default_factory=list)  # (start, length) of the data of IDAT chunks
    frame: list[tuple[int, int]] = field(default_factory=list)  # the same of the first animation frame's fdAT chunks
    control: bytes | None = None  # the first fcTL
    still_is_frame: bool = False


def read(file: BinaryIO) -> Stored:
    """The picture, or an animation's first frame on its canvas, as browsers show it first."""
    found = _walk(file)
    header = found.small.get(b"IHDR", b"")
    if len(header) != 13:
        raise damaged()
    width, height, depth, kind = struct.unpack(">IIBB", header[:10])
    check_size(width, height)
    if depth not in _KINDS.get(kind, ()):
        raise damaged()
    notes = []
    frames = _frames(found)
    if frames > 1:
        notes.append(Note("frames", frames))
    picture = _first_frame(file, found, header) if frames and found.frame else None
    if picture is None:
        picture = _picture(file, header, found.small, found.still)
    return Stored(picture, orientation(found.small.get(b"eXIf", b"")), _colour(found.small), notes)


def _walk(file: BinaryIO) -> _Structure:
    """Where everything is. Chunks after the picture's data count only if they belong to it."""
    found, end = _Structure(), size_of(file)
    place = len(SIGNATURE)
    controls = 0
    for _ in range(_MAX_CHUNKS):
        head = read_at(file, place, 8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        start = place + 8
        held = max(0, min(length, end - start))
        if kind == b"IDAT":
            found.still.append((start, held))
        elif kind == b"fdAT" and controls == 1 and not found.still_is_frame and length >= 4:
            found.frame.append((start + 4, max(0, held - 4)))
        elif kind == b"fcTL":
            controls += 1
            if controls == 1:
                found.control = file.read(min(held, 26))
                found.still_is_frame = not found.still
        elif kind == b"IEND":
            break
        elif kind in _SMALL and kind not in found.small and (not found.still or kind == b"eXIf"):
            content = file.read(min(held, MAX_PROFILE_BYTES))
            if kind in (b"IHDR", b"PLTE") and file.read(4) != struct.pack(">I", zlib.crc32(kind + content)):
                raise damaged()
            found.small[kind] = content
        place = start + length + 4
    return found


def _frames(found: _Structure) -> int:
    """Frames of an animation that browsers would play; 0 of a still picture."""
    control = found.small.get(b"acTL", b"")
    return struct.unpack_from(">I", control)[0] if len(control) == 8 and found.control else 0


def _first_frame(file: BinaryIO, found: _Structure, header: bytes) -> Image.Image | None:
    """The first frame where it is another picture than the still one; None if it is not inside its canvas."""
    if found.control is None or len(found.control) < 26:
        return None
    width, height, left, top = struct.unpack(">4I", found.control[4:20])
    size = struct.unpack(">II", header[:8])
    if not (width and height and left + width <= size[0] and top + height <= size[1]):
        return None
    frame = _picture(file, struct.pack(">II", width, height) + header[8:], found.small, found.frame)
    if frame.size == size:
        return frame
    canvas = Image.new("RGBA", size)  # transparent
    canvas.paste(frame.convert("RGBA"), (left, top))
    return canvas


def _picture(file: BinaryIO, header: bytes, small: dict[bytes, bytes], data: list[tuple[int, int]]) -> Image.Image:
    width, _, depth, kind = struct.unpack(">IIBB", header[:10])
    clear = small.get(b"tRNS", b"") if kind in (_GREY, _RGB, _PALETTE) else b""
    if kind == _PALETTE:
        return _decode(file, header, {b"PLTE": _palette(small.get(b"PLTE", b""), depth), b"tRNS": clear}, data)
    if depth == 16:
        return _reduced(file, header, kind, clear, data)
    picture = _decode(file, header, {}, data)
    if len(clear) != (2 if kind == _GREY else 6):
        return picture
    key = np.array(struct.unpack(f">{len(clear) // 2}H", clear)) & (1 << depth) - 1
    key = key * 255 // ((1 << depth) - 1)  # as Pillow spreads 1, 2 and 4 bits
    plain = picture.convert("L") if picture.mode == "1" else picture
    return _cleared(plain, lambda top, bottom: (rows(plain, top, bottom).reshape(bottom - top, width, -1) == key).all(axis=2))


def _palette(content: bytes, depth: int) -> bytes:
    """A palette as long as the depth allows: places that it lacks have its last colour, as in Chromium."""
    if not content or len(content) % 3:
        raise damaged()
    missing = (1 << depth) - len(content) // 3
    return content[: 3 << depth] + content[-3:] * max(0, missing)


def _decode(
    file: BinaryIO, header: bytes, chunks: dict[bytes, bytes], data: Sequence[tuple[int, int]], rawmode: str | None = None
) -> Image.Image:
    """What Pillow makes of a PNG of these chunks alone; ``rawmode`` is its name for another way to read samples."""
    small = b"".join(_chunk(kind, content) for kind, content in {b"IHDR": header, **chunks}.items() if content)
    total = sum(length for _, length in data)
    if not total or total >= 1 << 31:
        raise damaged()
    end = bytes(4) + _chunk(b"IEND", b"")  # the checksum of IDAT is not looked at: zlib has its own
    stream = pieced(file, [SIGNATURE + small + struct.pack(">I", total) + b"IDAT", *data, end])
    try:
        picture = PngImagePlugin.PngImageFile(stream)
    except Exception as error:  # as in ``decoded``
        raise damaged() from error
    if rawmode:
        picture.tile = [picture.tile[0]._replace(args=rawmode)]
    decoded(picture)
    if _may_lack_rows(picture, header):
        _check_length(pieced(file, data), header)
    return picture


def _may_lack_rows(picture: Image.Image, header: bytes) -> bool:
    """Whether the data may end too early. Pillow leaves what is missing at 0 and says nothing where a compressed stream is whole."""
    width, height = picture.size
    last = picture.crop((0, max(0, height - 2), width, height))  # the last row of the last pass is one of two
    return bool(header[12]) or not np.asarray(last).reshape(last.height, -1).any(axis=1).all()


def _check_length(data: BinaryIO, header: bytes) -> None:
    """Refuses compressed data that is shorter than the picture."""
    width, height, depth, kind = struct.unpack(">IIBB", header[:10])
    bits = depth * _CHANNELS[kind]
    sizes = [(width, height)]
    if header[12]:
        sizes = [(-(-(width - left) // right), -(-(height - top) // down)) for left, top, right, down in _PASSES]
    missing = sum(lines * (1 + -(-across * bits // 8)) for across, lines in sizes if across > 0 and lines > 0)
    unpacker = zlib.decompressobj()
    while missing > 0 and not unpacker.eof and (packed := unpacker.unconsumed_tail or data.read(_BLOCK)):
        missing -= len(unpacker.decompress(packed, _BLOCK))
    if missing - len(unpacker.flush()) > 0:
        raise damaged()


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _reduced(file: BinaryIO, header: bytes, kind: int, clear: bytes, data: list[tuple[int, int]]) -> Image.Image:
    """16 bits per channel → 8, rounded; Pillow keeps the upper byte alone and loses which colour is transparent."""
    width, height = struct.unpack(">II", header[:8])
    if kind == _GREY:
        samples = _decode(file, header, {}, data)
        picture = Image.new("L", (width, height))

        def values(top, bottom):
            return rows(samples, top, bottom).astype(np.uint16)[:, :, None]

    elif kind == _GREY_ALPHA:  # its four bytes per pixel are those of RGBA of 8 bits
        samples = _decode(file, header[:8] + bytes([8, _RGB_ALPHA]) + header[10:], {}, data)
        picture = Image.new("LA", (width, height))

        def values(top, bottom):
            return rows(samples, top, bottom).view(">u2")

    else:
        mode = "RGB" if kind == _RGB else "RGBA"
        samples = picture = _decode(file, header, {}, data, f"{mode};16B")
        low = _decode(file, header, {}, data, f"{mode};16L")  # the other byte of each sample

        def values(top, bottom):
            return rows(samples, top, bottom).astype(np.uint16) << 8 | rows(low, top, bottom)

    alpha = Image.new("L", (width, height)) if len(clear) == (2 if kind == _GREY else 6) else None
    key = np.frombuffer(clear, ">u2")
    for top, bottom in bands(width, height):
        wide = values(top, bottom)
        if alpha is not None:
            alpha.paste(Image.fromarray(np.where((wide == key).all(axis=2), 0, 255).astype(np.uint8)), (0, top))
        narrow = to_8_bits(wide, 65535)
        picture.paste(Image.fromarray(narrow[:, :, 0] if narrow.shape[2] == 1 else narrow), (0, top))
    if alpha is not None:
        picture.putalpha(alpha)
    return picture


def _cleared(picture: Image.Image, hidden) -> Image.Image:
    """The picture with an alpha channel that is 0 where ``hidden(top, bottom)`` says so."""
    alpha = Image.new("L", picture.size)
    for top, bottom in bands(*picture.size):
        alpha.paste(Image.fromarray(np.where(hidden(top, bottom), 0, 255).astype(np.uint8)), (0, top))
    picture.putalpha(alpha)
    return picture


def _colour(small: dict[bytes, bytes]) -> bytes | Described | None:
    """By rank: cICP, iCCP, sRGB, then gAMA with cHRM."""
    cicp = small.get(b"cICP", b"")
    if len(cicp) == 4 and cicp[2] == 0 and (described := from_cicp(cicp[0], cicp[1])):
        return described
    if profile := _profile(small.get(b"iCCP", b"")):
        return profile
    gamma = small.get(b"gAMA", b"")
    if b"sRGB" in small or len(gamma) != 4:
        return None
    places = small.get(b"cHRM", b"")
    return from_gamma(struct.unpack(">I", gamma)[0] / 100_000, np.frombuffer(places, ">u4") / 100_000 if len(places) == 32 else None)


def _profile(content: bytes) -> bytes:
    _, _, packed = content.partition(b"\0")
    try:
        return zlib.decompressobj().decompress(packed[1:], MAX_PROFILE_BYTES)
    except zlib.error:
        return b"\0" if content else b""  # a profile, if a broken one
