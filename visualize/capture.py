"""What a CvT computes on the way, by forward hooks: for one caller, for as long as its ``with`` block lasts.

    with capture(model) as seen:
        model(pixel_values)
    seen.feature_map(2)            # (B, C, H, W) of the last of three stages
    seen.attention(2, 9, [0])      # (B, heads, 1, keys): whom the cls token attends to in that stage's tenth block

Attention itself runs in PyTorch's fused kernel, which forms no weights. The hooks keep its q, k and v; weights are computed
from them, exactly, for the queries that are asked for.
"""

from __future__ import annotations

import contextvars
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from cvt.model import ScaledDotProductAttention, attention_weights

# The captures whose `with` block the running code is in. Every thread and every task has a context of its own, so a hook can
# tell whether the forward pass it sees belongs to its caller.
_active: contextvars.ContextVar[tuple[Capture, ...]] = contextvars.ContextVar("active captures", default=())


class Capture:
    """What the hooks saw in the last forward pass inside the ``with`` block; stages and blocks count from 0."""

    def __init__(self, depths: Sequence[int]):
        self._depths = tuple(depths)
        self._stages: dict[int, tuple[Tensor, Tensor | None]] = {}
        self._attention: dict[tuple[int, int], tuple[Tensor, Tensor, Tensor, float]] = {}

    def feature_map(self, stage: int) -> Tensor:
        """(B, C, H, W): what the stage passes on.

        Raises:
            ValueError: no such stage, or no forward pass reached it.
        """
        return self._stage(stage)[0]

    def cls_token(self, stage: int) -> Tensor | None:
        """(B, 1, C) after the stage's blocks; None where the stage has none. Raises as ``feature_map``."""
        return self._stage(stage)[1]

    def attention(self, stage: int, block: int, queries: Sequence[int] | Tensor | None = None) -> Tensor:
        """Weights of one block's attention for the queries asked.

        Args:
            queries: token indices into the query grid, row-major, the cls token first where there is one; None for all.
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
        query, key, _, scale = self._block(stage, block)
        return query, key, scale

    def value(self, stage: int, block: int) -> Tensor:
        """v (B, heads, keys, D), which the weights mix. Raises as ``attention``."""
        return self._block(stage, block)[2]

    def _block(self, stage: int, block: int) -> tuple[Tensor, Tensor, Tensor, float]:
        self._check(stage, block)
        if (stage, block) not in self._attention:
            raise ValueError(_never_fired(f"the attention of stage {stage}, block {block}"))
        return self._attention[stage, block]

    def _stage(self, stage: int) -> tuple[Tensor, Tensor | None]:
        self._check(stage)
        if stage not in self._stages:
            raise ValueError(_never_fired(f"stage {stage}"))
        return self._stages[stage]

    def _check(self, stage: int, block: int | None = None) -> None:
        if not 0 <= stage < len(self._depths):
            raise ValueError(f"There is no stage {stage}: this model's stages are 0 to {len(self._depths) - 1}.")
        if block is not None and not 0 <= block < self._depths[stage]:
            raise ValueError(f"There is no block {block} in stage {stage}: its blocks are 0 to {self._depths[stage] - 1}.")


def _never_fired(what: str) -> str:
    return f"Nothing was captured at {what}: run the model inside the 'with capture(model)' block, in the same thread."


@contextmanager
def capture(model: nn.Module) -> Iterator[Capture]:
    """Hooks into ``model`` (``CvtModel`` or ``CvtForImageClassification``) for the calls inside the ``with`` block.

    Calls of other threads or tasks on the same model are not seen, and theirs do not see these. The hooks are removed when
    the block ends, also by an exception; what was captured stays.
    """
    stages = getattr(model, "cvt", model).encoder.stages
    seen = Capture([len(stage.layers) for stage in stages])

    def mine() -> bool:
        return seen in _active.get()

    def start(module: nn.Module, inputs: tuple) -> None:
        if mine():  # or a pass that fails half-way would leave a mixture of two
            seen._stages.clear()
            seen._attention.clear()

    def keep_stage(index: int):
        def hook(module: nn.Module, inputs: tuple, output: tuple[Tensor, Tensor | None]) -> None:
            if mine():
                seen._stages[index] = output

        return hook

    def keep_attention(place: tuple[int, int]):
        def hook(module: ScaledDotProductAttention, inputs: tuple[Tensor, Tensor, Tensor], output: Tensor) -> None:
            if mine():
                seen._attention[place] = (*inputs, module.scale)

        return hook

    with ExitStack() as undo:
        token = _active.set((*_active.get(), seen))
        undo.callback(_active.reset, token)
        undo.callback(stages[0].register_forward_pre_hook(start).remove)
        for index, stage in enumerate(stages):
            undo.callback(stage.register_forward_hook(keep_stage(index)).remove)
            for layer, block in enumerate(stage.layers):
                undo.callback(block.attention.attention.attend.register_forward_hook(keep_attention((index, layer))).remove)
        yield seen
