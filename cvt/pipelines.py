"""``pipeline("image-classification")``: pictures in, the most probable classes out.

Arguments and results are those Hugging Face documents for its image classification pipeline. (The module is not called
"pipeline" so that ``cvt.pipeline`` is always the function.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from numbers import Integral
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from .checkpoint import as_device, as_dtype
from .config import CvtConfig
from .fetch import fetch, is_url
from .model import CvtForImageClassification
from .pictures import PictureSource, UnreadablePicture, open_picture
from .preprocess import CvtImageProcessor

TASK = "image-classification"
ONE_PICTURE = (str, bytes, bytearray, memoryview, Path, Image.Image, np.ndarray, Tensor)  # though some can be iterated
FUNCTIONS = ("default", "softmax", "sigmoid", "none")

Classes = list[dict[str, float | str]]


def pipeline(
    task: str | None = TASK,
    model: str | Path | CvtForImageClassification | None = None,
    image_processor: str | Path | CvtImageProcessor | None = None,
    device: str | int | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    *,
    torch_dtype: torch.dtype | str | None = None,
    device_map: str | torch.device | None = None,
    batch_size: int = 1,
    top_k: int = 5,
    function_to_apply: str | None = None,
    **hub,
) -> ImageClassificationPipeline:
    """A classifier of pictures.

    Args:
        task: "image-classification", the only one.
        model: what ``CvtForImageClassification.from_pretrained`` takes (nothing for the embedded model), or a model.
        image_processor: what ``CvtImageProcessor.from_pretrained`` takes, or a processor; the model's own if not given.
        device: "cpu", "cuda", a CUDA number or -1 for the CPU; CUDA where there is one if not given. ``device_map`` likewise.
        dtype: of the weights; float32 if not given. ``torch_dtype`` is its older name.
        batch_size, top_k, function_to_apply: for every call that does not say otherwise; see the pipeline's ``__call__``.
        hub: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, for a model on the Hub.
    Raises:
        ValueError: another task, an option that is not one of those above, or a model or processor that cannot be loaded.
    """
    if task not in (TASK, None):
        raise ValueError(f"The task is {task!r}, but this pipeline does {TASK!r} only.")
    device = device if device_map is None else device_map
    dtype = dtype if torch_dtype is None else torch_dtype
    if isinstance(model, CvtForImageClassification):
        if image_processor is None:
            raise ValueError("A model that is already loaded needs its image_processor, as from CvtImageProcessor.from_pretrained().")
        if device is not None or dtype is not None:
            model = model.to(model.device if device is None else as_device(device), model.dtype if dtype is None else as_dtype(dtype))
    else:
        if image_processor is None:
            image_processor = model
        model = CvtForImageClassification.from_pretrained(model, device="auto" if device is None else device, dtype=dtype, **hub)
    if not isinstance(image_processor, CvtImageProcessor):
        image_processor = CvtImageProcessor.from_pretrained(image_processor, **hub)
    return ImageClassificationPipeline(model, image_processor, batch_size, top_k, function_to_apply)


class ImageClassificationPipeline:
    """What ``pipeline`` returns; call it with pictures."""

    task = TASK

    def __init__(
        self,
        model: CvtForImageClassification,
        image_processor: CvtImageProcessor,
        batch_size: int = 1,
        top_k: int = 5,
        function_to_apply: str | None = None,
    ):
        if not model.config.num_labels:
            raise ValueError("This model has no classes (num_labels is 0), so it cannot name a picture.")
        self.model, self.image_processor = model.eval(), image_processor
        self.batch_size, self.top_k = _positive(batch_size, "batch_size"), _positive(top_k, "top_k")
        self.function_to_apply = _function(function_to_apply, model.config)

    @property
    def device(self) -> torch.device:
        return self.model.device

    @property
    def dtype(self) -> torch.dtype:
        return self.model.dtype

    def __call__(
        self,
        inputs: PictureSource | Iterable[PictureSource] | None = None,
        *,
        images: PictureSource | Iterable[PictureSource] | None = None,
        top_k: int | None = None,
        function_to_apply: str | None = None,
        batch_size: int | None = None,
        timeout: float | None = None,
    ) -> Classes | list[Classes] | Iterator[Classes]:
        """The most probable classes of one picture, or of each of many.

        Args:
            inputs: a path, an http(s) address, a file's bytes, a PIL image, an array or tensor as ``open_picture`` takes it;
                or a list, or any other iterable of those. ``images`` is its older name.
            top_k: how many classes, at most those the model has; 5 if the pipeline was not told otherwise.
            function_to_apply: how logits become scores: "softmax", "sigmoid", "none", or "default": none for regression,
                sigmoid for several classes a picture or a single class, else softmax.
            batch_size: how many pictures go through the model at once.
            timeout: seconds for an address to deliver its picture; 20 if None.
        Returns:
            [{"score": float, "label": str}, …], best first, for one picture; a list of such lists for a list; for another
            iterable an iterator, which reads no further than the batch it is in.
        Raises:
            UnreadablePicture: a picture that cannot be used; among many, its number is told.
            ValueError: an option that is not one of those above.
        """
        inputs = images if inputs is None else inputs
        top_k = _positive(self.top_k if top_k is None else top_k, "top_k")
        batch_size = _positive(self.batch_size if batch_size is None else batch_size, "batch_size")
        function = _function(self.function_to_apply if function_to_apply is None else function_to_apply, self.model.config)
        if isinstance(inputs, ONE_PICTURE) or not isinstance(inputs, Iterable) or hasattr(inputs, "read"):
            return self._classify([_open(inputs, timeout)], top_k, function)[0]
        results = self._many(iter(inputs), batch_size, top_k, function, timeout)
        return list(results) if isinstance(inputs, (list, tuple)) else results

    def _many(
        self, inputs: Iterator[PictureSource], batch_size: int, top_k: int, function: str, timeout: float | None
    ) -> Iterator[Classes]:
        done = 0
        while batch := list(islice(inputs, batch_size)):
            pictures = []
            for number, source in enumerate(batch, start=done + 1):
                try:
                    pictures.append(_open(source, timeout))
                except UnreadablePicture as error:
                    raise UnreadablePicture(f"Picture {number}: {error}") from error
            yield from self._classify(pictures, top_k, function)
            done += len(batch)

    @torch.inference_mode()
    def _classify(self, pictures: list[Image.Image], top_k: int, function: str) -> list[Classes]:
        pixel_values = self.image_processor(pictures, return_tensors="pt").to(self.device)["pixel_values"]
        scores = _scores(self.model(pixel_values).logits.float(), function).cpu()  # (B, num_labels)
        best, order = scores.sort(dim=1, descending=True, stable=True)
        names = self.model.config.id2label
        return [
            [{"label": names[index], "score": score} for score, index in zip(values, indices, strict=True)]
            for values, indices in zip(best[:, :top_k].tolist(), order[:, :top_k].tolist(), strict=True)
        ]


def _open(source: PictureSource, timeout: float | None) -> Image.Image:
    return open_picture(fetch(source, timeout) if is_url(source) else source)


def _positive(value: int, name: str) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}.")
    return int(value)


def _function(name: str | None, config: CvtConfig) -> str:
    """What makes scores of logits: "softmax", "sigmoid" or "none"."""
    name = "default" if name is None else str(name).lower()
    if name not in FUNCTIONS:
        raise ValueError(f"function_to_apply is {name!r}: choose one of {', '.join(FUNCTIONS)}.")
    if name != "default":
        return name
    if config.problem_type == "regression":
        return "none"
    return "sigmoid" if config.problem_type == "multi_label_classification" or config.num_labels == 1 else "softmax"


def _scores(logits: Tensor, function: str) -> Tensor:
    if function == "softmax":
        return logits.softmax(dim=-1)
    return logits.sigmoid() if function == "sigmoid" else logits
