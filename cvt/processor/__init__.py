"""A picture → pixel_values, and the exact part of the picture that the model sees; see ``processor.py``."""

from .batch_feature import BatchFeature
from .processor import AutoFeatureExtractor, AutoImageProcessor, CvtImageProcessor

__all__ = ["AutoFeatureExtractor", "AutoImageProcessor", "BatchFeature", "CvtImageProcessor"]
