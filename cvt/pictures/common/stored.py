"""A picture as its file stores it, and small helpers for the format readers."""

from __future__ import annotations

import bisect
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from .bounds import UnreadablePicture, damaged
from .notes import Note

_BAND = 1 << 20  # pixels processed at a time in steps that need several times their memory


@dataclass
class Stored:
    """Pixels in memory, at most 8 bits per channel, not yet rotated, converted to sRGB or laid over white.

    Args:
        picture: of mode L, LA, La, RGB, RGBA, RGBa, P, PA, CMYK or LAB; transparency is an alpha channel or, for a palette,
            Pillow's ``info["transparency"]``.
        orientation: 1 to 8 as in EXIF.
        shared: whether the picture belongs to the caller and must not be changed.
        colour: an ICC profile's bytes, or a ``Described`` colour space (``colour.py``); None is sRGB.
    """

    picture: Image.Image
    orientation: int = 1
    colour: Any = None
    notes: list[Note] = field(default_factory=list)
    shared: bool = False


def decoded(picture: Image.Image) -> Image.Image:
    """Loads a picture's pixels; whatever Pillow raises on a damaged file becomes an ``UnreadablePicture``."""
    try:
        picture.load()
    except MemoryError as error:
        raise UnreadablePicture("There is too little memory for this picture here. Make it smaller and try again.") from error
    except UnreadablePicture:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        raise damaged() from error
    return picture


def bands(width: int, height: int, most: int = _BAND) -> Iterator[tuple[int, int]]:
    """(top, bottom) of strips that cover the picture, each of about ``most`` pixels."""
    rows = max(1, most // max(width, 1))
    for top in range(0, height, rows):
        yield top, min(top + rows, height)


def rows(picture: Image.Image, top: int, bottom: int) -> np.ndarray:
    """Some rows of a picture, as a new array."""
    return np.asarray(picture.crop((0, top, picture.width, bottom)))


def to_8_bits(values: np.ndarray, most: int) -> np.ndarray:
    """Integers 0..most → uint8 0..255, rounded; larger ones become white."""
    if most == 255:
        return np.minimum(values, 255).astype(np.uint8)
    if most == 65535:
        return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return np.floor(np.minimum(values, most).astype(np.float64) * (255 / most) + 0.5).astype(np.uint8)


def floats_to_8_bits(values: np.ndarray, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """low..high → uint8 0..255, rounded; values outside are clipped, and NaN becomes black."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = (values.astype(np.float64) - low) * (255 / (high - low))
        return np.floor(np.nan_to_num(np.clip(scaled, 0, 255), nan=0.0) + 0.5).astype(np.uint8)


class _Pieces(io.RawIOBase):
    """A read-only file made of byte strings and parts of another file, in order, without copying."""

    def __init__(self, file: BinaryIO, pieces: Sequence[bytes | tuple[int, int]]):
        self._file, self._pieces, self._place = file, [piece for piece in pieces if _length(piece)], 0
        self._starts = [0]
        for piece in self._pieces:
            self._starts.append(self._starts[-1] + _length(piece))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._starts[-1]}[whence]
        self._place = max(0, base + offset)
        return self._place

    def readinto(self, buffer) -> int:
        number = bisect.bisect_right(self._starts, self._place) - 1
        if number >= len(self._pieces):
            return 0
        piece, skipped = self._pieces[number], self._place - self._starts[number]
        wanted = min(len(buffer), _length(piece) - skipped)
        if isinstance(piece, bytes):
            content = piece[skipped : skipped + wanted]
        else:
            self._file.seek(piece[0] + skipped)
            content = self._file.read(wanted)
        buffer[: len(content)] = content
        self._place += len(content)
        return len(content)


def _length(piece: bytes | tuple[int, int]) -> int:
    return len(piece) if isinstance(piece, bytes) else piece[1]


def pieced(file: BinaryIO, pieces: Sequence[bytes | tuple[int, int]]) -> io.BufferedReader:
    """A readable file made of ``pieces``: bytes, or (start, length) of ``file``."""
    return io.BufferedReader(_Pieces(file, pieces), 1 << 16)


def size_of(file: BinaryIO) -> int:
    return file.seek(0, io.SEEK_END)


def read_at(file: BinaryIO, offset: int, count: int) -> bytes:
    """``count`` bytes from ``offset``, fewer at the end of the file."""
    file.seek(offset)
    return file.read(count)
