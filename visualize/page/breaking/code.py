"""Python code for what an experiment changed, as part of the code that an explorer offers.

An explorer's value has it as ``changed``: ``lines``, which know a ``model``, its ``processor`` and the ``file`` of the picture;
``arguments``, further ones of ``explore``; and where it is not the file that is explored, ``picture``, the name of what is, and
``within``, the context in which the model runs, or null.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...change.padding import ZEROS
from ...change.parts import EXAMPLES, Intervention
from ...change.positions import Change, Resize


def changed_lines(interventions: Sequence[Intervention], examples: Sequence[str]) -> dict[str, str]:
    """The code for parts of a model that are replaced. ``examples``: the files of the example pictures."""
    lines = [
        "from visualize.change.interventions import Intervention",
        "",
        "interventions = [",
        *(f"    {each!r}," for each in interventions),
        "]",
    ]
    arguments = ", interventions=interventions"
    if any(each.how == EXAMPLES for each in interventions):
        lines = ["from visualize.change.means import example_means", *lines]
        lines += [f"files = {list(examples)!r}", "pictures = [processor(file, return_tensors='pt').pixel_values for file in files]"]
        lines += ["means = example_means(model, pictures)"]
        arguments += ", means=means"
    return {"lines": "\n".join(lines), "arguments": arguments}


def moved_lines(changes: Sequence[Change], padding: str) -> dict[str, str | None]:
    """The code for a picture that is changed, and for another padding."""
    names = sorted({type(each).__name__ for each in changes})
    resized = bool(changes) and isinstance(changes[0], Resize)  # made from the picture as shown, which has more detail
    lines = [
        *(["import numpy as np"] if resized else []),
        "from dataclasses import replace",
        "from PIL import Image",
        "from cvt.pictures import OpenedPicture",
        *(["from visualize.change.padding import padded"] if padding != ZEROS else []),
        f"from visualize.change.positions import {', '.join([*names, 'changed'])}",
        "",
        "shown = explore(model, processor, file)",
        f"changes = [{', '.join(map(repr, changes))}]",
        f"pixels = changed({'np.asarray(shown.crop)' if resized else 'shown.pixels'}, changes)",
        "picture = OpenedPicture(Image.fromarray(pixels))",
        "processor = replace(processor, do_resize=False, do_center_crop=False)  # it is the model's input already",
    ]
    within = f"padded(model, {padding!r})" if padding != ZEROS else None
    return {"lines": "\n".join(lines), "arguments": "", "picture": "picture", "within": within}
