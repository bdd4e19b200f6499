"""The menu of models at the top of the page, and the card below it that says how a load is going.

The element is a ``gr.HTML`` with ``menu_html`` and ``JS_ON_LOAD``. The page's server answers, below its root, the scripts (see
``scripts.py``), ``models`` with what can be chosen, and ``models/load``, which loads a model and reports its progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from ..scripts import on_load, template_text

STATIC = Path(__file__).parent
CSS = (STATIC / "menu.css").read_text(encoding="utf-8")

JS_ON_LOAD = on_load("menu", "models")


def menu_html(models: Iterable[tuple[str, str, str]]) -> str:
    """The template; ``models``: the group, name and title of each that can be chosen, those of a group together."""
    groups: dict[str, list[str]] = {}
    for group, name, title in models:
        option = f'<option value="{template_text(name)}">{template_text(title)}</option>'
        groups.setdefault(group, []).append(option)
    options = "".join(f'<optgroup label="{template_text(group)}">{"".join(each)}</optgroup>' for group, each in groups.items())
    return (STATIC / "menu.html").read_text(encoding="utf-8").replace("__OPTIONS__", options)
