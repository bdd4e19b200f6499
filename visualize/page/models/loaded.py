"""A model in memory, with its processor and its variants."""

from __future__ import annotations

import threading
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cached_property

from torch import Tensor

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import Watch
from cvt.architecture.cache import VariantCache
from cvt.config import CvtConfig
from cvt.pictures import read_picture
from cvt.runtime.runner import Runner

from ...change.interventions import Means
from ...change.means import example_means
from ...crops import model_input
from ..requests import INHERITED, ModelRequest
from ..words.sentences import Refused
from .paged import Paged


class ExampleMeans:
    """The means of a model's parts over the example pictures, once they were needed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.means: Means | None = None


@dataclass(frozen=True)
class LoadedModel:
    """A model of the workbench; thread-safe.

    ``name``: shown to people. ``source``: its name or path for ``from_pretrained``; None for the embedded one.
    ``variants``: builds and caches variants, of this model and others. ``runner``: runs this model faster, if possible.
    ``paged``: holds the weights where the runner has a copy of them.
    """

    name: str
    source: str | None
    model: CvtForImageClassification
    processor: CvtImageProcessor
    variants: VariantCache
    runner: Runner | None = None
    paged: Paged | None = None
    _means: ExampleMeans = field(default_factory=ExampleMeans, repr=False, compare=False)

    @property
    def config(self) -> CvtConfig:
        return self.model.config

    @cached_property
    def fingerprint(self) -> int:
        """Of the config, the processor and the weights: another model in float32 on the CPU has another one, even under the same name."""
        found = zlib.crc32(f"{self.config} {self.processor}".encode())
        for tensor in self.model.state_dict().values():
            found = zlib.crc32(tensor.contiguous().numpy(), found)
        return found

    @property
    def side(self) -> int:
        """Height and width of the model's input, in pixels."""
        return self.processor.side

    def model_of(self, request: ModelRequest, watch: Watch | None = None) -> CvtForImageClassification:
        """The requested model or variant, cached or built now; ``watch`` as in ``VariantCache.get``."""
        if not request.needs_building or (request.weights == INHERITED and request.architecture == self.config):
            return self.model  # whose every weight would be inherited
        base = self.model if request.weights == INHERITED else None
        return self.variants.get(self.config_of(request), request.seed, base, watch)

    def config_of(self, request: ModelRequest) -> CvtConfig:
        """The config of the requested model or variant."""
        return request.architecture or self.config

    def processor_of(self, request: ModelRequest) -> CvtImageProcessor:
        """The processor for the requested input side."""
        return self.processor if request.side is None else replace(self.processor, size=request.side)

    def means_over(self, pictures: Sequence[str], passes: AbstractContextManager) -> Means:
        """The means of this model's parts over these trusted pictures, which are the same in every call; computed in the first.

        ``passes``: the bound on forward passes, acquired for each of them. Raises ValueError if there are no pictures.
        """
        if not pictures:
            raise Refused("no_means_without_examples")
        with self._means.lock:  # others wait for the first
            if self._means.means is None:
                self._means.means = example_means(self.model, (self._pixel_values(path) for path in pictures), lambda: passes)
            return self._means.means

    def _pixel_values(self, path: str) -> Tensor:
        return model_input(self.model, self.processor, read_picture(path).image)
