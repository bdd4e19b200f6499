"""Parts of the model that a link switches off: ``3.8.head2,3.7.attention`` is head 2 of block 8, stage 3, and attention in block 7."""

from __future__ import annotations

import re

from cvt.config import CvtConfig

from ...change.interventions import InterventionError, validate
from ...change.parts import Intervention

MOST = 64  # parts
LAST = "last"  # in the place of a stage's or a block's number
ALL = "all"  # in the place of a block's
_PART = re.compile(rf"([1-9]|{LAST})\.([1-9][0-9]?|{LAST}|{ALL})\.([a-z_]+?)([1-9][0-9]?)?")


def read(text: str, how: str, config: CvtConfig) -> tuple[str, list[str]]:
    """The parts that a model of this config has and that can be replaced in this way, as text, and those that are refused."""
    kept: list[Intervention] = []
    refused = []
    for number, part in enumerate(text.split(",")):
        found = _read(part, how, config) if number < MOST else []
        if found and len(kept) + len(found) <= MOST and _fits([*kept, *found], config):
            kept += found
        else:
            refused.append(part)
    return ",".join(map(_written, kept)), refused


def _read(part: str, how: str, config: CvtConfig) -> list[Intervention]:
    """The part, in every block where the link says so; none if there is no such part."""
    matched = _PART.fullmatch(part)
    if not matched:
        return []
    stage, block, name, head = matched.groups()
    at = config.num_stages - 1 if stage == LAST else int(stage) - 1
    if at >= config.num_stages:
        return []
    depth = config.stages[at].depth
    layers = range(depth) if block == ALL else [depth - 1 if block == LAST else int(block) - 1]
    number = None if head is None else int(head) - 1
    return [Intervention(stage=at, block=layer, part=name, head=number, how=how) for layer in layers]


def _fits(parts: list[Intervention], config: CvtConfig) -> bool:
    try:
        validate(parts, config)
    except InterventionError:
        return False
    return True


def _written(each: Intervention) -> str:
    return f"{each.stage + 1}.{each.block + 1}.{each.part}{'' if each.head is None else each.head + 1}"
