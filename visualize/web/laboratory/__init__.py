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


def _template() -> str:
    """The template, with those of its explorers."""
    text = (STATIC / "laboratory.html").read_text(encoding="utf-8")
    for side in SIDES:
        of = f" of the {side}"
        text = text.replace(f"__{side.upper()}_PICTURE__", explorer.picture_html(side, of=of))
        text = text.replace(f"__{side.upper()}_PANELS__", explorer.panels_html(side, of=of))
    return text


LABORATORY_HTML = _template()
