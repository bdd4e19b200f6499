"""A server that ends and starts again under an open page: the page says so, and shows the same as before."""

from __future__ import annotations

import pytest
from PIL import Image

pytest.importorskip("gradio")

import app
from tests import serving
from tests.hosting.nginx import free_port
from tests.hosting.test_proxies import SHOWN
from visualize.page.workbench import Workbench

pytestmark = pytest.mark.browser

ASK = "dispatchEvent(new Event('online'))"  # the page asks whether the server is there, which it does by itself every two seconds
COMPUTED = """before => { const { picture: { key }, results, choosing } = cvt.page.state;
  return key !== before && key === results.main.key && !choosing && cvt.explorer().key === key && cvt.explorer().ref.message.hidden; }"""
SEEN = """() => { const { state, result, key } = cvt.explorer();
  const rounded = JSON.parse(JSON.stringify(state, (_, value) => (typeof value === "number" ? Number(value.toFixed(6)) : value)));
  return { state: rounded, size: result.original, key, model: cvt.page.state.model,
    pixels: Array.from(result.arrays.pixels.slice(0, 30)) }; }"""


@pytest.fixture
def server(tmp_path):
    """``server()`` starts the app at the same address each time; what it gives ends it."""
    for seed, name in enumerate(("first", "second")):
        serving.save_random_model(tmp_path / name, seed=seed, embed_dim=(8, 16, 32), depth=(1, 1, 2))
    port, running = free_port(), []

    def start():
        workbench = Workbench([str(tmp_path / name) for name in ("first", "second")], "cpu", kept=app.EXAMPLES[:2])
        context = serving.app_of(workbench, port)
        running.append(context)
        address = context.__enter__()
        return address, lambda: running.pop().__exit__(None, None, None)

    yield start
    while running:
        running.pop().__exit__(None, None, None)


def test_a_restart_is_said_and_the_view_stays(server, chromium, tmp_path):
    address, end = server()
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(address)
    page.wait_for_function(SHOWN, arg="red_panda", timeout=60_000)
    page.evaluate("window.same = true")  # a page that is loaded anew has forgotten it

    def restarted(meanwhile=lambda: None):
        """What the page shows after a restart; ``meanwhile``: what a person does while there is no server."""
        nonlocal end
        before = page.evaluate(SEEN)
        end()
        with page.expect_event("requestfailed", lambda request: "heartbeat" in request.url):
            page.evaluate(ASK)
        page.evaluate(ASK)  # the second time without an answer
        page.wait_for_function(
            "text => document.querySelector('.cvt-server').textContent.startsWith(text)", arg="The server does not answer."
        )
        meanwhile()
        _, end = server()
        page.evaluate(ASK)
        page.get_by_text("The server was restarted.").wait_for()
        page.wait_for_function(COMPUTED, arg=before["key"], timeout=60_000)
        return before, page.evaluate(SEEN)

    # a picture of one's own, which the server deletes when it ends, seen by the second model, at a chosen place
    Image.effect_noise((120, 80), 70).convert("RGB").save(tmp_path / "own.png")
    page.locator("[data-own=file]").first.set_input_files(tmp_path / "own.png")
    page.wait_for_function(SHOWN, arg=None, timeout=60_000)
    page.locator("#model-choice select").select_option("second")
    page.wait_for_function("cvt.page.state.model === 'second' && !cvt.page.state.choosing")
    page.evaluate("cvt.explorer().set({ stage: 1, head: 1, y: 40, x: 10, pinned: true })")
    before, after = restarted()
    assert {**after, "key": None} == {**before, "key": None}
    assert after["size"] == [120, 80]

    # what is chosen while there is no server comes once there is one
    restarted(lambda: page.get_by_role("button", name="Example: honey bee", exact=True).click())
    page.wait_for_function(SHOWN, arg="honey_bee", timeout=60_000)
    assert page.evaluate("[window.same, cvt.page.state.model]") == [True, "second"]
    page.context.close()
