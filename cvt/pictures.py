"""Any picture file → upright 8-bit RGB.

``open_picture`` is the boundary where pictures of strangers are read: it decides by the file's header, before anything is
decoded, and every failure is one sentence.
"""

from __future__ import annotations

import io
import math
import os.path
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from .notes import Note, note_sentence

__all__ = ["Note", "OpenedPicture", "PictureSource", "UnreadablePicture", "note_sentence", "open_picture", "read_picture"]

MAX_PIXELS = 50_000_000  # room for a phone's largest pictures; at most 0.8 GB while one is decoded (measured: WebP with transparency)
MAX_ASPECT = 50  # longer side : shorter side
# Pillow's readers that decode pixels themselves and tell their number beforehand. Others call programs (EPS), hold no
# picture (FITS), take nearly any file for theirs (TGA), or hide a larger picture behind their header (ICO).
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")

PictureSource = str | Path | bytes | io.BufferedIOBase | Image.Image | np.ndarray | Tensor

_ORIENTATION = 0x0112  # the EXIF tag
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TILE_SIDES = (322, 323)  # TIFF tags
_SIGNATURES = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1")


class UnreadablePicture(ValueError):
    """A picture that cannot be used; the message is a sentence for the person who chose it."""


@dataclass(frozen=True)
class OpenedPicture:
    """An upright 8-bit RGB picture without metadata, and what was done to the file to get it."""

    image: Image.Image
    notes: tuple[Note, ...] = ()


def read_picture(source: PictureSource, colours: str = "srgb") -> OpenedPicture:
    """``open_picture`` with notes on what was done; arguments and errors are the same."""
    image = open_picture(source, colours)
    return OpenedPicture(image)


def open_picture(source: PictureSource, colours: str = "srgb") -> Image.Image:
    """Any picture as upright 8-bit RGB.

    The first frame of an animation; EXIF rotation applied; transparency laid over white; 16-bit and float values scaled to
    8 bits; CMYK, grey and palettes converted.

    Args:
        source: a path, the file's bytes, a binary file, a PIL image, or an array or tensor (H, W), (H, W, C) or (C, H, W)
            of 1, 3 or 4 channels, whole numbers in 0..255 or floats in 0..1.
    Raises:
        UnreadablePicture: not a picture, damaged, or larger than MAX_PIXELS or MAX_ASPECT allow (read from its header).
    """
    if isinstance(source, (np.ndarray, Tensor)):
        return _to_rgb(_from_array(source))
    if isinstance(source, Image.Image):
        return _to_rgb(_decoded(source))
    if isinstance(source, (bytes, bytearray, memoryview)):
        source = io.BytesIO(source)
    elif not isinstance(source, (str, Path)) and not hasattr(source, "read"):
        raise UnreadablePicture(f"A picture must be a path, a file, bytes, a PIL image or an array, not {type(source).__name__}.")
    with _identified(source) as picture:
        return _to_rgb(_decoded(picture))


def _identified(source: str | Path | io.BufferedIOBase) -> Image.Image:
    """The picture with its header read and nothing decoded."""
    try:
        return Image.open(source, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(_too_large()) from error
    except UnidentifiedImageError as error:
        raise UnreadablePicture(_why_unidentified(source)) from error
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file named {Path(source).name!r}.") from error
    except (IsADirectoryError, PermissionError) as error:
        raise UnreadablePicture(f"{Path(source).name!r} is not a file that may be read here.") from error
    except Exception as error:  # Pillow's readers raise nearly anything on damaged files
        if isinstance(source, (str, Path)) and not os.path.isfile(source):
            raise UnreadablePicture("There is no file of this name, and there cannot be one.") from error
        raise UnreadablePicture(_damaged()) from error


def _decoded(picture: Image.Image) -> Image.Image:
    """The same picture with its pixels in memory, if its header promises no more of them than are allowed."""
    width, height = picture.size
    if width < 1 or height < 1:
        raise UnreadablePicture("This picture has no pixels. Choose another one.")
    if max(width * height, _tile_pixels(picture)) > MAX_PIXELS:
        raise UnreadablePicture(_too_large())
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadablePicture(f"One side of this picture is more than {MAX_ASPECT} times the other. Cut out a part of it and try again.")
    try:
        picture.load()
    except MemoryError as error:
        raise UnreadablePicture("This picture is too large for the memory here. Make it smaller and try again.") from error
    except Exception as error:  # as above
        raise UnreadablePicture(_damaged()) from error
    return picture


def _tile_pixels(picture: Image.Image) -> int:
    """Pixels in one tile of a TIFF, which may be larger than the picture; 0 for any other."""
    tags = getattr(picture, "tag_v2", {})
    sides = [tags.get(tag, 0) for tag in _TILE_SIDES]
    return math.prod(side for side in sides if isinstance(side, int))


def _damaged() -> str:
    return "This picture is damaged or incomplete. Try exporting it again, or use JPEG."


def _too_large() -> str:
    return f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller and try again."


def _why_unidentified(source: str | Path | io.BufferedIOBase) -> str:
    start = _first_bytes(source)
    if not start:
        return "This file is empty. Choose a picture file such as a JPEG or PNG."
    if b"<svg" in start.lower():
        return "This is an SVG drawing, which has no pixels. Export it as PNG and try again."
    if start[4:8] == b"ftyp" and start[8:12] in _HEIC_BRANDS:
        return "This is a HEIC picture, which cannot be read here. Export it as JPEG and try again."
    if start.startswith(_SIGNATURES) or start[8:12] == b"WEBP" or start[4:12] == b"ftypavif":
        return _damaged()
    return "This file is not a picture that can be read here. Use JPEG, PNG or WebP."


def _first_bytes(source: str | Path | io.BufferedIOBase, count: int = 1024) -> bytes:
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            return file.read(count)
    source.seek(0)
    return source.read(count)


def _to_rgb(picture: Image.Image) -> Image.Image:
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION))
    except Exception:  # damaged EXIF says nothing about the pixels
        turn = None
    if turn is not None:
        picture = picture.transpose(turn)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8_bit(picture)
    try:
        if picture.has_transparency_data:
            picture = picture if picture.mode == "RGBA" else picture.convert("RGBA")
            white = Image.new("RGB", picture.size, "white")
            white.paste(picture, mask=picture)
            return white
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    except ValueError as error:
        raise UnreadablePicture(f"This picture has {picture.mode} colours, which cannot be read here. Export it as RGB.") from error


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or floats → 8 bits; Pillow's own conversion clips instead of scaling."""
    values = np.array(picture, dtype=np.float32)  # changed in place: it is the largest thing here
    values[~np.isfinite(values)] = 0.0
    low, high = values.min(), values.max()
    if picture.mode.startswith("I;16") or (picture.mode == "I" and low >= 0 and 255 < high <= 65535):
        values /= 257
    elif picture.mode == "F" and low >= 0 and high <= 1:
        values *= 255
    elif low < 0 or high > 255:  # no convention says what these mean: show their whole range
        values -= low
        values *= 255 / max(high - low, 1e-12)
    return Image.fromarray(np.round(values, out=values).astype(np.uint8))


def _from_array(array: np.ndarray | Tensor) -> Image.Image:
    if isinstance(array, Tensor):
        array = array.detach().cpu()
        array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()  # NumPy has no bfloat16
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4) and array.shape[0] in (1, 3, 4):
        array = array.transpose(1, 2, 0)  # (C, H, W) → (H, W, C)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or array.size == 0:
        raise UnreadablePicture(f"An array must be (height, width), or that with 1, 3 or 4 channels, not {array.shape}.")
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise UnreadablePicture("An array of floats must lie in 0..1.")
        array = np.round(array * 255).astype(np.uint8)
    elif not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() > 255:
        raise UnreadablePicture("An array must hold whole numbers in 0..255 or floats in 0..1.")
    return _decoded(Image.fromarray(np.ascontiguousarray(array, dtype=np.uint8)))
