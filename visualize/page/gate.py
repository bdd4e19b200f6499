"""Limits on requests to the server: their size, and which of Gradio's routes they may use.

The values in a call of one of the page's functions are checked later, by ``visualize.app.blocks.Page``.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import re
import time
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .breaking.page_file import ASKED_BYTES as PAGE_BYTES
from .intake import MAX_BYTES
from .lessons.text import JSON_BYTES as LESSON_BYTES
from .words.sentences import say

BODY_BYTES = 1 << 16  # of JSON; a call with an architecture takes about 2,000
UPLOAD_BYTES = MAX_BYTES + (1 << 16)  # one file and its form fields
AGENT_BYTES = 12_000_000  # of an agent's call with a picture in base64, so of 8 MB of picture and more
AGENTS = "/gradio_api/mcp"
MOST_HELD = 6 * AGENT_BYTES  # of agents' calls with a picture that are in memory at once, each in several copies, until they are answered
MORE_BYTES = {"/gradio_api/upload": UPLOAD_BYTES, "/lessons/read": LESSON_BYTES, "/explorer/page/": PAGE_BYTES, AGENTS: AGENT_BYTES}
BODY_SECONDS = 120.0  # in which a body has to arrive
UPLOAD_SECONDS = 600.0

# Gradio routes that this page does not use. They would let anyone download through this server without limits (file=http…),
# write files here (deep_link, process_recording), reach other servers or a component's functions, or hold a connection for an agent
# (mcp/sse), who needs none: every call is answered by itself.
CLOSED = re.compile(
    r"/gradio_api/(proxy=|file[=/]https?:|deep_link|process_recording|component_server|custom_component|stream/|(undo-)?vibe-"
    r"|mcp/(sse|messages))"
)

# Gradio's routes on which clients call functions or bring files. It fails there if what comes is no call; functions run elsewhere, in line.
CALLS = re.compile(r"/gradio_api/(call|queue|run|api|cancel|reset|upload)\b")

log = logging.getLogger("cvt_explorer")


class Gate:
    """ASGI middleware around the whole app that enforces the limits.

    ``make_room``: called once a disk is full.
    """

    def __init__(self, app: ASGIApp, make_room: Callable[[], None] = lambda: None):
        self._app, self._make_room = app, make_room
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = next((most for path, most in MORE_BYTES.items() if path in scope["path"]), BODY_BYTES)
        if CLOSED.search(scope["path"]):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
        elif AGENTS in scope["path"] and (status := _refused_agent(scope)):
            await PlainTextResponse("", status, {"Allow": "GET, POST"} if status == 405 else None)(scope, receive, send)
        elif _announced(scope) > limit:
            await PlainTextResponse(say("too_large_to_send"), 413)(scope, receive, send)
        else:
            await self._held_within(limit, scope, receive, send)

    async def _held_within(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers unless too much would be in memory. Small calls are always answered, and uploads go to the disk."""
        held = _announced(scope) if limit == AGENT_BYTES and _announced(scope) > BODY_BYTES else 0
        if held and self._held + held > MOST_HELD:
            await PlainTextResponse(say("tools_busy"), 503)(scope, receive, send)
            return
        self._held += held
        try:
            await self._within(limit, scope, receive, send)
        finally:
            self._held -= held

    async def _within(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        taken, whole, answered = 0, False, False
        ends = time.monotonic() + (UPLOAD_SECONDS if limit == UPLOAD_BYTES else BODY_SECONDS)

        async def count() -> Message:
            nonlocal taken, whole
            if whole:  # what comes now is only that the client has gone
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), ends - time.monotonic())
            except asyncio.TimeoutError as error:  # not the built-in one in Python 3.10
                raise _TooSlow from error
            taken, whole = taken + len(message.get("body", b"")), not message.get("more_body")
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
        except _TooSlow:
            if not answered:
                await PlainTextResponse(say("too_slow_to_send"), 408, {"Connection": "close"})(scope, receive, send)
        except OSError as error:
            if not is_full(error) or answered:
                raise
            log.error("the disk is full")
            self._make_room()
            await PlainTextResponse(say("disk_full"), 507)(scope, receive, send)
        except Exception as error:
            if not CALLS.search(scope["path"]):
                raise
            log.warning("an invalid call: %s", type(error).__name__)  # a client's mistake needs no traceback, which would repeat it
            if answered:  # such as events of a call that there is not: they end
                await send({"type": "http.response.body", "body": b""})
                return
            await PlainTextResponse(say("no_file" if limit == UPLOAD_BYTES else "unusable_values"), 400)(scope, receive, send)


def is_full(error: OSError) -> bool:
    """Whether an error says that a disk, or somebody's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


class _TooLarge(Exception):
    """The body exceeds the limit."""


class _TooSlow(Exception):
    """The body did not arrive in time."""


def _refused_agent(scope: Scope) -> int | None:
    """The status for an agent's request that is no call: a stream of events, on which this server never sends any, or a body of unknown
    length, whose end Gradio's server would answer as a failure."""
    headers = dict(scope["headers"])
    streams = scope["method"] == "GET" and b"text/event-stream" in headers.get(b"accept", b"")
    if streams or scope["method"] not in ("GET", "HEAD", "POST", "OPTIONS"):
        return 405
    return 411 if scope["method"] == "POST" and b"content-length" not in headers else None


def _announced(scope: Scope) -> int:
    """The body length that a request announces, in bytes."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else 0
