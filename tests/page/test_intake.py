"""Pictures as people hand them in: uploads, examples, addresses where these are switched on; and nobody keeps others waiting."""

from __future__ import annotations

import functools
import http.server
import json
import os
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

import app
from cvt.pictures import OpenedPicture, UnreadablePicture, read_picture
from cvt.pictures.fetch import fetch
from tests import serving
from visualize.page import compute, intake
from visualize.page.compute import PASSES
from visualize.page.intake import Intake
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

PHOTO = app.EXAMPLES[0]
SMALL = {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}


class Web:
    """A server of pictures on this machine: /photo.jpg, /absent, /endless, /slow, which waits for ``go``; and what was asked."""

    def __init__(self):
        self.asked: list[str] = []
        self.go = threading.Event()
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                web.asked.append(self.path)
                if self.path == "/slow":
                    web.go.wait(60)
                self.send_response(404 if self.path == "/absent" else 200)
                self.end_headers()
                try:
                    for _ in range(10_000 if self.path == "/endless" else 1):
                        self.wfile.write(bytes(10_000) if self.path == "/endless" else PHOTO.read_bytes())
                except OSError:  # the client has had enough
                    pass

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture(scope="module")
def web() -> Iterator[Web]:
    found = Web()
    yield found
    found.go.set()
    found.server.shutdown()
    found.server.server_close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("model")
    serving.save_random_model(path, **SMALL)
    return str(path)


@pytest.fixture(scope="module")
def open_house(folder) -> Iterator[str]:
    """The address of an app that takes addresses, of this machine too."""
    download = functools.partial(fetch, timeout=20, max_bytes=1_000_000)
    with serving.app_of(Workbench(folder, "cpu", kept=app.EXAMPLES[:1], download=download)) as address:
        yield address


@pytest.fixture(scope="module")
def client(open_house):
    return Client(open_house, verbose=False)


def call(address: str, picture: object) -> str:
    """/predict by plain HTTP; the answer's last event."""
    body = json.dumps({"data": [picture, ""]}).encode()
    request = urllib.request.Request(f"{address}/gradio_api/call/predict", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        event = json.load(answer)["event_id"]
    with urllib.request.urlopen(f"{address}/gradio_api/call/predict/{event}", timeout=60) as answer:
        return answer.read().decode()


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60  # a machine may be slow; what is awaited comes
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_an_address_is_a_picture_where_addresses_are_switched_on(client, open_house, web):
    expected = client.predict(handle_file(str(PHOTO)), api_name="/predict")
    address = f"{web.address}/photo.jpg"
    assert client.predict(handle_file(address), api_name="/predict") == expected
    for written in (address, {"path": address}, {"url": address}, {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}):
        answer = call(open_house, written)
        assert answer.startswith("event: complete"), answer
        assert json.loads(answer.partition("data: ")[2])[0] == expected


@pytest.mark.parametrize(("path", "sentence"), [("absent", "127.0.0.1 answered 404 instead of a picture"), ("endless", "larger than 1 MB")])
def test_an_address_without_a_picture_is_a_sentence(client, web, path, sentence):
    with pytest.raises(AppError, match=sentence):
        client.predict(handle_file(f"{web.address}/{path}"), api_name="/predict")


def test_addresses_are_off_unless_switched_on(served, web):
    before = len(web.asked)
    with pytest.raises(AppError, match=say("addresses_off")):
        Client(served, verbose=False).predict(handle_file(f"{web.address}/photo.jpg"), api_name="/predict")
    assert say("addresses_off") in call(served, {"url": f"{web.address}/photo.jpg"})
    assert len(web.asked) == before


def test_no_private_address_is_fetched_by_a_server_that_was_told_to_fetch(web):
    before = len(web.asked)
    with pytest.raises(UnreadablePicture, match="private network"):
        intake.public_picture(f"{web.address}/photo.jpg")
    assert len(web.asked) == before


@pytest.mark.parametrize(("variable", "given", "on"), [("", [], False), ("0", [], False), ("1", [], True), ("true", [], True),
    ("", ["--allow-addresses"], True), ("1", ["--no-allow-addresses"], False)])  # fmt: skip
def test_the_switch(monkeypatch, variable, given, on):
    monkeypatch.setenv("CVT_ALLOW_ADDRESSES", variable)
    assert app.arguments(given).allow_addresses is on


def test_servers_that_do_not_answer_keep_nobody_out(open_house, web):
    """As many slow downloads as are let in, and then more: an upload and an example are answered meanwhile."""
    web.go.clear()
    told = []
    slow = [threading.Thread(target=lambda: told.append(call(open_house, f"{web.address}/slow"))) for _ in range(intake.DOWNLOADS)]
    for thread in slow:
        thread.start()
    wait_until(lambda: web.asked.count("/slow") == intake.DOWNLOADS)
    for _ in range(3):
        assert say("downloads_busy") in call(open_house, f"{web.address}/slow")
    client = Client(open_house, verbose=False)
    assert client.predict(handle_file(str(app.EXAMPLES[1])), api_name="/predict")["confidences"]
    assert not told
    web.go.set()
    for thread in slow:
        thread.join(60)
    assert all(answer.startswith("event: complete") for answer in told)


# --- what is taken ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def uploads(tmp_path) -> Path:
    """A folder of uploads with one picture in it."""
    place = tmp_path / "uploads" / "0123"
    place.mkdir(parents=True)
    Image.new("RGB", (9, 7), "red").save(place / "a b ü.png")
    return tmp_path / "uploads"


def test_an_upload_and_an_example_are_taken(uploads):
    way_in, picture = Intake([str(PHOTO)]), str(uploads / "0123" / "a b ü.png")
    for value in (
        picture,
        {"path": picture},
        {"path": picture, "url": "http://here/file", "meta": {}},
        {"path": f"{uploads}/0123/../0123/a b ü.png"},
    ):
        assert way_in.accepted(value, str(uploads)) == picture
    assert way_in.accepted({"path": str(PHOTO)}, str(uploads)) == str(PHOTO)
    assert way_in.accepted(None, str(uploads)) is None
    assert way_in.open(picture).image.size == (9, 7)


def test_the_folder_itself_may_be_reached_by_a_link(uploads, tmp_path):
    (tmp_path / "link").symlink_to(uploads)
    assert Intake().accepted(str(tmp_path / "link" / "0123" / "a b ü.png"), str(tmp_path / "link"))


@pytest.mark.parametrize("name", ["link.png", "folder.png", "fifo.png", "linked/a b ü.png"])
def test_no_link_folder_or_device_is_taken_even_among_uploads(uploads, name):
    (uploads / "link.png").symlink_to(uploads / "0123" / "a b ü.png")
    (uploads / "linked").symlink_to(uploads / "0123")
    (uploads / "folder.png").mkdir()
    os.mkfifo(uploads / "fifo.png")
    with pytest.raises(UnreadablePicture, match=say("not_uploaded")):
        Intake().accepted(str(uploads / name), str(uploads))


def test_what_is_in_memory_or_ours_is_read_here(monkeypatch):
    class NoDecoder:
        read = None

    way_in, expected = Intake([str(PHOTO)], decoder=NoDecoder()), read_picture(PHOTO)
    for source in (PHOTO, str(PHOTO), expected.image, np.asarray(expected.image), expected):
        np.testing.assert_array_equal(np.asarray(way_in.open(source).image), np.asarray(expected.image))
    with pytest.raises(TypeError):
        way_in.open(PHOTO.read_bytes())


def test_a_program_gets_the_decoders_sentence(folder):
    class Slow:
        def read(self, source):
            raise UnreadablePicture("This picture takes too long.")

    workbench = Workbench(folder, "cpu")
    workbench.intake._decoder = Slow()
    with pytest.raises(UnreadablePicture, match="takes too long"):
        serving.explore(workbench, b"bomb")


def test_notes_travel_with_the_result(folder):
    opened = read_picture(PHOTO)
    noted = OpenedPicture(opened.image, ("a note",))
    assert serving.explore(Workbench(folder, "cpu"), noted).exploration.notes == ("a note",)


# --- how many at once ------------------------------------------------------------------------------------------------------


class Crowd:
    """Counts how many are in functions at once, which none leaves until ``go``; and how many have come to a bound before them."""

    def __init__(self, bound: threading.BoundedSemaphore):
        self._bound, self._lock, self.go = bound, threading.Lock(), threading.Event()
        self.now = self.most = self.calls = self.came = 0

    def __enter__(self):
        with self._lock:
            self.came += 1
        self._bound.__enter__()

    def __exit__(self, *error):
        self._bound.__exit__(*error)

    def held(self, function):
        def call(*args):
            with self._lock:
                self.now += 1
                self.calls += 1
                self.most = max(self.most, self.now)
            try:
                assert self.go.wait(60)
                return function(*args)
            finally:
                with self._lock:
                    self.now -= 1

        return call


def test_microscopes_pictures_and_variants_share_one_bound_on_forward_passes(folder, monkeypatch):
    models, answers = Workbench(folder, "cpu", kept=app.EXAMPLES[:1]), []
    key = serving.explore(models, PHOTO).key
    models.passes = crowd = Crowd(models.passes)
    for name in ("explore", "inside_payload"):
        monkeypatch.setattr(compute, name, crowd.held(getattr(compute, name)))
    with serving.app_of(models) as address:

        def look() -> None:
            with urllib.request.urlopen(f"{address}/explorer/inside/{key}/2/1", timeout=60) as answer:
                answers.append(len(answer.read()))

        def explore_own() -> None:
            answers.append(serving.explore(models, read_picture(PHOTO)).key)

        threads = [threading.Thread(target=each) for each in [look] * 24 + [explore_own] * 8]
        for thread in threads:
            thread.start()
        # all that can come have come (of microscopes, the route lets in no more than there are passes), or too many are let in
        wait_until(lambda: crowd.came == 8 + PASSES or crowd.most > PASSES)
        crowd.go.set()
        for thread in threads:
            thread.join(60)
    assert len(answers) == crowd.calls == 32
    assert crowd.most == PASSES


def test_a_picture_that_cannot_be_read_takes_no_pass(folder):
    """Two that wait for their file for ever, and a third that has its own."""
    models, go = Workbench(folder, "cpu"), threading.Event()

    class Stuck:
        def read(self, source):
            go.wait(60)
            return read_picture(PHOTO)

    models.intake._decoder = Stuck()
    stuck = [threading.Thread(target=serving.explore, args=(models, b"never")) for _ in range(PASSES)]
    for thread in stuck:
        thread.start()
    assert serving.explore(models, read_picture(PHOTO)).key
    go.set()
    for thread in stuck:
        thread.join(60)
