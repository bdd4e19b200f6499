"""The architecture laboratory's tab: runs of a variant beside the model, with progress."""

from __future__ import annotations

import logging
from pathlib import Path

import gradio as gr

from ..page.intake import Intake
from ..page.laboratory.api import LaboratoryApi
from ..page.words.sentences import Refused, say
from ..web import laboratory
from .blocks import BARE, MODEL_QUEUE
from .explore_tab import by_name, chosen_picture, shown_now

log = logging.getLogger("cvt_explorer")


def laboratory_tab(laboratory_api: LaboratoryApi, intake: Intake, examples: list[Path], chosen: gr.State) -> None:
    named = by_name(examples)
    element = gr.HTML(html_template=laboratory.LABORATORY_HTML, js_on_load=laboratory.JS_ON_LOAD, elem_id="laboratory", **BARE)

    def run(picture: str | None, event: gr.EventData):
        """Runs a variant and yields its progress; an error is shown beside the controls and changes nothing else."""
        asked = event._data
        name = asked.get("run") if isinstance(asked, dict) else None
        try:
            if isinstance(asked, dict):
                picture = chosen_picture(shown_now(asked), named, intake) or picture
            if picture is None:
                raise Refused("no_picture_chosen")
            yield from laboratory_api.run(picture, asked)
        except ValueError as error:
            yield {"run": name, "problem": str(error)}
        except Exception:
            log.exception("a variant failed")
            yield {"run": name, "problem": say("failed")}

    # a newer run starts at once, because it has already cancelled the older one
    element.submit(run, chosen, element, trigger_mode="multiple", show_progress="hidden", api_visibility="private", **MODEL_QUEUE)
