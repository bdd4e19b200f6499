"""The precision of training: float32, bfloat16, or float16 with scaled gradients."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PRECISIONS = ("auto", "float32", "bfloat16", "float16")


def choose_precision(name: str, device: torch.device) -> str:
    """Resolves "auto" for this device; other choices are returned unchanged.

    Raises:
        ValueError: a precision that the device does not support.
    """
    if name == "float16" and device.type != "cuda":
        raise ValueError("float16 needs a CUDA GPU: choose float32 or bfloat16 on the CPU.")
    if name != "auto":
        return name
    if device.type == "cuda":  # GPUs before Ampere (2020) emulate bfloat16, slowly
        return "bfloat16" if torch.cuda.get_device_capability(device) >= (8, 0) else "float16"
    return "bfloat16" if device.type == "cpu" and _multiplies_bfloat16() else "float32"


def _multiplies_bfloat16() -> bool:
    """Whether the CPU has instructions for it; without them it is slower than float32."""
    return any(getattr(torch.cpu, name, bool)() for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"))


def prepare(model: nn.Module, precision: str, device: torch.device) -> AbstractContextManager:
    """Prepares ``model`` for ``precision``; run its forward passes in training within the returned context.

    On a CPU bfloat16 only speeds up linear layers: backward passes of convolutions and attention are slower in it than in float32,
    so that autocast would slow training down.
    """
    if device.type == "cpu":
        if precision == "bfloat16":
            for module in model.modules():
                if isinstance(module, nn.Linear):
                    module.__class__ = Bfloat16Linear
        return torch.autocast("cpu", enabled=False)
    return torch.autocast(device.type, getattr(torch, precision), enabled=precision != "float32")


class Bfloat16Linear(nn.Linear):
    """A linear layer that multiplies in bfloat16; its weights keep their dtype."""

    def forward(self, x: Tensor) -> Tensor:
        bias = None if self.bias is None else self.bias.bfloat16()
        return F.linear(x.bfloat16(), self.weight.bfloat16(), bias).to(x.dtype)
