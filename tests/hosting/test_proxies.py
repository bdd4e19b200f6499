"""The page where others host it: below a path, in a frame of another site, behind proxies that hold answers back, and in two processes."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from PIL import Image

pytest.importorskip("gradio")

from gradio_client import Client, handle_file

from tests.hosting.conftest import PATH
from tests.hosting.nginx import free_port
from visualize.page.link.choices import TABLE
from visualize.page.requests import Request

# What a Space's page allows its frame.
SANDBOX = (
    "allow-downloads allow-forms allow-modals allow-pointer-lock allow-popups "
    "allow-popups-to-escape-sandbox allow-same-origin allow-scripts"
)
SHOWN = """name => { if (typeof cvt !== "object") return false;
  const { picture, results, choosing } = cvt.page.state;
  return picture && (picture.example ?? null) === name && picture.key === results.main.key && !choosing
    && cvt.explorer().ref.message.hidden; }"""


@pytest.fixture(scope="module")
def frame_of():
    """``frame_of(address)``: the address of a page on another site that shows that one in a frame."""
    port = free_port()

    class Around(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            address = self.path.partition("?")[2]
            frame = f'<iframe src="{address}" sandbox="{SANDBOX}" style="width: 1400px; height: 860px"></iframe>'
            self.wfile.write(f'<!doctype html><link rel="icon" href="data:,">{frame if address else ""}'.encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Around)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield lambda address: f"http://localhost:{port}/?{address}"
    server.shutdown()
    server.server_close()


@pytest.mark.browser
def test_the_page_works_below_a_path_in_another_sites_frame_and_when_answers_are_held_back(replicas, frame_of, chromium, tmp_path):
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page, problems, asked = context.new_page(), [], []
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(frame_of(replicas.held))
    (frame,) = page.main_frame.child_frames
    frame.wait_for_selector('[data-explorer="main"] [data-ref="verdictName"]:not(:empty)', timeout=60_000)
    assert frame.evaluate("origin !== location.ancestorOrigins[0] && window !== top")

    frame.get_by_role("button", name="Example: honey bee", exact=True).click()
    frame.wait_for_function(SHOWN, arg="honey_bee", timeout=60_000)
    Image.new("RGB", (90, 70), "teal").save(tmp_path / "own.png")
    frame.locator("[data-own=file]").set_input_files(tmp_path / "own.png")
    frame.wait_for_function(SHOWN, arg=None, timeout=60_000)
    assert frame.evaluate("cvt.explorer().result.original") == [90, 70]

    frame.get_by_role("tab", name="Change it").click()
    frame.wait_for_function("cvt.page.state.view.variant?.result && !cvt.page.state.running", timeout=60_000)
    frame.get_by_role("tab", name="Break it").click()
    frame.wait_for_function("cvt.page.state.view.before && document.querySelector('[data-experiment=knock]')", timeout=60_000)
    frame.get_by_role("button", name=TABLE["experiment"].values["decide"]).click()
    frame.wait_for_function(
        """document.querySelector('[data-break] [data-experiment="decide"]')?.children.length
      && !document.querySelector("[data-break] [data-busy]")""",
        timeout=60_000,
    )
    frame.get_by_role("tab", name="Lessons").click()
    frame.wait_for_selector("[data-lessons] li, #lessons button", timeout=60_000)
    frame.wait_for_function("location.pathname === '/cvt/' && location.search.includes('tab=lessons')")
    assert problems == []
    ours = [url for url in asked if url.startswith(replicas.held.removesuffix(f"{PATH}/"))]
    assert [url for url in ours if not url.startswith(replicas.held)] == []
    context.close()


def test_everybody_keeps_to_one_process_and_new_people_are_spread(replicas):
    seen = set()
    for _ in range(12):
        with httpx.Client(base_url=replicas.address) as person:
            asked = ("", "modules/choices.js", "explorer/heartbeat")
            mine = {person.get(each).headers["set-cookie"].partition(";")[0] for each in asked}
            assert len(mine) == 1
            seen |= mine
    assert seen == {f"cvt_replica={name}" for name in replicas.workbenches}


def test_a_programs_calls_go_to_one_process(replicas, tmp_path):
    """Each takes three requests, which must meet where the first went."""
    Image.effect_noise((96, 96), 60).convert("RGB").save(tmp_path / "own.png")
    workbench = next(iter(replicas.workbenches.values()))
    expected = dict(workbench.classes(Request(model=workbench.names[0], picture=(tmp_path / "own.png").read_bytes())))
    program = Client(replicas.address, verbose=False)
    for _ in range(3):
        answer = program.predict(handle_file(tmp_path / "own.png"), api_name="/predict")
        assert {each["label"]: each["confidence"] for each in answer["confidences"]} == pytest.approx(expected, abs=1e-4)


@pytest.mark.browser
def test_when_a_process_ends_its_people_see_the_same_from_the_other(replicas, chromium):
    """The last test of this file: one process is gone after it."""
    page = chromium.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.goto(replicas.address)
    page.wait_for_function(SHOWN, arg="red_panda", timeout=60_000)
    page.get_by_role("button", name="Example: honey bee", exact=True).click()
    page.wait_for_function(SHOWN, arg="honey_bee", timeout=60_000)
    page.evaluate("window.same = true; cvt.explorer().set({ stage: 1, head: 1 })")
    key = page.evaluate("cvt.page.state.picture.key")
    (mine,) = (each["value"] for each in page.context.cookies() if each["name"] == "cvt_replica")
    (other,) = set(replicas.workbenches) - {mine}
    assert [key in replicas.workbenches[name].store for name in (mine, other)] == [True, False]
    replicas.stops[mine]()
    page.evaluate("dispatchEvent(new Event('online'))")
    page.wait_for_function("key => cvt.page.state.picture.key !== key", arg=key, timeout=60_000)
    page.wait_for_function(SHOWN, arg="honey_bee", timeout=60_000)
    assert page.evaluate("cvt.page.state.picture.key") in replicas.workbenches[other].store
    state = page.evaluate("[window.same, cvt.explorer().state.stage, cvt.explorer().state.head]")
    assert state == [True, 1, 1]
    page.context.close()
