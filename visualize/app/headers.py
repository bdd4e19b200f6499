"""Headers that limit what a browser does with an answer, whoever embeds the page."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's page runs scripts in the document and makes functions from text. It may be embedded anywhere, as Spaces do, so nothing is said
# of `frame-ancestors`. A link can name a lesson at any https address; a Space shows the Hub's own line above the page.
PAGE_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob: https://huggingface.co https://*.huggingface.co",
        "media-src 'self' blob:",
        "connect-src 'self' blob: data: https:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
    ]
)
# Everything else, opened by itself, is only shown: scripts, data, and people's files, which may be SVG or HTML.
PART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
SAME = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # a private Space's address holds a signature
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}


class Headers:
    """ASGI middleware that adds them to every answer over HTTP."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                page = headers.get("content-type", "").startswith("text/html") and "/file=" not in scope["path"]
                headers["Content-Security-Policy"] = PAGE_POLICY if page else PART_POLICY
                headers.update(SAME)
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)
