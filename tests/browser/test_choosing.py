"""Choosing pictures while the model is at work: examples by pointer and by keyboard, pictures of one's own, and the newest wins."""

import threading

import pytest
from PIL import Image

pytest.importorskip("gradio")

from tests import serving

pytestmark = pytest.mark.browser

DATA = "/explorer/data/"  # where maps are asked for
COLOURS = {"red": (200, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 220), "grey": (128, 128, 128)}
# every result that is drawn, by the first pixel that the model was given, or by its example's name; how many choices were made
RECORD = """window.drawnResults = []; window.takes = 0; window.endRecord?.();
window.endRecord = cvt.page.subscribe((now, before) => {
  if (now.choosing && now.choosing !== before.choosing) window.takes++;
  if (now.picture === before.picture) return;
  window.drawnResults.push(now.picture.example ?? Array.from(cvt.explorer().result.arrays.pixels.slice(0, 3)));
}); null;"""  # or the last value, a function, would be called
DROP = """([name, bytes]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
  return dataTransfer;
}"""


class Gate:
    """Counts a model's forward passes, and holds them while it is shut, until it is removed."""

    def __init__(self, model):
        self.passes, self._entered, self._open = 0, threading.Semaphore(0), threading.Event()
        self._open.set()
        self.remove = model.register_forward_pre_hook(self._pass).remove

    def _pass(self, *_):
        self.passes += 1
        self._entered.release()
        assert self._open.wait(60)

    def shut(self) -> None:
        self._open.clear()
        while self._entered.acquire(blocking=False):
            pass

    def wait(self) -> None:
        """Until a pass has begun since it was shut."""
        assert self._entered.acquire(timeout=60)

    def open(self) -> None:
        self._open.set()


@pytest.fixture(scope="module")
def _gate(random_app):
    workbench, _ = random_app
    gate = Gate(workbench.loaded().model)
    yield gate
    gate.remove()


@pytest.fixture
def gate(_gate):
    """Holds the app's model when it is shut."""
    yield _gate
    _gate.open()


@pytest.fixture
def chooser(gate, seen):
    """The shared visit to the app, whose model can be held."""
    return seen


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Files of one colour each, by its name; the red one is a panorama."""
    folder = tmp_path_factory.mktemp("pictures")
    for name, colour in COLOURS.items():
        Image.new("RGB", (600 if name == "red" else 120, 100), colour).save(folder / f"{name}.png")
    return {name: folder / f"{name}.png" for name in COLOURS}


def drop(seen, path) -> None:
    """A file let go over the upload, as a pointer does it."""
    data = seen.page.evaluate_handle(DROP, [path.name, list(path.read_bytes())])
    takes = seen.page.evaluate("takes")
    seen.page.locator("#picture-upload").dispatch_event("drop", {"dataTransfer": data})
    seen.page.wait_for_function("takes => window.takes > takes", arg=takes)


def drawn_since(seen) -> list:
    return seen.page.evaluate("window.drawnResults.splice(0)")


def link_is(seen, picture: str | None) -> None:
    """Waits until the address names this picture, or none."""
    seen.page.wait_for_function("name => new URLSearchParams(location.search).get('picture') === name", arg=picture)


def test_an_example_is_in_the_link_and_its_kept_result_is_used(visit, random_app, gate):
    workbench, address = random_app
    for name in ("koala", "bison", "tabby_cat"):
        serving.explore(workbench, workbench.examples[name])  # as somebody before did
    seen = visit(address)
    passes = gate.passes
    assert [url for url in seen.requests if "file=" in url] == []  # the photographs themselves are not loaded to be shown small
    ways = {
        "koala": lambda button: button.click(),
        "bison": lambda button: button.press("Enter"),
        "tabby cat": lambda button: button.press("Space"),
    }
    for name, press in ways.items():
        press(seen.example(name))
        seen.wait_for_example(name)
        link_is(seen, name.replace(" ", "_"))
        assert seen.page.locator('#picture-examples [aria-current="true"]').get_attribute("title") == name
    seen.page.reload()
    seen.wait_for_result()
    seen.wait_for_example("tabby cat")
    link_is(seen, "tabby_cat")
    assert gate.passes == passes


def test_the_link_names_an_example_as_soon_as_it_is_drawn(chooser):
    """Who reloads at once finds it again."""
    seen = chooser
    seen.page.evaluate("""window.links = []; cvt.page.subscribe((now, before) => {
      if (now.picture !== before.picture) links.push(new URLSearchParams(location.search).get("picture"));
    }); null""")
    for name in ("koala", "bison"):
        seen.choose(name)
        seen.wait_for_example(name)
        assert seen.page.evaluate("links.pop()") == name


def test_examples_and_own_pictures_in_turn(chooser, gate, pictures):
    seen = chooser
    seen.example("espresso").dblclick()
    seen.wait_for_example("espresso")
    key = seen.page.evaluate("cvt.explorer().key")
    passes = gate.passes
    seen.upload(pictures["red"])
    seen.wait_for_example(None)
    link_is(seen, None)
    assert seen.page.locator('#picture-examples [aria-current="true"]').count() == 0
    done = seen.page.locator('[data-explorer="main"] [data-ref="notes"]')
    assert done.get_attribute("role") == "status"
    assert done.inner_text() == "The model saw only the middle square of 600×100 pixels."
    seen.choose("espresso")
    seen.wait_for_example("espresso")
    assert done.inner_text() == ""
    link_is(seen, "espresso")
    assert seen.page.evaluate("cvt.explorer().key") == key
    assert gate.passes == passes + 1


def test_back_and_forward_show_what_was_chosen(chooser, served):
    seen = chooser
    seen.page.goto(f"{served}/?picture=honey_bee")
    seen.wait_for_result()
    seen.wait_for_example("honey bee")
    seen.choose("koala")
    link_is(seen, "koala")
    seen.page.goto(f"{served}/?picture=bison")
    for move, name in ((lambda: None, "bison"), (seen.page.go_back, "koala"), (seen.page.go_forward, "bison")):
        move()
        seen.wait_for_result()
        seen.wait_for_example(name)
        link_is(seen, name)


def test_of_pictures_dropped_while_one_is_worked_on_the_newest_is_shown(chooser, gate, pictures):
    seen = chooser
    seen.page.evaluate(RECORD)
    passes, requests = gate.passes, len(seen.requests)
    gate.shut()
    seen.upload(pictures["red"])
    gate.wait()
    message = seen.page.locator('[data-explorer="main"] [data-ref="message"]')
    for name in ("green", "blue"):
        drop(seen, pictures[name])
        assert message.inner_text() == "Running your latest choice …"
    gate.open()
    seen.wait_for_example(None)
    assert drawn_since(seen) == [list(COLOURS["blue"])]
    assert gate.passes == passes + 2
    assert len([url for url in seen.requests_since(requests) if DATA in url]) == 1  # nor are the maps of the others asked for
    link_is(seen, None)
    seen.upload(pictures["grey"])
    seen.page.wait_for_function("drawnResults.length")
    assert drawn_since(seen) == [list(COLOURS["grey"])]


def test_an_example_takes_the_place_of_a_picture_that_is_worked_on_and_the_other_way_round(chooser, gate, pictures):
    seen = chooser
    seen.page.evaluate(RECORD)
    gate.shut()
    seen.upload(pictures["red"])
    gate.wait()
    seen.choose("koala")
    gate.open()
    seen.wait_for_example("koala")
    assert drawn_since(seen) == ["koala"]
    gate.shut()
    seen.choose("aqueduct")  # which no other test opens: its result must not be there yet
    gate.wait()
    drop(seen, pictures["green"])
    gate.open()
    seen.wait_for_example(None)
    assert drawn_since(seen) == [list(COLOURS["green"])]


def test_maps_that_come_after_a_newer_choice_are_not_drawn(chooser, gate, pictures):
    seen = chooser
    seen.page.evaluate(RECORD)
    held = []
    seen.page.route(f"**{DATA}**", lambda route: held.append(route), times=1)
    with seen.page.expect_request(f"**{DATA}**"):
        seen.choose("alp")
    gate.shut()
    drop(seen, pictures["green"])
    gate.wait()
    held.pop().continue_()
    seen.page.wait_for_function("cvt.explorer().asked === null")  # they came, and were put aside
    gate.open()
    seen.wait_for_example(None)
    assert drawn_since(seen) == [list(COLOURS["green"])]


def test_where_the_newest_cannot_be_shown_the_one_before_it_is(chooser, gate, pictures, tmp_path):
    seen = chooser
    seen.page.evaluate(RECORD)
    (tmp_path / "broken.png").write_bytes(b"this is no picture")
    gate.shut()
    seen.upload(pictures["red"])
    gate.wait()
    seen.upload(tmp_path / "broken.png")
    seen.page.get_by_text("Running your latest choice").wait_for()
    gate.open()
    seen.page.get_by_text("This file is not a picture").first.wait_for()
    seen.wait_for_example(None)
    assert drawn_since(seen) == [list(COLOURS["red"])]
