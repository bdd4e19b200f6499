"""A program that prints how many threads, besides those of Python, help it after computations in a lane and beside it, as JSON."""

import json
import multiprocessing
import os
import threading
import time

import torch

from visualize.page.models.lane import Lane, _pause

SECONDS = 10  # for threads that end to be gone


before = 0  # threads of libraries


def helpers():
    return len(os.listdir("/proc/self/task")) - threading.active_count() - before


def count():
    """Counts those that are not helpers."""
    global before
    before += helpers()


def use(threads):
    """Sets the number for this process, for which PyTorch itself may keep some."""
    torch.set_num_threads(threads)
    count()


def settled(count):
    """How many there are, once there are so many or time is up."""
    until = time.monotonic() + SECONDS
    while helpers() != count and time.monotonic() < until:
        time.sleep(0.01)
    return helpers()


def compute():
    given = torch.rand(1 << 21)
    torch.relu(given * given)


def computed(count):
    compute()
    return settled(count)


def in_child(lane, pipe):
    count()
    pipe.send(lane.run(computed, 2))


if __name__ == "__main__":
    use(3)
    lane, forked = Lane(), Lane()
    pipe, other = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=in_child, args=(forked, other))
    child.start()
    told = {"child": pipe.recv() if pipe.poll(60) else None}
    child.join()
    count()  # OpenBLAS ended its own for the fork
    lane.run(compute)
    told["can end"] = _pause().__class__.__name__ != "function"
    told["lane"] = settled(2)
    begun, end = threading.Event(), threading.Event()
    other = threading.Thread(target=lane.run, args=(lambda: begun.set() or end.wait(60),))
    other.start()
    begun.wait(60)
    told["caller, at work"] = lane.run(computed, 4)
    told["caller, afterwards"] = settled(2)
    end.set()
    other.join()
    del lane
    settled(0)
    use(2)
    lane = Lane()
    lane.run(compute)
    told["of fewer threads"] = settled(1)
    print(json.dumps(told))
