"""AVIF of 8 to 12 bits, in one piece or as a grid, with nclx or ICC colours.

The boxes are read here, so that the size that counts is the one of the compressed frames, before libavif (through Pillow)
decodes them. Sources: ISO/IEC 14496-12 and 23008-12; AOM, AV1 Image File Format and AV1 bitstream, 5.5 and 5.9.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from PIL import AvifImagePlugin

from ..common.bounds import MAX_PROFILE_BYTES, UnreadablePicture, check_size, damaged, unsupported
from ..common.colour import from_cicp
from ..common.exif import orientation
from ..common.notes import Note
from ..common.stored import Stored, decoded, read_at, size_of

MAX_AVIF_PIXELS = 30_000_000  # the frame at 12 bits, its RGB and Pillow's copies take up to 22 bytes per pixel together
MAX_FILE_BYTES = 100_000_000
_BRANDS = (b"avif", b"avis")
_MOST_BOXES = 10_000
_SEQUENCE_HEADER = 1


@dataclass
class _Item:
    kind: bytes = b""
    extents: list[tuple[int, int]] = field(default_factory=list)  # (start, length) in the file
    properties: dict[bytes, bytes] = field(default_factory=dict)


def is_avif(start: bytes) -> bool:
    """Whether the first bytes of a file are those of an AVIF, by its brands."""
    (length,) = struct.unpack_from(">I", start.ljust(4, b"\0"))
    brands = start[8:12] + start[16 : min(length, 256)]
    return start[4:8] == b"ftyp" and any(brands[place : place + 4] in _BRANDS for place in range(0, len(brands), 4))


def read(file: BinaryIO) -> Stored:
    """The primary picture; of a sequence its still one."""
    if size_of(file) > MAX_FILE_BYTES:
        raise UnreadablePicture(f"This AVIF file is larger than {MAX_FILE_BYTES // 1_000_000} MB. Export it as JPEG and try again.")
    content = bytearray(read_at(file, 0, MAX_FILE_BYTES))
    items, primary = _items(content)
    if primary not in items:
        raise unsupported("an AVIF sequence without a still picture")
    picture = items[primary]
    width, height = _extent(picture)
    check_size(width, height)
    if width * height > MAX_AVIF_PIXELS:
        raise UnreadablePicture(
            f"This AVIF picture has more than {MAX_AVIF_PIXELS // 1_000_000} million pixels. Make it smaller, or export it as JPEG."
        )
    _check_frames(content, items, width * height)
    frames = 2 if content[8:12] == b"avis" else 1
    content[8:12] = b"avif"  # a sequence's still picture, not its film
    try:
        opened = AvifImagePlugin.AvifImageFile(io.BytesIO(bytes(content)))
    except Exception as error:  # as in ``decoded``
        raise damaged() from error
    del content
    if opened.size != (width, height):
        raise damaged()
    decoded(opened)
    opened._decoder = None  # it holds the frame once more
    notes = [Note("still")] if frames > 1 else []
    return Stored(opened, orientation(opened.info.get("exif", b"")), _colour(picture, opened.info.get("icc_profile")), notes)


def _colour(picture: _Item, profile: bytes | None):
    if profile and len(profile) <= MAX_PROFILE_BYTES:
        return profile
    nclx = picture.properties.get(b"nclx", b"")
    if len(nclx) < 4:
        return None
    primaries, transfer = struct.unpack_from(">HH", nclx)
    return from_cicp(primaries, transfer, television="srgb")


def _boxes(content: bytes | bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start, end) of the boxes between two places, without their heads."""
    for _ in range(_MOST_BOXES):
        if start + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", content, start)
        head = 8
        if length == 1 and start + 16 <= end:
            (length,) = struct.unpack_from(">Q", content, start + 8)
            head = 16
        stop = end if length == 0 else start + length
        if (length and length < head) or stop > end:
            raise damaged()
        yield bytes(kind), start + head, stop
        start = stop


def _items(content: bytes | bytearray) -> tuple[dict[int, _Item], int | None]:
    """The items of the file by their numbers, and the primary one's number."""
    items: dict[int, _Item] = {}
    primary, data = None, 0
    try:
        for kind, start, end in _boxes(content, 0, len(content)):
            if kind != b"meta":
                continue
            inner = {name: (first, last) for name, first, last in _boxes(content, start + 4, end)}
            if b"idat" in inner:
                data = inner[b"idat"][0]
            if b"pitm" in inner:
                place = inner[b"pitm"][0]
                (primary,) = struct.unpack_from(">I" if content[place] else ">H", content, place + 4)
            _kinds(content, inner, items)
            _extents(content, inner, items, data)
            _properties(content, inner, items)
            break
    except (struct.error, IndexError) as error:
        raise damaged() from error
    return items, primary


def _kinds(content: bytes | bytearray, inner: dict, items: dict[int, _Item]) -> None:
    start, end = inner.get(b"iinf", (0, 0))
    if not end:
        return
    for kind, first, _ in _boxes(content, start + (8 if content[start] else 6), end):
        if kind == b"infe" and content[first] >= 2:
            wide = content[first] > 2
            (number,) = struct.unpack_from(">I" if wide else ">H", content, first + 4)
            place = first + (10 if wide else 8)
            items[number] = _Item(bytes(content[place : place + 4]))


def _extents(content: bytes | bytearray, inner: dict, items: dict[int, _Item], data: int) -> None:
    place, end = inner.get(b"iloc", (0, 0))
    if not end:
        return
    version, sizes = content[place], struct.unpack_from(">H", content, place + 4)[0]
    widths = [sizes >> shift & 15 for shift in (12, 8, 4, 0)]  # of offset, length, base and index, in bytes
    place += 6

    def number(size: int) -> int:
        nonlocal place
        value = int.from_bytes(content[place : place + size], "big")
        place += size
        if place > end:
            raise damaged()
        return value

    for _ in range(number(4 if version == 2 else 2)):
        item = items.get(number(4 if version == 2 else 2), _Item())
        method = number(2) & 15 if version else 0
        number(2)
        base = number(widths[2])
        for _ in range(number(2)):
            if version:
                number(widths[3])
            offset, length = number(widths[0]), number(widths[1])
            start = base + offset + (data if method == 1 else 0)
            item.extents.append((start, length or len(content) - start))


def _properties(content: bytes | bytearray, inner: dict, items: dict[int, _Item]) -> None:
    """Gives each item its properties by name; colours by the name of their kind."""
    start, end = inner.get(b"iprp", (0, 0))
    parts = [(name, first, last) for name, first, last in _boxes(content, start, end)]
    known = []
    for name, first, last in parts:
        if name == b"ipco":
            for kind, begin, stop in _boxes(content, first, last):
                value = bytes(content[begin : min(stop, begin + 64)])
                known.append((value[:4], value[4:]) if kind == b"colr" else (kind, value))
    for name, first, last in parts:
        if name != b"ipma":
            continue
        wide, long = content[first], content[first + 3] & 1
        (count,) = struct.unpack_from(">I", content, first + 4)
        place = first + 8
        for _ in range(count):
            (number,) = struct.unpack_from(">I" if wide else ">H", content, place)
            place += 4 if wide else 2
            amount = content[place]
            place += 1
            for _ in range(amount):
                index = int.from_bytes(content[place : place + 1 + long], "big") & (0x7FFF if long else 0x7F)
                place += 1 + long
                if number in items and 0 < index <= len(known):
                    items[number].properties.setdefault(*known[index - 1])
            if place > last:
                raise damaged()


def _extent(item: _Item) -> tuple[int, int]:
    extent = item.properties.get(b"ispe", b"")
    if len(extent) < 12:
        raise damaged()
    return struct.unpack_from(">II", extent, 4)


def _check_frames(content: bytes | bytearray, items: dict[int, _Item], most: int) -> None:
    """Refuses frames that are larger than the extent of their item says, and more of them than make one picture."""
    total = 0
    for item in items.values():
        if item.kind != b"av01":
            continue
        width, height = _extent(item)
        total += width * height
        parts = [bytes(content[start : start + length]) for start, length in item.extents[:16]]
        for own_width, own_height in _frame_sizes(b"".join(parts)):
            if own_width > width or own_height > height:
                raise damaged()
    if total > 4 * most + 1_000_000:  # colour and alpha, tiles that overlap the edge, and a small picture beside
        raise damaged()


def _frame_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """(width, height) of every sequence header of an AV1 stream."""
    place = 0
    while place < len(data):
        head = data[place]
        place += 2 if head & 4 else 1
        length = len(data) - place
        if head & 2:
            length, place = _leb128(data, place)
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _sequence_size(data[place : place + min(length, 256)])
        place += length


def _leb128(data: bytes, place: int) -> tuple[int, int]:
    value = 0
    for number in range(8):
        byte = data[place] if place < len(data) else 0
        place += 1
        value |= (byte & 127) << 7 * number
        if not byte & 128:
            break
    return value, place


def _sequence_size(header: bytes) -> tuple[int, int]:
    """The largest frame that an AV1 sequence header allows."""
    bits, place = int.from_bytes(header, "big"), 8 * len(header)

    def take(count: int) -> int:
        nonlocal place
        place -= count
        if place < 0:
            raise damaged()
        return bits >> place & (1 << count) - 1

    take(4)  # profile, still picture
    if take(1):  # reduced header
        take(5)
    else:
        delays = decoder_model = 0
        if take(1):  # timing
            take(64)
            if take(1):
                zeros = 0
                while not take(1):
                    zeros += 1
                take(zeros)
            decoder_model = take(1)
            if decoder_model:
                delays = take(5) + 1
                take(42)
        initial_delay = take(1)
        for _ in range(take(5) + 1):
            take(12)
            if take(5) > 7:
                take(1)
            if decoder_model and take(1):
                take(2 * delays + 1)
            if initial_delay and take(1):
                take(4)
    widths, heights = take(4) + 1, take(4) + 1
    return take(widths) + 1, take(heights) + 1
