"""The left column of the first tab: the explorer's picture with the chooser in it, as one element."""

from __future__ import annotations

from pathlib import Path

from ..scripts import on_load

STATIC = Path(__file__).parent
JS_ON_LOAD = on_load("look", "explorer")
