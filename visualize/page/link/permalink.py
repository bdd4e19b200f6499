"""The state of the page as a query string, and back: model, picture, view, architecture, and hidden controls.

Only what differs from the defaults is written, in words that people can read and edit:

    picture=red_panda&tab=architecture&stage=3&block=8&row=6&col=6&s1.kv=1&s3.depth=6&weights=random&seed=7

``s1.kv`` is the key and value stride of stage 1; ``SETTING_KEYS`` has all such names. Links are untrusted: ``decode`` never
raises, replaces invalid parts by the defaults, and says so.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import fields
from typing import Any
from urllib.parse import parse_qsl, urlencode

from cvt.architecture.presets import PRESETS
from cvt.architecture.settings import INPUT_SIDES, MAX_STAGES, SETTINGS, check_value
from cvt.architecture.variants import architecture, stage_changes
from cvt.config import CvtConfig

from ..laboratory.architectures import MAX_SEED
from ..laboratory.trained import ABLATIONS
from ..lessons.measures import MOST_STEPS, NAME
from ..words.sentences import say
from .choices import CHOICES, FLAGS, HIDEABLE, OTHERS, SETTING_KEYS, TABLE
from .off import read as read_off
from .view import View

LINK_CHARACTERS = 4000  # longest link that is read
MAX_NOTICES = 6
MAX_PLACE = 512  # most rows and columns if no stage is given
_OTHERS = re.compile(OTHERS)
LESSON = rf"{NAME}|https://[^\s<>\"]{{1,1000}}"  # a pattern: its name, or the address of its file
_SETTING = re.compile(r"s([1-9])\.([a-z]+)")


def encode(view: View, base: CvtConfig) -> str:
    """The query string of ``view``, without a question mark; empty if everything has its default.

    ``base``: the config of the model that the architecture was made from.
    """
    pairs: list[tuple[str, Any]] = []
    for field in fields(View):
        value = getattr(view, field.name)
        if field.name == "architecture":
            pairs += [] if value is None else _settings(value, base)
        elif value != field.default:
            written = ",".join(value) if isinstance(value, tuple) else int(value) if isinstance(value, bool) else value
            pairs.append((TABLE[field.name].key, written))
    return urlencode(pairs, safe="/,.")


def _settings(config: CvtConfig, base: CvtConfig) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = [("stages", config.num_stages)] if config.num_stages != base.num_stages else []
    for index, changes in enumerate(stage_changes(config, base)):
        for name, value in changes.items():
            pairs.append((f"s{index + 1}.{SETTING_KEYS[name]}", f"{value:g}" if isinstance(value, (int, float)) else value))
    return pairs


def decode(query: str, base: CvtConfig, models: Collection[str], examples: Collection[str], base_side: int) -> tuple[View, list[str]]:
    """The view that a query string describes, and a notice for each invalid part.

    Never raises; a notice quotes at most a few characters of the query.

    Args:
        query: with or without its question mark.
        base: the config of the displayed model. If the view names another model, decode again with that one's.
        models, examples: the available names. base_side: the model's input side, which bounds rows and columns.
    """
    reading = _Reading(base, base_side)
    reading.read(query, models, examples)
    notices = reading.notices
    if len(notices) > MAX_NOTICES:
        more = len(notices) - MAX_NOTICES + 1
        notices = [*notices[: MAX_NOTICES - 1], say("link_more", count=more)]
    return View(**reading.view), notices


class _Reading:
    """One link while it is read: the view so far, and notices."""

    def __init__(self, base: CvtConfig, base_side: int):
        self.base, self.base_side = base, base_side
        self.texts: dict[str, str] = {}  # the link's values by key that were not read yet
        self.view: dict[str, Any] = {}
        self.notices: list[str] = []

    def read(self, query: str, models: Collection[str], examples: Collection[str]) -> None:
        self.texts = self._pairs(query)
        self._one_of("model", models)
        self._one_of("picture", examples)
        for name, values in CHOICES.items():
            self._one_of(name, values)
        for name in FLAGS:
            self._one_of(name, ("0", "1"))
            if name in self.view:
                self.view[name] = self.view[name] == "1"
        self._number("seed", 0, MAX_SEED)
        self._number("which", 1, max(1, self.base.num_labels))
        self._one_of("preset", PRESETS)
        self._one_of("ablation", ABLATIONS)
        self._matching("lesson", LESSON)
        self._number("step", 1, MOST_STEPS)
        self._off()
        self._hidden()
        self._architecture()
        self._place()
        for key in self.texts:
            if not _OTHERS.match(key):
                self.notices.append(say("link_unknown_key", key=_short(key)))

    def _pairs(self, query: str) -> dict[str, str]:
        query = query[1:] if query.startswith("?") else query
        if len(query) > LINK_CHARACTERS:
            self.notices.append(say("link_too_long"))
            return {}
        try:
            pairs = parse_qsl(query, keep_blank_values=True, errors="replace")
        except ValueError:
            self.notices.append(say("link_unreadable"))
            return {}
        texts: dict[str, str] = {}
        for key, value in pairs:
            if key in texts and texts[key] != value:
                self.notices.append(say("link_repeats", key=_short(key)))
            texts.setdefault(key, value)
        return texts

    def _refuse(self, name: str, value: str) -> None:
        self.notices.append(say("link_value", name=name, value=_short(value)))

    def _one_of(self, name: str, values: Collection[str]) -> None:
        value = self.texts.pop(TABLE[name].key, None)
        if value in values:
            self.view[name] = value
        elif value is not None:
            self._refuse(TABLE[name].key, value)

    def _number(self, name: str, least: int, most: int) -> None:
        value = self.texts.pop(TABLE[name].key, None)
        if value is None:
            return
        number = _whole(value)
        if number is not None and least <= number <= most:
            self.view[name] = number
        else:
            self._refuse(TABLE[name].key, value)

    def _matching(self, name: str, pattern: str) -> None:
        value = self.texts.pop(TABLE[name].key, None)
        if value is None:
            return
        if re.fullmatch(pattern, value):
            self.view[name] = value
        else:
            self._refuse(TABLE[name].key, value)

    def _off(self) -> None:
        """Parts that this model has; the others are left out."""
        value = self.texts.pop(TABLE["off"].key, None)
        if value is None:
            return
        off, refused = read_off(value, self.view.get("how", TABLE["how"].default), self.base)
        if off:
            self.view["off"] = off
        if refused:
            self._refuse(TABLE["off"].key, refused[0])

    def _hidden(self) -> None:
        value = self.texts.pop(TABLE["hidden"].key, None)
        if value is None:
            return
        names = value.split(",")
        unknown = [name for name in names if name not in HIDEABLE]
        if unknown:
            self._refuse(TABLE["hidden"].key, unknown[0])
        self.view["hidden"] = tuple(name for name in HIDEABLE if name in names)

    def _architecture(self) -> None:
        count = self.base.num_stages
        if (value := self.texts.pop("stages", None)) is not None:
            number = _whole(value)
            if number is not None and 1 <= number <= MAX_STAGES:
                count = number
            else:
                self._refuse(say("link_stage_count"), value)
        stages: list[dict[str, Any]] = [{} for _ in range(count)]
        for key in [key for key in self.texts if _SETTING.fullmatch(key)]:
            self._setting(key, self.texts.pop(key), stages)
        if any(stages) or count != self.base.num_stages:
            try:
                config = architecture(self.base, stages)
                self.view["architecture"] = None if config == self.base else config
            except ValueError:  # each is valid, but not their combination
                self.notices.append(say("link_architecture"))
        self._side()

    def _setting(self, key: str, value: str, stages: list[dict[str, Any]]) -> None:
        matched = _SETTING.fullmatch(key)
        assert matched  # as the caller has checked
        stage, short = matched.groups()
        name = next((name for name, each in SETTING_KEYS.items() if each == short), None)
        index = int(stage) - 1
        parsed = None if name is None else _parsed(name, value)
        try:
            if name is None or index >= len(stages) or parsed is None:
                raise ValueError
            check_value(SETTINGS[name], parsed, index)
            stages[index][name] = parsed
        except ValueError:
            self._refuse(key if name else say("link_setting"), value if name else key)

    def _side(self) -> None:
        value = self.texts.pop("side", None)
        if value is not None:
            number = _whole(value)
            if number in (*INPUT_SIDES, self.base_side):
                self.view["side"] = number
            else:
                self._refuse(say("link_side"), value)
        if not self._fits() and self.view.pop("side", None):
            self.notices.append(say("link_input_small"))
        if not self._fits() and self.view.pop("architecture", None):
            self.notices.append(say("link_needs_input"))

    def _fits(self) -> bool:
        config, side = self.view.get("architecture") or self.base, self.view.get("side", self.base_side)
        try:
            return bool(config.grids(side, side))
        except ValueError:
            return False

    def _place(self) -> None:
        """Stage, block, head, channel and token, each within the bounds that the previous ones set."""
        laboratory = self.view.get("tab") == "architecture"
        config = (laboratory and self.view.get("architecture")) or self.base
        side = self.view.get("side", self.base_side) if laboratory else self.base_side
        self._number("stage", 1, config.num_stages)
        stages = [config.stages[self.view["stage"] - 1]] if "stage" in self.view else config.stages
        self._number("block", 1, max(stage.depth for stage in stages))
        self._number("head", 0, max(stage.num_heads for stage in stages))
        self._number("channel", 1, max(stage.embed_dim for stage in stages))
        if self.view.get("cls") and not any(stage.cls_token for stage in stages):
            del self.view["cls"]
            self.notices.append(say("link_no_cls"))
        rows = columns = MAX_PLACE
        if "stage" in self.view:
            rows, columns = config.grids(side, side)[self.view["stage"] - 1][0]
        half = ("row" in self.texts) != ("col" in self.texts)
        self._number("row", 1, rows)
        self._number("col", 1, columns)
        if ("row" in self.view) != ("col" in self.view):  # a row needs a column
            self.view.pop("row", None)
            self.view.pop("col", None)
            if half:
                self.notices.append(say("link_half_place"))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) else None


def _parsed(name: str, text: str) -> Any | None:
    """The value of a setting, in its type; None if it is invalid."""
    kind = type(SETTINGS[name].values[0])
    if kind is bool:
        return {"0": False, "1": True}.get(text)
    if kind is float:
        return float(text) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,3})?", text) else None
    return text if kind is str else _whole(text)


def _short(text: str) -> str:
    """A few characters of untrusted text, safe in any output."""
    plain = re.sub(r"[^\w.,+-]", "·", text, flags=re.ASCII)
    return f"“{plain[:12]}…”" if len(plain) > 12 else f"“{plain}”"
