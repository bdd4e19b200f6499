"""Models of other architectures, built without PyTorch's global random numbers, by any number of threads.

Weights are drawn from a seed or, where they fit, inherited from a trained model: copied if shape and role allow, else resized by
rule, else seeded. The rules, tensor by tensor:

- A stage inherits from the stage of the same index, a block from the block of the same index. With fewer blocks, the first ones
  are kept: the embedded model classifies 63 % of 500 unseen pictures correctly, 58 % without the last two blocks of stage 3, and
  2 % without the first two.
- Strides, heads and paddings have no weights, so changing them keeps all weights.
- A kernel of another size keeps every weight at its position, and is cropped or zero-padded around them. Zero-padding is exact:
  if only kernels grow, and their paddings with them, the outputs do not change.
- An MLP of another width keeps the units with the largest weights (norm of the incoming times norm of the outgoing ones), in
  their order; new units are zero, which is exact. New biases are zero, which is exact too.
- A stage of another embedding width inherits nothing: LayerNorm and attention mix all channels, so no subset of them keeps
  its meaning. The conv embedding after it cannot inherit its kernel either.
- Learnt positions are resized to another grid, as when a picture has another size.
- The classifier is kept if the last stage is still the same stage with the same width, with or without a cls token.
- BatchNorm's statistics go with their convolutions. Everything else is drawn from the seed, as in ``build_variant``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..config import CvtConfig, Size, StageConfig
from ..model import CvtForImageClassification, resized_positions
from .inheritance import COPIED, IN_STAGE, MLP, PATCHES, POSITIONS, RESIZED, Report, how, kernel_shift, report

Watch = Callable[[float], None]  # called with the progress, 0 to 1, every few milliseconds; raises to stop the work


class Cancelled(Exception):
    """The model is no longer needed; raised by a ``Watch``."""


def build_variant(config: CvtConfig, seed: int = 0, watch: Watch | None = None) -> CvtForImageClassification:
    """A model of ``config`` with random weights, in evaluation mode, on the CPU, in float32.

    The same seed always gives the same weights. PyTorch's global generator is neither used nor advanced, so that any
    number of threads can build at once.

    Args:
        watch: called with the progress; whatever it raises ends the build.
    """
    with torch.device("meta"):  # no memory and no random numbers yet
        model = CvtForImageClassification(config)
    weights = {name: torch.empty_like(value, device="cpu") for name, value in model.state_dict().items()}
    model.load_state_dict(weights, assign=True)
    generator = torch.Generator().manual_seed(seed)
    parts = [module for module in model.modules() if next(module.parameters(recurse=False), None) is not None]
    for number, part in enumerate(parts):
        if watch is not None:
            watch(number / len(parts))
        model.init_module(part, generator)
    return model.eval()


def model_bytes(model: torch.nn.Module) -> int:
    """Memory of parameters and buffers."""
    return sum(value.nbytes for value in (*model.parameters(), *model.buffers()))


@dataclass(frozen=True)
class Inherited:
    """A model with another's weights, in evaluation mode, and a report on what was inherited."""

    model: CvtForImageClassification
    report: Report


def inherit(base: CvtForImageClassification, config: CvtConfig, seed: int = 0, watch: Watch | None = None) -> Inherited:
    """A model of ``config`` with the weights of ``base`` where they fit, on the CPU; ``base`` is not changed.

    Floats have the base's dtype, so that copies are bit-equal; tensors are never shared. PyTorch's global generator is not used,
    and any number of threads can inherit from one base at once.

    Args:
        base: in evaluation mode, on any device. seed: of the weights that cannot be inherited.
        watch: as in ``build_variant``.
    """
    model = build_variant(config, seed, watch).to(base.dtype)
    theirs, own = base.state_dict(), model.state_dict()
    with torch.no_grad():
        for name, value in own.items():
            done = how(name, base.config, config)
            if done == COPIED:
                value.copy_(theirs[name])
            elif done == RESIZED:
                value.copy_(_resized(name, theirs, base.config, config))
    return Inherited(model, report(base.config, config))


def _resized(name: str, theirs: dict[str, Tensor], base: CvtConfig, config: CvtConfig) -> Tensor:
    matched = IN_STAGE.fullmatch(name)
    assert matched  # nothing outside a stage changes its size
    index, _, part = matched.groups()
    old, new = base.stages[int(index)], config.stages[int(index)]
    if part == f"{PATCHES}.weight":
        kernels = old.patch_size, new.patch_size
        shifts = [kernel_shift(*each) for each in zip(*_patches(old), *_patches(new), strict=True)]
        return _moved(theirs[name], kernels[1], shifts)
    if part == POSITIONS:
        assert old.position_grid is not None
        assert new.position_grid is not None
        return resized_positions(theirs[name], old.position_grid, new.position_grid)
    if part.endswith(".convolution.weight"):
        return _moved(theirs[name], (new.kernel_qkv,) * 2, [(new.kernel_qkv - old.kernel_qkv) // 2] * 2)
    if part in MLP:
        return _mlp(name.removesuffix(part), part, theirs, new.mlp_dim)
    return theirs[name.removesuffix("bias") + "weight"].new_zeros(new.embed_dim)  # a bias that the base lacks


def _patches(stage: StageConfig) -> tuple[Size, Size, Size]:
    return stage.patch_size, stage.patch_stride, stage.patch_padding


def _moved(weight: Tensor, size: Size, shifts: list[int]) -> Tensor:
    """``weight`` (…, rows, columns) in a kernel of ``size``, moved by ``shifts`` and zero-padded."""
    result = weight.new_zeros(*weight.shape[:-2], *size)
    into, out_of = [], []
    for shift, before, now in zip(shifts, weight.shape[-2:], size, strict=True):
        first, last = max(0, shift), min(now, before + shift)
        into.append(slice(first, last))
        out_of.append(slice(first - shift, last - shift))
    result[..., into[0], into[1]] = weight[..., out_of[0], out_of[1]]
    return result


def _mlp(block: str, part: str, theirs: dict[str, Tensor], units: int) -> Tensor:
    """One of an MLP's tensors with another number of units: those with the largest weights in their order, or all and then zeros."""
    own, incoming, outgoing = (theirs[f"{block}{each}"] for each in (part, MLP[0], MLP[2]))  # (units, C), (C, units)
    axis = 1 if part == MLP[2] else 0
    if units <= len(incoming):
        weights = incoming.float().norm(dim=1) * outgoing.float().norm(dim=0)
        kept = torch.argsort(weights, descending=True, stable=True)[:units].sort().values
        return own.index_select(axis, kept)
    more = list(own.shape)
    more[axis] = units - len(incoming)
    return torch.cat((own, own.new_zeros(more)), dim=axis)
