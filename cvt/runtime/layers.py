"""Linear layers and depth-wise convolutions with fixed weights, which a ``Runner`` prepares once.

On a CPU in float32 they use oneDNN, which PyTorch includes. Weights are stored in the order in which its inner loop reads
them, while MKL, PyTorch's default for matrices, reorders them in every call; bias and residual are added, and, except with AVX2, the
activation is applied, while a result is still in a register. Elsewhere, and for the product of a single row, PyTorch's own operators are
used.

Two layouts cost a multiple of the work itself. Rows taken out of wider ones make oneDNN's products 100 times slower, so rows are
contiguous. And PyTorch's convolution takes a single picture whose channels lie side by side, as a view of tokens does, for one
stored channel by channel, and reorders it before and after; oneDNN, asked directly, does not.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..model import ACTIVATIONS

FUSED = {"gelu": ("gelu", "none")}  # by ``hidden_act``: oneDNN's name and variant of the activation
# with AVX2, GELU takes oneDNN 1.1 to 2 times as long within a product as after it; with AVX-512 about as long
FUSE_ACTIVATIONS = torch.backends.cpu.get_cpu_capability() != "AVX2"


class Product:
    """x ↦ x Wᵀ + b for rows x (N, C_in), N at least 1.

    Args:
        weight: (C_out, C_in), kept, not copied: its owner must make a new product when it changes.
        bias: (C_out,) in at least float32, or None.
        activation: applied to the result; one of ``ACTIVATIONS``, or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str | None = None):
        self.bias = bias
        self._own = None if bias is None else bias.to(weight.dtype)
        self.prepared = onednn_works(weight.device, weight.dtype)
        self._weight = weight.detach()
        self._packed = _packed_matrix(self._weight) if self.prepared else None
        self._fused = FUSED.get(activation or "") if self.prepared and FUSE_ACTIVATIONS else None
        self._activation = None if activation is None else ACTIVATIONS[activation]

    @property
    def transposed(self) -> Tensor:
        """(C_in, C_out), a view."""
        return self._weight.T

    def __call__(self, rows: Tensor) -> Tensor:
        """(N, C_in) → (N, C_out)."""
        if self._packed is not None and len(rows) > 1:
            product = _multiplied(rows, self._packed, self._own, self._fused)
            if self._fused:
                return product
        else:
            product = F.linear(rows, self._weight, self._own)
        return product if self._activation is None else self._activation(product)

    def added(self, total: Tensor, rows: Tensor) -> Tensor:
        """The product for ``rows`` (N, C_in) plus ``total`` (N, C_out). Only without an activation."""
        if self._packed is not None and len(rows) > 1:
            return _add_multiplied(total, rows, self._packed, self._own)
        return total + self(rows)


class PairOfProducts:
    """Two products without biases, of inputs of one shape: at once where oneDNN does not do them."""

    def __init__(self, first: Tensor, second: Tensor):
        """Both (C_out, C_in), as ``Product`` takes them."""
        self._apart = [Product(each, None) for each in (first, second)] if onednn_works(first.device, first.dtype) else None
        self._together = None if self._apart else torch.stack([first.detach().T, second.detach().T]).contiguous()

    def __call__(self, inputs: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """(2, B, N, C_in), or two of (B, N, C_in) → two of (B, N, C_out)."""
        if self._apart is not None:
            first, second = (
                product(each.flatten(0, 1)).unflatten(0, each.shape[:2]) for product, each in zip(self._apart, inputs, strict=True)
            )
            return first, second
        both = inputs if isinstance(inputs, Tensor) else torch.stack(tuple(inputs))
        first, second = torch.bmm(both.flatten(1, 2), self._together).unflatten(1, both.shape[1:3])
        return first, second


class DepthwiseConvolution:
    """Pictures (B, C, H, W) ↦ (B, C, H', W'), every channel by its own kernel; contiguous with the channels last if prepared.

    Args:
        like: the layer whose stride, padding, dilation and dtype count.
        kernel: (k·k, C), and bias (C,), in at least float32: used instead of the layer's own.
    """

    def __init__(self, like: nn.Conv2d, kernel: Tensor, bias: Tensor):
        weight = kernel.T.reshape(like.weight.shape).to(like.weight.dtype)
        self._bias = bias.to(weight.dtype)
        self._settings = [list(each) for each in (like.padding, like.stride, like.dilation)]
        self.prepared = onednn_works(weight.device, weight.dtype)
        self._weight = _packed_kernel(weight, *self._settings) if self.prepared else weight

    def __call__(self, pictures: Tensor) -> Tensor:
        if self.prepared:
            return _convolved(pictures, self._weight, self._bias, *self._settings)
        padding, stride, dilation = self._settings
        return F.conv2d(pictures, self._weight, self._bias, stride, padding, dilation, groups=len(self._weight))


def _packed_matrix(weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._reorder_linear_weight(weight.contiguous())  # for any number of rows


def _multiplied(rows: Tensor, packed: Tensor, bias: Tensor | None, fused: tuple[str, str] | None = None) -> Tensor:
    name, variant = fused or ("none", "")
    return torch.ops.mkldnn._linear_pointwise.default(rows.contiguous(), packed, bias, name, [], variant)


def _add_multiplied(total: Tensor, rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise.binary(rows.contiguous(), total.contiguous(), packed, bias, "add")


def _packed_kernel(weight: Tensor, padding: list[int], stride: list[int], dilation: list[int]) -> Tensor:
    return torch.ops.mkldnn._reorder_convolution_weight(weight, padding, stride, dilation, len(weight), None)  # for any size of picture


def _convolved(pictures: Tensor, packed: Tensor, bias: Tensor, padding: list[int], stride: list[int], dilation: list[int]) -> Tensor:
    convolution = torch.ops.mkldnn._convolution_pointwise.default
    return convolution(pictures, packed, bias, padding, stride, dilation, len(bias), "none", [], "")


@functools.cache
def onednn_works(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN can be called directly: its operators are internal to PyTorch's compiler, so they are tried out first."""
    if device.type != "cpu" or dtype != torch.float32 or not torch.backends.mkldnn.is_available():
        return False
    try:
        return _multiplies() and _convolves()
    except Exception:  # a PyTorch with other operators, or without these, can raise anything
        return False


def _multiplies() -> bool:
    weight, rows, bias, total = torch.eye(3, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.ones(3), torch.ones(2, 3)
    expected, packed = F.linear(rows, weight, bias), _packed_matrix(weight)
    fused = [(_multiplied(rows, packed, bias, names), ACTIVATIONS[name](expected)) for name, names in FUSED.items()]
    pairs = [(_multiplied(rows, packed, bias), expected), (_add_multiplied(total, rows, packed, bias), expected + 1), *fused]
    return all(torch.allclose(found, right, atol=1e-5) for found, right in pairs)


def _convolves() -> bool:
    tokens, weight, bias = torch.arange(20.0).view(1, 10, 2), torch.arange(18.0).view(2, 1, 3, 3), torch.ones(2)
    pictures, settings = tokens[:, 1:].transpose(1, 2).unflatten(2, (3, 3)), ([1, 1], [2, 2], [1, 1])
    expected = F.conv2d(pictures, weight, bias, 2, 1, 1, 2)
    return torch.allclose(_convolved(pictures, _packed_kernel(weight, *settings), bias, *settings), expected)
