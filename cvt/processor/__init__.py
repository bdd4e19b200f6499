"""Turns pictures into pixel_values, and gives the exact crop that the model sees; see ``processor.py``."""

from .batch_feature import BatchFeature
from .processor import AutoFeatureExtractor, AutoImageProcessor, CvtImageProcessor

__all__ = ["AutoFeatureExtractor", "AutoImageProcessor", "BatchFeature", "CvtImageProcessor"]
