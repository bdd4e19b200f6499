"""What is cut from a picture: the model's input, the same part in the picture's own resolution, and the whole picture, small."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor
from cvt.runtime.resizing import Box, PictureOnGpu

CROP_SIDE = 768  # pixels; screens show the crop no larger
LARGE = 1 << 20  # pixels of a picture for which a thread, or a GPU that runs the model meanwhile, pays
WHOLE_SIDE = 160  # pixels; the whole picture is shown in a corner

Pictures = tuple[Image.Image, Image.Image | None]  # the crop, and the whole picture unless the crop is all of it
Shown = tuple[np.ndarray, Image.Image, Image.Image | None]  # the model's input before normalisation, uint8 (H, W, 3), and these


def pixel_values_of(model: CvtForImageClassification, processor: CvtImageProcessor, cut: Image.Image | np.ndarray) -> Tensor:
    """(1, C, H, W): what the model is given for a picture of its input's size, as ``Exploration.pixels`` has it."""
    return torch.from_numpy(processor.normalize(cut))[None].to(model.device, model.dtype)


def model_input(model: CvtForImageClassification, processor: CvtImageProcessor, original: Image.Image) -> Tensor:
    """(1, C, H, W): what the model is given for a picture of any size."""
    if model.device.type == "cuda":
        return processor.input_on_gpu(PictureOnGpu(original, model.device))[1][None].to(model.dtype)
    return pixel_values_of(model, processor, processor.cut(original))


def cut_and_shown(
    model: CvtForImageClassification, processor: CvtImageProcessor, original: Image.Image
) -> tuple[Tensor, Callable[[], Shown]]:
    """``model_input``, and what gives all that is shown, to be called while a GPU runs the model.

    Resizing a large photograph twice takes longer than a forward pass, and each resize uses only one core. JPEG's own reductions would be
    faster, but on text or fine patterns they are off by up to 10 of 255 levels, more than rounding.
    """
    if model.device.type == "cuda":
        values, shown = _on_gpu(processor, original, model.device)
        return values.to(model.dtype), shown
    resized: Callable[[], Pictures] = partial(_shown, original, None, processor)
    if original.width * original.height > LARGE:
        with ThreadPoolExecutor(1) as beside:
            resized = beside.submit(resized).result
            cut = np.asarray(processor.cut(original))
    else:
        cut = np.asarray(processor.cut(original))
    return pixel_values_of(model, processor, cut), lambda: (cut, *resized())


def _on_gpu(processor: CvtImageProcessor, original: Image.Image, device: torch.device) -> tuple[Tensor, Callable[[], Shown]]:
    """``cut_and_shown`` with resizing on a GPU, before the model's dtype."""
    picture = PictureOnGpu(original, device)
    cut, values = processor.input_on_gpu(picture)
    large = original.width * original.height > LARGE

    def shown() -> Shown:
        crop, whole = _shown(original, picture if large else None, processor)  # first: the GPU hands over the input behind all that it does
        pixels = np.ascontiguousarray(cut.cpu().numpy())
        pixels.flags.writeable = False
        return pixels, crop, whole

    return values[None], shown


def _shown(original: Image.Image, on_gpu: PictureOnGpu | None, processor: CvtImageProcessor) -> Pictures:
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
