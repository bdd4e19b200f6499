"""TIFF of every kind of number: 1 to 64 bits, signed or float, in one plane or several, in strips or tiles.

Samples are unpacked here and scaled by their type and tags, never by what the picture holds; libtiff (through Pillow)
undoes LZW, PackBits, LZMA and Zstandard as bytes, and JPEG and CCITT as pictures. Source: TIFF 6.0 and its supplements.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, TiffImagePlugin

from ..common.bounds import MAX_UNPACKED_BYTES, UnreadablePicture, check_scans, damaged, unsupported
from ..common.notes import Note
from ..common.stored import Stored, decoded, floats_to_8_bits, pieced, read_at, rows, to_8_bits
from . import jpeg
from . import tiff_tags as tags
from .tiff_tags import Layout, built, pages, strips

_BYTES = (5, 32773, 34925, 50000)  # compressions that libtiff undoes without knowing what the bytes mean
_DEFLATE = (8, 32946)
_FAX, _JPEG = (2, 3, 4), 7
_BAND = 4_000_000  # bytes of rows that are unpacked together
_REVERSED = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint8)
_LARGE = "This TIFF is compressed as one large part. Export it with smaller strips or tiles, or as PNG, and try again."


def read(file: BinaryIO) -> Stored:
    """The first page; smaller versions of it are not counted as pages."""
    layout, count = pages(file)
    notes = [Note("pages", count)] if count > 1 else []
    picture = _by_libtiff(file, layout) if layout.compression in (*_FAX, _JPEG) else _by_samples(file, layout, notes)
    (turn,) = layout.tags.get(tags.ORIENTATION, (1,))[:1] or (1,)
    return Stored(picture, turn if turn in range(1, 9) else 1, tags.profile(layout), notes)


def _by_libtiff(file: BinaryIO, layout: Layout) -> Image.Image:
    """JPEG and fax, which know nothing of samples."""
    if layout.compression == _JPEG:
        if layout.bits != 8 or layout.planar or layout.samples not in (1, 3, 4):
            raise unsupported(layout.name)
        scanned = 0
        for offset, length in layout.parts:
            found = jpeg.walk(pieced(file, [(offset, length)]))
            scanned += layout.part_width * layout.part_height * max(1, len(found.scans))
            check_scans(scanned)
    elif layout.bits != 1 or layout.samples != 1:
        raise unsupported(layout.name)
    kept = (tags.PHOTOMETRIC, tags.FILL_ORDER, tags.SAMPLES, tags.SUBSAMPLING, tags.TABLES, tags.T4, tags.T6)
    own = {tag: layout.tags[tag] for tag in kept if layout.tags.get(tag)}
    plain: dict[int, Any] = {tag: values[0] if isinstance(values[0], bytes) else values for tag, values in own.items()}
    if tags.TABLES in plain and not isinstance(plain[tags.TABLES], bytes):
        plain[tags.TABLES] = bytes(plain[tags.TABLES])
    shape: dict[int, tuple[int, ...]] = {
        tags.WIDTH: (layout.width,),
        tags.HEIGHT: (layout.height,),
        tags.COMPRESSION: (layout.compression,),
    }
    shape[tags.BITS] = (layout.bits,) * layout.samples
    if layout.tiled:
        shape |= {tags.TILE_WIDTH: (layout.part_width,), tags.TILE_HEIGHT: (layout.part_height,)}
    else:
        shape[tags.ROWS_PER_STRIP] = (layout.part_height,)
    content = built({**plain, **shape}, [read_at(file, *part) for part in layout.parts], layout.tiled)
    try:
        picture = TiffImagePlugin.TiffImageFile(io.BytesIO(content))
    except Exception as error:
        raise unsupported(layout.name) from error
    return decoded(picture)


def _by_samples(file: BinaryIO, layout: Layout, notes: list[Note]) -> Image.Image:
    mode, colours = _mode(layout)
    picture = Image.new(mode, (layout.width, layout.height))
    shown = _shown(layout, colours, notes)
    for top, values in _rows(file, layout):
        if top < layout.height:
            band = np.ascontiguousarray(shown(values[: layout.height - top]))
            picture.paste(Image.frombytes(mode, (layout.width, len(band)), band.tobytes()), (0, top))
    if mode == "P":
        picture.putpalette(_palette(layout))
    return picture


def _mode(layout: Layout) -> tuple[str, int]:
    """(Pillow's mode, how many samples of each pixel it takes)."""
    readable = (1, *_BYTES, *_DEFLATE)
    kinds = {1: range(1, 33), 2: range(2, 33), 3: (16, 32, 64)}
    if layout.compression not in readable or layout.bits not in kinds.get(layout.format, ()):
        raise unsupported(layout.name)
    if layout.fill_order == 2 and (layout.compression != 1 or layout.bits > 8):
        raise unsupported(layout.name)
    if layout.predictor not in (1, 2, 3) or (layout.predictor == 2 and layout.bits not in (8, 16, 32)):
        raise unsupported(layout.name)
    if layout.predictor == 3 and layout.format != 3:
        raise damaged()
    mode = {0: "L", 1: "L", 2: "RGB", 3: "P", 5: "CMYK", 8: "LAB", 9: "LAB"}.get(layout.photometric)
    colours = 3 if mode is None else {"L": 1, "P": 1, "CMYK": 4}.get(mode, 3)
    extra = layout.samples - colours
    if mode is None or extra < 0 or (mode == "LAB" and (layout.bits != 8 or layout.format == 3)):
        raise unsupported(layout.name)
    if mode == "P" and (layout.format != 1 or layout.bits > 8 or len(layout.tags.get(tags.COLOUR_MAP, ())) < 3 << layout.bits):
        raise unsupported(layout.name)
    if mode == "CMYK" and layout.tags.get(tags.INK_SET, (1,))[0] != 1:
        raise unsupported(layout.name)
    alpha = layout.extra[0] if layout.extra else (2 if mode == "RGB" and extra == 1 else 0)
    if extra and alpha in (1, 2, 999) and mode in ("L", "RGB", "P"):
        return {"L": ("LA", "La"), "RGB": ("RGBA", "RGBa"), "P": ("PA", "PA")}[mode][alpha == 1], colours + 1
    return mode, colours


def _shown(layout: Layout, colours: int, notes: list[Note]):
    """The function (rows, W, samples) → uint8 (rows, W, ``colours``)."""
    if layout.photometric in (3, 8, 9):
        signs = np.array([0, 128, 128] if layout.photometric == 9 else 0, np.uint8)  # Pillow takes a* and b* signed, as CIELAB has them
        return lambda values: values[:, :, :colours].astype(np.uint8) ^ signs
    low, high = _range(layout, notes)
    inverted = layout.photometric == 0

    def shown(values: np.ndarray) -> np.ndarray:
        values = values[:, :, :colours]
        if layout.format == 1 and low == 0 and high == (1 << layout.bits) - 1:
            narrow = to_8_bits(values, int(high))
        else:
            narrow = floats_to_8_bits(values, low, high)
        if inverted:
            narrow[:, :, 0] = 255 - narrow[:, :, 0]
        return narrow

    return shown


def _range(layout: Layout, notes: list[Note]) -> tuple[float, float]:
    """What is black and what is white: SMinSampleValue and SMaxSampleValue, else the type's 0 and its largest; floats 0 and 1."""
    most = {1: (1 << layout.bits) - 1, 2: (1 << layout.bits - 1) - 1, 3: 1}[layout.format]
    low, high = float(min(layout.tags.get(tags.LEAST) or (0,))), float(max(layout.tags.get(tags.MOST) or (most,)))
    if not (np.isfinite([low, high]).all() and low < high):
        low, high = 0.0, float(most)
    if (low, high) != (0, most) or layout.format != 1 or layout.bits > 16:
        notes.append(Note("range", name=f"{low:.10g} to {high:.10g}"))
    return low, high


def _palette(layout: Layout) -> bytes:
    count = 1 << layout.bits
    table = np.array(layout.tags[tags.COLOUR_MAP][: 3 * count]).reshape(3, count).T
    return (to_8_bits(table, 65535) if table.max() > 255 else table.astype(np.uint8)).tobytes()


def _rows(file: BinaryIO, layout: Layout) -> Iterator[tuple[int, np.ndarray]]:
    """(top, numbers (rows, W, samples)) from top to bottom, few rows at a time."""
    for top, parts in strips(layout):
        if layout.tiled:
            yield top, _tiles(file, layout, parts)
            continue
        height = min(layout.part_height, layout.height - top)
        planes = [_unpacked(file, layout, part, height) for part in parts]
        for bands in zip(*planes, strict=True):
            yield top, np.concatenate(bands, axis=2) if len(bands) > 1 else bands[0]
            top += len(bands[0])


def _tiles(file: BinaryIO, layout: Layout, parts: list[tuple[int, int]]) -> np.ndarray:
    if layout.part_height * layout.across * layout.part_width * layout.samples * max(layout.bits, 8) > 8 * MAX_UNPACKED_BYTES:
        raise UnreadablePicture(_LARGE)
    tiles = [np.concatenate(list(_unpacked(file, layout, part, layout.part_height))) for part in parts]
    planes = [np.concatenate(tiles[start : start + layout.across], axis=1) for start in range(0, len(tiles), layout.across)]
    return (np.concatenate(planes, axis=2) if len(planes) > 1 else planes[0])[:, : layout.width]


def _unpacked(file: BinaryIO, layout: Layout, part: tuple[int, int], height: int) -> Iterator[np.ndarray]:
    """The numbers (rows, part width, samples of a plane) of one strip or tile, some rows at a time."""
    samples = 1 if layout.planar else layout.samples
    stride = -(-layout.part_width * samples * layout.bits // 8)
    for content in _bytes(file, layout, part, height, stride):
        lines = np.frombuffer(content, np.uint8).reshape(-1, stride)
        yield _numbers(_REVERSED[lines] if layout.fill_order == 2 else lines, layout, samples)


def _bytes(file: BinaryIO, layout: Layout, part: tuple[int, int], height: int, stride: int) -> Iterator[bytes]:
    """The bytes of some rows at a time, as they were before compression."""
    offset, length = part
    step = max(1, _BAND // stride)
    counts = [min(step, height - row) for row in range(0, height, step)]
    if layout.compression == 1:
        for count in counts:
            yield _whole(read_at(file, offset, count * stride), count * stride)
            offset += count * stride
    elif layout.compression in _DEFLATE:
        yield from _inflated(pieced(file, [part]), [count * stride for count in counts])
    else:
        if height * stride + 2 * length > MAX_UNPACKED_BYTES:
            raise UnreadablePicture(_LARGE)
        content = _by_bytes(read_at(file, offset, length), layout, height, stride)
        for row in range(0, height, step):
            yield rows(content, row, min(row + step, height)).tobytes()


def _whole(content: bytes, length: int) -> bytes:
    if len(content) < length:
        raise damaged()
    return content


def _inflated(packed: BinaryIO, lengths: list[int]) -> Iterator[bytes]:
    stream = zlib.decompressobj()
    try:
        for length in lengths:
            content = b""
            while len(content) < length:
                more = stream.unconsumed_tail or packed.read(1 << 16)
                if not more or stream.eof:
                    raise damaged()
                content += stream.decompress(more, length - len(content))
            yield content
    except zlib.error as error:
        raise damaged() from error


def _by_bytes(packed: bytes, layout: Layout, height: int, stride: int) -> Image.Image:
    """What libtiff unpacks, told that the bytes are a grey picture of 8 bits."""
    content = built(
        {
            tags.WIDTH: (stride,), tags.HEIGHT: (height,), tags.BITS: (8,), tags.COMPRESSION: (layout.compression,),
            tags.PHOTOMETRIC: (1,), tags.SAMPLES: (1,), tags.ROWS_PER_STRIP: (height,),
        },
        [packed],
    )  # fmt: skip
    try:
        return decoded(TiffImagePlugin.TiffImageFile(io.BytesIO(content)))
    except (SyntaxError, OSError) as error:
        raise damaged() from error


def _numbers(lines: np.ndarray, layout: Layout, samples: int) -> np.ndarray:
    """Rows of bytes → (rows, part width, samples) of the file's type, differences undone."""
    width = layout.part_width
    if layout.predictor == 3:
        lines = np.add.accumulate(lines.reshape(len(lines), -1, samples), axis=1, dtype=np.uint8)
        size = layout.bits // 8
        lines = lines.reshape(len(lines), size, width * samples).transpose(0, 2, 1)  # the most significant bytes come first
        return np.ascontiguousarray(lines).view(f">f{size}").reshape(len(lines), width, samples)
    if layout.bits in (8, 16, 32, 64):
        kind = {1: "u", 2: "i", 3: "f"}[layout.format]
        values = np.ascontiguousarray(lines).view(f"{layout.order}{kind}{layout.bits // 8}").reshape(len(lines), width, samples)
        if layout.predictor == 2:
            native = values.view(f"{layout.order}u{layout.bits // 8}").astype(f"u{layout.bits // 8}")
            values = np.add.accumulate(native, axis=1, dtype=native.dtype).view(f"{kind}{layout.bits // 8}")
        return values
    bits = np.unpackbits(lines, axis=1, count=width * samples * layout.bits).reshape(len(lines), width, samples, layout.bits)
    values = np.zeros(bits.shape[:3], np.int64)
    for place in range(layout.bits):
        values = values << 1 | bits[..., place]
    return np.where(values >> layout.bits - 1, values - (1 << layout.bits), values) if layout.format == 2 else values
