"""The mean of every part's output over example pictures, for interventions that replace a part by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, ExitStack, nullcontext

import torch
from torch import Tensor, nn

from cvt.model import CvtForImageClassification, CvtModel

from ..capture import stages_of
from ..hooks import hooked
from .interventions import Means, projection
from .parts import CONVS


def example_means(
    model: CvtForImageClassification | CvtModel,
    pictures: Iterable[Tensor],
    each_pass: Callable[[], AbstractContextManager] = nullcontext,
) -> Means:
    """Runs the model on each picture and averages, over pictures and tokens; a cls token has its own mean, over pictures.

    Args:
        pictures: pixel_values (1, C, H, W) each, of any sizes; every picture counts the same.
        each_pass: called for a context in which to make each forward pass.
    Raises:
        ValueError: no picture.
    """
    sums: dict[tuple[int, int, str], Tensor] = {}
    count = 0

    def add(place: tuple[int, int, str], output: Tensor, cls: bool) -> None:
        """``output`` (1, …, N, C)."""
        parts = (output[0, ..., :1, :], output[0, ..., 1:, :]) if cls else (output[0],)
        mean = torch.cat([part.double().mean(dim=-2, keepdim=True) for part in parts], dim=-2)
        sums[place] = sums[place] + mean if place in sums else mean

    with ExitStack() as stack, torch.inference_mode():
        for number, stage in enumerate(stages_of(model)):
            for index, layer in enumerate(stage.layers):
                stack.enter_context(hooked(*_readers(layer, (number, index), stage.cls_token is not None, add)))
        for pixel_values in pictures:
            with each_pass():
                model(pixel_values)
            count += 1
    if not count:
        raise ValueError("Give at least one picture to take the mean of.")
    return {place: (total / count).to(torch.float32) for place, total in sums.items()}


def _readers(layer: nn.Module, place: tuple[int, int], cls: bool, add) -> tuple[list, list]:
    """Hooks before and after a block's modules, which read what each part gives."""

    def reads_input(part: str):
        return lambda module, inputs: add((*place, part), inputs[0], cls)

    def reads_output(part: str, cls: bool):
        return lambda module, inputs, output: add((*place, part), output, cls)

    attention = layer.attention.attention
    befores = [(layer.layernorm_before, reads_input("attention_residual")), (layer.layernorm_after, reads_input("mlp_residual"))]
    afters = [
        (attention.attend, reads_output("head", cls)),
        (layer.attention, reads_output("attention", cls)),
        (layer.output, reads_output("mlp", cls)),
    ]
    afters += [(projection(layer, each), reads_output(each, False)) for each in CONVS]
    return befores, afters
