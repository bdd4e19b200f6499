"""Trains probes on a model's features, and measures them on pictures that neither has seen."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from ..evaluate import normalized
from ..model import CvtForImageClassification
from ..processor import CvtImageProcessor
from .probes import Place, Probe, places, pooled

DECAY = 1e-4  # half of it times the sum of squared weights is added to the loss, a mean over pictures
STEPS = 100  # of L-BFGS, each over all pictures

Features = dict[Place, Tensor]  # (N, C) float32 for each block


@torch.no_grad()
def features(
    model: CvtForImageClassification, processor: CvtImageProcessor, pictures: Tensor, batch_size: int = 8, quiet: bool = False
) -> Features:
    """What probes read, after every block of the stages before the last, for uint8 pictures (N, 3, S, S); on the CPU."""
    stages, rows = model.cvt.encoder.stages[:-1], {place: [] for place in places(model)}  # type: ignore[var-annotated]
    with ExitStack() as undo:
        for stage, block in rows:
            has_cls = model.config.stages[stage].cls_token

            def keep(module, inputs, tokens, place=(stage, block), has_cls=has_cls):
                rows[place].append(pooled(tokens, has_cls).cpu())

            undo.callback(stages[stage].layers[block].register_forward_hook(keep).remove)
        for batch in tqdm(pictures.split(batch_size), desc="features", unit=" batches", leave=False, disable=True if quiet else None):
            x = normalized(batch.to(model.device), processor).to(model.dtype)
            for stage in stages:
                x, _ = stage(x)
    return {place: torch.cat(each) for place, each in rows.items()}


def fit(inputs: Tensor, labels: Tensor, classes: int) -> Probe:
    """Multinomial logistic regression of labels (N,) on features (N, C), by L-BFGS from zero: the loss is convex, so nothing is random."""
    mean, deviation = inputs.mean(dim=0), inputs.std(dim=0).clamp(min=1e-6)
    x = (inputs - mean) / deviation
    weight = torch.zeros(classes, x.shape[1], requires_grad=True)
    bias = torch.zeros(classes, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        value = F.cross_entropy(F.linear(x, weight, bias), labels) + DECAY / 2 * weight.square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    return Probe(mean, deviation, weight.detach().half(), bias.detach().half())


def accuracy(probe: Probe, inputs: Tensor, labels: Tensor) -> float:
    """The share of pictures that the probe classifies correctly."""
    return (probe.logits(inputs).argmax(dim=1) == labels).double().mean().item()


def trained(training: tuple[Tensor, Tensor], unseen: tuple[Tensor, Tensor], classes: int, count: int, seed: int) -> tuple[Probe, float]:
    """A probe trained on ``count`` of the training pictures, the same number per class, that the seed chooses, with its accuracy on
    the unseen ones; and the accuracy there of a probe trained alike on shuffled labels.

    Args:
        training, unseen: features (N, C) and labels (N,).
    """
    generator = torch.Generator().manual_seed(seed)
    chosen = per_class(training[1], count, generator)
    inputs, labels = (each[chosen] for each in training)
    probe = fit(inputs, labels, classes)
    control = fit(inputs, labels[torch.randperm(len(labels), generator=generator)], classes)
    return replace(probe, accuracy=accuracy(probe, *unseen)), accuracy(control, *unseen)


def per_class(labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """The places of ``count`` pictures, shared evenly among the classes, at random; of fewer where a class has too few."""
    present = labels.unique()
    found = [(labels == label).nonzero()[:, 0] for label in present]
    return torch.cat([each[torch.randperm(len(each), generator=generator)[: count // len(present)]] for each in found])
