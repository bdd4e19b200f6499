"""What the page and the API ask for, without a page: the loaded models, and the results that people look at.

One workbench serves everyone, so it holds nothing of anyone: results lie in one bounded store under keys that cannot be
guessed, each knows the model that made it, and every method may be called by many threads at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.build import Watch, build_variant
from cvt.architecture.cache import VariantCache
from cvt.architecture.inherit import inherit
from cvt.config import CvtConfig
from cvt.runtime.device import choose_device
from cvt.runtime.linear import onednn_is_faster, use_onednn

from ..draw.payload import block_payload
from ..maps.inside import inside_payload
from .intake import Intake
from .jobs import Trials
from .laboratory.requests import LIMITS
from .model import Bench, Held
from .results import ExplorationStore

PASSES = 2  # forward passes at the same time: each uses several cores, and takes memory
KEPT_BYTES = int(4 * LIMITS.parameters * 1.1)  # the largest model allowed is kept too, in float32 and with its buffers


class Workbench:
    """Models that can be chosen by name, and one store for all their results.

    Args:
        sources: None for the embedded model, a folder, or a Hub id, as ``from_pretrained`` takes it; or several of these.
        device: as ``choose_device`` takes it.
        kept: pictures that many people open, such as examples; each model's results of them are made once for all.
        download: what gets pictures by their address, as ``Intake`` takes it; None where addresses are switched off.
    Raises:
        ValueError: a model or device that there is not.
    """

    def __init__(
        self,
        sources: str | Sequence[str | None] | None = None,
        device: str = "auto",
        kept: Sequence[Path] = (),
        download: Callable[[str], bytes] | None = None,
    ):
        self.device, self.dtype = choose_device(device)
        self.store: ExplorationStore[Held] = ExplorationStore()
        self.variants = VariantCache(max_bytes=KEPT_BYTES, build=self._build, inherit=self._inherit)
        self.trials = Trials()
        self.examples = {path.stem: str(path.resolve()) for path in kept}
        self.intake = Intake(self.examples.values(), download)
        self._passes = threading.BoundedSemaphore(PASSES)  # taken last of all: whoever holds one waits for nothing else
        sources = [sources] if sources is None or isinstance(sources, str) else list(sources)
        self._benches: dict[str, Bench] = {}
        for source in dict.fromkeys(sources):
            bench = self._load(source, kept)
            self._benches[bench.name] = bench

    def _load(self, source: str | None, kept: Sequence[Path]) -> Bench:
        # what the page says of the model: its name, and what loads it; of a folder here no more than its own name
        shown = Path(source).resolve().name if source and Path(source).exists() else source
        name = shown or "Embedded CvT"
        same = sum(bench.source == shown for bench in self._benches.values())
        model = self._placed(CvtForImageClassification.from_pretrained(source))
        if 0 in model.config.depth:
            raise ValueError(f"{name} has a stage without blocks, so there is no attention to show: give every stage 1 or more.")
        processor = CvtImageProcessor.from_pretrained(source)
        name = f"{name} ({same + 1})" if same else name
        return Bench(name, shown, model, processor, self.store, self.variants, self.intake, self._passes, kept)

    def _build(self, config: CvtConfig, seed: int, watch: Watch | None = None) -> CvtForImageClassification:
        return self._placed(build_variant(config, seed, watch))

    def _inherit(
        self, base: CvtForImageClassification, config: CvtConfig, seed: int, watch: Watch | None = None
    ) -> CvtForImageClassification:
        return self._placed(inherit(base, config, seed, watch).model)

    def _placed(self, model: CvtForImageClassification) -> CvtForImageClassification:
        """A model as it is asked here: on its device, in its numbers, and multiplying as fast as this processor can."""
        model = model.to(self.device, self.dtype)
        return use_onednn(model) if onednn_is_faster() else model

    @property
    def names(self) -> list[str]:
        """The models' names, in the order in which they were given."""
        return list(self._benches)

    def bench(self, name: str | None = None) -> Bench:
        """The model of this name; the first where none is given.

        Raises:
            ValueError: there is no such model.
        """
        name = name or self.names[0]
        if not isinstance(name, str) or name not in self._benches:
            raise ValueError(f"There is no model {name!r} here: choose {' or '.join(self.names)}.")
        return self._benches[name]

    def payload(self, key: str) -> bytes:
        """What the browser draws of a result. Raises KeyError where it is no longer held."""
        return self.store.get(key).payload

    def block_payload(self, key: str, stage: int, block: int) -> bytes:
        """The attention of one block that was too large to travel with the rest. Raises KeyError, ValueError."""
        return block_payload(self.store.get(key).exploration, stage, block)

    def inside_payload(self, key: str, stage: int, block: int) -> bytes:
        """What one block's projections work with, for the microscope. Raises KeyError, ValueError."""
        held = self.store.get(key)
        model = held.model()  # may take a while to be built
        with self._passes:
            return inside_payload(model, held.processor, held.exploration, stage, block)
