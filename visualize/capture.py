"""Captures a CvT's intermediate results with forward hooks, for one caller and within its ``with`` block.

    with capture(model) as seen:
        model(pixel_values)
    seen.feature_map(2)            # (B, C, H, W) of the last of three stages
    seen.attention(2, 9, [0])      # (B, heads, 1, keys): what the cls token attends to in that stage's tenth block

Attention itself runs in PyTorch's fused kernel, which does not materialise the weights. The hooks keep its q, k and v, from
which the weights of the requested queries are computed exactly. A ``Runner`` may give them rounded too: see ``Capture.quantised``.
``TAPS`` lists everything that can be captured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cvt.model import attention_weights
from cvt.runtime.attention import QuantisedWeights
from cvt.runtime.forward import Taps
from cvt.runtime.runner import Runner, Summary

from .hooks import hooked


@dataclass(frozen=True)
class Tap:
    """A hook point in every block or stage: the module, and what is kept of its inputs and output."""

    module: Callable[[nn.Module], nn.Module]
    value: Callable[[nn.Module, tuple, Any], Any]
    of_stage: bool = False


TAPS = {
    # (feature map (B, C, H, W), cls token (B, 1, C) or None): a stage's output
    "stage": Tap(lambda stage: stage, lambda module, inputs, output: output, of_stage=True),
    # q (B, heads, queries, D), k and v (B, heads, keys, D), and the scale of the products of q and k
    "qkv": Tap(lambda block: block.attention.attention.attend, lambda module, inputs, output: (*inputs[:3], module.scale)),
    # (B, N, C), the cls token first if there is one: a block's input
    "input": Tap(lambda block: block.layernorm_before, lambda module, inputs, output: inputs[0]),
    # (B, N, C): after its LayerNorm, the input of the q, k and v projections
    "normalised": Tap(lambda block: block.layernorm_before, lambda module, inputs, output: output),
    # (B, N, C) each: the outputs of its two branches
    "attention": Tap(lambda block: block.attention, lambda module, inputs, output: output),
    "mlp": Tap(lambda block: block.output, lambda module, inputs, output: output),
    # (B, N, heads · D): what each head gathers, the heads side by side, before attention's linear layer
    "heads": Tap(lambda block: block.attention.attention, lambda module, inputs, output: output),
    # (B, N, C), the cls token first if there is one: a block's output, the residual stream after it
    "output": Tap(lambda block: block, lambda module, inputs, output: output),
}
USUAL = ("stage", "qkv")  # enough for feature and attention maps


class Capture:
    """Results captured from the last forward pass inside the ``with`` block; stages and blocks count from 0."""

    def __init__(self, depths: Sequence[int]):
        self._depths = tuple(depths)
        self._seen: dict[tuple, Any] = {}  # by (tap, stage) or (tap, stage, block)
        self._quantised: dict[tuple[int, int], QuantisedWeights] = {}

    @classmethod
    def of(cls, taps: Taps) -> Capture:
        """A capture of a pass made by a ``Runner``, with the usual taps."""
        seen = cls([len(stage.blocks) for stage in taps])
        for index, stage in enumerate(taps):
            seen._seen["stage", index] = stage.output()
            seen._seen |= {("qkv", index, number): block.qkv() for number, block in enumerate(stage.blocks)}
            seen._quantised |= {
                (index, number): block.quantised for number, block in enumerate(stage.blocks) if block.quantised is not None
            }
        return seen

    def tap(self, name: str, stage: int, block: int | None = None) -> Any:
        """The result at one of ``TAPS``, described there; ``block`` for taps in blocks.

        Raises:
            ValueError: no such tap, stage or block; no forward pass reached it; or it was not among the captured taps.
        """
        if name not in TAPS:
            raise ValueError(f"There is no tap {name!r}: choose one of {', '.join(TAPS)}.")
        if TAPS[name].of_stage:
            block = None
        elif block is None:
            raise ValueError(f"The tap {name!r} is in every block: give the block, counted from 0.")
        self._check(stage, block)
        place = (name, stage) if block is None else (name, stage, block)
        if place not in self._seen:
            where = f"stage {stage}" if block is None else f"stage {stage}, block {block}"
            raise ValueError(
                f"Nothing was captured for {name!r} at {where}: run the model inside a 'with capture(model, taps=…)' block that names "
                f"this tap, in the same thread."
            )
        return self._seen[place]

    def feature_map(self, stage: int) -> Tensor:
        """A stage's output, (B, C, H, W).

        Raises:
            ValueError: no such stage, or no forward pass reached it.
        """
        return self.tap("stage", stage)[0]

    def cls_token(self, stage: int) -> Tensor | None:
        """The cls token after a stage's blocks, (B, 1, C); None if the stage has none. Raises as ``feature_map``."""
        return self.tap("stage", stage)[1]

    def attention(self, stage: int, block: int, queries: Sequence[int] | Tensor | None = None) -> Tensor:
        """One block's attention weights for the given queries.

        Args:
            queries: token indices into the query grid, row-major, the cls token first if there is one; None for all.
        Returns:
            (B, heads, queries, keys) float32, rows sum to 1.
        Raises:
            ValueError: no such block or query, or no forward pass reached it.
        Source: arXiv 2103.15808, eq. 2; scale is embed_dim ** -0.5 as in the authors' code.
        """
        query, key, scale = self.query_key(stage, block)
        if queries is not None:
            index = torch.as_tensor(queries, dtype=torch.long, device=query.device)
            if index.ndim != 1 or (index.numel() and not (int(index.min()) >= 0 and int(index.max()) < query.shape[2])):
                raise ValueError(f"queries must be a list of token indices from 0 to {query.shape[2] - 1}.")
            query = query[:, :, index]
        return attention_weights(query, key, scale)

    def query_key(self, stage: int, block: int) -> tuple[Tensor, Tensor, float]:
        """q (B, heads, queries, D), k (B, heads, keys, D) and the scale of their products. Raises as ``attention``."""
        query, key, _, scale = self.tap("qkv", stage, block)
        return query, key, scale

    def value(self, stage: int, block: int) -> Tensor:
        """v (B, heads, keys, D). Raises as ``attention``."""
        return self.tap("qkv", stage, block)[2]

    def quantised(self, stage: int, block: int) -> QuantisedWeights | None:
        """A block's weights for the pass's only picture, if they were a by-product of a ``Runner``'s pass."""
        return self._quantised.get((stage, block))

    def _check(self, stage: int, block: int | None = None) -> None:
        if not 0 <= stage < len(self._depths):
            raise ValueError(f"There is no stage {stage}: this model's stages are 0 to {len(self._depths) - 1}.")
        if block is not None and not 0 <= block < self._depths[stage]:
            raise ValueError(f"There is no block {block} in stage {stage}: its blocks are 0 to {self._depths[stage] - 1}.")


def stages_of(model: nn.Module) -> nn.ModuleList:
    """The stages of a ``CvtModel`` or ``CvtForImageClassification``."""
    return getattr(model, "cvt", model).encoder.stages


@contextmanager
def capture(model: nn.Module, taps: Iterable[str] = USUAL) -> Iterator[Capture]:
    """Captures from ``model`` (``CvtModel`` or ``CvtForImageClassification``) during calls inside the ``with`` block.

    Calls from other threads or tasks on the same model are not captured, and vice versa. The hooks are removed when the block
    ends, also by an exception; captured results stay available.

    Args:
        taps: names in ``TAPS`` to capture, in every stage and block.
    """
    stages = stages_of(model)
    seen = Capture([len(stage.layers) for stage in stages])

    def start(module: nn.Module, inputs: tuple) -> None:
        seen._seen.clear()  # or a pass that fails halfway would leave a mixture of two

    def keep(place: tuple, tap: Tap):
        def hook(module: nn.Module, inputs: tuple, output: Any) -> None:
            seen._seen[place] = tap.value(module, inputs, output)

        return hook

    keepers = []
    for name in taps:
        for index, stage in enumerate(stages):
            parts = {(name, index): stage} if TAPS[name].of_stage else {(name, index, n): block for n, block in enumerate(stage.layers)}
            keepers += [(TAPS[name].module(part), keep(place, TAPS[name])) for place, part in parts.items()]
    with hooked([(stages[0], start)], keepers, first=False):
        yield seen


def observed(
    model: nn.Module, pixel_values: Tensor, runner: Runner | None = None, summary: Summary | None = None
) -> tuple[Tensor, Capture, tuple[Tensor, ...]]:
    """Runs a classifier and returns logits (B, num_labels), the usual taps, and the runner's ``summary`` of them; empty if the model itself
    runs: its runner does only if it supports the input."""
    answer = None if runner is None else runner(pixel_values, captures=True, summary=summary)
    if answer is not None and answer.taps is not None:
        return answer.logits, Capture.of(answer.taps), answer.summary
    with capture(model) as seen:
        logits = model(pixel_values).logits
    return logits, seen, ()
