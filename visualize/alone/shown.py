"""A model and a picture as an explorer shows them, computed where no page's server does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cvt.model import CvtForImageClassification
from cvt.pictures import OpenedPicture, PictureSource
from cvt.processor import CvtImageProcessor

from ..change.interventions import Intervention, Means, intervened
from ..draw.payload import block_payload, payload
from ..explore import Exploration, explore
from ..maps.inside import inside_payload
from ..page.words.trust import accuracy, notes
from .chosen import Chosen
from .file import model_name, page

_KEYS = count(1)


@dataclass(frozen=True)
class Shows:
    """What makes explorations of pictures: a model, its processor, and what is changed in the model."""

    model: CvtForImageClassification
    processor: CvtImageProcessor
    interventions: Sequence[Intervention] = ()
    means: Means | None = None

    def show(self, picture: PictureSource | OpenedPicture) -> Shown:
        """One picture; raises as ``explore``, and ValueError if the model gives NaN or infinity."""
        seen = explore(self.model, self.processor, picture, interventions=self.interventions, means=self.means)
        key = str(next(_KEYS))
        value: dict[str, Any] = {"key": key, "picture": key, "given": True, "note": accuracy(self.model.config), "notes": notes(seen)}
        if name := model_name(self.model):
            value["model"] = name
        if isinstance(picture, (str, os.PathLike)):
            value["file"] = os.fspath(picture)
        if self.interventions:
            value["changed"] = self._changed()
        return Shown(self, seen, payload(seen), value)

    def _changed(self) -> dict[str, str]:
        """The code for the parts that are replaced, as part of the code that an explorer offers."""
        lines = ["from visualize.change.interventions import Intervention", "", f"interventions = {list(self.interventions)!r}"]
        means = "" if self.means is None else ", means=means"
        return {"lines": "\n".join(lines), "arguments": f", interventions=interventions{means}"}


@dataclass(frozen=True)
class Shown:
    """One exploration: its ``payload``, and ``value``, which names it, as ``Explorer.load`` takes it."""

    of: Shows = field(repr=False)
    exploration: Exploration = field(repr=False)
    payload: bytes = field(repr=False)
    value: dict[str, Any]

    def block(self, stage: int, block: int) -> bytes:
        """The attention of a block that the payload may lack. Raises ValueError: no such block."""
        return block_payload(self.exploration, stage, block)

    def inside(self, stage: int, block: int) -> bytes:
        """The inside of a block, for the microscope. Raises ValueError: no such block, or a model that pads with something else."""
        model = self.of.model
        with intervened(model, [self.of.interventions], self.of.means):
            return inside_payload(model, self.of.processor, self.exploration, stage, block)

    def page(self, state: Mapping[str, Any] | None = None) -> bytes:
        """This as one HTML file, with the inside of the chosen block, and without the path of the picture.

        ``state``: choices, as in ``explorer/state.js``.

        Raises as ``inside``, and TooLarge.
        """
        state = Chosen(self.exploration).state if state is None else state
        place = state["stage"], state["blocks"][state["stage"]]
        zeros = self.of.model.config.padding_mode == "zeros"  # else it has no inside to show
        value = {name: each for name, each in self.value.items() if name != "file"}
        return page(self.exploration, value, state, [(place, self.inside(*place))] if zeros else [])
