"""How the server starts and ends: what prevents a start is said in a sentence, and an end is prompt and leaves nothing behind."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("gradio")

import gradio as gr

from tests import serving
from tests.helpers import ROOT, WITHOUT
from tests.hosting.dockerfile import copy_into
from tests.hosting.nginx import free_port
from visualize.app.running.serving import UPLOADS, check_start, serve
from visualize.app.running.uploads import forget_killed_servers, own_folder

# The server twice in one program, which takes longer to start than to serve: it says how the first one ended, and exits as the second.
PROGRAM = """
import app
leave, app.leave = app.leave, lambda code: print("ended", code, flush=True)
app.main()
app.leave = leave
app.main()
"""
ENDED = ""  # the line after the last one


@pytest.fixture
def taken():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def said(host, port):
    with pytest.raises(ValueError) as found:  # noqa: PT011 -- compared as a whole
        check_start(host, port)
    return str(found.value)


def test_an_address_that_cannot_be_served_is_said_before_anything_is_loaded(taken, monkeypatch):
    port = free_port()
    check_start("127.0.0.1", port)
    check_start("localhost", port)
    assert said("127.0.0.1", taken) == f"port {taken} is taken by another program. End that one, or choose another with --port."
    assert said("0.0.0.0", taken) == said("127.0.0.1", taken)
    for impossible in (0, 65536, -1):
        assert said("127.0.0.1", impossible) == f"{impossible} is no port. Choose one from 1 to 65535 with --port."
    for unknown in ("203.0.113.9", "no such name", "a" * 70 + ".example"):
        assert said(unknown, port) == f"{unknown} is no address of this machine. Choose 127.0.0.1 or 0.0.0.0 with --host."

    def forbidden(*given):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", forbidden)
    assert said("127.0.0.1", 80) == "port 80 may not be used by this account. Choose one from 1024 on with --port."


def test_a_port_that_is_taken_while_the_page_is_built_is_said_and_everything_ends(taken, monkeypatch):
    monkeypatch.delenv(UPLOADS, raising=False)
    ended, folders = [], []
    workbench = SimpleNamespace(get_ready=lambda: None, close=lambda: ended.append(True))

    def build():
        folders.append(Path(os.environ[UPLOADS]))
        with gr.Blocks(analytics_enabled=False) as demo:
            return demo

    with pytest.raises(ValueError, match=f"^port {taken} is taken by another program"):
        serve(build, workbench, "127.0.0.1", taken, {"quiet": True})
    assert ended
    assert not folders[0].exists()
    assert UPLOADS not in os.environ


def test_pictures_that_a_killed_server_left_go_at_the_next_start_and_those_of_others_stay(tmp_path, monkeypatch):
    pytest.importorskip("fcntl")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folders = [own_folder() for _ in range(2)]
    for folder, _ in folders:
        Path(folder, "picture").write_bytes(b"mine")
    os.close(folders[0][1])  # as the system does for a process that is killed
    forget_killed_servers()
    assert [Path(folder).exists() for folder, _ in folders] == [False, True]
    os.close(folders[1][1])


def test_without_a_folder_for_uploads_that_is_said(monkeypatch, tmp_path):
    port = free_port()
    monkeypatch.setenv(UPLOADS, os.devnull)  # in which not even an administrator can write a file
    sentence = "there is no folder for temporary files, or no room in it. Set {} to one that can be written."
    assert said("127.0.0.1", port) == sentence.format(UPLOADS)
    monkeypatch.setenv(UPLOADS, str(tmp_path / "new"))
    check_start("127.0.0.1", port)
    monkeypatch.delenv(UPLOADS)
    monkeypatch.setattr(tempfile, "tempdir", os.devnull)
    assert said("127.0.0.1", port) == sentence.format("TMPDIR")


class Server:
    """The program above in the folder of the Docker image, with its folder for temporary files."""

    def __init__(self, model, image, folder):
        port = free_port()
        self.folder, self.address, self.lines, self.found = folder, f"http://127.0.0.1:{port}", [], threading.Condition()
        environment = {
            **os.environ,
            "TMPDIR": str(folder),
            "HF_HUB_OFFLINE": "1",
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "tests/page/lent/zerogpu", WITHOUT))),
            "SPACES_ZERO_GPU": "true",
        }
        environment.pop(UPLOADS, None)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "--model", model, "--port", str(port)],
            cwd=image,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in chain(self.process.stdout, [ENDED]):
            with self.found:
                self.lines.append(line)
                self.found.notify_all()

    def says(self, start, times=1):
        def said():
            return sum(line.startswith(start) for line in self.lines) >= times

        with self.found:
            self.found.wait_for(lambda: said() or ENDED in self.lines, 120)
            assert said(), self.lines

    def send(self, path, body, kind):
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/gradio_api/{path}", body, {"Content-Type": kind})) as answer:
            return json.load(answer)

    def visit(self):
        """Uploads a picture, has a program told its classes, and returns the connection of a page that is left open."""
        picture = (ROOT / "examples/koala.jpg").read_bytes()
        body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.jpg"\r\n\r\n' + picture + b"\r\n--x--\r\n"
        [path] = self.send("upload", body, "multipart/form-data; boundary=x")
        assert Path(path).is_relative_to(self.folder)
        call = self.send("call/predict", json.dumps({"data": [{"path": path}, "model"]}).encode(), "application/json")
        with urllib.request.urlopen(f"{self.address}/gradio_api/call/predict/{call['event_id']}") as answer:
            assert b"event: complete" in answer.read()
        return urllib.request.urlopen(f"{self.address}/gradio_api/heartbeat/visitor")


@pytest.fixture
def server(tmp_path):
    serving.save_random_model(tmp_path / "model", embed_dim=(8, 16, 32), depth=(1, 1, 2), image_size=64)
    for name in ("image", "temporary"):
        (tmp_path / name).mkdir()
    copy_into(tmp_path / "image")
    found = Server(tmp_path / "model", tmp_path / "image", tmp_path / "temporary")
    yield found
    found.process.kill()
    found.process.wait()


def children(process):
    """Its children."""
    return [int(each) for path in Path(f"/proc/{process}/task").glob("*/children") for each in path.read_text().split()]


def alive(process):
    """Its command line, or nothing once it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="looks processes up as Linux lists them")
def test_a_server_that_is_asked_to_end_does_so_at_once_and_leaves_nothing_behind(server):
    for number, ended in ((signal.SIGTERM, lambda: server.says("ended 143")), (signal.SIGINT, lambda: server.process.wait(30))):
        server.says("* Running on local URL", 1 if number == signal.SIGTERM else 2)
        with server.visit():
            helpers = children(server.process.pid)
            os.kill(server.process.pid, number)
            ended()
        assert len(helpers) >= 2  # one reads pictures, one has the lent GPU
        assert [each for each in map(alive, helpers) if each] == []
        assert [path.name for path in server.folder.rglob("*")] == ["gradio", "vibe_edit_history"]  # two empty folders of Gradio's
    assert server.process.returncode == 130
    assert "Traceback" not in "".join(server.lines)
