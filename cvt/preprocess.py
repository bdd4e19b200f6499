"""Any picture file → RGB → pixel_values, and the exact part of the picture that the model sees.

``open_picture`` is the boundary where pictures of strangers are read: it decides by the file's header, before anything is
decoded, and every failure is one sentence. ``CvtImageProcessor`` equals Hugging Face's processor of the CvT checkpoints
(``ConvNextImageProcessor`` on Pillow) bit by bit; its settings are read from ``preprocessor_config.json``.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

MAX_PIXELS = 64_000_000  # 192 MB as RGB: room for a phone's 50-megapixel pictures
MAX_ASPECT = 50  # longer side : shorter side
# Pillow's readers that decode pixels themselves; others call programs (EPS) or hold no picture.
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "MPO", "JPEG2000", "PPM", "ICO", "TGA")
FULL_RESOLUTION_SIDE = 384  # from this size on, the processor resizes the whole picture to a square instead of cropping

PictureSource = str | Path | bytes | io.BufferedIOBase | Image.Image | np.ndarray


class UnreadablePicture(ValueError):
    """A picture that cannot be used; the message is a sentence for the person who chose it."""


def open_picture(source: PictureSource) -> Image.Image:
    """Any picture as upright 8-bit RGB.

    The first frame of an animation; EXIF rotation applied; transparency laid over white; 16-bit and float values scaled to
    8 bits; CMYK, grey and palettes converted.

    Args:
        source: a path, the file's bytes, a binary file, a PIL image, or an array (H, W), (H, W, 1), (H, W, 3) or
            (H, W, 4), uint8 in 0..255 or float in 0..1.
    Raises:
        UnreadablePicture: not a picture, damaged, or larger than MAX_PIXELS or MAX_ASPECT allow (read from its header).
    """
    if isinstance(source, np.ndarray):
        source = _from_array(source)
    if isinstance(source, Image.Image):
        return _to_rgb(_check_size(source))
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    try:
        with _identify(source) as picture:
            return _to_rgb(_check_size(picture))
    except UnreadablePicture:
        raise
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError) as error:
        # Pillow's readers raise all of these on damaged files
        raise UnreadablePicture("This picture is damaged or incomplete. Try exporting it again, or use JPEG.") from error
    except MemoryError as error:
        raise UnreadablePicture("This picture is too large for the memory here. Make it smaller and try again.") from error


def _identify(source: str | Path | io.BufferedIOBase) -> Image.Image:
    try:
        return Image.open(source, formats=FORMATS)
    except FileNotFoundError as error:
        raise UnreadablePicture(f"There is no file named {Path(source).name!r}.") from error
    except Image.DecompressionBombError as error:
        raise UnreadablePicture(_too_large()) from error
    except UnidentifiedImageError as error:
        raise UnreadablePicture(_why_unidentified(source)) from error


def _why_unidentified(source: str | Path | io.BufferedIOBase) -> str:
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            start = file.read(512)
    else:
        source.seek(0)
        start = source.read(512)
    if not start:
        return "This file is empty. Choose a picture file such as a JPEG or PNG."
    if b"<svg" in start.lower() or (start.lstrip().startswith(b"<?xml") and b"svg" in start.lower()):
        return "This is an SVG drawing, which has no pixels. Export it as PNG and try again."
    if start[4:8] == b"ftyp" and start[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"):
        return "This is a HEIC picture, which cannot be read here. Export it as JPEG and try again."
    return "This file is not a picture that can be read here. Use JPEG, PNG or WebP."


def _too_large() -> str:
    return f"This picture has more than {MAX_PIXELS // 1_000_000} million pixels. Make it smaller and try again."


def _check_size(picture: Image.Image) -> Image.Image:
    width, height = picture.size
    if width < 1 or height < 1:
        raise UnreadablePicture("This picture has no pixels. Choose another one.")
    if width * height > MAX_PIXELS:
        raise UnreadablePicture(_too_large())
    if max(width, height) > MAX_ASPECT * min(width, height):
        raise UnreadablePicture(f"This picture is more than {MAX_ASPECT} times longer than wide. Cut out a part of it and try again.")
    return picture


def _to_rgb(picture: Image.Image) -> Image.Image:
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8_bit(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB")
    return picture.convert("RGB") if picture.mode != "RGB" else picture


def _to_8_bit(picture: Image.Image) -> Image.Image:
    """Grey of 16 or 32 bits or floats → 8 bits; Pillow's own conversion clips instead of scaling."""
    values = np.asarray(picture).astype(np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    if picture.mode.startswith("I;16") or (picture.mode == "I" and 0 <= values.min() and values.max() <= 65535):
        values = values / 257
    elif picture.mode == "F" and 0 <= values.min() and values.max() <= 1:
        values = values * 255
    elif values.min() < 0 or values.max() > 255:  # no convention says what these mean: show their whole range
        values = (values - values.min()) / max(values.max() - values.min(), 1e-12) * 255
    return Image.fromarray(np.round(values).astype(np.uint8))


def _from_array(array: np.ndarray) -> Image.Image:
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or array.size == 0:
        raise UnreadablePicture(f"An array must be (height, width), or (height, width, 1, 3 or 4), not {array.shape}.")
    if np.issubdtype(array.dtype, np.floating):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise UnreadablePicture("An array of floats must lie in 0..1.")
        array = np.round(array * 255).astype(np.uint8)
    elif array.dtype == bool:
        array = array.astype(np.uint8) * 255
    elif array.dtype != np.uint8:
        if array.min() < 0 or array.max() > 255:
            raise UnreadablePicture("An array of whole numbers must lie in 0..255.")
        array = array.astype(np.uint8)
    return Image.fromarray(array)


class BatchFeature(dict):
    """What the processor returns: ``pixel_values`` by name or attribute; ``model(**inputs)`` takes it."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def to(self, *args, **kwargs) -> BatchFeature:
        """Tensors moved to a device or dtype, as ``torch.Tensor.to`` does."""
        return BatchFeature({name: value.to(*args, **kwargs) if isinstance(value, Tensor) else value for name, value in self.items()})


@dataclass
class CvtImageProcessor:
    """Picture → pixel_values: resize, crop the middle, scale to 0..1, normalise.

    Below 384 the shortest edge is resized to ``size / crop_pct`` and the middle ``size`` × ``size`` is cut out; from 384 on
    the whole picture is resized to a square. Defaults are those of Hugging Face's class; published models bring their own.

    Args:
        size: the side of the model's input in pixels, an int or ``{"shortest_edge": int}``.
        resample: Pillow's number of the filter; 3 is bicubic.
        extra: keys of a ``preprocessor_config.json`` that mean nothing here, kept for saving.
    Raises:
        ValueError: a size or crop that cannot be used.
    Source: Hugging Face's documentation of ConvNextImageProcessor, which CvT's checkpoints name.
    """

    do_resize: bool = True
    size: Any = 384
    crop_pct: float | None = 224 / 256
    resample: int = Image.Resampling.BICUBIC
    do_rescale: bool = True
    rescale_factor: float = 1 / 255
    do_normalize: bool = True
    image_mean: Any = (0.5, 0.5, 0.5)
    image_std: Any = (0.5, 0.5, 0.5)
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        side = self.size
        if isinstance(side, dict):
            sides = {side[name] for name in ("shortest_edge", "height", "width") if side.get(name) is not None}
            side = sides.pop() if len(sides) == 1 else None
        if not isinstance(side, int) or isinstance(side, bool) or side < 1:
            raise ValueError(f"size must be one side in pixels, an int or {{'shortest_edge': int}}, not {self.size!r}.")
        self.size = {"shortest_edge": side}
        self.crop_pct = 224 / 256 if self.crop_pct is None else self.crop_pct
        if not 0 < self.crop_pct <= 1:
            raise ValueError(f"crop_pct must be above 0 and at most 1, not {self.crop_pct!r}.")
        for name in ("image_mean", "image_std"):
            value = getattr(self, name)
            setattr(self, name, [float(value)] * 3 if isinstance(value, (int, float)) else [float(each) for each in value])

    @property
    def side(self) -> int:
        """Height and width of what the model gets, in pixels."""
        return self.size["shortest_edge"]

    def __call__(self, images: PictureSource | list, return_tensors: str | None = None) -> BatchFeature:
        """``pixel_values`` of one picture or a list of them.

        Args:
            images: anything ``open_picture`` takes, or a list of such.
            return_tensors: "pt" for a tensor, "np" for an array (B, 3, H, W), None for a list of arrays (3, H, W).
        Raises:
            UnreadablePicture: a picture that cannot be used.
        """
        many = images if isinstance(images, (list, tuple)) else [images]
        values = [self.normalize(self.cut(open_picture(image))) for image in many]
        if return_tensors == "pt":
            return BatchFeature(pixel_values=torch.from_numpy(np.stack(values)))
        if return_tensors == "np":
            return BatchFeature(pixel_values=np.stack(values))
        if return_tensors is None:
            return BatchFeature(pixel_values=values)
        raise ValueError(f"return_tensors is {return_tensors!r}: choose 'pt', 'np' or None.")

    def _resized(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) to which a picture is resized before the crop."""
        if self.side >= FULL_RESOLUTION_SIDE:
            return self.side, self.side
        edge = int(self.side / self.crop_pct)
        if width <= height:
            return edge, int(edge * height / width)
        return int(edge * width / height), edge

    def cut(self, picture: Image.Image) -> Image.Image:
        """The pixels that the model gets, before scaling: RGB of side × side, or the picture as it is without ``do_resize``."""
        if not self.do_resize:
            return picture
        resized = self._resized(*picture.size)
        left, top = (resized[0] - self.side) // 2, (resized[1] - self.side) // 2
        return picture.resize(resized, self.resample).crop((left, top, left + self.side, top + self.side))

    def crop_box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part of a (width, height) picture that the model sees: left, top, right, bottom in the picture's own pixels."""
        if not self.do_resize:
            return 0.0, 0.0, float(width), float(height)
        resized = self._resized(width, height)
        left, top = (resized[0] - self.side) // 2, (resized[1] - self.side) // 2
        x, y = width / resized[0], height / resized[1]
        return left * x, top * y, (left + self.side) * x, (top + self.side) * y

    def normalize(self, picture: Image.Image) -> np.ndarray:
        """RGB picture → float32 (3, H, W), scaled and normalised."""
        values = np.asarray(picture)  # (H, W, 3)
        if self.do_rescale:
            values = values.astype(np.float64) * self.rescale_factor
        values = values.astype(np.float32)
        if self.do_normalize:
            mean, std = (np.array(each, dtype=np.float32) for each in (self.image_mean, self.image_std))
            values = (values - mean) / std
        return np.ascontiguousarray(values.transpose(2, 0, 1))  # (H, W, 3) → (3, H, W)

    def to_dict(self) -> dict[str, Any]:
        """Everything as JSON values, in the form of a Hugging Face ``preprocessor_config.json``."""
        own = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "extra"}
        own["resample"] = int(self.resample)
        return {"image_processor_type": "ConvNextImageProcessor", **self.extra, **own}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> CvtImageProcessor:
        known = {each.name for each in fields(cls)} - {"extra"}
        own = {name: value for name, value in values.items() if name in known}
        return cls(**own, extra={name: value for name, value in values.items() if name not in known})

    @classmethod
    def from_pretrained(cls, source: str | Path | None = None, **hub) -> CvtImageProcessor:
        """The processor of the embedded model (no argument), a folder, or a Hub id; see ``checkpoint.py``."""
        from .checkpoint import load_processor  # checkpoint.py imports this module

        return load_processor(source, **hub)

    def save_pretrained(self, folder: str | Path) -> None:
        """Writes ``preprocessor_config.json`` into ``folder``, made if it is missing."""
        from .checkpoint import write_json

        write_json(Path(folder) / "preprocessor_config.json", self.to_dict())
