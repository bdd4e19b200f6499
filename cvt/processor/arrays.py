"""Pictures given as arrays or tensors: their layout, the scale of their values, and how they are resized.

``open_picture`` turns arrays into 8-bit RGB, for display; the image processor keeps their values.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ..fields import shown
from ..pictures.common.bounds import UnreadablePicture, check_size

CHANNELS = (1, 3, 4)
FIRST, LAST = "channels_first", "channels_last"
NEARLY_WHOLE = 1e-3  # rounding error of float32 arithmetic on integers up to 255


@dataclass(frozen=True)
class ArrayPicture:
    """One picture's values (H, W, C), as given.

    ``unit``: whether the brightest value is 1, as in booleans and floats in 0..1, which are already rescaled; else it is 255.
    """

    values: np.ndarray
    unit: bool

    @property
    def size(self) -> tuple[int, int]:
        """(width, height), as in Pillow."""
        return self.values.shape[1], self.values.shape[0]

    @property
    def channels(self) -> int:
        return self.values.shape[2]

    def rgb(self) -> ArrayPicture:
        """Converts to three channels: repeats grey, lays transparency over white."""
        if self.channels == 3:
            return self
        if self.channels == 1:
            return replace(self, values=self.values.repeat(3, axis=2))
        white = 1.0 if self.unit else 255.0
        alpha = self.values[:, :, 3:] / white
        values = alpha * self.values[:, :, :3] + (1 - alpha) * white
        return replace(self, values=np.round(values).astype(self.values.dtype) if self._whole() else values.astype(self.values.dtype))

    def eight_bits(self) -> Image.Image:
        """Converts to an 8-bit picture for Pillow to resize.

        Floats in 0..1 are truncated to 8 bits, not rounded, to give the same results as transformers.
        Raises:
            UnreadablePicture: values that are neither integers in 0..255 nor floats in 0..1.
        """
        values = self.values
        if values.dtype != np.uint8:
            low, high = values.min(), values.max()
            if self.unit and not self._whole():
                values = (values.astype(np.float64) * 255).astype(np.float32)
            elif self.unit:  # booleans
                values = values * np.uint8(255)
            elif low < 0 or high > 255 or not (self._whole() or np.abs(values - np.round(values)).max() < NEARLY_WHOLE):
                raise UnreadablePicture("To be resized, an array must hold integers in 0..255 or floats in 0..1.")
            else:
                values = np.round(values)
            values = values.astype(np.uint8)
        return Image.fromarray(np.ascontiguousarray(values[:, :, 0] if self.channels == 1 else values))

    def _whole(self) -> bool:
        return not np.issubdtype(self.values.dtype, np.floating)


def array_pictures(array: np.ndarray | Tensor, layout: str | None = None) -> list[ArrayPicture]:
    """The pictures in an array or tensor: one of shape (H, W), (H, W, C) or (C, H, W), or several with a batch axis.

    A batch has one scale, so that a dark picture in it is not taken for one in 0..1.

    Args:
        layout: "channels_first" or "channels_last"; inferred from the shape if None, channels first if both fit.
    Raises:
        UnreadablePicture: another shape, values that are not numbers, or not finite.
    """
    array = _numpy(array)
    if array.ndim not in (2, 3, 4) or array.size == 0:
        raise _misshapen(array.shape)
    pictures = array if array.ndim == 4 else array[None]
    if array.ndim == 2:
        pictures = pictures[..., None]
    elif _layout(pictures.shape, layout) == FIRST:
        pictures = np.moveaxis(pictures, 1, -1)
    height, width = pictures.shape[1:3]
    check_size(width, height)
    unit = array.dtype == bool or (np.issubdtype(array.dtype, np.floating) and bool(array.min() >= 0 and array.max() <= 1))
    return [ArrayPicture(each, unit) for each in pictures]


def _numpy(array: np.ndarray | Tensor) -> np.ndarray:
    if isinstance(array, Tensor):
        array = array.detach().cpu()
        array = (array.float() if array.dtype == torch.bfloat16 else array).numpy()  # NumPy has no bfloat16
    if array.dtype.kind not in "biuf":
        raise UnreadablePicture(f"An array of {array.dtype} is not a picture: it must hold integers or floats.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise UnreadablePicture("An array of floats must not hold NaN or infinity.")
    return array


def _layout(shape: tuple[int, ...], layout: str | None) -> str:
    """The layout of a batch of shape (B, …, …, …)."""
    if layout is None:
        layout = FIRST if shape[1] in CHANNELS else LAST
    if shape[1 if layout == FIRST else 3] not in CHANNELS:
        raise _misshapen(shape[1:])
    return layout


def middle(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """The central (height, width, C) of (H, W, C), padded with zeros if the picture is smaller."""
    for axis, side in enumerate((height, width)):
        start = (values.shape[axis] - side) // 2
        before, after = max(0, -start), max(0, start + side - values.shape[axis])
        values = np.pad(values, [(before, after) if each == axis else (0, 0) for each in range(3)])
        values = values.take(range(start + before, start + before + side), axis)
    return values


def check_layout(layout: Any, name: str) -> str | None:
    if layout is not None and (not isinstance(layout, str) or layout not in (FIRST, LAST)):
        raise ValueError(f"{name} is {shown(getattr(layout, 'value', layout))}: choose {FIRST!r} or {LAST!r}.")
    return None if layout is None else str(getattr(layout, "value", layout))


def _misshapen(shape: tuple[int, ...]) -> UnreadablePicture:
    return UnreadablePicture(f"An array must be (height, width) or have 1, 3 or 4 channels as well, not {shape}.")
