"""One model of the workbench, ready to be asked: its processor, its variants, and the pictures whose results are kept."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import Watch
from cvt.architecture.cache import VariantCache
from cvt.config import CvtConfig
from cvt.pictures import PictureSource

from ..draw.payload import payload
from ..explore import Exploration, explore
from .intake import Intake
from .laboratory.requests import Wanted
from .results import ExplorationStore


@dataclass
class Held:
    """A result in the store, with the bytes that the browser fetches, made once; ``model`` gives the model that made it."""

    exploration: Exploration
    model: Callable[[], CvtForImageClassification]
    processor: CvtImageProcessor

    def __post_init__(self):
        self.nbytes = self.exploration.nbytes + len(self.payload)

    @cached_property
    def payload(self) -> bytes:
        return payload(self.exploration)


@dataclass(frozen=True)
class Result:
    """An exploration and the key under which the browser finds it."""

    key: str
    exploration: Exploration


class Bench:
    """A loaded model; it may be asked by many threads at once.

    Args:
        name: what people call the model. source: what loads it, as ``from_pretrained`` takes it; None for the embedded one.
        store: where results go. variants: builds the model's variants.
        intake: opens pictures, before one of the passes is taken. passes: how many forward passes may run at once, shared with
            all others who run models.
        kept: pictures that many people open, such as examples; their results are made once for all.
    """

    def __init__(
        self,
        name: str,
        source: str | None,
        model: CvtForImageClassification,
        processor: CvtImageProcessor,
        store: ExplorationStore[Held],
        variants: VariantCache,
        intake: Intake,
        passes: threading.Semaphore,
        kept: Sequence[Path] = (),
    ):
        self.name, self.source, self.model, self.processor = name, source, model, processor
        self._store, self._variants, self._intake, self._passes = store, variants, intake, passes
        self._kept: dict[str, str | None] = {str(path.resolve()): None for path in kept}
        self._kept_lock = threading.Lock()

    @property
    def config(self) -> CvtConfig:
        return self.model.config

    @property
    def side(self) -> int:
        """Height and width of the model's input, in pixels."""
        return self.processor.side

    def explore(self, picture: PictureSource) -> Result:
        """Runs the model once on a picture and keeps what it did. Raises as ``visualize.explore``."""
        name = str(picture)
        if isinstance(picture, (str, Path)) and name in self._kept:
            with self._kept_lock:  # whoever opens the page first computes; the others wait for that
                return self._again(name) or self._keep(name)
        return self._run(picture)

    def _again(self, name: str) -> Result | None:
        key = self._kept[name]
        try:
            return Result(key, self._store.get(key).exploration)
        except KeyError:
            return None

    def _keep(self, name: str) -> Result:
        result = self._run(name)
        self._kept[name] = result.key
        return result

    def _run(self, picture: PictureSource) -> Result:
        return self._put(self._explore(self.model, self.processor, picture), lambda: self.model, self.processor)

    def _explore(self, model: CvtForImageClassification, processor: CvtImageProcessor, picture: PictureSource) -> Exploration:
        opened = self._intake.open(picture)  # first: whoever waits for a file must not keep others from the model
        with self._passes:
            return explore(model, processor, opened)

    def _put(self, exploration: Exploration, model: Callable[[], CvtForImageClassification], processor: CvtImageProcessor) -> Result:
        return Result(self._store.put(Held(exploration, model, processor)), exploration)

    def variant_model(self, found: Wanted, watch: Watch | None = None) -> CvtForImageClassification:
        """The model of a variant, kept or built now; ``watch`` as ``VariantCache.get`` takes it."""
        return self._variants.get(found.config, found.seed, self.model if found.inherited else None, watch)

    def explore_variant(self, picture: PictureSource, found: Wanted, model: CvtForImageClassification | None = None) -> Result:
        """The same picture through a variant, at its own input size; ``model`` is the variant's where it is at hand already."""
        processor = replace(self.processor, size=found.side)
        exploration = self._explore(model or self.variant_model(found), processor, picture)
        return self._put(exploration, lambda: self.variant_model(found), processor)  # built again if the cache has dropped it
