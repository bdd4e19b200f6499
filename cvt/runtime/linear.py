"""Faster linear layers for AMD processors with AVX-512: ``use_onednn(model)``.

There MKL, with which PyTorch multiplies float32 matrices on x86, uses half the width of the vector units. oneDNN, which PyTorch
includes for convolutions, uses all of it: on a fifth-generation AMD EPYC a CvT-13's linear layers take half the time. Elsewhere,
and in training, nothing changes.
"""

from __future__ import annotations

import functools
import platform
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import _len_torch_dispatch_stack

ENOUGH = 5_000_000  # multiply-adds above which oneDNN's overhead pays


@functools.cache
def onednn_is_faster() -> bool:
    """Whether this is an AMD processor with AVX-512, and PyTorch was built with both libraries."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkl.is_available()):
        return False
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512") and "AuthenticAMD" in _processor()


def _processor() -> str:
    """The processor's vendor according to the system, or an empty string."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()


def use_onednn(model: nn.Module) -> nn.Module:
    """Lets oneDNN multiply in every ``nn.Linear`` of ``model`` if it can; returns the model, changed in place.

    Results are equal up to float32's rounding; ``onednn_is_faster`` says whether it pays. Subclasses of ``nn.Linear`` are not
    changed. Tools that look for exactly ``nn.Linear`` no longer find the layers, so models are not loaded like this by default.
    """
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = OneDnnLinear
    return model


class OneDnnLinear(nn.Linear):
    """``nn.Linear`` with the same results up to float32's rounding."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) → (…, out_features)."""
        if self._may_leave(x) and x.numel() * self.out_features >= ENOUGH:
            return F.linear(x.to_mkldnn(), self.weight, self.bias).to_dense()
        return super().forward(x)

    def _may_leave(self, x: Tensor) -> bool:
        """Whether nothing needs PyTorch's own operator: no compiler, tracer, autograd, vmap, autocast or operator counter."""
        return (
            not torch.compiler.is_compiling()  # first, or its graph would be specialised for one size
            and not torch.jit.is_tracing()
            and not torch.is_grad_enabled()
            and torch._C._functorch.peek_interpreter_stack() is None
            and type(x) is Tensor
            and x.device.type == self.weight.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and _len_torch_dispatch_stack() == 0
        )
