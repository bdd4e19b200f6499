"""What the server answers to the laboratory: light questions as functions of JSON values, and runs that can be cancelled."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from cvt.architecture.amounts import in_bytes
from cvt.architecture.build import Cancelled
from cvt.architecture.transformers_support import what_transformers_lacks
from cvt.architecture.variants import stage_settings

from ...web import explorer
from .. import words
from ..link.permalink import decode, encode
from ..link.view import View
from ..model import Bench
from ..workbench import Workbench
from .describe import about, describe, in_labels
from .export import model_zip, python_lines
from .requests import Wanted, wanted

PACKING = 5.0  # seconds for which one waits for another's model to be saved
RUN_LENGTH = 64  # characters of a run's name
MAX_SAVED = 160_000_000  # bytes of weights in a zip; CvT-21 has 126 million


class Questions:
    """The laboratory's questions, for everyone who uses a workbench; every method may be called by many threads at once.

    All take what the browser sent, parsed; ``model`` names the baseline, the first one where it is missing. All raise
    ValueError with a sentence where it means nothing.
    """

    def __init__(self, workbench: Workbench):
        self._workbench = workbench
        self._packing = threading.Lock()
        self.answers = {name: getattr(self, name) for name in ("about", "describe", "cancel", "texts", "model", "open")}

    def about(self, asked: Any) -> dict[str, Any]:
        """What there is to control; see ``describe.about``."""
        bench = self._bench(asked)
        return {"model": bench.name, **about(bench.config, bench.side)}

    def describe(self, asked: Any) -> dict[str, Any]:
        """One step of a control; see ``describe.describe``."""
        bench = self._bench(asked)
        return describe(bench.config, bench.side, asked)

    def texts(self, asked: Any) -> dict[str, str]:
        """The variant as ``config``, the content of a config.json; ``python``, lines that build it; and ``note``, a remark."""
        bench, found = self._wanted(asked)
        side = None if found.side == bench.side else found.side
        lines = python_lines(found.config, bench.config, found.inherited, found.seed, bench.source, side)
        return {"config": found.config.without_claims().to_json_string(), "python": lines, "note": what_transformers_lacks(found.config)}

    def cancel(self, asked: Any) -> dict[str, Any]:
        """Ends the run of this name, wherever it is; also one that has not begun."""
        self._workbench.trials.cancel(_run(asked))
        return {}

    def model(self, asked: Any) -> bytes:
        """The variant as a saved model folder, zipped."""
        bench, found = self._wanted(asked)
        if found.cost.weight_bytes > MAX_SAVED:
            raise ValueError(
                f"This model's weights take {in_bytes(found.cost.weight_bytes)}, and at most {in_bytes(MAX_SAVED)} can be saved here. "
                "The Python lines build it on your machine."
            )
        if not self._packing.acquire(timeout=PACKING):  # one at a time: each holds the weights several times
            raise ValueError("Others are saving their models now. Try again in a moment.")
        try:
            return model_zip(bench.variant_model(found), replace(bench.processor, size=found.side))
        finally:
            self._packing.release()

    def open(self, asked: Any) -> dict[str, Any]:
        """What a link says: ``view`` and ``notices``; the laboratory's state as ``architecture``, and the part of the link that
        is about it, as ``written``; and the name of the ``model``."""
        query = asked.get("query") if isinstance(asked, Mapping) else None
        view, notices = self.linked(query if isinstance(query, str) else "")
        bench = self._workbench.bench(view.model)
        architecture = {
            "stages": stage_settings(view.architecture or bench.config),
            "side": view.side or bench.side,
            "weights": view.weights,
            "seed": view.seed,
        }
        shown = {each.name: getattr(view, each.name) for each in fields(view) if each.name != "architecture"}
        kept = View(architecture=view.architecture, side=view.side, weights=view.weights, seed=view.seed)
        written = encode(kept, bench.config)
        return {"view": shown, "notices": notices, "architecture": architecture, "written": written, "model": bench.name}

    def linked(self, query: str) -> tuple[View, list[str]]:
        """The view that a query string describes, read with the model that it names, and sentences on what it could not say."""
        names = self._workbench.names
        bench = self._workbench.bench()
        view, notices = decode(query, bench.config, names, self._workbench.examples, bench.side)
        if view.model not in (None, bench.name):
            bench = self._workbench.bench(view.model)
            view, notices = decode(query, bench.config, names, self._workbench.examples, bench.side)
        return view, notices

    def run(self, picture: str, asked: Any) -> Iterator[dict[str, Any]]:
        """The picture through the variant, next to the baseline.

        Yields:
            ``run`` (its name) with ``words`` on the way; at the end with ``baseline`` and ``variant`` too, each what an
            explorer is told. Nothing more once it is cancelled.
        """
        run, (bench, found) = _run(asked), self._wanted(asked)

        def work(tell) -> dict[str, Any]:
            tell("Building the variant")
            model = bench.variant_model(found, lambda done: tell("Building the variant", done))
            tell("Running your picture through it")
            result = bench.explore_variant(picture, found, model)
            note = words.weights(bench.config, bench.side, found)
            baseline = self._baseline(bench, picture, asked)
            return {"words": note, "baseline": baseline, "variant": explorer.told(result.key, picture, note=note)}

        try:
            for step in self._workbench.trials.steps(run, work):
                yield {"run": run, **({"words": step} if isinstance(step, str) else step)}
        except Cancelled:
            yield {"run": run, "cancelled": True}

    def _baseline(self, bench: Bench, picture: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        key = asked.get("key")
        try:
            self._workbench.store.get(key)
        except (KeyError, TypeError):  # gone, or never there
            key = bench.explore(picture).key
        return explorer.told(key, picture, note=words.accuracy(bench.config))

    def _wanted(self, asked: Any) -> tuple[Bench, Wanted]:
        bench = self._bench(asked)
        try:
            return bench, wanted(bench.config, bench.side, asked)
        except ValueError as error:
            raise ValueError(in_labels(str(error))) from error

    def _bench(self, asked: Any) -> Bench:
        name = asked.get("model") if isinstance(asked, Mapping) else None
        return self._workbench.bench(name if isinstance(name, str) else None)


def _run(asked: Any) -> str:
    run = asked.get("run") if isinstance(asked, Mapping) else None
    if not isinstance(run, str) or not 0 < len(run) <= RUN_LENGTH:
        raise ValueError("A run has a name of 1 to 64 characters.")
    return run
