"""The examples, pictures of one's own, and the browser's only record of the chosen picture and model.

The element is a ``gr.HTML`` with ``examples_html`` in its template, mounted by ``look``. Its ``submit`` event carries a choice:
``example`` (a picture's name) or ``own`` (the path of an uploaded file, as Gradio named it), neither if the picture stays, ``model``
(a name) if it changes, and ``nth``, the choice's number. One choice is sent at a time, then the newest: the listener's
``JS_ANSWERED`` or ``JS_FAILED`` reports that it is done. ``now`` says what the page shows. A refused choice is answered by the element's
value: ``problem`` (a sentence) and ``nth``, and ``lost`` where the server no longer has the picture of ``now``.
Models come from ``menu``. Files go to Gradio's own upload route.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from ..scripts import on_page, template_text

STATIC = Path(__file__).parent
CSS = (STATIC / "chooser.css").read_text(encoding="utf-8")
EXAMPLES = (
    "red_panda", "honey_bee", "bison", "koala", "espresso", "suspension_bridge",
    "tabby_cat", "alp", "citrus_slices", "cliff_dwelling", "mountain_lake", "aqueduct",
)  # in the order of the page; photographs of the folder examples/  # fmt: skip
THUMBNAIL = 96  # pixels of a thumbnail's side, which is at most 84 on the page: all of them are in the page itself

# After the listener of the page's load, and after that of each choice; where it was not called, since too many wait or the server is gone.
JS_ANSWERED = on_page("page.update({ answers: page.state.answers + 1 });")
JS_FAILED = on_page("page.update({ answers: page.state.answers + 1, unheard: page.state.unheard + 1 });")


def examples_html(pictures: Sequence[Path], most_bytes: int, kept: str = "") -> str:
    """The template: a button for each picture, named as its file, and the ways to bring one's own of at most ``most_bytes``; ``kept``: for
    how long."""
    template = (STATIC / "chooser.html").read_text(encoding="utf-8").replace("__MOST__", str(most_bytes))
    template = template.replace("__KEPT__", f'title="{template_text(kept)}"' if kept else "")
    return template.replace("__EXAMPLES__", "".join(map(_button, pictures)))


def _button(path: Path) -> str:
    name = template_text(path.stem)
    words = name.replace("_", " ")
    # the button has the text, which the picture only repeats
    return f'<button type="button" data-example="{name}" aria-label="Example: {words}" title="{words}">{_thumbnail(path)}</button>'


def _thumbnail(path: Path) -> str:
    """The middle of a picture as a data URL: all of them are smaller than one of the photographs."""
    content = io.BytesIO()
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
        ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), (THUMBNAIL, THUMBNAIL)).save(content, "webp", quality=55)
    address = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="" draggable="false" width="{THUMBNAIL}" height="{THUMBNAIL}" src="data:image/webp;base64,{address}">'
