"""Reads any picture file, array or PIL image as upright 8-bit sRGB, as a person sees it.

Untrusted pictures enter through ``read_picture`` and ``open_picture``: limits are checked on a file's structure, before pixels
are decoded (``common/bounds.py``), and every failure is an ``UnreadablePicture`` with a clear message.

Values are scaled to 8 bits by the maximum of their integer type or of the file, floats from 0..1, clipped and rounded; never
by the range of values in a picture. 16-bit PNG and TIFF are rounded to the nearest of 256 levels; a browser that keeps only
the upper byte may be one level darker.
"""

from __future__ import annotations

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

from PIL import Image

from .common.bounds import UnreadablePicture, damaged, unsupported
from .common.colour import lab_to_srgb, to_srgb
from .common.notes import Note
from .common.stored import Stored
from .formats import avif, bmp, gif, jpeg, png, ppm, tiff, webp
from .memory import from_array, from_image, is_array, untouched_file

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

PictureSource: TypeAlias = "str | Path | bytes | BinaryIO | Image.Image | np.ndarray | Tensor"
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "PPM")
COLOURS = ("srgb", "as_stored")

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SPACES = (b" ", b"\n", b"\t", b"\r", b"#")
_READERS = {
    b"\xff\xd8\xff": jpeg.read,
    png.SIGNATURE: png.read,
    b"GIF87a": gif.read,
    b"GIF89a": gif.read,
    b"BM": bmp.read,
    **dict.fromkeys((b"II*\0", b"MM\0*", b"MM*\0", b"II\0*", b"II+\0", b"MM\0+"), tiff.read),
    **{b"P" + kind + space: ppm.read for kind in (b"1", b"2", b"3", b"4", b"5", b"6", b"f", b"F") for space in _SPACES},
}
_REFUSED = {
    b"\0\0\0\x0cjP  ": "a JPEG 2000 picture",
    b"\xff\x4f\xff\x51": "a JPEG 2000 picture",
    b"\0\0\0\x0cJXL ": "a JPEG XL picture",
    b"\xff\x0a": "a JPEG XL picture",
    b"8BPS": "a Photoshop document",
    b"gimp xcf": "a GIMP document",
    b"\0\0\1\0": "an icon",
    b"P7\n": "a PAM picture",
    b"FUJIFILM": "a camera's raw picture",
    b"IIRO": "a camera's raw picture",
    b"IIU\0": "a camera's raw picture",
}
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")
_SIGNATURES = (b"\x89PNG", b"\xff\xd8", b"GIF8")


@dataclass(frozen=True)
class OpenedPicture:
    """An upright 8-bit RGB picture without metadata, and notes on how it was made from the file."""

    image: Image.Image
    notes: tuple[Note, ...] = ()


def open_picture(source: PictureSource, colours: str = "srgb", least: int | None = None) -> Image.Image:
    """Reads any picture as upright 8-bit RGB; as ``read_picture``, without the notes."""
    return read_picture(source, colours, least).image


def read_picture(source: PictureSource, colours: str = "srgb", least: int | None = None) -> OpenedPicture:
    """Reads any picture as upright 8-bit RGB.

    Takes the first frame or page, applies EXIF orientation, lays transparency over white and converts colours to sRGB. Reading
    the result again leaves its pixels unchanged.

    Args:
        source: a path, the file's bytes, a binary file, a PIL image, or an array or tensor (H, W), (H, W, C) or (C, H, W)
            of 1, 3 or 4 channels, integers in 0..255 or floats in 0..1. PIL's modes I and I;16 range from 0 (black) to
            65535 (white), F from 0.0 to 1.0.
        colours: "srgb" converts from the file's colour space; "as_stored" takes the numbers as they are, like transformers'
            processors. For pictures in sRGB or without a colour space both are the same.
        least: a JPEG may be decoded at half, a quarter or an eighth of its size, with no side shorter than this.
    Raises:
        UnreadablePicture: not a picture, damaged, of an unsupported kind, or beyond the limits on size and decoding time.
        ValueError: another value for ``colours``.
    """
    if colours not in COLOURS:
        raise ValueError(f"colours is {colours!r}: choose 'srgb' or 'as_stored'.")
    return _finished(_stored(source, least), colours)


def _stored(source: Any, least: int | None) -> Stored:
    if is_array(source):
        return from_array(source)
    if isinstance(source, Image.Image):
        return _from_image(source, least)
    if isinstance(source, (str, Path)):
        with _opened(source) as file:
            return _from_file(file, least)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return _from_file(io.BytesIO(source), least)
    if not hasattr(source, "read"):
        raise UnreadablePicture(f"A picture must be a path, a file, bytes, a PIL image or an array, not {type(source).__name__}.")
    try:
        return _from_file(source if source.seekable() else io.BytesIO(source.read()), least)
    except (OSError, TypeError, AttributeError) as error:
        raise UnreadablePicture("This file cannot be read or is not seekable. Open it as a binary file.") from error


def _opened(path: str | Path) -> BinaryIO:
    """Opens a regular file; pipes, devices and folders are refused without opening them."""
    try:
        kind = os.stat(path).st_mode
        if not stat.S_ISREG(kind):
            raise UnreadablePicture(f"{Path(path).name!r} is not a readable file.")
        return open(path, "rb")
    except UnreadablePicture:
        raise
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file named {Path(path).name!r}.") from error
    except PermissionError as error:
        raise UnreadablePicture(f"{Path(path).name!r} is not a readable file.") from error
    except (OSError, ValueError) as error:  # not a valid file name
        raise UnreadablePicture("This is not a valid file name. Check the path.") from error


def _from_file(file: BinaryIO, least: int | None) -> Stored:
    file.seek(0)
    start = file.read(1024)
    reader = _reader(start)
    if reader is None:
        raise _unidentified(start)
    try:
        return jpeg.read(file, least) if reader is jpeg.read else reader(file)
    except UnreadablePicture:
        raise
    except MemoryError as error:
        raise UnreadablePicture("There is too little memory for this picture here. Make it smaller and try again.") from error
    except Exception as error:  # whatever a malicious file does, the user gets a plain error
        raise damaged() from error


def _from_image(picture: Image.Image, least: int | None) -> Stored:
    """A PIL image: read from its file if it was not loaded or edited yet, else as it is in memory."""
    file = untouched_file(picture)
    if file is None or picture.format not in (*FORMATS, "MPO"):
        return from_image(picture)
    place = file.tell()
    try:
        return _from_file(file, least)
    finally:
        file.seek(place)


def _reader(start: bytes):
    for signature, reader in _READERS.items():
        if start.startswith(signature):
            return reader
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return webp.read
    return avif.read if avif.is_avif(start) else None


def _unidentified(start: bytes) -> UnreadablePicture:
    if not start:
        return UnreadablePicture("This file is empty. Choose a picture file such as a JPEG or PNG.")
    for signature, name in _REFUSED.items():
        if start.startswith(signature):
            return unsupported(name, "Export it as JPEG or PNG")
    if b"<svg" in start.lower():
        return UnreadablePicture("This is an SVG drawing, not a pixel image. Export it as PNG and try again.")
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return UnreadablePicture("This is a HEIC picture, which is not supported here. Export it as JPEG and try again.")
    if start.startswith(_SIGNATURES):
        return damaged()
    return UnreadablePicture("This file is not a picture in a supported format. Use JPEG, PNG or WebP.")


def _finished(stored: Stored, colours: str) -> OpenedPicture:
    """Applies colour conversion, transparency and orientation, each only if needed."""
    notes = list(stored.notes)
    own = stored.picture
    del stored.picture  # freed early: one picture may take a quarter of the memory bound
    picture = _plain(own)
    if colours == "srgb" and stored.colour is not None:
        picture, note = to_srgb(picture.copy() if stored.shared and picture is own else picture, stored.colour)
        notes += [note] if note else []
    del own
    picture, hidden = _over_white(picture)
    if hidden:
        notes.append(Note("transparency"))
    if stored.orientation in _TURNS:
        picture = picture.transpose(_TURNS[stored.orientation])
        notes.append(Note("turned"))
    return OpenedPicture(_bare(picture), tuple(notes))


def _plain(picture: Image.Image) -> Image.Image:
    """One of L, LA, RGB, RGBA and CMYK."""
    if picture.mode == "LAB":
        return lab_to_srgb(picture)
    direct = {"1": "L", "La": "LA", "RGBa": "RGBA", "PA": "RGBA", "YCbCr": "RGB", "HSV": "RGB", "RGBX": "RGB"}
    mode = direct.get(picture.mode, picture.mode)
    key = picture.info.get("transparency")
    try:
        if key is not None and picture.mode in ("1", "L", "RGB", "P"):
            if picture.mode == "RGB" and max(key) > 255:  # 16 bits, of which Pillow kept the upper 8
                picture = picture.copy()
                picture.info["transparency"] = tuple(value >> 8 for value in key)
            mode = "RGBA"
        elif picture.mode == "P":
            mode = "RGBA" if picture.has_transparency_data else "RGB"
        return picture if picture.mode == mode else picture.convert(mode)
    except (ValueError, TypeError) as error:
        raise UnreadablePicture(f"This picture has {picture.mode} colours, which are not supported here. Export it as RGB.") from error


def _over_white(picture: Image.Image) -> tuple[Image.Image, bool]:
    """(RGB, whether anything was transparent)."""
    if picture.mode not in ("LA", "RGBA"):
        return (picture if picture.mode == "RGB" else picture.convert("RGB")), False
    alpha = picture.getchannel("A")
    if alpha.getextrema()[0] == 255:
        return picture.convert("RGB"), False
    white = Image.new("RGB", picture.size, "white")
    white.paste(picture.convert("RGBA"), mask=alpha)
    return white, True


def _bare(picture: Image.Image) -> Image.Image:
    """A copy without metadata, so that reading it again changes nothing; a picture without metadata is returned itself."""
    if type(picture) is Image.Image and not picture.info and not picture.getexif():
        return picture
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    return bare
