"""How a CvT is trained: a recipe's hyperparameters, its optimizers and its schedule."""

from __future__ import annotations

import math
from dataclasses import InitVar, dataclass, replace

import torch
from torch import nn

from .muon import Muon

Phases = tuple[tuple[tuple[int, ...], float], ...]


@dataclass(frozen=True)
class Recipe:
    """The hyperparameters of training. A CvT takes any input size, and small ones are cheap, so training may begin with them.

    Attributes:
        phases: (input sides in pixels, epochs), in order; the sides of a phase alternate from step to step.
        batch_size: pictures per step, over all processes. accumulate: number of parts of a process's share.
        warmup: share of all steps in which the learning rates grow. clip: largest norm of the gradient.
        mix: share of batches with mixup or cutmix. plain: share of all steps, at the end, without them (arXiv 1909.09148).
        area: smallest and largest share of a picture's area in a crop.
        color, blur: see ``augmentation/augment.py``. randaugment: strength 0..10, see ``augmentation/randaugment.py``.
        photo: accepted from recipes of earlier versions; it has no effect.
        teacher_share: the teacher's share of the loss, if there is one; the labels have the rest.
        ema_decay: decay of the moving average of the weights, which becomes the trained model.
    """

    phases: Phases = (((96,), 100.0),)
    batch_size: int = 1024
    accumulate: int = 1
    learning_rate: float = 2.5e-3
    muon_learning_rate: float = 0.012
    weight_decay: float = 0.05
    warmup: float = 0.03
    label_smoothing: float = 0.1
    mix: float = 0.8
    plain: float = 0.0
    area: tuple[float, float] = (0.3, 1.0)
    color: float = 0.3
    blur: float = 0.3
    randaugment: float = 7.0
    teacher_share: float = 0.5
    ema_decay: float = 0.9995
    clip: float = 1.0
    seed: int = 0
    photo: InitVar[float] = 0.0

    def __post_init__(self, photo: float):
        for name, least, most in _BOUNDS:
            value = getattr(self, name)
            if not least <= value <= most:
                choice = f"of {least:g} or more" if most == _MANY else f"from {least:g} to {most:g}"
                raise ValueError(f"{name} is {value}: choose a value {choice}.")
        if not 0 < self.area[0] <= self.area[1] <= 1:
            raise ValueError(f"Crops cannot keep {self.area[0]} to {self.area[1]} of a picture: choose shares above 0 and at most 1.")
        for sides, epochs in self.phases:
            if not 0 < epochs < _MANY or not sides:
                raise ValueError("A phase needs sides, and a number of epochs above 0.")

    @property
    def last_side(self) -> int:
        """The trained model's input side in pixels: the largest of the last phase."""
        return max(self.phases[-1][0])

    @property
    def sides(self) -> set[int]:
        return {side for sides, _ in self.phases for side in sides}

    def plan(self, pictures: int, batch_size: int) -> list[int]:
        """The input side of every step, for this number of pictures and batch size."""
        steps = []
        for sides, epochs in self.phases:
            count = max(1, round(epochs * pictures / batch_size))
            steps += [sides[step % len(sides)] for step in range(count)]
        return steps

    def lasting(self, least: int, pictures: int) -> Recipe:
        """The recipe with more epochs if ``pictures`` are so few that it would have fewer than ``least`` steps."""
        steps = sum(epochs for _, epochs in self.phases) * pictures / min(self.batch_size, pictures)
        longer = max(1.0, least / steps)
        return replace(self, phases=tuple((sides, epochs * longer) for sides, epochs in self.phases))

    def share_of_rate(self, step: int, steps: int) -> float:
        """The schedule: a step's learning rate as a share of the peak, in a linear warm-up, then a cosine to zero."""
        warmup = max(1, int(steps * self.warmup))
        if step < warmup:
            return (step + 1) / warmup
        return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))

    def share_mixed(self, step: int, steps: int) -> float:
        """The share of batches with mixup or cutmix at a step."""
        return self.mix if step < steps * (1 - self.plain) else 0.0

    def memory(self, step: int) -> float:
        """The average's decay at a step: small at first, or the average would keep the initial weights."""
        return min(self.ema_decay, (1 + step) / (10 + step))

    def optimizers(self, model: nn.Module) -> list[torch.optim.Optimizer]:
        """Muon for the matrices inside the blocks, AdamW for the rest; no decay of biases, norms, cls tokens and positions.

        Muon learned from 30,000 pictures what AdamW alone needed more than 40,000 for (the embedded model, side 32, batch 128).
        Each group's ``rate`` is its peak learning rate. Sources: arXiv 1711.05101 (AdamW), 2502.16982 (Muon).
        """
        matrices = [p for name, p in model.named_parameters() if p.ndim == 2 and not name.startswith("classifier")]
        inside = {id(p) for p in matrices}
        others = [(name, p) for name, p in model.named_parameters() if id(p) not in inside]
        learnt_tokens = ("cls_token", "position_embedding")
        decayed = [p for name, p in others if p.ndim >= 2 and not name.endswith(learnt_tokens)]
        free = [p for name, p in others if p.ndim < 2 or name.endswith(learnt_tokens)]
        groups = [{"params": decayed, "weight_decay": self.weight_decay}, {"params": free, "weight_decay": 0.0}]
        adamw = torch.optim.AdamW(groups, lr=self.learning_rate, betas=(0.9, 0.98), fused=True)
        # Muon's decay is a share of its rate, which is an order of magnitude above AdamW's
        muon = Muon(matrices, lr=self.muon_learning_rate, weight_decay=self.weight_decay / 5)
        for optimizer in (adamw, muon):
            for group in optimizer.param_groups:
                group["rate"] = group["lr"]
        return [adamw, muon]


_MANY = float("inf")
_BOUNDS = (
    ("batch_size", 2, _MANY), ("accumulate", 1, _MANY), ("learning_rate", 0, _MANY), ("muon_learning_rate", 0, _MANY),
    ("weight_decay", 0, _MANY), ("warmup", 0, 1), ("label_smoothing", 0, 0.99), ("mix", 0, 1), ("plain", 0, 1), ("color", 0, 1),
    ("blur", 0, 1), ("randaugment", 0, 10), ("teacher_share", 0, 1), ("ema_decay", 0, 1), ("clip", 1e-9, _MANY),
    ("seed", 0, 2**32),
)  # fmt: skip

LEAST_STEPS = 90  # of fine-tuning: trained on 97 pictures, 36 steps classify 69 % of 282 others correctly, and 90 steps 74 %

# For a trained model.
FINE_TUNING = Recipe(
    phases=(((96,), 12.0),),
    batch_size=32,
    learning_rate=1e-3,
    muon_learning_rate=0.002,
    warmup=0.05,
    mix=0.0,
    plain=0.0,
    area=(0.35, 1.0),
    color=0.2,
    randaugment=0.0,
    ema_decay=0.99,
)
