"""A page with every component's template and the scripts of the page, but no Gradio: each component is mounted when a test asks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from cvt import ablations
from cvt.processor import CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from tests.helpers import ROOT
from visualize.alone.bundle import script
from visualize.draw.payload import payload
from visualize.explore import explore
from visualize.page.laboratory.describe import about as about_model
from visualize.page.laboratory.describe import describe
from visualize.web import about as about_page
from visualize.web import breaking, chooser, explorer, laboratory, lesson, menu, share

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

MODEL, SIDE = model_of(5), 64
TEMPLATES = {
    "explorer": explorer.picture_html("main") + explorer.panels_html("main"),
    "laboratory": laboratory.LABORATORY_HTML,
    "breaking": breaking.BREAKING_HTML,
    "share": share.SHARE_HTML,
    "lesson": lesson.LESSONS_HTML + lesson.PANEL_HTML,
    "about": about_page.about_html("<p>Somebody took them.</p>"),
    "menu": menu.menu_html([("Published", "mine", "Mine")]),
    "look": explorer.picture_html("look", chooser.examples_html([ROOT / "examples/koala.jpg"], 1000)),
}
BODIES = "".join(f'<div id="{name}">{template}</div>' for name, template in TEMPLATES.items())
PAGE = f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><style>{explorer.CSS}</style><body>{BODIES}</body>'
# Counts what is held: listeners that a signal ends, observers, subscriptions to the page's state, and timers that are due.
COUNT = """window.held = { listeners: 0, observers: 0, subscriptions: 0 }; window.due = new Set();
const { addEventListener } = EventTarget.prototype;
EventTarget.prototype.addEventListener = function (type, listener, options) {
  const { signal } = options ?? {};
  if (signal && !signal.aborted) {
    held.listeners++;
    addEventListener.call(signal, "abort", () => held.listeners--, { once: true });
  }
  return addEventListener.call(this, type, listener, options);
};
for (const [start, end] of [["setTimeout", "clearTimeout"], ["requestAnimationFrame", "cancelAnimationFrame"]]) {
  const [starts, ends] = [window[start].bind(window), window[end].bind(window)];
  window[start] = (work, ...rest) => {
    const id = starts((...values) => { due.delete(start + id); work(...values); }, ...rest);
    due.add(start + id);
    return id;
  };
  window[end] = (id) => { due.delete(start + id); ends(id); };
}
const Observer = window.ResizeObserver;
window.ResizeObserver = class extends Observer {
  constructor(work) { super(work); held.observers++; }
  disconnect() { super.disconnect(); held.observers--; }
};"""
# Mounts a component as the page does; `stop` is then its clean-up.
MOUNT = """async (name) => {
  const { page } = await import("/modules/shared/page.js");
  if (!window.counted) {
    const { subscribe } = page;
    page.subscribe = (listener) => {
      held.subscriptions++;
      const leave = subscribe(listener);
      return () => { held.subscriptions--; leave(); };
    };
    window.counted = true;
    window.store = page;
  }
  const { mount } = await import(`/modules/${name}/main.js`);
  const element = document.getElementById(name);
  const roots = ["explorer", "lesson"].includes(name) ? [...element.children] : [element];
  const value = name === "explorer" ? { key: "first" } : null;
  const stops = roots.map((root) => mount(root, { value }, () => {}, `/${name === "share" ? "laboratory" : name}/`, () => {}));
  window.stop = () => stops.forEach((each) => each());
}"""
MOUNTED = {  # what is there when a component is at work
    "breaking": """document.querySelector("#breaking [data-experiment=knock]")""",
    "explorer": "document.querySelectorAll('#explorer [data-ready=first]').length === 2",
    "laboratory": "document.querySelectorAll('#laboratory [data-ref=tabs] button').length === 3 && store.state.architecture !== null",
    "share": "document.documentElement.dataset.cvtHide === 'seed' && document.querySelectorAll('#share li').length === 1",
    "lesson": "document.querySelector('#lesson [data-begin=mine]') !== null",
    "about": "true",
    "menu": "store.update({ results: { main: { model: 'mine' } } }) || document.querySelector('#menu option').textContent.includes('81')",
    "look": "document.querySelector('#look [role=alert]') !== null",
}


def answer(path: str, body: str | None) -> tuple[str | bytes, str]:
    """What the page's server would answer."""
    if path == "/":
        return PAGE, "text/html"
    if path.startswith("/modules/"):
        return script(path.removeprefix("/modules/")), "text/javascript"
    if path == "/explorer/data/first":
        return payload(explore(MODEL, CvtImageProcessor(size=SIDE), photo())), "application/octet-stream"
    asked = json.loads(body or "null")
    answers = {
        "/lesson": lambda: {"lessons": [{"name": "mine", "title": "Mine", "minutes": 1, "steps": [{}], "digest": "0"}], "problems": []},
        "/look/heartbeat": lambda: {"server": "mine", "line": 0, "most": 9},
        "/menu": lambda: {"instead": None, "models": [{"name": "mine", "title": "Mine", "state": "absent", "bytes": 80_093_144}]},
        "/ablations": ablations.table,
        "/laboratory/about": lambda: {"model": "mine", **about_model(MODEL.config, SIDE)},
        "/laboratory/describe": lambda: describe(MODEL.config, SIDE, asked),
        "/laboratory/open": lambda: {
            "view": {"tab": "explore", "hidden": ["seed"]}, "notices": ["Something."], "architecture": None, "model": "mine", "written": "",
        },
    }  # fmt: skip
    return json.dumps(answers[path]()), "application/json"


@contextmanager
def component_page(chromium: Browser, query: str = "", mounts: str | None = None, **context) -> Iterator[Page]:
    """The page in a new context, with this component at work; ``asked`` are its requests. Nothing may go wrong on it."""
    page = chromium.new_page(**context)
    problems: list[str] = []
    page.asked = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))

    def fulfil(route) -> None:
        page.asked.append(route.request.url)
        content, kind = answer(urlparse(route.request.url).path, route.request.post_data)
        route.fulfill(body=content, content_type=kind)

    page.route("http://cvt.test/**", fulfil)
    page.add_init_script(COUNT)
    page.goto(f"http://cvt.test/{query}")
    if mounts:
        page.evaluate(MOUNT, mounts)
        page.wait_for_function(MOUNTED[mounts])
    yield page
    page.close()
    assert problems == []
