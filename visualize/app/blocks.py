"""Gradio's page, with the check of what a call brings, and how failures reach users."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from cvt.pictures import UnreadablePicture

from ..page.gate import is_full
from ..page.intake import DOWNLOADS, Intake
from ..page.words.sentences import say
from .agents import AgentsServer

# The events of the page, and programs' quick ones, share one queue. Some of them wait for a download or for a picture to be read, so
# the limit is twice the number of downloads, which leaves room for others. The workbench limits the forward passes themselves.
MODEL_QUEUE: dict[str, Any] = {"concurrency_id": "model", "concurrency_limit": 2 * DOWNLOADS}
# Programs' experiments of many passes may take minutes: in a queue of their own, so that they never keep the page waiting. Those of one
# or two are no more than what the page asks; one at a time, 50 people would wait two minutes for theirs.
EXPERIMENTS_QUEUE: dict[str, Any] = {"concurrency_id": "experiments", "concurrency_limit": 1}
BARE: dict[str, Any] = {"apply_default_css": False, "container": False, "padding": False}  # an element as its template has it

log = logging.getLogger("cvt_explorer")


class Page(gr.Blocks):
    """A page whose functions get users' pictures only through an ``Intake``.

    Every call of a function, on any route, passes ``preprocess_data`` before Gradio processes the values. By itself, Gradio
    passes on any path in a dictionary without its own marker, and for any input, picture or not, it opens or downloads
    whatever looks like a file.
    """

    intake: Intake
    _agents: AgentsServer | None = None

    @property  # type: ignore[override]
    def mcp_server_obj(self) -> AgentsServer | None:
        """What answers agents; where Gradio sets its own, the page has one with the same routes and the table's tools."""
        return self._agents

    @mcp_server_obj.setter
    def mcp_server_obj(self, made: Any) -> None:
        self._agents = None if made is None else AgentsServer(self)

    async def preprocess_data(self, block_fn, inputs, state, explicit_call=False):
        try:
            pictures, values = {}, []
            # programs of earlier versions do not know the newest inputs; those that have no value are refused below
            inputs = [*inputs, *(getattr(block, "value", None) for block in block_fn.inputs[len(inputs) :])]
            for place, (block, value) in enumerate(zip(block_fn.inputs, inputs, strict=True)):
                if isinstance(block, gr.Image):
                    pictures[place], value = self.intake.accepted(value, get_upload_folder()), None
                elif isinstance(value, (dict, list)):
                    raise ValueError(f"{type(block).__name__} does not accept lists or objects.")
                values.append(value)
            found = await super().preprocess_data(block_fn, values, state, explicit_call)
        except UnreadablePicture as error:
            raise gr.Error(str(error), print_exception=False) from error
        except gr.Error:
            raise
        except Exception as error:
            log.debug("invalid values", exc_info=True)
            raise gr.Error(say("unusable_values"), print_exception=False) from error
        return [pictures.get(place, value) for place, value in enumerate(found)]

    async def process_api(self, *args: Any, event_data: gr.EventData | None = None, **options: Any) -> dict[str, Any]:
        """Refuses files in events: Gradio would look them up and reveal whether they exist."""
        if event_data is not None and _names_files(event_data._data):
            raise gr.Error(say("not_uploaded"), print_exception=False)
        try:
            return await super().process_api(*args, **options, event_data=event_data)  # type: ignore[misc]
        except OSError as error:  # from a picture of an answer that Gradio cannot save
            if not is_full(error):
                raise
            log.error("the disk is full")
            raise gr.Error(say("disk_full"), print_exception=False) from error


def _names_files(value: Any) -> bool:
    """Whether a JSON value contains an object with a path."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, dict) and "path" in item:
            return True
        pending += item.values() if isinstance(item, dict) else item if isinstance(item, list) else []
    return False


def in_words(handler: Callable) -> Callable:
    """Wraps a handler so that users see its failures as a plain message, without tracebacks or paths."""

    @functools.wraps(handler)
    def safe(*args):
        try:
            return handler(*args)
        except ValueError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("%s failed", handler.__name__)
            raise gr.Error(say("failed"), print_exception=False) from error

    return safe
