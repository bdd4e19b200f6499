"""Turns pictures into pixel_values, and gives the exact crop that the model sees.

``CvtImageProcessor`` gives bit for bit the results of Hugging Face's processor for CvT (``ConvNextImageProcessor`` with Pillow),
with the exceptions that the class describes; its settings are read from ``preprocessor_config.json``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar

import numpy as np
from PIL import Image
from torch import Tensor

from ..fields import check_spelling, is_number, nearest
from ..pictures import MAX_PIXELS, PictureSource, UnreadablePicture, open_picture
from ..pictures.memory import is_array
from ..pictures.sources import as_stored, each_picture, located, native
from ..runtime.resizing import NARROW, Box, PictureOnGpu
from .arrays import FIRST, ArrayPicture, array_pictures, middle
from .batch_feature import BatchFeature, check_tensor_type
from .files import IGNORED, KINDS, ProcessorFiles
from .settings import CHECKS

__all__ = ["BatchFeature", "CvtImageProcessor", "PictureSource", "UnreadablePicture", "open_picture"]

STEPS = {
    "do_resize": ("size", "crop_pct", "resample"),
    "do_center_crop": ("crop_size",),
    "do_rescale": ("rescale_factor",),
    "do_normalize": ("image_mean", "image_std"),
}
FULL_RESOLUTION_SIDE = 384  # from this size on, the whole picture is resized to a square instead of cropped


@dataclass(init=False, repr=False)
class CvtImageProcessor(ProcessorFiles):
    """Prepares pictures as pixel_values: resizes, crops the centre, scales to 0..1, normalises.

    Below 384, the shortest edge is resized to ``size / crop_pct`` and the central ``size`` × ``size`` is cropped; from 384 on,
    the whole picture is resized to a square. Defaults are those of Hugging Face's class; published models have their own.
    Attributes can be changed; they are checked like the arguments.

    Upright sRGB pictures without transparency give exactly transformers' numbers. Others differ so that the model sees what a
    person sees: EXIF orientation is applied, colour profiles are converted to sRGB, transparency is laid over white, and
    16-bit grey is scaled (transformers' processor ignores the first two and refuses or clips the others).
    ``pictures="as_stored"`` gives transformers' numbers there too: those of ``Image.open(path).convert("RGB")``.

    Arrays are treated as in transformers: integers are 0..255; booleans and floats in 0..1 are already rescaled, so that
    ``do_rescale=False`` leaves them unchanged. With ``do_rescale`` they are a picture whose brightest value is 1, where
    transformers would divide them by 255 a second time.

    Args:
        size: the side of the model's input in pixels: an int, an equal (height, width), or a dict such as
            ``{"shortest_edge": 224}`` or ``{"height": 224, "width": 224}``.
        resample: Pillow's number for the filter; 3 is bicubic.
        image_mean, image_std: a number, or one per channel. With 4 or 1 of them, pictures have as many channels.
        do_convert_rgb: True converts all pictures to RGB, False keeps grey and an alpha channel; None converts to RGB if there
            are three means.
        do_center_crop, crop_size: crops the centre once more, with black where the picture is smaller.
        data_format: "channels_first" gives (C, H, W), "channels_last" (H, W, C).
        input_data_format: the layout of arrays; inferred from their shape if None.
        pictures: "as_seen" or "as_stored", see above.
        extra: unknown keys of a ``preprocessor_config.json``, kept for saving.
    None turns a step off; for ``crop_pct``, and for the settings of a step that is off, it means the default.
    Raises:
        ValueError: an invalid setting. TypeError: an argument that looks like a misspelt one.
    Source: Hugging Face's documentation of ConvNextImageProcessor, which CvT's checkpoints use.
    """

    model_input_names: ClassVar[list[str]] = ["pixel_values"]
    backend: ClassVar[str] = "pil"

    do_resize: bool = True
    size: Any = 384
    crop_pct: float = 224 / 256
    resample: int = Image.Resampling.BICUBIC
    do_rescale: bool = True
    rescale_factor: float = 1 / 255
    do_normalize: bool = True
    image_mean: Any = (0.5, 0.5, 0.5)
    image_std: Any = (0.5, 0.5, 0.5)
    do_convert_rgb: bool | None = None
    do_center_crop: bool = False
    crop_size: Any = None
    data_format: str = FIRST
    input_data_format: str | None = None
    pictures: str = "as_seen"
    extra: dict[str, Any] = field(default_factory=dict)

    def __init__(self, **settings: Any):
        extra = dict(settings.pop("extra", None) or {})
        defaults = {each.name: each.default for each in fields(self) if each.name != "extra"}
        check_spelling(settings, {*defaults, *IGNORED}, "CvtImageProcessor()")
        extra |= {name: value for name, value in settings.items() if name not in defaults}
        extra = {name: value for name, value in extra.items() if name not in KINDS}  # to_dict writes the only one
        values = {**defaults, **{name: value for name, value in settings.items() if name in defaults}}
        for step, names in STEPS.items():
            for name in names:
                if values[name] is None and (name == "crop_pct" or not values[step]):
                    values[name] = defaults[name]
        for name, value in values.items():
            setattr(self, name, value)
        self.extra = extra

    def __setattr__(self, name: str, value: Any) -> None:
        if name in CHECKS:
            value = CHECKS[name](value, name)
        if name in ("size", "crop_pct") and {"size", "crop_pct"} <= {*self.__dict__, name}:
            settings = {**self.__dict__, name: value}
            side, crop_pct = settings["size"]["shortest_edge"], settings["crop_pct"]
            if max(_resized(1, 1, side, crop_pct)) ** 2 > MAX_PIXELS:
                raise ValueError(f"size {side} with crop_pct {crop_pct} makes pictures of more than {MAX_PIXELS} pixels.")
        super().__setattr__(name, value)

    @property
    def side(self) -> int:
        """Height and width of the model's input, in pixels."""
        return self.size["shortest_edge"]

    @property
    def channels(self) -> int:
        """The number of channels in ``image_mean``."""
        return next((len(each) for each in (self.image_mean, self.image_std) if len(each) != 3), 3)

    def __call__(self, images: PictureSource | Iterable[PictureSource], return_tensors: str | None = None, **settings) -> BatchFeature:
        """Returns ``pixel_values`` of one picture or several.

        Args:
            images: anything ``open_picture`` takes, an http(s) address, base64 text, an array or tensor of several pictures
                (B, …), or any nesting of iterables of those.
            return_tensors: "pt" for a tensor, "np" for an array (B, C, H, W), None for a list of arrays (C, H, W), all float32.
            settings: settings to change for this call, for example ``size=384``; ``device`` for the tensor. With one number
                each for ``image_mean`` and ``image_std``, pictures keep the channels they have. Settings of other processors
                that transformers ignores are ignored.
        Raises:
            UnreadablePicture: a picture that cannot be used.
            ValueError: an invalid setting, or pictures of different sizes without ``do_resize``.
            TypeError: an unknown argument.
        """
        check_tensor_type(return_tensors)
        device = settings.pop("device", None)
        settings = {name: value for name, value in settings.items() if name not in IGNORED}
        known = self.setting_names()
        for name in settings:
            if name not in known:
                hint = nearest(name, (*known, "return_tensors", "device"))
                raise TypeError(f"CvtImageProcessor() got an unexpected argument {name!r}{hint}")
        if is_number(settings.get("image_mean")) and is_number(settings.get("image_std")) and self.do_convert_rgb is None:
            settings.setdefault("do_convert_rgb", False)
        processor = replace(self, **settings) if settings else self
        values = [each for source in each_picture(images) for each in processor._pixel_values(source)]
        if return_tensors is not None and len({each.shape for each in values}) != 1:
            raise ValueError("These pictures cannot become one tensor: give at least one, and all of one size if do_resize is False.")
        batch = BatchFeature({"pixel_values": values}, return_tensors)
        return batch if device is None else batch.to(device)

    preprocess = __call__  # its other name

    def _pixel_values(self, source: PictureSource) -> list[np.ndarray]:
        """The pixel values of one source: of one picture, or of each in an array with a batch axis."""
        if is_array(source):
            values = [self._of_array(each) for each in array_pictures(source, self.input_data_format)]
        else:
            values = [self.normalize(self.cut(self._opened(located(source))))]
        return values if self.data_format == FIRST else [np.ascontiguousarray(each.transpose(1, 2, 0)) for each in values]

    @property
    def _rgb(self) -> bool:
        """Whether pictures are converted to RGB, or keep their channels."""
        return self.channels == 3 if self.do_convert_rgb is None else self.do_convert_rgb

    @property
    def _crop_sides(self) -> tuple[int, int]:
        """(width, height) after ``do_center_crop``."""
        if self.crop_size is None:
            raise ValueError("do_center_crop needs a crop_size, such as 224.")
        return self.crop_size["width"], self.crop_size["height"]

    def _opened(self, source: PictureSource) -> Image.Image:
        if self.pictures == "as_stored":
            stored = as_stored(source)
            return stored.convert("RGB") if self._rgb else stored
        return open_picture(source) if self._rgb else native(source)

    def _of_array(self, picture: ArrayPicture) -> np.ndarray:
        picture = picture.rgb() if self._rgb else picture
        if self.do_resize:
            values = np.asarray(self.cut(picture.eight_bits()))
            unscaled = 1 / 255 if picture.unit else None  # back to the scale before the conversion to 8 bits
            return self._normalized(values, self.rescale_factor if self.do_rescale else unscaled)
        values = picture.values
        if self.do_center_crop:
            width, height = self._crop_sides
            values = middle(values, height, width)
        return self._normalized(values, self.rescale_factor * (255 if picture.unit else 1) if self.do_rescale else None)

    def cut(self, picture: Image.Image) -> Image.Image:
        """Crops a picture to the pixels that the model gets: side × side; unchanged without ``do_resize``."""
        if self.do_resize:
            resized = _resized(*picture.size, self.side, self.crop_pct)
            inner = _middle(*resized, self.side, self.side)
            box = _same_box(*picture.size, resized, inner)
            if box is None:
                picture = picture.resize(resized, self.resample).crop(inner)
            else:
                picture = picture.resize((self.side, self.side), self.resample, box)
        if self.do_center_crop:
            picture = picture.crop(_middle(*picture.size, *self._crop_sides))
        return picture

    def input_on_gpu(self, picture: PictureOnGpu) -> tuple[Tensor, Tensor]:
        """``cut`` of an 8-bit picture, uint8 (H, W, C) or (H, W), and ``normalize`` of it, float32 (C, H, W), on the GPU, whose work on
        these is not waited for."""
        table = picture.upload(self._levels(len(picture.image.getbands())))  # first: an upload waits for all that was begun before it
        size, (left, top, right, bottom) = self._resized_box(*picture.image.size)
        if max(right - left, bottom - top) <= self.side and picture.can_resize(size, self.resample):
            cut = picture.resize_on_gpu(size, self.resample)[top:bottom, left:right]
        else:
            cut = picture.upload(np.array(self.cut(picture.image)))
        levels = cut.reshape(*cut.shape[:2], -1).permute(2, 0, 1)
        return cut, table.gather(1, levels.flatten(1).long()).view(levels.shape)

    def crop_box(self, width: int, height: int) -> tuple[float, float, float, float]:
        """The part of a (width, height) picture that the model sees: left, top, right, bottom in pixels of the picture."""
        resized, box = self._resized_box(width, height)
        x, y = width / resized[0], height / resized[1]
        return float(box[0] * x), float(box[1] * y), float(box[2] * x), float(box[3] * y)

    def cut_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) of the result of ``cut`` for a (width, height) picture."""
        left, top, right, bottom = self._resized_box(width, height)[1]
        return right - left, bottom - top

    def _resized_box(self, width: int, height: int) -> tuple[tuple[int, int], tuple[int, int, int, int]]:
        """The size to which a picture is resized, and the box that is then cropped, in pixels of the resized picture."""
        resized, box = (width, height), (0, 0, width, height)
        if self.do_resize:
            resized = _resized(width, height, self.side, self.crop_pct)
            box = _middle(*resized, self.side, self.side)
        if self.do_center_crop:
            inner = _middle(box[2] - box[0], box[3] - box[1], *self._crop_sides)
            box = (box[0] + inner[0], box[1] + inner[1], box[0] + inner[2], box[1] + inner[3])
        return resized, box

    @property
    def moments(self) -> tuple[list[float], list[float]]:
        """(mean, std) per channel of the equivalent normalisation of values in 0..1, given the steps that are on."""
        white = 255 * self.rescale_factor if self.do_rescale else 255.0  # the brightest value after rescaling
        mean, std = (self.image_mean, self.image_std) if self.do_normalize else ([0.0] * 3, [1.0] * 3)
        return [each / white for each in mean], [each / white for each in std]

    def normalize(self, picture: Image.Image | np.ndarray) -> np.ndarray:
        """Scales and normalises an 8-bit picture: (H, W, C) → float32 (C, H, W)."""
        values, factor = np.asarray(picture), self.rescale_factor if self.do_rescale else None
        if values.size <= 1 << 10 or values.dtype != np.uint8:  # so small a picture has about as few values as a table of all levels
            return self._normalized(values, factor)
        values = values[:, :, None] if values.ndim == 2 else values
        found = np.empty((values.shape[2], *values.shape[:2]), np.float32)
        for channel, of_channel in enumerate(self._levels(values.shape[2])):
            np.take(of_channel, values[:, :, channel], out=found[channel], mode="clip")  # the other modes copy
        return found

    def _levels(self, channels: int) -> np.ndarray:
        """float32 (C, 256): what ``normalize`` makes of each level, since there are only so many."""
        levels = np.broadcast_to(np.arange(256, dtype=np.uint8)[:, None, None], (256, 1, channels))
        return self._normalized(levels, self.rescale_factor if self.do_rescale else None)[:, :, 0]

    def _normalized(self, values: np.ndarray, factor: float | None) -> np.ndarray:
        values = values[:, :, None] if values.ndim == 2 else values  # grey
        if factor is not None:
            values = (values.astype(np.float64) * factor).astype(np.float32)
        elif values.dtype != np.float64:
            values = values.astype(np.float32)
        if self.do_normalize:
            mean, std = (_per_channel(getattr(self, name), name, values) for name in ("image_mean", "image_std"))
            values = (values - mean) / std
        return np.ascontiguousarray(values.transpose(2, 0, 1), dtype=np.float32)  # (H, W, C) → (C, H, W)


def _resized(width: int, height: int, side: int, crop_pct: float) -> tuple[int, int]:
    """(width, height) to which a picture is resized before the crop."""
    if side >= FULL_RESOLUTION_SIDE:
        return side, side
    edge = int(side / crop_pct)
    if width <= height:
        return edge, int(edge * height / width)
    return int(edge * width / height), edge


def _same_box(width: int, height: int, resized: tuple[int, int], inner: Box) -> Box | None:
    """Of a (width, height) picture, the box from which resizing gives the same pixels as cropping the resized picture to ``inner``, if
    there is one: its corners must be exact in the 32 bits that Pillow has for them, and Pillow must go the same way, not copy or begin
    with columns.

    So it is for photographs of 4:3 and inputs of 96 pixels, and saves a quarter of the work.
    """
    exact = max(width, height) < 1 << 17 and (width << 6) % resized[0] == 0 and (height << 6) % resized[1] == 0
    if not exact or resized == (width, height) or height > NARROW * width:
        return None
    x, y = width / resized[0], height / resized[1]
    return inner[0] * x, inner[1] * y, inner[2] * x, inner[3] * y


def _middle(width: int, height: int, inner_width: int, inner_height: int) -> tuple[int, int, int, int]:
    """The central box in a (width, height): left, top, right, bottom; extends beyond it if the box is larger."""
    left, top = (width - inner_width) // 2, (height - inner_height) // 2
    return left, top, left + inner_width, top + inner_height


def _per_channel(moments: list[float], name: str, values: np.ndarray) -> np.ndarray:
    """A mean or deviation per channel, in the dtype of ``values``."""
    channels = values.shape[2]
    if len(moments) != channels and len(set(moments)) > 1:
        raise ValueError(
            f"This picture has {channels} channels, but {name} has {len(moments)} values: give one per channel, or do_convert_rgb=True."
        )
    return np.array(moments if len(moments) == channels else moments[:1], dtype=values.dtype)


AutoImageProcessor = AutoFeatureExtractor = CvtImageProcessor  # the names in Hugging Face's examples
