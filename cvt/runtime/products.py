"""Products of tokens with a linear layer's fixed weights, which a ``Runner`` prepares once.

On a CPU in float32 they use oneDNN, which PyTorch includes for convolutions: a linear layer is a 1×1 convolution of a picture one
row high. Its weights are stored in the order in which its inner loop reads them, while MKL, PyTorch's default, reorders them in
every call; bias and residual are added while a result is still in a register. Which order that is depends on the number of rows and
of threads; given another one, oneDNN reorders the weights in every call, which can take 100 times as long as the product. Elsewhere,
and for a few rows, PyTorch's own products are used.
"""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as F
from torch import Tensor

NO_PADDING, ONE = [0, 0], [1, 1]
FEW = 16  # below about half of this, oneDNN has no kernel and takes 100 times as long
LAYOUTS = 2  # kept of one matrix, for as many numbers of rows; each takes as much memory as the matrix


class Product:
    """x ↦ x Wᵀ + b for rows x (N, C_in), N at least 1.

    Args:
        weight: (C_out, C_in); on a CPU in float32 it is kept, not copied, so its owner must make a new product when it changes.
        bias: (C_out,) in at least float32, or None.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None):
        self.bias = bias
        self._own = None if bias is None else bias.to(weight.dtype)
        self.prepared = onednn_works(weight.device, weight.dtype)
        self._weight = weight.detach() if self.prepared else weight.detach().clone()  # prepared ones are copies already
        self._layouts: dict[tuple[int, int], Tensor] = {}  # by the numbers of rows and of threads; the latest last

    @property
    def transposed(self) -> Tensor:
        """(C_in, C_out), a view."""
        return self._weight.T

    def __call__(self, rows: Tensor) -> Tensor:
        """(N, C_in) → (N, C_out)."""
        if not self.prepared or len(rows) < FEW:
            return F.linear(rows, self._weight, self._own)
        return _multiplied(rows, self._packed_for(len(rows)), self._own)

    def add_to(self, total: Tensor, rows: Tensor) -> None:
        """Adds the product for ``rows`` (N, C_in) to ``total`` (N, C_out), contiguous, in place."""
        if self.prepared and len(rows) >= FEW:
            _add_multiplied(total, rows, self._packed_for(len(rows)), self._own)
        else:
            total += self(rows)

    def _packed_for(self, rows: int) -> Tensor:
        key = rows, torch.get_num_threads()
        packed = self._layouts.get(key)
        if packed is None:
            packed = _packed(self._weight, rows)
            others = list(self._layouts.items())[1 - LAYOUTS :]
            self._layouts = dict([*others, (key, packed)])  # replaced as a whole, because passes share it
        return packed


def _row(rows: Tensor) -> Tensor:
    """(N, C) → a picture (1, C, 1, N), channels last: a view."""
    return rows[None, None].permute(0, 3, 1, 2)


def _packed(weight: Tensor, rows: int) -> Tensor:
    kernel, like = weight.contiguous()[:, :, None, None], [1, weight.shape[1], 1, rows]
    return torch.ops.mkldnn._reorder_convolution_weight(kernel, NO_PADDING, ONE, ONE, 1, like)


def _multiplied(rows: Tensor, packed: Tensor, bias: Tensor | None) -> Tensor:
    convolution = torch.ops.mkldnn._convolution_pointwise.default
    product = convolution(_row(rows), packed, bias, NO_PADDING, ONE, ONE, 1, "none", [], "")  # (1, C_out, 1, N)
    return product.permute(0, 2, 3, 1).reshape(len(rows), -1)


def _add_multiplied(total: Tensor, rows: Tensor, packed: Tensor, bias: Tensor | None) -> None:
    convolution = torch.ops.mkldnn._convolution_pointwise_.binary
    convolution(_row(total), _row(rows), packed, bias, NO_PADDING, ONE, ONE, 1, "add", 1.0, None, [], None)


@functools.cache
def onednn_works(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether oneDNN can be called directly: its operators are internal to PyTorch's compiler, so they are tried out first."""
    if device.type != "cpu" or dtype != torch.float32 or not torch.backends.mkldnn.is_available():
        return False
    try:
        weight, rows, bias, total = torch.eye(3, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.ones(3), torch.ones(2, 3)
        expected, packed = F.linear(rows, weight, bias), _packed(weight, len(rows))
        _add_multiplied(total, rows, packed, bias)
        return torch.allclose(_multiplied(rows, packed, bias), expected) and torch.allclose(total, expected + 1)
    except Exception:  # a PyTorch with other operators, or without these, can raise anything
        return False
