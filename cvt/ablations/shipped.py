"""What this project has of the family: one trained model of each member, and the table of all runs. The model card is README.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..files.storage import read_json
from ..model import CvtForImageClassification
from ..processor import CvtImageProcessor
from .family import chosen

TABLE = Path(__file__).parent / "table.json"
SOURCES = "ablations/"  # and a member's name: what ``from_pretrained`` takes


def load(name: str) -> tuple[CvtForImageClassification, CvtImageProcessor]:
    """A member's trained model in float32, and its processor.

    Raises:
        ValueError: no member of that name.
    """
    chosen(name)
    source = SOURCES + name
    return CvtForImageClassification.from_pretrained(source), CvtImageProcessor.from_pretrained(source)


def table() -> dict[str, Any]:
    """What was measured, as ``summary.table`` makes it; accuracies are shares of the held-out pictures."""
    return read_json(TABLE)
