"""Training batches: which pictures a step sees, and how they are augmented."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from .augmentation import augment, randaugment
from .data.reading import PictureSet
from .recipe import Recipe

# Distance between the seeds of neighbouring runs, and of the parts of a batch; the CPU's generator uses 32 bits.
_RUNS, _PARTS = 1_000_003, 0x85EBCA6B


class Batches:
    """Augmented, normalised batches; each follows from (seed, step) alone.

    A batch may be taken in equal parts, by several processes or one after another; together they are the same pictures with the same
    augmentation as the whole batch. Each part takes equally many pictures from both ends, because mixing pairs the first with the
    last.

    Args:
        mean, std: of the normalisation, one number per channel. parts: number of parts of a batch.
        Raises:
            ValueError: a batch that cannot be split like this.
    """

    def __init__(self, pictures: PictureSet, recipe: Recipe, mean: list[float], std: list[float], device: torch.device, parts: int = 1):
        self.size = min(recipe.batch_size, len(pictures))  # a small set is one batch
        if parts > 1:
            self.size -= self.size % (2 * parts)
            if self.size == 0 or recipe.batch_size % (2 * parts):
                raise ValueError(
                    f"A batch of {min(recipe.batch_size, len(pictures))} pictures cannot be split into {parts} parts of an even number: "
                    f"use a --batch-size that is a multiple of {2 * parts}, and at least that many pictures."
                )
        self.pictures = pictures.pictures.to(device) if _fits(pictures.pictures, device) else pictures.pictures
        self.labels = pictures.labels.to(device)
        self.classes, self.recipe, self.device, self.parts = len(pictures.classes), recipe, device, parts
        self.mean, self.std = (torch.tensor(each, device=device)[:, None, None] for each in (mean, std))
        self.plan = recipe.plan(len(pictures), self.size)
        self._own = [self._places(part) for part in range(parts)]
        self._order: tuple[int, Tensor] | None = None

    def seed(self, step: int, part: int = 0) -> int:
        """The seed of a step, or of one part of it for what each part draws for itself."""
        return self.recipe.seed * _RUNS + step + part * _PARTS

    def __call__(self, step: int, part: int = 0) -> tuple[Tensor, Tensor]:
        """Pictures (B, 3, side, side), normalised, channels last, and their targets (B, classes)."""
        recipe, own = self.recipe, self._own[part]
        chosen = self._chosen(step)
        draws = augment.Draws(self.seed(step), len(chosen), self.device, own)
        chosen = chosen if own is None else chosen[own]
        pictures = self.pictures[chosen.to(self.pictures.device)].to(self.device)
        x = self._augmented(pictures, self.plan[step], draws)
        targets = F.one_hot(self.labels[chosen], self.classes).float()
        x, targets = augment.mix(x, targets, recipe.share_mixed(step, len(self.plan)), draws)
        return self.normalize(x).contiguous(memory_format=torch.channels_last), targets

    def normalize(self, x: Tensor) -> Tensor:
        """Pictures in 0..1, (B, 3, H, W), normalised as by the trained model's processor."""
        return (x - self.mean) / self.std

    def _augmented(self, pictures: Tensor, side: int, draws: augment.Draws) -> Tensor:
        recipe = self.recipe
        operations = randaugment.choose(recipe.randaugment, draws) if recipe.randaugment else []
        warp = randaugment.warp(operations) if operations else None
        x = augment.random_resized_crop(pictures, side, recipe.area, draws, warp)
        x = randaugment.retouch(x, operations)
        if recipe.color:
            x = augment.color_jitter(x, recipe.color, draws)
        return augment.blur_or_sharpen(x, recipe.blur, draws) if recipe.blur else x

    def _places(self, part: int) -> Tensor | None:
        """Indices of a part's pictures in the batch."""
        if self.parts == 1:
            return None
        half = self.size // (2 * self.parts)
        first = torch.arange(part * half, (part + 1) * half)
        return torch.cat((first, self.size - 1 - first.flip(0))).to(self.device)

    def _chosen(self, step: int) -> Tensor:
        """The pictures of a step: each once per epoch, in an order that follows from (seed, epoch)."""
        count = len(self.labels)
        epoch, place = divmod(step * self.size, count - count % self.size)
        if self._order is None or self._order[0] != epoch:
            order = torch.randperm(count, generator=Generator().manual_seed(self.recipe.seed + epoch))
            self._order = (epoch, order.to(self.device))
        return self._order[1][place : place + self.size]


def _fits(pictures: Tensor, device: torch.device) -> bool:
    """Whether a GPU has room for all pictures as well as for training."""
    return device.type != "cuda" or pictures.nbytes < torch.cuda.mem_get_info(device)[0] / 2
