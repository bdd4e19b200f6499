"""Models with random weights of a seed: built without PyTorch's global random numbers, by any number of threads."""

from __future__ import annotations

from collections.abc import Callable

import torch

from ..config import CvtConfig
from ..model import CvtForImageClassification

Watch = Callable[[float], None]  # hears the share that is done, 0 to 1, every few milliseconds; raises to stop the work


class Cancelled(Exception):
    """The one who asked for a model no longer wants it; raised by a ``Watch``."""


def build_variant(config: CvtConfig, seed: int = 0, watch: Watch | None = None) -> CvtForImageClassification:
    """A model of ``config`` with random weights, in evaluation mode, on the CPU, in float32.

    The same seed always gives the same weights. PyTorch's global random numbers are neither used nor moved on, so any number
    of threads can build at once.

    Args:
        watch: hears how far the build is; whatever it raises ends the build.
    """
    with torch.device("meta"):  # no memory and no random numbers yet
        model = CvtForImageClassification(config)
    weights = {name: torch.empty_like(value, device="cpu") for name, value in model.state_dict().items()}
    model.load_state_dict(weights, assign=True)
    generator = torch.Generator().manual_seed(seed)
    parts = [module for module in model.modules() if next(module.parameters(recurse=False), None) is not None]
    for number, part in enumerate(parts):
        if watch is not None:
            watch(number / len(parts))
        model.init_module(part, generator)
    return model.eval()


def model_bytes(model: torch.nn.Module) -> int:
    """Memory of parameters and buffers."""
    return sum(value.nbytes for value in (*model.parameters(), *model.buffers()))
