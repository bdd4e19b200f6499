"""The text of a link in a lesson's step, checked as far as it can be without a model: its keys, and values that have names."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from ..link.choices import CHOICES, FLAGS, SETTING_KEYS, TABLE
from .text import LessonError, short

NOT_HERE = ("lesson", "step", "hidden")  # of the page, not of a step
_NAMED = {TABLE[name].key: values for name, values in CHOICES.items()} | {TABLE[name].key: ("0", "1") for name in FLAGS}
_KEYS = [choice.key for name, choice in TABLE.items() if name not in NOT_HERE]
_SETTING = re.compile(rf"s[1-9]\.({'|'.join(SETTING_KEYS.values())})")


def link(text: str, line: int) -> str:
    """The text itself. Raises LessonError."""
    if not all("=" in part for part in text.split("&")):
        raise LessonError("lesson_link", line=line, value=short(text))
    for key, value in parse_qsl(text.removeprefix("?"), keep_blank_values=True):
        if key not in _KEYS and key != "stages" and not _SETTING.fullmatch(key):
            raise LessonError("lesson_link_key", line=line, name=short(key), names=", ".join(_KEYS))
        if key in _NAMED and value not in _NAMED[key]:
            raise LessonError("lesson_value", line=line, name=key, value=short(value), values=", ".join(_NAMED[key]))
    return text
