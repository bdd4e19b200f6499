"""CvT, the Convolutional vision Transformer, as a library.

The names and arguments are those of Hugging Face's CvT; ``from_pretrained()`` without an argument gives the model that is
built in. Source of the architecture: arXiv 2103.15808.
"""

from .config import CvtConfig
from .model import CvtForImageClassification, CvtModel
from .preprocess import CvtImageProcessor, UnreadablePicture, open_picture

__all__ = [
    "CvtConfig",
    "CvtForImageClassification",
    "CvtImageProcessor",
    "CvtModel",
    "UnreadablePicture",
    "open_picture",
]
