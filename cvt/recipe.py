"""How a CvT is trained: the numbers of a recipe, and the optimizers, schedule and average of weights that follow from them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Phases = tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Recipe:
    """How to train. A CvT takes any input size, and small ones are cheap, so training may begin with them.

    ``phases``: (input side in pixels, epochs), in order. ``warmup``: share of all steps. ``mix``: share of batches with mixup
    or cutmix. ``area``: part of a picture that a crop keeps, least and most. ``color``, ``blur``: see ``augment.py``.
    """

    phases: Phases = ((96, 42.0),)
    batch_size: int = 768
    learning_rate: float = 2.5e-3
    muon_learning_rate: float = 0.02
    weight_decay: float = 0.05
    warmup: float = 0.05
    label_smoothing: float = 0.1
    mix: float = 0.8
    area: tuple[float, float] = (0.35, 1.0)
    color: float = 0.4
    blur: float = 0.3
    ema_decay: float = 0.9995
    clip: float = 1.0
    seed: int = 0

    def plan(self, pictures: int) -> list[int]:
        """The input side of every step, for a training set of so many pictures."""
        return [side for side, epochs in self.phases for _ in range(max(1, round(epochs * pictures / self.batch_size)))]

    def share_of_rate(self, step: int, steps: int) -> float:
        """The learning rate of a step as a share of the largest: a linear warm-up, then a cosine to zero."""
        warmup = max(1, int(steps * self.warmup))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    def optimizers(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for the matrices inside the blocks, AdamW for the rest; no decay of biases, norms and cls tokens.

        In 30,000 pictures Muon learned what took AdamW alone more than 100,000 (the embedded model, side 32, batch 128).
        Each group's ``rate`` is its largest learning rate. Sources: arXiv 1711.05101 (AdamW), 2502.16982 (Muon).
        """
        matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and not name.startswith("classifier")]
        inside = {id(p) for p in matrices}
        others = [(name, p) for name, p in model.named_parameters() if id(p) not in inside]
        decayed = [p for name, p in others if p.ndim >= 2 and not name.endswith("cls_token")]
        free = [p for name, p in others if p.ndim < 2 or name.endswith("cls_token")]
        groups = [{"params": decayed, "weight_decay": self.weight_decay}, {"params": free, "weight_decay": 0.0}]
        adamw = torch.optim.AdamW(groups, lr=self.learning_rate, betas=(0.9, 0.98), fused=True)
        # Muon's decay is a share of its rate, which is an order of magnitude above AdamW's
        muon = torch.optim.Muon(matrices, lr=self.muon_learning_rate, weight_decay=self.weight_decay / 5)
        for optimizer in (adamw, muon):
            for group in optimizer.param_groups:
                group["rate"] = group["lr"]
        return [adamw, muon]


class Bfloat16Linear(nn.Linear):
    """A linear layer that multiplies in bfloat16.

    On a CPU only these gain by it: the backward passes of convolution and attention are slower there in bfloat16 than in
    float32, so autocast would make training slower than it is without.
    """

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.bfloat16()
        return F.linear(x.bfloat16(), self.weight.bfloat16(), bias).to(x.dtype)


def multiply_in_bfloat16(model: nn.Module) -> None:
    """Makes the linear layers of ``model`` multiply in bfloat16, for training on a CPU."""
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = Bfloat16Linear


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float) -> None:
    """average ← decay · average + (1 − decay) · model, for parameters and BatchNorm statistics."""
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
