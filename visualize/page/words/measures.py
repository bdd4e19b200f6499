"""A lesson's choices, and why a question cannot be asked, for programs: in the words of ``web/words/measures.js``."""

from __future__ import annotations

from typing import Any

from . import sentences

COUNTED = ("stages", "blocks", "heads")

_NAMES = {
    "yes": "Yes",
    "no": "No",
    "else": "Something else",
    "none-of-them": "None of them",
    "equally": "About equally far",
    "attention": "Attention",
    "mlp": "The MLP",
    "better": "Better",
    "worse": "Worse",
    "none": "No clear difference",
}


def name(option: str) -> str:
    """The name of an option."""
    return _NAMES[option]


def stage_name(stage: int) -> str:
    return f"Stage {stage + 1}"


def block_name(block: int) -> str:
    return f"Block {block + 1}"


def head_name(head: int) -> str:
    return f"Head {head + 1}"


def say(key: str, /, **values: Any) -> str:
    """The sentence for this key, in which a count is followed by what is counted: "1 stage"."""
    counts = {name: f"{count} {name[:-1] if count == 1 else name}" for name, count in values.items() if name in COUNTED}
    return sentences.say(key, **values | counts)
