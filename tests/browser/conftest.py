"""A person's visit to the page, in the Chromium of ``tests/conftest.py``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlparse

import pytest

from tests.browser.component import MODEL, PROCESSOR, ROOM, Page, stop_free
from tests.browser.tabs import VIEWPORT, Tabs
from tests.draw.test_payload import photo
from visualize.explore import explore

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
# What a page shows first, and how it is put back to that.
OPENED = """(({ picture, model }) => ({ picture: { example: picture.example }, model, choices: cvt.explorer().state }))(cvt.page.state)"""
# Whether its first tab is open, and the key of what it shows, where that is what it opened with and nothing newer is on its way.
NOW = """({ picture, model }) => {
  const { picture: now, model: name, results, choosing } = cvt.page.state, explorer = cvt.explorer();
  const same = now.example === picture.example && name === model && now.key === results.main.key && explorer.key === now.key;
  const said = [...document.querySelectorAll("[role=alert]")].some((each) => each.textContent);
  const still = same && !said && !choosing && explorer.drawn === explorer.result && explorer.ref.message.hidden;
  return [document.querySelector("[role=tab]").ariaSelected === "true", still ? now.key : null];
}"""
AS_OPENED = """({ choices }) => {
  if (cvt.page.state.lesson) document.querySelector("[data-lesson] [data-ref=leave]").click();
  localStorage.removeItem("cvt-lessons");
  document.querySelectorAll(".toast-close").forEach((each) => each.click());
  for (const each of document.querySelectorAll("details[open]")) each.open = false;
  for (const each of document.querySelectorAll(".cvt-lab-why[aria-expanded=true]")) each.click();
  document.querySelector("[role=tab]").focus(); // from where the Tab key goes on
  document.activeElement.blur();
  scrollTo(0, 0);
  for (const each of document.querySelectorAll("[data-strip]")) each.scrollLeft = 0;
  cvt.explorer().set(choices);
  cvt.page.update({ off: "", how: "zero" });
  const before = cvt.explorer("before"); // of the tab "Break it", if it shows this result
  if (before?.result?.key === cvt.explorer().result.key) before.set(choices);
}"""
ASK = """({ picture, model }) => {
  const { answers } = cvt.page.state;
  cvt.page.update({ asked: { picture, model } });
  return answers;
}"""
SHOWN = """({ picture, model, answers }) => {
  const { picture: now, model: name, results, choosing, answers: count } = cvt.page.state;
  return count > answers && now.example === picture.example && name === model && now.key === results.main.key && !choosing;
}"""


class Visit:
    """A page with a record of what went wrong on it and of where it sent requests; ``watch`` is given the tab while it is blank."""

    def __init__(self, tabs: Tabs, address: str, watch: Callable[[Any], None] = lambda page: None, **context):
        from tests import serving  # needs Gradio

        self.address, self.host, self.viewport = address, urlparse(address).netloc, context.get("viewport", VIEWPORT)
        self.problems: list[str] = []
        self.requests: list[str] = []
        heard = {
            "console": lambda message: message.type == "error" and self.problems.append(message.text),
            "pageerror": lambda error: self.problems.append(str(error)),
            "request": lambda request: self.requests.append(request.url),
        }
        self.page = tabs.take(address, heard, **context)
        serving.before_closing(address, lambda: tabs.leave(address))
        watch(self.page)
        self.page.goto(address)
        self.wait_for_result(state="attached")  # a link may have opened another tab

        self.opened = self.page.evaluate(OPENED)

    def as_opened(self) -> None:
        """Puts the page back to what it opened with: its model, picture, choices, first tab, size and scroll position."""
        from tests import serving  # needs Gradio

        self.page.set_viewport_size(self.viewport)
        self.page.mouse.move(0, 0)
        looks, key = self.page.evaluate(NOW, self.opened)
        if not looks:
            self.page.get_by_role("tab", name="Look").click()
        if not key or not serving.stores(self.address, key):
            answers = self.page.evaluate(ASK, self.opened)
            self.page.wait_for_function(SHOWN, arg={**self.opened, "answers": answers}, timeout=60_000)
        self.page.evaluate(AS_OPENED, self.opened)
        self.page.locator(".toast-body").first.wait_for(state="detached")
        self.problems.clear()
        self.requests.clear()
        self.drawn()

    def wait_for_result(self, explorer: str = "main", state: str = "visible") -> None:
        self.page.wait_for_selector(f'[data-explorer="{explorer}"] [data-ref="verdictName"]:not(:empty)', state=state, timeout=60_000)

    def drawn(self) -> None:
        """Waits for what was asked for to be drawn: once a frame."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def sentence(self, explorer: str = "main") -> str:
        self.drawn()
        return self.page.inner_text(f'[data-explorer="{explorer}"] [data-ref="sentence"]')

    def classes(self, explorer: str = "main") -> str:
        return self.page.inner_text(f'[data-explorer="{explorer}"] [data-ref="classes"]')

    def picture(self, explorer: str = "main"):
        return self.page.locator(f'[data-explorer="{explorer}"] [data-ref="picture"]')

    def overlay(self, explorer: str = "main") -> str:
        """What is drawn on the picture, as a data address, for comparing."""
        self.drawn()
        return self.page.eval_on_selector(f'[data-explorer="{explorer}"] [data-ref="overlay"]', "canvas => canvas.toDataURL()")

    def example(self, name: str):
        """The button of an example, by the name that people read."""
        return self.page.get_by_role("button", name=f"Example: {name}", exact=True)

    def choose(self, example: str) -> None:
        self.example(example).click()

    def upload(self, path) -> None:
        """A file chosen by the tile beside the examples, in the browser's own dialog."""
        with self.page.expect_file_chooser() as dialog:
            self.page.get_by_role("button", name="Drop, paste or choose").click()
        dialog.value.set_files(path)

    def problem(self) -> str:
        """What is said beside the filmstrip, once it is."""
        line = self.page.get_by_role("alert")
        self.page.wait_for_function("line => line.textContent", arg=line.element_handle())
        return line.inner_text()

    def wait_for_example(self, name: str | None) -> None:
        """Until an example, or with None a picture of one's own, is drawn and nothing newer is on its way."""
        self.page.wait_for_function(
            """name => { const { picture, results, choosing } = cvt.page.state;
            return picture && (picture.example ?? null) === name && picture.key === results.main.key && !choosing
              && cvt.explorer().ref.message.hidden; }""",
            arg=name and name.replace(" ", "_"),
            timeout=60_000,
        )

    def requests_since(self, count: int) -> list[str]:
        """Requests after the first ``count``, but for the page's own heartbeat."""
        return [url for url in self.requests[count:] if "heartbeat" not in url]


@pytest.fixture(scope="session")
def tabs(chromium) -> Tabs:
    return Tabs(chromium)


def nothing_went_wrong(visit: Visit) -> None:
    assert visit.problems == []
    assert [url for url in visit.requests if urlparse(url).scheme.startswith("http") and urlparse(url).netloc != visit.host] == []


@pytest.fixture
def visit(tabs, served):
    """``visit(**context)`` opens the app and waits for its first result; nothing may go wrong on any page it opened."""
    visits = []

    def opened(address: str = served, **context) -> Visit:
        visits.append(Visit(tabs, address, **context))
        return visits[-1]

    yield opened
    for each in visits:
        tabs.give(each.page)
    for each in visits:
        nothing_went_wrong(each)


@pytest.fixture(scope="session")
def long_visit(tabs):
    """``long_visit(address)`` is one visit to that app that tests share; loading the page costs more than most of what a test does on it.
    So is ``long_visit(address, phone=True)``, on a phone.

    A context manager: at its beginning the page is as it opened, at its end nothing may have gone wrong.
    """
    visits: dict[tuple[str, bool], Visit] = {}

    @contextmanager
    def shared(address: str, phone: bool = False) -> Iterator[Visit]:
        from tests import serving  # needs Gradio

        key = address, phone
        if key not in visits:
            visits[key] = Visit(tabs, address, **(PHONE if phone else {}))
            serving.before_closing(address, lambda: visits.pop(key))
        visit = visits[key]
        visit.as_opened()
        yield visit
        nothing_went_wrong(visit)

    return shared


@pytest.fixture
def seen(long_visit, served):
    """The shared visit to the app."""
    with long_visit(served) as visit:
        yield visit


@pytest.fixture
def phone(long_visit, served):
    """The shared visit on a phone."""
    with long_visit(served, phone=True) as visit:
        yield visit


@pytest.fixture
def clipboard(seen):
    """Lets the shared visit use it."""
    seen.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    yield
    seen.page.context.clear_permissions()


@pytest.fixture
def broken(seen):
    """The tab of experiments in the shared visit, with the shown picture in it."""
    seen.page.get_by_role("tab", name="Break it").click()
    before = 'cvt.explorer("before")'
    seen.page.wait_for_function(f"{before}?.result && {before}.key === cvt.page.state.picture.key", timeout=60_000)
    yield seen
    seen.page.unroute_all()


@pytest.fixture(scope="session")
def several_models(tmp_path_factory):
    """The workbench and the address of a page with three models.

    "narrow" at 96 pixels, cut from the middle, 68 % correct; "wide" at 128, of all of the picture; and "broken", which gives NaN.
    """
    pytest.importorskip("gradio")
    import app
    from tests import serving
    from visualize.page.workbench import Workbench

    root = tmp_path_factory.mktemp("models")
    serving.save_random_model(root / "narrow", kind="narrow", crop_pct=0.75)
    config = root / "narrow" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"evaluation": {"top1": 0.68}}))
    serving.save_random_model(
        root / "wide", kind="wide", crop_pct=1.0, seed=1, image_size=128, embed_dim=(16, 32, 64), num_heads=(1, 1, 2), depth=(1, 1, 2)
    )
    serving.save_random_model(root / "broken", kind="broken", classifier_bias=float("nan"))
    workbench = Workbench([str(root / name) for name in ("narrow", "wide", "broken")], "cpu", kept=app.EXAMPLES[:1])
    with serving.app_of(workbench) as address:
        yield workbench, address


@pytest.fixture
def of_several(long_visit, several_models):
    """The shared visit to the page with three models."""
    with long_visit(several_models[1]) as visit:
        yield visit


@pytest.fixture(scope="session")
def explored():
    """What a small model with lively maps saw in two pictures."""
    return {"first": explore(MODEL, PROCESSOR, photo()), "second": explore(MODEL, PROCESSOR, photo(70, 140))}


@pytest.fixture(scope="session")
def _shared_component(tabs, explored) -> Iterator[Page]:
    page = Page(tabs, explored)
    yield page
    page.close()
    stop_free(tabs)


@pytest.fixture
def component(_shared_component, explored) -> Iterator[Page]:
    """The page of the explorer alone that tests share, as it opened; loading it costs more than what most of them do on it."""
    _shared_component.as_opened(results=explored, room=ROOM, failing=[])
    yield _shared_component
    assert _shared_component.problems == []
