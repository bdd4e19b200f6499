"""The named endpoints for programs, on hidden components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr
from PIL import Image

from ..page.api import attention_answer
from ..page.breaking.api import ENDPOINTS, BreakingApi
from ..page.requests import Request
from ..page.words.sentences import Refused
from ..page.workbench import Workbench
from .blocks import EXPERIMENTS_QUEUE, MODEL_QUEUE, in_words


def endpoints(workbench: Workbench) -> None:
    """Adds all of them to the page that is being built."""
    _model_endpoints(workbench)
    _experiments(workbench)


def _model_endpoints(workbench: Workbench) -> None:
    def asked(picture: str | None, model: str) -> Request:
        if picture is None:
            raise Refused("no_picture")
        return Request(model=workbench.loaded(model).name, picture=picture)

    @in_words
    def predict(picture: str | None, model: str) -> dict[str, float]:
        return dict(workbench.classes(asked(picture, model)))

    @in_words
    def explore(
        picture: str | None, stage: float, block: float, head: float, row: float, column: float, model: str, overview: bool
    ) -> tuple[dict, Image.Image | None]:
        if None in (stage, block, head, row, column):
            raise Refused("no_place")
        exploration = workbench.explore(asked(picture, model)).exploration
        return attention_answer(exploration, int(stage), int(block), int(head), int(row), int(column), overview=bool(overview))

    with gr.Row(visible=False):
        picture = gr.Image(label="picture", type="filepath", image_mode=None)
        default = {"stage": 1, "block": 1, "head": 0, "row": 1, "column": 1}
        place = [gr.Number(value, label=name, precision=0) for name, value in default.items()]
        model, wanted = gr.Textbox(workbench.names[0], label="model"), gr.Checkbox(False, label="overview")
        classes, answer, overview = gr.Label(label="classes"), gr.JSON(label="answer"), gr.Image(label="overview", format="png")
        button = gr.Button()
    button.click(predict, [picture, model], classes, api_name="predict", **MODEL_QUEUE)
    button.click(explore, [picture, *place, model, wanted], [answer, overview], api_name="explore", **MODEL_QUEUE)


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

    for name in ENDPOINTS:
        described: dict[str, Any] = {"api_name": name, "api_description": breaking_api.description(name)}
        button.click(endpoint(name), [picture, settings, model], answer, **described, **EXPERIMENTS_QUEUE)
