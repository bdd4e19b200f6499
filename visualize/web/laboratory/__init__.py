"""The architecture laboratory in the browser: its template, styles and scripts, for any page.

The element is a ``gr.HTML`` with ``LABORATORY_HTML`` and ``JS_ON_LOAD``. Its ``submit`` event requests a run, and the
element's value reports on it, see ``LaboratoryApi.run``. The page's server answers, below its root: ``modules/<component>/<file>``
with the files of this component and of ``shared``, and ``laboratory/<question>`` with the methods of ``LaboratoryApi``.
"""

from __future__ import annotations

from pathlib import Path

from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = (STATIC / "laboratory.css").read_text(encoding="utf-8")
LABORATORY_HTML = (STATIC / "laboratory.html").read_text(encoding="utf-8")

JS_ON_LOAD = on_load("laboratory", "laboratory")
