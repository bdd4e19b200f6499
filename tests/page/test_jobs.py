"""Runs that can be cancelled: nobody waits for what nobody wants, and nothing is left behind."""

import threading
import time

import pytest

from cvt.architecture.build import Cancelled
from visualize.page.jobs import REMEMBERED, Trials


def test_words_come_on_the_way_and_the_result_at_the_end():
    go = threading.Event()

    def work(tell):
        tell("Building")
        assert go.wait(5)
        tell("Building", 0.5)
        time.sleep(0.25)
        return {"done": 1}

    told = []
    for step in Trials().steps("run", work):
        told.append(step)
        go.set()
    assert told[0] == "Building …"
    assert "Building, 50% …" in told
    assert told[-1] == {"done": 1}


def test_a_cancelled_run_ends_at_once_and_its_work_soon():
    trials, noticed = Trials(), threading.Event()

    def work(tell):
        try:
            while True:
                tell("Building", 0.1)
                time.sleep(0.01)
        except Cancelled:
            noticed.set()
            raise

    steps = trials.steps("run", work)
    next(steps)
    trials.cancel("run")
    start = time.monotonic()
    with pytest.raises(Cancelled):
        for _ in steps:
            pass
    assert time.monotonic() - start < 1
    assert noticed.wait(2)


def test_a_run_that_is_cancelled_before_it_begins_never_works():
    trials, worked = Trials(count=1), []
    trials.cancel("run")
    with pytest.raises(Cancelled):
        list(trials.steps("run", lambda tell: worked.append("run")))
    assert list(trials.steps("other", lambda tell: 3))[-1] == 3  # the only thread would have done the other's work first
    assert worked == []


def test_who_leaves_in_the_middle_is_noticed():
    ended = threading.Event()

    def work(tell):
        try:
            while True:
                tell("Building")
                time.sleep(0.01)
        except Cancelled:
            ended.set()

    steps = Trials().steps("run", work)
    next(steps)
    steps.close()
    assert ended.wait(2)


def test_runs_wait_in_line_and_a_cancelled_one_leaves_it():
    trials, go = Trials(count=1), threading.Event()
    first = threading.Thread(target=lambda: list(trials.steps("first", lambda tell: go.wait(5))))
    first.start()
    second = trials.steps("second", lambda tell: pytest.fail("it was cancelled while it waited"))
    assert next(second) == "Waiting in line …"
    trials.cancel("second")
    with pytest.raises(Cancelled):
        next(second)
    go.set()
    first.join(5)
    assert list(trials.steps("third", lambda tell: 3))[-1] == 3


def test_what_fails_is_raised_to_whoever_waits():
    def work(tell):
        raise ValueError("Too large.")

    with pytest.raises(ValueError, match="Too large"):
        list(Trials().steps("run", work))


def test_cancelled_names_are_forgotten_in_time():
    trials = Trials()
    for index in range(REMEMBERED + 50):
        trials.cancel(str(index))
    assert len(trials._cancelled) == REMEMBERED
