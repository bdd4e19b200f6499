"""Pipelines: pictures in, classes out. (Not called "pipeline", so that ``cvt.pipeline`` is always the function.)"""

from .image_classification import ImageClassificationPipeline, pipeline

__all__ = ["ImageClassificationPipeline", "pipeline"]
