"""Reads untrusted pictures in child processes, with limits on memory and time.

    decoder = Decoder()
    decoder.read("upload.jp2")    # an OpenedPicture, or raises UnreadablePicture

A few hundred bytes can make a decoder allocate gigabytes or run for hours, and a process hardly gives memory back. So a
server decodes in child processes (``python -m cvt.pictures.decoding``). A child imports only Pillow and NumPy, inherits no
connections or secrets from the server, and is killed and replaced when it exceeds its limits, so that the worst picture ends
in an error message. Trusted pictures need no decoder: ``open_picture`` reads them in this process.
"""

from __future__ import annotations

import io
import json
import math
import os
import queue
import signal
import struct
import subprocess
import sys
import threading
import time
import weakref
from contextlib import suppress
from dataclasses import asdict, astuple, dataclass
from pathlib import Path
from typing import BinaryIO, cast

from PIL import Image

from .common.bounds import UnreadablePicture
from .common.notes import Note
from .reading import OpenedPicture, read_picture

try:
    import resource

    HAS_LIMITS = True
except ImportError:  # Windows has no such limits, so children are not used
    HAS_LIMITS = False

PICTURES_PER_CHILD = 200  # read by one child, which then makes room for a fresh one: what a library leaks does not add up
PEAK_BYTES = 512 << 20  # a child whose peak was higher is replaced too: freed memory does not always return to the system
STRIP_BYTES = 1 << 20  # pixels sent at a time: a buffer for a whole picture would double its memory
TOO_LONG = "This picture takes too long to read. Save it as an ordinary JPEG or PNG and try again."
TOO_MUCH = "This picture takes too much memory to read. Make it smaller, or save it as an ordinary JPEG or PNG, and try again."
BROKEN_OFF = "This picture could not be read. Save it as an ordinary JPEG or PNG and try again."

_COMMAND = ("-m", "cvt.pictures.decoding")
_ROOT = Path(__file__).parents[2]
_REQUEST = struct.Struct("<?Q")  # is it a path (or the file's bytes)?, length in bytes
_ANSWER = struct.Struct("<??IIQ")  # is it a picture?, does the child exit now?, width, height, length of notes or message
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LANG", "TMPDIR")  # environment variables for the child; no tokens


@dataclass(frozen=True)
class Limits:
    """Limits for one picture: bytes of memory beyond an idle child's, seconds of CPU time, and seconds of wall-clock time.

    The largest allowed pictures take less than half of the memory and a quarter of the CPU time; two such children and the
    server fit into 16 GB. The wall-clock limit is for a child that hangs; it is generous, because a busy machine may be slow
    on a good picture.
    """

    memory: int = 2 << 30
    computing: int = 10
    clock: float = 45.0


class Decoder:
    """Reads pictures in at most ``count`` child processes; any number of threads may call it, and queue for a child.

    Children start when first needed, or by ``start``, are reused, and end with the decoder or this process: an idle one at once, a busy one
    at its picture's time limit. On systems without such limits (Windows), pictures are read in this process.
    """

    def __init__(self, count: int = 2, limits: Limits = Limits()):
        self.limits = limits
        self._idle: queue.LifoQueue[_Child | None] = queue.LifoQueue()  # running children are reused first
        self._children: weakref.WeakSet[_Child] = weakref.WeakSet()
        for _ in range(count):
            self._idle.put(None)

    def start(self) -> None:
        """Starts a child if none is running, so that the first picture does not wait for it."""
        if HAS_LIMITS:
            child = self._idle.get()
            try:
                child = child if child is not None and child.alive else self._child()
            finally:
                self._idle.put(child)

    def close(self) -> None:
        """Ends all children at once, whatever they are reading; a picture that is given later starts another one."""
        for child in list(self._children):
            child.end()

    def read(self, source: str | Path | bytes) -> OpenedPicture:
        """The picture in a file, or in a file's bytes, as ``read_picture`` reads it.

        Raises:
            UnreadablePicture: as ``read_picture``, or the picture takes more than the limits allow.
        """
        if not HAS_LIMITS:
            return read_picture(source)
        child = self._idle.get()
        try:
            if child is None or not child.alive:
                child = self._child()
            picture = child.read(source)
            if not child.alive:
                child = self._child()  # now, so that the next picture does not wait for it
            return picture
        finally:
            self._idle.put(child)

    def _child(self) -> _Child:
        child = _Child(self.limits)
        self._children.add(child)
        return child


class _Child:
    """One child process, used by one thread at a time."""

    def __init__(self, limits: Limits):
        self._limits = limits
        self._leaves = False  # the child announced that this was its last picture
        self._between = True  # no answer is partly read
        variables = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self._process = subprocess.Popen(
            [sys.executable, *_COMMAND, *map(str, astuple(limits))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={**variables, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # so that Ctrl-C in a terminal reaches only the server
        )
        self._asked, self._answers = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        weakref.finalize(self, _end, self._process)

    @property
    def alive(self) -> bool:
        return self._between and not self._leaves and self._process.poll() is None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()

    def read(self, source: str | Path | bytes) -> OpenedPicture:
        """As ``Decoder.read``. After an answer that broke off, on either side, the child is no longer ``alive``: the rest of it
        must not end up in another person's picture."""
        self._between = False
        late = threading.Event()

        def kill() -> None:
            late.set()
            self._process.kill()

        timer = threading.Timer(self._limits.clock, kill)
        timer.start()
        try:
            _send(self._asked, source)
            good, self._leaves, *size, length = _ANSWER.unpack(_exactly(self._answers, _ANSWER.size))
            about = _exactly(self._answers, length).decode()
            image = _image(self._answers, *size) if good else None
            notes = [Note(**note) for note in json.loads(about)] if good else []
            self._between = True
        except Exception as error:
            self._process.kill()
            died_of = -self._process.wait()
            raise UnreadablePicture(TOO_LONG if late.is_set() or died_of == signal.SIGXCPU else BROKEN_OFF) from error
        finally:
            timer.cancel()
        if image is None:
            raise UnreadablePicture(about)
        return OpenedPicture(image, tuple(notes))


def _image(pipe: BinaryIO, width: int, height: int) -> Image.Image:
    image = Image.new("RGB", (width, height))
    for top, rows in _strips(width, height):
        pixels = _exactly(pipe, 3 * width * rows)
        image.paste(Image.frombuffer("RGB", (width, rows), pixels, "raw", "RGB", 0, 1), (0, top))
    return image


def _end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()
    for pipe in filter(None, (process.stdin, process.stdout)):
        pipe.close()


def _send(pipe: BinaryIO, source: str | Path | bytes) -> None:
    content = source if isinstance(source, bytes) else os.fsencode(os.path.abspath(source))
    pipe.write(_REQUEST.pack(content is not source, len(content)))
    pipe.write(content)
    pipe.flush()


def _exactly(pipe: BinaryIO, count: int) -> bytes:
    content = pipe.read(count)
    if len(content) < count:
        raise EOFError
    return content


def _strips(width: int, height: int) -> list[tuple[int, int]]:
    """(first row, rows) of the strips in which a picture's pixels are sent."""
    step = max(1, STRIP_BYTES // (3 * width))
    return [(top, min(step, height - top)) for top in range(0, height, step)]


def main(given: list[str]) -> None:
    """Runs a child: reads requests and sends pixels until its input ends. ``given``: the fields of its ``Limits``."""
    memory, computing, clock = given
    limits = Limits(int(memory), int(computing), float(clock))
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # so that output printed by a library does not end up in an answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit(resource.RLIMIT_AS, _address_space() + limits.memory)
    left = PICTURES_PER_CHILD
    while len(head := requests.read(_REQUEST.size)) == _REQUEST.size:
        # the parent enforces the limit; this ends a child whose parent is gone
        signal.setitimer(signal.ITIMER_REAL, limits.clock + 5)
        _limit(resource.RLIMIT_CPU, math.ceil(time.process_time()) + limits.computing)
        is_path, length = _REQUEST.unpack(head)
        content = requests.read(length)
        left -= 1
        if _answer(answers, os.fsdecode(content) if is_path else content, limits, last=not left):
            return
        signal.setitimer(signal.ITIMER_REAL, 0)


def _answer(pipe: BinaryIO, source: str | bytes, limits: Limits, last: bool) -> bool:
    """Reads one picture and sends the result. Returns whether it was this child's last one."""
    try:
        picture = read_picture(source if isinstance(source, str) else io.BytesIO(source))
        good, size, about = True, picture.image.size, json.dumps([asdict(note) for note in picture.notes])
    except UnreadablePicture as error:  # a library that runs out of memory reports a damaged file
        good, size, about = False, (0, 0), TOO_MUCH if _peak() > 0.9 * limits.memory else str(error)
    except MemoryError:
        good, size, about = False, (0, 0), TOO_MUCH
    except Exception:
        good, size, about = False, (0, 0), BROKEN_OFF
    last = last or _peak() > PEAK_BYTES
    pipe.write(_ANSWER.pack(good, last, *size, len(about.encode())))
    pipe.write(about.encode())
    for top, rows in _strips(*size) if good else ():
        pipe.write(picture.image.crop((0, top, size[0], top + rows)).tobytes())
    pipe.flush()
    return last


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    with suppress(ValueError, OSError):  # macOS does not support a limit on address space
        resource.setrlimit(kind, (value, hard))


def _address_space() -> int:
    """Bytes of address space in use by this process."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux
        return 1 << 30


def _peak() -> int:
    """Peak memory of this process in bytes."""
    with suppress(OSError, ValueError, IndexError):  # not getrusage: on Linux it includes the parent's memory at the start
        return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


if __name__ == "__main__":
    main(sys.argv[1:])
