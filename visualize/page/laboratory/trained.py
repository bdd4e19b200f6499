"""The trained ablations: a member of the family beside the family's baseline, which were trained alike."""

from __future__ import annotations

from typing import Any

from cvt.ablations import SOURCES
from cvt.ablations.family import BASELINE, MEMBERS, SIDE
from cvt.architecture.cost import cost
from cvt.config import CvtConfig

from ..words.sentences import Refused
from .describe import costs

ABLATIONS = tuple(name for name in MEMBERS if name != BASELINE)


def pair(name: Any) -> tuple[str, str]:
    """The workbench's names of the baseline and of a member, for ``Workbench.loaded``. Raises ValueError: no such member."""
    if not isinstance(name, str) or name not in ABLATIONS:
        raise Refused("no_ablation", names=" or ".join(ABLATIONS))
    return SOURCES + BASELINE, SOURCES + name


def described(name: Any) -> dict[str, Any]:
    """The costs of both, as ``describe.costs``: ``baseline`` and ``variant``. Raises ValueError: no such member."""
    configs = [CvtConfig.from_pretrained(source) for source in pair(name)]
    return dict(zip(("baseline", "variant"), (costs(each, cost(each, SIDE, SIDE)) for each in configs), strict=True))
