"""The tab "Break it" in the browser: its template, styles and scripts.

The element is a ``gr.HTML`` with ``BREAKING_HTML`` and ``JS_ON_LOAD``. It holds two explorers, "before" and "after", and one
experiment at a time: a folder here with a script of the same name, which says what it does. The page's server answers, below its
root, the scripts (see ``scripts.py``) and ``break/<question>`` with the answers of ``page/breaking/api.py``.
"""

from __future__ import annotations

from pathlib import Path

from .. import explorer
from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = "".join(path.read_text(encoding="utf-8") for path in [STATIC / "breaking.css", *sorted(STATIC.glob("*/*.css"))])
SIDES = ("before", "after")

JS_ON_LOAD = on_load("breaking", "break")
BREAKING_HTML = explorer.with_explorers(
    (STATIC / "breaking.html").read_text(encoding="utf-8"), {side: f" {side} the change" for side in SIDES}
)
