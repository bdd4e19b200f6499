"""The examples, and the browser's only record of the chosen picture and model.

The element is a ``gr.HTML`` with ``examples_html`` and ``JS_ON_LOAD``. Its ``submit`` event carries a choice: ``example`` (a
picture's name) or ``own`` (the path of an uploaded file, as Gradio named it), neither if the picture stays, and ``model`` (a name)
if it changes. One choice is sent at a time, then the newest: the listener's ``JS_ANSWERED`` reports that it is done. Uploaded
pictures come from ``JS_TAKES``, models from the list in ``#model-choice``. The page's server answers
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
THUMBNAIL = 160  # pixels of a thumbnail's side: twice its size on the page

JS_ON_LOAD = on_load("chooser", "chooser")

# For an upload's listener: takes the picture, so that the upload is empty for the next one. It may run before the scripts load.
JS_TAKES = on_page("file", "if (file) page.update({ asked: { picture: { own: file.path } } }); return null;")
# After the listener of the page's load, and after that of each choice.
JS_ANSWERED = on_page("", "page.update({ answers: page.state.answers + 1 });")


def examples_html(pictures: Sequence[Path]) -> str:
    """The template: a button for each picture, named as its file."""
    buttons = "".join(_button(path) for path in pictures)
    return f'<section class="cvt cvt-examples" data-chooser aria-label="Examples"><h4>Examples</h4><div>{buttons}</div></section>'


def _button(path: Path) -> str:
    name = template_text(path.stem)
    words = name.replace("_", " ")
    # the button has the text, which the picture only repeats
    return f'<button type="button" data-example="{name}" aria-label="Example: {words}" title="{words}">{_thumbnail(path)}</button>'


def _thumbnail(path: Path) -> str:
    """The middle of a picture as a data URL: twelve of them are smaller than one of the photographs."""
    content = io.BytesIO()
    with Image.open(path) as picture:
        picture.draft("RGB", (2 * THUMBNAIL, 2 * THUMBNAIL))
        ImageOps.fit(ImageOps.exif_transpose(picture).convert("RGB"), (THUMBNAIL, THUMBNAIL)).save(content, "webp", quality=60)
    address = base64.b64encode(content.getvalue()).decode()
    return f'<img alt="" width="{THUMBNAIL}" height="{THUMBNAIL}" src="data:image/webp;base64,{address}">'
