"""The app in its own process: time to the first answer, and memory when idle."""

from __future__ import annotations

import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .memory import ROOT, resident
from .paired import Pairs, pairs, seconds
from .pictures import photograph
from .rows import Row, amount, longer

SECONDS_TO_START = 120  # time limit for the app's first answer
QUIET = 2.0  # seconds almost without work after which a process is idle
LATER = 5  # later answers to compare the first with
IMPORTS = "import torch, gradio"


@dataclass(frozen=True)
class App:
    """A running app."""

    address: str
    process: int


@contextmanager
def started(device: str, options: Sequence[str] = ()) -> Iterator[App]:
    """Starts the app on a free port; the block begins when its page has been answered once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "app.py", "--port", str(port), "--device", device, *options]
    app = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers(f"http://127.0.0.1:{port}/"):
            if app.poll() is not None:
                raise RuntimeError(f"app.py ended before it answered: {app.stderr.read().decode(errors='replace').strip()[-300:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"app.py has not answered within {SECONDS_TO_START} seconds.")
            time.sleep(0.01)
        yield App(f"http://127.0.0.1:{port}/", app.pid)
    finally:
        app.kill()
        app.communicate()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=10) as response:
            return response.status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def import_libraries() -> None:
    subprocess.run([sys.executable, "-c", IMPORTS], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def starting(rounds: int, device: str = "cpu", options: Sequence[str] = ()) -> Pairs:
    """Whole processes: Python importing torch and gradio, and ``python app.py`` until its page is served."""

    def first_page() -> None:
        with started(device, options):
            pass

    return pairs(import_libraries, first_page, rounds, warmup=1)


def answering(rounds: int, device: str = "cpu", options: Sequence[str] = ()) -> Pairs:
    """The median of some later answers of ``/predict``, and the first after a start; every round in a new process."""
    from gradio_client import Client, handle_file

    first, later = [], []
    with tempfile.TemporaryDirectory() as folder:
        pictures = []
        for number in range(1 + LATER):  # all different, and none with a precomputed result
            pictures.append(Path(folder) / f"{number}.jpg")
            photograph().rotate(1 + number).save(pictures[-1], quality=90)
        for _ in range(rounds):
            with started(device, options) as app:
                ask = partial(Client(app.address, verbose=False).predict, api_name="/predict")
                taken = [seconds(partial(ask, handle_file(str(path)))) for path in pictures]
            first.append(taken[0])
            later.append(statistics.median(taken[1:]))
    return Pairs(tuple(later), tuple(first))


def idle_memory(device: str = "cpu", options: Sequence[str] = ()) -> tuple[int, int]:
    """Bytes: of Python with torch and gradio imported, and of the app when idle after its start."""
    program = f"{IMPORTS}; import sys; print(flush=True); sys.stdin.read()"
    libraries = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        libraries.stdout.readline()
        base = resident(libraries.pid)
    finally:
        libraries.kill()
        libraries.communicate()
    with started(device, options) as app:
        wait_until_idle(app.process)
        return base, memory_taken(app.process)


def wait_until_idle(process: int) -> None:
    """Returns when the process has used less than a tenth of a processor for QUIET seconds; Gradio's own polling takes half of that."""
    while True:
        before = processor_ticks(process)
        time.sleep(QUIET)
        if processor_ticks(process) - before < 10 * QUIET:  # ticks are hundredths of a second
            return


def processor_ticks(process: int) -> int:
    """Of the process and its workers."""
    return sum(_ticks(each) for each in (process, *workers(process)))


def _ticks(process: int) -> int:
    values = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return int(values[11]) + int(values[12])


def workers(process: int) -> list[int]:
    """The processes that it forked; those that open pictures, which it started, run another program."""
    command = Path(f"/proc/{process}/cmdline").read_bytes()
    found = [int(each) for path in Path(f"/proc/{process}/task").glob("*/children") for each in path.read_text().split()]
    return [each for each in found if Path(f"/proc/{each}/cmdline").read_bytes() == command]


def memory_taken(process: int) -> int:
    """Bytes of memory of the process, and of its workers what they do not share."""
    return resident(process) + sum(_own(each) for each in workers(process))


def _own(process: int) -> int:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(("Private_Clean", "Private_Dirty")))


def rows(device: str, share: float, options: Sequence[str] = ()) -> Iterator[Row]:
    """Start, first answer, and memory; ``share`` of the usual number of rounds."""
    yield longer("start: python app.py until its page is served", IMPORTS, starting(max(2, round(7 * share)), device, options), 1.3)
    yield longer("first answer of /predict after a start", "a later one", answering(max(2, round(4 * share)), device, options), 2.0)
    if not Path("/proc/self/status").exists():
        yield Row("idle memory of the app", "not measured: this system does not report a process's memory")
        return
    base, app = idle_memory(device, options)
    told = f"{app / base:.2f} × as much as {IMPORTS} ({app / 1e6:.0f} MB against {base / 1e6:.0f} MB)"
    yield amount("idle memory of the app", told, app / base, "≤ 1.25 × as much", 1.25)
