"""Nobody keeps the others out: every line is bounded, and what is slow does not take the places of what is quick."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

import pytest

pytest.importorskip("gradio")

import httpx
from starlette.applications import Starlette

import app
from tests import serving
from visualize.app import line
from visualize.page import gate, jobs
from visualize.page.jobs import Jobs
from visualize.page.laboratory import api as laboratory
from visualize.page.routes import routes
from visualize.page.words.sentences import Refused, say
from visualize.page.workbench import Workbench


@pytest.fixture(scope="module")
def workbench(tmp_path_factory) -> Workbench:
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder, embed_dim=(8, 16, 32), depth=(1, 1, 1))
    return Workbench(str(folder), "cpu", kept=app.EXAMPLES[:1])


def in_a_loop(work):
    """In a thread of its own, since another loop may run in this one."""
    found = []
    thread = threading.Thread(target=lambda: found.append(asyncio.run(work)))
    thread.start()
    thread.join(60)
    return found[0]


def test_long_experiments_and_one_visitors_calls_leave_places_for_others(workbench):
    demo = app.build_demo(workbench)
    ids = {function.api_name: index for index, function in demo.fns.items() if function.api_name}

    async def pushed(name: str, session: str | None) -> tuple:
        body = SimpleNamespace(fn_index=ids[name], session_hash=session, event_id=None, request=None)
        return await demo._queue.push(body, None, None)

    async def work():
        many = [await pushed("trial", f"visitor {index}") for index in range(line.MOST_EXPERIMENTS + 1)]
        assert [each[2] for each in many] == ["success"] * line.MOST_EXPERIMENTS + ["queue_full"]
        assert many[-1][1] == say("tools_busy")
        own = [await pushed("predict", "a loop") for _ in range(line.MOST_OF_ONE + 1)]
        assert [each[2] for each in own] == ["success"] * line.MOST_OF_ONE + ["queue_full"]
        return await pushed("predict", "somebody else")

    assert in_a_loop(work())[2] == "success"


def test_jobs_that_wait_are_bounded_also_those_that_nobody_waits_for(monkeypatch):
    monkeypatch.setattr(jobs, "MOST_WAITING", 5)
    some, end, begun = Jobs(1), threading.Event(), threading.Event()

    def work(progress):
        begun.set()
        end.wait(10)

    try:
        runs = [some.steps("first", work)]
        next(runs[0])
        assert begun.wait(10)
        for index in range(5):
            runs.append(some.steps(str(index), work))
            next(runs[-1])
            runs[-1].close()
        with pytest.raises(Refused, match="Too many questions"):
            next(some.steps("one more", work))
    finally:
        end.set()


def test_models_to_be_saved_leave_threads_for_questions(workbench, monkeypatch):
    begun, end = threading.Event(), threading.Event()

    def saved_slowly(*args):
        begun.set()
        return end.wait(20) and b"zip"

    monkeypatch.setattr(laboratory, "model_zip", saved_slowly)
    asked = {"stages": [{}, {}, {}]}

    async def work():
        transport = httpx.ASGITransport(Starlette(routes=routes(workbench)))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            saved = [asyncio.create_task(client.post("/laboratory/model", json=asked)) for _ in range(60)]
            try:
                while not begun.is_set():  # and all others are in line
                    await asyncio.sleep(0.01)
                answer = await asyncio.wait_for(client.post("/laboratory/describe", json=asked), 4)
            finally:
                end.set()
            return answer.status_code, [each.status_code for each in await asyncio.gather(*saved)]

    status, saved = in_a_loop(work())
    assert status == 200
    assert set(saved) == {200}  # each in its turn


def test_only_so_much_of_agents_calls_is_held_and_only_for_so_long(monkeypatch):
    monkeypatch.setattr(gate, "BODY_SECONDS", 0.05)

    async def work():
        arrived, ended, answers = asyncio.Event(), asyncio.Event(), []

        async def server(scope, receive, send):
            if scope["slow"]:
                await receive()
            await ended.wait()

        bounded = gate.Gate(server)

        async def call(nbytes: int, slow: bool = False) -> int | None:
            said = []

            async def send(message):
                said.append(message)

            async def never():
                arrived.set()
                await asyncio.Event().wait()

            headers = [(b"content-length", str(nbytes).encode())]
            scope = {"type": "http", "method": "POST", "path": gate.AGENTS, "headers": headers, "slow": slow}
            await bounded(scope, never, send)
            return said[0]["status"] if said else None

        answers = [asyncio.create_task(call(gate.AGENT_BYTES)) for _ in range(gate.MOST_HELD // gate.AGENT_BYTES)]
        await asyncio.sleep(0)
        refused, small = await call(gate.AGENT_BYTES), asyncio.create_task(call(1000))
        await asyncio.sleep(0)
        assert not small.done()  # it is being answered
        ended.set()
        assert await asyncio.gather(*answers, small) == [None] * (len(answers) + 1)
        return refused, await call(gate.AGENT_BYTES, slow=True)

    assert in_a_loop(work()) == (503, 408)
