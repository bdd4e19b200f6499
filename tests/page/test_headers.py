"""What the server's headers allow a browser to do, for every kind of answer, and that other pages may embed this one."""

import httpx
import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from visualize.app.headers import PART_POLICY


def directives(answer):
    """The Content-Security-Policy by directive."""
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def test_others_may_embed_the_page_and_its_scripts_are_its_own(served):
    page = httpx.get(served)
    policy = directives(page)
    assert page.headers["Content-Type"].startswith("text/html")
    assert "X-Frame-Options" not in page.headers
    assert "frame-ancestors" not in policy
    assert policy["default-src"] == ["'self'"]
    assert policy["object-src"] == ["'none'"]
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "microphone=()" in page.headers["Permissions-Policy"]
    assert not [each for each in policy["script-src"] if each.startswith("http") or each in ("*", "data:", "blob:")]


@pytest.mark.parametrize("path", ["/lessons", "/ablations", "/explorer/data/unknown", "/config", "/nowhere"])
def test_what_is_no_page_runs_nothing_if_it_is_opened(served, path):
    found = httpx.get(served + path).headers
    assert found["Content-Security-Policy"] == PART_POLICY
    assert found["X-Content-Type-Options"] == "nosniff"


def test_a_page_that_is_saved_runs_nothing_if_it_is_opened(random_app):
    workbench, address = random_app
    key = serving.explore(workbench, app.EXAMPLES[0]).key
    found = httpx.post(f"{address}/explorer/page/{key}", json={"value": {}, "state": {}, "made": None}, timeout=60)
    assert found.status_code == 200
    assert found.headers["Content-Disposition"] == "attachment"
    assert found.headers["Content-Security-Policy"] == PART_POLICY
    assert found.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/modules/explorer/main.js", "/modules/choices.js"])
def test_scripts_are_what_they_say_they_are(served, path):
    found = httpx.get(served + path).headers
    assert found["Content-Type"].startswith(("text/javascript", "application/javascript"))
    assert found["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("name", ["evil.html", "evil.svg"])
def test_an_uploaded_document_runs_nothing_if_it_is_opened(served, name):
    content = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    (path,) = httpx.post(f"{served}/gradio_api/upload", files={"files": (name, content)}).json()
    answer = httpx.get(f"{served}/gradio_api/file={path}")
    assert answer.content == content
    assert {"sandbox", "default-src"} <= set(directives(answer))
    assert directives(answer)["default-src"] == ["'none'"]
