"""How fast each member trains on this machine, to choose the epochs for a time that is given."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from ..training.trainer import STEPS_WORTH_COMPILING
from .family import Member
from .pictures import Pictures
from .recipe import recipe
from .runs import Run, trainer

WARM_UP = 5  # steps before the clock starts


def speeds(
    members: Sequence[Member], pictures: Pictures, device: torch.device, compiled: bool, steps: int = 30, batch_size: int = 1024
) -> Iterator[tuple[Member, float, float]]:
    """Member, pictures per second over some steps of its training, and the seconds before its first steps were done."""
    least = (STEPS_WORTH_COMPILING + 1) * batch_size / len(pictures.training)  # epochs for which a GPU captures the steps
    for member in members:
        with TemporaryDirectory() as folder:
            began = time.perf_counter()
            training = trainer(Run(member, 0), pictures, recipe(0, least, batch_size), Path(folder, "state.pt"), device, compiled)
            times = [_timed(training, count, device) for count in (WARM_UP, steps)]
            yield member, steps * training.batches.size / (times[1] - times[0]), times[0] - began
            del training
            if device.type == "cuda":
                gc.collect()


def _timed(training, steps: int, device: torch.device) -> float:
    for _ in range(steps):
        training.train_step()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
