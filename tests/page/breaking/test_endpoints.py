"""The experiments' answers from outside: the endpoints for programs, and the page's answers in lines."""

import asyncio
import gc
import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("gradio")

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from cvt.architecture.build import Cancelled
from visualize.page.api.table import ENDPOINTS as TABLE
from visualize.page.breaking.api import ANSWERS, ENDPOINTS, MANY_PASSES
from visualize.page.jobs import Jobs, Step

PHOTO = str(app.EXAMPLES[0])
HEAD = {"stage": 3, "block": 1, "part": "head", "head": 1}


@pytest.fixture(scope="module")
def client(served):
    return Client(served, verbose=False)


def in_a_loop(work):
    """Runs a coroutine in a thread: a browser's driver may already run a loop in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(asyncio.run, work).result()


def asked(address, name, question):
    """The lines that a route answers."""
    data = question if isinstance(question, bytes) else json.dumps(question).encode()
    request = urllib.request.Request(f"{address}/break/{name}", data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return [json.loads(line) for line in answer]


def test_a_program_asks_with_a_picture_and_settings(client):
    answer = client.predict(handle_file(PHOTO), json.dumps({"interventions": [HEAD]}), api_name="/knock_out")
    unchanged = client.predict(handle_file(PHOTO), api_name="/knock_out")
    assert unchanged["before"] == unchanged["after"] == answer["before"]
    assert answer["after"] != answer["before"]
    assert answer["value"]["key"] != unchanged["value"]["key"]


@pytest.mark.parametrize("settings", ["{", "[]", '{"interventions": 3}', '{"interventions": [{"stage": 9}]}', "[" * 3000])
def test_what_cannot_be_answered_is_refused_in_a_sentence(client, settings):
    with pytest.raises(AppError, match=r"^[A-Z][^{}]+\.$"):
        client.predict(handle_file(PHOTO), settings, api_name="/knock_out")


def test_every_endpoint_says_what_it_takes_and_gives(client):
    described = client.view_api(return_format="dict")["named_endpoints"]
    for name in ENDPOINTS:
        assert "Returns:" in described[f"/{name}"]["description"]
        assert "picture" in described[f"/{name}"]["description"]


def test_programs_experiments_never_keep_the_page_waiting(random_app):
    """Those of many passes wait for each other alone: no event of the page is in their queue."""
    functions = app.build_demo(random_app[0]).fns.values()
    long = {*MANY_PASSES, *(each.name for each in TABLE.values() if each.takes_long)}
    queues = {which: {each.concurrency_id for each in functions if (each.api_name in long) == which} for which in (True, False)}
    assert len(queues[True]) == 1
    assert len([each for each in functions if each.api_name in long]) == len(long)
    assert not queues[True] & queues[False]


def test_an_answer_comes_in_lines_and_a_refusal_too(served, client):
    key = client.predict(handle_file(PHOTO), api_name="/knock_out")["value"]["key"]
    *steps, last = asked(served, "knock_out", {"key": key, "interventions": [HEAD]})
    assert set(last) == {"result"}
    assert all(set(step) == {"step", "share"} for step in steps)
    for question in ({}, {"key": "unknown"}, {"key": 3}, {"key": [key]}, []):
        (line,) = [line for line in asked(served, "knock_out", question) if "step" not in line]
        assert line["error"].endswith("."), question
    with pytest.raises(urllib.error.HTTPError) as refused:
        asked(served, "knock_out", b"{")
    assert refused.value.code == 400


def test_work_that_nobody_waits_for_ends_and_work_that_waits_never_starts():
    jobs, begun, go_on, ended, started = Jobs(1), threading.Event(), threading.Event(), threading.Event(), []

    def work(progress):
        progress("computing", 0.5)
        begun.set()
        go_on.wait()
        try:
            progress("computing", 0.6)
        except Cancelled:
            ended.set()
            raise

    async def visit():
        steps = jobs.waited(work)
        queued = jobs.waited(lambda progress: started.append(1))
        assert await anext(steps) in (Step("waiting"), Step("computing", 0.5))
        assert await anext(queued) == Step("waiting")
        await asyncio.to_thread(begun.wait)
        await queued.aclose()
        await steps.aclose()

    in_a_loop(visit())
    go_on.set()
    assert ended.wait(60)
    assert list(jobs.steps("next", lambda progress: 7))[-1] == 7  # the thread is free again
    assert started == []


def test_a_refusal_is_told_to_who_asked_and_not_written_to_the_log(caplog):
    def refuse(progress):
        raise ValueError("Not so.")

    async def ask():
        with pytest.raises(ValueError, match="Not so"):
            async for _ in Jobs(1).waited(refuse):
                pass
        gc.collect()  # what nobody looked at is written when it is forgotten

    in_a_loop(ask())
    assert caplog.records == []


def test_an_unknown_key_is_named_so_that_the_page_gets_another(served):
    (line,) = [line for line in asked(served, "lens", {"key": "unknown"}) if "step" not in line]
    assert line["gone"] == "key"


@pytest.mark.parametrize("name", ["trial", "importance"])
def test_what_takes_many_passes_waits_in_a_line_of_its_own(client, served, monkeypatch, name):
    """Trials that go on, more than there are threads for the others, do not keep anybody from an answer of few passes."""
    key = client.predict(handle_file(PHOTO), api_name="/knock_out")["value"]["key"]
    go_on, ended = threading.Event(), []

    def long(workbench, question, progress):
        go_on.wait(60)
        ended.append(name)
        return {}

    monkeypatch.setitem(ANSWERS, name, long)
    with ThreadPoolExecutor(3) as visitors:
        going_on = [visitors.submit(asked, served, name, {"key": key}) for _ in range(3)]
        few = {"explain": {"measures": [], "methods": ["random"]}, "lens": {}, "knock_out": {"interventions": [HEAD]}}
        for question, more in few.items():
            assert "result" in asked(served, question, {"key": key, **more})[-1], question
        assert ended == []
        go_on.set()
        assert all(each.result()[-1] == {"result": {}} for each in going_on)
