"""Linear layers that multiply as fast as some processors can, for who asks for it: ``use_onednn(model)``.

On AMD processors with AVX-512, the library that PyTorch multiplies float32 matrices with on x86, MKL, uses half the width of
the vector units. oneDNN, which PyTorch brings along for convolutions, uses all of it: on an AMD EPYC of the fifth generation
a CvT-13's linear layers take half the time. Elsewhere, and in training, nothing changes.
"""

from __future__ import annotations

import functools
import platform
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import _len_torch_dispatch_stack

ENOUGH = 5_000_000  # multiply-adds from which the way to oneDNN and back is worth it


@functools.cache
def onednn_is_faster() -> bool:
    """Whether this is such a processor, and PyTorch was built with both libraries."""
    if not (torch.backends.mkldnn.is_available() and torch.backends.mkl.is_available()):
        return False
    return torch.backends.cpu.get_cpu_capability().startswith("AVX512") and "AuthenticAMD" in _processor()


def _processor() -> str:
    """What the system says of the processor's maker, or nothing."""
    try:
        return Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor()


def use_onednn(model: nn.Module) -> nn.Module:
    """Lets oneDNN multiply in every ``nn.Linear`` of ``model`` where it can; returns the model, changed in place.

    Results stay equal up to float32's rounding. Whether it is faster, ``onednn_is_faster`` says. Subclasses of ``nn.Linear``
    are left alone. Tools that look for exactly ``nn.Linear`` no longer find the layers, which is why a model does not come so.
    """
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = OneDnnLinear
    return model


class OneDnnLinear(nn.Linear):
    """``nn.Linear``; the same numbers up to float32's rounding."""

    def forward(self, x: Tensor) -> Tensor:
        """(…, in_features) → (…, out_features)."""
        if self._may_leave(x) and x.numel() * self.out_features >= ENOUGH:
            return F.linear(x.to_mkldnn(), self.weight, self.bias).to_dense()
        return super().forward(x)

    def _may_leave(self, x: Tensor) -> bool:
        """Whether nobody would miss PyTorch's own operator: a compiler, a tracer, autograd, vmap, autocast, or who counts operators."""
        return (
            not torch.compiler.is_compiling()  # first, or its graph would be good for one size alone
            and not torch.jit.is_tracing()
            and not torch.is_grad_enabled()
            and torch._C._functorch.peek_interpreter_stack() is None
            and type(x) is Tensor
            and x.device.type == self.weight.device.type == "cpu"
            and x.dtype == self.weight.dtype == torch.float32
            and not torch.is_autocast_enabled("cpu")
            and _len_torch_dispatch_stack() == 0
        )
