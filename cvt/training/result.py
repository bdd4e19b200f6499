"""Writes a training run's results: a folder in Hugging Face's format, and the predictions for the held-out pictures."""

from __future__ import annotations

import copy
import csv
import subprocess
import sys
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..files.storage import replacing, write_json
from ..model import CvtForImageClassification
from ..processor import CvtImageProcessor
from .data.reading import PictureSet
from .measures import Evaluation
from .recipe import Recipe

ROOT = Path(__file__).parents[2]


def as_saved(model: CvtForImageClassification) -> CvtForImageClassification:
    """The model with float16 weights, half the size; unchanged if a weight is too large for that."""
    saved = copy.deepcopy(model).half()
    finite = all(bool(value.isfinite().all()) for value in saved.state_dict().values())
    return saved if finite else copy.deepcopy(model)


def save_result(model: CvtForImageClassification, processor: CvtImageProcessor, out: Path, result: Evaluation) -> None:
    """Saves the model and its processor; the config contains its accuracy."""
    extra = {**model.config.extra, "evaluation": result.summary()}
    model.config = replace(model.config, image_size=processor.side, extra=extra)
    model.save_pretrained(out)
    processor.save_pretrained(out)


def write_held_out(path: Path, pictures: PictureSet, logits: Tensor) -> None:
    """Writes the held-out pictures and the model's predictions as CSV."""
    confidence, named = logits.softmax(1).max(1)
    with replacing(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["picture", "class", "named", "confidence"])
        for name, label, best, share in zip(pictures.names, pictures.labels.tolist(), named.tolist(), confidence.tolist(), strict=True):
            writer.writerow([name, pictures.classes[label], pictures.classes[best], f"{share:.4f}"])


def write_record(path: Path, recipe: Recipe, facts: dict[str, Any], device: torch.device) -> None:
    """Writes the recipe and other facts for a model card as JSON."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
    write_json(path, {"recipe": asdict(recipe), **facts, "device": name, "torch": torch.__version__})


def draw_curves(out: Path) -> str:
    """Has ``visualize.draw.curves`` draw the history in ``out``; returns a sentence on the outcome.

    It runs in its own process: the library does not import plotting code, and does not fail if that is missing.
    """
    command = [sys.executable, "-m", "visualize.draw.curves", str(out.resolve())]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        problem = (done.stderr.strip().splitlines() or ["it said nothing"])[-1] if done.returncode else ""
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    return f"The curves could not be drawn ({problem}); the numbers are in history.csv." if problem else "The curves are in curves.png."


def remove_leftovers(out: Path) -> None:
    """Deletes partially written files of a killed run."""
    for name in (
        "state.pt",
        "history.csv",
        "held_out.csv",
        "training.json",
        "model.safetensors",
        "config.json",
        "preprocessor_config.json",
        "curves.png",
    ):
        for leftover in out.glob(f".{name}.*"):
            leftover.unlink(missing_ok=True)


def fingerprint(pictures: PictureSet) -> str:
    """A fingerprint of a training set."""
    sums = (zlib.crc32(each.numpy()) for each in (pictures.pictures, pictures.labels))
    return f"{len(pictures)} pictures, {'-'.join(f'{each:08x}' for each in sums)}"


def resized(pictures: Tensor, side: int) -> Tensor:
    """uint8 (N, 3, S, S) → uint8 (N, 3, side, side)."""
    if pictures.shape[-1] == side:
        return pictures
    x = F.interpolate(pictures.float(), size=(side, side), mode="bicubic", antialias=True, align_corners=False)
    return x.round().clamp(0, 255).byte()
