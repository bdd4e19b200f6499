"""What a lesson's questions are graded by, found in Python: by the library, the experiments' answers and the laboratory's costs."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cvt import ablations
from cvt.architecture.cost import cost
from cvt.architecture.presets import preset
from cvt.architecture.variants import architecture
from tests.helpers import least_or_alike
from visualize.page.breaking.api import BreakingApi
from visualize.page.laboratory.architectures import model_request
from visualize.page.workbench import Workbench

Measure = dict[str, Any]
IMPOSSIBLE = None  # a question that cannot be asked of this model
SHOWN = 4  # classes to choose from


def counted(value: int | str, count: int) -> int:
    """A lesson's number, from 0."""
    return (count if value == "last" else int(value)) - 1


@dataclass
class Truths:
    """The truths about the result with this key; ``held``: y and x of the held token, in pixels of the input."""

    workbench: Workbench
    key: str
    held: Sequence[float] = (0.0, 0.0)
    known: dict[str, Any] = field(default_factory=dict)  # answers by what was asked

    def of(self, measure: Measure) -> Any:
        """A number, an option's value or those that are as right, or the weights of cells; IMPOSSIBLE."""
        parameters = {name: value for name, value in measure.items() if name != "name"}
        return FOUND[measure["name"]](self, **parameters)

    def once(self, asked: Any, answer: Callable[[], Any]) -> Any:
        """``answer``, unless it is known."""
        name = json.dumps(asked)
        if name not in self.known:
            self.known[name] = answer()
        return self.known[name]

    @property
    def seen(self):
        return self.workbench.store.get(self.key).exploration

    @property
    def loaded(self):
        return self.workbench.loaded(self.workbench.store.get(self.key).request.model)

    def ask(self, name: str, **asked: Any) -> Any:
        return self.once([name, asked], lambda: BreakingApi(self.workbench).answer(name, {"key": self.key, **asked}))

    def place(self, stage: int | str, block: int | str = "last") -> tuple[int, int] | None:
        """A stage and block, from 0; None if there is no such block."""
        at = counted(stage, len(self.seen.stages))
        layer = counted(block, len(self.seen.stages[at].blocks))
        return (at, layer) if layer < len(self.seen.stages[at].blocks) else None

    def token(self, stage: int) -> tuple[int, int]:
        """Row and column of the held token."""
        grid = self.seen.stages[stage].query_grid
        at = [round((self.held[axis] - grid.first[axis]) / grid.stride[axis]) for axis in (0, 1)]
        return tuple(int(np.clip(each, 0, count - 1)) for each, count in zip(at, grid.shape, strict=True))

    def after(self, off: str = "", **moved: Any) -> dict[str, Any]:
        """The experiments' answer to a change."""
        if not off:
            return self.ask("transform", **moved)
        interventions = []
        for each in off.split(","):
            stage, block, part = each.split(".")
            name = part.rstrip("0123456789")
            head = {"head": int(part[len(name) :])} if name == "head" else {}
            at, layer = self.place(stage, "last" if block == "all" else block)
            layers = range(layer + 1) if block == "all" else [layer]
            interventions += [{"stage": at + 1, "block": each + 1, "part": name, **head} for each in layers]
        return self.ask("knock_out", interventions=interventions)

    def among(self, label: str) -> str:
        return label if label in [self.seen.labels[each] for each in self.seen.shown[:SHOWN]] else "else"

    def grid(self, measure: Measure):
        """The grid of a measure's cells."""
        of = self.seen.stages[self.place(measure.get("stage", "last"))[0]]
        queries = measure["name"] == "evidence" and self.seen.evidence.of_queries
        return of.query_grid if queries else of.key_grid

    def variant(self, preset_name: str) -> Any:
        """The exploration of the laboratory's preset with inherited weights."""
        return self.once(preset_name, lambda: self._variant(preset_name))

    def _variant(self, preset_name: str) -> Any:
        loaded, request = self.loaded, self.workbench.store.get(self.key).request
        stages, side = preset(preset_name, loaded.config, loaded.side)
        asked = model_request(loaded.name, loaded.config, loaded.side, {"stages": stages, "side": side})
        return self.workbench.explore(asked.with_picture(request.picture)).exploration


def _attention(truths: Truths, stage, block, head, token) -> np.ndarray:
    at, layer = truths.place(stage, block)
    of = truths.seen.stages[at]
    extra = int(of.config.cls_token)
    row, column = truths.token(at)
    query = 0 if token == "cls" else row * of.query_grid.shape[1] + column + extra
    weights = of.blocks[layer].weights(np.array([query]))[:, 0, extra:]
    return weights.mean(axis=0) if head == 0 else weights[counted(head, len(weights))]


def _distances(truths: Truths) -> list[np.ndarray]:
    return [np.array(each["heads"]) for each in truths.ask("distance")["stages"]]


def _field(truths: Truths, stage) -> float:
    at, _ = truths.place(stage)
    row, column = truths.token(at)
    return truths.ask("receptive_field", stage=at + 1, row=row + 1, column=column + 1)["side"]


def _probability(truths: Truths, **change) -> float:
    answer = truths.after(**change)
    return 100 * next(each["probability"] for each in answer["after"] if each["label"] == answer["label"])


def _point(truths: Truths, stage, block) -> int | None:
    """The index of a place among what the lens reads."""
    place = truths.place(stage, block)
    points = [(each["stage"] - 1, each["block"] - 1) for each in truths.ask("lens")["points"]]
    return points.index(place) if place in points else None


def _after_block(truths: Truths, stage, block) -> float | None:
    at, answer = _point(truths, stage, block), truths.ask("lens")
    final = next(each for each in answer["classes"] if each["label"] == answer["points"][-1]["label"])
    return IMPOSSIBLE if at is None else 100 * final["probabilities"][at]


def _class_after_block(truths: Truths, stage, block) -> str | None:
    at = _point(truths, stage, block)
    return IMPOSSIBLE if at is None else truths.ask("lens")["points"][at]["label"]


def _probe_accuracy(truths: Truths, stage, block) -> float | None:
    at = _point(truths, stage, block)
    accuracy = None if at is None else truths.ask("lens")["points"][at]["accuracy"]
    return IMPOSSIBLE if accuracy is None else 100 * accuracy


def _lost(truths: Truths, stage: int, part: str) -> list[dict[str, Any]]:
    return [each for each in truths.ask("importance")["losses"] if each["stage"] == stage + 1 and each["part"] == part]


def _head_that_matters(truths: Truths, stage, block) -> str:
    at, layer = truths.place(stage, block)
    heads = [each for each in _lost(truths, at, "head") if each["block"] == layer + 1]
    return str(max(heads, key=lambda each: each["logit"])["head"])


def _branch_that_matters(truths: Truths, stage) -> str:
    at, _ = truths.place(stage)
    return max(("attention", "mlp"), key=lambda part: sum(each["logit"] for each in _lost(truths, at, part)))


def _keys(truths: Truths, stage) -> int:
    of = truths.seen.stages[truths.place(stage)[0]]
    return int(np.prod(of.key_grid.shape)) + int(of.config.cls_token)


def _overlap(truths: Truths, stage) -> float:
    config = truths.seen.stages[truths.place(stage)[0]].config
    return 100 * max(0, config.patch_size[1] - config.patch_stride[1]) / config.patch_size[1]


def _cost(truths: Truths, preset_name: str) -> float:
    loaded = truths.loaded
    stages, side = preset(preset_name, loaded.config, loaded.side)
    macs = cost(architecture(loaded.config, stages), side, side).macs
    return macs / cost(loaded.config, loaded.side, loaded.side).macs


def _trained(member: str, side: int = 64) -> dict[str, Any]:
    """How well a member of the family of trained ablations does at an input side."""
    return next(each["measures"][f"top1_{side}"] for each in ablations.table()["members"] if each["name"] == member)


def _ablation(truths: Truths, member: str) -> str:
    low, high = _trained(member)["interval"]
    return "better" if low > 0 else "worse" if high < 0 else "none"


FOUND: dict[str, Callable[..., Any]] = {
    "attention": _attention,
    "evidence": lambda truths: np.maximum(truths.seen.evidence.places[0], 0),
    "distance": lambda truths, stage: float(_distances(truths)[truths.place(stage)[0]].mean()),
    "field": _field,
    "probability": _probability,
    "probability-after-block": _after_block,
    "probe-accuracy": _probe_accuracy,
    "similarity": lambda truths, stage, **moved: 100 * truths.after(**moved)["agreement"][truths.place(stage)[0]]["cosine"],
    "keys": _keys,
    "window": lambda truths, stage: truths.seen.stages[truths.place(stage)[0]].config.kernel_qkv ** 2,
    "overlap": _overlap,
    "cost": lambda truths, preset: _cost(truths, preset),
    "variant-probability": lambda truths, preset: 100 * float(truths.variant(preset).probabilities[truths.seen.shown[0]]),
    "ablation-accuracy": lambda truths, member, side: 100 * _trained(member, side)["mean"],
    "farthest-stage": lambda truths: least_or_alike(-np.array([each.mean() for each in _distances(truths)])),
    "nearest-head": lambda truths, stage, block: least_or_alike(
        _distances(truths)[truths.place(stage)[0]][truths.place(stage, block)[1]]
    ),
    "head-that-matters": _head_that_matters,
    "branch-that-matters": _branch_that_matters,
    "class": lambda truths, **change: truths.among(truths.after(**change)["after"][0]["label"]),
    "class-unchanged": lambda truths, **change: (
        "yes" if (answer := truths.after(**change))["after"][0]["label"] == answer["label"] else "no"
    ),
    "decided": lambda truths: str(truths.ask("lens")["decided"]["block"]),
    "class-after-block": _class_after_block,
    "most-changed-stage": lambda truths, **moved: str(
        int(np.argmin([each["cosine"] for each in truths.after(**moved)["agreement"]])) + 1
    ),
    "exactly-shifted": lambda truths, **moved: (
        "yes" if all(each["exact"] and each["cosine"] > 0.9999 for each in truths.after(**moved)["agreement"]) else "no"
    ),
    "variant-class": lambda truths, preset: truths.among((seen := truths.variant(preset)).labels[int(seen.probabilities.argmax())]),
    "ablation": _ablation,
    "ablation-best": lambda truths, members: max(members.split(","), key=lambda each: _trained(each)["mean"]),
}  # fmt: skip
