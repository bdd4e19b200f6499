"""The picture that a lesson's question is about, in a model: its result, and what the experiments answer about it, each asked once."""

from __future__ import annotations

import json
import math
from functools import cached_property
from typing import Any

from cvt.architecture.geometry import Grid

from ...explore import Exploration, StageExploration
from ..breaking.api import BreakingApi
from ..compute import Progress
from ..laboratory.architectures import model_request
from ..laboratory.describe import about
from ..models.loaded import LoadedModel
from ..words import measures as words
from ..workbench import Workbench
from .kinds import Parameters

LAST = "last"


def number_of(value: int | str, count: int) -> int:
    """A lesson's number, of which "last" is the last of ``count``."""
    return count if value == LAST else int(value)


class Case:
    """The result with this key in a workbench.

    Args:
        held: row and column, from 1, of the held token in the stage that is asked about; None for the middle of the picture.
        progress: called while an experiment computes.
    """

    def __init__(self, workbench: Workbench, key: str, held: tuple[int, int] | None = None, progress: Progress = lambda step, share: None):
        self.workbench, self.key, self._held, self._progress = workbench, key, held, progress
        self._breaking = BreakingApi(workbench)  # which knows where a model runs
        self._answers: dict[str, Any] = {}

    @cached_property
    def seen(self) -> Exploration:
        return self.workbench.stored(self.key).exploration

    @cached_property
    def loaded(self) -> LoadedModel:
        return self.workbench.loaded(self.workbench.stored(self.key).request.model)

    @property
    def stages(self) -> tuple[StageExploration, ...]:
        return self.seen.stages

    @property
    def side(self) -> int:
        """The longer side of the input in pixels."""
        return max(self.seen.pixels.shape[:2])

    def answered(self, name: str, **asked: Any) -> dict[str, Any]:
        """An experiment's answer about this result. Raises ValueError, Cancelled."""
        known = json.dumps([name, asked])
        if known not in self._answers:
            self._answers[known] = self._breaking.answer(name, {"key": self.key, **asked}, self._progress)
        return self._answers[known]

    def place(self, asked: Parameters) -> tuple[int, int]:
        """The stage and block that a lesson names, from 0; the last block if it names none. ``no_place`` says whether they exist."""
        stage = number_of(asked["stage"], len(self.stages)) - 1
        depth = len(self.stages[stage].blocks) if 0 <= stage < len(self.stages) else 0
        return stage, number_of(asked.get("block", LAST), depth) - 1

    def no_place(self, asked: Parameters) -> str | None:
        """Why this model has no such place; None if it has."""
        stage, block = self.place(asked)
        if not 0 <= stage < len(self.stages):
            return words.say("measure_no_stage", stage=asked["stage"], stages=len(self.stages))
        depth = len(self.stages[stage].blocks)
        return None if block < depth else words.say("measure_no_block", block=asked["block"], stage=stage + 1, blocks=depth)

    def no_heads(self, asked: Parameters) -> str | None:
        """Why nobody can choose among the heads of a place; None if one can."""
        stage, _ = self.place(asked)
        absent = self.no_place(asked)
        return absent or (None if self.stages[stage].config.num_heads > 1 else words.say("measure_one_head", stage=stage + 1))

    def stage_of(self, asked: Parameters) -> StageExploration:
        return self.stages[self.place(asked)[0]]

    def token(self, grid: Grid) -> tuple[int, int]:
        """Row and column, from 0, of the held token on a grid of queries."""
        if self._held is not None:
            return self._held[0] - 1, self._held[1] - 1
        middle = (side / 2 for side in self.seen.pixels.shape[:2])
        row, column = (
            min(count - 1, max(0, math.floor((at - first) / stride + 0.5)))
            for at, first, stride, count in zip(middle, grid.first, grid.stride, grid.shape, strict=True)
        )
        return row, column

    def no_token(self, grid: Grid) -> str | None:
        """Why there is no held token on this grid; None if there is."""
        row, column = self.token(grid)
        if 0 <= row < grid.shape[0] and 0 <= column < grid.shape[1]:
            return None
        return words.say("measure_no_token", rows=grid.shape[0], columns=grid.shape[1], row=row + 1, column=column + 1)

    @cached_property
    def presets(self) -> dict[str, dict[str, Any]]:
        """The laboratory's presets for this model, by name."""
        return {each["name"]: each for each in about(self.loaded.config, self.loaded.side)["presets"]}

    def variant(self, preset: str) -> Exploration:
        """The picture in a preset's model, with the weights that it inherits. Raises ValueError, Cancelled."""
        chosen = {name: self.presets[preset][name] for name in ("stages", "side")}
        asked = model_request(self.loaded.name, self.loaded.config, self.loaded.side, chosen)
        request = asked.with_picture(self.workbench.stored(self.key).request.picture, self.seen.shown[:1])
        found = self.workbench.found(request) or self.workbench.explore(request, self._progress)
        return found.exploration
