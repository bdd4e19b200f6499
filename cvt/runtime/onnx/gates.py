"""Gates of an ONNX graph: inputs that replace parts of the model, in every sample of a batch others.

They do what ``visualize.change.interventions`` does with hooks. A gate has four numbers, 1, 0, 0, 1 where nothing is replaced:

    keep      1 keeps what the part gives, 0 takes it away
    mean      1 puts its mean over the picture's tokens there
    examples  1 puts its mean over example pictures there, which the file then holds
    sharp     for heads and attention: 0 makes every query look at all keys alike

A part and its replacement are added, weighted by these numbers, so unused gates cost only a few additions and products per token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

from ...config import CvtConfig
from ...stage import StageConfig

if TYPE_CHECKING:
    from .nodes import Graph  # which needs the package onnx

GATES = "gates"  # the name of the input, (batch, gates, 4)
NUMBERS = ("keep", "mean", "examples", "sharp")
Means = Mapping[tuple[int, int, str], Tensor]  # as visualize.change.means gives them
CONVS = {"dw_bn": ("query_conv", "key_conv", "value_conv"), "avg": ("key_conv", "value_conv"), "linear": ()}
LOOKING = ("head", "attention")  # parts that can look at all keys alike


def gate_names(config: CvtConfig) -> list[str]:
    """The gates in their order, such as ``stages.2.layers.7.head.3`` and ``stages.2.layers.7.mlp_residual``; all count from 0."""
    return [
        f"stages.{stage.index}.layers.{block}.{part}" + (f".{number}" if part == "head" else "")
        for stage in config.stages
        for block in range(stage.depth)
        for part, count in parts_of(stage)
        for number in range(count)
    ]


def parts_of(stage: StageConfig) -> list[tuple[str, int]]:
    """The parts of each block of a stage that have gates, and how many each has."""
    convs = CONVS[stage.qkv_projection_method]
    return [("head", stage.num_heads), *((part, 1) for part in ("attention", "mlp", *convs, "attention_residual", "mlp_residual"))]


class Gates:
    """The gates of one graph. ``means``: without them the number ``examples`` has no effect."""

    def __init__(self, graph: Graph, config: CvtConfig, means: Means | None):
        self._graph, self._means = graph, means or {}
        places = [(stage, block, *each) for stage in config.stages for block in range(stage.depth) for each in parts_of(stage)]
        columns = graph.split(GATES, [1] * len(NUMBERS), axis=2)  # (B, gates, 1) each
        counts = [count for *_, count in places]
        self._by_place: dict[tuple[int, int, str], dict[str, str]] = {(stage.index, block, part): {} for stage, block, part, _ in places}
        for number, column in zip(NUMBERS, columns, strict=True):
            for (stage, block, part, _), own in zip(places, graph.split(column, counts, axis=1), strict=True):
                if number == "sharp" and part not in LOOKING:
                    continue
                shaped = graph.add("Unsqueeze", own, graph.whole(3)) if part == "head" else own  # (B, heads, 1, 1) or (B, 1, 1)
                self._by_place[stage.index, block, part][number] = shaped

    def replaced(self, x: str, stage: int, block: int, part: str, tokens: int) -> str:
        """What a part gives, (B, N, C) or for heads (B, heads, N, D), or what replaces it. ``tokens``: N."""
        graph, gate = self._graph, self._by_place[stage, block, part]
        instead = graph.add("Mul", graph.add("MatMul", graph.mean_of(tokens), x), gate["mean"])
        mean = self._means.get((stage, block, part))
        if mean is not None:
            instead = graph.add("Add", instead, graph.add("Mul", graph.weight(mean[None]), gate["examples"]))
            if mean.shape[-2] == 2:  # the cls token, which comes first, has its own
                instead = graph.add("Gather", instead, graph.cls_and_others(tokens), axis=2 if part == "head" else 1)
        return graph.add("Add", graph.add("Mul", x, gate["keep"]), instead)

    def sharpened(self, query: str, stage: int, block: int) -> str:
        """Queries (B, heads, N, D), zero where a head looks at all keys alike."""
        attention = self._graph.add("Unsqueeze", self._by_place[stage, block, "attention"]["sharp"], self._graph.whole(3))
        return self._graph.add("Mul", query, self._graph.add("Mul", self._by_place[stage, block, "head"]["sharp"], attention))

    def kept(self, stage: int, block: int) -> str:
        """(B, heads, 1, 1): 1 for heads whose values reach the tokens, 0 where they, or attention, are replaced."""
        attention = self._graph.add("Unsqueeze", self._by_place[stage, block, "attention"]["keep"], self._graph.whole(3))
        return self._graph.add("Mul", self._by_place[stage, block, "head"]["keep"], attention)
