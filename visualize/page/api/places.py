"""The places that programs name, stages, blocks, tokens and channels from 1, looked up in a result."""

from __future__ import annotations

from ...explore import Exploration, StageExploration
from ...maps.attention import BlockAttention
from ..words.sentences import Refused


def stage_of(seen: Exploration, stage: int) -> StageExploration:
    """Raises Refused: there is none."""
    if not 1 <= stage <= len(seen.stages):
        raise Refused("no_stage", stage=stage, most=len(seen.stages))
    return seen.stages[stage - 1]


def block_of(view: StageExploration, stage: int, block: int) -> BlockAttention:
    """``stage``: the view's own number, for the sentence. Raises Refused: there is no such block."""
    if not 1 <= block <= len(view.blocks):
        raise Refused("no_block", block=block, stage=stage, most=len(view.blocks))
    return view.blocks[block - 1]


def check_token(grid: tuple[int, int], stage: int, row: int, column: int) -> None:
    """Raises Refused: there is no such token on this grid of a stage."""
    rows, columns = grid
    if not (1 <= row <= rows and 1 <= column <= columns):
        raise Refused("no_token", stage=stage, rows=rows, columns=columns, row=row, column=column)


def check_channel(channels: int, stage: int, channel: int) -> None:
    """Raises Refused: a stage does not have so many channels."""
    if channel > channels:
        raise Refused("no_channel", channel=channel, stage=stage, most=channels)
