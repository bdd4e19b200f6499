"""A model that was loaded when the page started, with its processor and its variants."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import Watch
from cvt.architecture.cache import VariantCache
from cvt.config import CvtConfig
from cvt.runtime.runner import Runner

from .requests import INHERITED, ModelRequest


@dataclass(frozen=True)
class LoadedModel:
    """A model of the workbench; thread-safe.

    ``name``: shown to people. ``source``: its name or path for ``from_pretrained``; None for the embedded one.
    ``variants``: builds and caches variants, of this model and others. ``runner``: runs this model faster, if possible.
    """

    name: str
    source: str | None
    model: CvtForImageClassification
    processor: CvtImageProcessor
    variants: VariantCache
    runner: Runner | None = None

    @property
    def config(self) -> CvtConfig:
        return self.model.config

    @property
    def side(self) -> int:
        """Height and width of the model's input, in pixels."""
        return self.processor.side

    def model_of(self, request: ModelRequest, watch: Watch | None = None) -> CvtForImageClassification:
        """The requested model or variant, cached or built now; ``watch`` as in ``VariantCache.get``."""
        if not request.needs_building or (request.weights == INHERITED and request.architecture == self.config):
            return self.model  # whose every weight would be inherited
        base = self.model if request.weights == INHERITED else None
        return self.variants.get(request.architecture or self.config, request.seed, base, watch)

    def processor_of(self, request: ModelRequest) -> CvtImageProcessor:
        """The processor for the requested input side."""
        return self.processor if request.side is None else replace(self.processor, size=request.side)
