"""Activation patching: puts what a model computed for picture A into its computation for picture B.

    source = recorded(model, pixels_of_a)
    with patched(model, source, [[Patch(stage=2, block=3, part="head", head=1)]]):
        logits = model(pixels_of_b).logits

If the answer moves towards A's, the patched part carries what tells the two apart. Source: Vig et al., Investigating gender bias
in language models using causal mediation analysis, 2020; Heimersheim and Nanda, How to use and interpret activation patching,
arXiv 2404.15255.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from cvt.architecture.geometry import Grid

from ..capture import TAPS, Capture, capture, stages_of
from ..hooks import hooked

# What is taken from A: the taps in a block whose values replace B's.
TAPS_OF_PART = {
    "tokens": ("output",),  # the tokens themselves after the block; with all of them, everything from there on is A's
    "block": ("attention", "mlp"),  # what the block adds to the tokens: both its branches
    "attention": ("attention",),
    "mlp": ("mlp",),
    "head": ("heads",),  # what one head gathers, before attention's linear layer
}


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One part of one block whose values come from the other picture; stages, blocks and heads count from 0.

    Attributes:
        part: one of ``TAPS_OF_PART``. head: for "head".
        moves: pairs of token indices (in A, in B) on the query grid, row-major, the cls token first if there is one. None: every
            token, to the same place.
    """

    stage: int
    block: int
    part: str
    head: int | None = None
    moves: tuple[tuple[int, int], ...] | None = None

    def __post_init__(self) -> None:
        if self.part not in TAPS_OF_PART:
            raise ValueError(f"The part is {self.part!r}: choose one of {', '.join(TAPS_OF_PART)}.")
        if (self.head is not None) != (self.part == "head"):
            raise ValueError('Give a head for the part "head", and for no other.')


def recorded(model: nn.Module, pixel_values: Tensor) -> Capture:
    """Everything of picture A that can be patched into another: runs the model on (1, C, H, W) without gradients."""
    if len(pixel_values) != 1:
        raise ValueError(f"Patches come from one picture, not from {len(pixel_values)}.")
    with torch.no_grad(), capture(model, dict.fromkeys(tap for taps in TAPS_OF_PART.values() for tap in taps)) as seen:
        model(pixel_values)
    return seen


@contextmanager
def patched(model: nn.Module, source: Capture, samples: Sequence[Sequence[Patch]]) -> Iterator[None]:
    """Within the ``with`` block, sample i of a batch is computed with the patches ``samples[i]``; a single entry counts for all.

    Only calls of the model itself from this thread or task are affected, never a ``Runner``'s and never another thread's.

    Args:
        model: the one that made ``source``, ``CvtModel`` or ``CvtForImageClassification``; both inputs have the same size.
    Raises:
        ValueError: no such stage, block, head or token; and from the call within the block, a batch or input of another size.
    """
    stages = stages_of(model)
    here: dict[tuple[int, int, str], None] = {}  # the places of all patches, without repetition
    for patch in (patch for sample in samples for patch in sample):
        _check(patch, stages, source)
        here |= {(patch.stage, patch.block, tap): None for tap in TAPS_OF_PART[patch.part]}

    def replaced(place: tuple[int, int, str]):
        stage, block, tap = place
        values = source.tap(tap, stage, block)[0]  # (N, C)
        heads = stages[stage].layers[block].attention.attention.num_heads

        def is_here(patch: Patch) -> bool:
            return (patch.stage, patch.block) == (stage, block) and tap in TAPS_OF_PART[patch.part]

        of_sample = [list(filter(is_here, sample)) for sample in samples]

        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            if output.shape[1:] != values.shape or len(of_sample) not in (1, len(output)):
                raise ValueError(
                    f"The patches are for {len(of_sample)} samples of {len(values)} tokens in stage {stage + 1}, and the batch has "
                    f"{len(output)} of {output.shape[1]}: patch pictures of the same input size."
                )
            output = output.clone()
            for sample, patches in enumerate(of_sample if len(of_sample) == len(output) else of_sample * len(output)):
                for patch in patches:
                    _put(output[sample], values, patch, heads)
            return output

        return hook

    with hooked(afters=[(TAPS[tap].module(stages[stage].layers[block]), replaced((stage, block, tap))) for stage, block, tap in here]):
        yield


def _put(tokens: Tensor, values: Tensor, patch: Patch, heads: int) -> None:
    """Puts the patch's part of ``values`` (N, C) into ``tokens`` (N, C), in place."""
    width = tokens.shape[1] // heads
    channels = slice(None) if patch.head is None else slice(patch.head * width, (patch.head + 1) * width)
    if patch.moves is None:
        tokens[:, channels] = values[:, channels]
    elif patch.moves:
        of_a, of_b = (list(each) for each in zip(*patch.moves, strict=True))
        tokens[of_b, channels] = values[of_a, channels]


def _check(patch: Patch, stages: nn.ModuleList, source: Capture) -> None:
    tokens = source.tap("output", patch.stage, patch.block).shape[1]  # raises for what is not in the model
    heads = stages[patch.stage].layers[patch.block].attention.attention.num_heads
    if patch.head is not None and not 0 <= patch.head < heads:
        raise ValueError(f"There is no head {patch.head} in stage {patch.stage}: its heads are 0 to {heads - 1}.")
    for index in (index for move in patch.moves or () for index in move):
        if not 0 <= index < tokens:
            raise ValueError(f"There is no token {index} in stage {patch.stage}: its tokens are 0 to {tokens - 1}.")


def cells_within(grid: Grid, y: float, x: float, radius: float = 0.0) -> list[tuple[int, int]]:
    """The (row, column) of the cells whose centres lie within ``radius`` pixels of the point, the nearest cell at least.

    Args:
        y, x: in pixels of the model's input. radius: in pixels, along both axes: a square.
    """
    (rows, columns), (first_y, first_x), (down, right) = grid.shape, grid.first, grid.stride

    def along(place: float, first: float, stride: int, count: int) -> range:
        nearest = min(max(round((place - first) / stride), 0), count - 1)
        low, high = -(-(place - radius - first) // stride), (place + radius - first) // stride
        return range(int(max(0, min(low, nearest))), int(min(count - 1, max(high, nearest))) + 1)

    return [(row, column) for row in along(y, first_y, down, rows) for column in along(x, first_x, right, columns)]


def moves_between(
    grid: Grid, of_a: tuple[float, float], of_b: tuple[float, float], radius: float = 0.0, cls: bool = False
) -> tuple[tuple[int, int], ...]:
    """Pairs of token indices for ``Patch.moves``: the cells around point A (y, x) of one picture, to the place of point B in the other.

    Cells keep their places relative to the cell nearest to each point; those that would land beyond the grid are left out.

    Args:
        radius: as in ``cells_within``. cls: whether the stage has a cls token, which is counted but not moved.
    """
    rows, columns = grid.shape
    (row_a, column_a), (row_b, column_b) = (cells_within(grid, *point)[0] for point in (of_a, of_b))
    down, right = row_b - row_a, column_b - column_a
    return tuple(
        (cls + row * columns + column, cls + (row + down) * columns + column + right)
        for row, column in cells_within(grid, *of_a, radius)
        if 0 <= row + down < rows and 0 <= column + right < columns
    )
