"""What is chosen in an explorer, in Python's words and in those of the scripts (``explorer/state.js``)."""

from __future__ import annotations

import math
import operator
from typing import Any

from cvt.architecture.geometry import Grid

from ..explore import Exploration
from ..page.link.choices import TABLE

CLS = "cls"  # the token that is the cls token
NAMES = ("stage", "block", "head", "token", "layer")
LAYERS = tuple(TABLE["layer"].values)


class Chosen:
    """The choices in the view of one exploration, which start as the scripts start them.

    ``state`` is what the scripts have: ``part`` (of the model, that is open), ``stage``, ``blocks`` and ``heads`` for each stage (head
    -1: the mean), ``cls`` (the cls token is chosen, in stages that have it), ``y`` and ``x`` (of the token, in pixels of the input),
    ``view`` (of the attention) and ``layer``. Everything counts from 0.
    """

    def __init__(self, seen: Exploration, before: Chosen | None = None):
        """``before``: choices for another picture, which stay if ``seen`` has the same stages; all but the place."""
        self.seen = seen
        rows, columns = seen.pixels.shape[:2]
        state = {name: TABLE[name].default for name in ("cls", "view", "layer")} | {
            "part": "stage",
            "stage": min(1, len(seen.stages) - 1),
            "blocks": [len(stage.blocks) - 1 for stage in seen.stages],
            "heads": [-1] * len(seen.stages),
        }
        if before is not None and [each.config for each in before.seen.stages] == [each.config for each in seen.stages]:
            state = dict(before.state)
            if state["layer"] == "class" and seen.evidence is None:
                state["layer"] = TABLE["layer"].default
        self.state: dict[str, Any] = state | {"y": rows / 2, "x": columns / 2}

    def values(self) -> dict[str, Any]:
        """The choices by ``NAMES``."""
        stage, state = self.state["stage"], self.state
        head = state["heads"][stage]
        view = self.seen.stages[stage]
        cls = state["cls"] and view.config.cls_token
        token = CLS if cls else cell_at(view.query_grid, state["y"], state["x"])
        return {
            "stage": stage,
            "block": state["blocks"][stage],
            "head": None if head < 0 else head,
            "token": token,
            "layer": state["layer"],
        }

    def valid(self, name: str, value: Any) -> Any:
        """A value for the choice of this name, as ``values`` has it. Raises ValueError: there is no such thing in this exploration."""
        at = self.state["stage"]
        stage = self.seen.stages[at]
        if name == "stage":
            return _index(value, len(self.seen.stages), "stage", "the stages")
        if name == "block":
            return _index(value, len(stage.blocks), "block", f"the blocks of stage {at}")
        if name == "head":
            return None if value is None else _index(value, stage.blocks[0].heads, "head", f"None is the mean; the heads of stage {at}")
        if name == "token":
            return _token(value, stage.query_grid, stage.config.cls_token, at)
        if value not in LAYERS or (value == "class" and self.seen.evidence is None):
            there = [each for each in LAYERS if each != "class" or self.seen.evidence is not None]
            raise ValueError(f"There is no layer {value!r}: choose one of {', '.join(map(repr, there))}.")
        return value

    def choose(self, name: str, value: Any) -> dict[str, Any]:
        """Makes a choice; returns what changes of ``state``. Raises as ``valid``."""
        value, stage = self.valid(name, value), self.state["stage"]
        changes: dict[str, Any] = {"part": "stage"}  # whatever else was open: it would not show the choice
        if name in ("block", "head"):
            each = list(self.state[f"{name}s"])
            each[stage] = -1 if value is None else value
            changes[f"{name}s"] = each
        elif name == "token":
            changes |= {"view": "token", "cls": value == CLS}
            if value != CLS:
                changes["y"], changes["x"] = self.seen.stages[stage].query_grid.centre(*value)
        else:
            changes[name] = value
        self.state |= changes
        return changes

    def take(self, state: dict[str, Any]) -> None:
        """Takes what was chosen in the browser. Raises ValueError or KeyError, and changes nothing, if it does not fit."""
        before, self.state = self.state, {name: state[name] for name in self.state}
        try:
            for name, value in self.values().items():
                self.valid(name, value)
        except (IndexError, TypeError, ValueError) as error:
            self.state = before
            raise ValueError("The browser's choices do not fit this exploration.") from error


def cell_at(grid: Grid, y: float, x: float) -> tuple[int, int]:
    """(row, column) of the cell whose centre is nearest to a point, as ``cellAt`` in ``shared/geometry.js``."""
    nearest = (math.floor((at - first) / step + 0.5) for at, first, step in zip((y, x), grid.first, grid.stride, strict=True))
    row, column = (min(max(place, 0), side - 1) for place, side in zip(nearest, grid.shape, strict=True))
    return row, column


def _index(value: Any, count: int, kind: str, known: str) -> int:
    """A whole number from 0 to below ``count``."""
    try:
        index = operator.index(value)
    except TypeError:
        index = -1
    if isinstance(value, bool) or not 0 <= index < count:
        raise ValueError(f"There is no {kind} {value!r}: {known} are 0 to {count - 1}.")
    return index


def _token(value: Any, grid: Grid, has_cls: bool, stage: int) -> tuple[int, int] | str:
    if isinstance(value, str) and value == CLS and has_cls:
        return CLS
    rows, columns = grid.shape
    also = f", or {CLS!r}" if has_cls else ""
    refused = f"There is no token {value!r} in stage {stage}: give (row, column) from (0, 0) to {rows - 1, columns - 1}{also}."
    try:
        row, column = map(operator.index, value)
    except (TypeError, ValueError):
        raise ValueError(refused) from None
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(refused)
    return row, column
