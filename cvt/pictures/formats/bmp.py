"""BMP of 1 to 32 bits per pixel, with palettes or masks; run-length compressed ones are refused by name.

Source: Microsoft, BITMAPINFOHEADER to BITMAPV5HEADER.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

import numpy as np
from PIL import Image

from ..common.bounds import MAX_PROFILE_BYTES, check_size, damaged, unsupported
from ..common.stored import Stored, bands, floats_to_8_bits, read_at

_COMPRESSIONS = {1: "RLE8-compressed", 2: "RLE4-compressed", 4: "JPEG-compressed", 5: "PNG-compressed"}
_PLAIN, _MASKS, _ALPHA_MASKS = 0, 3, 6
_EMBEDDED = b"DEBM"  # bV5CSType of an embedded profile
_DEFAULT_MASKS = {16: (0x7C00, 0x3E0, 0x1F, 0), 24: (0xFF0000, 0xFF00, 0xFF, 0), 32: (0xFF0000, 0xFF00, 0xFF, 0)}


def read(file: BinaryIO) -> Stored:
    """The picture; the fourth byte of a pixel is transparency only where a mask says so."""
    start = read_at(file, 0, 14 + 124)
    if len(start) < 26:
        raise damaged()
    offset, header_size = struct.unpack_from("<II", start, 10)
    header = start[14 : 14 + header_size]
    if header_size == 12:
        width, height, _, bits = struct.unpack_from("<4H", header, 4)
        compression, used, entry = _PLAIN, 0, 3
    elif 40 <= header_size <= 124 and len(header) >= 40:
        width, height, _, bits, compression, _, _, _, used = struct.unpack_from("<iiHHIIiiI", header, 4)
        entry = 4
    else:
        raise damaged()
    check_size(width, abs(height))
    if compression in _COMPRESSIONS and bits in (0, 4, 8):
        raise unsupported(f"a BMP that is {_COMPRESSIONS[compression]}")
    if compression not in ((_PLAIN,) if bits <= 8 else (_PLAIN, _MASKS, _ALPHA_MASKS)) or bits not in (1, 2, 4, 8, 16, 24, 32):
        raise unsupported(f"a BMP of {bits} bits with compression {compression}")
    after = 14 + header_size
    if bits <= 8:
        count = min(used or 1 << bits, 1 << bits)
        palette = np.frombuffer(read_at(file, after, count * entry), np.uint8)
        picture = _by_palette(file, offset, width, height, bits, palette[: len(palette) // entry * entry].reshape(-1, entry)[:, 2::-1])
    else:
        masks = _masks(start[54:] if compression != _PLAIN else b"", header_size, compression, bits)
        picture = _by_masks(file, offset, width, height, bits, masks)
    return Stored(picture, colour=_profile(file, header))


def _masks(content: bytes, header_size: int, compression: int, bits: int) -> tuple[int, ...]:
    if not content:
        return _DEFAULT_MASKS[bits]
    count = 4 if header_size >= 56 or compression == _ALPHA_MASKS else 3
    masks = struct.unpack_from(f"<{count}I", content.ljust(16, b"\0"))
    if bits == 24 or any(mask >> bits for mask in masks) or not all(map(_in_one_piece, masks)):
        raise unsupported(f"a BMP of {bits} bits with unusual masks")
    return (*masks, 0)[:4]


def _lowest(mask: int) -> int:
    return mask & -mask


def _in_one_piece(mask: int) -> bool:
    return not mask or not mask // _lowest(mask) & (mask // _lowest(mask) + 1)


def _rows(file: BinaryIO, offset: int, width: int, height: int, bits: int):
    """(top row in the picture, bytes (rows, stride)) in the picture's order, few rows at a time."""
    stride = (width * bits + 31) // 32 * 4
    for top, bottom in bands(width, abs(height)):
        first = top if height < 0 else height - bottom  # rows are stored from the last to the first
        content = read_at(file, offset + first * stride, (bottom - top) * stride)
        if len(content) < (bottom - top) * stride:
            raise damaged()
        rows = np.frombuffer(content, np.uint8).reshape(-1, stride)
        yield top, rows if height < 0 else rows[::-1]


def _by_palette(file: BinaryIO, offset: int, width: int, height: int, bits: int, palette: np.ndarray) -> Image.Image:
    picture = Image.new("P", (width, abs(height)))
    for top, rows in _rows(file, offset, width, height, bits):
        if bits < 8:
            places = np.arange(8 - bits, -1, -bits, dtype=np.uint8)
            rows = (rows[:, :, None] >> places & (1 << bits) - 1).reshape(len(rows), -1)
        picture.paste(Image.fromarray(np.ascontiguousarray(rows[:, :width])), (0, top))
    table = np.zeros((256, 3), np.uint8)  # what the palette lacks is black
    table[: len(palette)] = palette
    picture.putpalette(table.tobytes())
    return picture


def _by_masks(file: BinaryIO, offset: int, width: int, height: int, bits: int, masks: tuple[int, ...]) -> Image.Image:
    channels = 4 if masks[3] else 3
    picture = Image.new("RGBA" if masks[3] else "RGB", (width, abs(height)))
    for top, rows in _rows(file, offset, width, height, bits):
        rows = rows[:, : width * bits // 8].reshape(len(rows), width, bits // 8)
        if masks[:3] == (0xFF0000, 0xFF00, 0xFF) and masks[3] in (0, 0xFF000000) and channels <= bits // 8:
            band = rows[:, :, [2, 1, 0, 3][:channels]]
        else:
            pixels = np.ascontiguousarray(rows).view(f"<u{bits // 8}")[:, :, 0].astype(np.int64)
            band = np.stack([_channel(pixels, mask) for mask in masks[:channels]], axis=2)
        picture.paste(Image.fromarray(np.ascontiguousarray(band)), (0, top))
    return picture


def _channel(pixels: np.ndarray, mask: int) -> np.ndarray:
    if not mask:
        return np.zeros(pixels.shape, np.uint8)
    low = _lowest(mask)
    return floats_to_8_bits((pixels & mask) // low, 0, mask // low)


def _profile(file: BinaryIO, header: bytes) -> bytes | None:
    if len(header) < 124 or header[56:60] != _EMBEDDED:
        return None
    offset, size = struct.unpack_from("<II", header, 112)
    return read_at(file, 14 + offset, size) if size <= MAX_PROFILE_BYTES else None
