"""An exploration as one HTML file: the explorer with its scripts and data, opened from a disk, without a network.

The file carries its own Content-Security-Policy: only its own script and style, both by their hashes, the modules that this script
makes, and no connections at all. Everything that was written by others, such as labels and names, is in it as JSON, and shown as text.

What is large is packed: gzip, as text in base 85, which takes 5 characters for 4 bytes, where base 64 takes 5.33. A digit is the
character with its value plus 35 as code, or 36 from the code of "<" on, which would begin a tag. ``web/alone/unpack.js`` reads it.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from itertools import islice
from os import PathLike
from os.path import abspath, basename
from pathlib import Path
from typing import Any

import numpy as np
import torch

from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor

from ..change.parts import Intervention
from ..container import unpack
from ..draw.computed import CPU
from ..draw.payload import payload
from ..explore import Exploration
from ..maps.inside import inside_payload
from ..page.words.trust import accuracy, notes
from ..web import alone
from .bundle import LESS, bundle, packed
from .chosen import Chosen
from .knocked import knocked

MAX_BYTES = 8_000_000  # of a file
INSIDES = ("chosen", "all", "none")
BASE, FIRST, LEFT_OUT = 85, 35, ord("<")  # of the digits
SCRIPTS, RESULT, INSIDE = "scripts", "result", "inside/"  # names of what is packed; the inside of a block ends in "<stage>/<block>"
SPARE = 300  # bytes for the numbers and names of what is put in last
Place = tuple[int, int]  # (stage, block)


class TooLarge(ValueError):
    """Pictures and feature maps alone are larger than the file may be."""


def to_html(
    exploration: Exploration,
    path: str | PathLike[str],
    *,
    model: CvtForImageClassification | None = None,
    processor: CvtImageProcessor | None = None,
    inside: str = "chosen",
    stage: int | None = None,
    block: int | None = None,
    head: int | None = None,
    token: tuple[int, int] | str | None = None,
    layer: str | None = None,
    name: str | None = None,
    source: str | None = None,
    picture: str | None = None,
    knock_outs: Mapping[tuple[Intervention, ...], Exploration] | None = None,
    max_bytes: int = MAX_BYTES,
) -> None:
    """Writes ``exploration`` as one HTML file of at most ``max_bytes``.

    Args:
        model, processor: those that made ``exploration``; the numbers inside a block need them, and are left out without, and for
            models that do not pad with zeros.
        inside: "chosen" holds the numbers inside the block that the file opens with, "all" those of all blocks, as far as they fit,
            and "none" of none.
        stage, block, head: what it opens with, counted from 0; by default the middle stage, its last block, the mean of the heads.
        token: (row, column) of the chosen stage's tokens from 0, or "cls"; by default the middle of the picture.
        layer: what lies on the picture: "attention" (the default), "features", "class" or "none".
        name, source, picture: the names of the model, of where it is from, and of the picture, for people; ``name`` is by default
            what the model was loaded as: a Hub id, or the last part of a path.
        knock_outs: explorations of the same picture, by the parts that were replaced in the model; their classes are shown.
    Raises:
        ValueError: there is no such place; ``inside="all"`` without a model; ``exploration`` is too large, or has NaN or infinity;
            as ``knocked``.
        OSError: the file cannot be written.
    """
    if inside not in INSIDES:
        raise ValueError(f"inside is one of {', '.join(INSIDES)}, not {inside!r}.")
    if inside == "all" and (model is None or processor is None):
        raise ValueError('inside="all" needs the model and the processor that made the exploration.')
    state = opening(exploration, stage, block, head, token, layer)
    said = {"model": name or model_name(model), "source": source, "example": picture, "notes": notes(exploration)}
    said["note"] = accuracy(model.config) if model else ""
    made = knocked(exploration, knock_outs) if knock_outs else None
    places: list[Place] = []
    if model is not None and model.config.padding_mode == "zeros" and inside != "none":
        places.append((state["stage"], state["blocks"][state["stage"]]))
        if inside == "all":
            every = [(at, number) for at, each in enumerate(exploration.stages) for number in range(len(each.blocks))]
            places += [place for place in every if place != places[0]]
    insides = ((place, inside_payload(model, processor, exploration, *place)) for place in places if model and processor)
    value = {key: each for key, each in said.items() if each}
    Path(path).write_bytes(page(exploration, value, state, insides, made, max_bytes=max_bytes))


def page(
    exploration: Exploration,
    value: Mapping[str, Any],
    state: Mapping[str, Any],
    insides: Iterable[tuple[Place, bytes]] = (),
    made: Mapping[str, Any] | None = None,
    *,
    max_bytes: int = MAX_BYTES,
    device: torch.device = CPU,
) -> bytes:
    """The file, of at most ``max_bytes``.

    Args:
        value: what is said of the result, as ``web/explorer/__init__.py`` describes it. state: the choices to open with, as in
            ``web/explorer/state.js``; those that do not fit are left at their usual values. Both can be put in JSON.
        insides: the ``inside_payload`` of blocks, the most important first. The first is there if it takes less than half of the file
            and leaves room for the maps, the others if there is room.
        made: what was measured with parts off, as in ``web/breaking/knock/made.js``.
        device: computes the payload.
    Raises:
        TooLarge: pictures and feature maps do not fit. ValueError: as ``payload``, or something that JSON does not have.
    """
    parts = {SCRIPTS: _packed(SCRIPTS, _scripts())}
    blocks = sum(len(stage.blocks) for stage in exploration.stages)

    def filled(held: int) -> bytes:
        places = [name.removeprefix(INSIDE) for name in parts if name.startswith(INSIDE)]
        about = {"value": value, "state": state, "insides": places, "held": held, "all": blocks, "made": made}
        return _filled(about, parts)

    def room() -> int:
        return max_bytes - len(filled(0)) - SPARE

    others = iter(insides)
    first = dict(_inside(*each) for each in islice(others, 1))
    parts |= {name: text for name, text in first.items() if len(text) <= room() / 2}
    try:
        parts[RESULT], held = _result(exploration, room(), device)
    except TooLarge:
        for name in first:
            parts.pop(name, None)
        parts[RESULT], held = _result(exploration, room(), device)
    for name, text in (_inside(*each) for each in others):
        if len(text) <= room():
            parts[name] = text
    return filled(held)


def template() -> str:
    """The file with its scripts, for a program that fills in the rest: ``__ABOUT__``, and then ``__PACKED__``, the other elements."""
    values = {**_frame(), "PACKED": f"{_packed(SCRIPTS, _scripts())}\n__PACKED__"}
    return _replaced(alone.FILE_HTML, values)


def opening(
    exploration: Exploration,
    stage: int | None = None,
    block: int | None = None,
    head: int | None = None,
    token: tuple[int, int] | str | None = None,
    layer: str | None = None,
) -> dict[str, Any]:
    """Choices as in ``web/explorer/state.js``; the arguments are those of ``to_html``. Raises ValueError: there is no such place."""
    chosen = Chosen(exploration)
    for name, value in {"stage": stage, "block": block, "head": head, "token": token, "layer": layer}.items():
        if value is not None:
            chosen.choose(name, value)
    return chosen.state | {"pinned": token is not None}


def model_name(model: CvtForImageClassification | None) -> str:
    """What the model was loaded as, for people: no path of this machine. Empty if it was not loaded by a name."""
    source = model.config.name_or_path if model else ""
    hub = re.fullmatch(r"[\w.-]+(/[\w.-]+)?", source) and not Path(source).exists()
    return source if hub or not source else basename(abspath(source))


def _result(exploration: Exploration, room: int, device: torch.device) -> tuple[str, int]:
    """The packed payload in at most ``room`` characters, and of how many blocks it has the attention."""
    limit = max(room, 1)
    while True:
        content = payload(exploration, max_bytes=limit, device=device)
        text, held = _packed(RESULT, content), _held(content)
        if len(text) <= room:
            return text, held
        if not held:
            raise TooLarge(f"Pictures and feature maps take {len(text)} bytes, and there is room for {max(0, room)}.")
        limit = int(min(limit, len(content)) * min(0.98, room / len(text)))


def _inside(place: Place, content: bytes) -> tuple[str, str]:
    name = f"{INSIDE}{place[0]}/{place[1]}"
    return name, _packed(name, content)


def _held(content: bytes) -> int:
    return len({name.partition("/")[0] for name in unpack(content)[1] if re.match(r"\d+\.\d+/", name)})


def _packed(name: str, content: bytes) -> str:
    """The element that holds ``content``."""
    small = gzip.compress(content, 6, mtime=0)
    return f'<script type="text/plain" data-packed="{name}" data-bytes="{len(small)}">{digits(small)}</script>'


def digits(content: bytes) -> str:
    """``content``, filled up to a multiple of 4 bytes with zeros, as digits: 5 for every 4 bytes, the highest first."""
    words = np.frombuffer(content + bytes(-len(content) % 4), ">u4").astype(np.uint32)
    found = np.empty((len(words), 5), np.uint8)
    for place in reversed(range(5)):
        words, found[:, place] = np.divmod(words, BASE)
    found += FIRST
    found += found >= LEFT_OUT
    return found.tobytes().decode("ascii")


@cache
def _scripts() -> bytes:
    return packed(alone.ENTRY).encode()


@cache
def _frame() -> dict[str, str]:
    """What is the same in every file."""
    script, style = bundle(alone.BOOT), alone.CSS

    def digest(text: str) -> str:
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    return {"SCRIPT": script, "STYLE": style, "SCRIPT_HASH": digest(script), "STYLE_HASH": digest(style)}


def _filled(about: Mapping[str, Any], parts: Mapping[str, str]) -> bytes:
    text = json.dumps(about, allow_nan=False, separators=(",", ":")).replace("<", LESS)
    values = {**_frame(), "ABOUT": text, "PACKED": "\n".join(parts.values())}
    return _replaced(alone.FILE_HTML, values).encode()


def _replaced(text: str, values: Mapping[str, str]) -> str:
    return re.sub("__(" + "|".join(values) + ")__", lambda match: values[match[1]], text)
