"""The examples to choose from, and the one place in the browser that knows what a person has chosen: a picture and a model.

The element is a ``gr.HTML`` with ``examples_html`` and ``JS_ON_LOAD``. Its ``submit`` event carries a choice: ``example`` (a
picture's name) or ``own`` (the path of an uploaded file, as Gradio named it), neither where the picture stays, and ``model`` (a
name), where it changes. One choice is sent at a time, and the newest follows: the listener's ``JS_ANSWERED`` says that it is done.
Pictures of a person's own are handed over by ``JS_TAKES``, models by the list in ``#model-choice``. The page's server answers
``modules/<component>/<file>`` below its root, with the files of this component and of ``shared``.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageOps

from ..scripts import on_load, on_page, template_text

STATIC = Path(__file__).parent
CSS = (STATIC / "chooser.css").read_text(encoding="utf-8")
THUMBNAIL = 160  # pixels of a thumbnail's side: twice what it takes on the page

JS_ON_LOAD = on_load("chooser", "chooser")

# For the listener of an upload: takes the picture out of it, so that it is empty for the next one. It may come before the scripts do.
JS_TAKES = on_page("file", "if (file) page.update({ asked: { picture: { own: file.path } } }); return null;")
# After the listener that the page opens with, and after that of each choice.
JS_ANSWERED = on_page("", "page.update({ answers: page.state.answers + 1 });")


def examples_html(pictures: Sequence[Path]) -> str:
    """The template: a button for each picture, whose name is its file's."""
    buttons = "".join(_button(path) for path in pictures)
    return f'<section class="cvt cvt-examples" data-chooser aria-label="Examples"><h4>Examples</h4><div>{buttons}</div></section>'


def _button(path: Path) -> str:
    name = template_text(path.stem)
    words = name.replace("_", " ")
    # the words are the button's own; the picture repeats them
    return f'<button type="button" data-example="{name}" aria-label="Example: {words}" title="{words}">{_thumbnail(path)}</button>'


def _thumbnail(path: Path) -> str:
    """The middle of a picture, in the page itself: twelve of them are smaller than one of the photographs."""
    content = io.BytesIO()
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
        ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), (THUMBNAIL, THUMBNAIL)).save(content, "webp", quality=60)
    address = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="" width="{THUMBNAIL}" height="{THUMBNAIL}" src="data:image/webp;base64,{address}">'
