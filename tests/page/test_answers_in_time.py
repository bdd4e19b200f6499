"""What is made on request, and only then: compressed bytes, classes without maps, drawings, results made ahead."""

import gzip
import sys
import threading
import urllib.request

import brotli
import numpy as np
import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from visualize.container import unpack
from visualize.draw import plots
from visualize.explore import explore
from visualize.page import workbench as workbench_module
from visualize.page.api import attention_answer
from visualize.page.encodings import NEAR
from visualize.page.jobs import Busy
from visualize.page.models.paged import Paged
from visualize.page.prepared import PreparedResults
from visualize.page.requests import Request
from visualize.page.results import Ahead, StoredResult
from visualize.page.routes import compressed
from visualize.page.workbench import Workbench

PHOTO = str(app.EXAMPLES[0].resolve())


@pytest.fixture
def workbench(tmp_path):
    serving.save_random_model(tmp_path, depth=(1, 1, 2))
    return Workbench(str(tmp_path), "cpu", kept=app.EXAMPLES[:2])


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip;q=1.0, br; q=0", "gzip"),
        ("BR", "br"),
        ("deflate", None),
        ("brotli-like, xgzip", None),
        ("", None),
    ],
)
def test_bytes_are_compressed_as_the_client_takes_them(accepted, encoding):
    content = b"attention" * 1000
    found, headers = compressed(content, accepted)
    assert headers == ({"Content-Encoding": encoding} if encoding else {})
    assert {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding](found) == content
    assert encoding is None or len(found) < len(content) / 10


def test_a_results_bytes_travel_compressed(workbench):
    result = serving.explore(workbench, PHOTO)
    with serving.app_of(workbench) as address:
        url = f"{address}/explorer/data/{result.key}"
        request = urllib.request.Request(url, headers={"Accept-Encoding": "br"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert (answer.headers["Content-Encoding"], answer.headers["Vary"]) == ("br", f"Accept-Encoding, {NEAR}")
            packed = answer.read()
        near = urllib.request.Request(url, headers={"Accept-Encoding": "br, gzip", NEAR: "1"})
        with urllib.request.urlopen(near, timeout=30) as answer:
            assert answer.headers["Content-Encoding"] == "identity"
            as_it_is = answer.read()
        with urllib.request.urlopen(url, timeout=30) as answer:
            plain = answer.read()
    assert brotli.decompress(packed) == plain == as_it_is
    assert len(packed) < 0.95 * len(plain)


def test_a_payload_is_made_once_where_it_was_begun_before_it_is_asked_for(workbench, monkeypatch):
    key = serving.explore(workbench, str(app.EXAMPLES[3])).key  # not one whose result is kept
    expected, made = workbench.payload(key), []
    monkeypatch.setattr(workbench_module, "payload", lambda *args, **options: made.append(key) or expected)
    workbench.begin_payload(key)
    assert workbench.payload(key) == expected
    assert made == [key]
    workbench.payload(key)  # nothing was kept
    assert made == [key, key]
    with pytest.raises(KeyError):
        workbench.begin_payload("none")


def test_what_is_made_ahead_makes_nobody_wait_and_is_bounded():
    ahead, begun, free = Ahead(most=3), threading.Event(), threading.Event()

    def slow():
        begun.set()
        free.wait(60)
        return b"slow"

    def broken():
        raise ValueError("NaN")

    for key in ("dropped", "slow"):  # for both of its threads
        ahead.begin(key, slow)
    ahead.begin("queued", bytes)
    assert begun.wait(60)
    assert ahead.take("queued") is None  # who asks makes it at once
    ahead.begin("broken", broken)
    ahead.begin("last", lambda: b"last")
    assert ahead.take("dropped") is None
    free.set()
    assert ahead.take("slow") == b"slow"
    assert ahead.take("slow") is None
    ahead._threads.shutdown()
    with pytest.raises(ValueError, match="NaN"):
        ahead.take("broken")


def test_what_nobody_fetches_is_not_made_once_it_has_made_room():
    ahead, free, made = Ahead(most=2), threading.Event(), []
    for key in ("first", "second"):  # for both of its threads
        ahead.begin(key, lambda: bytes(free.wait(60)))
    for key in "01234":
        ahead.begin(key, lambda key=key: made.append(key) or b"")
    free.set()
    ahead._threads.shutdown()
    assert sorted(made) == ["3", "4"]


def test_classes_alone_are_the_same_and_nothing_is_captured_or_kept(workbench, monkeypatch):
    picture = str(app.EXAMPLES[3])  # not one whose result is kept
    loaded = workbench.loaded()
    expected = explore(loaded.model, loaded.processor, picture).top()
    for maker in ("compute", "payload"):
        monkeypatch.setattr(workbench_module, maker, None)
    monkeypatch.setattr(sys.modules["visualize.explore"], "observed", None)  # what captures
    labels, shares = zip(*workbench.classes(Request(model=loaded.name, picture=picture)), strict=True)
    assert labels == tuple(label for label, _ in expected)
    np.testing.assert_allclose(shares, [share for _, share in expected], rtol=1e-4)  # logits up to 10, each some 50 roundings of 6e-8
    assert len(workbench.store) == 0


def test_a_drawing_is_made_for_those_who_ask_for_it(workbench, monkeypatch):
    exploration = serving.explore(workbench, PHOTO).exploration
    place = {"stage": 1, "block": 1, "head": 0, "row": 1, "column": 1}
    drawn = attention_answer(exploration, **place, overview=True)
    monkeypatch.setattr(plots, "overview", None)
    assert attention_answer(exploration, **place, overview=False) == (drawn[0], None)


def test_results_made_ahead_give_way_to_a_request(workbench, monkeypatch):
    asked, answered, order = threading.Event(), threading.Event(), []

    def slow(*args):
        asked.set()
        answered.wait(60)
        order.append("request")
        return []

    monkeypatch.setattr(workbench_module, "compute_classes", slow)
    monkeypatch.setattr(workbench, "_prepare", lambda request, here: order.append("ahead"))
    waiting = threading.Event()
    original = workbench._busy.wait_until_none
    monkeypatch.setattr(workbench._busy, "wait_until_none", lambda seconds: (waiting.set(), original(seconds)))
    request = threading.Thread(target=workbench.classes, args=(Request(model=workbench.names[0], picture=PHOTO),))
    request.start()
    assert asked.wait(60)
    preparing = threading.Thread(target=workbench.prepare)
    preparing.start()
    assert waiting.wait(60)
    answered.set()
    for each in (request, preparing):
        each.join(60)
    assert order == ["request", "ahead", "ahead"]


def test_what_nobody_waits_for_begins_only_after_a_quiet_while():
    """A request that begins in that while makes it begin anew."""
    busy, seconds = Busy(), []

    class Clock(threading.Condition):
        def wait_for(self, predicate, timeout=None):
            if timeout is not None:
                seconds.append(timeout)
                if len(seconds) < 3:  # somebody asks
                    with busy:
                        pass
            return predicate()

    busy._changed = Clock()
    busy.wait_until_none(0.5)
    assert seconds == [0.5] * 3
    busy.wait_until_none()
    assert len(seconds) == 3


def test_the_start_makes_the_first_example_and_starts_what_opens_pictures(workbench, monkeypatch):
    started = []
    monkeypatch.setattr(workbench.intake, "start", lambda: started.append(True))
    workbench.get_ready()
    requests = [Request(model=workbench.names[0], picture=path) for path in workbench.examples.values()]
    assert [each in workbench._prepared for each in requests] == [True, False]
    assert started
    workbench.prepare()
    assert all(each in workbench._prepared for each in requests)


def test_results_made_ahead_need_no_model_and_no_room_in_the_store(workbench, monkeypatch):
    workbench.prepare()
    assert len(workbench.store) == 0
    for maker in ("compute", "payload"):
        monkeypatch.setattr(workbench_module, maker, None)
    results = [serving.explore(workbench, path) for path in workbench.examples.values()]
    assert len({result.key for result in results}) == len(results) == len(workbench.store)
    for result in results:
        header, arrays = unpack(workbench.payload(result.key))
        assert header["top"][0]["label"] == result.exploration.top(1)[0][0]
        np.testing.assert_array_equal(arrays["pixels"], result.exploration.pixels)
        assert result.exploration.stages[2].blocks[1].weights([0]).sum() == pytest.approx(result.exploration.stages[2].blocks[1].heads)


def test_weights_that_the_runner_has_too_leave_memory_once_results_are_made_ahead(workbench, monkeypatch):
    left = []
    monkeypatch.setattr(Paged, "let_go", lambda self: left.append(self))
    workbench.prepare()
    assert left == [workbench.loaded().paged]


def test_results_made_ahead_take_no_more_room_than_allowed(workbench):
    size = StoredResult(Request(model=workbench.names[0], picture=PHOTO), serving.explore(workbench, PHOTO).exploration).nbytes
    prepared = PreparedResults(max_bytes=int(1.5 * size))
    results = [
        StoredResult(Request(model=workbench.names[0], picture=path), serving.explore(workbench, path).exploration)
        for path in workbench.examples.values()
    ]
    for result in (results[0], results[0], results[1]):
        prepared.put(result)
    assert prepared.get(results[0].request).exploration.top() == results[0].exploration.top()
    assert prepared.get(results[1].request) is None


def test_a_full_disk_only_means_that_results_are_made_when_they_are_asked_for(workbench, monkeypatch):
    def full(*args, **options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    workbench.prepare()
    assert serving.explore(workbench, PHOTO).exploration.top()
