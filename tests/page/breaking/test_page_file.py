"""A result as a page of one file, as the page asks for it: what comes, and what is refused."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("gradio")

from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests import serving
from visualize.page.breaking import page_file
from visualize.page.gate import Gate
from visualize.page.requests import Request
from visualize.page.routes import routes
from visualize.page.words.sentences import say
from visualize.page.workbench import Workbench


@pytest.fixture(scope="module")
def asked_of(tmp_path_factory):
    """A result's key, and what posts to the address of its page."""
    folder = tmp_path_factory.mktemp("model")
    serving.save_random_model(folder / "mine", embed_dim=(8, 16, 32), depth=(1, 1, 2))
    path = folder / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (96, 96, 3), np.uint8)).save(path)
    workbench = Workbench(str(folder / "mine"), "cpu")
    key = workbench.explore(Request(model="mine", picture=path.read_bytes())).key  # a picture of one's own
    client = TestClient(Gate(Starlette(routes=routes(workbench))))
    return key, lambda value, key=key: client.post(
        f"/explorer/page/{key}", content=value if isinstance(value, bytes) else json.dumps(value)
    )


def about(answer) -> dict:
    return json.loads(re.search(r"data-about>(.*?)</script>", answer.text)[1])


STATE = {"stage": 2, "blocks": [0, 0, 1]}


def test_a_page_comes_as_a_file_to_be_saved(asked_of):
    _, ask = asked_of
    answer = ask({"value": {"model": "mine"}, "state": STATE, "made": None})
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == "attachment"  # it never runs as a page of this server
    assert answer.headers["content-type"] == "application/octet-stream"
    assert (about(answer)["insides"], about(answer)["state"], about(answer)["made"]) == (["2/1"], STATE, None)


@pytest.mark.parametrize("stage", [None, -1, 3, "2", 1e9, True, [2]])
def test_a_state_without_a_place_only_lacks_the_inside(asked_of, stage):
    _, ask = asked_of
    answer = ask({"value": {}, "state": STATE | {"stage": stage}})
    assert (answer.status_code, about(answer)["insides"]) == (200, [])


def test_as_much_may_be_asked_as_a_large_models_losses_take(asked_of):
    _, ask = asked_of
    question = json.dumps({"value": {}, "state": STATE}).encode()
    assert [ask(question.ljust(size)).status_code for size in (page_file.ASKED_BYTES, page_file.ASKED_BYTES + 1)] == [200, 413]


def test_what_cannot_be_answered_is_refused_in_words(asked_of, monkeypatch):
    _, ask = asked_of
    good = {"value": {}, "state": STATE}
    for value, more, status, message in (
        (good, {"key": "gone"}, 404, "result_gone"),
        ([], {}, 400, "not_a_question"),
        ({"value": {}, "state": 3}, {}, 400, "not_a_question"),
        (b'{"value": {"note": NaN}, "state": {}}', {}, 400, "not_a_question"),
        (b"{", {}, 400, "not_json"),
    ):
        answer = ask(value, **more)
        assert (answer.status_code, answer.json()) == (status, {"error": say(message)})
    monkeypatch.setattr(page_file, "MAX_BYTES", 1000)
    assert ask(good).json() == {"error": say("page_too_large")}
