"""What the server answers to the laboratory: light questions as functions of JSON values, and runs that can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from cvt.architecture.amounts import in_bytes
from cvt.architecture.build import Cancelled
from cvt.architecture.cost import cost
from cvt.architecture.transformers_support import what_transformers_lacks
from cvt.architecture.variants import stage_settings

from ...web import explorer
from ..jobs import Step
from ..link.permalink import decode, encode
from ..link.view import View
from ..model import LoadedModel
from ..requests import INHERITED, ModelRequest, Request
from ..words import laboratory as words
from ..words import trust
from ..words.sentences import Refused
from ..workbench import Workbench
from .architectures import model_request
from .describe import about, describe
from .export import model_zip, python_lines

PACKING_SECONDS = 5.0  # for which one waits for another's model to be saved
RUN_ID_CHARACTERS = 64  # characters of a run's id
MAX_SAVED_BYTES = 160_000_000  # bytes of weights in a zip; CvT-21 has 126 million


class LaboratoryApi:
    """The laboratory's questions and runs, for everyone who uses a workbench; every method may be called by many threads at once.

    All take what the browser sent, parsed; ``model`` names the baseline, the first one where it is missing. All raise
    ValueError with a sentence where it means nothing.
    """

    def __init__(self, workbench: Workbench):
        self._workbench = workbench
        self._packing = threading.Lock()
        self.answers = {name: getattr(self, name) for name in ("about", "describe", "cancel", "texts", "model", "open")}

    def about(self, asked: Any) -> dict[str, Any]:
        """What there is to control; see ``describe.about``."""
        loaded = self._loaded(asked)
        return {"model": loaded.name, **about(loaded.config, loaded.side)}

    def describe(self, asked: Any) -> dict[str, Any]:
        """One step of a control; see ``describe.describe``."""
        loaded = self._loaded(asked)
        return describe(loaded.config, loaded.side, asked)

    def texts(self, asked: Any) -> dict[str, str]:
        """The variant as ``config``, the content of a config.json; ``python``, lines that build it; and ``note``, a remark."""
        loaded, request = self._request(asked)
        config, inherited = request.architecture or loaded.config, request.weights == INHERITED
        lines = python_lines(config, loaded.config, inherited, request.seed, loaded.source, request.side)
        return {"config": config.without_claims().to_json_string(), "python": lines, "note": what_transformers_lacks(config)}

    def cancel(self, asked: Any) -> dict[str, Any]:
        """Ends the run of this name, wherever it is; also one that has not begun."""
        self._workbench.jobs.cancel(_run(asked))
        return {}

    def model(self, asked: Any) -> bytes:
        """The variant as a saved model folder, zipped."""
        loaded, request = self._request(asked)
        side = request.side or loaded.side
        weights = cost(request.architecture or loaded.config, side, side).weight_bytes
        if weights > MAX_SAVED_BYTES:
            raise Refused("too_large_to_save", needed=in_bytes(weights), allowed=in_bytes(MAX_SAVED_BYTES))
        if not self._packing.acquire(timeout=PACKING_SECONDS):  # one at a time: each holds the weights several times
            raise Refused("saving_busy")
        try:
            return model_zip(loaded.model_of(request), loaded.processor_of(request))
        finally:
            self._packing.release()

    def open(self, asked: Any) -> dict[str, Any]:
        """What a link says: ``view`` and ``notices``; the laboratory's state as ``architecture``, and the part of the link that
        is about it, as ``written``; and the name of the ``model``."""
        query = asked.get("query") if isinstance(asked, Mapping) else None
        view, notices = self.linked(query if isinstance(query, str) else "")
        loaded = self._workbench.loaded(view.model)
        architecture = {
            "stages": stage_settings(view.architecture or loaded.config),
            "side": view.side or loaded.side,
            "weights": view.weights,
            "seed": view.seed,
        }
        shown = {each.name: getattr(view, each.name) for each in fields(view) if each.name != "architecture"}
        kept = View(architecture=view.architecture, side=view.side, weights=view.weights, seed=view.seed)
        written = encode(kept, loaded.config)
        return {"view": shown, "notices": notices, "architecture": architecture, "written": written, "model": loaded.name}

    def linked(self, query: str) -> tuple[View, list[str]]:
        """The view that a query string describes, read with the model that it names, and sentences on what it could not say."""
        names = self._workbench.names
        loaded = self._workbench.loaded()
        view, notices = decode(query, loaded.config, names, self._workbench.examples, loaded.side)
        if view.model not in (None, loaded.name):
            loaded = self._workbench.loaded(view.model)
            view, notices = decode(query, loaded.config, names, self._workbench.examples, loaded.side)
        return view, notices

    def run(self, picture: str, asked: Any) -> Iterator[dict[str, Any]]:
        """The picture through the variant, next to the baseline.

        Yields:
            ``run`` (its id) with ``words`` on the way; at the end with ``baseline`` and ``variant`` too, each what an
            explorer is told. Nothing more once it is cancelled.
        """
        run, (loaded, variant) = _run(asked), self._request(asked)
        own = Request(model=loaded.name, picture=picture)

        def work(progress) -> dict[str, Any]:
            result = self._workbench.explore(variant.with_picture(picture), progress)
            baseline = self._workbench.found(own) or self._workbench.explore(own)
            note = trust.weights(loaded.config, loaded.side, variant)
            return {
                "words": note,
                "baseline": explorer.told(baseline.key, picture, note=trust.accuracy(loaded.config)),
                "variant": explorer.told(result.key, picture, note=note),
            }

        try:
            for step in self._workbench.jobs.steps(run, work):
                yield {"run": run, **({"words": words.progress(step)} if isinstance(step, Step) else step)}
        except Cancelled:
            yield {"run": run, "cancelled": True}

    def _request(self, asked: Any) -> tuple[LoadedModel, ModelRequest]:
        loaded = self._loaded(asked)
        try:
            return loaded, model_request(loaded.name, loaded.config, loaded.side, asked)
        except ValueError as error:
            raise ValueError(words.problem(error)) from error

    def _loaded(self, asked: Any) -> LoadedModel:
        name = asked.get("model") if isinstance(asked, Mapping) else None
        return self._workbench.loaded(name if isinstance(name, str) else None)


def _run(asked: Any) -> str:
    run = asked.get("run") if isinstance(asked, Mapping) else None
    if not isinstance(run, str) or not 0 < len(run) <= RUN_ID_CHARACTERS:
        raise Refused("no_run_id", most=RUN_ID_CHARACTERS)
    return run
