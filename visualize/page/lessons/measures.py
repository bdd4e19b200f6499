"""What a lesson can ask of the running model, and what it can point at.

The reader checks lessons by this table, and the scripts import it with the table of choices: ``web/lesson/measures`` has the code of
each measure, ``web/lesson/points.js`` the place of each point.
"""

from __future__ import annotations

from dataclasses import dataclass

NAME = r"[a-z0-9-]{1,40}"  # of a lesson, a preset, and a member of the trained family
MOST_STEPS = 12  # of a lesson

CELLS, NUMBER, CHOICE = KINDS = ("cells", "number", "choice")
ORDINALS = ("stage", "block", "head")  # count from 1; head 0 is the mean of the heads; "last" is the model's last
COUNTS = {"right": 512, "down": 512, "side": 512}  # whole numbers up to these, in pixels
NAMES = ("preset", "member", "members", "off")  # text
VALUES = {"token": ("cls", "held"), "padding": ("zeros", "reflect", "circular")}
PARAMETERS = (*ORDINALS, *COUNTS, *NAMES, *VALUES)


@dataclass(frozen=True)
class Measure:
    """``kind``: of the asks that it grades. ``takes``: its parameters. ``optional``: those of them that may be left out."""

    kind: str
    takes: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()


def _measure(kind: str, takes: str = "") -> Measure:
    """``takes``: names with a question mark where they are optional."""
    names = takes.split()
    return Measure(kind, tuple(name.rstrip("?") for name in names), tuple(name[:-1] for name in names if name.endswith("?")))


_CHANGED = "off? right? down? padding?"
_MOVED = "right? down? padding?"

MEASURES: dict[str, Measure] = {
    "attention": _measure(CELLS, "stage block head token"),
    "evidence": _measure(CELLS),
    "distance": _measure(NUMBER, "stage"),
    "field": _measure(NUMBER, "stage"),
    "probability": _measure(NUMBER, _CHANGED),
    "probability-after-block": _measure(NUMBER, "stage block"),
    "probe-accuracy": _measure(NUMBER, "stage block"),
    "similarity": _measure(NUMBER, f"stage {_MOVED}"),
    "keys": _measure(NUMBER, "stage"),
    "window": _measure(NUMBER, "stage"),
    "overlap": _measure(NUMBER, "stage"),
    "cost": _measure(NUMBER, "preset"),
    "variant-probability": _measure(NUMBER, "preset?"),
    "ablation-accuracy": _measure(NUMBER, "member side"),
    "farthest-stage": _measure(CHOICE),
    "nearest-head": _measure(CHOICE, "stage block"),
    "head-that-matters": _measure(CHOICE, "stage block"),
    "branch-that-matters": _measure(CHOICE, "stage"),
    "class": _measure(CHOICE, _CHANGED),
    "class-unchanged": _measure(CHOICE, _CHANGED),
    "decided": _measure(CHOICE),
    "class-after-block": _measure(CHOICE, "stage block"),
    "most-changed-stage": _measure(CHOICE, _MOVED),
    "exactly-shifted": _measure(CHOICE, _MOVED),
    "variant-class": _measure(CHOICE, "preset?"),
    "ablation": _measure(CHOICE, "member"),
    "ablation-best": _measure(CHOICE, "members"),
}

POINTS = (
    "picture", "verdict", "examples", "layers", "stages", "finding", "spots", "heads", "blocks", "channels", "inside", "questions",
    "experiments", "experiment", "bars", "before", "after", "result", "presets", "settings", "costs", "differences", "ablation",
)  # fmt: skip
