"""One run: a member trained from one seed, measured and saved; what is finished is not done again."""

from __future__ import annotations

import copy
import gc
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from ..architecture.cost import cost
from ..evaluate import predict
from ..files.storage import read_json, write_json
from ..model import CvtForImageClassification
from ..processor import CvtImageProcessor
from ..training.batches import Batches
from ..training.precision import choose_precision
from ..training.recipe import Recipe
from ..training.result import as_saved
from ..training.start import IMAGENET_MEAN, IMAGENET_STD
from ..training.trainer import Trainer
from .family import SIDE, Member
from .pictures import SHIFTS, Pictures, shifted

RECORD, STATE, WEIGHTS = "run.json", "state.pt", "model.safetensors"
AT_ONCE = 500  # pictures in a forward pass of the evaluation


@dataclass(frozen=True)
class Run:
    """A member and the seed of its weights and of the order and augmentation of pictures."""

    member: Member
    seed: int

    @property
    def name(self) -> str:
        return f"{self.member.name}-{self.seed}"


def planned(members: Sequence[Member], seeds: int, share: tuple[int, int] = (1, 1)) -> list[Run]:
    """Every ``share[1]``-th run from the ``share[0]``-th on; all members of the first seed come first."""
    return [Run(member, seed) for seed in range(seeds) for member in members][share[0] - 1 :: share[1]]


def processor() -> CvtImageProcessor:
    return CvtImageProcessor(size=SIDE, crop_pct=1.0, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD)


def trainer(run: Run, pictures: Pictures, recipe: Recipe, state: Path, device: torch.device, compiled: bool) -> Trainer:
    """The run's training, at its start or where it stopped. Raises ValueError if ``state`` is another training's."""
    config = run.member.config(pictures.classes)
    torch.manual_seed(run.seed)
    model = CvtForImageClassification(config).to(device)
    batches = Batches(pictures.training, recipe, *processor().moments, device)
    identity = {"run": run.name, "pictures": pictures.identity, "architecture": str(config.to_dict()), "recipe": str(asdict(recipe))}
    return Trainer(model, batches, recipe, state, choose_precision("auto", device), identity=identity, compiled=compiled)


def perform(
    run: Run, pictures: Pictures, recipe: Recipe, out: Path, device: torch.device, seconds: float = float("inf"), compiled: bool = True
) -> dict[str, Any] | None:
    """Trains for at most ``seconds``, resumes where an earlier call stopped, and at the end measures and saves the model.

    Returns:
        The run's record, also if it was finished before; None if time ran out.
    Raises:
        ValueError: as ``trainer``; Diverged, NotSaved: as ``Trainer.run``.
    """
    folder = out / run.name
    if (folder / RECORD).exists():
        return read_json(folder / RECORD)
    training = trainer(run, pictures, recipe, folder / STATE, device, compiled)
    if not training.run(lambda progress: None, seconds=seconds):
        return None
    model = as_saved(training.average)
    began = time.perf_counter()
    accuracies = measured(model, pictures)
    claim = {"top1": round(accuracies[f"top1_{SIDE}"], 4), "pictures": len(pictures.labels)}
    model.config = replace(model.config, extra={"evaluation": claim})
    model.save_pretrained(folder)
    processor().save_pretrained(folder)
    costs = cost(model.config, SIDE, SIDE)
    record = {
        "member": run.member.name,
        "seed": run.seed,
        "parameters": costs.parameters,
        "macs": costs.macs,
        "accuracies": accuracies,
        "epochs": recipe.phases[0][1],
        "steps": training.steps,
        "seconds": round(training.seconds, 1),
        "pictures_per_second": round(training.steps * training.batches.size / training.seconds),
        "evaluation_seconds": round(time.perf_counter() - began, 1),
        "hardware": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "torch": torch.__version__,
        "precision": choose_precision("auto", device),
        "recipe": asdict(recipe),
    }
    write_json(folder / RECORD, record)  # last: it says that the run is finished
    (folder / STATE).unlink(missing_ok=True)
    del training
    if device.type == "cuda":
        gc.collect()  # a captured graph holds its memory in a circle of references
    return record


def measured(saved: CvtForImageClassification, pictures: Pictures) -> dict[str, float]:
    """Shares of the held-out pictures, by the weights as they are saved, in float32.

    ``top1_64``, ``top1_96``, ``top1_128``: classified right at these sides. ``shifted``: right at 64 pixels, on average over ``SHIFTS``.
    ``stays``: of the predictions at 64 pixels, those that a shift does not change, on average over ``SHIFTS``.
    """
    model, prepared = copy.deepcopy(saved).float().eval(), processor()

    def classes(x: torch.Tensor) -> torch.Tensor:
        return predict(model, prepared, x, AT_ONCE)[0].argmax(1)

    def right(found: torch.Tensor) -> float:
        return (found == pictures.labels).float().mean().item()

    named = {side: classes(x) for side, x in pictures.held_out.items()}
    moved = [classes(shifted(pictures.held_out[SIDE], *shift)) for shift in SHIFTS]
    return {
        **{f"top1_{side}": right(found) for side, found in named.items()},
        "shifted": sum(map(right, moved)) / len(moved),
        "stays": sum((found == named[SIDE]).float().mean().item() for found in moved) / len(moved),
    }
