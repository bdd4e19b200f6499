"""The page's own HTTP routes: its scripts, the bytes of results, and quick queries.

What takes longer, a choice of a picture or model and a run of a variant, are Gradio's events, wired in ``visualize/app``; experiments are
answered here too, in lines that report their progress.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import logging
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from functools import partial
from typing import Any

import brotli
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from cvt import ablations

from ..web.components import COMPONENTS
from .breaking.api import BreakingApi
from .breaking.page_file import ASKED_BYTES as PAGE_BYTES
from .breaking.page_file import page_file
from .compute import PASSES
from .encodings import NEAR, accepted
from .jobs import Step
from .laboratory.api import LaboratoryApi
from .lessons.api import LessonsApi
from .lessons.text import JSON_BYTES as LESSON_BYTES
from .link.choices import MODULE, as_module
from .models import Models
from .words.sentences import Refused, say
from .workbench import Workbench

DRAWN = 8  # threads for results that are at hand, and as many for those that were dropped, which wait for a pass to be computed again
ASKED, PACKED = 16, 2  # threads that the laboratory's questions may take, which may wait for a model, and its models to be saved
QUESTION_BYTES = 1 << 14  # an architecture of four stages takes about 2,000

log = logging.getLogger("cvt_explorer")


def routes(workbench: Workbench, lessons: LessonsApi | None = None) -> list[BaseRoute]:
    """The routes of a page for this workbench; the queries are the methods of ``LaboratoryApi``. ``lessons``: by default the page's own."""
    laboratory_api, breaking_api, lessons_api = LaboratoryApi(workbench), BreakingApi(workbench), lessons or LessonsApi()
    asked, packed, inside = asyncio.Semaphore(ASKED), asyncio.Semaphore(PACKED), asyncio.Semaphore(PASSES)
    at_hand, dropped = asyncio.Semaphore(DRAWN), asyncio.Semaphore(DRAWN)

    def drawn(key: str) -> asyncio.Semaphore:
        return dropped if workbench.recomputes(key) else at_hand

    laboratory = {name: _light(answer, line=packed if name == "model" else asked) for name, answer in laboratory_api.answers.items()}
    return [
        Route("/explorer/data/{key}", _bytes(workbench.payload, drawn)),
        Route("/explorer/data/{key}/{stage:int}/{block:int}", _bytes(workbench.block_payload, drawn)),
        Route("/explorer/inside/{key}/{stage:int}/{block:int}", _bytes(workbench.inside_payload, lambda key: inside)),
        Route("/explorer/page/{key}", _page(workbench), methods=["POST"]),
        Route("/explorer/heartbeat", _heartbeat(workbench)),
        Route(f"/modules/{MODULE}", _choices),
        *(Route(f"/modules/{each.STATIC.name}/{{file:path}}", _Scripts(directory=each.STATIC)) for each in COMPONENTS),
        *(Route(f"/laboratory/{name}", endpoint, methods=["POST"]) for name, endpoint in laboratory.items()),
        Route("/ablations", _fixed(ablations.table())),
        Route("/lessons", _fixed(lessons_api.lessons())),
        Route("/lessons/read", _light(lessons_api.read, LESSON_BYTES), methods=["POST"]),
        *(Route(f"/break/{name}", _long(partial(breaking_api.steps, name)), methods=["POST"]) for name in breaking_api.names),
        Route("/models", _listed(workbench.models)),
        Route("/models/load", _long(partial(_loaded, workbench.models)), methods=["POST"]),
    ]


class _Scripts(StaticFiles):
    """The files of a component. They are found by the route's own parameter: below a path of a host, a mount would look for that path."""

    def get_path(self, scope: Scope) -> str:
        return os.path.normpath(os.path.join(*scope["path_params"]["file"].split("/")))


async def _choices(request: Request) -> Response:
    return Response(as_module(), media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _bytes(content: Callable[..., bytes], line_of: Callable[[str], asyncio.Semaphore]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint for parts of a result. ``line_of`` gives, for its key, what bounds how many threads may be in ``content`` at once;
    further requests wait without a thread, so that the server can do other work."""

    def made(request: Request) -> tuple[bytes, dict[str, str]]:
        found = content(**request.path_params)
        if NEAR in request.headers:
            return found, {"Content-Encoding": "identity"}  # or it would be packed on its way
        return compressed(found, request.headers.get("Accept-Encoding", ""))

    async def endpoint(request: Request) -> Response:
        try:
            async with line_of(request.path_params["key"]):
                found, headers = await run_in_threadpool(made, request)
        except KeyError:
            return JSONResponse({"error": say("result_gone")}, status_code=404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        headers |= {"Cache-Control": "private, max-age=3600", "Vary": f"Accept-Encoding, {NEAR}"}
        return Response(found, media_type="application/octet-stream", headers=headers)

    return endpoint


def _page(workbench: Workbench) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that takes JSON and returns a page of one file, to be saved: a browser does not open it here."""
    line = asyncio.Semaphore(1)  # each takes a second of work and several copies of its bytes; the others wait without a thread

    async def endpoint(request: Request) -> Response:
        try:
            asked = await _asked(request, PAGE_BYTES)
            async with line:
                found = await run_in_threadpool(page_file, workbench, request.path_params["key"], asked)
        except KeyError:
            return JSONResponse({"error": say("result_gone")}, status_code=404)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except Exception:
            log.exception("a page could not be saved")
            return JSONResponse({"error": say("failed")}, status_code=500)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": "attachment",
            "Content-Encoding": "identity",  # it is compressed as far as it can be
        }
        return Response(found, media_type="application/octet-stream", headers=headers)

    return endpoint


def compressed(content: bytes, header: str) -> tuple[bytes, dict[str, str]]:
    """Compresses ``content`` as the Accept-Encoding header allows, and returns it with its headers. Uses the fastest level: weights
    and features are nearly noise, so that more effort saves no more."""
    takes = accepted(header)
    if "br" in takes:
        return brotli.compress(content, quality=1), {"Content-Encoding": "br"}
    if "gzip" in takes:
        return gzip.compress(content, 1), {"Content-Encoding": "gzip"}
    return content, {}


def _heartbeat(workbench: Workbench) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint by which a page knows that the server is there, that it is still the same one, and how long its line is."""
    name = secrets.token_urlsafe(8)

    async def endpoint(request: Request) -> Response:
        answer = {"server": name, "line": workbench.line.length(), "most": workbench.line.most}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    return endpoint


def _fixed(value: Any) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that always gives the same JSON."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(value, headers={"Cache-Control": "no-cache"})  # one each, since a compressor changes it

    return endpoint


def _light(
    answer: Callable[[Any], Any], most: int = QUESTION_BYTES, line: AbstractAsyncContextManager | None = None
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that takes JSON, of at most so many bytes, and returns JSON or a zip; an invalid request gets an error message.
    ``line``: bounds how many threads are in ``answer``; further requests wait without a thread, so that the server can do other work."""

    async def endpoint(request: Request) -> Response:
        try:
            asked = await _asked(request, most)
            async with line or nullcontext():
                found = await run_in_threadpool(answer, asked)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        except Exception:
            log.exception("a question failed")
            return JSONResponse({"error": say("failed")}, status_code=500)
        return Response(found, media_type="application/zip") if isinstance(found, bytes) else JSONResponse(found)

    return endpoint


def _listed(models: Models) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint with what can be chosen now."""

    async def endpoint(request: Request) -> Response:
        return JSONResponse(await run_in_threadpool(models.listed), headers={"Cache-Control": "no-store"})

    return endpoint


def _loaded(models: Models, asked: Any) -> AsyncGenerator[Step | dict[str, Any]]:
    return models.steps(asked.get("name") if isinstance(asked, dict) else None)


def _long(steps_of: Callable[[Any], AsyncGenerator[Step | dict[str, Any]]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that takes JSON and answers in lines of JSON: ``step`` and ``share`` while it works, then ``result``, or ``error``
    with what is ``gone``. A client that goes away ends the work."""

    async def lines(asked: Any) -> AsyncIterator[str]:
        async with aclosing(steps_of(asked)) as steps:
            try:
                async for step in steps:
                    line = {"step": step.name, "share": round(step.share, 4)} if isinstance(step, Step) else {"result": step}
                    yield json.dumps(line) + "\n"
            except ValueError as error:
                yield json.dumps({"error": str(error), **_gone(error)}) + "\n"
            except Exception:
                log.exception("a long question failed")
                yield json.dumps({"error": say("failed")}) + "\n"

    async def endpoint(request: Request) -> Response:
        try:
            asked = await _asked(request)
        except ValueError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        # a proxy must not hold the lines back, nor a compressor
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "Content-Encoding": "identity"}
        return StreamingResponse(lines(asked), media_type="application/x-ndjson", headers=headers)

    return endpoint


def _gone(error: ValueError) -> dict[str, str]:
    """The name under which a question gave a key that is not known here, as after a restart: the page can get another one."""
    return {"gone": error.values["name"]} if isinstance(error, Refused) and error.key == "result_gone" else {}


async def _asked(request: Request, most: int = QUESTION_BYTES) -> Any:
    """The request's JSON, of at most so many bytes. Raises ValueError with a message for the user."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise Refused("request_too_large")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("not_json") from error
