"""Lessons in the browser: the list in the tab "Lessons", and the player that stays while the tabs change.

Each is a ``gr.HTML`` with ``JS_ON_LOAD``: ``LESSONS_HTML`` in the tab, whose elements the host makes when it is opened, and
``PANEL_HTML`` outside of the tabs. The page's server answers, below its root, the scripts (see
``scripts.py``), ``lessons`` with the list, and ``lessons/read`` with what a text says; see ``page/lessons/api.py``.
"""

from __future__ import annotations

from pathlib import Path

from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = "".join(path.read_text(encoding="utf-8") for path in [STATIC / "lesson.css", *sorted(STATIC.glob("*/*.css"))])
LESSONS_HTML, PANEL_HTML = ((STATIC / name).read_text(encoding="utf-8") for name in ("lessons.html", "panel.html"))

JS_ON_LOAD = on_load("lesson", "lessons")
