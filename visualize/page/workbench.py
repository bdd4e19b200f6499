"""The page's back end: the loaded models, and the store of results.

One workbench serves everyone and keeps no state per person: results are in one bounded store under keys that cannot be
guessed, each with its request. All methods are thread-safe.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.ablations import SOURCES
from cvt.ablations.family import MEMBERS
from cvt.architecture.build import Watch, build_variant, inherit
from cvt.architecture.cache import Recent, VariantCache
from cvt.config import CvtConfig
from cvt.runtime.device import choose_device
from cvt.runtime.linear import onednn_is_faster, use_onednn
from cvt.runtime.runner import Runner

from ..change.interventions import Means
from ..draw.payload import block_payload, payload
from ..explore import Exploration
from .compute import PASSES, Progress, compute, compute_classes, compute_inside
from .intake import Intake
from .jobs import Busy, Jobs
from .laboratory.architectures import MAX_PARAMETERS
from .model import LoadedModel
from .prepared import PreparedResults, give_back_memory
from .requests import Request
from .results import ExplorationStore, StoredResult
from .words.sentences import Refused

MOST_TWICE = 64_000_000  # parameters of a model whose weights a CPU may hold twice, for the model and for its runner: 256 MB more
MOST_AVERAGED = 16  # example pictures; one forward pass each
REMEMBERED = 4096  # requests of results, so that a dropped one can be computed again
ABLATIONS = tuple(SOURCES + name for name in MEMBERS)  # models that are loaded when they are first asked for
KEPT_BYTES = int(4 * MAX_PARAMETERS * 1.1)  # enough for the largest allowed model, in float32 with buffers


@dataclass(frozen=True)
class Result:
    """An exploration, and the key by which the browser gets it."""

    key: str
    exploration: Exploration


class Workbench:
    """The models by name, and one store for all their results.

    Args:
        sources: None for the embedded model, a folder, or a Hub id, as for ``from_pretrained``; or several of these.
        device: as for ``choose_device``.
        kept: pictures that many people open, such as examples; each model's results for them are computed only once.
        download: downloads pictures by address, as for ``Intake``; None if addresses are disabled.
    Raises:
        ValueError: no such model or device.
    """

    def __init__(
        self,
        sources: str | Sequence[str | None] | None = None,
        device: str = "auto",
        kept: Sequence[Path] = (),
        download: Callable[[str], bytes] | None = None,
    ):
        self.device, self.dtype = choose_device(device)
        self.store = ExplorationStore()
        self._requests: Recent[str, Request] = Recent(REMEMBERED)
        self.variants = VariantCache(max_bytes=KEPT_BYTES, build=self._build, inherit=self._inherit)
        self.jobs = Jobs()
        self.examples = {path.stem: str(path.resolve()) for path in kept}
        self.intake = Intake(self.examples.values(), download)
        self.passes = threading.BoundedSemaphore(PASSES)
        sources = [sources] if sources is None or isinstance(sources, str) else list(sources)
        self._models: dict[str, LoadedModel] = {}
        for source in dict.fromkeys(sources):
            loaded = self._load(source)
            self._models[loaded.name] = loaded
        self._ablations: dict[str, LoadedModel] = {}
        self._loading = threading.Lock()
        self._first = {name: threading.Lock() for name in (*ABLATIONS, *self._models)}
        self._prepared = PreparedResults()
        self._busy = Busy()

    def named(self, picture: str) -> dict[str, str]:
        """An example's name as ``example`` and its ``file``, for people; empty for a picture of one's own."""
        found = next((name for name, path in self.examples.items() if path == picture), None)
        return {} if found is None else {"example": found, "file": "/".join(Path(picture).parts[-2:])}

    def _load(self, source: str | None) -> LoadedModel:
        # the name and source shown on the page; for a local folder only its last part
        shown = Path(source).resolve().name if source and Path(source).exists() else source
        name = shown or "Embedded CvT"
        same = sum(other.source == shown for other in self._models.values())
        model = self._placed(CvtForImageClassification.from_pretrained(source))
        if 0 in model.config.depth:
            raise Refused("model_without_blocks", name=name)
        processor = CvtImageProcessor.from_pretrained(source)
        name = f"{name} ({same + 1})" if same else name
        return LoadedModel(name, shown, model, processor, self.variants, self._runner(model, processor))

    def _runner(self, model: CvtForImageClassification, processor: CvtImageProcessor) -> Runner | None:
        """A runner for the model, which warms up while the page starts; None where it does not pay."""
        if self.device.type not in ("cpu", "cuda") or (self.device.type == "cpu" and model.num_parameters() > MOST_TWICE):
            return None
        runner = Runner(model)
        shape = (1, model.config.num_channels, processor.side, processor.side)
        # kernels for a GPU may take long to build: nobody waits for them to stop the app
        threading.Thread(target=runner.warm_up, args=shape, daemon=self.device.type == "cuda").start()
        return runner

    def _build(self, config: CvtConfig, seed: int, watch: Watch | None = None) -> CvtForImageClassification:
        return self._placed(build_variant(config, seed, watch))

    def _inherit(
        self, base: CvtForImageClassification, config: CvtConfig, seed: int, watch: Watch | None = None
    ) -> CvtForImageClassification:
        return self._placed(inherit(base, config, seed, watch).model)

    def _placed(self, model: CvtForImageClassification) -> CvtForImageClassification:
        """Moves a model to the workbench's device and dtype, with the linear layers that are fastest there."""
        model = model.to(self.device, self.dtype)
        return use_onednn(model) if onednn_is_faster() else model

    @property
    def names(self) -> list[str]:
        """The models' names, in the given order; ``loaded`` also has the trained ablations."""
        return list(self._models)

    def loaded(self, name: str | None = None) -> LoadedModel:
        """The model with this name, by default the first; a trained ablation, such as "ablations/linear", is loaded when first asked for.

        Raises:
            ValueError: no such model.
        """
        name = name or self.names[0]
        if name in ABLATIONS and name not in self._models:
            with self._loading:
                if name not in self._ablations:
                    self._ablations[name] = self._load(name)
                return self._ablations[name]
        if not isinstance(name, str) or name not in self._models:
            raise Refused("no_model", name=repr(name), names=" or ".join(self.names))
        return self._models[name]

    def explore(self, request: Request, progress: Progress = lambda step, share: None) -> Result:
        """Computes the result of a request and stores it. For the ``kept`` pictures, a model's result is computed only once.

        Raises as ``compute``; ValueError also for a result that is too large to store.
        """
        with self._busy:
            return self._explore(request, progress)

    def _explore(self, request: Request, progress: Progress) -> Result:
        if request.picture not in self.examples.values() or request != Request(model=request.model, picture=request.picture):
            return self._kept(StoredResult(request, compute(request, self, progress)))
        with self._first[request.model]:  # the first to request it computes; the others wait
            return self.found(request) or self._kept(self._prepared.get(request) or self._prepare(request, progress))

    def example_means(self, name: str) -> Means:
        """The means of a model's parts over the example pictures; computed when first needed. Raises ValueError: there are none."""
        return self.loaded(name).means_over(self.averaged, self.passes)

    @property
    def averaged(self) -> list[str]:
        """The paths of the example pictures over which means are taken."""
        return list(self.examples.values())[:MOST_AVERAGED]

    def prepare(self) -> None:
        """Makes ready for the first picture, then precomputes the first model's results for the ``kept`` pictures, each while nobody
        waits for a result; failures are reported to later requests."""
        with suppress(OSError):  # the first picture then reports it
            self.intake.start()
        for picture in self.examples.values():
            request = Request(model=self.names[0], picture=picture)
            self._busy.wait_until_none()
            with self._first[request.model], suppress(ValueError):
                if self._prepared.get(request) is None:
                    self._prepare(request)
        give_back_memory()

    def classes(self, request: Request) -> list[tuple[str, float]]:
        """The most probable classes as (label, probability), best first; stores nothing. Raises as ``compute``."""
        with self._busy:
            return compute_classes(request, self)

    def found(self, request: Request) -> Result | None:
        """The stored result for exactly this request, if there is one."""
        found = self.store.find(lambda stored: stored.request == request)
        return found and Result(found[0], found[1].exploration)

    def stored(self, key: str, progress: Progress = lambda step, share: None) -> StoredResult:
        """A result by its key. One that was dropped for others' is computed again, if its picture is still there, and has its key again.

        Raises KeyError: there is none. Cancelled: by ``progress``.
        """
        try:
            return self.store.get(key)
        except KeyError:
            request = self._requests.get(key)
        with self._busy:
            result = self._prepared.get(request)
            try:
                result = result or StoredResult(request, compute(request, self, progress))
            except ValueError as error:  # such as a file that was deleted
                raise KeyError(key) from error
        self.store.keep(key, result)
        return result

    def _prepare(self, request: Request, progress: Progress = lambda step, share: None) -> StoredResult:
        exploration = compute(request, self, progress)
        result = StoredResult(request, exploration, payload(exploration, device=self.device))
        self._prepared.put(result)
        return result

    def _kept(self, result: StoredResult) -> Result:
        key = self.store.put(result)
        if isinstance(result.request.picture, str):  # others hold the picture itself, which takes memory
            self._requests.keep(key, result.request)
        return Result(key, result.exploration)

    def payload(self, key: str) -> bytes:
        """A result's payload for the browser. Raises KeyError if the result is no longer stored; ValueError if it cannot be drawn."""
        stored = self.store.get(key)
        return stored.prepared or payload(stored.exploration, device=self.device)

    def block_payload(self, key: str, stage: int, block: int) -> bytes:
        """The attention of one block that was too large to be sent with the rest. Raises KeyError, ValueError."""
        return block_payload(self.store.get(key).exploration, stage, block, device=self.device)

    def inside_payload(self, key: str, stage: int, block: int) -> bytes:
        """The inside of one block, for the microscope. Raises KeyError, ValueError."""
        stored = self.store.get(key)
        return compute_inside(stored.request, stored.exploration, self, stage, block)
