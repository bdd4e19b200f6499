"""Limits on requests to the server: their size, and which of Gradio's routes they may use.

The values in a call of one of the page's functions are checked later, by ``visualize.app.blocks.Page``.
"""

from __future__ import annotations

import errno
import logging
import re

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .breaking.page_file import ASKED_BYTES as PAGE_BYTES
from .intake import MAX_BYTES
from .lessons.text import JSON_BYTES as LESSON_BYTES
from .words.sentences import say

BODY_BYTES = 1 << 16  # of JSON; a call with an architecture takes about 2,000
UPLOAD_BYTES = MAX_BYTES + (1 << 16)  # one file and its form fields
MORE_BYTES = {"/gradio_api/upload": UPLOAD_BYTES, "/lessons/read": LESSON_BYTES, "/explorer/page/": PAGE_BYTES}

# Gradio routes that this page does not use. They would let anyone download through this server without limits (file=http…),
# write files here (deep_link, process_recording), or reach other servers or a component's functions.
CLOSED = re.compile(
    r"/gradio_api/(proxy=|file[=/]https?:|deep_link|process_recording|component_server|custom_component|stream/|(undo-)?vibe-)"
)

log = logging.getLogger("cvt_explorer")


class Gate:
    """ASGI middleware around the whole app that enforces the limits."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((most for path, most in MORE_BYTES.items() if path in scope["path"]), BODY_BYTES)
        if CLOSED.search(scope["path"]):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif _announced(scope) > limit:
            await PlainTextResponse(say("too_large_to_send"), 413)(scope, receive, send)
        else:
            await self._within(limit, scope, receive, send)

    async def _within(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        taken, answered = 0, False

        async def count() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > limit:
                raise _TooLarge
            return message

        async def note(message: Message) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self._app(scope, count, note)
        except _TooLarge:
            if not answered:
                await PlainTextResponse(say("too_large_to_send"), 413)(scope, receive, send)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT) or answered:
                raise
            log.error("the disk is full")
            await PlainTextResponse(say("disk_full"), 507)(scope, receive, send)
        except TypeError:  # from Gradio, for a form without files; clients' mistakes need no traceback in the log
            if limit != UPLOAD_BYTES or answered:
                raise
            await PlainTextResponse(say("no_file"), 400)(scope, receive, send)


class _TooLarge(Exception):
    """The body exceeds the limit."""


def _announced(scope: Scope) -> int:
    """The body length that a request announces, in bytes."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0
