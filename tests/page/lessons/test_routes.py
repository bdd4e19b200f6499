"""What the page's server answers about lessons."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request

import pytest

pytest.importorskip("gradio")

import app
from tests.page.lessons.test_reader import LESSON
from visualize.page.lessons.api import ORDER
from visualize.page.lessons.reader import read
from visualize.page.lessons.text import JSON_BYTES, MOST_BYTES


def posted(address: str, body: bytes) -> tuple[int, str]:
    request = urllib.request.Request(f"{address}/lessons/read", body, {"content-type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def asked(address: str, text: object) -> dict:
    status, answer = posted(address, json.dumps({"text": text}, ensure_ascii=False).encode())
    assert status == (200 if isinstance(text, str) else 400)
    return json.loads(answer)


def test_the_list_is_served_again_and_again_compressed_or_not(served):
    for accepted in ("gzip", "identity", "gzip"):
        request = urllib.request.Request(f"{served}/lessons", headers={"Accept-Encoding": accepted})
        with urllib.request.urlopen(request) as answer:
            content = answer.read()
            assert len(content) == int(answer.headers["content-length"])
            assert (answer.headers.get("content-encoding") == "gzip") == (accepted == "gzip")
    found = json.loads(gzip.decompress(content))  # the last one
    assert [each["name"] for each in found["lessons"]] == [*ORDER]


def test_a_text_is_read_and_not_kept(served):
    assert asked(served, LESSON) == {"lesson": read(LESSON)}
    found = asked(served, LESSON.replace("kind: cells", "kind: chioce"))
    assert found["line"] == 13
    assert found["error"].startswith("Line 13: “kind” is “chioce”.")
    with urllib.request.urlopen(f"{served}/lessons") as answer:
        assert "mine" not in {each["name"] for each in json.load(answer)["lessons"]}


def test_what_is_too_large_or_no_text_is_refused(served):
    lines = LESSON + "#\n" * ((MOST_BYTES - len(LESSON.encode())) // 2)  # each takes three bytes in JSON
    assert asked(served, lines)["lesson"]["name"] == "mine"
    assert "64 kB" in asked(served, "é" * MOST_BYTES)["error"]
    assert asked(served, 3) == {"error": "Send the text of a lesson as text."}
    assert posted(served, b"[" * 1000)[0] == 400
    assert posted(served, b'{"text": "' + b"a" * JSON_BYTES + b'"}')[0] in (400, 413)


def test_a_folder_is_an_option_or_a_variable(monkeypatch, tmp_path):
    assert app.arguments([]).lessons is None
    assert app.arguments(["--lessons", str(tmp_path)]).lessons == str(tmp_path)
    monkeypatch.setenv("CVT_LESSONS", str(tmp_path))
    assert app.arguments([]).lessons == str(tmp_path)
