"""Validates the settings of a ``CvtImageProcessor``.

A check takes a value and the setting's name, and returns the value in its own type or raises a ValueError that names the setting.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from ..fields import flag, is_list, is_number, shown
from .arrays import CHANNELS, FIRST, check_layout

PICTURES = ("as_seen", "as_stored")


def _step(value: Any, name: str) -> bool:
    return flag(False if value is None else value, name, None)  # null in a file means off


def _step_or_none(value: Any, name: str) -> bool | None:
    return None if value is None else flag(value, name, None)


def _size(value: Any, name: str) -> dict[str, int]:
    """One side in pixels: like transformers' processor, this one makes only squares."""
    side = value
    if isinstance(value, Mapping) or hasattr(value, "shortest_edge"):  # transformers' SizeDict is not a Mapping
        side = [each for each in map(value.get, ("shortest_edge", "height", "width")) if each is not None]
    elif is_list(value):
        side = list(value)
    if isinstance(side, list):
        side = side[0] if side and all(is_number(each) and each == side[0] for each in side) else None
    if not is_number(side) or side != int(side) or side < 1:
        raise ValueError(f"{name} must be one side in pixels, an int or {{'shortest_edge': int}}, not {shown(value)}.")
    return {"shortest_edge": int(side)}


def _crop_size(value: Any, name: str) -> dict[str, int] | None:
    sides = value
    if isinstance(value, Mapping) or hasattr(value, "shortest_edge"):
        sides = [value.get("height"), value.get("width")]
    sides = list(sides) if is_list(sides) else [sides] * 2
    if value is not None and (len(sides) != 2 or not all(is_number(each) and each == int(each) and each >= 1 for each in sides)):
        raise ValueError(f"{name} must be a side in pixels or {{'height': int, 'width': int}}, not {shown(value)}.")
    return None if value is None else {"height": int(sides[0]), "width": int(sides[1])}


def _crop_pct(value: Any, name: str) -> float:
    value = 224 / 256 if value is None else value
    if not is_number(value) or not 0 < value <= 1:
        raise ValueError(f"{name} must be above 0 and at most 1, not {shown(value)}.")
    return float(value)


def _resample(value: Any, name: str) -> int:
    if not is_number(value) or value not in list(Image.Resampling):
        raise ValueError(f"{name} is {shown(value)}: choose one of Pillow's filters, 0 to 5; 3 is bicubic.")
    return Image.Resampling(value)


def _rescale_factor(value: Any, name: str) -> float:
    if not is_number(value) or value == 0:
        raise ValueError(f"{name} must be a number other than 0, such as 1/255, not {shown(value)}.")
    return float(value)


def _moments(value: Any, name: str) -> list[float]:
    values = list(value) if is_list(value) else [value] * 3
    if len(values) not in CHANNELS or not all(map(is_number, values)) or (name == "image_std" and 0 in values):
        raise ValueError(
            f"{name} must be one number, or a list of three for red, green and blue (or of 1 or 4, for as many channels), "
            f"not {shown(value)}; image_std must not be 0."
        )
    return [float(each) for each in values]


def _data_format(value: Any, name: str) -> str:
    return check_layout(value, name) or FIRST


def _pictures(value: Any, name: str) -> str:
    if not isinstance(value, str) or value not in PICTURES:
        raise ValueError(f"{name} is {shown(value)}: choose one of {', '.join(PICTURES)}.")
    return value


CHECKS = {
    "do_resize": _step,
    "size": _size,
    "crop_pct": _crop_pct,
    "resample": _resample,
    "do_rescale": _step,
    "rescale_factor": _rescale_factor,
    "do_normalize": _step,
    "image_mean": _moments,
    "image_std": _moments,
    "do_convert_rgb": _step_or_none,
    "do_center_crop": _step,
    "crop_size": _crop_size,
    "data_format": _data_format,
    "input_data_format": check_layout,
    "pictures": _pictures,
}
