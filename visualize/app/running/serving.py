"""Starts the server and ends it: what prevents a start is said in a sentence, and an end is prompt and leaves nothing behind."""

from __future__ import annotations

import errno
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

import gradio as gr

from ...page.words.sentences import Refused
from ...page.workbench import Workbench
from .housekeeping import keep_tidy
from .uploads import forget_broken_uploads, forget_killed_servers, keep_within, own_folder

UPLOADS = "GRADIO_TEMP_DIR"  # the environment variable with the folder for uploads
LOOK_SECONDS = 0.1  # interval at which the end is looked for
SWEEP_SECONDS = 60.0  # interval at which broken uploads are deleted
READY_SECONDS = (
    2.0  # for which the start waits, so that the first answer takes hardly longer than later ones; a slow model gets ready behind
)
BOUND_SECONDS = 5.0  # interval at which the oldest uploads are deleted if there are too many
STALE_SECONDS = 600.0  # without a byte more, after which an upload is broken off


def check_start(host: str, port: int) -> None:
    """Raises ValueError with a sentence if the server could not listen there, or there is no folder for what is uploaded."""
    try:
        if not 0 < port < 1 << 16:
            raise Refused("port_impossible", port=port)
        kind, _, _, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(kind, socket.SOCK_STREAM) as server:
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind(address)
            server.listen()
    except (OSError, UnicodeError) as error:
        number = error.errno if isinstance(error, OSError) else None
        key = "port_taken" if number == errno.EADDRINUSE else "port_forbidden" if number == errno.EACCES else "host_unknown"
        raise Refused(key, host=host, port=port) from error
    folder = os.environ.get(UPLOADS) or None
    try:
        if folder:
            os.makedirs(folder, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        raise Refused("no_temporary_folder", variable=UPLOADS if folder else "TMPDIR") from error


def serve(build: Callable[[], gr.Blocks], workbench: Workbench, host: str, port: int, settings: dict[str, Any]) -> int:
    """Serves a page until the program is asked to end, and returns the code to exit with.

    Uploads are in a folder of their own, which goes with the server, unless the environment names one. Raises ValueError.
    """
    asked: list[int] = []
    own = os.getpid()

    def end(number: int, frame: FrameType | None) -> None:
        if os.getpid() != own:  # a process that was forked to use a GPU
            os._exit(128 + number)
        asked.append(number)

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    forget_killed_servers()
    folder, mark = (None, None) if os.environ.get(UPLOADS) else own_folder()
    if folder:
        os.environ[UPLOADS] = folder
    demo = None
    try:
        ready = threading.Thread(target=workbench.get_ready, daemon=True)
        ready.start()
        demo = build()
        ready.join(READY_SECONDS)
        try:
            demo.launch(prevent_thread_lock=True, server_name=host, server_port=port, **settings)
        except OSError as error:  # somebody took the port meanwhile
            raise Refused("port_taken", port=port) from error
        threading.Thread(target=workbench.prepare, daemon=True).start()  # now, so that the page does not wait for it
        keep_tidy(demo, workbench)
        swept = bounded = time.monotonic()
        while demo.is_running and not asked:
            time.sleep(LOOK_SECONDS)
            if time.monotonic() - swept > SWEEP_SECONDS:
                forget_broken_uploads(STALE_SECONDS)
                swept = time.monotonic()
            if time.monotonic() - bounded > BOUND_SECONDS:
                keep_within()
                bounded = time.monotonic()
    finally:
        logging.disable()  # calls that are broken off now would be reported with tracebacks
        server = getattr(demo, "server", None)  # without one if the port was taken
        if demo is not None and server:
            server.force_exit = True  # open pages listen for as long as they are open
            demo.close(verbose=False)
        logging.disable(logging.NOTSET)
        workbench.close()
        for child in multiprocessing.active_children():
            child.kill()
            child.join()
        if folder:
            del os.environ[UPLOADS]
            shutil.rmtree(folder, ignore_errors=True)
        if mark is not None:
            os.close(mark)
        for each, handler in before.items():
            signal.signal(each, handler)
    return 128 + asked[0] if asked else 0


def leave(code: int) -> None:
    """Ends the program at once: threads that are still at work, such as a run that nobody waits for any more, are not waited for."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
