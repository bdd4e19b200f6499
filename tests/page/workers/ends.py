"""A program whose workers end, or are left, in the middle of things. With the argument "report" it prints what came of it as JSON; with
"killed" it ends as if it were killed, with an answer that nobody read and one that nobody can.
"""

import gc
import json
import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from visualize.page import workers as module
from visualize.page.workers import Workers

LARGE = 50_000_000  # bytes; more than a pipe holds


def process(made):
    return os.getpid()


def echo(made, value):
    return value


def much(made):
    return bytes(LARGE)


def sleep(made):
    time.sleep(600)


def each(workers):
    """Its processes, as each answers for itself."""
    found = []
    for worker in workers._workers:
        worker.connection.send_bytes(pickle.dumps((process, ())))
        found.append(pickle.loads(worker.connection.recv_bytes()))
    return found


def kill(process):
    """Returns when it has ended."""
    os.kill(process, signal.SIGKILL)
    with suppress(ChildProcessError):  # somebody else has seen it end
        os.waitid(os.P_PID, process, os.WEXITED | os.WNOWAIT)


def asked(workers, *arguments):
    with ThreadPoolExecutor(1) as threads:
        future = threads.submit(workers.run, *arguments)
        try:
            return future.result(20)
        except Exception as error:
            if not future.done():
                workers.close()  # or the thread would be waited for
            return type(error).__name__


def report():
    told = {}
    workers = Workers(2, dict)
    first, second = each(workers)
    kill(first)
    told["the other"] = asked(workers, process) == second
    kill(second)
    told["none"] = asked(workers, process)
    told["waiters"] = waiting()
    workers = Workers(2, dict)
    told["unsent"] = [asked(workers, lambda made: "cannot be pickled") is not None for _ in range(4)]
    told["unsent"].append(len(set(each(workers))))
    without_memory(workers._workers[0])
    told["no memory"] = [asked(workers, echo, "a"), asked(workers, echo, "b"), asked(workers, echo, "c")]
    told["shared"] = [gc.get_freeze_count() > 0]
    workers.close()
    told["shared"].append(gc.get_freeze_count() > 0)
    module.LONGEST_SECONDS = 0.2
    workers = Workers(2, dict)
    stopped, other = each(workers)
    os.kill(stopped, signal.SIGSTOP)
    told["too long"] = [asked(workers, process), asked(workers, process) == other, stopped in children()]
    workers.close()
    return told


def children():
    return [int(child) for path in Path("/proc/self/task").glob("*/children") for child in path.read_text().split()]


def waiting():
    """What becomes of ten who wait when the last worker ends."""
    workers = Workers(1, dict)
    (only,) = each(workers)
    with ThreadPoolExecutor(10) as threads:
        futures = [threads.submit(workers.run, sleep) for _ in range(10)]
        while workers.running < 10:
            time.sleep(0.01)
        kill(only)
        return sorted(type(future.exception(20)).__name__ for future in futures)


def without_memory(worker):
    """The next answer of this worker comes when there is no memory for it."""
    connection = worker.connection

    class Full:
        send_bytes, poll = staticmethod(connection.send_bytes), staticmethod(connection.poll)

        def recv_bytes(self):
            connection.poll(20)
            raise MemoryError

    worker.connection = Full()


def killed():
    workers = Workers(1, dict)
    thread = threading.Thread(target=asked, args=(workers, sleep))
    thread.start()
    while not workers.running:
        time.sleep(0.01)
    workers.close()
    thread.join()
    one, other = Workers(2, dict)._workers
    one.connection.send_bytes(pickle.dumps((echo, ("unread",))))
    one.connection.poll(20)
    other.connection.send_bytes(pickle.dumps((much, ())))
    other.connection.poll(20)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "killed":
        killed()
    print(json.dumps(report()))
