"""Runs a model with parts of it replaced: heads, branches, conv projections and residual connections.

    off = Intervention(stage=2, block=7, part="head", head=3)
    with intervened(model, [[off]]):
        model(pixel_values)

An intervention is a value. Every sample of a batch can have its own, so that many different ones take one forward pass. They
are made by hooks on modules that every CvT has: the weights stay as they are, and once the block has ended, so do the logits.

A head is switched off at its values, and made uniform at its queries. So what ``capture`` sees stays true: a uniform head has
uniform weights, and no place is credited with what a replaced head or branch adds (``maps/evidence.py``).

Source of the ways: ablation of heads by gates, arXiv 1905.09418 and 1905.10650; zero and mean ablation compared, arXiv 2309.16042.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from cvt.model import Block, CvtForImageClassification, CvtModel

from ..capture import stages_of
from ..hooks import hooked
from .parts import CONVS, EXAMPLES, MEAN, UNIFORM, ZERO, Intervention, InterventionError, singles, validate

__all__ = ["Intervention", "InterventionError", "Means", "intervened", "validate"]

# The mean of each part's output over example pictures, by (stage, block, part): (1, C), or (2, C) in stages with a cls token,
# whose own mean comes first; of conv projections always (1, C), for head (heads, 1 or 2, D). Made by ``means.example_means``.
Means = Mapping[tuple[int, int, str], Tensor]
Rows = list[int] | slice  # the samples of a batch that a change applies to


def projection(layer: Block, part: str) -> nn.Module:
    """The module of a conv projection in a block."""
    return getattr(layer.attention.attention, f"convolution_projection_{part.removesuffix('_conv')}")


@contextmanager
def intervened(
    model: CvtForImageClassification | CvtModel, samples: Sequence[Sequence[Intervention]], means: Means | None = None
) -> Iterator[None]:
    """Within the block, calls from this context compute sample i of a batch with ``samples[i]``; a single entry is for all samples.

    Args:
        model: in evaluation mode. means: needed for the way "examples".
    Raises:
        InterventionError: as ``validate``. ValueError: means are missing; from the call, a batch of another size.
    """
    plan: dict[tuple[int, int], dict[Intervention, list[int]]] = {}
    for index, interventions in enumerate(samples):
        validate(interventions, model.config)
        for given in interventions:
            for each in singles(given):
                if each.how == EXAMPLES and (means is None or (each.stage, each.block, each.part) not in means):
                    raise ValueError("The mean over examples needs the means of this model: see example_means.")
                plan.setdefault((each.stage, each.block), {}).setdefault(each, []).append(index)
    befores: list = []
    afters: list = []
    stages = stages_of(model)
    for (stage, number), changes in plan.items():
        layer = stages[stage].layers[number]
        has_cls = stages[stage].cls_token is not None
        changed = _ChangedBlock(layer, {each: slice(None) if len(samples) == 1 else rows for each, rows in changes.items()}, means, has_cls)
        befores += [(layer, _of_size(len(samples))), *changed.befores()]
        afters += changed.afters()
    with hooked(befores, afters):
        yield


def _of_size(count: int):
    def check(module: nn.Module, inputs: tuple) -> None:
        if count not in (1, len(inputs[0])):
            raise ValueError(f"There are interventions for {count} samples, but {len(inputs[0])} in the batch.")

    return check


class _ChangedBlock:
    """The hooks for the changes in one block; what one of them keeps for the next is apart for every thread."""

    def __init__(self, layer: Block, changes: dict[Intervention, Rows], means: Means | None, has_cls: bool):
        self.layer, self.changes, self.means, self.has_cls = layer, changes, means or {}, has_cls
        self.kept = threading.local()

    def of(self, *parts: str) -> dict[Intervention, Rows]:
        return {each: rows for each, rows in self.changes.items() if each.part in parts}

    def befores(self) -> list:
        hooks: list = []
        if self.of("attention_residual"):
            hooks += [(self.layer, self.cut_before_attention), (self.layer.layernorm_before, self.give_uncut)]
        if self.of("mlp_residual"):
            hooks += [(self.layer.layernorm_after, self.keep_tokens)]
        if self.of("head", "attention"):
            hooks += [(self.layer.attention.attention.attend, self.change_heads)]
        return hooks

    def afters(self) -> list:
        attention = self.layer.attention.attention
        hooks: list = [(projection(self.layer, part), self.replacer(part)) for part in CONVS if self.of(part)]
        if self.of("head", "attention"):
            hooks += [(attention.attend, self.replace_heads)]
        hooks += [(self.layer.attention, self.replacer("attention"))] if self.of("attention") else []
        hooks += [(self.layer.output, self.replacer("mlp"))] if self.of("mlp") else []
        if self.of("mlp_residual"):
            hooks += [(self.layer.output, self.keep_mlp), (self.layer, self.cut_before_mlp)]
        return hooks

    def replacement(self, each: Intervention, output: Tensor) -> Tensor:
        """What replaces a part's output (B, N, C)."""
        if each.how == ZERO:
            return torch.zeros_like(output)
        if each.how == MEAN:
            return output.mean(dim=1, keepdim=True).expand_as(output)
        mean = self.means[each.stage, each.block, each.part].to(output)
        mean = mean if each.head is None else mean[each.head]
        spatial = mean[-1:].expand(output.shape[1] - (len(mean) - 1), -1)  # the cls token has its own mean, before it
        return torch.cat((mean[:-1], spatial)).expand_as(output)

    def replacer(self, part: str):
        """A hook that replaces a module's output, (B, N, C), as asked for this part."""

        def hook(module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
            return self.replaced(part, output)

        return hook

    def replaced(self, part: str, output: Tensor) -> Tensor:
        output = output.clone()
        for each, rows in self.of(part).items():
            if each.how != UNIFORM:
                output[rows] = self.replacement(each, output[rows])
        return output

    def change_heads(self, module: nn.Module, inputs: tuple) -> tuple:
        """Zeros the queries of uniform heads, and the values of those that are replaced."""
        query, key, value = (each.clone() for each in inputs[:3])  # (B, heads, N, D)
        changes = self.of("head", "attention").items()
        for each, rows in changes:
            if each.how == UNIFORM:
                query[rows, slice(None) if each.head is None else each.head] = 0
        self.kept.mixed = query, key, inputs[2]
        for each, rows in changes:
            if each.how != UNIFORM:
                value[rows, slice(None) if each.head is None else each.head] = 0
        return query, key, value, *inputs[3:]

    def replace_heads(self, module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        """Writes what replaces heads, or what a branch's mean is taken of, where values were zeroed."""
        mixed = self.kept.mixed
        del self.kept.mixed
        output = output.clone()  # (B, heads, N, D)
        for each, rows in self.of("attention").items():
            if each.how == MEAN:
                output[rows] = module.forward(*(part[rows] for part in mixed))
        for each, rows in self.of("head").items():
            if each.how == MEAN:
                own = module.forward(*(part[rows][:, [each.head]] for part in mixed))[:, 0]
                output[rows, each.head] = self.replacement(each, own)
            elif each.how != UNIFORM:
                output[rows, each.head] = self.replacement(each, output[rows, each.head])
        return output

    def cut_before_attention(self, module: nn.Module, inputs: tuple) -> tuple:
        """The block adds attention to what it is given; its first LayerNorm, and so attention, gets the tokens as they were."""
        self.kept.uncut = inputs[0]
        return self.replaced("attention_residual", inputs[0]), *inputs[1:]

    def give_uncut(self, module: nn.Module, inputs: tuple) -> tuple:
        uncut = self.kept.uncut
        del self.kept.uncut
        return (uncut,)

    def keep_tokens(self, module: nn.Module, inputs: tuple) -> None:
        self.kept.tokens = inputs[0]

    def keep_mlp(self, module: nn.Module, inputs: tuple, output: Tensor) -> None:
        self.kept.mlp = output

    def cut_before_mlp(self, module: nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        """Adds the MLP to what replaces the tokens; not by subtraction, which would leave rounding errors."""
        tokens, mlp = self.kept.tokens, self.kept.mlp
        del self.kept.tokens, self.kept.mlp
        output = output.clone()
        for each, rows in self.of("mlp_residual").items():
            output[rows] = self.replacement(each, tokens[rows]) + mlp[rows]
        return output
