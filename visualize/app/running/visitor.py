"""Who asks, for the package that lends GPUs: it counts seconds of a GPU on the visitor whose request is in Gradio's context.

Gradio puts it there for its own events; this does so for the page's other routes.
"""

from __future__ import annotations

from gradio.context import LocalContext
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class Visitor:
    """ASGI middleware around the whole app."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            LocalContext.request.set(Request(scope))  # type: ignore[arg-type]  # only its headers are read
        await self._app(scope, receive, send)
