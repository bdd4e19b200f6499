"""Trains a CvT: ``python -m cvt.train --data DIR --out DIR``. The embedded model was trained by this.

All pictures are held in memory as uint8, on the device; augmentation works on whole batches there. Every step draws its
random numbers from (seed, step) alone, so that a run that was stopped goes on exactly as if it had not been.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from . import augment, data
from .checkpoint import replacing
from .config import CvtConfig
from .model import CvtForImageClassification
from .preprocess import CvtImageProcessor
from .recipe import Phases, Recipe, multiply_in_bfloat16, update_average

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# The embedded model's architecture: query grids 48², 24², 12² at 96×96, close to CvT-13's 56², 28², 14² at 224×224.
EMBEDDED_ARCHITECTURE = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": (2, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (48, 96, 192),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 8),
    "drop_path_rate": (0.0, 0.0, 0.0),
    "initializer_range": 0.03,
    "image_size": 96,
}


def normalize(x: Tensor) -> Tensor:
    """Pictures in 0..1, (B, 3, H, W), as the processor of the trained model normalises them."""
    mean, std = (torch.tensor(each, device=x.device)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (x - mean) / std


@torch.inference_mode()
def accuracy(model: nn.Module, pictures: data.PictureSet, side: int, batch_size: int = 250) -> tuple[float, float]:
    """(top-1, top-5) as shares, of whole pictures resized to ``side`` × ``side``."""
    device = next(model.parameters()).device
    hits = torch.zeros(2)
    for start in range(0, len(pictures), batch_size):
        x = pictures.pictures[start : start + batch_size].to(device).float() / 255
        x = F.interpolate(x, size=(side, side), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        best = model(normalize(x)).logits.topk(min(5, len(pictures.classes))).indices.cpu()
        right = best == pictures.labels[start : start + batch_size, None]
        hits += torch.stack((right[:, 0].sum(), right.any(1).sum()))
    top1, top5 = (hits / len(pictures)).tolist()
    return top1, top5


@dataclass(frozen=True)
class Progress:
    """What a report says: steps done of all, the input side, the mean loss since the last report, pictures a second."""

    step: int
    steps: int
    side: int
    loss: float
    speed: float

    def __str__(self) -> str:
        return f"step {self.step}/{self.steps} · side {self.side} · loss {self.loss:.3f} · {self.speed:.0f} pictures/s"


class Trainer:
    """A model in training, the moving average of its weights, and the step they are at.

    Args:
        model: trained in place. pictures: the training set. state: the file to go on from, and to write.
    """

    def __init__(self, model: CvtForImageClassification, pictures: data.PictureSet, recipe: Recipe, state: Path):
        self.device = model.device
        self.model = model.to(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.model).eval()
        if self.device.type == "cpu":
            multiply_in_bfloat16(self.model)
        self.optimizers = recipe.optimizers(self.model)
        self.pictures, self.labels = pictures.pictures.to(self.device), pictures.labels.to(self.device)
        self.classes, self.recipe, self.state = len(pictures.classes), recipe, state
        self.plan = recipe.plan(len(pictures))
        self.step = 0
        # Compiling takes a minute and then doubles the speed on a GPU; on a CPU it gains little.
        self._run = torch.compile(self.model) if self.device.type == "cuda" else self.model
        self._order: tuple[int, Tensor] | None = None
        if state.exists():
            self._resume()

    def run(self, report: Callable[[Progress], None], every: int = 100, save_every: int = 500) -> CvtForImageClassification:
        """Trains to the end of the plan and returns the average; reports ``every`` so many steps and saves its state."""
        losses, started, seen = [], time.monotonic(), 0
        while self.step < len(self.plan):
            losses.append(self._train_step())
            seen += self.recipe.batch_size
            last = self.step == len(self.plan)
            if self.step % every == 0 or last:
                loss = torch.stack(losses).mean().item()
                speed = seen / (time.monotonic() - started)
                report(Progress(self.step, len(self.plan), self.plan[self.step - 1], loss, speed))
                losses, started, seen = [], time.monotonic(), 0
            if self.step % save_every == 0 or last:
                self.save()
        return self.average

    def _train_step(self) -> Tensor:
        recipe = self.recipe
        generator = Generator(self.device).manual_seed(recipe.seed * 1_000_003 + self.step)
        torch.manual_seed(recipe.seed * 1_000_003 + self.step)  # of dropout and stochastic depth
        x, targets = self._batch(generator)
        self.model.train()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits = self._run(x).logits
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), recipe.clip)
        share = recipe.share_of_rate(self.step, len(self.plan))
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["rate"] * share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        # a short memory at first, or the average would keep the random weights of the start
        update_average(self.average, self.model, min(recipe.ema_decay, (1 + self.step) / (10 + self.step)))
        self.step += 1
        return loss.detach()

    def _batch(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Augmented pictures (B, 3, side, side), normalised, and their targets (B, classes)."""
        recipe, chosen = self.recipe, self._chosen()
        x = augment.random_resized_crop(self.pictures[chosen], self.plan[self.step], recipe.area, generator)
        x = augment.color_jitter(x, recipe.color, generator)
        x = augment.blur_or_sharpen(x, recipe.blur, generator)
        targets = F.one_hot(self.labels[chosen], self.classes).float()
        x, targets = augment.mix(x, targets, recipe.mix, generator)
        return normalize(x).contiguous(memory_format=torch.channels_last), targets

    def _chosen(self) -> Tensor:
        """The pictures of this step: each once an epoch, in an order that follows from (seed, epoch)."""
        count, batch = len(self.labels), self.recipe.batch_size
        epoch, place = divmod(self.step * batch, max(1, count - count % batch))
        if self._order is None or self._order[0] != epoch:
            order = torch.randperm(count, generator=Generator().manual_seed(self.recipe.seed + epoch))
            self._order = (epoch, order.to(self.device))
        return self._order[1][place : place + batch]

    def save(self) -> None:
        """Writes all that going on needs, whole or not at all."""
        parts = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
        }
        with replacing(self.state) as temporary:
            torch.save(parts, temporary)

    def _resume(self) -> None:
        parts = torch.load(self.state, weights_only=True, map_location=self.device)
        self.model.load_state_dict(parts["model"])
        self.average.load_state_dict(parts["average"])
        for optimizer, own in zip(self.optimizers, parts["optimizers"], strict=True):
            optimizer.load_state_dict(own)
        self.step = parts["step"]


def save_result(model: CvtForImageClassification, side: int, out: Path, measured: dict[str, float]) -> None:
    """The model in float16 with its preprocessing and accuracy, as a folder in Hugging Face's format."""
    config = replace(model.config, image_size=side, extra={**model.config.extra, "evaluation": measured})
    saved = copy.deepcopy(model).half()
    saved.config = config
    saved.save_pretrained(out)
    processor = CvtImageProcessor(size=side, crop_pct=1.0, image_mean=IMAGENET_MEAN, image_std=IMAGENET_STD)
    processor.save_pretrained(out)


def write_history(path: Path, rows: list[dict]) -> None:
    lines = [list(rows[0]), *([row[name] for name in rows[0]] for row in rows)]
    text = "\n".join(",".join(str(each) for each in line) for line in lines)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def read_history(path: Path, before: int) -> list[dict]:
    """The rows of an earlier part of this run, up to the step from which it goes on."""
    if not path.exists():
        return []
    with open(path, newline="", encoding="utf-8") as file:
        return [row for row in csv.DictReader(file) if int(row["step"]) <= before]


def phases(text: str) -> Phases:
    """ "32:3,96:0.5" → ((32, 3.0), (96, 0.5))."""
    try:
        return tuple((int(side), float(epochs)) for side, epochs in (part.split(":") for part in text.split(",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of side:epochs such as 32:3,96:0.5") from error


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    what = "Trains a CvT on your pictures, or goes on with a stopped run."
    parser = argparse.ArgumentParser(prog="python -m cvt.train", description=what)
    parser.add_argument("--data", type=Path, required=True, help="a folder with one folder a class, or of parquet files (image, label)")
    parser.add_argument("--out", type=Path, required=True, help="the folder for the trained model, its history and its state")
    parser.add_argument("--config", type=Path, help="a config.json of the architecture (default: the embedded model's)")
    parser.add_argument("--phases", type=phases, default=Recipe.phases, help="side:epochs, in order (default: 96:42)")
    for name in ("batch_size", "learning_rate", "muon_learning_rate", "mix", "color", "blur", "ema_decay", "seed"):
        default = getattr(Recipe, name)
        parser.add_argument("--" + name.replace("_", "-"), type=type(default), default=default, help=f"default: {default}")
    parser.add_argument("--least-area", type=float, default=Recipe.area[0], help=f"least share kept by a crop (default: {Recipe.area[0]})")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu", help="default: a GPU where there is one")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    names = ("phases", "batch_size", "learning_rate", "muon_learning_rate", "mix", "color", "blur", "ema_decay", "seed")
    recipe = Recipe(**{name: getattr(options, name) for name in names}, area=(options.least_area, 1.0))
    side = recipe.phases[-1][0]
    try:
        pictures, held_out = data.load_both(options.data, side * 5 // 4, recipe.seed)
        architecture = json.loads(options.config.read_text(encoding="utf-8")) if options.config else EMBEDDED_ARCHITECTURE
        config = CvtConfig.from_dict(architecture).replace(id2label=dict(enumerate(pictures.classes)))
    except ValueError as error:
        sys.exit(f"Training cannot start: {error}")
    print(f"{len(pictures)} pictures to train on, {len(held_out)} held out, {pictures.skipped} unreadable ones skipped", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    trainer = Trainer(CvtForImageClassification(config).to(options.device), pictures, recipe, options.out / "state.pt")
    history = read_history(options.out / "history.csv", trainer.step)

    def report(progress: Progress) -> None:
        print(progress, flush=True)
        history.append({name: getattr(progress, name) for name in ("step", "side", "loss", "speed")})
        write_history(options.out / "history.csv", history)

    model = trainer.run(report)
    top1, top5 = accuracy(model, held_out, side)
    print(f"held-out pictures: top-1 {top1:.1%}, top-5 {top5:.1%}", flush=True)
    save_result(model, side, options.out, {"top1": round(top1, 4), "top5": round(top5, 4), "pictures": len(held_out)})


if __name__ == "__main__":
    main()
