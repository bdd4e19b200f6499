"""The parameters of endpoints: their kinds, ranges and meanings, by which a value is checked, shown, and described to agents."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any

from ..breaking.asked import flag, number, one_of, whole
from ..requests import WEIGHTS
from ..words.sentences import Refused

PICTURE, TEXT, WHOLE, NUMBER, FLAG, CHOICE, LIST, OBJECT = "picture", "text", "whole", "number", "flag", "choice", "list", "object"
REQUIRED = object()  # the default of a parameter that has none
_TYPES = {
    **dict.fromkeys((PICTURE, TEXT, CHOICE), "string"),
    WHOLE: "integer",
    NUMBER: "number",
    FLAG: "boolean",
    LIST: "array",
    OBJECT: "object",
}
AS_TEXT = (LIST, OBJECT)  # which come as text in JSON


@dataclass(frozen=True)
class Parameter:
    """A parameter, as ``Annotated[type, Parameter(…)]`` of an endpoint's function.

    Attributes:
        kind: LIST is a list of JSON values and OBJECT an object, which come as text. meaning: for people and agents, without its range.
        least, most: of a number; of text ``most`` characters. choices: of a CHOICE.
        items: a JSON schema of a LIST's, or of an OBJECT's values by name.
        name, default: of the function; REQUIRED if there is no default.
    """

    kind: str
    meaning: str
    least: float = 0
    most: float = math.inf
    choices: tuple[str, ...] = ()
    items: tuple[tuple[str, Any], ...] = ()
    name: str = ""
    default: Any = REQUIRED

    @property
    def schema(self) -> dict[str, Any]:
        """A JSON schema of it."""
        found: dict[str, Any] = {"type": _TYPES[self.kind], "description": self.meaning}
        if self.kind in (WHOLE, NUMBER):
            found |= {"minimum": self.least} | ({"maximum": self.most} if self.most < math.inf else {})
        if self.kind in (TEXT, PICTURE) and self.most < math.inf:
            found["maxLength"] = self.most
        if self.kind == CHOICE:
            found["enum"] = list(self.choices)
        if self.kind == LIST:
            found["items"] = dict(self.items)
        if self.kind == OBJECT:
            found |= {"properties": dict(self.items), "additionalProperties": False}
        if self.default is not REQUIRED:
            found["default"] = self.default
        return found

    def read(self, value: Any) -> Any:
        """A value that was given for it, checked. Raises Refused."""
        asked = {self.name: value}
        if self.kind == WHOLE:
            return whole(asked, self.name, int(self.least), int(self.most))
        if self.kind == NUMBER:
            return number(asked, self.name, self.least, self.most)
        if self.kind == FLAG:
            return flag(asked, self.name)
        if self.kind == CHOICE:
            return one_of(asked, self.name, self.choices)
        if self.kind == PICTURE:
            if value is None:
                raise Refused("no_picture")
            return value
        if self.kind == OBJECT and value in (None, ""):
            return {}
        if not isinstance(value, str) or len(value) > self.most:
            raise Refused("no_text", name=self.name, most=f"{self.most:g}")
        return value if self.kind == TEXT else self._from_json(value)

    def _from_json(self, text: str) -> Any:
        key, kind = ("no_list", list) if self.kind == LIST else ("no_object", dict)
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise Refused(key, name=self.name) from error
        if not isinstance(found, kind):
            raise Refused(key, name=self.name)
        if self.kind == OBJECT and (unknown := [name for name in found if name not in dict(self.items)]):
            raise Refused("no_argument", name=unknown[0][:40], names=", ".join(dict(self.items)))
        return found


MOST_STAGES, MOST_BLOCKS, MOST_HEADS, MOST_CELLS, MOST_CHANNELS = 8, 99, 99, 1024, 1 << 16  # what is there, a model says itself
NAME = 200  # characters
SETTINGS = (
    ("type", "object"),
    ("description", "settings of a stage that differ from the model's own; {} for none"),
)

Picture = Annotated[str, Parameter(PICTURE, "the picture")]
Model = Annotated[str, Parameter(TEXT, "the model's name, as `models` lists it; by default the first", most=NAME)]
Stage = Annotated[int, Parameter(WHOLE, "the stage, from 1", 1, MOST_STAGES)]
Block = Annotated[int, Parameter(WHOLE, "the block in its stage, from 1", 1, MOST_BLOCKS)]
Row = Annotated[int, Parameter(WHOLE, "the token's row, from 1", 0, MOST_CELLS)]
Column = Annotated[int, Parameter(WHOLE, "the token's column, from 1", 0, MOST_CELLS)]
Channel = Annotated[int, Parameter(WHOLE, "the channel, from 1; 0 for the one that varies most", 0, MOST_CHANNELS)]
Label = Annotated[str, Parameter(TEXT, "a class's label, as `predict` gives it; by default the most probable class", most=NAME)]
Stages = Annotated[
    list,
    Parameter(
        LIST,
        'one object of changed settings per stage, such as [{}, {"stride_kv": 1}, {}]; `architecture` lists the settings and their values',
        most=1 << 13,
        items=SETTINGS,
    ),
]
Side = Annotated[int, Parameter(WHOLE, "height and width of the input in pixels; 0 for the model's own", 0, 1024)]
Weights = Annotated[
    str,
    Parameter(CHOICE, "the model's weights where they fit, or random ones, with which classes mean nothing", choices=WEIGHTS),
]
Seed = Annotated[int, Parameter(WHOLE, "of random weights", 0, 2**31 - 1)]
VARIED = (("stages", Stages), ("side", Side), ("weights", Weights), ("seed", Seed))
Architecture = Annotated[
    dict | None,
    Parameter(
        OBJECT,
        'another architecture than the model\'s, with what `variant` takes, such as {"stages": [{}, {"stride_kv": 1}, {}]}',
        most=1 << 13,
        items=tuple((name, each.__metadata__[0].schema) for name, each in VARIED),
    ),
]
