"""The directory of a TIFF: which samples a picture has, and where they lie. Sources: TIFF 6.0; BigTIFF."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from ..common.bounds import MAX_PIXELS, MAX_PROFILE_BYTES, TOO_LARGE, UnreadablePicture, check_size, damaged, unsupported
from ..common.stored import read_at, size_of

WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL_ORDER = 256, 257, 258, 259, 262, 266
STRIP_OFFSETS, ORIENTATION, SAMPLES, ROWS_PER_STRIP, STRIP_COUNTS, PLANAR = 273, 274, 277, 278, 279, 284
PREDICTOR, COLOUR_MAP, TILE_WIDTH, TILE_HEIGHT, TILE_OFFSETS, TILE_COUNTS = 317, 320, 322, 323, 324, 325
INK_SET, EXTRA, FORMAT, LEAST, MOST, TABLES, SUBSAMPLING, REFERENCE = 332, 338, 339, 340, 341, 347, 530, 532
KIND, PROFILE, RAW_CAMERA, T4, T6 = 254, 34675, 50706, 292, 293
_USED = {value for name, value in globals().items() if name.isupper() and isinstance(value, int) and value < 60_000}
_TYPES = {1: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f", 12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q"}
_MOST_PAGES = 10_000
COMPRESSIONS = {
    1: "no", 2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "Deflate", 32773: "PackBits", 32809: "ThunderScan",
    32946: "Deflate", 33003: "JPEG 2000", 33005: "JPEG 2000", 34676: "LogLuv", 34677: "LogLuv", 34712: "JPEG 2000", 34887: "LERC",
    34892: "lossy JPEG", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL", 52546: "JPEG XL",
}  # fmt: skip
COLOURS = {
    0: "grey",
    1: "grey",
    2: "RGB",
    3: "palette",
    5: "CMYK",
    6: "YCbCr",
    8: "CIELAB",
    9: "ICCLAB",
    32803: "camera raw",
    32844: "LogL",
}


@dataclass(frozen=True)
class Layout:
    """One page: its size, its samples, and its parts (strips or tiles) as (offset, length) in the file."""

    order: str  # "<" or ">"
    width: int
    height: int
    bits: int
    samples: int
    format: int  # 1 whole numbers, 2 with a sign, 3 floats
    photometric: int
    compression: int
    planar: bool
    predictor: int
    fill_order: int
    part_width: int
    part_height: int
    tiled: bool
    parts: tuple[tuple[int, int], ...]
    extra: tuple[int, ...]
    tags: dict[int, tuple]

    @property
    def name(self) -> str:
        kind = {1: "", 2: " signed", 3: " float"}.get(self.format, " complex")
        colours = COLOURS.get(self.photometric, f"photometric {self.photometric}")
        compression = COMPRESSIONS.get(self.compression, str(self.compression))
        return f"a TIFF of {colours}, {self.samples} × {self.bits}{kind} bits, {compression} compression"

    @property
    def across(self) -> int:
        return -(-self.width // self.part_width)

    @property
    def down(self) -> int:
        return -(-self.height // self.part_height)


def pages(file: BinaryIO) -> tuple[Layout, int]:
    """The first page, and how many there are; smaller versions and masks of a page are none.

    Raises:
        UnreadablePicture: a directory that is damaged, or that promises more than is allowed.
    """
    start = read_at(file, 0, 16)
    order = ">" if start[:2] == b"MM" else "<"
    big = 43 in (start[2:3] + start[3:4])
    try:
        (place,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", start, 8 if big else 4)
        first, place = _directory(file, place, order, big)
    except struct.error as error:
        raise damaged() from error
    count = 1
    seen: set[int] = set()
    while place and place not in seen and len(seen) < _MOST_PAGES:
        seen.add(place)
        try:
            others, place = _directory(file, place, order, big, {KIND})
        except struct.error:  # what is wrong with later pages does not matter
            break
        count += not (others.get(KIND) or (0,))[0] & 5
    return _layout(first, order, size_of(file)), count


def _directory(file: BinaryIO, place: int, order: str, big: bool, wanted: set[int] | None = None) -> tuple[dict[int, tuple], int]:
    """(tags, where the next directory is)."""
    end = size_of(file)
    (count,) = struct.unpack(f"{order}Q" if big else f"{order}H", read_at(file, place, 8 if big else 2))
    entry = 20 if big else 12
    if count > 65_535 or place > end:
        raise struct.error
    place += 8 if big else 2
    table = read_at(file, place, count * entry)
    (following,) = struct.unpack(
        f"{order}Q" if big else f"{order}I", (read_at(file, place + count * entry, 8 if big else 4)).ljust(8 if big else 4, b"\0")
    )
    tags = {}
    for number in range(min(count, len(table) // entry)):
        tag, kind, amount = struct.unpack_from(f"{order}HHQ" if big else f"{order}HHI", table, number * entry)
        if tag in (wanted or _USED) and kind in _TYPES and tag not in tags:
            tags[tag] = _values(file, order, kind, amount, table[(number + 1) * entry - (8 if big else 4) : (number + 1) * entry], end)
    return tags, following


def _values(file: BinaryIO, order: str, kind: int, amount: int, place: bytes, end: int) -> tuple:
    size = struct.calcsize("=" + _TYPES[kind]) * amount
    if not amount or size > end:
        return ()
    if size > len(place):
        (offset,) = struct.unpack(f"{order}Q" if len(place) == 8 else f"{order}I", place)
        content = read_at(file, offset, size)
    else:
        content = place[:size]
    if kind in (1, 7):
        return (content,) if size > 64 else tuple(content)
    numbers = struct.unpack(f"{order}{len(_TYPES[kind]) * amount}{_TYPES[kind][0]}", content.ljust(size, b"\0"))
    if len(_TYPES[kind]) == 2:
        return tuple(upper / lower if lower else 0.0 for upper, lower in zip(numbers[::2], numbers[1::2], strict=True))
    return numbers


def _layout(tags: dict[int, tuple], order: str, end: int) -> Layout:
    def one(tag: int, default: int = 0) -> int:
        value = tags.get(tag) or (default,)
        return value[0] if isinstance(value[0], int) else default

    width, height = one(WIDTH), one(HEIGHT)
    check_size(width, height)
    if RAW_CAMERA in tags:
        raise unsupported("a camera's raw picture (DNG)", "Export it as JPEG")
    samples, bits = one(SAMPLES, len(tags.get(BITS) or (1,))), tags.get(BITS) or (1,)
    tiled = TILE_OFFSETS in tags
    part_width = one(TILE_WIDTH) if tiled else width
    part_height = one(TILE_HEIGHT) if tiled else min(one(ROWS_PER_STRIP, height) or height, height)
    if part_width < 1 or part_height < 1 or not 1 <= samples <= 64:
        raise damaged()
    if part_width * part_height > MAX_PIXELS:
        raise UnreadablePicture(TOO_LARGE)
    planar = one(PLANAR, 1) == 2 and samples > 1
    layout = Layout(
        order, width, height, bits[0], samples, one(FORMAT, 1), one(PHOTOMETRIC), one(COMPRESSION, 1), planar, one(PREDICTOR, 1),
        one(FILL_ORDER, 1), part_width, part_height, tiled, _parts(tags, tiled, end), tags.get(EXTRA, ()), tags,
    )  # fmt: skip
    if len(set(bits[:samples])) > 1 or not 1 <= layout.bits <= 64 or layout.format not in (1, 2, 3, 4):
        raise unsupported("a TIFF of channels of different kinds")
    if len(layout.parts) < layout.across * layout.down * (samples if planar else 1):
        raise damaged()
    return layout


def _parts(tags: dict[int, tuple], tiled: bool, end: int) -> tuple[tuple[int, int], ...]:
    offsets = tags.get(TILE_OFFSETS if tiled else STRIP_OFFSETS, ())
    counts = tags.get(TILE_COUNTS if tiled else STRIP_COUNTS, ())
    if len(counts) < len(offsets):  # as some write them for one uncompressed strip
        counts = tuple(end - offset for offset in offsets) if len(offsets) == 1 else ()
    parts = tuple((offset, max(0, min(count, end - offset))) for offset, count in zip(offsets, counts, strict=False))
    if sum(count for _, count in parts) > 2 * end:  # the same bytes again and again
        raise damaged()
    return parts


def profile(layout: Layout) -> bytes | None:
    value = layout.tags.get(PROFILE) or (b"",)
    content = value[0] if isinstance(value[0], bytes) else bytes(value)
    return content if 0 < len(content) <= MAX_PROFILE_BYTES else None


def built(tags: dict[int, tuple[int, ...] | bytes], data: list[bytes], tiled: bool = False) -> bytes:
    """A TIFF of one page whose strips or tiles are ``data``; ``tags`` are LONG, or bytes."""
    offsets, body = [], bytearray(b"II*\0" + bytes(4))
    for part in data:
        offsets.append(len(body))
        body += part
    places = (TILE_OFFSETS, TILE_COUNTS) if tiled else (STRIP_OFFSETS, STRIP_COUNTS)
    tags = {**tags, places[0]: tuple(offsets), places[1]: tuple(map(len, data))}
    entries = b""
    for tag, values in sorted(tags.items()):
        raw = isinstance(values, bytes)
        packed = values if isinstance(values, bytes) else struct.pack(f"<{len(values)}I", *values)
        if len(packed) > 4:
            packed, start = struct.pack("<I", len(body)), packed
            body += start
        entries += struct.pack("<HHI", tag, 7 if raw else 4, len(values)) + packed.ljust(4, b"\0")
    body += bytes(len(body) % 2)
    body[4:8] = struct.pack("<I", len(body))
    return bytes(body + struct.pack("<H", len(tags)) + entries + bytes(4))


def strips(layout: Layout) -> Iterator[tuple[int, list[tuple[int, int]]]]:
    """(top row, its parts) of each row of parts: all tiles across of all planes, plane by plane."""
    planes = layout.samples if layout.planar else 1
    per_plane = layout.across * layout.down
    for row in range(layout.down):
        start = row * layout.across
        parts = [layout.parts[plane * per_plane + start + column] for plane in range(planes) for column in range(layout.across)]
        yield row * layout.part_height, parts
