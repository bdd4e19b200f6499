"""The Netpbm family: PBM, PGM and PPM, plain or binary, of any maximum, and PFM. Source: Netpbm's format pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..common.bounds import check_size, damaged, unsupported
from ..common.notes import Note
from ..common.stored import Stored, bands, floats_to_8_bits, read_at, to_8_bits

_HEAD = 4096  # bytes within which a header ends, comments included
_TOKEN = re.compile(rb"(?:\s|#[^\r\n]*[\r\n])*([^\s#]+)")
_BLOCK = 1 << 20
MAX_WRITTEN_NUMBERS = 30_000_000  # numbers; each takes 20 times as long as a byte of a binary file
PLAIN = (b"P1", b"P2", b"P3")
_CHANNELS = {b"P1": 1, b"P2": 1, b"P3": 3, b"P4": 1, b"P5": 1, b"P6": 3, b"Pf": 1, b"PF": 3}


def read(file: BinaryIO) -> Stored:
    """Whole numbers up to the header's maximum, or floats from 0 to 1, as black to white."""
    kind, numbers, start = _header(read_at(file, 0, _HEAD))
    try:
        width, height = int(numbers[0]), int(numbers[1])
        limit = 1.0 if kind in (b"P1", b"P4") else float(numbers[2]) if kind[1:] in b"fF" else int(numbers[2])
    except ValueError as error:
        raise damaged() from error
    check_size(width, height)
    channels, notes = _CHANNELS[kind], []
    if kind in (b"P2", b"P3") and width * height * channels > MAX_WRITTEN_NUMBERS:
        raise unsupported(
            f"a picture of more than {MAX_WRITTEN_NUMBERS // 1_000_000} million numbers written as text", "Save it as a binary PPM"
        )
    if kind[1:] in b"fF":
        if not np.isfinite(limit) or limit == 0:
            raise damaged()
        rows = _floats(file, start, width, height, channels, "<f4" if limit < 0 else ">f4")
        notes.append(Note("range", name="0 to 1"))
    elif kind in (b"P1", b"P4"):
        rows = _bits(file, start, width, height) if kind == b"P4" else _plain(file, start, width, height, 1, 1, one_by_one=True)
        rows = ((top, np.where(values, 0, 255).astype(np.uint8)) for top, values in rows)  # 1 is black
    else:
        if not 0 < limit < 65_536:
            raise damaged()
        most = int(limit)
        whole = (_plain if kind in PLAIN else _whole)(file, start, width, height, channels, most)
        rows = ((top, to_8_bits(values, most)) for top, values in whole)
        if limit not in (255, 65_535):
            notes.append(Note("range", name=f"0 to {limit}"))
    picture = Image.new("L" if channels == 1 else "RGB", (width, height))
    for top, values in rows:
        picture.paste(Image.fromarray(values[:, :, 0] if channels == 1 else np.ascontiguousarray(values)), (0, top))
    return Stored(picture, notes=notes)


def _header(content: bytes) -> tuple[bytes, list[bytes], int]:
    """(its two letters, the numbers that follow, where pixels begin)."""
    kind, place, numbers = content[:2], 2, []
    for _ in range(2 if kind in (b"P1", b"P4") else 3):
        token = _TOKEN.match(content, place)
        if not token or len(token[1]) > 20:
            raise damaged()
        numbers.append(token[1])
        place = token.end()
    return kind, numbers, place + 1


def _taken(file: BinaryIO, place: int, count: int) -> bytes:
    content = read_at(file, place, count)
    if len(content) < count:
        raise damaged()
    return content


def _whole(file: BinaryIO, start: int, width: int, height: int, channels: int, limit: int) -> Iterator[tuple[int, np.ndarray]]:
    size = 2 if limit > 255 else 1
    stride = width * channels * size
    for top, bottom in bands(width, height):
        content = _taken(file, start + top * stride, (bottom - top) * stride)
        yield top, np.frombuffer(content, f">u{size}").reshape(bottom - top, width, channels)


def _floats(file: BinaryIO, start: int, width: int, height: int, channels: int, kind: str) -> Iterator[tuple[int, np.ndarray]]:
    stride = width * channels * 4
    for top, bottom in bands(width, height):
        content = _taken(file, start + (height - bottom) * stride, (bottom - top) * stride)  # the last row comes first
        yield top, floats_to_8_bits(np.frombuffer(content, kind).reshape(bottom - top, width, channels)[::-1])


def _bits(file: BinaryIO, start: int, width: int, height: int) -> Iterator[tuple[int, np.ndarray]]:
    stride = -(-width // 8)
    for top, bottom in bands(width, height):
        content = np.frombuffer(_taken(file, start + top * stride, (bottom - top) * stride), np.uint8).reshape(-1, stride)
        yield top, np.unpackbits(content, axis=1, count=width)[:, :, None]


def _plain(
    file: BinaryIO, start: int, width: int, height: int, channels: int, limit: int, one_by_one: bool = False
) -> Iterator[tuple[int, np.ndarray]]:
    """Numbers written in letters; ``one_by_one``: every letter is one."""
    numbers = _numbers(file, start, one_by_one)
    held = np.zeros(0, np.int64)
    for top, bottom in bands(width, height):
        wanted = (bottom - top) * width * channels
        parts, count = [held], len(held)
        while count < wanted:
            parts.append(next(numbers, np.zeros(0, np.int64)))
            if not len(parts[-1]):
                raise damaged()
            count += len(parts[-1])
        held = np.concatenate(parts)
        values, held = held[:wanted], held[wanted:]
        if values.min() < 0 or values.max() > limit:
            raise damaged()
        yield top, values.reshape(bottom - top, width, channels)


def _numbers(file: BinaryIO, place: int, one_by_one: bool) -> Iterator[np.ndarray]:
    """Those of one block of text at a time."""
    rest, comment = b"", False
    while block := read_at(file, place, _BLOCK):
        place += len(block)
        text, comment = _without_comments(block, comment)
        if one_by_one:
            digits = np.frombuffer(b"".join(text.split()), np.uint8).astype(np.int64) - ord("0")
            if len(digits):
                yield digits
            continue
        text = rest + text
        cut = max(text.rfind(space) for space in (b" ", b"\n", b"\t", b"\r")) + 1
        text, rest = text[:cut], text[cut:]
        if len(rest) > 20:
            raise damaged()
        if text.strip():
            yield _parsed(text)
    if rest:
        yield _parsed(rest)


def _parsed(text: bytes) -> np.ndarray:
    try:
        return np.array(text.split(), dtype="S20").astype(np.int64)
    except ValueError as error:
        raise damaged() from error


def _without_comments(block: bytes, inside: bool) -> tuple[bytes, bool]:
    """(the block without what stands from # to the end of a line, whether it ends in such a comment)."""
    if inside:
        end = re.search(rb"[\r\n]", block)
        if not end:
            return b"", True
        block = block[end.start() :]
    text = re.sub(rb"#[^\r\n]*", b"", block)
    last = max(block.rfind(b"\n"), block.rfind(b"\r"))
    return text, block.find(b"#", last + 1) >= 0
