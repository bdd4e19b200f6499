"""All components of the page, and its styles, for whatever serves it or writes it."""

from __future__ import annotations

from pathlib import Path

from . import about, breaking, chooser, explorer, laboratory, lesson, look, menu, model, share, shared, words

COMPONENTS = (about, breaking, chooser, explorer, laboratory, lesson, look, menu, model, share, shared, words)  # folders of scripts
STYLED = (explorer, about, chooser, menu, laboratory, breaking, share, lesson)


def styles() -> str:
    """The styles of all components, and then those of the page around them."""
    return "".join(each.CSS for each in STYLED) + Path(__file__).with_name("page.css").read_text(encoding="utf-8")
