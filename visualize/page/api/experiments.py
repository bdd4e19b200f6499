"""The settings of the experiments' endpoints: a program gives them as text in JSON, ``settings``, an agent each as an argument."""

from __future__ import annotations

from dataclasses import replace

from cvt.architecture.settings import INPUT_SIDES

from ...change.padding import PADDINGS, ZEROS
from ...change.parts import PARTS, WAYS, ZERO
from ...change.patching import TAPS_OF_PART
from ...maps.explain import METHODS
from ...maps.trial.trial import MEASURES
from ..breaking.positions import FLIPS, LEAST_SIDE, MOST_SEED, NO_FLIP
from .parameters import CHOICE, FLAG, LIST, MOST_BLOCKS, MOST_CELLS, MOST_HEADS, MOST_STAGES, NAME, NUMBER, REQUIRED, TEXT, WHOLE, Parameter

MOST_PIXELS = 2 * INPUT_SIDES[-1]
_INTERVENTION = (
    ("type", "object"),
    (
        "properties",
        {
            "stage": {"type": "integer", "minimum": 1},
            "block": {"type": "integer", "minimum": 1},
            "part": {"type": "string", "enum": list(PARTS)},
            "head": {"type": "integer", "minimum": 1, "description": "from 1, where the part is a head"},
            "how": {"type": "string", "enum": list(WAYS), "default": ZERO},
        },
    ),
    ("required", ["stage", "block", "part"]),
)


def _whole(name: str, meaning: str, least: int, most: int, default: object = None) -> Parameter:
    return Parameter(WHOLE, meaning, least, most, name=name, default=default)


def _choice(name: str, meaning: str, choices: tuple[str, ...], default: object = None) -> Parameter:
    return Parameter(CHOICE, meaning, choices=choices, name=name, default=default)


def _some(name: str, meaning: str, choices: tuple[str, ...]) -> Parameter:
    return Parameter(LIST, meaning, items=(("type", "string"), ("enum", list(choices))), name=name, default=None)


def _pixels(name: str, meaning: str) -> Parameter:
    return Parameter(NUMBER, meaning, 0, MOST_PIXELS, name=name, default=None)


_STAGE = _whole("stage", "the stage, from 1", 1, MOST_STAGES)
_BLOCK = _whole("block", "the block in its stage, from 1", 1, MOST_BLOCKS)
_HOW = _choice("how", "what replaces a part's output", WAYS, ZERO)
_LABEL = Parameter(TEXT, "the class; by default the most probable one", most=NAME, name="label", default=None)
_SECOND = (
    Parameter(TEXT, "the second picture: the name of an example", most=NAME, name="example", default=None),
    Parameter(
        TEXT,
        "or the key of a result: `value.key` in `knock_out`'s answer to a picture without parts",
        most=NAME,
        name="other",
        default=None,
    ),
)
_SPOT = (
    _pixels("y", "the spot, in pixels of the input from above; by default the middle"),
    _pixels("x", "the spot, in pixels from the left; by default the middle"),
)

# None as the default: it may be left out, and the experiment says what it then takes.
SETTINGS: dict[str, tuple[Parameter, ...]] = {
    "knock_out": (Parameter(LIST, "the parts to switch off; none for the unchanged model", items=_INTERVENTION, name="interventions"),),
    "importance": (_HOW, _LABEL),
    "lens": (),
    "transform": (
        _whole("height", "of the input in pixels; by default its own", LEAST_SIDE, MOST_PIXELS),
        _whole("width", "of the input in pixels; by default its own", LEAST_SIDE, MOST_PIXELS),
        Parameter(NUMBER, "degrees, counter-clockwise", -360, 360, name="turn", default=0),
        _choice("flip", "the axis along which the picture is mirrored", FLIPS, NO_FLIP),
        _whole("down", "a shift in pixels, around the edges", -MOST_PIXELS, MOST_PIXELS, 0),
        _whole("right", "a shift in pixels, around the edges", -MOST_PIXELS, MOST_PIXELS, 0),
        _whole("patch", "the side of square patches that are shuffled; 0 for none", 0, MOST_PIXELS, 0),
        _whole("seed", "of the order of the patches", 0, MOST_SEED, 0),
        _choice("padding", "what convolutions see beyond the border", PADDINGS, ZEROS),
    ),
    "distance": (),
    "receptive_field": (
        replace(_STAGE, default=REQUIRED),
        _whole("row", "the token's row, from 1; 0 with column 0 for the cls token", 0, MOST_CELLS, REQUIRED),
        _whole("column", "the token's column, from 1", 0, MOST_CELLS, REQUIRED),
    ),
    "pair": (*_SECOND, _STAGE, _BLOCK, _whole("head", "the head, from 1; 0 for the mean", 0, MOST_HEADS, 0), *_SPOT),
    "patch": (
        *_SECOND,
        _choice("part", "what is taken from the first picture", tuple(TAPS_OF_PART), "block"),
        _STAGE,
        _BLOCK,
        _whole("head", "the head, from 1, where the part is a head", 1, MOST_HEADS),
        Parameter(FLAG, "take only the tokens around a spot", name="spot", default=False),
        *_SPOT,
        _pixels("to_y", "where they go in the second picture; by default the same place"),
        _pixels("to_x", "where they go in the second picture; by default the same place"),
        Parameter(NUMBER, "pixels around the spot along both axes; 0 for one token", 0, MOST_PIXELS, name="radius", default=0),
        Parameter(FLAG, "also this part of every block in turn", name="sweep", default=False),
    ),
    "explain": (
        _LABEL,
        _some("methods", "the methods; by default all", tuple(METHODS)),
        replace(_STAGE, meaning="the stage that LeGrad and Grad-CAM explain, from 1; by default the last"),
        _some("measures", "how far each map can be trusted; by default all, none if it is empty", MEASURES),
    ),
    "trial": (replace(_STAGE, meaning="the stage that LeGrad and Grad-CAM explain, from 1; by default the last"),),
}
