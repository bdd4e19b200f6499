"""The named endpoints for programs, on hidden components."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.components.api_component import Api
from PIL import Image

from ..page.api import attention_answer
from ..page.api.parameters import AS_TEXT, PICTURE, REQUIRED, Parameter
from ..page.api.services import Services
from ..page.api.table import ARCHITECTURE, ENDPOINTS, Endpoint
from ..page.breaking.api import ENDPOINTS as EXPERIMENTS
from ..page.breaking.api import MANY_PASSES, BreakingApi
from ..page.laboratory.api import LaboratoryApi
from ..page.lessons.api import LessonsApi
from ..page.requests import Request
from ..page.words.sentences import Refused
from ..page.workbench import Workbench
from .blocks import EXPERIMENTS_QUEUE, MODEL_QUEUE, in_words

LEFT_OUT = ("default", "items", "properties", "additionalProperties")  # of a schema, where Gradio has its own or text is given


def endpoints(workbench: Workbench, lessons: LessonsApi) -> None:
    """Adds all of them to the page that is being built."""
    services = Services(workbench, LaboratoryApi(workbench), lessons)
    _model_endpoints(services)
    _experiments(workbench)
    _table(services, workbench.names[0])


def _model_endpoints(services: Services) -> None:
    workbench = services.workbench

    @in_words
    def predict(picture: str | None, model: str) -> dict[str, float]:
        if picture is None:
            raise Refused("no_picture")
        return dict(workbench.classes(Request(model=workbench.loaded(model).name, picture=picture)))

    @in_words
    def explore(
        picture: str | None,
        stage: float,
        block: float,
        head: float,
        row: float,
        column: float,
        model: str,
        overview: bool,
        architecture: str | None = None,
    ) -> tuple[dict, Image.Image | None]:
        if None in (stage, block, head, row, column):
            raise Refused("no_place")
        other = ARCHITECTURE.read(architecture)
        if picture is None:
            raise Refused("no_picture")
        exploration = services.explored(picture, model, other).exploration
        return attention_answer(exploration, int(stage), int(block), int(head), int(row), int(column), overview=bool(overview))

    with gr.Row(visible=False):
        picture = gr.Image(label="picture", type="filepath", image_mode=None)
        default = {"stage": 1, "block": 1, "head": 0, "row": 1, "column": 1}
        place = [gr.Number(value, label=name, precision=0) for name, value in default.items()]
        model, wanted = gr.Textbox(workbench.names[0], label="model"), gr.Checkbox(False, label="overview")
        classes, answer, overview = gr.Label(label="classes"), gr.JSON(label="answer"), gr.Image(label="overview", format="png")
        button = gr.Button()
    button.click(predict, [picture, model], classes, api_name="predict", **MODEL_QUEUE)
    other = _component(ARCHITECTURE, workbench.names[0])
    button.click(explore, [picture, *place, model, wanted, other], [answer, overview], api_name="explore", **MODEL_QUEUE)


def _experiments(workbench: Workbench) -> None:
    breaking_api = BreakingApi(workbench)
    with gr.Row(visible=False):
        picture = gr.Image(label="picture", type="filepath", image_mode=None)
        settings, model = gr.Textbox("{}", label="settings"), gr.Textbox(workbench.names[0], label="model")
        answer, button = gr.JSON(label="answer"), gr.Button()

    def endpoint(name: str) -> Callable:
        @in_words
        def ask(picture: str | None, settings: str, model: str) -> dict[str, Any]:
            return breaking_api.of_picture(name, picture, settings, model)

        return ask

    for name in EXPERIMENTS:
        described: dict[str, Any] = {"api_name": name, "api_description": breaking_api.description(name)}
        queue = EXPERIMENTS_QUEUE if name in MANY_PASSES else MODEL_QUEUE
        button.click(endpoint(name), [picture, settings, model], answer, **described, **queue)


def _table(services: Services, first: str) -> None:
    """The endpoints of the table: each with a component per parameter, which gives it its type. ``first``: the first model's name.

    Endpoints share components of one name, type and default, since a browser is told of all of them.
    """
    made: dict[tuple, gr.components.Component] = {}

    def component(each: Parameter) -> gr.components.Component:
        alike = (each.name, each.kind, repr(each.default), each.choices)
        return made.get(alike) or made.setdefault(alike, _component(each, first))

    with gr.Row(visible=False):
        inputs = {endpoint.name: [component(each) for each in endpoint.parameters] for endpoint in ENDPOINTS.values()}
        answer, button = gr.JSON(label="answer"), gr.Button()
    for endpoint in ENDPOINTS.values():
        described: dict[str, Any] = {"api_name": endpoint.name, "api_description": endpoint.description}
        queue = EXPERIMENTS_QUEUE if endpoint.takes_long else MODEL_QUEUE
        button.click(_asking(endpoint, services), inputs[endpoint.name], answer, **described, **queue)


def _asking(endpoint: Endpoint, services: Services) -> Callable:
    """The endpoint as a function of its parameters, from whose signature Gradio takes their names and defaults."""
    names = [each.name for each in endpoint.parameters]

    def ask(*values: Any) -> dict[str, Any]:
        return endpoint.ask(services, dict(zip(names, values, strict=True)))

    def declared(each: Parameter) -> inspect.Parameter:
        default = inspect.Parameter.empty if each.default is REQUIRED else each.default
        return inspect.Parameter(each.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)

    ask.__name__ = endpoint.name  # by which a failure is logged
    ask.__signature__ = inspect.Signature([declared(each) for each in endpoint.parameters])  # type: ignore[attr-defined]
    return in_words(ask)


def _component(parameter: Parameter, first: str) -> gr.components.Component:
    """A component with the parameter's name, default and schema, of which a browser draws nothing and loads no code."""
    default: Any = None if parameter.default is REQUIRED else first if parameter.name == "model" else parameter.default
    if parameter.kind == PICTURE:
        return gr.Image(label=parameter.name, type="filepath", image_mode=None)
    schema = parameter.schema | ({"type": "string"} if parameter.kind in AS_TEXT else {})  # which comes as text
    return Api(
        default,
        {name: value for name, value in schema.items() if name not in ("default", "items", "properties", "additionalProperties")},
        parameter.name,
    )
