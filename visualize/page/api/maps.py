"""Maps of a picture in numbers: feature maps, and what each place adds to a class."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from ...maps.features import principal_components, strongest_channels
from ...maps.pairs import similarity
from ..breaking.asked import class_of
from ..words.sentences import Refused
from ..words.trust import notes
from .parameters import FLAG, Architecture, Channel, Column, Label, Model, Parameter, Picture, Row, Stage
from .places import check_channel, check_token, stage_of
from .services import Services, rounded

STRONGEST = 10  # channels that are named

Colours = Annotated[bool, Parameter(FLAG, "also give the first three principal components as colours")]


def features(
    to: Services,
    picture: Picture,
    stage: Stage = 1,
    channel: Channel = 0,
    row: Row = 0,
    column: Column = 0,
    colours: Colours = False,
    model: Model = "",
    architecture: Architecture = None,
) -> dict[str, Any]:
    """What a stage's tokens are: one channel of its feature map, and how alike tokens are.

    Returns ``values`` of the channel, rows of the stage's grid, with their minimum, maximum and mean; ``channel`` and how many there are,
    ``channels``; the ``strongest``, those that vary most over the picture; and ``explained``, the share of the variance in each of the
    first three principal components. With a row and a column also ``similarity``: the cosine of that token's features with every
    token's. With ``colours``, the components as rows of [red, green, blue].
    """
    seen = to.explored(picture, model, architecture).exploration
    of = stage_of(seen, stage)
    channels, grid = len(of.features), of.query_grid.shape
    check_channel(channels, stage, channel)
    if row or column:
        check_token(grid, stage, row, column)
    strongest = strongest_channels(of.features)
    chosen = channel - 1 if channel else int(strongest[0])
    values, components = of.features[chosen], principal_components(of.features)
    return {
        "notes": notes(seen),
        "grid": list(grid),
        "channels": channels,
        "channel": chosen + 1,
        "strongest": (strongest[:STRONGEST] + 1).tolist(),
        "minimum": float(values.min()),
        "maximum": float(values.max()),
        "mean": float(values.mean()),
        "values": rounded(values),
        "explained": rounded(components.explained),
        "similarity": rounded(similarity(of.features, row - 1, column - 1, of.features)) if row else None,
        "colours": components.rgb.tolist() if colours else None,
    }


def evidence(to: Services, picture: Picture, label: Label = "", model: Model = "", architecture: Architecture = None) -> dict[str, Any]:
    """What each place of a picture adds to a class's score, from the last stage's tokens to the classifier.

    Returns the class's ``label``, ``probability`` and ``logit``; ``values``, rows of the ``grid``, in units of the logit: positive adds,
    negative takes away; ``places``, their sum, and ``rest``, what has no place: together the class's logit minus the mean logit of all
    classes. ``of`` says whether the cells are keys or tokens. Attention alone is no such evidence: a place can be looked at and add
    nothing.
    """
    exploration = to.explored(picture, model, architecture).exploration
    index = class_of({"label": label or None}, exploration)
    if index not in exploration.shown:
        exploration = to.explored(picture, model, architecture, (index,)).exploration
    if exploration.evidence is None:
        raise Refused("no_evidence")
    at = exploration.shown.index(index)
    places, rest = exploration.evidence.places[at], float(exploration.evidence.rest[at])
    last = exploration.stages[-1]
    grid = last.query_grid if exploration.evidence.of_queries else last.key_grid
    return {
        "notes": notes(exploration),
        "label": exploration.labels[index],
        "probability": float(exploration.probabilities[index]),
        "logit": float(exploration.logits[index]),
        "of": "tokens" if exploration.evidence.of_queries else "keys",
        "grid": list(grid.shape),
        "values": rounded(places.reshape(grid.shape)),
        "places": float(np.sum(places)),
        "rest": rest,
    }
