"""Nodes and weights of an ONNX graph, and the parts of a CvT as such nodes."""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ...model import ConvProjection
from ...stage import StageConfig

WORTH_HALVING = 1024  # numbers of a weight: each takes a further node


class Graph:
    """Nodes and weights in the order of addition; ``add`` returns the names of values.

    ``compact``: weights that float16 holds exactly are stored in it, and converted when a runtime loads the file.
    """

    def __init__(self, compact: bool = False):
        self.compact = compact
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}
        self.outputs: dict[str, tuple[int | str, ...]] = {}  # shape by name

    def add(self, operator: str, *inputs: str, **attributes) -> str:
        """Adds a node; returns the name of its result."""
        result = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [result], name=f"node_{result}", **attributes))
        return result

    def split(self, x: str, sizes: list[int], axis: int) -> list[str]:
        """Parts of these sizes, in order."""
        if len(sizes) == 1:
            return [x]
        results = [f"Split_{len(self.nodes)}_{index}" for index in range(len(sizes))]
        node = helper.make_node("Split", [x, self.whole(*sizes)], results, name=f"node_{results[0]}", axis=axis)
        self.nodes.append(node)
        return results

    def weight(self, value: Tensor) -> str:
        exact = np.ascontiguousarray(value.float().numpy())
        name = f"weight_{len(self.weights)}"
        with np.errstate(over="ignore"):
            half = exact.astype(np.float16)
        if self.compact and exact.size >= WORTH_HALVING and (half == exact).all():
            return self.add("Cast", self._constant(name, half), to=TensorProto.FLOAT)
        return self._constant(name, exact)

    def whole(self, *values: int) -> str:
        """Integers, as one shared constant."""
        return self._constant("_".join(["whole", *map(str, values)]), np.array(values, np.int64))

    def cls_and_others(self, tokens: int) -> str:
        """0 for the first of the tokens and 1 for all others, as one shared constant."""
        return self._constant(f"cls_and_others_{tokens}", np.minimum(np.arange(tokens), 1))

    def mean_of(self, tokens: int) -> str:
        """(1, tokens): a product with it is the mean over tokens, which runtimes compute faster than ReduceMean."""
        return self._constant(f"mean_of_{tokens}", np.full((1, tokens), 1 / tokens, np.float32))

    def output(self, name: str, *shape: int) -> str:
        """Makes the newest value an output with this name, and this shape per picture; returns the name.

        It renames the value instead of adding an Identity node: runtimes remove those, and OpenVINO the name with it.
        """
        self.nodes[-1].output[0] = name
        self.outputs[name] = ("batch", *shape)
        return name

    def _constant(self, name: str, value: np.ndarray) -> str:
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(value, name)
        return name

    # --- the parts of a CvT --- ----------------------------------------------------------------------------------------

    def linear(self, x: str, weight: Tensor, bias: Tensor | None) -> str:
        """``weight`` (out, in) as in ``nn.Linear``; the bias may be None."""
        product = self.add("MatMul", x, self.weight(weight.T))
        return product if bias is None else self.add("Add", product, self.weight(bias))

    def norm(self, x: str, norm: nn.LayerNorm) -> str:
        return self.add("LayerNormalization", x, self.weight(norm.weight), self.weight(norm.bias), axis=-1, epsilon=norm.eps)

    def convolution(self, x: str, kernel: Tensor, bias: Tensor, like: nn.Conv2d) -> str:
        settings = {"strides": list(like.stride), "pads": [*like.padding, *like.padding], "group": like.groups}
        return self.add("Conv", x, self.weight(kernel), self.weight(bias), kernel_shape=list(kernel.shape[2:]), **settings)

    def tokens(self, picture: str, width: int) -> str:
        """(B, C, H, W) → (B, H·W, C)."""
        return self.add("Transpose", self.add("Reshape", picture, self.whole(0, width, -1)), perm=[0, 2, 1])

    def picture(self, tokens: str, width: int, grid: tuple[int, int]) -> str:
        """(B, H·W, C) → (B, C, H, W)."""
        return self.add("Reshape", self.add("Transpose", tokens, perm=[0, 2, 1]), self.whole(0, width, *grid))

    def part(self, tokens: str, start: int, end: int) -> str:
        """Tokens from ``start`` up to ``end``."""
        return self.add("Slice", tokens, self.whole(start), self.whole(end), self.whole(1))

    def heads(self, tokens: str, heads: int, perm: tuple[int, ...]) -> str:
        """(B, N, C) → (B, N, heads, D), then permuted."""
        return self.add("Transpose", self.add("Reshape", tokens, self.whole(0, 0, heads, -1)), perm=list(perm))

    def activation(self, x: str, name: str) -> str:
        if name == "gelu":
            return self.add("Gelu", x)
        return self.add("Mul", x, self.add("Sigmoid", self.add("Mul", x, self.weight(torch.tensor(1.702)))))

    def convolved(self, picture: str, projection: ConvProjection) -> str:
        """A depth-wise convolution with its BatchNorm folded in."""
        norm, convolution = projection.normalization, projection.convolution
        scale = norm.weight.double() * torch.rsqrt(norm.running_var.double() + norm.eps)
        kernel = convolution.weight.double() * scale[:, None, None, None]
        return self.convolution(picture, kernel, norm.bias - norm.running_mean * scale, convolution)

    def averaged(self, picture: str, stage: StageConfig, grids: tuple[tuple[int, int], tuple[int, int]]) -> str:
        """Average pooling as products with two constant matrices, since runtimes disagree on the divisor at the border."""
        rows, columns = (
            _means(before, after, stage.kernel_qkv, stage.stride_kv, stage.padding_kv) for before, after in zip(*grids, strict=True)
        )
        return self.add("MatMul", self.weight(rows), self.add("MatMul", picture, self.weight(columns.T)))


def _means(before: int, after: int, kernel: int, stride: int, padding: int) -> Tensor:
    """(after, before): each row takes the mean of one window, in which padding counts as zeros, as in ``nn.AvgPool2d``."""
    matrix = torch.zeros(after, before)
    for index in range(after):
        start = index * stride - padding
        end = min(start + kernel, before + padding)
        matrix[index, max(start, 0) : end] = 1 / (end - start)
    return matrix
