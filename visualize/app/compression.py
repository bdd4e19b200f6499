"""The page's HTML in fewer bytes than gzip makes of it: Gradio repeats in it, far apart, what the endpoints take."""

from __future__ import annotations

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..page.encodings import accepted

QUALITY = 5  # 63 kB where gzip makes 77, in less time


class BrotliPages:
    """ASGI middleware that compresses HTML for browsers that read Brotli; all else, and people's own files, passes as it is."""

    def __init__(self, app: ASGIApp):
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or "/file=" in scope["path"] or "br" not in accepted(Headers(scope=scope).get("accept-encoding", "")):
            await self._app(scope, receive, send)
            return
        start: Message | None = None
        parts: list[bytes] = []

        async def gather(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start" and _is_page(Headers(raw=message["headers"])):
                start = message
            elif start is None:
                await send(message)
            else:
                parts.append(message.get("body", b""))
                if not message.get("more_body"):
                    await self._sent(start, b"".join(parts), send)

        await self._app(scope, receive, gather)

    async def _sent(self, start: Message, page: bytes, send: Send) -> None:
        small = await run_in_threadpool(brotli.compress, page, quality=QUALITY) if page else page
        headers = MutableHeaders(raw=start["headers"])
        if page:  # there is none in an answer to HEAD
            headers["Content-Encoding"] = "br"
            headers["Content-Length"] = str(len(small))
        headers.add_vary_header("Accept-Encoding")
        await send(start)
        await send({"type": "http.response.body", "body": small})


def _is_page(headers: Headers) -> bool:
    return headers.get("content-type", "").startswith("text/html") and "content-encoding" not in headers
