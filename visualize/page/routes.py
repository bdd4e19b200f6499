"""The page's own HTTP routes: its scripts, the bytes of results, and quick queries.

What takes longer, a choice of a picture or model and a run of a variant, are Gradio's events, wired in ``app.py``.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from ..web import about, chooser, explorer, laboratory, look, share, shared, words
from .compute import PASSES
from .laboratory.api import LaboratoryApi
from .link.choices import MODULE, as_module
from .words.sentences import Refused, say
from .workbench import Workbench

COMPONENTS = (about, chooser, explorer, laboratory, look, share, shared, words)
QUESTION_BYTES = 1 << 14  # an architecture of four stages takes about 2,000

log = logging.getLogger("cvt_explorer")


def routes(workbench: Workbench) -> list[BaseRoute]:
    """The routes of a page for this workbench; the queries are the methods of ``LaboratoryApi``."""
    laboratory_api = LaboratoryApi(workbench)
    return [
        Route("/explorer/data/{key}", _bytes(workbench.payload)),
        Route("/explorer/data/{key}/{stage:int}/{block:int}", _bytes(workbench.block_payload)),
        Route("/explorer/inside/{key}/{stage:int}/{block:int}", _bytes(workbench.inside_payload, PASSES)),
        Route(f"/modules/{MODULE}", _choices),
        *(Mount(f"/modules/{each.STATIC.name}", StaticFiles(directory=each.STATIC)) for each in COMPONENTS),
        *(Route(f"/laboratory/{name}", _light(answer), methods=["POST"]) for name, answer in laboratory_api.answers.items()),
    ]


async def _choices(request: Request) -> Response:
    return Response(as_module(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _bytes(content: Callable[..., bytes], threads: int | None = None) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for parts of a result. ``threads``: how many threads may be in ``content`` at once; further requests wait
    without a thread, so that the server can do other work."""
    line = asyncio.Semaphore(threads) if threads else nullcontext()

    def made(accepted: str, parameters: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
        return compressed(content(**parameters), accepted)

    async def endpoint(request: Request) -> Response:
        try:
            async with line:
                found, headers = await run_in_threadpool(made, request.headers.get("Accept-Encoding", ""), request.path_params)
        except KeyError:
            return JSONResponse({"error": say("result_gone")}, status_code=404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        headers |= {"Cache-Control": "private, max-age=3600", "Vary": "Accept-Encoding"}
        return Response(found, media_type="application/octet-stream", headers=headers)

    return endpoint


def compressed(content: bytes, accepted: str) -> tuple[bytes, dict[str, str]]:
    """Compresses ``content`` as the Accept-Encoding header allows, and returns it with its headers. Uses the fastest level: weights
    and features are nearly noise, so that more effort saves no more."""
    parts = (part.replace(" ", "").partition(";") for part in accepted.lower().split(","))
    takes = {name for name, _, quality in parts if quality not in ("q=0", "q=0.0")}
    if "br" in takes:
        return brotli.compress(content, quality=1), {"Content-Encoding": "br"}
    if "gzip" in takes:
        return gzip.compress(content, 1), {"Content-Encoding": "gzip"}
    return content, {}


def _light(answer: Callable[[Any], Any]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that takes JSON and returns JSON or a zip; an invalid request gets an error message."""

    async def endpoint(request: Request) -> Response:
        try:
            found = await run_in_threadpool(answer, await _asked(request))
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except Exception:
            log.exception("a question failed")
            return JSONResponse({"error": say("failed")}, status_code=500)
        return Response(found, media_type="application/zip") if isinstance(found, bytes) else JSONResponse(found)

    return endpoint


async def _asked(request: Request) -> Any:
    """The request's JSON, of at most QUESTION_BYTES. Raises ValueError with a message for the user."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > QUESTION_BYTES:
            raise Refused("request_too_large")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("not_json") from error
