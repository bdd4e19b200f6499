"""``pipeline("image-classification")``: pictures in, the most probable classes out.

Arguments and results are those Hugging Face documents for its image classification pipeline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from numbers import Integral
from pathlib import Path
from typing import Any

import torch
from PIL import ImageOps
from torch import nn

from ..config import CvtConfig
from ..fields import nearest
from ..files.options import split_where
from ..files.push import push_to_hub
from ..files.storage import check_folder
from ..model import CvtForImageClassification
from ..pictures import PictureSource, UnreadablePicture, open_picture
from ..pictures.memory import is_array
from ..pictures.sources import as_stored, is_several, located, walk
from ..processor import CvtImageProcessor
from ..processor.batch_feature import BatchFeature
from ..runtime.device import as_device, as_dtype
from .scores import Classes, check_classifier, named_scores, score_function, unwrapped

TASK = "image-classification"
CALL = ("top_k", "function_to_apply", "batch_size", "timeout")
# What transformers' pipeline takes for other tasks, or ignores for this one.
IGNORED = (
    *("tokenizer", "processor", "video_processor", "use_fast", "framework", "binary_output", "num_workers", "modelcard"),
    *("args_parser", "pipeline_class"),
)


def pipeline(
    task: str | None = TASK,
    model: str | Path | nn.Module | None = None,
    image_processor: Any = None,
    device: str | int | torch.device | None = None,
    dtype: torch.dtype | str | None = None,
    *,
    feature_extractor: Any = None,
    config: CvtConfig | str | Path | None = None,
    torch_dtype: torch.dtype | str | None = None,
    device_map: str | int | torch.device | Mapping | None = None,
    model_kwargs: Mapping[str, Any] | None = None,
    batch_size: int = 1,
    top_k: int | None = None,
    function_to_apply: str | None = None,
    timeout: float | None = None,
    **options: Any,
) -> ImageClassificationPipeline:
    """A classifier of pictures.

    Args:
        task: "image-classification", the only one.
        model: what ``CvtForImageClassification.from_pretrained`` takes (nothing for the embedded model), or a model: also a
            compiled one, one in PEFT's or DataParallel's wrapper, or transformers' CvT.
        image_processor: what ``CvtImageProcessor.from_pretrained`` takes, or a processor, also transformers'; the model's own
            if not given. ``feature_extractor`` is its older name.
        device: "cpu", "cuda", a CUDA number or -1 for the CPU; CUDA where there is one if not given. ``device_map`` likewise.
            A loaded model stays where it is if neither is given.
        dtype: of the weights; float32 if not given. ``torch_dtype`` is its older name.
        config, model_kwargs: for ``from_pretrained``: a config used instead of the file's, and any other argument.
        batch_size, top_k, function_to_apply, timeout: for every call that does not say otherwise; see the pipeline's ``__call__``.
        options: ``revision``, ``cache_dir``, ``local_files_only``, ``token``, ``subfolder``, ``force_download``, to find the
            files; and what has a meaning for other tasks of transformers' only, which is ignored.
    Raises:
        ValueError: another task, an option that is not one of those above, or a model or processor that cannot be loaded.
        TypeError: an argument that there is not.
    """
    if task not in (TASK, None):
        raise ValueError(f"The task is {task!r}, but this pipeline does {TASK!r} only.")
    where = split_where(options)
    _check_names(options, (*(pipeline.__kwdefaults__ or ()), "image_processor", "device", "dtype", *where))
    model_kwargs = dict(model_kwargs or {})
    dtype, device = dtype if torch_dtype is None else torch_dtype, device_map if device is None else device
    if isinstance(feature_extractor, (str, Path)):
        feature_extractor = CvtImageProcessor.from_pretrained(feature_extractor, **where)
    image_processor = feature_extractor if image_processor is None else image_processor
    if isinstance(model, nn.Module):
        if image_processor is None:
            raise ValueError("A model that is already loaded needs its image_processor, as from CvtImageProcessor.from_pretrained().")
        if device is not None or dtype is not None:
            model = model.to(None if device is None else as_device(device), None if dtype is None else as_dtype(dtype))
    else:
        image_processor = model if image_processor is None else image_processor
        placed = {} if "device_map" in model_kwargs else {"device": "auto" if device is None else device}
        typed = {} if {"dtype", "torch_dtype"} & set(model_kwargs) else {"dtype": dtype}
        where = {name: model_kwargs.pop(name) for name in ("cache_dir",) if name in model_kwargs} | where
        model = CvtForImageClassification.from_pretrained(model, config=config, **placed, **typed, **where, **model_kwargs)
    if isinstance(image_processor, (str, Path, type(None))):
        image_processor = CvtImageProcessor.from_pretrained(image_processor, **where)
    return ImageClassificationPipeline(
        model,
        image_processor,
        batch_size,
        top_k,
        function_to_apply,
        timeout,
        feature_extractor=feature_extractor,
        tokenizer=options.get("tokenizer"),
    )


class ImageClassificationPipeline:
    """What ``pipeline`` returns; call it with pictures."""

    task = TASK
    framework = "pt"

    def __init__(
        self,
        model: nn.Module,
        image_processor: Any = None,
        batch_size: int = 1,
        top_k: int | None = None,
        function_to_apply: str | None = None,
        timeout: float | None = None,
        *,
        feature_extractor: Any = None,
        tokenizer: Any = None,
        **ignored: Any,
    ):
        _check_names(ignored, ("task", "device", "dtype", "torch_dtype"))  # the model is where and what it is
        processor = feature_extractor if image_processor is None else image_processor
        if not callable(processor):
            raise ValueError(f"image_processor must be a processor or where one is saved, not {type(processor).__name__}.")
        self.model, self.image_processor = check_classifier(model).eval(), processor
        self.feature_extractor, self.tokenizer = feature_extractor, tokenizer  # kept for whoever asks
        self.batch_size, self.top_k = _positive(batch_size, "batch_size"), _positive(5 if top_k is None else top_k, "top_k")
        score_function(function_to_apply, self.config)  # refused now rather than with the first picture
        self.function_to_apply, self.timeout = function_to_apply, timeout
        self.call_count = 0

    @property
    def config(self) -> Any:
        return unwrapped(self.model).config

    @property
    def device(self) -> torch.device:
        return next(self.model.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(value.dtype for value in self.model.parameters() if value.is_floating_point())

    torch_dtype = dtype  # its older name

    def __call__(
        self, inputs: PictureSource | Iterable[PictureSource] | None = None, *, images: Any = None, **options: Any
    ) -> Classes | list[Classes] | Iterator[Classes]:
        """The most probable classes of one picture, or of each of many.

        Args:
            inputs: a path, an http(s) address, base64 text, a file's bytes, a PIL image, an array or tensor as the image
                processor takes it; or a list, any other iterable, or a dataset of those. ``images`` is its older name.
            options: ``top_k``: how many classes, at most those the model has; 5 if the pipeline was not told otherwise.
                ``function_to_apply``: how logits become scores: "softmax", "sigmoid", "none", or "default": none for
                regression, sigmoid for several classes a picture or a single class, else softmax.
                ``batch_size``: how many pictures go through the model at once.
                ``timeout``: seconds for an address to deliver its picture; 20 if None.
                ``num_workers`` and others for other tasks are ignored.
        Returns:
            [{"score": float, "label": str}, …], best first, for one picture; a list of such lists for a list; for another
            iterable or a dataset an iterator, which reads no further than the batch it is in.
        Raises:
            UnreadablePicture: a picture that cannot be used; among many, its number is told.
            ValueError: an option with a value that cannot be used. TypeError: an option that there is not.
        """
        inputs = images if inputs is None else inputs
        _check_names(options, CALL)
        given = {name: value for name in CALL if (value := options.get(name)) is not None}
        top_k = _positive(given.get("top_k", self.top_k), "top_k")
        batch_size = _positive(given.get("batch_size", self.batch_size), "batch_size")
        function = score_function(given.get("function_to_apply", self.function_to_apply), self.config)
        timeout = given.get("timeout", self.timeout)
        self.call_count += 1
        if not is_several(inputs):
            return self.postprocess(self.forward(self.preprocess(inputs, timeout)), function, top_k)
        results = self._many(walk(inputs), batch_size, top_k, function, timeout)
        return list(results) if isinstance(inputs, (list, tuple)) else results

    predict = transform = __call__  # as scikit-learn names it

    def _many(
        self, inputs: Iterator[PictureSource], batch_size: int, top_k: int, function: str, timeout: float | None
    ) -> Iterator[Classes]:
        done = 0
        while batch := list(islice(inputs, batch_size)):
            prepared = []
            for number, source in enumerate(batch, start=done + 1):
                try:
                    prepared.append(self.preprocess(source, timeout)["pixel_values"])
                except UnreadablePicture as error:
                    raise UnreadablePicture(f"Picture {number}: {error}") from error
            if len({each.shape for each in prepared}) > 1:
                raise ValueError("The pictures of a batch must have one size: use batch_size=1, or a processor that resizes.")
            logits = self.forward({"pixel_values": torch.cat(prepared)})["logits"]
            yield from named_scores(logits, self.config, function, top_k)
            done += len(batch)

    def preprocess(self, image: PictureSource, timeout: float | None = None) -> BatchFeature:
        """One picture → what the model takes: ``pixel_values`` (1, C, H, W) in its dtype, on the CPU."""
        if is_several(image) or (is_array(image) and getattr(image, "ndim", 0) > 3):
            raise UnreadablePicture(f"An array must be one picture, as all else in a list of pictures, not {_kind(image)}.")
        source = located(image, timeout)
        if getattr(self.image_processor, "pictures", None) == "as_stored":
            source = source if is_array(source) else ImageOps.exif_transpose(as_stored(source))  # as transformers' pipeline does
        elif not isinstance(self.image_processor, CvtImageProcessor) and not is_array(source):
            source = open_picture(source)
        return self.image_processor(images=source, return_tensors="pt").to(self.dtype)

    def forward(self, model_inputs: Mapping[str, torch.Tensor]) -> Any:
        """What the model returns for ``preprocess``'s result, or for several of those together."""
        with torch.no_grad():
            return self._forward({name: value.to(self.device) for name, value in model_inputs.items()})

    def _forward(self, model_inputs: Mapping[str, torch.Tensor]) -> Any:
        return self.model(**model_inputs)

    def postprocess(self, model_outputs: Any, function_to_apply: str | None = None, top_k: int = 5) -> Classes:
        """The best classes of the first picture of ``forward``'s result."""
        function = score_function(self.function_to_apply if function_to_apply is None else function_to_apply, self.config)
        return named_scores(model_outputs["logits"][:1], self.config, function, _positive(top_k, "top_k"))[0]

    def save_pretrained(self, save_directory: str | Path, **options: Any) -> None:
        """Writes the model and its processor into a folder that ``pipeline(model=folder)`` opens; ``options`` are the model's."""
        folder = check_folder(save_directory)
        unwrapped(self.model).save_pretrained(folder, **options)
        self.image_processor.save_pretrained(folder)

    def push_to_hub(self, repo_id: str, **options: Any) -> Any:
        """Uploads what ``save_pretrained`` writes to a repository on the Hub; see ``push.push_to_hub`` for options."""
        return push_to_hub(self, repo_id, **options)

    def __repr__(self) -> str:
        return f"{type(self).__name__}: {type(unwrapped(self.model)).__name__} in {self.dtype} on {self.device}"


def _check_names(options: Mapping[str, Any], known: Iterable[str]) -> None:
    for name in options:
        if name not in known and name not in IGNORED:
            raise TypeError(f"The pipeline got an unexpected argument {name!r}{nearest(name, {*known, *IGNORED})}")
    if options.get("framework") not in (None, "pt"):
        raise ValueError(f"framework is {options['framework']!r}, but this library has PyTorch only: 'pt'.")


def _kind(image: Any) -> str:
    return f"an array of {tuple(image.shape)}" if is_array(image) else f"a {type(image).__name__}"


def _positive(value: int, name: str) -> int:
    if not isinstance(value, Integral) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} must be a whole number, 1 or more, not {value!r}.")
    return int(value)
