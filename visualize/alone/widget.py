"""The explorer as a notebook widget. Only this module needs anywidget; ``web/alone/notebook.js`` is its part in the browser.

What travels, beside the scripts, styles and templates: ``_payload``, the bytes of ``draw/payload.py``; ``_result``, what
``Explorer.load`` takes; and the choices, of which each side writes its own. ``_asked`` is what Python chose last: a ``count``, the
``key`` of the result, the ``changes`` for views that are there, and the whole ``state`` for those that come later. ``_chosen`` is
what a view shows: its ``state``, and the ``count`` of what it has applied. While that is behind, a newer choice is on its way to the
view, and what the view says is out of date. (marimo keeps a ``_value`` of its own in widgets.)

A view asks for what it lacks by a message ``{id, key, what}``, with ``stage`` and ``block`` for what "block" and "inside", and with
``state`` for what "page", the shown result as one HTML file. The answer has the same ``id``: first ``{begun: true}``, then ``{}``
with the bytes, or ``{problem}``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anywidget
import traitlets

from ..explore import Exploration
from ..web import alone
from .bundle import loader
from .chosen import NAMES, Chosen
from .shown import Shown, Shows

# anywidget waits two seconds at most for a module, but as long as it takes for its view
ESM = "const loaded = {};\nexport default {{ render: async (view) => (await loaded).default.render(view) }};\n"


class ExplorerWidget(anywidget.AnyWidget):
    """An explorer in a notebook cell; ``visualize.show`` makes it.

    What is chosen in it can be read, observed, linked and set. Everything counts from 0, as everywhere but in text.

    Attributes:
        stage: the chosen stage.
        block: the chosen block of that stage; each stage remembers its own, so set the stage first.
        head: the chosen head of that stage; None is the mean of all.
        token: (row, column) in the stage's query grid, or "cls" for the cls token where the stage has one.
        layer: what is drawn on the picture: "attention", "features", "class" or "none".
        exploration: what is shown, as ``visualize.explore`` gives it.
    Raises:
        traitlets.TraitError: an attribute is set to what this model or picture does not have; nothing changes then.
    """

    stage: Any = traitlets.TraitType()
    block: Any = traitlets.TraitType()
    head: Any = traitlets.TraitType()
    token: Any = traitlets.TraitType()
    layer: Any = traitlets.TraitType()
    _payload = traitlets.Bytes().tag(sync=True)
    _result = traitlets.Dict().tag(sync=True)
    _asked = traitlets.Dict().tag(sync=True)
    _chosen = traitlets.Dict().tag(sync=True)
    _styles = traitlets.Unicode(alone.CELL_CSS).tag(sync=True)
    _template = traitlets.Unicode(alone.CELL_HTML).tag(sync=True)
    _esm = ESM.format(loader(alone.CELL))

    def __init__(self, shows: Shows, shown: Shown):
        self._shows, self._shown, self._choices = shows, shown, Chosen(shown.exploration)
        super().__init__(_payload=shown.payload, _result=shown.value, _asked=self._ask(1), _chosen={"count": 0}, **self._choices.values())
        self.on_msg(self._answer)

    @property
    def exploration(self) -> Exploration:
        return self._shown.exploration

    def explore(self, picture: Any) -> None:
        """Shows another picture, anything ``read_picture`` takes, with the same stage, block, head and layer. Raises as ``explore``."""
        shown = self._shows.show(picture)
        self._shown, self._choices = shown, Chosen(shown.exploration, self._choices)
        with self.hold_sync():
            self._payload, self._result = shown.payload, shown.value
            self._asked, self._chosen = self._ask(self._asked["count"] + 1), {"count": 0}
        self._tell()

    def _ask(self, count: int, changes: dict[str, Any] | None = None) -> dict[str, Any]:
        state = dict(self._choices.state)
        key = self._shown.value["key"]
        return {"count": count, "key": key, "changes": state if changes is None else changes, "state": state}

    def _tell(self) -> None:
        """Sets the attributes to what is chosen."""
        with self.hold_trait_notifications():
            for name, value in self._choices.values().items():
                setattr(self, name, value)

    @traitlets.validate(*NAMES)
    def _valid(self, proposal: dict[str, Any]) -> Any:
        try:
            return self._choices.valid(proposal["trait"].name, proposal["value"])
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from error

    @traitlets.observe(*NAMES)
    def _set(self, change: dict[str, Any]) -> None:
        """Somebody chose in Python, unless it is what is chosen already."""
        name, value = change["name"], change["new"]
        if self._choices.values()[name] == value:
            return
        behind = self._chosen["count"] != self._asked["count"]  # a view may not have heard of the choice before either
        changes = (self._asked["changes"] if behind else {}) | self._choices.choose(name, value)
        self._asked = self._ask(self._asked["count"] + 1, changes)
        self._tell()

    @traitlets.observe("_chosen")
    def _take(self, change: dict[str, Any]) -> None:
        """Somebody chose in the browser."""
        if change["new"].get("count") != self._asked["count"]:
            return
        try:
            self._choices.take(change["new"]["state"])
        except (KeyError, ValueError):
            return  # of another version of the scripts, in a notebook that was saved then
        self._tell()

    def _answer(self, _: Any, asked: dict[str, Any], buffers: Any) -> None:
        """A view asks for a part of the result."""
        shown = self._shown
        parts: dict[str, Callable[[], bytes]] = {
            "block": lambda: shown.block(asked["stage"], asked["block"]),
            "inside": lambda: shown.inside(asked["stage"], asked["block"]),
            "page": lambda: shown.page(asked["state"]),
        }
        if asked.get("what") not in parts:
            return
        answer = {"id": asked["id"]}
        if asked["key"] != shown.value["key"]:
            self.send(answer | {"problem": ""})
            return
        self.send(answer | {"begun": True})
        try:
            found = parts[asked["what"]]()
        except Exception as error:  # whatever it is: somebody waits for the answer
            self.send(answer | {"problem": str(error) or type(error).__name__})
        else:
            self.send(answer, [found])
