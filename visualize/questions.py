"""What the server answers to the laboratory: light questions as functions of JSON values, and runs that can be cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from cvt.build import Cancelled

from . import words
from .describe import about, describe
from .handover import model_zip, python_lines
from .wanted import wanted
from .workbench import Workbench

RUN_LENGTH = 64  # characters of a run's name


class Questions:
    """The laboratory's questions, for everyone who uses a workbench; every method may be called by many threads at once.

    All take what the browser sent, parsed; ``model`` names the baseline, the first one where it is missing. All raise
    ValueError with a sentence where it means nothing.
    """

    def __init__(self, workbench: Workbench):
        self._workbench = workbench
        self.answers = {name: getattr(self, name) for name in ("about", "describe", "cancel", "texts", "model")}

    def about(self, asked: Any) -> dict[str, Any]:
        """What there is to control; see ``describe.about``."""
        bench = self._bench(asked)
        return about(bench.config, bench.side)

    def describe(self, asked: Any) -> dict[str, Any]:
        """One step of a control; see ``describe.describe``."""
        bench = self._bench(asked)
        return describe(bench.config, bench.side, asked)

    def texts(self, asked: Any) -> dict[str, str]:
        """The variant as ``config``, the content of a config.json, and as ``python``, the lines that build it."""
        bench = self._bench(asked)
        found = wanted(bench.config, bench.side, asked)
        return {"config": found.config.to_json_string(), "python": python_lines(bench.config, found.config, bench.source, found.seed)}

    def cancel(self, asked: Any) -> dict[str, Any]:
        """Ends the run of this name, wherever it is; also one that has not begun."""
        self._workbench.trials.cancel(_run(asked))
        return {}

    def model(self, asked: Any) -> bytes:
        """The variant as a saved model folder, zipped."""
        bench = self._bench(asked)
        found = wanted(bench.config, bench.side, asked)
        model, _ = bench.variant_model(found)
        return model_zip(model, replace(bench.processor, size=found.side))

    def run(self, picture: str, asked: Any) -> Iterator[dict[str, Any]]:
        """The picture through the variant, next to the baseline.

        Yields:
            ``run`` (its name) with ``words`` on the way; at the end with ``baseline`` and ``variant`` too, each what an
            explorer is told. Nothing more once it is cancelled.
        """
        run, bench = _run(asked), self._bench(asked)
        found = wanted(bench.config, bench.side, asked)

        def work(tell) -> dict[str, Any]:
            tell("Building the variant")
            _, share = bench.variant_model(found, lambda done: tell("Building the variant", done))
            tell("Running your picture through it")
            result = bench.explore_variant(picture, found)
            note = words.weights(share)
            baseline = self._baseline(bench, picture, asked)
            return {"words": note, "baseline": baseline, "variant": {"key": result.key, "note": note, "inside": True, "again": True}}

        try:
            for step in self._workbench.trials.steps(run, work):
                yield {"run": run, **({"words": step} if isinstance(step, str) else step)}
        except Cancelled:
            yield {"run": run, "cancelled": True}

    def _baseline(self, bench: Any, picture: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        key = asked.get("key")
        try:
            self._workbench.store.get(key)
        except (KeyError, TypeError):  # gone, or never there
            key = bench.explore(picture).key
        return {"key": key, "note": words.accuracy(bench.config), "inside": True, "again": True}

    def _bench(self, asked: Any) -> Any:
        name = asked.get("model") if isinstance(asked, Mapping) else None
        return self._workbench.bench(name if isinstance(name, str) else None)


def _run(asked: Any) -> str:
    run = asked.get("run") if isinstance(asked, Mapping) else None
    if not isinstance(run, str) or not 0 < len(run) <= RUN_LENGTH:
        raise ValueError("A run has a name of 1 to 64 characters.")
    return run
