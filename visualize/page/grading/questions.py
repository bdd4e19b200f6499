"""One question of a lesson's step, asked about a picture and graded, as values for JSON. Everything counts from 1 here."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Any

from ..lessons.measures import CELLS, NUMBER
from ..words.sentences import Refused
from .case import Case
from .changes import CHANGES
from .depth import DEPTH
from .grade import TOLERANCE, allowed, best, grade
from .kinds import Measure, Parameters, Scale, Truth
from .looking import LOOKING
from .shapes import SHAPES
from .trained import TRAINED

MEASURES: dict[str, Measure] = {**LOOKING, **DEPTH, **SHAPES, **CHANGES, **TRAINED}


class Question:
    """An ask of a lesson, as ``lessons.reader`` gives it, about a picture. All methods may raise ValueError and Cancelled."""

    def __init__(self, ask: dict[str, Any], case: Case):
        self._ask, self._case = ask, case
        self._asked: Parameters = {name: value for name, value in ask.get("measure", {}).items() if name != "name"}
        self._measure = MEASURES[ask["measure"]["name"]] if "measure" in ask else None

    def asked(self) -> dict[str, Any]:
        """The question and how it can be answered: ``text``, ``kind``; ``impossible``, why it cannot be asked here, or null; and by the
        kind ``options``, a ``scale``, or a ``grid`` of cells with how many to choose, ``count``."""
        measure, impossible = self._measure, self._impossible()
        found = {"text": self._ask["text"], "kind": self._ask["kind"], "impossible": impossible}
        if impossible is not None:
            return found
        if measure is None:
            options = [{"value": str(at + 1), "text": text} for at, text in enumerate(self._ask["options"])]
            return found | {"options": options}
        if measure.options:
            found["options"] = measure.options(self._asked, self._case)
        if measure.scale:
            found["scale"] = asdict(measure.scale(self._asked, self._case))
        if measure.grid:
            found |= {"grid": self._grid(measure), "count": self._ask["count"]}
        return found

    def graded(self, answer: str) -> dict[str, Any]:
        """The grade of an answer: ``right``, its ``score`` from 0 to 1, the ``gap``; and what the model found: ``truth``, of cells those
        with the largest weights, ``also`` what is as right; null where there is nothing to find.

        Raises ValueError also where it cannot be asked, or this is no answer to it.
        """
        impossible = self._impossible()
        if impossible is not None:
            raise ValueError(impossible)
        measure, case = self._measure, self._case
        given = self._read(answer)
        truth = measure.truth(self._asked, case) if measure else Truth(str(self._ask["right"]))
        scale = measure.scale(self._asked, case) if measure and measure.scale else None
        found = asdict(grade(self._ask, given, truth, scale))
        return found | self._found(truth, scale)

    def _impossible(self) -> str | None:
        return self._measure.possible(self._asked, self._case) if self._measure else None

    def _found(self, truth: Truth, scale: Scale | None) -> dict[str, Any]:
        if not truth.gradable:
            return {"truth": None}
        if truth.values is not None:
            columns = self._shape()[1]
            cells = best(truth.values, self._ask["count"])
            return {"truth": [[cell // columns + 1, cell % columns + 1] for cell in cells]}
        if self._ask["kind"] == NUMBER:
            tolerance = allowed(float(truth.value or 0), scale, self._ask.get("tolerance", TOLERANCE))
            return {"truth": truth.value, "tolerance": tolerance}
        return {"truth": truth.value, "also": list(truth.also)}

    def _grid(self, measure: Measure) -> dict[str, Any]:
        assert measure.grid is not None
        stage, of_queries = measure.grid(self._asked, self._case)
        return {"stage": stage + 1, "of": "queries" if of_queries else "keys", "shape": list(self._shape())}

    def _shape(self) -> tuple[int, int]:
        assert self._measure is not None
        assert self._measure.grid is not None
        stage, of_queries = self._measure.grid(self._asked, self._case)
        of = self._case.stages[stage]
        return (of.query_grid if of_queries else of.key_grid).shape

    def _read(self, answer: str) -> str | float | list[int]:
        """A program's answer, by the kind of the question. Raises Refused."""
        if self._ask["kind"] == CELLS:
            return self._cells(answer)
        if self._ask["kind"] == NUMBER:
            if not re.fullmatch(r"\s*-?\d{1,12}(\.\d{1,12})?\s*", answer):
                raise Refused("answer_no_number")
            return float(answer)
        values = [each["value"] for each in self.asked()["options"]]
        if answer not in values:
            raise Refused("answer_no_choice", values=" | ".join(values))
        return answer

    def _cells(self, answer: str) -> list[int]:
        rows, columns = self._shape()
        try:
            cells = json.loads(answer)
            places = [(row, column) for row, column in cells if type(row) is type(column) is int]
        except (ValueError, TypeError, RecursionError):
            cells, places = [], []
        if not places or len(places) != len(cells) or not all(1 <= row <= rows and 1 <= column <= columns for row, column in places):
            raise Refused("answer_no_cells", rows=rows, columns=columns, count=self._ask["count"])
        return [(row - 1) * columns + column - 1 for row, column in places]
