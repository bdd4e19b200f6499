"""A model that was loaded when the page started, with its processor and the variants that are built of it."""

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
    """A model of the workbench; it may be asked by many threads at once.

    ``name``: what people call it. ``source``: what loads it, as ``from_pretrained`` takes it; None for the embedded one.
    ``variants``: builds and keeps variants, of this model and others. ``runner``: runs this model faster, where it can.
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
        """This model or the variant that is asked for, kept or built now; ``watch`` as ``VariantCache.get`` takes it."""
        if not request.needs_building:
            return self.model
        base = self.model if request.weights == INHERITED else None
        return self.variants.get(request.architecture or self.config, request.seed, base, watch)

    def processor_of(self, request: ModelRequest) -> CvtImageProcessor:
        """The processor for the input that is asked for."""
        return self.processor if request.side is None else replace(self.processor, size=request.side)
