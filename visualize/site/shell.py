"""The site's page: the same templates as on the page with a server, in a shell of its own, and what its scripts must know."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..alone.bundle import needed
from ..page.intake import MAX_BYTES
from ..page.link.choices import TABLE
from ..page.words import head
from ..web import about, breaking, chooser, explorer, lesson, share, site

# The site asks nobody but itself, and runs WASM. Scripts set the style of elements, by attributes too; none makes a style sheet.
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
# what runs when the page opens; the other components come with their tabs
_AT_ONCE = ("site/main.js", "about/main.js", "share/main.js", "look/main.js", "explorer/main.js", "lesson/main.js")


def page(pictures: list[Path], facts: Mapping[str, Any]) -> str:
    """The page for these examples. ``facts``: what the scripts must know."""
    parts = {
        "POLICY": POLICY,
        "ICON": head.ICON,
        "PRELOADS": _preloads(pictures[0].stem),
        "HEADER": head.HEADER,
        "ABOUT": about.about_html(head.credits(pictures)),
        "SHARE": share.SHARE_HTML,
        "TABS": "".join(_tab(name, label) for name, label in TABLE["tab"].values.items()),
        "PICTURE": explorer.picture_html("main", chooser.examples_html(pictures, MAX_BYTES) + site.OWN_HTML),
        "PANELS": explorer.panels_html("main"),
        "SERVER": _server(facts["server"]),
        "BREAKING": breaking.BREAKING_HTML,
        "LESSONS": lesson.LESSONS_HTML,
        "PANEL": lesson.PANEL_HTML,
        "FACTS": json.dumps(facts).replace("<", "\\u003c"),  # or a text with </script> would end it
    }
    return re.sub(r"__([A-Z]+)__", lambda found: parts[found[1]], site.SHELL)


def _tab(name: str, label: str) -> str:
    first = name == TABLE["tab"].default
    chosen = f'aria-selected="{str(first).lower()}"{" class=selected" if first else ""}'
    return f'<button type="button" role="tab" id="tab-{name}-button" aria-controls="tab-{name}" {chosen}>{label}</button>'


def _server(address: str) -> str:
    """The link to the page with a server, if one is given."""
    return f'<a data-server href="{html.escape(address)}" rel="noopener">Open it there</a>' if address else ""


def _preloads(first: str) -> str:
    """Has the browser load at once what it would else find one import after the other, and the first example."""
    scripts = [f'<link rel="modulepreload" href="modules/{path}">' for path in sorted(needed(_AT_ONCE))]
    return "\n".join([*scripts, f'<link rel="preload" as="fetch" crossorigin href="examples/{first}.gz">'])
