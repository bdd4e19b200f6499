"""Runs that can be cancelled: nobody waits for what nobody wants, and nothing is left behind."""

import itertools
import threading

import pytest

from cvt.architecture.build import Cancelled
from visualize.page.jobs import REMEMBERED_RUNS, WAITING, Jobs, Step


def test_steps_come_on_the_way_and_the_result_at_the_end():
    go, end = threading.Event(), threading.Event()

    def work(progress):
        progress("building")
        assert go.wait(5)
        progress("building", 0.5)
        assert end.wait(5)
        return {"done": 1}

    told = []
    for step in Jobs().steps("run", work):
        told.append(step)
        if step == Step("building"):
            go.set()
        elif step == Step("building", 0.5):
            end.set()
    assert [step for step, _ in itertools.groupby(told) if step != Step(WAITING)] == [Step("building"), Step("building", 0.5), {"done": 1}]


class Work:
    """Work that reports a step, then waits to be let go, and reports again; ``cancelled`` is set if it is cancelled there."""

    def __init__(self):
        self.go, self.cancelled = threading.Event(), threading.Event()

    def __call__(self, progress):
        progress("building", 0.1)
        assert self.go.wait(10)
        try:
            progress("building", 0.2)
        except Cancelled:
            self.cancelled.set()
            raise


def wait_for_its_step(steps):
    """Until the thread of a ``Work`` is at it."""
    assert next(step for step in steps if step != Step(WAITING)) == Step("building", 0.1)


def test_a_cancelled_run_ends_without_its_work_which_ends_at_its_next_step():
    jobs, work = Jobs(), Work()
    steps = jobs.steps("run", work)
    wait_for_its_step(steps)
    jobs.cancel("run")
    with pytest.raises(Cancelled):
        list(steps)
    assert not work.cancelled.is_set()
    work.go.set()
    assert work.cancelled.wait(10)


def test_a_run_that_is_cancelled_before_it_begins_never_works():
    jobs, worked = Jobs(count=1), []
    jobs.cancel("run")
    with pytest.raises(Cancelled):
        list(jobs.steps("run", lambda progress: worked.append(1)))
    assert list(jobs.steps("other", lambda progress: 3))[-1] == 3  # after whatever was in the line before it
    assert worked == []


def test_who_leaves_in_the_middle_is_noticed():
    work = Work()
    steps = Jobs().steps("run", work)
    wait_for_its_step(steps)
    steps.close()
    work.go.set()
    assert work.cancelled.wait(10)


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
