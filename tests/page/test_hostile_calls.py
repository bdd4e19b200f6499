"""A thousand calls that ask the server for what is not theirs: no picture of the disk, no address, no trace of either comes back."""

from __future__ import annotations

import http.client
import http.server
import itertools
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

import app
from tests import serving
from tests.page.calls import Server, is_clean
from visualize.page.gate import BODY_BYTES
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench

SMALL = {"embed_dim": (8, 16, 32), "depth": (1, 1, 2)}
MARK = {"_type": "gradio.FileData"}
GIVE = "Give a picture: upload a file."
GROWTH = 150_000_000  # bytes: a thousand answers and sessions of the tiniest kind. One kept file of UPLOAD_BYTES a call would be 32 GB
CANARY = (1, 254, 3)  # a colour that nothing else here has


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    uploads = folder / "uploads"
    uploads.mkdir()
    serving.save_random_model(folder / "model", **SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(uploads))
        workbench = Workbench(str(folder / "model"), "cpu", kept=app.EXAMPLES[:2])
        with serving.app_of(workbench) as address:
            yield Server(address, workbench, folder, uploads)


@pytest.fixture(scope="module")
def canaries(server) -> list[str]:
    """Pictures where none may be read, and other things that must not be opened."""
    picture = Image.new("RGB", (64, 64), CANARY)
    places = [server.folder / "canary.png", server.folder / "uploads2" / "canary.png", server.folder / "model" / "canary.jpg"]
    for place in places:
        place.parent.mkdir(exist_ok=True)
        picture.save(place)
    inside = server.uploads / "0123"
    inside.mkdir()
    (inside / "link.png").symlink_to(places[0])
    os.mkfifo(inside / "fifo.png")
    os.mkfifo(server.folder / "fifo.png")
    return [str(each) for each in (*places, server.folder / "fifo.png", inside / "link.png", inside / "fifo.png")]


@pytest.fixture(scope="module")
def web() -> Iterator[tuple[str, list[str]]]:
    """A server of pictures on this machine, and what it was asked for."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    found = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"http://127.0.0.1:{found.server_address[1]}", asked
    found.shutdown()
    found.server_close()


@contextmanager
def disk_watched(names: list[str]) -> Iterator[list[str]]:
    """What of these names is opened or looked up in this process while the block lasts."""
    touched: list[str] = []

    def watch(function):
        def watched(path, *args, **kwargs):
            if isinstance(path, (str, os.PathLike)) and os.fspath(path) in names:
                touched.append(os.fspath(path))
            return function(path, *args, **kwargs)

        return watched

    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "stat", "lstat", "readlink", "scandir", "listdir"):
            patch.setattr(os, name, watch(getattr(os, name)))
        patch.setattr("builtins.open", watch(open))
        yield touched


def paths(server: Server, canaries: list[str], web: str) -> list[str]:
    uploads, outside = str(server.uploads), canaries[0]
    return [
        *canaries,
        str(server.folder / "absent.png"),
        f"{uploads}/../canary.png",
        f"{uploads}/0123/../../canary.png",
        f"{uploads}/0123/absent.png",
        f"{uploads}//0123/./link.png",
        uploads,
        os.path.relpath(outside),
        "/etc/hostname",
        "/proc/self/fd/1",
        "/proc/self/root" + outside,
        "/dev/zero",
        "/dev/stdin",
        f"{uploads}/0123\0.png",
        f"{uploads}/" + "x" * 5000,
        "file://" + outside,
        "data:image/png;base64,iVBORw0KGgo=",
        "~/canary.png",
        "cvt/weights/model.safetensors",
        f"ftp://{web.removeprefix('http://')}/canary.png",
        f"{web}/canary.png",
        f"HTTP{web.removeprefix('http')}/canary.png",
        "http://169.254.169.254/latest/meta-data",
    ]


def shapes(path: str) -> list[object]:
    """All the ways to say a path that some version of Gradio has taken, and some more."""
    return [
        path,
        {"path": path},
        {"path": path, "meta": MARK},
        {"path": path, "meta": {"_type": "gradio.FileDataX"}},
        {"path": path, "meta": None},
        {"path": path, "meta": []},
        {"url": path},
        {"url": path, "meta": MARK},
        {"path": None, "url": path, "meta": MARK},
        {"path": path, "url": path, "orig_name": path, "size": 1, "mime_type": "image/png", "is_stream": True, "meta": MARK},
        {"path": {"path": path, "meta": MARK}, "meta": MARK},
        {"path": [path], "meta": MARK},
        [path],
        [{"path": path, "meta": MARK}],
        {"name": path, "is_file": True, "data": None},
        {"image": {"path": path, "meta": MARK}, "path": 7},
        {"value": {"path": path, "meta": MARK}, "path": True},
    ]


def expected(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("path") or value.get("url")
    if value is None:
        return GIVE
    return say("addresses_off") if isinstance(value, str) and re.match("https?://", value.strip(), re.IGNORECASE) else say("not_uploaded")


def good_call(server: Server) -> str:
    """An upload and a call as gradio_client makes them; the answer."""
    photo = app.EXAMPLES[0].read_bytes()
    body = b'--x\r\nContent-Disposition: form-data; name="files"; filename="photo.jpg"\r\n\r\n' + photo + b"\r\n--x--\r\n"
    status, answer = server.send("POST", "/gradio_api/upload", body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert status == 200, answer
    return server.call("predict", [{"path": json.loads(answer)[0], "meta": MARK}, ""])


def resident() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="reads /proc")
def test_no_picture_of_the_disk_is_ever_handed_back(server, canaries, web):
    address, asked = web
    assert "event: complete" in good_call(server)
    values = [value for path in paths(server, canaries, address) for value in shapes(path)]
    predict, explore = server.function("predict"), server.function("explore")
    page = server.function("load")
    doors = [  # every function that takes a picture
        lambda value: (predict["id"], [value, ""], None),
        lambda value: (page["id"], [None] * len(page["inputs"]), {"own": value}),
        lambda value: (explore["id"], [value, 1, 1, 0, 1, 1, ""], None),
    ]
    in_turn = zip(values, itertools.cycle(doors), strict=False)  # every path at all three, in one shape or another
    calls = [(value, door(value)) for value, door in in_turn]
    assert len(calls) > 450
    held, memory, files = len(server.workbench.store), resident(), open_files()
    with disk_watched(canaries[:4]) as touched:
        for number, start in enumerate(range(0, len(calls), 100)):
            part = calls[start : start + 100]
            answers = server.queue([call for _, call in part], f"hostile{number}")
            for (value, (index, *_)), answer in zip(part, answers, strict=True):
                if index == page["id"]:  # without a picture it stays at the one that it has
                    said = answer["said"] if answer["success"] else [answer["output"]["error"]]
                    assert said in ([] if expected(value) == GIVE else [expected(value)], [say("not_uploaded")]), (value, answer)
                    continue
                assert not answer["success"], (value, answer)
                assert answer["output"]["error"] == expected(value), (value, answer)
    assert touched == []
    assert asked == []
    own = {server.workbench.examples[app.EXAMPLES[0].stem]}
    assert len(server.workbench.store) <= held + len(own)
    for item in server.workbench.store._items.values():
        assert not (item.exploration.pixels == np.array(CANARY, np.uint8)).all(axis=-1).any()
    assert resident() - memory < GROWTH
    assert open_files() - files < 20  # connections that are closing
    assert "event: complete" in good_call(server)


ODD = [
    None, True, 0, -1, 1e308, "", "x" * 10_000, "0", "\0", [], {}, [[]], {"path": "/etc/hostname", "meta": MARK}, {"__type__": "update"},
    {"value": {"path": "/etc/hostname", "meta": MARK}}, [{"path": "http://127.0.0.1:9/x.png", "meta": MARK}],
]  # fmt: skip
ODD_BODIES = [
    b"", b"{", b"null", b"[]", b"7", b'"text"', b'{"data": null}', b'{"data": {}}', b'{"data": []}',
    b'{"data": [1,2,3,4,5,6,7,8,9,10,11,12]}',
    b'{"data": [NaN, Infinity]}', b"[" * 30_000, b'{"data":' + b"[" * 20_000 + b"]" * 20_000 + b"}", b"\xff\xfe{}",
    b'{"data": ["a", ""], "fn_index": -1, "session_hash": "odd"}', b'{"data": ["a", ""], "fn_index": "0", "session_hash": 5}',
    b'{"data": ["a", ""], "fn_index": 99999, "session_hash": "odd"}', b'{"data": [null, ""], "trigger_id": "x", "session_hash": []}',
]  # fmt: skip


def test_odd_values_in_every_other_place_get_a_sentence(server):
    good = server.workbench.examples[app.EXAMPLES[0].stem]
    explore, predict, page = server.function("explore"), server.function("predict"), server.function("load")
    whole = {explore["id"]: [good, 9, 1, 0, 1, 1, ""], predict["id"]: [good, ""], page["id"]: [None] * len(page["inputs"])}
    calls = []
    for index, data in whole.items():
        for place in range(1, len(data)):
            calls += [(index, [*data[:place], odd, *data[place + 1 :]], None) for odd in ODD]
    for choice in ("example", "own", "model"):
        calls += [(page["id"], whole[page["id"]], {choice: odd}) for odd in ODD]
    calls += [(page["id"], whole[page["id"]], odd) for odd in ODD]
    answers = server.queue(calls, "odd")
    for (_, *sent), answer in zip(calls, answers, strict=True):
        assert is_clean(json.dumps([answer["output"].get("error"), answer["said"]])), answer
        assert answer["success"] or answer["output"]["error"], (sent, answer)


def test_a_choice_of_what_there_is_not_is_a_message_and_a_good_one_is_shown(server):
    page = server.function("load")
    choices = {
        "There is no such example.": [{"example": "../koala"}, {"example": [app.EXAMPLES[0].stem]}, {"example": 7}],
        "There is no model": [{"example": app.EXAMPLES[0].stem, "model": each} for each in ("cats", ["cats"], {"a": 1}, 7)],
    }
    for sentence, events in choices.items():
        for answer in server.queue([(page["id"], [None] * len(page["inputs"]), each) for each in events], "choices"):
            assert answer["success"]
            assert [each.startswith(sentence) for each in answer["said"]] == [True], answer
    [answer] = server.queue([(page["id"], [None] * len(page["inputs"]), {"example": app.EXAMPLES[1].stem})], "choices")
    assert answer["said"] == []
    assert f'"example": "{app.EXAMPLES[1].stem}"' in json.dumps(answer["output"])


def test_bodies_that_are_no_call_are_refused(server):
    for body in ODD_BODIES:
        for door in ("call/predict", "call/nothing", "call/v2/explore", "queue/join", "run/predict", "api/explore", "upload", "cancel"):
            status, answer = server.post(f"/gradio_api/{door}", body)
            assert 200 <= status < 600
            assert is_clean(answer), (door, body[:50], answer)
    assert "event: complete" in good_call(server)


def test_the_line_cannot_be_passed_by(server):
    example = server.workbench.examples[app.EXAMPLES[0].stem]
    for door in ("run", "api"):
        status, answer = server.post(f"/gradio_api/{door}/predict", {"data": [example, ""]})
        assert status == 404, answer
        assert "confidences" not in answer


def test_no_more_is_taken_than_a_call_needs(server):
    status, answer = server.post("/gradio_api/call/predict", {"data": ["x" * BODY_BYTES, ""]})
    assert (status, answer) == (413, say("too_large_to_send"))
    connection = http.client.HTTPConnection(server.host, timeout=60)  # nor where the length is not told before
    connection.request("POST", "/gradio_api/call/predict", iter([b"x" * 8192] * 20), {"Content-Type": "application/json"})
    assert connection.getresponse().status in (400, 413)
    connection.close()


@pytest.mark.parametrize(
    "route",
    ["file={canary}", "file/{canary}", "file={web}/x.png", "file/{web}/x.png", "proxy={web}/x.png", "deep_link?session_hash=odd",
     "custom_component/image/client/a/b", "stream/a/b/1/playlist.m3u8", "vibe-code"],
)  # fmt: skip
def test_gradios_own_routes_give_nothing_away(server, canaries, web, route):
    status, answer = server.get(f"/gradio_api/{route.format(canary=canaries[0], web=web[0])}")
    assert status in (403, 404)
    assert is_clean(answer.replace(canaries[0], ""))
    assert web[1] == []


def test_a_state_is_the_servers_alone(server, canaries):
    """What a client sends in the place of a state is not looked at: its picture stays the example that opens the page."""
    page = server.function("load")
    for mine in (canaries[0], {"path": canaries[0], "meta": MARK}):
        [answer] = server.queue([(page["id"], [mine, *[None] * (len(page["inputs"]) - 1)], None)], "states")
        assert answer["success"] or answer["output"]["error"]
        assert canaries[0] not in json.dumps(answer)
        assert "canary" not in json.dumps(answer)


def test_a_form_without_a_file_is_a_sentence(server, caplog):
    body = b'--x\r\nContent-Disposition: form-data; name="files"\r\n\r\ntext\r\n--x--\r\n'
    status, answer = server.send("POST", "/gradio_api/upload", body, **{"Content-Type": "multipart/form-data; boundary=x"})
    assert (status, answer) == (400, say("no_file"))
    assert "Traceback" not in caplog.text


def test_a_full_disk_is_a_sentence(server, monkeypatch, tmp_path):
    """What had arrived is deleted: else the next small file would find no room either."""
    import errno

    import gradio.routes

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))

    async def full(*args, **kwargs):
        (tmp_path / "tmp123").write_bytes(b"half of it")
        raise OSError(errno.ENOSPC, "No space left on device", "/secret/path")

    monkeypatch.setattr(gradio.routes, "upload_fn", full)
    status, answer = server.send("POST", "/gradio_api/upload", b"--x--", **{"Content-Type": "multipart/form-data; boundary=x"})
    assert (status, answer) == (507, "The server has no room for this file now. Try again later.")
    assert list(tmp_path.iterdir()) == []


def test_an_upload_that_broke_off_is_deleted_after_a_while(monkeypatch, tmp_path):
    import os

    from visualize.app.running.uploads import forget_broken_uploads

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    forget_broken_uploads()  # before there are any
    for path in ("uploads/tmp_old", "uploads/tmp_new", "uploads/hash/whole.jpg", "elsewhere"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("bytes")
        os.utime(tmp_path / path, (0, 0) if path != "uploads/tmp_new" else None)
    (tmp_path / "uploads/link").symlink_to(tmp_path / "elsewhere")
    forget_broken_uploads(600)
    assert {path.name for path in tmp_path.rglob("*")} == {"uploads", "tmp_new", "hash", "whole.jpg", "link", "elsewhere"}
    forget_broken_uploads()
    assert {path.name for path in tmp_path.rglob("*")} == {"uploads", "hash", "whole.jpg", "link", "elsewhere"}


def test_uploads_are_bounded_and_the_oldest_go_first(monkeypatch, tmp_path):
    from visualize.app.running.uploads import keep_within

    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    names = [character * 64 for character in "abcd"]
    for age, name in enumerate((*names, "not ours")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "picture.jpg").write_bytes(bytes(1000))
        os.utime(tmp_path / name / "picture.jpg", (1000 + age, 1000 + age))
    keep_within(4000)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "not ours"}
    keep_within(2500)
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], "not ours"}


def test_events_of_a_call_that_there_is_not_end_without_a_traceback(server, caplog):
    status, answer = server.get("/gradio_api/call/predict/0123")
    assert (status, answer) == (200, 'event: error\ndata: "404: Not Found"\n\n')
    assert "Traceback" not in caplog.text
