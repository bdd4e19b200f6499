"""The laboratory's server side: quick queries as functions of JSON values, opening a link among them, and runs that can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from cvt.architecture.amounts import in_bytes
from cvt.architecture.build import Cancelled
from cvt.architecture.cost import cost
from cvt.architecture.transformers_support import what_transformers_lacks
from cvt.architecture.variants import stage_settings
from cvt.config import CvtConfig

from ...web import explorer
from ..compute import Progress
from ..jobs import Step
from ..link.permalink import decode, encode
from ..link.view import View
from ..models import LoadedModel
from ..requests import INHERITED, ModelRequest, Request
from ..words import laboratory as words
from ..words import trust
from ..words.sentences import Refused, say
from ..workbench import Workbench
from .architectures import model_request
from .describe import about, describe
from .export import built_lines, model_zip, python_lines
from .trained import described, pair

PACKING_SECONDS = 5.0  # how long to wait while another model is being saved
RUN_ID_CHARACTERS = 64  # characters of a run's id
MAX_SAVED_BYTES = 160_000_000  # bytes of weights in a zip; CvT-21 has 126 million


class LaboratoryApi:
    """The laboratory's queries and runs, for all users of a workbench; all methods are thread-safe.

    Methods take the browser's parsed JSON, whose ``model`` names the baseline (by default the first model), and raise ValueError
    if it is invalid.
    """

    def __init__(self, workbench: Workbench):
        self._workbench = workbench
        self._packing = threading.Lock()
        self.answers = {name: getattr(self, name) for name in ("about", "describe", "trained", "cancel", "texts", "model", "open")}

    def about(self, asked: Any) -> dict[str, Any]:
        """The available controls; see ``describe.about``."""
        loaded = self._loaded(asked)
        return {"model": loaded.name, **about(loaded.config, loaded.side)}

    def describe(self, asked: Any) -> dict[str, Any]:
        """The result of moving a control; see ``describe.describe``."""
        loaded = self._loaded(asked)
        return describe(loaded.config, loaded.side, asked)

    def trained(self, asked: Any) -> dict[str, Any]:
        """The costs of a trained ablation and of the family's baseline; see ``trained.described``."""
        return described(_value(asked, "ablation"))

    def texts(self, asked: Any) -> dict[str, str]:
        """The variant as ``config``, the content of a config.json, and ``python``, code that builds it; with a ``note``."""
        loaded, request = self.requested(asked)
        config = loaded.config_of(request)
        lines = python_lines(*_recipe(loaded, request))
        return {"config": config.without_claims().to_json_string(), "python": lines, "note": what_transformers_lacks(config)}

    def cancel(self, asked: Any) -> dict[str, Any]:
        """Cancels the run with this id, whether it is running, queued or yet to be submitted."""
        self._workbench.jobs.cancel(_run(asked))
        return {}

    def model(self, asked: Any) -> bytes:
        """The variant as a saved model folder, zipped."""
        loaded, request = self.requested(asked)
        side = request.side or loaded.side
        weights = cost(loaded.config_of(request), side, side).weight_bytes
        if weights > MAX_SAVED_BYTES:
            raise Refused("too_large_to_save", needed=in_bytes(weights), allowed=in_bytes(MAX_SAVED_BYTES))
        if not self._packing.acquire(timeout=PACKING_SECONDS):  # one at a time, because each holds several copies of the weights
            raise Refused("saving_busy")
        try:
            return model_zip(loaded.model_of(request), loaded.processor_of(request))
        finally:
            self._packing.release()

    def open(self, asked: Any) -> dict[str, Any]:
        """Decodes a link: ``view`` and ``notices``; the laboratory's state as ``architecture``, and the part of the link for it
        as ``written``; and the name of the ``model``. ``needs``: the name of the link's model if that has to be loaded first; all else is
        then said for the first model."""
        query = _value(asked, "query")
        view, notices, needs = self._decoded(query if isinstance(query, str) else "")
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
        told = {"view": shown, "notices": notices, "architecture": architecture, "written": written, "model": loaded.name}
        return told | {"needs": needs}

    def linked(self, query: str) -> tuple[View, list[str]]:
        """The view that a query string describes, and notices about invalid parts: for the model that it names if that needs no loading,
        else for the first one."""
        view, notices, _ = self._decoded(query)
        return view, notices

    def _decoded(self, query: str) -> tuple[View, list[str], str | None]:
        """As ``linked``, and the name of the link's model if that has to be loaded first: the view is then the first model's."""
        models = self._workbench.models
        loaded = self._workbench.loaded()
        view, notices = decode(query, loaded.config, models.offers, self._workbench.examples, loaded.side)
        if view.model in (None, loaded.name):
            return view, notices, None
        other = models.at_once(view.model)
        if other is None:
            return replace(view, model=None), notices, view.model
        return *decode(query, other.config, models.offers, self._workbench.examples, other.side), None

    def run(self, picture: str, asked: Any) -> Iterator[dict[str, Any]]:
        """Runs the variant and the baseline on the picture; or, if ``asked`` names an ``ablation``, that and the family's baseline.

        Yields:
            ``run`` (its id) with ``words`` on the progress; finally also ``baseline`` and ``variant``, each a value for an
            explorer, and ``trained``, how far to trust the variant, as ``trust.standing`` says. The variant's result has the
            baseline's most probable class, so that the two can be compared by it. Stops once the run is cancelled.
        """
        run = _run(asked)
        try:
            for step in self._workbench.jobs.steps(run, self._work(picture, asked)):
                yield {"run": run, **({"words": words.progress(step)} if isinstance(step, Step) else step)}
        except Cancelled:
            yield {"run": run, "cancelled": True}

    def compared(self, picture: str, asked: Any) -> dict[str, Any]:
        """What ``run`` finally yields, without its id, for those who wait for it."""
        return self._work(picture, asked)(lambda step, share: None)

    def _work(self, picture: str, asked: Any) -> Callable[[Progress], dict[str, Any]]:
        ablation = _value(asked, "ablation")
        return self._varied(picture, asked) if ablation is None else self._trained(picture, ablation)

    def _varied(self, picture: str, asked: Any) -> Callable[[Any], dict[str, Any]]:
        """The work of running a variant of a loaded model, and that model."""
        loaded, variant = self.requested(asked)
        own = Request(model=loaded.name, picture=picture)
        named = {"model": loaded.name, "source": loaded.source, **self._workbench.named(picture)}

        def work(progress: Progress) -> dict[str, Any]:
            baseline = self._workbench.found(own) or self._workbench.explore(own)
            result = self._workbench.explore(variant.with_picture(picture, baseline.exploration.shown[:1]), progress)
            note = trust.weights(loaded.config, loaded.side, variant)
            return {
                "words": note,
                "trained": trust.standing(loaded.config, variant),
                "baseline": explorer.element_value(baseline.key, picture, note=trust.accuracy(loaded.config), **named),
                "variant": explorer.element_value(result.key, picture, note=note, built=built_lines(*_recipe(loaded, variant)), **named),
            }

        return work

    def _trained(self, picture: str, ablation: Any) -> Callable[[Any], dict[str, Any]]:
        """The work of running a trained ablation, and the family's baseline."""
        names = pair(ablation)

        def work(progress: Progress) -> dict[str, Any]:
            found: dict[str, Any] = {"words": say("trained_alike"), "trained": "same"}
            also: tuple[int, ...] = ()
            for side, name in zip(("baseline", "variant"), names, strict=True):
                loaded = self._workbench.loaded(name)
                result = self._workbench.explore(Request(model=name, picture=picture, also=also), progress)
                also = result.exploration.shown[:1]
                named = {"model": name, "source": loaded.source, **self._workbench.named(picture)}
                found[side] = explorer.element_value(result.key, picture, note=trust.accuracy(loaded.config), **named)
            return found

        return work

    def requested(self, asked: Any) -> tuple[LoadedModel, ModelRequest]:
        """The loaded model, and the variant of it that is asked for. Raises ValueError."""
        loaded = self._loaded(asked)
        try:
            return loaded, model_request(loaded.name, loaded.config, loaded.side, asked)
        except ValueError as error:
            raise ValueError(words.problem(error)) from error

    def _loaded(self, asked: Any) -> LoadedModel:
        name = _value(asked, "model")
        return self._workbench.loaded(name if isinstance(name, str) else None)


def _recipe(loaded: LoadedModel, request: ModelRequest) -> tuple[CvtConfig, CvtConfig, bool, int, str | None, int | None]:
    """A variant as the first arguments of ``python_lines`` and ``built_lines``."""
    config = loaded.config_of(request)
    return config, loaded.config, request.weights == INHERITED, request.seed, loaded.source, request.side


def _value(asked: Any, name: str) -> Any:
    return asked.get(name) if isinstance(asked, Mapping) else None


def _run(asked: Any) -> str:
    run = _value(asked, "run")
    if not isinstance(run, str) or not 0 < len(run) <= RUN_ID_CHARACTERS:
        raise Refused("no_run_id", most=RUN_ID_CHARACTERS)
    return run
