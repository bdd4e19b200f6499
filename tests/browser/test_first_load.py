"""What the page of the embedded model costs a person who opens it: bytes on the wire, each file once."""

from collections import Counter

import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser
MOST = 2_500_000  # bytes with the first picture's maps: about a second at 20 Mbit/s


def test_the_first_load_is_light_and_nothing_is_requested_twice(chromium):
    with serving.app_of(Workbench(device="cpu", kept=app.EXAMPLES)) as address:
        page = chromium.new_page()
        serving.before_closing(address, page.close)
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        asked, received = {}, {}
        wire.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
        wire.on("Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]}))
        page.goto(address)
        page.wait_for_selector('[data-explorer="main"] .cvt-class', timeout=60_000)
        page.wait_for_function("cvt.explorer().drawn === cvt.explorer().result")
        assert [url for url, count in Counter(asked.values()).items() if count > 1] == []
        assert 1_500_000 < sum(received.values()) <= MOST
