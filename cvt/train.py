"""The recipe that trains the embedded model: ``python -m cvt.train --data DIR --out DIR``.

AdamW with a warm-up and a cosine, random resized crops, colour, blur, mixup and cutmix, label smoothing, stochastic depth,
a moving average of the weights, bfloat16 where it is faster. All pictures are held in memory as uint8, on the device.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Generator, Tensor, nn

from . import augment, data
from .config import CvtConfig
from .model import CvtForImageClassification
from .preprocess import CvtImageProcessor

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

# The embedded model's architecture: query grids 48², 24², 12² at 96×96, close to CvT-13's 56², 28², 14² at 224×224.
EMBEDDED_ARCHITECTURE = {
    "patch_sizes": (5, 3, 3),
    "patch_stride": (2, 2, 2),
    "patch_padding": (2, 1, 1),
    "embed_dim": (64, 128, 256),
    "num_heads": (1, 2, 4),
    "depth": (1, 2, 8),
    "drop_path_rate": (0.0, 0.0, 0.15),
    "image_size": 96,
}


@dataclass(frozen=True)
class Recipe:
    """How to train. ``phases`` are (input side in pixels, epochs) in order: a CvT takes any side, small ones are cheap."""

    phases: tuple[tuple[int, float], ...] = ((96, 42.0),)
    batch_size: int = 768
    learning_rate: float = 2.5e-3
    weight_decay: float = 0.05
    warmup: float = 0.08  # share of all steps
    label_smoothing: float = 0.1
    mix: float = 0.8  # share of batches with mixup or cutmix
    area: tuple[float, float] = (0.35, 1.0)
    color: float = 0.4
    blur: float = 0.3
    ema_decay: float = 0.9995
    clip: float = 1.0
    seed: int = 0


class Bfloat16Linear(nn.Linear):
    """A linear layer that multiplies in bfloat16. On a CPU only these gain by it: the backward passes of convolution and
    attention are slower there in bfloat16 than in float32."""

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.bfloat16()
        return F.linear(x.bfloat16(), self.weight.bfloat16(), bias).to(x.dtype)


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for matrices and kernels, none for biases, norms and cls tokens."""
    decayed = [p for name, p in model.named_parameters() if p.ndim >= 2 and not name.endswith("cls_token")]
    ids = {id(p) for p in decayed}
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": [p for p in model.parameters() if id(p) not in ids], "weight_decay": 0.0},
    ]


def learning_rate_at(step: int, steps: int, recipe: Recipe) -> float:
    """A linear warm-up, then a cosine to zero."""
    warmup = max(1, int(steps * recipe.warmup))
    if step < warmup:
        return recipe.learning_rate * (step + 1) / warmup
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average ← decay · average + (1 − decay) · model, for parameters and BatchNorm statistics."""
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)


def normalize(x: Tensor) -> Tensor:
    mean, std = (torch.tensor(each, device=x.device)[:, None, None] for each in (IMAGENET_MEAN, IMAGENET_STD))
    return (x - mean) / std


@torch.inference_mode()
def evaluate(model: nn.Module, pictures: data.PictureSet, side: int, batch_size: int = 250) -> tuple[float, float]:
    """(top-1, top-5) of whole pictures resized to ``side`` × ``side``, in 0..1."""
    model.eval()
    device = next(model.parameters()).device
    hits = torch.zeros(2)
    for start in range(0, len(pictures), batch_size):
        x = pictures.pictures[start : start + batch_size].to(device).float() / 255
        x = F.interpolate(x, size=(side, side), mode="bicubic", antialias=True, align_corners=False).clamp(0, 1)
        best = model(normalize(x)).logits.topk(min(5, len(pictures.classes))).indices.cpu()
        right = best == pictures.labels[start : start + batch_size, None]
        hits += torch.stack((right[:, 0].sum(), right.any(1).sum()))
    return tuple((hits / len(pictures)).tolist())


def train(model: CvtForImageClassification, train_set: data.PictureSet, valid_set: data.PictureSet, recipe: Recipe, out: Path) -> CvtForImageClassification:
    """Trains ``model`` and returns the moving average of its weights; writes a history and a state to resume from."""
    device = next(model.parameters()).device
    generator, order = Generator(device), Generator()
    plan = [side for side, epochs in recipe.phases for _ in range(round(epochs * len(train_set) / recipe.batch_size))]
    if device.type == "cpu":
        for module in model.modules():
            if type(module) is nn.Linear:
                module.__class__ = Bfloat16Linear
    average = copy.deepcopy(model).eval()
    optimizer = torch.optim.AdamW(parameter_groups(model, recipe.weight_decay), lr=recipe.learning_rate, betas=(0.9, 0.98), fused=True)
    state_file, first = out / "state.pt", 0
    if state_file.exists():
        state = torch.load(state_file, weights_only=True, map_location=device)
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    pictures, labels = train_set.pictures.to(device), train_set.labels.to(device)
    steps_an_epoch = len(train_set) // recipe.batch_size
    started, seen, losses = time.time(), 0, []
    compiled = torch.compile(model) if device.type == "cuda" else model
    permutation, permutation_epoch = None, -1
    for step in range(first, len(plan)):
        if step // steps_an_epoch != permutation_epoch:
            permutation_epoch = step // steps_an_epoch
            permutation = torch.randperm(len(train_set), generator=order.manual_seed(recipe.seed + permutation_epoch)).to(device)
        generator.manual_seed(recipe.seed * 1_000_003 + step)
        torch.manual_seed(recipe.seed * 1_000_003 + step)
        place = (step % steps_an_epoch) * recipe.batch_size
        chosen = permutation[place : place + recipe.batch_size]
        x = augment.random_resized_crop(pictures[chosen], plan[step], recipe.area, generator)
        x = augment.blur_or_sharpen(augment.color_jitter(x, recipe.color, generator), recipe.blur, generator)
        targets = F.one_hot(labels[chosen], len(train_set.classes)).float()
        x, targets = augment.mix(x, targets, recipe.mix, generator)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate_at(step, len(plan), recipe)
        model.train()
        x = normalize(x).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            logits = compiled(x).logits
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        update_average(average, model, min(recipe.ema_decay, (1 + step) / (10 + step)))
        losses.append(loss.detach())
        seen += len(chosen)
        if (step + 1) % 100 == 0 or step + 1 == len(plan):
            speed = seen / (time.time() - started)
            print(f"step {step + 1}/{len(plan)} side {plan[step]} loss {torch.stack(losses).mean():.3f} {speed:.0f} pictures/s", flush=True)
            losses.clear()
        if (step + 1) % 1000 == 0 or step + 1 == len(plan):
            small = data.PictureSet(valid_set.pictures[:1500], valid_set.labels[:1500], valid_set.classes) if step + 1 < len(plan) else valid_set
            top1, top5 = evaluate(average, small, 96)
            print(f"    average of weights at side 96: top-1 {top1:.4f} top-5 {top5:.4f}", flush=True)
            torch.save({"model": model.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}, out / "state.tmp")
            (out / "state.tmp").replace(state_file)
    return average
