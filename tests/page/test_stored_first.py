"""Results that are at hand are given at once, however many that were dropped are being computed again."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

from starlette.applications import Starlette

from tests import serving
from visualize.page import workbench as workbench_module
from visualize.page.compute import compute
from visualize.page.routes import DRAWN, routes
from visualize.page.workbench import Workbench

THREADS = 40  # that Starlette has
SECONDS = 30  # for what takes a fraction of one, unless it waits for what only this test lets go on


@pytest.fixture
def pictures(tmp_path):
    """Pictures by name: of an example, and two of people's own."""
    made = {name: tmp_path / f"{name}.png" for name in ("example", "dropped", "stored")}
    for seed, path in enumerate(made.values()):
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (70, 90, 3), np.uint8)).save(path)
    return made


@pytest.fixture
def workbench(tmp_path, pictures):
    serving.save_random_model(tmp_path / "model", embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    return Workbench(str(tmp_path / "model"), "cpu", kept=[pictures["example"]])


def test_a_result_at_hand_does_not_wait_for_those_that_are_computed_again(workbench, pictures, monkeypatch):
    keys = {name: serving.explore(workbench, path.resolve()).key for name, path in pictures.items()}
    workbench.store.drop(lambda key: key != keys["stored"])  # the example's is in a file
    dropped, at_hand = keys.pop("dropped"), dict.fromkeys(keys.values(), 200) | {"unknown": 404}
    begun, go_on = threading.Semaphore(0), threading.Event()

    def held(*args):
        begun.release()
        go_on.wait()
        return compute(*args)

    monkeypatch.setattr(workbench_module, "compute", held)

    async def visits():
        transport = httpx.ASGITransport(Starlette(routes=routes(workbench)))
        async with httpx.AsyncClient(transport=transport, base_url="http://page") as client:
            paths = (f"/explorer/data/{dropped}", f"/explorer/data/{dropped}/0/0")
            waiting = [asyncio.create_task(client.get(path)) for path in paths for _ in range(THREADS)]
            try:
                for _ in range(DRAWN):
                    assert await asyncio.to_thread(begun.acquire, timeout=SECONDS)
                for key, status in at_hand.items():
                    for path in (f"/explorer/data/{key}", f"/explorer/data/{key}/0/0"):
                        answer = await asyncio.wait_for(client.get(path), SECONDS)
                        assert answer.status_code == status, path
                assert (await asyncio.wait_for(client.get("/models"), SECONDS)).status_code == 200  # which needs a thread, too
                assert not begun.acquire(blocking=False)  # no more than these take a thread
                assert not any(each.done() for each in waiting)
            finally:
                go_on.set()
            return [answer.status_code for answer in await asyncio.gather(*waiting)]

    with ThreadPoolExecutor(1) as thread:  # in this one a browser of other tests may have an event loop
        assert thread.submit(asyncio.run, visits()).result() == [200] * 2 * THREADS
