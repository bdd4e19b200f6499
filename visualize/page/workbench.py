"""The page's back end: the loaded models, and the store of results.

One workbench serves everyone and keeps no state per person: results are in one bounded store under keys that cannot be
guessed, each with its request. All methods are thread-safe.
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from cvt import CvtForImageClassification
from cvt.architecture.build import Watch, build_variant, inherit
from cvt.architecture.cache import Recent, VariantCache
from cvt.config import CvtConfig
from cvt.runtime.device import choose_device

from ..change.interventions import Means
from ..draw.payload import block_payload, payload
from ..explore import Exploration
from .compute import Passes, Progress, compute, compute_classes, compute_here, compute_inside, within_memory
from .intake import Intake
from .jobs import Busy, Jobs
from .laboratory.architectures import MAX_PARAMETERS
from .lent import gpu
from .lent.caller import lent_to
from .models import LoadedModel, Models
from .models.loader import MOST_TWICE, Loader
from .models.room import room_for_models
from .prepared import PreparedResults, give_back_memory
from .requests import Request
from .results import Ahead, ExplorationStore, StoredResult
from .workers import Workers

MOST_AVERAGED = 16  # example pictures; one forward pass each
QUIET_SECONDS = 0.5  # after a result that somebody waited for
UNUSED_SECONDS = 300.0  # after which a result is dropped: most are of visits that have ended
WORKER_BYTES = 2 * 4 * MOST_TWICE  # at least for a worker's models: the largest that it is given, with its runner
REMEMBERED = 4096  # requests of results, so that a dropped one can be computed again
KEPT_BYTES = int(4 * MAX_PARAMETERS * 1.1)  # enough for the largest allowed model, in float32 with buffers


@dataclass
class Line:
    """The events that wait for the model: ``length`` counts them, and where there are ``most``, another one is refused."""

    length: Callable[[], int] = lambda: 0
    most: int | None = None


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
        workers: run models for this workbench, on the CPU, while it is busy; they have a workbench for the same sources.
        models_bytes: as ``max_bytes`` of ``Models``.
    Raises:
        ValueError: no such model or device.
    """

    def __init__(
        self,
        sources: str | Sequence[str | None] | None = None,
        device: str = "auto",
        kept: Sequence[Path] = (),
        download: Callable[[str], bytes] | None = None,
        workers: Workers | None = None,
        models_bytes: int | None = None,
    ):
        self.workers = workers
        self.lent = lent_to(self)  # where GPUs are lent, this process must not use one
        self.device, self.dtype = choose_device("cpu" if self.lent else device)
        self.examples = {path.stem: str(path.resolve()) for path in kept}
        self._begin(download)
        sources = [sources] if sources is None or isinstance(sources, str) else list(sources)
        self._loader = Loader(self.device, self.dtype, self.variants, with_runners=self.lent is None)
        self.models = Models(sources, self._loader, models_bytes, give_back_memory)
        self._first = {name: threading.Lock() for name in self.models.offers}

    def _begin(self, download: Callable[[str], bytes] | None = None) -> None:
        """Makes what belongs to one process: all that holds locks, threads or files."""
        self.store = ExplorationStore()
        self._requests: Recent[str, Request] = Recent(REMEMBERED)
        self.variants = VariantCache(max_bytes=KEPT_BYTES, build=self._build, inherit=self._inherit)
        self.jobs = Jobs()
        self.intake = Intake(self.examples.values(), download)
        self.passes = Passes()
        self._prepared, self._ahead = PreparedResults(), Ahead()
        self._busy = Busy()
        self.line = Line()

    def forked(self) -> Workbench:
        """This workbench for a process that was just forked from this one and has a GPU: with its models there, in float32 as here, so
        that numbers from either can be compared, and with nothing that a thread of this process may hold."""
        torch.backends.cudnn.allow_tf32 = False  # which would round more than a CPU does
        made = copy.copy(self)
        made.lent, made.device = None, choose_device()[0]
        made._begin()
        made._loader = Loader(made.device, made.dtype, made.variants, with_runners=False, before=self.models.in_memory)
        made.models = self.models.forked(made._loader)
        made._first = {name: threading.Lock() for name in self._first}
        return made

    def with_store(self, store: ExplorationStore) -> Workbench:
        """This workbench with another store of results."""
        made = copy.copy(self)
        made.store = store
        return made

    def named(self, picture: str) -> dict[str, str]:
        """An example's name as ``example`` and its ``file``, for people; empty for a picture of one's own."""
        found = next((name for name, path in self.examples.items() if path == picture), None)
        return {} if found is None else {"example": found, "file": "/".join(Path(picture).parts[-2:])}

    def _build(self, config: CvtConfig, seed: int, watch: Watch | None = None) -> CvtForImageClassification:
        with within_memory():
            return self._loader.placed(build_variant(config, seed, watch))

    def _inherit(
        self, base: CvtForImageClassification, config: CvtConfig, seed: int, watch: Watch | None = None
    ) -> CvtForImageClassification:
        with within_memory():
            return self._loader.placed(inherit(base, config, seed, watch).model)

    @property
    def names(self) -> list[str]:
        """The names of the first model and of those that were given; ``models`` has all that can be chosen."""
        return self.models.names

    def loaded(self, name: str | None = None) -> LoadedModel:
        """The model with this name, by default the first; it is loaded now if it is not in memory.

        Raises:
            ValueError: there is no such model, it cannot be had, or loading it takes too long.
        """
        return self.models.loaded(name)

    def explore(self, request: Request, progress: Progress = lambda step, share: None) -> Result:
        """Computes the result of a request and stores it. For the ``kept`` pictures, a model's result is computed only once.

        Raises as ``compute``; ValueError also for a result that is too large to store.
        """
        with self._busy, self.models.using():
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

    def get_ready(self) -> None:
        """Makes ready for the first picture: starts what opens it, warms the first model up, and computes the first of the ``kept``
        pictures, which the page opens with. Failures are reported to later requests."""
        with suppress(OSError):  # the first picture then reports it
            self.intake.start()
        self._prepare_kept(next(iter(self.examples.values()), None))

    def prepare(self) -> None:
        """Precomputes the first model's results for the ``kept`` pictures, each once nobody has waited for a result for QUIET_SECONDS."""
        for picture in self.examples.values():
            self._busy.wait_until_none(QUIET_SECONDS)
            self._prepare_kept(picture)
        self._give_back()

    def _prepare_kept(self, picture: str | None) -> None:
        if picture is None:
            return
        request = Request(model=self.names[0], picture=picture)
        with self._first[request.model], suppress(ValueError):
            if self._prepared.get(request) is None:
                self._prepare(request, here=True)  # a GPU is lent to people only

    def close(self) -> None:
        """Ends the processes that work for this one, at once."""
        self.intake.close()
        if self.workers is not None:
            self.workers.close()

    def classes(self, request: Request) -> list[tuple[str, float]]:
        """The most probable classes as (label, probability), best first; stores nothing. Raises as ``compute``."""
        with self._busy, self.models.using():
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
        with self._busy, self.models.using():
            result = self._prepared.get(request)
            try:
                result = result or StoredResult(request, compute(request, self, progress))
            except ValueError as error:  # such as a file that was deleted
                raise KeyError(key) from error
        self.store.keep(key, result)
        return result

    def recomputes(self, key: str) -> bool:
        """Whether ``stored`` would have to compute the result of this key again. Waits for nothing."""
        with suppress(KeyError):
            return key not in self.store and self._requests.get(key) not in self._prepared
        return False

    def tidy(self) -> None:
        """Gives back the memory of results that nobody has used for a while, once nobody waits for one. Who needs one gets it anew."""
        if self.store.drop_unused(UNUSED_SECONDS):
            self._busy.wait_until_none()
            self._give_back()

    def _give_back(self) -> None:
        for each in self.models.in_memory.values():
            if each.paged is not None:
                each.paged.let_go()
        give_back_memory()

    def _prepare(self, request: Request, progress: Progress = lambda step, share: None, here: bool = False) -> StoredResult:
        exploration = compute_here(self, progress, request) if here else compute(request, self, progress)
        result = StoredResult(request, exploration, payload(exploration, device=self.device))
        self._prepared.put(result)
        return result

    def _kept(self, result: StoredResult) -> Result:
        key = self.store.put(result)
        self._remember(key, result)
        return Result(key, result.exploration)

    def keep(self, key: str, result: StoredResult) -> None:
        """Stores a result under a key that it has already."""
        self.store.keep(key, result)
        self._remember(key, result)

    def _remember(self, key: str, result: StoredResult) -> None:
        if isinstance(result.request.picture, str):  # others hold the picture itself, which takes memory
            self._requests.keep(key, result.request)

    def payload(self, key: str) -> bytes:
        """A result's payload for the browser. Raises KeyError if the result is no longer stored; ValueError if it cannot be drawn."""
        stored = self.stored(key)
        return stored.prepared or self._ahead.take(key) or payload(stored.exploration, device=self.device)

    def begin_payload(self, key: str) -> None:
        """Begins to make what a browser will ask for next, as ``payload`` gives it."""
        stored = self.stored(key)
        if stored.prepared is None:
            self._ahead.begin(key, partial(payload, stored.exploration, device=self.device))

    def block_payload(self, key: str, stage: int, block: int) -> bytes:
        """The attention of one block that was too large to be sent with the rest. Raises KeyError, ValueError."""
        return block_payload(self.stored(key).exploration, stage, block, device=self.device)

    def inside_payload(self, key: str, stage: int, block: int) -> bytes:
        """The inside of one block, for the microscope. Raises KeyError, ValueError."""
        stored = self.stored(key)
        with self.models.using():
            return compute_inside(stored.request, stored.exploration, self, stage, block)


def start_workers(count: int, sources: Sequence[str | None], device: str = "auto") -> Workers | None:
    """So many workers for a workbench that is not made yet: no model, and no other thread of Python, is there when they are forked. None
    on a GPU, which does not wait for Python.

    Raises ValueError: no such device.
    """
    if not count or gpu.LENDS or choose_device(device)[0].type != "cpu":
        return None
    room = max(WORKER_BYTES, room_for_models(torch.device("cpu")) // (2 * count))
    return Workers(count, partial(_of_worker, sources, room))


def _of_worker(sources: Sequence[str | None], room: int) -> Workbench:
    """A worker's workbench: it downloads nothing, because the server has whatever it is asked for."""
    from huggingface_hub import constants  # slow to import, so only when needed

    constants.HF_HUB_OFFLINE = True
    return Workbench(sources, "cpu", models_bytes=room)
