"""Runs that can be cancelled: nobody waits for what nobody wants, and nothing is left behind."""

import threading
import time

import pytest

from cvt.architecture.build import Cancelled
from visualize.page.jobs import REMEMBERED_RUNS, WAITING, Jobs, Step


def test_steps_come_on_the_way_and_the_result_at_the_end():
    go = threading.Event()

    def work(progress):
        progress("building")
        assert go.wait(5)
        progress("building", 0.5)
        time.sleep(0.25)
        return {"done": 1}

    told = []
    for step in Jobs().steps("run", work):
        told.append(step)
        go.set()
    assert told[0] == Step("building")
    assert Step("building", 0.5) in told
    assert told[-1] == {"done": 1}


def test_a_cancelled_run_ends_at_once_and_its_work_soon():
    jobs, noticed = Jobs(), threading.Event()

    def work(progress):
        try:
            while True:
                progress("building", 0.1)
                time.sleep(0.01)
        except Cancelled:
            noticed.set()
            raise

    steps = jobs.steps("run", work)
    next(steps)
    jobs.cancel("run")
    start = time.monotonic()
    with pytest.raises(Cancelled):
        for _ in steps:
            pass
    assert time.monotonic() - start < 1
    assert noticed.wait(2)


def test_a_run_that_is_cancelled_before_it_begins_never_works():
    jobs, worked = Jobs(count=1), []
    jobs.cancel("run")
    with pytest.raises(Cancelled):
        list(jobs.steps("run", lambda progress: worked.append(1)))
    assert list(jobs.steps("other", lambda progress: 3))[-1] == 3  # after whatever was in the line before it
    assert worked == []


def test_who_leaves_in_the_middle_is_noticed():
    ended = threading.Event()

    def work(progress):
        try:
            while True:
                progress("building")
                time.sleep(0.01)
        except Cancelled:
            ended.set()

    steps = Jobs().steps("run", work)
    next(steps)
    steps.close()
    assert ended.wait(2)


def test_runs_wait_in_line_and_a_cancelled_one_leaves_it():
    jobs, go = Jobs(count=1), threading.Event()
    first = threading.Thread(target=lambda: list(jobs.steps("first", lambda progress: go.wait(5))))
    first.start()
    second = jobs.steps("second", lambda progress: pytest.fail("it was cancelled while it waited"))
    assert next(second) == Step(WAITING)
    jobs.cancel("second")
    with pytest.raises(Cancelled):
        next(second)
    go.set()
    first.join(5)
    assert list(jobs.steps("third", lambda progress: 3))[-1] == 3


def test_what_fails_is_raised_to_whoever_waits():
    def work(progress):
        raise ValueError("Too large.")

    with pytest.raises(ValueError, match="Too large"):
        list(Jobs().steps("run", work))


def test_cancelled_names_are_forgotten_in_time():
    jobs = Jobs()
    for index in range(REMEMBERED_RUNS + 50):
        jobs.cancel(str(index))
    assert len(jobs._cancelled) == REMEMBERED_RUNS
