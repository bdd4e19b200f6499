"""What the page of the embedded model costs a person who opens it: bytes on the wire, each file once. And how it is left."""

import urllib.request
from collections import Counter
from contextlib import ExitStack

import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from tests.browser.conftest import Visit, nothing_went_wrong
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser
MOST = 2_500_000  # bytes with the first picture's maps: about a second at 20 Mbit/s


class FirstVisit:
    """The first visit to a new server of the embedded model; the bytes that came, by request, and the addresses asked for."""

    def __init__(self, tabs):
        self.asked: dict[str, str] = {}
        self.received: dict[str, int] = {}
        self.server = ExitStack()
        workbench = Workbench(device="cpu", kept=app.EXAMPLES[:2])
        workbench.prepare()  # as ``python app.py`` does: the results of examples, here two, are made ahead
        self.address = self.server.enter_context(serving.app_of(workbench))
        # as a visitor from elsewhere, by a name that every browser finds on this machine: to 127.0.0.1 nothing is packed
        self.visit = Visit(tabs, self.address.replace("127.0.0.1", "visitor.localhost"), watch=self._listen)

    def _listen(self, page) -> None:
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        wire.on("Network.requestWillBeSent", lambda event: self.asked.update({event["requestId"]: event["request"]["url"]}))
        wire.on("Network.loadingFinished", lambda event: self.received.update({event["requestId"]: event["encodedDataLength"]}))

    def wait_for_maps(self, picture: str) -> None:
        self.visit.page.wait_for_function(
            """name => cvt.page.state.picture?.example === name && cvt.explorer()?.result
              && cvt.explorer().drawn === cvt.explorer().result""",
            arg=picture,
            timeout=60_000,
        )


@pytest.fixture(scope="module")
def first(tabs):
    first = FirstVisit(tabs)
    yield first
    first.server.close()
    nothing_went_wrong(first.visit)


def test_the_first_load_is_light_and_nothing_is_requested_twice(first):
    first.wait_for_maps(app.EXAMPLES[0].stem)
    assert [url for url, count in Counter(first.asked.values()).items() if count > 1] == []
    assert 1_500_000 < sum(first.received.values()) <= MOST


def test_a_clicked_example_whose_result_was_made_ahead_needs_no_model(first, monkeypatch):
    monkeypatch.setattr("visualize.page.workbench.compute", None)
    name = app.EXAMPLES[1].stem
    first.visit.choose(name.replace("_", " "))
    first.wait_for_maps(name)
    label = first.visit.page.evaluate("cvt.explorer().result.header.top[0].label")
    assert label in first.visit.page.inner_text('[data-explorer="main"] .cvt-class >> nth=0')


def test_a_page_is_left_before_its_server_stops(first):
    """The last test of this server."""
    answers = []
    serving.before_closing(first.address, lambda: answers.append((first.visit.page.url, urllib.request.urlopen(first.address).status)))
    first.server.close()
    assert answers == [("about:blank", 200)]
