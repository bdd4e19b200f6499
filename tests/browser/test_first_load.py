"""What the page of the embedded model costs a person who opens it: bytes on the wire, each file once."""

from collections import Counter

import pytest

pytest.importorskip("gradio")

import app
from tests import serving
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser
MOST = 2_500_000  # bytes with the first picture's maps: about a second at 20 Mbit/s


@pytest.fixture(scope="module")
def embedded():
    """The embedded model as ``python app.py`` serves it: with the results of its examples, here two, made ahead."""
    workbench = Workbench(device="cpu", kept=app.EXAMPLES[:2])
    workbench.prepare()
    return workbench


def opened(chromium, address):
    page = chromium.new_page()
    serving.before_closing(address, page.close)
    return page


def wait_for_maps(page, picture: str) -> None:
    page.wait_for_function(
        """name => window.cvt?.page.state.picture?.example === name && cvt.explorer()?.result
          && cvt.explorer().drawn === cvt.explorer().result""",
        arg=picture,
        timeout=60_000,
    )


def test_the_first_load_is_light_and_nothing_is_requested_twice(chromium, embedded):
    with serving.app_of(embedded) as address:
        page = opened(chromium, address)
        wire = page.context.new_cdp_session(page)
        wire.send("Network.enable")
        asked, received = {}, {}
        wire.on("Network.requestWillBeSent", lambda event: asked.update({event["requestId"]: event["request"]["url"]}))
        wire.on("Network.loadingFinished", lambda event: received.update({event["requestId"]: event["encodedDataLength"]}))
        page.goto(address)
        wait_for_maps(page, app.EXAMPLES[0].stem)
        assert [url for url, count in Counter(asked.values()).items() if count > 1] == []
        assert 1_500_000 < sum(received.values()) <= MOST


def test_a_clicked_example_whose_result_was_made_ahead_needs_no_model(chromium, embedded, monkeypatch):
    monkeypatch.setattr("visualize.page.workbench.compute", None)
    with serving.app_of(embedded) as address:
        page = opened(chromium, address)
        page.goto(address)
        wait_for_maps(page, app.EXAMPLES[0].stem)
        name = app.EXAMPLES[1].stem
        page.get_by_role("button", name=f"Example: {name.replace('_', ' ')}", exact=True).click()
        wait_for_maps(page, name)
        label = page.evaluate("cvt.explorer().result.header.top[0].label")
        assert label in page.inner_text('[data-explorer="main"] .cvt-class >> nth=0')
