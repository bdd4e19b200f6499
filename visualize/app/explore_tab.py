"""The first tab: a picture is chosen, the model runs on it, and the explorer shows the result."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from cvt.pictures import UnreadablePicture

from ..page.intake import DELETED_AFTER, LOOKED_EVERY, MAX_BYTES, Intake
from ..page.laboratory.api import LaboratoryApi
from ..page.models import LoadedModel
from ..page.requests import Request
from ..page.words import head as head_words
from ..page.words import trust
from ..page.words.sentences import Refused, say
from ..page.workbench import Workbench
from ..web import chooser, explorer, look
from .blocks import BARE, MODEL_QUEUE

log = logging.getLogger("cvt_explorer")


def explore_tab(demo: gr.Blocks, workbench: Workbench, laboratory_api: LaboratoryApi, examples: list[Path]) -> gr.State:
    """Builds the tab, and returns the state with the picture's path. That path and the name of the model that ran on it are all
    that the server keeps per person."""
    named = by_name(examples)
    chosen, seen_by = gr.State(next(iter(named.values()), None)), gr.State(None)
    with gr.Row(elem_classes="cvt-page-row"):
        with gr.Column(scale=2, min_width=320, elem_classes="cvt-page-left"):
            template = explorer.picture_html(
                "main", chooser.examples_html(examples, MAX_BYTES, head_words.kept(DELETED_AFTER, LOOKED_EVERY))
            )
            main = gr.HTML(html_template=template, js_on_load=look.JS_ON_LOAD, **BARE)
        with gr.Column(scale=5, min_width=320, elem_classes="cvt-page-right"):
            gr.HTML(html_template=explorer.panels_html("main"), js_on_load=explorer.JS_ON_LOAD, **BARE)
    unchanged = {element: gr.skip() for element in (main, chosen, seen_by)}

    def run(picture: str | None, name: str | None) -> dict:
        """Runs the model on the picture, if there is one."""
        loaded = workbench.loaded(name)
        answer = {seen_by: loaded.name, chosen: picture}
        return answer if picture is None else answer | {main: _element_value(workbench, loaded, picture)}

    def show(before: str | None, model: str | None, request: gr.Request, event: gr.EventData) -> dict:
        """Shows the chosen picture and model, or when the page opens those in its link; what is not chosen stays as the page shows it.

        A refusal is answered in the element, which shows it beside the place that was used; all else stays as it is.
        """
        asked = event._data
        nth = asked.get("nth") if isinstance(asked, dict) else None
        lost = {}
        try:
            if not isinstance(asked, dict):
                view, _ = laboratory_api.linked(str(request.query_params))
                return unchanged | run(workbench.examples.get(view.picture or "", before), view.model)
            picture, now = chosen_picture(asked, named, workbench.intake), shown_now(asked)
            try:
                picture = picture or chosen_picture(now, named, workbench.intake) or before
            except UnreadablePicture:
                lost = {"lost": True}
                raise
            return unchanged | run(picture, asked.get("model") or now.get("model") or model)
        except ValueError as error:
            problem = str(error)
        except Exception:
            log.exception("a picture failed")
            problem = say("failed")
        return unchanged | {main: {"problem": problem, "nth": nth if isinstance(nth, int) else None, **lost}}

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    # the browser sends the next choice once this one is answered, successfully or not
    answered = gr.on([demo.load, main.submit], show, [chosen, seen_by], list(unchanged), trigger_mode="multiple", **quiet, **MODEL_QUEUE)
    answered.then(None, js=chooser.JS_ANSWERED)
    answered.failure(None, js=chooser.JS_FAILED)
    return chosen


def _element_value(workbench: Workbench, loaded: LoadedModel, picture: str) -> dict[str, Any]:
    """The explorer's value for the picture's result; only an example has a name for the link."""
    result = workbench.explore(Request(model=loaded.name, picture=picture))
    workbench.begin_payload(result.key)
    more: dict[str, Any] = {"note": trust.accuracy(loaded.config), "notes": trust.notes(result.exploration), "source": loaded.source}
    more |= {"model": loaded.name, "first": loaded.name == workbench.names[0], "facts": head_words.numbers(loaded.config, loaded.side)}
    return explorer.element_value(result.key, picture, **more, **workbench.named(picture))


def by_name(examples: list[Path]) -> dict[str, str]:
    """The paths of examples by the names that choices have for them."""
    return {path.stem: str(path.resolve()) for path in examples}


def shown_now(asked: dict) -> dict:
    """What the page shows as it asks: the server may have started since, or another one may have been asked before."""
    now = asked.get("now")
    return now if isinstance(now, dict) else {}


def chosen_picture(asked: dict, examples: dict[str, str], intake: Intake) -> str | None:
    """The path of the chosen picture; None to keep the current one. Raises ValueError if there is no such picture."""
    if "own" in asked:
        return intake.accepted(asked["own"], get_upload_folder())
    name = asked.get("example")
    if name is None:
        return None
    if not isinstance(name, str) or name not in examples:
        raise Refused("no_example")
    return examples[name]
