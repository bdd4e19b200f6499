"""Loading and saving by functions, as programs of earlier versions do; the classes' own methods are the same."""

from __future__ import annotations

from .config import CvtConfig
from .files.checkpoint import load_model
from .files.hub import EMBEDDED
from .files.saving import save_model
from .files.storage import replacing, write_json
from .processor import CvtImageProcessor
from .runtime.device import as_device, as_dtype

__all__ = ["EMBEDDED", "as_device", "as_dtype", "load_config", "load_model", "load_processor", "replacing", "save_model", "write_json"]

load_config, load_processor = CvtConfig.from_pretrained, CvtImageProcessor.from_pretrained
