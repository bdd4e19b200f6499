"""The page's link to itself: the button that copies it, the notice on a link's invalid parts, and their script.

The element is a ``gr.HTML`` with ``SHARE_HTML`` and ``JS_ON_LOAD``. The page's server answers, below its root, the scripts (see
``scripts.py``) and ``laboratory/open`` with what ``permalink.decode`` makes of a query string.
"""

from __future__ import annotations

from pathlib import Path

from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = (STATIC / "share.css").read_text(encoding="utf-8")
SHARE_HTML = (STATIC / "share.html").read_text(encoding="utf-8")

JS_ON_LOAD = on_load("share", "laboratory")
