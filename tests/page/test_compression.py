"""The page itself travels small, and as it is to who does not read Brotli."""

import gzip
import http.client

import brotli
import pytest

pytest.importorskip("gradio")


def asked(address: str, method: str = "GET", path: str = "/", **headers: str):
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=30)
    try:
        connection.request(method, path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def test_the_page_is_one_text_however_it_travels(served):
    _, plain = asked(served, Accept_Encoding="identity")
    answer, small = asked(served, Accept_Encoding="gzip, br")
    assert answer.headers["Content-Encoding"] == "br"
    assert "accept-encoding" in answer.headers["Vary"].lower()
    assert len(small) < 75_000 < len(plain) / 5
    again, middle = asked(served, Accept_Encoding="gzip, br;q=0")
    assert again.headers["Content-Encoding"] == "gzip"
    texts = [plain, brotli.decompress(small), gzip.decompress(middle)]
    assert [text.startswith(b"<!doctype html>") and text.rstrip().endswith(b"</html>") for text in texts] == [True] * 3
    assert max(map(len, texts)) - min(map(len, texts)) < 100  # an id is drawn anew for every visit
    assert asked(served, "HEAD", Accept_Encoding="br")[1] == b""


def test_what_is_no_page_passes_as_it_is(served):
    answer, content = asked(served, path="/lessons", Accept_Encoding="br")
    assert answer.headers.get("Content-Encoding") is None
    assert content.startswith(b"{")


def test_files_of_people_are_never_gathered_to_be_compressed():
    from visualize.app.compression import BrotliPages

    html = [(b"content-type", b"text/html")]
    parts = [
        {"type": "http.response.start", "status": 200, "headers": html},
        *({"type": "http.response.body", "body": b"<p>" * 1000, "more_body": more} for more in (True, True, False)),
    ]
    sent = []

    async def app(scope, receive, send):
        for count, part in enumerate(parts, 1):
            await send(part)
            assert len(sent) == count  # each goes on before the next one is read

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "path": "/gradio_api/file=/uploads/x.html", "headers": [(b"accept-encoding", b"br")]}
    with pytest.raises(StopIteration):  # it waits for nothing
        BrotliPages(app)(scope, None, send).send(None)
    assert sent == parts
