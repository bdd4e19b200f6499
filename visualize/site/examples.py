"""The examples' results as files: what the page's server makes when a browser asks is made here once, and compressed.

A result is in ``examples/<name>.gz``, a block that is not in it in ``examples/<name>.<stage>.<block>.gz``. The inside of a block is
``examples/<name>.inside.<stage>.<block>.gz`` followed by ``inside/<stage>.<block>.gz``: its weights, which are most of it, are the same
for all pictures.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cvt.model import CvtForImageClassification
from cvt.processor import CvtImageProcessor

from ..container import pack, unpack
from ..draw.payload import block_payload, payload
from ..explore import Exploration, explore
from ..maps.inside import PROJECTIONS, inside_payload
from ..page.words import trust
from ..web.explorer import element_value
from .files import write_packed

FIRST_BYTES = 1_500_000  # of a result, before it is compressed: what a visitor waits for; the blocks that are too large come one by one


def write_examples(
    out: Path, model: CvtForImageClassification, processor: CvtImageProcessor, pictures: list[Path], common: dict[str, Any]
) -> dict[str, dict[str, Any]]:
    """Writes the results of all pictures; returns each one's value for the explorer, by its name, with what is ``common`` to all."""
    for folder in ("examples", "inside"):
        (out / folder).mkdir()
    values = {}
    for picture in pictures:
        seen = explore(model, processor, picture)
        _write_result(out, picture.stem, seen)
        _write_insides(out, picture.stem, model, processor, seen)
        (out / f"examples/{picture.stem}.jpg").write_bytes(picture.read_bytes())  # for experiments, which run the model on it
        named = {"example": picture.stem, "file": f"examples/{picture.name}", "notes": trust.notes(seen)}
        values[picture.stem] = element_value(f"example-{picture.stem}", picture.stem, **common, **named)
    return values


def _write_result(out: Path, name: str, seen: Exploration) -> None:
    content = payload(seen, max_bytes=FIRST_BYTES)
    write_packed(out / f"examples/{name}.gz", content)
    sent = {each.split("/")[0] for each in unpack(content)[1]}
    for stage, explored in enumerate(seen.stages):
        for block in range(len(explored.blocks)):
            if f"{stage}.{block}" not in sent:
                write_packed(out / f"examples/{name}.{stage}.{block}.gz", block_payload(seen, stage, block))


def _write_insides(out: Path, name: str, model: CvtForImageClassification, processor: CvtImageProcessor, seen: Exploration) -> None:
    for stage, explored in enumerate(seen.stages):
        for block in range(len(explored.blocks)):
            own, shared = _apart(inside_payload(model, processor, seen, stage, block))
            write_packed(out / f"examples/{name}.inside.{stage}.{block}.gz", own)
            if not (weights := out / f"inside/{stage}.{block}.gz").exists():
                write_packed(weights, shared)


def _apart(inside: bytes) -> tuple[bytes, bytes]:
    """A block's inside in two parts, which together are a container with the weights at its end: the second part is the weights."""
    header, arrays = unpack(inside)
    weights = [name for name in arrays if name.split("/")[0] in PROJECTIONS]
    content = pack(header, {name: arrays[name] for name in (*(name for name in arrays if name not in weights), *weights)})
    place = len(content) - sum(arrays[name].nbytes + -arrays[name].nbytes % 8 for name in weights)
    return content[:place], content[place:]
