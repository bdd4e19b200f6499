"""A picture → pixel_values, and the exact part of the picture that the model sees.

``CvtImageProcessor`` equals Hugging Face's processor of the CvT checkpoints (``ConvNextImageProcessor`` on Pillow) bit by
bit; its settings are read from ``preprocessor_config.json``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .fields import flag, is_list, is_number, shown
from .pictures import MAX_PIXELS, PictureSource, UnreadablePicture, open_picture

__all__ = ["BatchFeature", "CvtImageProcessor", "PictureSource", "UnreadablePicture", "open_picture"]

STEPS = {"do_resize": ("size", "crop_pct", "resample"), "do_rescale": ("rescale_factor",), "do_normalize": ("image_mean", "image_std")}
FULL_RESOLUTION_SIDE = 384  # from this size on, the whole picture is resized to a square instead of cut


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
    None is off for a step, and the default for ``crop_pct`` and for the settings of a step that is off.
    Raises:
        ValueError: a setting that cannot be used.
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
        defaults = {each.name: each.default for each in fields(self)}
        for step, settings in STEPS.items():
            on = getattr(self, step)
            setattr(self, step, flag(False if on is None else on, step, None))  # a file's null is off
            for name in settings:
                if getattr(self, name) is None and (name == "crop_pct" or not getattr(self, step)):
                    setattr(self, name, defaults[name])
        side = self.size
        if isinstance(side, dict):
            sides = [side[name] for name in ("shortest_edge", "height", "width") if side.get(name) is not None]
            side = sides[0] if sides and all(each == sides[0] for each in sides) else None
        if not is_number(side) or side != int(side) or side < 1:
            raise ValueError(f"size must be one side in pixels, an int or {{'shortest_edge': int}}, not {shown(self.size)}.")
        self.size = {"shortest_edge": int(side)}
        if not is_number(self.crop_pct) or not 0 < self.crop_pct <= 1:
            raise ValueError(f"crop_pct must be above 0 and at most 1, not {shown(self.crop_pct)}.")
        self.crop_pct = float(self.crop_pct)
        if max(self._resized(1, 1)) ** 2 > MAX_PIXELS:
            raise ValueError(f"size {self.side} with crop_pct {self.crop_pct} makes pictures of more than {MAX_PIXELS} pixels.")
        if self.resample not in list(Image.Resampling):
            raise ValueError(f"resample is {shown(self.resample)}: choose one of Pillow's filters, 0 to 5; 3 is bicubic.")
        if not is_number(self.rescale_factor) or self.rescale_factor == 0:
            raise ValueError(f"rescale_factor must be a number other than 0, such as 1/255, not {shown(self.rescale_factor)}.")
        self.rescale_factor = float(self.rescale_factor)
        for name in ("image_mean", "image_std"):
            value = getattr(self, name)
            values = list(value) if is_list(value) else [value] * 3
            if len(values) != 3 or not all(map(is_number, values)) or (name == "image_std" and 0 in values):
                raise ValueError(f"{name} must be one number or three, for red, green and blue, not {shown(value)}; no image_std may be 0.")
            setattr(self, name, [float(each) for each in values])

    @property
    def side(self) -> int:
        """Height and width of what the model gets, in pixels."""
        return self.size["shortest_edge"]

    def __call__(self, images: PictureSource | list[PictureSource], return_tensors: str | None = None, **settings) -> BatchFeature:
        """``pixel_values`` of one picture or many.

        Args:
            images: anything ``open_picture`` takes, a list of such, or an array or tensor of several pictures (B, …).
            return_tensors: "pt" for a tensor, "np" for an array (B, 3, H, W), None for a list of arrays (3, H, W).
            settings: fields of this processor to change for this call, for example ``size=384``.
        Raises:
            UnreadablePicture: a picture that cannot be used.
            ValueError: a setting that cannot be used, or pictures of several sizes that nothing makes equal.
        """
        processor = replace(self, **settings) if settings else self
        many = isinstance(images, (list, tuple)) or (isinstance(images, (np.ndarray, Tensor)) and images.ndim == 4)
        values = [processor.normalize(processor.cut(open_picture(image))) for image in (images if many else [images])]
        if return_tensors not in ("pt", "np", None):
            raise ValueError(f"return_tensors is {return_tensors!r}: choose 'pt', 'np' or None.")
        if return_tensors is None:
            return BatchFeature(pixel_values=values)
        if len({each.shape for each in values}) != 1:
            raise ValueError("These pictures do not make one tensor: give at least one, and all of one size if do_resize is False.")
        stacked = np.stack(values)  # (B, 3, H, W)
        return BatchFeature(pixel_values=torch.from_numpy(stacked) if return_tensors == "pt" else stacked)

    preprocess = __call__  # its other name

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

    @property
    def moments(self) -> tuple[list[float], list[float]]:
        """(mean, std) per channel that ``normalize`` amounts to for values in 0..1, with whichever steps are on."""
        white = 255 * self.rescale_factor if self.do_rescale else 255.0  # what becomes of the brightest value
        mean, std = (self.image_mean, self.image_std) if self.do_normalize else ([0.0] * 3, [1.0] * 3)
        return [each / white for each in mean], [each / white for each in std]

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
        """The processor of a ``preprocessor_config.json``'s content; keys that mean nothing here go into ``extra``.

        Raises:
            ValueError: the settings of a processor that prepares pictures in another way.
        """
        kind = values.get("image_processor_type") or values.get("feature_extractor_type") or "ConvNext"
        if not str(kind).startswith(("ConvNext", "Cvt")):
            raise ValueError(
                f"This preprocessor_config.json is for a {kind}, which does not prepare pictures as CvT's ConvNextImageProcessor."
            )
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
