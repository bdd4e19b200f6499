"""How long the line for the model is, said while somebody waits in it, and to whom it has no room for."""

import httpx
import pytest

pytest.importorskip("gradio")

from tests import serving

pytestmark = pytest.mark.browser

LINE = ".cvt-server"


def test_people_read_how_long_the_line_is(seen, served):
    demo, page = serving.demo_of(served), seen.page
    queue, line = demo._queue, page.locator(LINE)
    assert (queue.sleep_when_free, queue.max_size) == (0.01, 200)  # what Gradio calls them
    assert queue.event_analytics == {}
    first = page.evaluate("cvt.page.state.picture.key")
    queue.max_size = 0
    try:
        seen.choose("koala")
        line.get_by_text("Too many people are asking: 0 requests are in line.").wait_for()
    finally:
        queue.max_size = 200
    page.wait_for_function("!cvt.page.state.choosing")
    assert page.evaluate("cvt.page.state.picture.key") == first
    seen.choose("koala")  # which is possible again at once
    seen.wait_for_example("koala")
    seen.problems.clear()  # the browser reports the refusal, too


def test_a_line_that_is_not_full_is_said_while_somebody_waits(seen, served):
    page = seen.page
    there = httpx.get(f"{served}/explorer/heartbeat").json()  # its name, too: another server's would be news, which come first
    page.route("**/explorer/heartbeat", lambda route: route.fulfill(json={**there, "line": 12}))
    page.evaluate("cvt.page.update({ running: true }); dispatchEvent(new Event('online'))")
    page.locator(LINE).get_by_text("Many people are asking: 12 requests are in line.").wait_for()
    page.evaluate("cvt.page.update({ running: false })")
    assert page.locator(LINE).inner_text() == ""
    page.unroute_all()
    assert page.evaluate("[cvt.page.state.choosing, cvt.page.state.away]") == [None, False]
