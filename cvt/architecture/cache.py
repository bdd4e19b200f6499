"""The last models built, for any number of people: bounded by count and bytes, one build for all who ask for the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet  # in Python 3.10 not the built-in one

from ..config import CvtConfig
from ..model import CvtForImageClassification
from .build import Cancelled, Watch, build_variant, model_bytes
from .inherit import inherit

SECONDS_BETWEEN_LOOKS = 0.05  # of one who waits for another's build

Key = tuple[str, int, CvtForImageClassification | None]


class VariantCache:
    """The last models built: at most ``max_count`` of them and at most ``max_bytes`` in all, for any number of threads.

    Two who ask for the same model at once wait for one build; whoever asks for another does not wait for it, and whoever
    asks for a kept one waits for nothing. A model larger than ``max_bytes`` is built and handed out but not kept.

    Args:
        build: makes the model of (config, seed), for example on a GPU; ``build_variant`` if not given.
        inherit: makes the model of (base, config, seed) that has the base's weights wherever they fit.
    """

    def __init__(
        self,
        max_count: int = 4,
        max_bytes: int = 512 << 20,
        build: Callable[..., CvtForImageClassification] = build_variant,
        inherit: Callable[..., CvtForImageClassification] = lambda *args, **watch: inherit(*args, **watch).model,
    ):
        if max_count < 1 or max_bytes < 1:
            raise ValueError(f"A cache must hold at least one model and one byte, not {max_count} models and {max_bytes} bytes.")
        self.max_count, self.max_bytes, self._build, self._inherit = max_count, max_bytes, build, inherit
        self._models: OrderedDict[Key, tuple[CvtForImageClassification, int]] = OrderedDict()  # oldest use first
        self._building: dict[Key, Future] = {}
        self._lock = threading.Lock()

    def get(
        self, config: CvtConfig, seed: int = 0, base: CvtForImageClassification | None = None, watch: Watch | None = None
    ) -> CvtForImageClassification:
        """The model of ``config``: a kept one, or built now. Raises what the build raises.

        Args:
            base: whose weights it inherits where they fit; None for random weights alone. The seed fixes what is random.
            watch: hears how far the build is, 0 to 1, and ends it for this caller by raising ``Cancelled``; others who wait
                for the same model still get it. It is passed to ``build`` and ``inherit`` only where it is given.
        """
        key = (config.to_json_string(), seed, base)
        while True:
            with self._lock:
                if key in self._models:
                    self._models.move_to_end(key)
                    return self._models[key][0]
                mine = key not in self._building
                future: Future = self._building.setdefault(key, Future())
            if mine:
                return self._made(key, future, config, watch)
            try:
                return _waited(future, watch)
            except Cancelled:
                if not future.done() or not isinstance(future.exception(), Cancelled):
                    raise  # by this caller's own watch
                # else whoever built it gave up: look again, and build it here if nobody else does

    def _made(self, key: Key, future: Future, config: CvtConfig, watch: Watch | None) -> CvtForImageClassification:
        _, seed, base = key
        watching = {} if watch is None else {"watch": watch}
        try:
            model = self._build(config, seed, **watching) if base is None else self._inherit(base, config, seed, **watching)
        except BaseException as error:
            with self._lock:
                del self._building[key]
            future.set_exception(error)
            raise
        with self._lock:
            self._keep(key, model)
            del self._building[key]
        future.set_result(model)
        return model

    def _keep(self, key: Key, model: CvtForImageClassification) -> None:
        size = model_bytes(model)
        if size > self.max_bytes:
            return
        self._models[key] = (model, size)
        while len(self._models) > self.max_count or self.nbytes > self.max_bytes:
            self._models.popitem(last=False)

    def __len__(self) -> int:
        return len(self._models)

    @property
    def nbytes(self) -> int:
        """Memory that the kept models hold."""
        return sum(size for _, size in self._models.values())


def _waited(future: Future, watch: Watch | None) -> CvtForImageClassification:
    """The result of another's build; ``watch`` may end the waiting."""
    while watch is not None:
        try:
            return future.result(SECONDS_BETWEEN_LOOKS)
        except NotYet:
            if future.done():  # the build itself ran into a time limit
                raise
            watch(0.0)
    return future.result()
