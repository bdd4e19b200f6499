"""The architecture laboratory in the browser: its template, styles and scripts, for any page.

The element is a ``gr.HTML`` with ``LABORATORY_HTML`` and ``JS_ON_LOAD``. It holds two explorers, "baseline" and "variant". Its
``submit`` event requests a run, and the element's value reports on it, see ``LaboratoryApi.run``. The page's server answers, below
its root, the scripts (see ``scripts.py``) and ``laboratory/<question>`` with the methods of ``LaboratoryApi``.
"""

from __future__ import annotations

from pathlib import Path

from .. import explorer
from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = (STATIC / "laboratory.css").read_text(encoding="utf-8")
SIDES = ("baseline", "variant")

JS_ON_LOAD = on_load("laboratory", "laboratory")
LABORATORY_HTML = explorer.with_explorers(
    (STATIC / "laboratory.html").read_text(encoding="utf-8"), {side: f" of the {side}" for side in SIDES}
)
