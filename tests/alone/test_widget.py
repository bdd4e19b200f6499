"""The notebook's widget: what Python and the browser say to each other about what is chosen, and about what the result lacks."""

from __future__ import annotations

import html
import io
import re
import sys

import numpy as np
import pytest

from cvt import CvtForImageClassification, CvtImageProcessor
from tests.draw.test_payload import model_of, photo
from visualize import show
from visualize.alone.notebook import Frame
from visualize.change.interventions import Intervention, intervened
from visualize.container import unpack
from visualize.draw.payload import block_payload, payload
from visualize.explore import explore
from visualize.maps.inside import inside_payload

traitlets = pytest.importorskip("traitlets")
pytest.importorskip("anywidget")

MODEL, PROCESSOR = model_of(5), CvtImageProcessor(size=64)
OFF = (Intervention(stage=1, block=0, part="mlp"),)
NAMES = ("stage", "block", "head", "token", "layer")


@pytest.fixture
def widget():
    """Its ``sent`` has the names of the values that were sent to the browser; ``said`` what else."""
    made = show(MODEL, PROCESSOR, photo())
    made.sent, made.said = [], []
    made.send_state = lambda key=None: made.sent.extend([key] if isinstance(key, str) else key or ["all"])
    made.send = lambda content, buffers=None: made.said.append((content, *(buffers or ())))
    return made


def values(widget) -> dict:
    return {name: getattr(widget, name) for name in NAMES}


def in_browser(widget, count: int | None = None, **changes) -> None:
    """A view says what is chosen in it."""
    state = {**widget._asked["state"], "pinned": True, **changes}
    widget.set_state({"_chosen": {"count": widget._asked["count"] if count is None else count, "state": state}})


def test_it_begins_where_the_page_does(widget):
    """In the middle stage, with its last block, the mean of the heads, and the token in the middle of the picture."""
    grid = widget.exploration.stages[1].query_grid
    places = [(row, column) for row in range(grid.shape[0]) for column in range(grid.shape[1])]
    distances = [np.hypot(*np.subtract(grid.centre(*place), (32, 32))) for place in places]
    assert widget.token in [places[index] for index in np.flatnonzero(distances == min(distances))]
    assert values(widget) == {"stage": 1, "block": 1, "head": None, "token": widget.token, "layer": "attention"}
    assert widget._payload == payload(explore(MODEL, PROCESSOR, photo()))
    assert widget._asked["state"] == widget._asked["changes"]


def test_what_python_sets_is_asked_of_the_browser_once(widget):
    heard = []
    widget.observe(lambda change: heard.append((change.name, change.new)), NAMES)
    widget.stage = 2
    assert (widget.stage, widget.block, widget.head) == (2, 2, None)  # the stage's own
    grid = widget.exploration.stages[2].query_grid
    assert widget.token == min(
        ((row, column) for row in range(4) for column in range(4)),
        key=lambda place: (np.hypot(*np.subtract(grid.centre(*place), (32, 32))), -place[0], -place[1]),
    )
    assert widget.sent == ["_asked"]
    assert sorted(name for name, _ in heard) == ["block", "stage", "token"]
    in_browser(widget, stage=2)  # as it is now shown
    widget.sent.clear()
    widget.head = np.int64(1)
    widget.token = [0, 3]
    assert (widget.head, widget.token) == (1, (0, 3))
    assert widget._asked["changes"] == {  # both, since no view has said that it knows of the first
        "part": "stage",
        "heads": [-1, -1, 1],
        "view": "token",
        "cls": False,
        **dict(zip("yx", grid.centre(0, 3), strict=True)),
    }
    widget.token = "cls"
    assert (widget.token, widget._asked["state"]["cls"]) == ("cls", True)
    widget.stage = 0
    assert widget.token == (0, 12)  # the same place; this stage has no cls token
    widget.stage = 2
    assert (widget.token, widget.head) == ("cls", 1)
    widget.head = None
    assert widget._asked["state"]["heads"] == [-1, -1, -1]
    assert set(widget.sent) == {"_asked"}


@pytest.mark.parametrize(("name", "value"), [
    ("stage", 3), ("stage", -1), ("stage", "1"), ("stage", 1.0), ("stage", True), ("stage", None), ("block", 2), ("block", None),
    ("head", 2), ("head", -1), ("token", (8, 0)), ("token", (0, -1)), ("token", "cls"), ("token", 3), ("token", (1, 2, 3)),
    ("token", None), ("layer", "heat"), ("layer", None), ("layer", ["class"]),
])  # fmt: skip
def test_what_is_not_there_is_refused_and_changes_nothing(widget, name, value):
    before, asked = values(widget), widget._asked
    with pytest.raises(traitlets.TraitError, match=r"There is no \w+ .*: .*(are 0 to \d|give \(row, column\)|choose one of)"):
        setattr(widget, name, value)
    assert values(widget) == before
    assert widget._asked is asked
    assert widget.sent == []


def test_what_the_browser_says_is_seen_and_not_sent_back(widget):
    heard = []
    widget.observe(lambda change: heard.append(change.name), NAMES)
    grid = widget.exploration.stages[2].query_grid
    y, x = grid.centre(1, 3)
    in_browser(widget, stage=2, blocks=[0, 0, 0], heads=[-1, -1, 3], y=y + 3, x=x - 3, layer="class")
    assert values(widget) == {"stage": 2, "block": 0, "head": 3, "token": (1, 3), "layer": "class"}
    assert sorted(heard) == sorted(NAMES)
    in_browser(widget, stage=2, blocks=[0, 0, 0], heads=[-1, -1, 3], y=y, x=x, layer="class")  # the same token
    assert len(heard) == len(NAMES)
    widget.stage = 1
    assert (widget.block, widget.head) == (0, None)  # what the browser said of other stages counts, too
    widget.sent.clear()
    before = values(widget)
    in_browser(widget, count=widget._asked["count"] - 1, stage=0)  # said before the browser heard of stage 1
    for wrong in ({"stage": 7}, {"blocks": [0, 9, 0]}, {"heads": []}, {"y": "high"}, {"layer": 3}):
        in_browser(widget, **wrong)
    widget.set_state({"_chosen": {"count": widget._asked["count"]}})
    assert values(widget) == before
    assert widget.sent == []


def test_an_observer_that_chooses_too_ends(widget):
    widget.observe(lambda change: setattr(widget, "head", 1), "token")
    in_browser(widget, y=1.0, x=1.0)
    assert (widget.token, widget.head) == ((0, 0), 1)
    assert widget._asked["changes"] == {"part": "stage", "heads": [-1, 1, -1]}  # the token stays the browser's
    assert widget.sent == ["_asked"]


def test_another_picture_keeps_what_is_chosen(widget):
    widget.stage, widget.block, widget.layer = 2, 1, "features"
    key, count = widget._result["key"], widget._asked["count"]
    buffer = io.BytesIO()
    photo(70, 140).save(buffer, "PNG")
    for picture in (photo(70, 140), np.asarray(photo(70, 140)), buffer.getvalue()):
        widget.explore(picture)
        assert (widget.stage, widget.block, widget.layer) == (2, 1, "features")
        assert widget._payload == payload(explore(MODEL, PROCESSOR, photo(70, 140)))
    assert widget._result["key"] != key
    assert widget._asked["count"] == count + 3
    assert widget._asked["changes"] == widget._asked["state"]
    assert unpack(widget._payload)[0]["original"] == [70, 140]


@pytest.mark.parametrize("interventions", [(), OFF], ids=["as trained", "without an MLP"])
def test_the_browser_gets_what_the_result_lacks(widget, interventions):
    if interventions:
        heard, widget = widget.said, show(MODEL, PROCESSOR, photo(), interventions)
        widget.send = lambda content, buffers=None: heard.append((content, *(buffers or ())))
    else:
        heard = widget.said
    seen = explore(MODEL, PROCESSOR, photo(), interventions=interventions)
    with intervened(MODEL, [interventions]):
        inside = inside_payload(MODEL, PROCESSOR, seen, 1, 1)
    place = {"key": widget._result["key"], "stage": 1, "block": 1}
    for name, expected in (("block", block_payload(seen, 1, 1)), ("inside", inside)):
        heard.clear()
        widget._handle_custom_msg({"id": "a", "what": name, **place}, [])
        assert heard == [({"id": "a", "begun": True},), ({"id": "a"}, expected)]
    assert (inside_payload(MODEL, PROCESSOR, seen, 1, 1) == inside) == (not interventions)
    heard.clear()
    widget._handle_custom_msg({"id": "d", "what": "page", **place, "state": {**widget._asked["state"], "stage": 2}}, [])
    (_, (_, saved)) = heard
    assert {"inside/2/2", "result"} == set(re.findall(r'data-packed="(\w+(?:/\d/\d)?)"', saved.decode())) - {"scripts"}
    heard.clear()
    widget._handle_custom_msg({"id": "b", "what": "block", **place, "block": 5}, [])
    widget._handle_custom_msg({"id": "c", "what": "block", **place, "key": "earlier"}, [])
    widget._handle_custom_msg({"kind": "of another library"}, [])
    (_, (refused,), (other,)) = heard
    assert "no block 5" in refused["problem"]
    assert other == {"id": "c", "problem": ""}


def test_the_code_that_is_offered_is_the_notebooks_own(widget, tmp_path):
    path = tmp_path / 'a"<b>.png'
    photo().save(path)
    MODEL.save_pretrained(tmp_path / "birds")
    made_of = show(CvtForImageClassification.from_pretrained(tmp_path / "birds"), PROCESSOR, path, OFF)
    value = made_of._result
    assert (value["given"], value["file"], value["model"]) == (True, str(path), "birds")
    assert tmp_path.name not in made_of._shown.page().decode()  # which may be given to anybody
    made: dict = {}
    exec(value["changed"]["lines"], made)
    assert tuple(made["interventions"]) == OFF
    assert value["changed"]["arguments"] == ", interventions=interventions"
    assert "file" not in widget._result


def test_without_anywidget_there_is_a_frame(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    monkeypatch.delitem(sys.modules, "visualize.alone.widget")
    frame = show(MODEL, PROCESSOR, photo())
    assert isinstance(frame, Frame)
    frame.explore(photo(70, 140))
    assert frame.exploration.original_size == (70, 140)
    (tag, page) = re.fullmatch(r'<iframe ([^<>]*) srcdoc="([^"<>]*)"></iframe>', frame._repr_html_()).groups()
    assert 'sandbox="allow-scripts allow-downloads"' in tag
    assert html.unescape(page).startswith("<!doctype html>")
    assert 'data-packed="inside/1/1"' in html.unescape(page)
