"""The table of what programs can ask: endpoints by name, made from their functions' types and docstrings."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, get_type_hints

from ..breaking.api import ANSWERS
from ..words.sentences import Refused
from . import architectures, catalogue, inside, maps, questions
from .experiments import SETTINGS
from .parameters import AS_TEXT, FLAG, MOST_HEADS, REQUIRED, WHOLE, Architecture, Block, Column, Model, Parameter, Picture, Row, Stage
from .services import Services

Answer = Callable[..., dict[str, Any]]


@dataclass(frozen=True)
class Endpoint:
    """A function for programs, its first argument ``Services``. ``takes_long``: it runs a model more than once."""

    name: str
    answer: Answer
    parameters: tuple[Parameter, ...]
    takes_long: bool

    @property
    def description(self) -> str:
        """Its docstring; each parameter has its own."""
        return _plain(inspect.cleandoc(self.answer.__doc__ or ""))

    def ask(self, to: Services, values: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to these values, each checked. Raises ValueError with a sentence."""
        return self.answer(to, **{each.name: each.read(values.get(each.name)) for each in self.parameters})


def _plain(text: str) -> str:
    """A docstring's text as Markdown has it."""
    return text.replace("``", "`")


def _endpoint(answer: Answer, takes_long: bool) -> Endpoint:
    signature, hints = inspect.signature(answer), get_type_hints(answer, include_extras=True)
    parameters = []
    for name, each in list(signature.parameters.items())[1:]:
        default = REQUIRED if each.default is inspect.Parameter.empty else each.default
        parameters.append(replace(hints[name].__metadata__[0], name=name, default=default))
    return Endpoint(answer.__name__, answer, tuple(parameters), takes_long)


_QUICK: tuple[Answer, ...] = (
    catalogue.models, catalogue.examples, maps.features, maps.evidence, inside.inside, architectures.architecture, architectures.describe,
    architectures.variant_code, architectures.ablations, catalogue.lessons, catalogue.lesson, catalogue.check_lesson, catalogue.open_link,
)  # fmt: skip
_LONG: tuple[Answer, ...] = (architectures.variant, architectures.ablation, questions.lesson_question, questions.lesson_answer)
ENDPOINTS: dict[str, Endpoint] = {
    each.__name__: _endpoint(each, takes_long) for many, takes_long in ((_QUICK, False), (_LONG, True)) for each in many
}


@dataclass(frozen=True)
class Tool:
    """An endpoint as agents see it. ``packed``: where it ``takes_settings``, parameters that go there together, as text in JSON."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    packed: tuple[Parameter, ...] = ()
    takes_settings: bool = False

    @property
    def schema(self) -> dict[str, Any]:
        """A JSON schema of its arguments."""
        every = (*self.parameters, *self.packed)
        return {
            "type": "object",
            "properties": {each.name: _without_none(each.schema) for each in every},
            "required": [each.name for each in every if each.default is REQUIRED],
            "additionalProperties": False,
        }


def _without_none(schema: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in schema.items() if (name, value) != ("default", None)}


def _of(annotated: Any, name: str, default: Any = REQUIRED) -> Parameter:
    return replace(annotated.__metadata__[0], name=name, default=default)


_PICTURE, _MODEL, ARCHITECTURE = _of(Picture, "picture"), _of(Model, "model", ""), _of(Architecture, "architecture", None)
PREDICT = "The most probable classes of a picture, best first, with their probabilities."
EXPLORE = """What one token of a picture attends to: the weights of one head, or of all on average, on the grid of keys.

Returns the classes, `notes` on what was done to the picture, a sentence, `weights` (rows of the key grid), the weight of the cls token,
their entropy and the largest in multiples of uniform, and the stage's feature map in numbers. With `overview` also a picture of it."""
_EXPLORE = (
    _PICTURE,
    _of(Stage, "stage", 1),
    _of(Block, "block", 1),
    Parameter(WHOLE, "the head, from 1; 0 for the mean of all", 0, MOST_HEADS, name="head", default=0),
    replace(_of(Row, "row", 1), meaning="the token's row, from 1; 0 with column 0 for the cls token"),
    _of(Column, "column", 1),
    _MODEL,
    Parameter(FLAG, "also draw a picture, which takes longer", name="overview", default=False),
    ARCHITECTURE,
)


def _experiment(name: str) -> Tool:
    """An experiment's tool, whose description is its docstring without the arguments: they have their own."""
    said, _, rest = inspect.cleandoc(ANSWERS[name].__doc__ or "").partition("Args:")
    returns = rest.partition("Returns:")[2].partition("Raises:")[0]
    return Tool(
        name, _plain(f"{said.strip()}\n\nReturns {' '.join(returns.split())}"), (_PICTURE, _MODEL), SETTINGS[name], takes_settings=True
    )


TOOLS: dict[str, Tool] = {
    each.name: each
    for each in (
        Tool("predict", PREDICT, (_PICTURE, _MODEL)),
        Tool("explore", EXPLORE, _EXPLORE),
        *(_experiment(name) for name in SETTINGS),
        *(Tool(each.name, each.description, each.parameters) for each in ENDPOINTS.values()),
    )
}


def checked(tool: Tool, given: Mapping[str, Any]) -> dict[str, Any]:
    """An agent's arguments as an endpoint takes them, lists and objects as text in JSON. Raises Refused with what to change."""
    every = {each.name: each for each in (*tool.parameters, *tool.packed)}
    if unknown := [name for name in given if name not in every]:
        raise Refused("no_argument", name=unknown[0][:40], names=", ".join(every) or "none")
    values = {name: _value(each, given) for name, each in every.items() if name in given or each.default is not None}
    if not tool.takes_settings:
        return {name: json.dumps(value) if every[name].kind in AS_TEXT else value for name, value in values.items()}
    packed = {each.name: values.pop(each.name) for each in tool.packed if each.name in values}
    return values | {"settings": json.dumps(packed)}


def _value(parameter: Parameter, given: Mapping[str, Any]) -> Any:
    if parameter.name not in given:
        if parameter.default is REQUIRED:
            raise Refused("argument_missing", name=parameter.name)
        return parameter.default
    value = given[parameter.name]
    return parameter.read(json.dumps(value) if parameter.kind in AS_TEXT else value)
