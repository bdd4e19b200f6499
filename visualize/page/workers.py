"""Processes that run models while this one runs another, so that many people are answered by all cores.

The threads of one Python program take turns, those that answer requests with those that run models; processes do not. Each worker is forked
before anything is loaded, loads a model when it is first asked for one, and runs one pass at a time. Who is alone is answered by this
process, with all cores and without anything being sent.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import pickle
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

import torch

from .lent.task import portable
from .models.room import cores, memory_of
from .prepared import give_back_memory
from .words.sentences import Refused

MOST = 4  # workers; each holds the models that it runs
ENOUGH_BYTES = 4_000_000_000  # of memory; a worker takes 0.1 to 0.3 GB
IDLE_SECONDS = 30.0  # without work, after which a worker gives memory back
LONGEST_SECONDS = 300.0  # that an answer may take, after which its worker is ended
NICE = 10  # of a worker: requests that take no pass are answered first

log = logging.getLogger("cvt_explorer")


class NoWorker(LookupError):
    """None is left, or the one that was asked does not have what the work needs."""


def suggested() -> int:
    """How many workers pay on this machine: none on a single core or with little memory, nor where forking a process is not safe."""
    if sys.platform != "linux" or cores() == 1 or memory_of(torch.device("cpu")) < ENOUGH_BYTES:
        return 0
    return min(MOST, cores())


class Workers:
    """A number of processes; thread-safe. They end with this process, or by ``close``.

    Args:
        count: how many; fewer where the system gives no more.
        make: called in a worker before its first work; returns what that gets as its first argument.
    """

    def __init__(self, count: int, make: Callable[[], Any]):
        self._idle: queue.SimpleQueue[_Worker | None] = queue.SimpleQueue()
        self._workers: list[_Worker] = []
        self._closed = False
        gc.freeze()  # until the end: a collection, in a worker or in this process, would copy the memory that they share
        try:
            while len(self._workers) < count:
                self._workers.append(_Worker(make, max(1, cores() // count), self._workers))
        except OSError as error:  # this account may have no more processes, or open files
            log.warning("%d of %d workers could be started: %s", len(self._workers), count, error)
        for each in self._workers:
            self._idle.put(each)
        if not self._workers:
            gc.unfreeze()
            self._idle.put(None)
        self._left, self._running, self._lock = len(self._workers), 0, threading.Lock()

    @property
    def running(self) -> int:
        """How many are at work, or asked for."""
        return self._running

    def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """``work(made, *arguments)`` in a worker, once one is free; both ways everything is pickled.

        Raises:
            NoWorker: none is left, or the worker could not make what the work is given. ValueError: the worker ended at this work, or took
            too long; it is not tried again, since it may have been too much for this machine. Also whatever the work raises.
            A worker that ended before is noticed now, and another one asked.
        """
        with self._lock:
            self._running += 1
        try:
            return self._run(work, arguments)
        finally:
            with self._lock:
                self._running -= 1

    def _run(self, work: Callable[..., Any], arguments: Sequence[Any]) -> Any:
        found = pickle.loads(self._answer(work, arguments))
        if isinstance(found, BaseException):
            raise found
        return found

    def _answer(self, work: Callable[..., Any], arguments: Sequence[Any]) -> bytes:
        while True:
            worker = self._idle.get()
            if worker is None:
                self._idle.put(None)  # for the next who waits
                raise NoWorker
            begun = sent = False
            try:
                asked = pickle.dumps((work, arguments), pickle.HIGHEST_PROTOCOL)  # not while this waited: it takes as much as a picture
                begun = True
                worker.connection.send_bytes(asked)
                sent = True
                del asked
                if not worker.connection.poll(LONGEST_SECONDS):
                    raise TimeoutError  # an OSError: as if it had ended
                answer = worker.connection.recv_bytes()
            except (EOFError, OSError) as error:
                self._lost(worker)
                if sent:
                    raise Refused("worker_gone") from error
            except BaseException:  # such as no memory
                if begun:  # what is left in the pipe would be taken for the answer to the next request
                    self._lost(worker)
                else:
                    self._idle.put(worker)
                raise
            else:
                self._idle.put(worker)
                return answer

    def _lost(self, worker: _Worker) -> None:
        worker.end()
        with self._lock:
            self._left -= 1
            if not self._closed:
                log.error("a worker ended; %d left", self._left)
            if not self._left:
                self._idle.put(None)

    def close(self) -> None:
        """Ends them at once, whatever they do."""
        self._closed = True
        for worker in self._workers:
            worker.end()
        gc.unfreeze()


class _Worker:
    """One process, used by one thread at a time."""

    def __init__(self, make: Callable[[], Any], threads: int, before: Sequence[_Worker]):
        self.connection, other = multiprocessing.Pipe()
        not_its = [self.connection, *(each.connection for each in before)]
        context = multiprocessing.get_context("fork")
        self._process = context.Process(target=_work, args=(other, not_its, make, threads), daemon=True)
        self._process.start()
        other.close()

    def end(self) -> None:
        self._process.kill()
        self._process.join()


def _work(connection: Connection, not_its: Sequence[Connection], make: Callable[[], Any], threads: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is meant for the server, whose end is this process's
    os.nice(NICE)
    for each in not_its:  # or this process would keep its own pipe, and others', open
        each.close()
    # OpenMP's threads do not survive a fork: a thread of this process begins with new ones, which the forked one itself would not
    thread = threading.Thread(target=_begin, args=(connection, make, threads), daemon=True)
    thread.start()
    thread.join()


def _begin(connection: Connection, make: Callable[[], Any], threads: int) -> None:
    torch.set_num_threads(threads)
    with suppress(EOFError, OSError):  # the server ended, maybe in the middle of a request or an answer
        _answer_all(connection, make)


def _answer_all(connection: Connection, make: Callable[[], Any]) -> None:
    made, idle = None, True
    while True:
        if not idle and not connection.poll(IDLE_SECONDS):
            give_back_memory()
            idle = True
        asked = connection.recv_bytes()
        idle = False
        try:
            made = made or _made(make)
            work, arguments = pickle.loads(asked)
            asked = b""  # it takes as much memory as the picture
            answer = pickle.dumps(work(made, *arguments), pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            answer = pickle.dumps(portable(error), pickle.HIGHEST_PROTOCOL)
        connection.send_bytes(answer)
        answer, work, arguments = b"", None, ()  # while this waits, they would take memory


def _made(make: Callable[[], Any]) -> Any:
    try:
        return make()
    except Exception as error:
        log.warning("a worker could not begin: %s", error)
        raise NoWorker from error
