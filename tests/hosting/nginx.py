"""An nginx of its own on this machine: on a free port, in a temporary folder, without rights."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

EXECUTABLE = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin")
_MAIN = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  {http}
}}
"""


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(port: int) -> bool:
    """Whether somebody listens on this port of this machine."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def nginx(http: str, ports: Sequence[int]) -> Iterator[Path]:
    """Runs nginx with these lines inside its ``http`` block until the block ends; waits for the ports. Gives its folder, with error.log."""
    assert EXECUTABLE, "There is no nginx here: apt-get install nginx-light."
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # started by root, it works as nobody
        (folder / "nginx.conf").write_text(_MAIN.format(folder=folder, http=http), encoding="utf-8")
        command = [EXECUTABLE, "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        server = subprocess.Popen(command)
        try:
            while not all(map(answers, ports)):
                assert server.poll() is None, (folder / "error.log").read_text(encoding="utf-8")
                time.sleep(0.01)
            yield folder
        finally:
            server.terminate()
            server.wait()
