"""Builders of small picture files, byte by byte, for what no encoder here writes."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

D50 = (0.9642, 1.0, 0.8249)
# Colourants in D50, columns red, green, blue, as the profiles of their makers have them, and the curve.
GAMUTS = {
    "Display P3": ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407), "srgb"),
    "Adobe RGB": ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457), 2.19921875),
    "ProPhoto RGB": ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491), 1.8),
    "Rec. 2020": ((0.67348, 0.27904, -0.00194), (0.16566, 0.67534, 0.02998), (0.12505, 0.04561, 0.79686), 2.2),
    "sRGB": ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410), "srgb"),
}


def photograph(width: int = 40, height: int = 30, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A smooth picture with a little noise: like a photograph for codecs, and different in every corner."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    noise = np.random.default_rng(seed).normal(0, 4, (height, width))
    red, green, blue = 255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 127 + 100 * np.sin(x / 5 + y / 9)
    values = np.stack([red, green, blue], axis=2) + noise[:, :, None]
    return Image.fromarray(values.clip(0, 255).astype(np.uint8)).convert(mode)


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


# --- PNG -----------------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(array: np.ndarray, depth: int = 8, before: bytes = b"", after: bytes = b"", kind: int | None = None) -> bytes:
    """A PNG of an array (H, W) or (H, W, C), of 1 to 16 bits; ``before`` and ``after`` are chunks around its data."""
    array = array if array.ndim == 3 else array[:, :, None]
    height, width, channels = array.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels] if kind is None else kind
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + before + chunk(b"IDAT", png_data(array, depth)) + after + chunk(b"IEND", b"")


def png_data(array: np.ndarray, depth: int = 8) -> bytes:
    array = array.reshape(len(array), -1)
    if depth < 8:
        bits = (array[:, :, None] >> np.arange(depth - 1, -1, -1)) & 1
        lines = np.packbits(bits.reshape(len(array), -1).astype(np.uint8), axis=1)
    else:
        lines = array.astype(f">u{depth // 8}").view(np.uint8).reshape(len(array), -1)
    return zlib.compress(b"".join(b"\0" + line.tobytes() for line in lines))


def frame_control(number: int, width: int, height: int, left: int, top: int) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, width, height, left, top, 1, 10, 0, 0))


# --- GIF -----------------------------------------------------------------------------------------------------------------


def gif(screen: tuple[int, int], frames: list[tuple[int, int, Image.Image]], extension: bytes = b"") -> bytes:
    """Frames of palette pictures at (left, top), all with their own colours."""
    body = b""
    for left, top, picture in frames:
        whole = encoded(picture, "GIF")
        table = 3 << (whole[10] & 7) + 1
        start = whole.index(b",", 13 + table)
        head, data = whole[start : start + 10], whole[start + 10 : -1]
        colours = whole[13 : 13 + table]
        own = b"," + struct.pack("<HH", left, top) + head[5:9] + bytes([0x80 | whole[10] & 7 | head[9] & 0x40])
        body += own + colours + data
    return b"GIF89a" + struct.pack("<HH", *screen) + bytes(3) + extension + body + b";"


# --- TIFF ----------------------------------------------------------------------------------------------------------------

_TIFF_TYPES = {"B": 1, "H": 3, "I": 4, "f": 11, "d": 12, "i": 9, "Q": 16}


def tiff(strips: list[bytes], order: str = "<", big: bool = False, pages: int = 1, **tags) -> bytes:
    """A TIFF of these strips. ``tags``: t256=40, t258=(8, 8, 8), or t340=("f", 0.5) for another type than H or I."""
    values = {int(name[1:]): value for name, value in tags.items()}
    tiled = 322 in values
    body = bytearray(
        (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HHHQ" if big else f"{order}HI", *((43, 8, 0, 0) if big else (42, 0)))
    )
    offsets = []
    for strip in strips:
        offsets.append(len(body))
        body += strip
    values |= {324 if tiled else 273: ("I", *offsets), 325 if tiled else 279: ("I", *map(len, strips))}
    entries = b""
    for tag, value in sorted(values.items()):
        if isinstance(value, bytes):
            value = ("B", *value)
        value = value if isinstance(value, tuple) else (value,)
        kind, numbers = (value[0], value[1:]) if isinstance(value[0], str) else ("I" if max(value) > 65_535 else "H", value)
        packed = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        room = 8 if big else 4
        if len(packed) > room:
            place = struct.pack(f"{order}Q" if big else f"{order}I", len(body))
            body += packed
            packed = place
        entries += struct.pack(f"{order}HHQ" if big else f"{order}HHI", tag, _TIFF_TYPES[kind], len(numbers)) + packed.ljust(room, b"\0")
    size = len(entries) + (16 if big else 6)
    for page in range(pages):
        place = len(body)
        if not page:
            body[8 if big else 4 : 16 if big else 8] = struct.pack(f"{order}Q" if big else f"{order}I", place)
        following = place + size if page + 1 < pages else 0
        body += struct.pack(f"{order}Q" if big else f"{order}H", len(values)) + entries
        body += struct.pack(f"{order}Q" if big else f"{order}I", following)
    return bytes(body)


# --- ICC profiles --------------------------------------------------------------------------------------------------------


def icc(space: bytes, tags: dict[bytes, bytes], name: str, connection: bytes = b"XYZ ", kind: bytes = b"mntr") -> bytes:
    """A profile of version 2 with these tags, each a tag's whole content."""
    text = name.encode() + b"\0"
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78), b"wtpt": xyz(D50), **tags}
    place = 132 + 12 * len(tags)
    table, data = struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", place + len(data), len(content))
        data += content + bytes(-len(content) % 4)
    header = struct.pack(">I4sI4s4s4s", place + len(data), bytes(4), 0x02400000, kind, space, connection) + bytes(12) + b"acsp"
    return header.ljust(68, b"\0") + xyz(D50)[8:].ljust(60, b"\0") + table + data


def xyz(values) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def curve(gamma: float | str) -> bytes:
    if gamma == "srgb":
        values = np.linspace(0, 1, 1024)
        values = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return b"curv" + bytes(4) + struct.pack(">I", 1024) + (values * 65535).round().astype(">u2").tobytes()
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256))


def gamut_profile(name: str, called: str | None = None) -> bytes:
    red, green, blue, gamma = GAMUTS[name]
    tags = {b"rXYZ": xyz(red), b"gXYZ": xyz(green), b"bXYZ": xyz(blue), **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve(gamma))}
    return icc(b"RGB ", tags, called or name)


def grey_profile(gamma: float) -> bytes:
    return icc(b"GRAY", {b"kTRC": curve(gamma)}, f"Grey {gamma}")


def table_profile(space: bytes, labs: np.ndarray, name: str) -> bytes:
    """A profile of a table with two steps per channel: ``labs`` (2^C, 3), CIE L*, a*, b*, the last channel fastest."""
    channels = len(labs).bit_length() - 1
    line = bytes(range(256))
    table = np.clip(np.round(labs * [2.55, 1, 1] + [0, 128, 128]), 0, 255).astype(np.uint8).tobytes()
    content = (
        b"mft1" + bytes(4) + bytes([channels, 3, 2, 0]) + struct.pack(">9i", *(65536 * value for value in (1, 0, 0, 0, 1, 0, 0, 0, 1)))
    )
    return icc(space, {b"A2B0": content + channels * line + table + 3 * line}, name, b"Lab ", b"prtr")


def print_profile() -> bytes:
    """CMYK whose inks are duller than naive ones: a dark grey black, a bluish cyan."""
    steps = np.array(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij")).reshape(4, -1).T
    cyan, magenta, yellow, black = steps.T
    light = np.clip(95 - 38 * cyan - 45 * magenta - 8 * yellow, 12, 100) * (1 - 0.8 * black)
    a = (-30 * cyan + 65 * magenta - 5 * yellow) * (1 - black)
    b = (-45 * cyan - 5 * magenta + 80 * yellow) * (1 - black)
    return table_profile(b"CMYK", np.stack([light, a, b], axis=1), "Dull print")


def rgb_table_profile() -> bytes:
    steps = np.array(np.meshgrid(*[[0.0, 1.0]] * 3, indexing="ij")).reshape(3, -1).T
    red, green, blue = steps.T
    light = 100 * (0.3 * red + 0.5 * green + 0.2 * blue)
    return table_profile(b"RGB ", np.stack([light, 50 * (red - green), 50 * (green - blue)], axis=1), "A table")
