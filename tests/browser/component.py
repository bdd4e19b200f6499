"""The browser component on a page of its own, and a server with the routes that it expects."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from cvt.processor import CvtImageProcessor
from tests.browser.tabs import VIEWPORT, Tabs
from tests.draw.test_payload import model_of
from visualize.alone.bundle import script
from visualize.draw.payload import block_payload, payload
from visualize.explore import Exploration
from visualize.maps.inside import inside_payload
from visualize.web import explorer

MODEL, PROCESSOR = model_of(5), CvtImageProcessor(size=64)
ROOM = 8 << 20  # bytes of a payload: all blocks travel
VALUE = {"key": "first", "note": "A <b>note</b>."}
# What the host of the page does: a root below a path, the two templates, the script that attaches them.
PAGE = """<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">
<style>body {{ margin: 0 }} .row {{ display: grid; grid-template-columns: 400px 1fr; gap: 20px }} {css}</style>
<body><div class="row"><div id="a">{picture}</div><div id="b">{panels}</div></div><script>
window.gradio_config = {{ root: "/below/" }};
window.told = {{}};
for (const id of ["a", "b"]) {{
  const element = document.getElementById(id);
  const props = {{ value: id === "a" ? {{ ...{value}, ...(location.hash && {{ key: location.hash.slice(1) }}) }} : null }};
  window.tell = id === "a" ? (value) => {{ props.value = value; window.told[id]("value"); }} : window.tell;
  const watch = (name, heard) => {{ window.told[id] = heard; }};
  new Function("element", "props", "watch", "trigger", {script})(element, props, watch, null);
}}
</script>"""


class Server(ThreadingHTTPServer):
    """What one page asks: which results there are, how large a payload may be, the status that refuses blocks, what was asked."""

    results: dict[str, Exploration]
    room: int
    failing: list[int]
    asked: list[str]


def serve() -> Server:
    """A server with the routes that the component expects, below /below."""
    page = PAGE.format(
        css=explorer.CSS,
        picture=explorer.picture_html("main"),
        panels=explorer.panels_html("main"),
        value=json.dumps(VALUE),
        script=json.dumps(explorer.JS_ON_LOAD),
    ).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            results, room, failing = self.server.results, self.server.room, self.server.failing
            self.server.asked.append(self.path)
            path = self.path.split("?")[0].removeprefix("/below/").split("/")
            if path == [""]:
                return self.answer(page, "text/html")
            if path[0] == "modules":
                return self.answer(script("/".join(path[1:])).encode(), "text/javascript")
            if path[:2] == ["explorer", "data"] and path[2] in results:
                seen = results[path[2]]
                place = [int(each) for each in path[3:]]
                if place and failing:
                    return self.send_error(failing[-1])
                return self.answer(block_payload(seen, *place) if place else payload(seen, max_bytes=room), "application/octet-stream")
            if path[:2] == ["explorer", "inside"] and path[2] in results:
                stage, number = (int(each) for each in path[3:])
                return self.answer(inside_payload(MODEL, PROCESSOR, results[path[2]], stage, number), "application/octet-stream")
            self.send_error(404)
            return None

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


FREE: list[Server] = []  # whose pages are closed; they and their tabs are used again


def stop_free(tabs: Tabs) -> None:
    """Stops the servers whose pages are closed."""
    while FREE:
        server = FREE.pop()
        tabs.close(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        server.server_close()


class Page:
    """A page with a component that shows its first result; its problems are checked when the test is done."""

    def __init__(self, tabs: Tabs, seen: dict[str, Exploration], room: int = ROOM, key: str = "first", **context):
        self.server = FREE.pop() if FREE else serve()
        self.server.results, self.server.room, self.server.failing, self.server.asked = seen, room, [], []
        self.asked = self.server.asked
        self.problems: list[str] = []
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        heard = {
            "pageerror": lambda error: self.problems.append(str(error)),
            "console": lambda message: message.type == "error" and self.problems.append(message.text),
            "request": lambda request: request.url.startswith((self.address, "blob:", "data:")) or self.problems.append(request.url),
        }
        self.tabs, self.page = tabs, tabs.take(self.address, heard, **context)
        self.page.goto(f"{self.address}/below/#{key}")
        self.page.wait_for_selector(f"[data-ready={key}]")
        self.settle()

        self.initial = self.page.evaluate("cvt.explorer().state")

    def as_opened(self, key: str = "first", **server) -> None:
        """Puts the page back to what it opened with, and shows this result anew; ``server``: what its server has then."""
        self.page.set_viewport_size(VIEWPORT)
        self.page.mouse.move(0, 0)
        for name, value in server.items():
            setattr(self.server, name, value)
        self.page.evaluate(
            """(value) => { const explorer = cvt.explorer();
            document.activeElement.blur();
            for (const each of document.querySelectorAll("details[open]")) each.open = false;
            window.before = explorer.result;
            explorer.asked = null;
            tell(value); }""",
            {**VALUE, "key": key},
        )
        self.page.wait_for_function("cvt.explorer().result !== before")
        if key == "first":
            self.set(**self.initial)
        self.page.evaluate("scrollTo(0, 0)")
        self.asked.clear()
        self.problems.clear()

    def settle(self) -> None:
        self.page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def state(self, name: str):
        return self.page.evaluate(f"cvt.explorer().state.{name}")

    def set(self, **changes) -> None:
        self.page.evaluate("(changes) => cvt.explorer().set(changes)", changes)
        self.settle()

    def open_microscope(self) -> None:
        self.set(depth="inside")
        self.page.wait_for_function("[...cvt.explorer().result.insides.values()].some(Boolean)")
        self.settle()

    @property
    def sentence(self) -> str:
        return self.page.locator("[data-ref=sentence]").inner_text()

    @property
    def box(self) -> dict:
        return self.page.locator("[data-ref=picture]").bounding_box()

    def over(self, y: float, x: float, side: int = 64) -> tuple[float, float]:
        """The point of the page above a point of the input."""
        box = self.box
        return box["x"] + x / side * box["width"], box["y"] + y / side * box["height"]

    def pixel(self, y: float, x: float, side: int = 64) -> list[int]:
        """RGBA of the overlay at a point of the input."""
        return self.page.evaluate(
            """([y, x]) => { const c = cvt.explorer().ref.overlay;
            return Array.from(c.getContext("2d").getImageData(Math.floor(x * c.width), Math.floor(y * c.height), 1, 1).data); }""",
            [y / side, x / side],
        )

    def close(self) -> None:
        self.tabs.give(self.page)
        FREE.append(self.server)
