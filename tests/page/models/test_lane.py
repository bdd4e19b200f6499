"""Computations stay in one thread, whoever asks for them; what comes meanwhile is not kept waiting, and leaves no threads behind."""

import contextvars
import json
import os
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from subprocess import run

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

from cvt.architecture.build import Cancelled
from cvt.pictures import OpenedPicture, UnreadablePicture
from tests import serving
from tests.helpers import ROOT
from visualize.page.breaking.api import BreakingApi
from visualize.page.models import lane as module
from visualize.page.models.lane import Lane
from visualize.page.models.loader import Loader
from visualize.page.requests import Request
from visualize.page.words.sentences import Refused
from visualize.page.workbench import Workbench

PICTURE = OpenedPicture(Image.fromarray(np.random.default_rng(0).integers(0, 255, (70, 90, 3), np.uint8)))
SECONDS = 20  # after which a test gives up

word = contextvars.ContextVar("word", default="none")


def elsewhere(work, *arguments):
    """The answer of ``work`` in a thread of its own."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(work, *arguments).result(SECONDS)


@pytest.fixture
def lane():
    return Lane()


@pytest.fixture
def taken(lane):
    """The lane, while somebody else's work is in it."""
    begun, end = threading.Event(), threading.Event()

    def work():
        begun.set()
        assert end.wait(SECONDS)

    with ThreadPoolExecutor(1) as thread:
        future = thread.submit(lane.run, work)
        assert begun.wait(SECONDS)
        yield lane
        end.set()
        future.result(SECONDS)


def test_all_callers_work_is_in_one_thread_within_their_own_context(lane):
    def ask(value):
        word.set(value)
        return lane.run(lambda: (threading.get_ident(), word.get()))

    told = [elsewhere(ask, value) for value in ("one", "two")] + [ask("three")]
    assert [value for _, value in told] == ["one", "two", "three"]
    assert len({thread for thread, _ in told}) == 1
    assert told[0][0] != threading.get_ident()
    assert lane.run(divmod, 7, 4) == (1, 3)
    assert lane.run(sorted, [1, 2], reverse=True) == [2, 1]


def test_two_at_once_both_go_on(lane):
    met = threading.Barrier(2, timeout=SECONDS)

    def work():
        met.wait()
        return threading.get_ident()

    with ThreadPoolExecutor(2) as threads:
        found = [each.result(SECONDS) for each in [threads.submit(lane.run, work) for _ in range(2)]]
    assert len(set(found)) == 2
    assert lane.run(threading.get_ident) in found  # it is free again


def test_what_comes_meanwhile_is_in_its_callers_thread_which_ends_its_helpers(taken, monkeypatch):
    ended = []
    monkeypatch.setattr(module, "_pause", lambda: lambda kind: ended.append(threading.get_ident()))
    assert taken.run(threading.get_ident) == threading.get_ident()
    with pytest.raises(KeyError, match="gone"):
        taken.run({}.__getitem__, "gone")
    assert ended == [threading.get_ident()] * 2
    assert taken.run(taken.run, taken.run, threading.get_ident) == threading.get_ident()
    assert len(ended) == 3  # once, when all is done


def test_work_within_work_is_in_the_same_thread(lane):
    assert len(set(lane.run(lambda: [threading.get_ident(), lane.run(threading.get_ident), Lane().run(threading.get_ident)]))) == 1


@pytest.mark.parametrize("error", [Refused("no_picture"), Cancelled(), UnreadablePicture("no picture"), KeyboardInterrupt()])
def test_what_work_raises_comes_out_as_it_is_and_keeps_nothing(lane, error):
    kept = []

    def fail():
        large = np.zeros(3)
        kept.append(weakref.ref(large))
        raise error

    for _ in range(2):
        with pytest.raises(type(error)) as found:
            lane.run(fail)
        assert found.value is error
        del found
    error.__traceback__ = None
    assert [each() for each in kept] == [None, None]  # without a collection


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A workbench, and the threads in which its model was loaded."""
    folder, threads = tmp_path_factory.mktemp("model"), []
    serving.save_random_model(folder, embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    with pytest.MonkeyPatch.context() as patch:
        load = Loader.load
        patch.setattr(Loader, "load", lambda *asked: threads.append(threading.get_ident()) or load(*asked))
        return Workbench(str(folder), "cpu", [next((ROOT / "examples").glob("*.jpg"))]), threads


def test_a_model_is_loaded_and_runs_in_one_thread(loaded):
    workbench, threads = loaded
    hook = workbench.loaded().model.register_forward_hook(lambda *given: threads.append(threading.get_ident()))
    request = Request(model=workbench.names[0], picture=PICTURE)
    key = elsewhere(workbench.explore, request).key
    elsewhere(workbench.classes, request)
    elsewhere(workbench.prepare)
    elsewhere(BreakingApi(workbench).answer, "importance", {"key": key})
    elsewhere(workbench.inside_payload, key, 1, 0)
    hook.remove()
    assert len(threads) > 3
    assert set(threads) == {workbench.lane.run(threading.get_ident)}


def test_so_are_results_drawn_and_variants_built(loaded, monkeypatch):
    workbench, _ = loaded
    asked, run = [], workbench.lane.run
    key = workbench.explore(Request(model=workbench.names[0], picture=PICTURE)).key
    monkeypatch.setattr(workbench.lane, "run", lambda work, *more, **named: asked.append(work.__name__) or run(work, *more, **named))
    assert workbench.payload(key)
    assert workbench.block_payload(key, 0, 0)
    workbench.loaded().model_of(Request(model=workbench.names[0], picture="", weights="random", seed=3))
    assert asked == ["payload", "block_payload", "<lambda>"]


def test_a_cancelled_run_leaves_the_lane_to_the_next(loaded):
    workbench, _ = loaded

    def progress(step, share):
        raise Cancelled

    with pytest.raises(Cancelled):
        workbench.explore(Request(model=workbench.names[0], picture=PICTURE, seed=1), progress)
    assert workbench.lane.run(threading.get_ident) != threading.get_ident()


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads as Linux lists them")
def test_only_the_lane_keeps_helpers_also_in_a_forked_process():
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "tests.page.models.helpers_left"]
    ended = run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    if not told["can end"]:
        pytest.skip("this OpenMP cannot end its threads")
    assert told["lane"] == 2
    assert told["caller, at work"] == 4
    assert told["caller, afterwards"] == 2
    assert told["of fewer threads"] == 1
    assert told["child"] == 2
