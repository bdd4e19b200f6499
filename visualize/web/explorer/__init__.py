"""The browser component: its templates, styles and scripts, for any page.

An explorer is a pair of elements with the same id: the picture with its prediction, and the panels. Each is put into a
``gr.HTML`` whose ``js_on_load`` is ``JS_ON_LOAD``. The value of either names the result to show: ``key``, and if wanted
``picture`` (a name; two results with the same one are of the same picture, and the chosen token stays at its place there),
``note`` (a sentence below the classes), ``notes`` (sentences below the picture, on what was done to it); for the code that is
offered ``source`` (what ``from_pretrained`` takes), ``built`` (the lines that build a model that cannot be loaded), ``changed``
(what was changed in it: ``lines``, and further ``arguments`` of ``explore``) and ``file`` (an example's file), ``given`` (true where
the model and its processor are at hand, as in a notebook); for the page's link
``model`` (the model's name), ``first`` (true for the model with which the page opens) and ``example`` (the picture's name); and for
``about`` ``facts`` (the model's numbers).

The page's server answers, below its root, the scripts (see ``scripts.py``), ``explorer/data/<key>`` with ``payload``,
``explorer/data/<key>/<stage>/<block>`` with ``block_payload``, and ``explorer/inside/<key>/<stage>/<block>`` with
``inside_payload``; 404 where the key is gone. ``explorer/page/<key>`` gives what is shown as a page of one file. Any other page may
carry the component too: ``mount.js`` needs the two templates, the styles, and a source of those bytes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = "".join((STATIC / name).read_text(encoding="utf-8") for name in ("explorer.css", "inside/inside.css"))

# Finds the page's root when it runs, since the page may live below a path of its host.
HEAD = """<script type="module">
const root = () => (window.gradio_config ? (window.gradio_config.root || "").replace(/\\/+$/, "") : null);
const start = (tries) => {
  if (root() !== null) import(root() + "/modules/explorer/main.js").catch(() => {});
  else if (tries) setTimeout(start, 50, tries - 1);
};
start(200);
</script>"""

JS_ON_LOAD = on_load("explorer", "explorer")


def picture_html(explorer: str, between: str = "", of: str = "") -> str:
    """The template of the picture with its prediction, for the explorer of this id (letters, digits, - and _).

    ``between``: HTML below the picture and above its layers. ``of`` makes the names of its landmarks differ from another
    explorer's on the page, such as " of the variant".
    """
    return _template("picture.html", explorer, of).replace("__BETWEEN__", between)


def panels_html(explorer: str, of: str = "") -> str:
    """The template of the flow and the panels, for the explorer of this id; ``of`` as for ``picture_html``."""
    return _template("panels.html", explorer, of)


def with_explorers(text: str, explorers: Mapping[str, str]) -> str:
    """A template in which ``__<ID>_PICTURE__`` and ``__<ID>_PANELS__`` stand for the elements of explorers: {id: ``of``}."""
    for explorer, of in explorers.items():
        text = text.replace(f"__{explorer.upper()}_PICTURE__", picture_html(explorer, of=of))
        text = text.replace(f"__{explorer.upper()}_PANELS__", panels_html(explorer, of=of))
    return text


def _template(name: str, explorer: str, of: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]+", explorer):
        raise ValueError(f"An explorer's id is made of letters, digits, - and _, not {explorer!r}.")
    return (STATIC / name).read_text(encoding="utf-8").replace("__ID__", explorer).replace("__OF__", of)


def element_value(key: str, picture: str, **more: Any) -> dict[str, Any]:
    """An explorer's value for a result. ``picture``, an address or a path, is hashed, so that it is not revealed; of a path the last two
    parts, since the server has uploads, by the hash of their content, in another folder each time it starts."""
    lasting = picture if "://" in picture else "/".join(Path(picture).parts[-2:])
    return {"key": key, "picture": hashlib.blake2b(lasting.encode(), digest_size=8).hexdigest(), **more}
