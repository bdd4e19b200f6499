"""What a CvT is, in one screen: a button and the dialog that it opens, with pictures of the model and the picture that are shown.

The element is a ``gr.HTML`` with ``about_html`` and ``JS_ON_LOAD``. What is said of the model comes with the first tab's result, whose
value has ``model`` (its name), ``facts`` and ``note`` (sentences). The page's server answers the scripts (see ``scripts.py``).
"""

from __future__ import annotations

from pathlib import Path

from ..scripts import on_load

STATIC = Path(__file__).parent
CSS = (STATIC / "about.css").read_text(encoding="utf-8")
PAPER = (
    '<a href="https://arxiv.org/abs/2103.15808" target="_blank" rel="noopener">CvT: Introducing Convolutions to Vision Transformers</a>, '
    "Wu, Xiao, Codella, Liu, Dai, Yuan and Zhang, 2021"
)

JS_ON_LOAD = on_load("about", "about")


def about_html(credits: str = "") -> str:
    """The template; ``credits`` is HTML on who took the examples, and on what becomes of other pictures."""
    return (STATIC / "about.html").read_text(encoding="utf-8").replace("__PAPER__", PAPER).replace("__CREDITS__", credits)
