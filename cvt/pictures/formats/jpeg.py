"""JPEG: baseline and progressive, with profiles in parts, and files that lack only their end.

Only the tables and scans of the first picture reach Pillow, so that damaged EXIF, XMP or thumbnails, a second picture (MPO,
gain maps) and a film behind it do not matter. Source: ITU-T T.81.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import BinaryIO

from PIL import Image, ImageChops, JpegImagePlugin

from ..common.bounds import MAX_PROFILE_BYTES, check_scans, check_size, damaged, unsupported
from ..common.exif import orientation
from ..common.notes import Note
from ..common.stored import Stored, decoded, pieced, read_at, size_of

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # inside a scan, 0xff is followed by 0 or a restart marker
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_READ = {0xC0, 0xC1, 0xC2, 0xC9, 0xCA}
_ALONE = {0x01, *range(0xD0, 0xD9)}  # markers without a length
_MOST_MARKERS = 1_000_000
_END = b"\xff\xd9"


@dataclass
class Structure:
    """What a JPEG's markers say."""

    width: int = 0
    height: int = 0
    bits: int = 8
    frame: int = 0  # the marker that opens the picture: 0xc0 baseline, 0xc2 progressive
    parts: list[tuple[int, int]] = field(default_factory=list)  # (start, length) of what the decoder needs
    scans: list[bytes] = field(default_factory=list)  # the headers of the scans
    components: tuple[int, ...] = ()
    exif: bytes = b""
    profile: dict[int, bytes] = field(default_factory=dict)
    ended: bool = False

    @property
    def scanned(self) -> int:
        """Pixels × scans."""
        return self.width * self.height * len(self.scans)


def walk(file: BinaryIO) -> Structure:
    """The markers of a JPEG up to its end; nothing is decoded.

    Raises:
        UnreadablePicture: no JPEG structure, or more scans than are worth decoding.
    """
    found, end, place = Structure(), size_of(file), 2
    for _ in range(_MOST_MARKERS):
        place = _next_marker(file, place, end)
        marker = read_at(file, place, 2)
        if len(marker) < 2 or marker == _END:
            found.ended = len(marker) == 2
            return found
        kind = marker[1]
        if kind in _ALONE:
            place += 2
            continue
        length = read_at(file, place + 2, 2)
        if len(length) < 2:
            return found
        (length,) = struct.unpack(">H", length)
        _note(found, file, kind, place, max(2, length))
        place += 2 + max(2, length)
        check_scans(found.scanned)
        if kind == 0xDA:
            start, place = place, _next_marker(file, place, end)
            found.parts.append((start, place - start))
    raise damaged()


def _next_marker(file: BinaryIO, place: int, end: int) -> int:
    size = 64  # segments mostly follow each other at once, and scans are long
    while place < end - 1:
        block = read_at(file, place, size)
        match = _MARKER.search(block)
        if match:
            return place + match.start()
        place += len(block) - 1  # the last byte may be half a marker
        size = min(4 * size, 1 << 20)
    return end


def _note(found: Structure, file: BinaryIO, kind: int, place: int, length: int) -> None:
    """Keeps of one segment what matters."""
    if kind in (0xC4, 0xCC, 0xDA, 0xDB, 0xDD, *_FRAMES):
        found.parts.append((place, 2 + length))
    if kind in _FRAMES:
        if found.frame:  # a second size, for which Pillow would make room
            raise damaged()
        content = read_at(file, place + 4, length - 2)
        if len(content) < 6:
            raise damaged()
        found.frame = kind
        found.bits, found.height, found.width, count = struct.unpack(">BHHB", content[:6])
        found.components = tuple(content[6 : 6 + 3 * count : 3])
    elif kind == 0xDA:
        found.scans.append(read_at(file, place + 4, length - 2))
    elif kind in (0xE0, 0xEE):
        if read_at(file, place + 4, 5) in (b"JFIF\0", b"Adobe"):  # they say how colours are stored
            found.parts.append((place, 2 + length))
    elif kind == 0xE1 and not found.exif and read_at(file, place + 4, 6) == b"Exif\0\0":
        found.exif = read_at(file, place + 4, length - 2)
    elif kind == 0xE2 and read_at(file, place + 4, 12) == b"ICC_PROFILE\0":
        content = read_at(file, place + 16, length - 14)
        if len(content) > 2 and sum(map(len, found.profile.values())) + len(content) <= MAX_PROFILE_BYTES:
            found.profile[content[0]] = content[2:]


def read(file: BinaryIO, least: int | None = None) -> Stored:
    """The first picture of the file; with ``least``, decoded at a fraction of its size, no side shorter than that."""
    found = walk(file)
    if not found.frame or not found.scans:
        raise damaged()
    check_size(found.width, found.height)
    if found.frame not in _READ:
        raise unsupported("a lossless or hierarchical JPEG")
    if found.bits != 8:
        raise unsupported(f"a JPEG of {found.bits} bits per channel")
    if len(found.components) not in (1, 3, 4):
        raise unsupported(f"a JPEG of {len(found.components)} channels")
    if found.ended:
        picture, notes = _decode(file, found, b"", least), []
    else:
        picture, notes = _without_end(file, found, least), [Note("no_end")]
    profile = b"".join(found.profile[number] for number in sorted(found.profile))
    return Stored(picture, orientation(found.exif), profile or None, notes)


def _decode(file: BinaryIO, found: Structure, more: bytes, least: int | None) -> Image.Image:
    try:
        picture = JpegImagePlugin.JpegImageFile(pieced(file, [b"\xff\xd8", *found.parts, more + _END]))
    except Exception as error:  # as in ``decoded``
        raise damaged() from error
    if least:
        picture.draft("RGB", (least, least))
    return decoded(picture)


def _without_end(file: BinaryIO, found: Structure, least: int | None) -> Image.Image:
    """The picture of a file without its end marker, if nothing else is missing.

    Then whatever stands before the marker changes no pixel. Where something is missing, the decoder takes it for that, and
    bits and their opposites make two different pictures.
    """
    if found.frame in (0xC2, 0xCA) and not _all_bits(found):
        raise damaged()
    start, length = found.parts[-1]
    if read_at(file, start + length - 1, 1) == b"\xff":  # half of the end marker
        found.parts[-1] = (start, length - 1)
    bits = bytes((37 * number + 11) % 254 + 1 for number in range(1000))  # no 0xff, and no 0, whose opposite it is
    picture, other = (_decode(file, found, more, least) for more in (bits, bytes(255 - byte for byte in bits)))
    if ImageChops.difference(picture, other).getbbox():
        raise damaged()
    return picture


def _all_bits(found: Structure) -> bool:
    """Whether the scans of a progressive picture bring every bit of every coefficient."""
    missing = {(component, place) for component in found.components for place in range(64)}
    for scan in found.scans:
        count = scan[0] if scan else 0
        if len(scan) >= 4 + 2 * count and not scan[3 + 2 * count] & 15:
            first, last = scan[1 + 2 * count], min(scan[2 + 2 * count], 63)
            missing -= {(component, place) for component in scan[1 : 1 + 2 * count : 2] for place in range(first, last + 1)}
    return not missing
