"""A classifier as a graph of standard ONNX operators, for one size of input and any number of pictures.

It is written node by node from the weights, which needs neither a tracer nor a certain version of PyTorch and takes a fraction of a
second. Shapes are constants, BatchNorm is folded into the convolution before it, and the keys' bias, which softmax cancels, is left
out. If nothing is captured, the last block is computed for the cls token only, since no other token is read after it. All of this
is exact.
"""

from __future__ import annotations

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from ..model import Block, ConvProjection, CvtForImageClassification, Stage
from ..stage import StageConfig

OPSET = 20  # the first version with Gelu
IR_VERSION = 10  # version of the file format that runtimes of recent years read
INPUT, LOGITS = "pixel_values", "logits"  # names as in transformers and optimum


def features_name(stage: int) -> str:
    """The name of a stage's output (B, C, H, W); stages count from 0, as in module names."""
    return f"stages.{stage}.features"


def query_name(stage: int, block: int) -> str:
    """The name of a block's output (B, heads, queries, D)."""
    return f"stages.{stage}.layers.{block}.query"


def key_name(stage: int, block: int) -> str:
    """The name of a block's output (B, heads, keys, D)."""
    return f"stages.{stage}.layers.{block}.key"


class Graph:
    """Nodes and weights in the order of addition; ``add`` returns the names of values."""

    def __init__(self):
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, onnx.TensorProto] = {}
        self.outputs: dict[str, tuple[int | str, ...]] = {}  # shape by name

    def add(self, operator: str, *inputs: str, **attributes) -> str:
        """Adds a node; returns the name of its result."""
        result = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [result], name=f"node_{result}", **attributes))
        return result

    def weight(self, value: Tensor) -> str:
        return self._constant(f"weight_{len(self.weights)}", np.ascontiguousarray(value.float().numpy()))

    def whole(self, *values: int) -> str:
        """Integers, as one shared constant."""
        return self._constant("_".join(["whole", *map(str, values)]), np.array(values, np.int64))

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


@torch.no_grad()
def graph_of(model: CvtForImageClassification, size: tuple[int, int], captures: bool) -> onnx.ModelProto:
    """The graph of a model in float32 for inputs of ``size`` (height, width); its weights are copies.

    Args:
        captures: whether every stage's features and every block's q and k are outputs too.
    """
    graph, config = Graph(), model.config
    grids, last = config.grids(*size), len(config.stages) - 1
    x = INPUT
    for stage, module, (grid, keys) in zip(config.stages, model.cvt.encoder.stages, grids, strict=True):
        alone = stage.index == last and stage.cls_token and stage.depth > 0 and not captures
        tokens = _stage(graph, stage, module, x, (grid, keys), config.hidden_act, captures, alone)
        spatial = tokens
        if stage.cls_token and not alone:
            spatial, tokens = graph.part(tokens, 1, 1 + grid[0] * grid[1]), graph.part(tokens, 0, 1)
        if captures or stage.index < last:
            x = graph.picture(spatial, stage.embed_dim, grid)
        if captures:
            x = graph.output(features_name(stage.index), stage.embed_dim, *grid)
    pooled = graph.add("ReduceMean", graph.norm(tokens, model.layernorm), graph.whole(1), keepdims=0)  # (B, C)
    head = model.classifier
    if isinstance(head, nn.Linear):
        graph.linear(pooled, head.weight, head.bias)
    graph.output(LOGITS, head.out_features if isinstance(head, nn.Linear) else config.embed_dim[-1])
    return _model(graph, (config.num_channels, *size))


def _model(graph: Graph, shape: tuple[int, ...]) -> onnx.ModelProto:
    def described(name: str, *sizes: int | str) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    names = [LOGITS, *(name for name in graph.outputs if name != LOGITS)]
    outputs = [described(name, *graph.outputs[name]) for name in names]
    made = helper.make_graph(graph.nodes, "cvt", [described(INPUT, "batch", *shape)], outputs, list(graph.weights.values()))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="cvt")


def _stage(graph: Graph, stage: StageConfig, module: Stage, x: str, grids: tuple, activation: str, captures: bool, alone: bool) -> str:
    """(B, C_in, H_in, W_in) → tokens (B, N, C), the cls token first if there is one; ``alone``: the cls token only."""
    embedding = module.embedding.convolution_embeddings
    projection = embedding.projection
    x = graph.convolution(x, projection.weight, projection.bias, projection)
    tokens = graph.norm(graph.tokens(x, stage.embed_dim), embedding.normalization)
    if module.cls_token is not None:
        shape = graph.add("Concat", graph.add("Shape", tokens, start=0, end=1), graph.whole(1, stage.embed_dim), axis=0)
        tokens = graph.add("Concat", graph.add("Expand", graph.weight(module.cls_token), shape), tokens, axis=1)
    for number, block in enumerate(module.layers):
        ends = alone and number == stage.depth - 1
        tokens = _block(graph, stage, block, tokens, grids, activation, number if captures else None, ends)
    return tokens


def _block(
    graph: Graph, stage: StageConfig, block: Block, tokens: str, grids: tuple, activation: str, captured: int | None, alone: bool
) -> str:
    """(B, N, C) → (B, N, C), or (B, 1, C) for the cls token ``alone``; ``captured``: the block's number if q and k are outputs."""
    attention, dense = block.attention.attention, block.attention.output.dense
    query, key, value = _projected(graph, stage, block, graph.norm(tokens, block.layernorm_before), grids, alone)
    scale, of_query, of_key, of_value = attention.attend.scale, *(getattr(attention, f"projection_{n}") for n in ("query", "key", "value"))
    if captured is None:  # the scale is folded into the weights; the keys' bias adds the same to all keys, which softmax cancels
        bias = None if of_query.bias is None else of_query.bias * scale
        query = graph.heads(graph.linear(query, of_query.weight * scale, bias), stage.num_heads, (0, 2, 1, 3))
        key = graph.heads(graph.linear(key, of_key.weight, None), stage.num_heads, (0, 2, 3, 1))
    else:
        depth = stage.embed_dim // stage.num_heads
        queries, keys = (stage.cls_token + rows * columns for rows, columns in grids)
        graph.heads(graph.linear(query, of_query.weight, of_query.bias), stage.num_heads, (0, 2, 1, 3))
        query = graph.output(query_name(stage.index, captured), stage.num_heads, queries, depth)
        graph.heads(graph.linear(key, of_key.weight, of_key.bias), stage.num_heads, (0, 2, 1, 3))
        key = graph.output(key_name(stage.index, captured), stage.num_heads, keys, depth)
        key = graph.add("Mul", graph.add("Transpose", key, perm=[0, 1, 3, 2]), graph.weight(torch.tensor(scale)))
    value = graph.heads(graph.linear(value, of_value.weight, None), stage.num_heads, (0, 2, 1, 3))
    mixed = graph.add("MatMul", graph.add("Softmax", graph.add("MatMul", query, key), axis=-1), value)
    mixed = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.whole(0, 0, -1))
    # attention weights sum to 1, so the values' bias passes through unchanged and can be added afterwards
    bias = dense.bias if of_value.bias is None else dense.bias + dense.weight @ of_value.bias
    tokens = graph.add("Add", graph.part(tokens, 0, 1) if alone else tokens, graph.linear(mixed, dense.weight, bias))
    hidden = graph.linear(graph.norm(tokens, block.layernorm_after), block.intermediate.dense.weight, block.intermediate.dense.bias)
    mlp = graph.linear(graph.activation(hidden, activation), block.output.dense.weight, block.output.dense.bias)
    return graph.add("Add", tokens, mlp)


def _projected(graph: Graph, stage: StageConfig, block: Block, tokens: str, grids: tuple, alone: bool) -> list[str]:
    """The inputs of the linear layers of query, key and value, each (B, N', C)."""
    grid, _ = grids
    cls, spatial = None, tokens
    if stage.cls_token:
        cls, spatial = graph.part(tokens, 0, 1), graph.part(tokens, 1, 1 + grid[0] * grid[1])
    if stage.qkv_projection_method == "linear":
        return [cls if alone and cls else tokens, tokens, tokens]
    picture = graph.picture(spatial, stage.embed_dim, grid)

    def joined(part: str) -> str:
        part = graph.tokens(part, stage.embed_dim)
        return part if cls is None else graph.add("Concat", cls, part, axis=1)  # it bypasses the convolutions

    if stage.qkv_projection_method == "avg":
        pooled = joined(_pooled(graph, stage, picture, grids))
        return [cls if alone and cls else tokens, pooled, pooled]
    attention = block.attention.attention
    query, key, value = (getattr(attention, f"convolution_projection_{name}").convolution_projection for name in ("query", "key", "value"))
    first = cls if alone and cls else joined(_convolved(graph, picture, query))
    return [first, *(joined(_convolved(graph, picture, each)) for each in (key, value))]


def _convolved(graph: Graph, picture: str, projection: ConvProjection) -> str:
    """A depth-wise convolution with its BatchNorm folded in."""
    norm, convolution = projection.normalization, projection.convolution
    scale = norm.weight.double() * torch.rsqrt(norm.running_var.double() + norm.eps)
    kernel = convolution.weight.double() * scale[:, None, None, None]
    return graph.convolution(picture, kernel, norm.bias - norm.running_mean * scale, convolution)


def _pooled(graph: Graph, stage: StageConfig, picture: str, grids: tuple) -> str:
    """Average pooling as products with two constant matrices, since runtimes disagree on the divisor at the border."""
    rows, columns = (
        _means(before, after, stage.kernel_qkv, stage.stride_kv, stage.padding_kv) for before, after in zip(*grids, strict=True)
    )
    return graph.add("MatMul", graph.weight(rows), graph.add("MatMul", picture, graph.weight(columns.T)))


def _means(before: int, after: int, kernel: int, stride: int, padding: int) -> Tensor:
    """(after, before): each row takes the mean of one window, in which padding counts as zeros, as in ``nn.AvgPool2d``."""
    matrix = torch.zeros(after, before)
    for index in range(after):
        start = index * stride - padding
        end = min(start + kernel, before + padding)
        matrix[index, max(start, 0) : end] = 1 / (end - start)
    return matrix
