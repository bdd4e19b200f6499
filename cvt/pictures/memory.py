"""Pictures already in memory: PIL images, arrays and tensors."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
from PIL import Image, ImageFile

from .common.bounds import UnreadablePicture, check_size
from .common.stored import Stored, bands, decoded, floats_to_8_bits, rows, to_8_bits

if TYPE_CHECKING:
    from torch import Tensor


def untouched_file(picture: Image.Image) -> BinaryIO | None:
    """The file of a lazily opened picture; None once it was decoded, moved to another frame or given a draft size."""
    file = getattr(picture, "fp", None)
    if not isinstance(picture, ImageFile.ImageFile) or file is None or picture._im is not None or picture.decoderconfig:
        return None
    try:
        return file if picture.tell() == 0 and file.seekable() else None
    except (AttributeError, ValueError):  # closed
        return None


def from_image(picture: Image.Image) -> Stored:
    """A PIL image that may already have been edited; it is not changed."""
    check_size(*picture.size)
    info = picture.info
    decoded(picture)
    colour = info.get("icc_profile") if isinstance(info.get("icc_profile"), bytes) else None
    try:
        turn = picture.getexif().get(0x0112, 1)
    except Exception:  # damaged EXIF does not make the pixels unusable
        turn = 1
    return Stored(_eight_bits(picture), turn if turn in range(1, 9) else 1, colour or None, shared=True)


def _eight_bits(picture: Image.Image) -> Image.Image:
    """PIL's modes of more than 8 bits → L, or LA if one of the values is transparent."""
    if not (picture.mode.startswith("I") or picture.mode == "F"):
        return picture
    key = picture.info.get("transparency")
    narrow = Image.new("L" if key is None else "LA", picture.size)
    for top, bottom in bands(*picture.size):
        values = rows(picture, top, bottom)
        band = floats_to_8_bits(values) if picture.mode == "F" else to_8_bits(np.clip(values, 0, 65535), 65535)
        if key is not None:
            band = np.stack([band, np.where(values == key, 0, 255).astype(np.uint8)], axis=2)
        narrow.paste(Image.fromarray(band), (0, top))
    return narrow


def is_array(source: object) -> bool:
    """Whether this is a NumPy array or a PyTorch tensor."""
    torch = sys.modules.get("torch")  # a caller with a tensor has imported it
    return isinstance(source, np.ndarray) or (torch is not None and isinstance(source, torch.Tensor))


def from_array(array: np.ndarray | Tensor) -> Stored:
    """An array or tensor (H, W), (H, W, C) or (C, H, W) of 1, 3 or 4 channels, integers in 0..255 or floats in 0..1."""
    if not isinstance(array, np.ndarray):
        array = array.detach().cpu()
        array = (array.float() if str(array.dtype) == "torch.bfloat16" else array).numpy()  # NumPy has no bfloat16
    if array.ndim == 3 and array.shape[2] not in (1, 3, 4) and array.shape[0] in (1, 3, 4):
        array = array.transpose(1, 2, 0)  # (C, H, W) → (H, W, C)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or array.size == 0:
        raise UnreadablePicture(f"An array must be (height, width) or have 1, 3 or 4 channels as well, not {array.shape}.")
    check_size(array.shape[1], array.shape[0])
    if array.dtype == bool:
        array = array * np.uint8(255)
    elif np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise UnreadablePicture("An array of floats must have values in 0..1.")
        array = np.round(array * 255).astype(np.uint8)
    elif not np.issubdtype(array.dtype, np.integer) or array.min() < 0 or array.max() > 255:
        raise UnreadablePicture("An array must hold integers in 0..255 or floats in 0..1.")
    return Stored(Image.fromarray(np.ascontiguousarray(array, dtype=np.uint8)))
