"""What is cut from a picture: the model's input, the same part in the picture's own resolution, and the whole picture, small."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import torch
from PIL import Image

from cvt.processor import CvtImageProcessor
from cvt.runtime.resizing import Box, PictureOnGpu

CROP_SIDE = 768  # pixels; screens show the crop no larger
LARGE = 1 << 20  # pixels of a picture for which a thread, or a GPU that runs the model meanwhile, pays
WHOLE_SIDE = 160  # pixels; the whole picture is shown in a corner

Shown = tuple[Image.Image, Image.Image | None]  # the crop, and the whole picture unless the crop is all of it


def cut_and_shown(original: Image.Image, processor: CvtImageProcessor, device: torch.device) -> tuple[Image.Image, Callable[[], Shown]]:
    """The model's input, and what gives the pictures that are shown, to be called while a GPU runs the model.

    Resizing a large photograph twice takes longer than a forward pass, and each resize uses only one core. JPEG's own reductions would be
    faster, but on text or fine patterns they are off by up to 10 of 255 levels, more than rounding.
    """
    on_gpu, large = picture_on_gpu(original, device), original.width * original.height > LARGE
    shown = partial(_shown, original, on_gpu if large else None, processor)
    if on_gpu is None and large:
        with ThreadPoolExecutor(1) as beside:
            resized = beside.submit(shown)
            cut = processor.cut(original)
        return cut, resized.result
    return processor.cut(original, on_gpu), shown


def picture_on_gpu(original: Image.Image, device: torch.device) -> PictureOnGpu | None:
    """The picture where a GPU resizes it; None without one."""
    return PictureOnGpu(original, device) if device.type == "cuda" else None


def _shown(original: Image.Image, on_gpu: PictureOnGpu | None, processor: CvtImageProcessor) -> Shown:
    box, (width, height) = processor.crop_box(*original.size), processor.cut_size(*original.size)
    return _crop(on_gpu or original, box, width / height), _whole(original, on_gpu, box)


def _crop(picture: Image.Image | PictureOnGpu, box: Box, aspect: float) -> Image.Image:
    """The part of the picture that the model saw, in the model's aspect ratio, at most CROP_SIDE and never enlarged."""
    height = box[3] - box[1]
    height *= min(1.0, CROP_SIDE / (height * max(1.0, aspect)))
    size = max(1, round(height * aspect)), max(1, round(height))
    return picture.resize(size, Image.Resampling.BICUBIC, box=box)


def _whole(original: Image.Image, on_gpu: PictureOnGpu | None, box: Box) -> Image.Image | None:
    """All of the picture, small and never enlarged; None if all of it is within the box."""
    if box == (0.0, 0.0, *map(float, original.size)):
        return None
    scale = min(1.0, WHOLE_SIDE / max(original.size))
    size = max(1, round(original.width * scale)), max(1, round(original.height * scale))
    if on_gpu is not None:
        return on_gpu.resize(size)
    return original.resize(size, Image.Resampling.BICUBIC, reducing_gap=1.0)  # in two steps: it is only looked at
