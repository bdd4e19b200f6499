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
# Data and people's files, which may be SVG or HTML, are only shown if they are opened by themselves.
PART_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
NOSNIFF = {"X-Content-Type-Options": "nosniff"}
PAGE = {
    **NOSNIFF,
    "Content-Security-Policy": PAGE_POLICY,
    "Referrer-Policy": "same-origin",  # a private Space's address holds a signature
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
}
PART = {**NOSNIFF, "Content-Security-Policy": PART_POLICY}
# Scripts and styles are text if they are opened. The first visit gets two hundred of them, and a policy would make it 14 kB larger.
TEXT = ("text/javascript", "application/javascript", "text/css")


def headers_for(path: str, content_type: str) -> dict[str, str]:
    """The headers of an answer of this type; ``path``: of the request."""
    if content_type.startswith("text/html") and "/file=" not in path:
        return PAGE
    return NOSNIFF if content_type.startswith(TEXT) and "/file=" not in path else PART


class Headers:
    """ASGI middleware that adds them to every answer over HTTP."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(headers_for(scope["path"], headers.get("content-type", "")))
            await send(message)

        await self._app(scope, receive, add if scope["type"] == "http" else send)
