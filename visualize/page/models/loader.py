"""Turns a source into a loaded model: its files, its weights on the device, and what runs it fast."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial

import torch

from cvt import CvtForImageClassification, CvtImageProcessor
from cvt.architecture.cache import VariantCache
from cvt.architecture.cost import cost
from cvt.config import CvtConfig
from cvt.files.download import DownloadStopped, watched
from cvt.runtime.layers import onednn_works
from cvt.runtime.linear import onednn_is_faster, use_onednn
from cvt.runtime.runner import Runner

from ...explore import summarised
from ..words.sentences import Refused
from .loaded import LoadedModel
from .loads import Progress
from .offers import Offer
from .paged import Paged

MOST_TWICE = 64_000_000  # parameters of a model whose weights a CPU may hold twice, for the model and for its runner: 256 MB more
MOST_BYTES, MOST_MACS = 4 << 30, 10**12  # that one picture may take; CvT-W24 takes 0.2 GB and 0.2 · 10¹² multiply-adds
DOWNLOADING, LOADING = "downloading", "loading"  # the steps of a load


class Loader:
    """Loads models on a device; all methods are thread-safe.

    Args:
        variants: the cache of variants that the loaded models share.
        with_runners: whether they get a runner where it pays.
        before: models, by name, from before this process was forked, which only have to be moved to the device.
    """

    def __init__(
        self,
        device: torch.device,
        dtype: torch.dtype,
        variants: VariantCache,
        with_runners: bool = True,
        before: Mapping[str, LoadedModel] | None = None,
    ):
        self.device, self.dtype, self.variants = device, dtype, variants
        self._with_runners, self._before = with_runners, before or {}

    def load(
        self,
        offer: Offer,
        progress: Progress = lambda step, share: None,
        make_room: Callable[[int], None] = lambda nbytes: None,
    ) -> LoadedModel:
        """The model of an offer.

        Args:
            progress: raises Cancelled, to end the load; what was downloaded stays for the next one.
            make_room: called with the bytes that the model will take, before anything large is downloaded or allocated; it may refuse.
        Raises:
            ValueError: it cannot be had, or not be shown.
        """
        progress(LOADING, 0.0)
        if offer.name in self._before:
            return self._moved(self._before[offer.name], make_room)
        stopped: list[BaseException] = []

        def watch(done: int, total: int) -> None:
            try:
                progress(*((DOWNLOADING, done / total) if done < total else (LOADING, 0.0)))
            except BaseException as error:
                stopped.append(error)
                raise DownloadStopped from error

        try:
            with watched(watch):
                config = CvtConfig.from_pretrained(offer.source)
                if 0 in config.depth:
                    raise Refused("model_without_blocks", name=offer.name)
                processor = CvtImageProcessor.from_pretrained(offer.source)
                make_room(self._bytes(config, offer.name, processor.side))
                model = self.placed(CvtForImageClassification.from_pretrained(offer.source))
        except DownloadStopped:
            raise stopped[0] from None
        copied = onednn_works(self.device, self.dtype) and self._runs_faster(model.num_parameters())
        paged = Paged(model) if copied else None
        return LoadedModel(offer.name, offer.shown, model, processor, self.variants, self._runner(model, processor), paged)

    def _moved(self, loaded: LoadedModel, make_room: Callable[[int], None]) -> LoadedModel:
        make_room(self._bytes(loaded.config, loaded.name, loaded.side))
        return LoadedModel(loaded.name, loaded.source, self.placed(loaded.model), loaded.processor, self.variants)

    def placed(self, model: CvtForImageClassification) -> CvtForImageClassification:
        """Moves a model to the device and dtype, with the linear layers that are fastest there."""
        model = model.to(self.device, self.dtype)
        return use_onednn(model) if onednn_is_faster() else model

    def _bytes(self, config: CvtConfig, name: str, side: int) -> int:
        """Memory that a model of this config takes here, with its runner's copy or, on a GPU, its buffers.

        Raises:
            ValueError: it can run on no picture here.
        """
        costs = cost(config, side, side)
        if costs.activation_bytes + costs.captured_bytes > MOST_BYTES or costs.macs > MOST_MACS:
            raise Refused("model_too_slow", name=name, side=side)
        each = self.dtype.itemsize * costs.parameters
        return each * (2 if self._runs_faster(costs.parameters) else 1)

    def _runs_faster(self, parameters: int) -> bool:
        if not self._with_runners:
            return False
        return self.device.type == "cuda" or (self.device.type == "cpu" and parameters <= MOST_TWICE)

    def _runner(self, model: CvtForImageClassification, processor: CvtImageProcessor) -> Runner | None:
        """A runner for the model, which warms up meanwhile; None where it does not pay."""
        if not self._runs_faster(model.num_parameters()):
            return None
        runner = Runner(model)
        shape = (1, model.config.num_channels, processor.side, processor.side)
        # kernels for a GPU may take long to build: nobody waits for them to stop the app
        warm_up = partial(runner.warm_up, *shape, summary=summarised)
        threading.Thread(target=warm_up, name="warm_up", daemon=self.device.type == "cuda").start()
        return runner
