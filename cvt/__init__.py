"""CvT, the Convolutional vision Transformer, as a library.

Names and arguments are those of Hugging Face's CvT; ``from_pretrained()`` without an argument loads the built-in model.
Source of the architecture: arXiv 2103.15808.

Names are imported on first use, so that configs and their costs do not need PyTorch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from . import renamed

if TYPE_CHECKING:
    from .config import CvtConfig
    from .model import CvtForImageClassification, CvtModel
    from .pictures import UnreadablePicture, open_picture
    from .pipelines import pipeline
    from .processor import AutoFeatureExtractor, AutoImageProcessor, BatchFeature, CvtImageProcessor
    from .runtime.export import export_onnx
    from .runtime.runner import Runner

_HOMES = {
    "AutoFeatureExtractor": "processor",
    "AutoImageProcessor": "processor",
    "BatchFeature": "processor",
    "CvtConfig": "config",
    "CvtForImageClassification": "model",
    "CvtImageProcessor": "processor",
    "CvtModel": "model",
    "Runner": "runtime.runner",
    "UnreadablePicture": "pictures",
    "export_onnx": "runtime.export",
    "open_picture": "pictures",
    "pipeline": "pipelines",
}

__all__ = [
    "AutoFeatureExtractor",
    "AutoImageProcessor",
    "BatchFeature",
    "CvtConfig",
    "CvtForImageClassification",
    "CvtImageProcessor",
    "CvtModel",
    "Runner",
    "UnreadablePicture",
    "export_onnx",
    "open_picture",
    "pipeline",
]

renamed.keep(
    __name__,
    {
        "amounts": "cvt.architecture.amounts",
        "budget": "cvt.architecture.budget",
        "build": "cvt.architecture.build",
        "cost": "cvt.architecture.cost",
        "fetch": "cvt.pictures.fetch",
        "hub": "cvt.files.hub",
        "architecture.inherit": "cvt.architecture.build",
        "inherit": "cvt.architecture.build",
        "inheritance": "cvt.architecture.inheritance",
        "linear": "cvt.runtime.linear",
        "names": "cvt.files.names",
        "preprocess": "cvt.processor.processor",
        "presets": "cvt.architecture.presets",
        "settings": "cvt.architecture.settings",
        "variants": "cvt.architecture.variants",
    },
)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
