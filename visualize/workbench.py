"""What the page and the API ask for, without a page: one model, its variants, and the results that people look at.

One workbench serves everyone, so it holds nothing of anyone: results lie in one bounded store under keys that cannot be
guessed, and every method may be called by many threads at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.budget import refuse_if_too_large
from cvt.config import CvtConfig
from cvt.preprocess import PictureSource
from cvt.runner import choose_device
from cvt.variants import Changes, VariantCache, build_variant, variant

from .explore import Exploration, explore
from .inside import inside_payload
from .render import block_payload, payload
from .store import ExplorationStore

# What a variant may need so that two CPU cores answer within about a second, and a Space's memory suffices.
MAX_MACS, MAX_PARAMETERS, MAX_MEMORY = 10_000_000_000, 150_000_000, 2 << 30


class Held:
    """A result in the store, with the bytes that the browser fetches, made once; ``model`` gives the model that made it."""

    def __init__(self, exploration: Exploration, model: Callable[[], CvtForImageClassification]):
        self.exploration, self.model = exploration, model
        self.nbytes = exploration.nbytes + len(self.payload)

    @cached_property
    def payload(self) -> bytes:
        return payload(self.exploration)


@dataclass(frozen=True)
class Result:
    """An exploration and the key under which the browser finds it."""

    key: str
    exploration: Exploration


class Workbench:
    """A model and its processor, ready to be asked.

    Args:
        source: None for the embedded model, a folder, or a Hub id, as ``from_pretrained`` takes it.
        device: as ``choose_device`` takes it.
        kept: pictures that many people open, such as examples; their results are made once for all.
    Raises:
        ValueError: a model or device that there is not.
    """

    def __init__(self, source: str | None = None, device: str = "auto", kept: Sequence[Path] = ()):
        # what the page says of the model: its name, and what loads it; of a folder here no more than its own name
        self.source = Path(source).name if source and Path(source).exists() else source
        self.name = self.source or "Embedded CvT"
        self.device, self.dtype = choose_device(device)
        self.model = CvtForImageClassification.from_pretrained(source).to(self.device, self.dtype)
        self.processor = CvtImageProcessor.from_pretrained(source)
        self.store: ExplorationStore[Held] = ExplorationStore()
        self.variants = VariantCache(build=self._build)
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
        return self._put(explore(self.model, self.processor, picture), lambda: self.model)

    def _again(self, name: str) -> Result | None:
        key = self._kept[name]
        try:
            return Result(key, self.store.get(key).exploration)
        except KeyError:
            return None

    def _keep(self, name: str) -> Result:
        result = self._put(explore(self.model, self.processor, name), lambda: self.model)
        self._kept[name] = result.key
        return result

    def _put(self, exploration: Exploration, model: Callable[[], CvtForImageClassification]) -> Result:
        return Result(self.store.put(Held(exploration, model)), exploration)

    def variant(self, changes: Changes) -> CvtConfig:
        """The model's architecture with some settings changed.

        Raises:
            ValueError: impossible, or too large for this machine; the sentence says why and what to change.
        """
        config = variant(self.config, changes)
        refuse_if_too_large(config, self.side, self.side, MAX_MACS, MAX_PARAMETERS, MAX_MEMORY)
        return config

    def explore_variant(self, picture: PictureSource, config: CvtConfig, seed: int) -> Result:
        """The same picture through a variant with random weights of this seed."""
        exploration = explore(self.variants.get(config, seed), self.processor, picture)
        return self._put(exploration, lambda: self.variants.get(config, seed))  # built again if the cache has dropped it

    def _build(self, config: CvtConfig, seed: int) -> CvtForImageClassification:
        return build_variant(config, seed).to(self.device, self.dtype)

    def payload(self, key: str) -> bytes:
        """What the browser draws of a result. Raises KeyError where it is no longer held."""
        return self.store.get(key).payload

    def block_payload(self, key: str, stage: int, block: int) -> bytes:
        """The attention of one block that was too large to travel with the rest. Raises KeyError, ValueError."""
        return block_payload(self.store.get(key).exploration, stage, block)

    def inside_payload(self, key: str, stage: int, block: int) -> bytes:
        """What one block's projections work with, for the microscope. Raises KeyError, ValueError."""
        held = self.store.get(key)
        return inside_payload(held.model(), self.processor, held.exploration, stage, block)
