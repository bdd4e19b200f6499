"""Other ways to give pictures than a file: a web address, base64 text, or several at once."""

from __future__ import annotations

import base64
import binascii
import io
import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor

from .common.bounds import UnreadablePicture
from .fetch import fetch, is_url
from .reading import PictureSource, open_picture

ONE_PICTURE = (str, bytes, bytearray, memoryview, Path, Image.Image, np.ndarray, Tensor)  # single pictures, although some are iterable
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]{40,}={0,2}\s*")
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF", b"P5", b"P6")


def located(source: PictureSource, timeout: float | None = None) -> PictureSource:
    """Makes any source one that ``open_picture`` takes: downloads http(s) addresses, decodes base64 (a ``data:`` URI or bare).

    Args:
        timeout: seconds for a download; ``fetch.TIMEOUT`` if None.
    Raises:
        UnreadablePicture: a download that fails, or a data URI that is not base64.
    """
    if not isinstance(source, str):
        return source
    if is_url(source):
        return fetch(source, timeout)
    if source[:5].lower() == "data:":
        header, _, text = source.partition(",")
        content = _decoded(text) if header.lower().endswith(";base64") else None
        if content is None:
            raise UnreadablePicture("This data URI does not contain a picture in base64.")
        return content
    if _BASE64.fullmatch(source) and not os.path.isfile(source):
        content = _decoded(source) or b""
        if content.startswith(_STARTS) or content[4:8] in (b"ftyp", b"jP  "):  # AVIF, JPEG 2000
            return content
    return source


def as_stored(source: PictureSource) -> Image.Image:
    """The picture as stored: not rotated, in its own mode and colours, as ``Image.open`` returns it.

    Raises:
        UnreadablePicture: ``open_picture`` refuses it, or Pillow cannot read it.
    """
    file: Any = source.read() if hasattr(source, "read") else source
    open_picture(file)  # checks the limits
    try:
        picture = file
        if not isinstance(file, Image.Image):
            picture = Image.open(io.BytesIO(file) if isinstance(file, (bytes, bytearray, memoryview)) else file)
        picture.load()
    except Exception as error:  # Pillow's readers raise nearly anything
        raise UnreadablePicture("This picture cannot be read as it is stored. Export it as PNG and try again.") from error
    return picture


def native(source: PictureSource) -> Image.Image:
    """The upright picture with its own channels: grey (L), RGB or RGBA."""
    stored = as_stored(source)
    if stored.mode in ("L", "RGB", "RGBA"):
        return ImageOps.exif_transpose(stored)
    if stored.has_transparency_data:
        return ImageOps.exif_transpose(stored.convert("RGBA"))
    return open_picture(source if not hasattr(source, "read") else stored)


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def is_several(sources: Any) -> bool:
    """Whether this is a collection of pictures rather than one: a list, a generator, or a dataset with length and items."""
    if isinstance(sources, (*ONE_PICTURE, Mapping)) or hasattr(sources, "read"):
        return False
    return isinstance(sources, Iterable) or (hasattr(sources, "__len__") and hasattr(sources, "__getitem__"))


def walk(sources: Any) -> Iterator[Any]:
    """Iterates over a collection (see ``is_several``). A dataset needs only a length and items."""
    if isinstance(sources, Iterable):
        return iter(sources)
    return (sources[index] for index in range(len(sources)))


def each_picture(sources: Any) -> Iterator[PictureSource]:
    """Iterates over all pictures in any nesting."""
    if not is_several(sources):
        yield sources
        return
    for source in walk(sources):
        yield from each_picture(source)
