"""A classifier as a graph of standard ONNX operators, for one size of input and any number of pictures.

It is written node by node from the weights, which needs neither a tracer nor a certain version of PyTorch and takes a fraction of a
second. Shapes are constants, BatchNorm is folded into the convolution before it, and the keys' bias, which softmax cancels, is left
out. If nothing is captured, the last block is computed for the cls token only, since no other token is read after it. All of this
is exact. With interventions, parts are replaced by ``gates.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import onnx
import torch
from onnx import TensorProto, helper
from torch import nn

from ...model import Block, CvtForImageClassification, Stage
from ...stage import StageConfig
from .gates import GATES, NUMBERS, Gates, Means, gate_names
from .nodes import Graph

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


def block_name(stage: int, block: int, what: str) -> str:
    """The name of another of a block's outputs: see ``export_onnx``."""
    return f"stages.{stage}.layers.{block}.{what}"


@torch.no_grad()
def graph_of(
    model: CvtForImageClassification,
    size: tuple[int, int],
    captures: bool,
    interventions: bool = False,
    means: Means | None = None,
    compact: bool = False,
) -> onnx.ModelProto:
    """The graph of a model in float32 for inputs of ``size`` (height, width); its weights are copies. Arguments as for ``export_onnx``."""
    graph, config = Graph(compact), model.config
    gates = Gates(graph, config, means) if interventions else None
    captures = captures or interventions
    grids, last = config.grids(*size), len(config.stages) - 1
    x = INPUT
    for stage, module, (grid, keys) in zip(config.stages, model.cvt.encoder.stages, grids, strict=True):
        alone = stage.index == last and stage.cls_token and stage.depth > 0 and not captures
        made = _Stage(graph, stage, (grid, keys), config.hidden_act, captures, gates, stage.index == last)
        tokens = made.tokens(module, x, alone)
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
    inputs: dict[str, tuple[int | str, ...]] = {INPUT: ("batch", config.num_channels, *size)}
    if gates:
        inputs[GATES] = ("batch", len(gate_names(config)), len(NUMBERS))
    return _model(graph, inputs)


def _model(graph: Graph, inputs: dict[str, tuple[int | str, ...]]) -> onnx.ModelProto:
    def described(shapes: dict[str, tuple[int | str, ...]]) -> list[onnx.ValueInfoProto]:
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]

    outputs = described({LOGITS: graph.outputs[LOGITS]} | graph.outputs)
    made = helper.make_graph(graph.nodes, "cvt", described(inputs), outputs, list(graph.weights.values()))
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="cvt")


@dataclass(frozen=True)
class _Stage:
    """Writes the nodes of one stage."""

    graph: Graph
    config: StageConfig
    grids: tuple[tuple[int, int], tuple[int, int]]  # of queries and of keys
    activation: str
    captures: bool
    gates: Gates | None
    is_last: bool

    @property
    def counts(self) -> tuple[int, int]:
        """How many queries, which are all tokens, and how many keys."""
        queries, keys = (self.config.cls_token + rows * columns for rows, columns in self.grids)
        return queries, keys

    def tokens(self, module: Stage, x: str, alone: bool) -> str:
        """(B, C_in, H_in, W_in) → tokens (B, N, C), the cls token first if there is one; ``alone``: the cls token only."""
        graph, width = self.graph, self.config.embed_dim
        embedding = module.embedding.convolution_embeddings
        projection = embedding.projection
        x = graph.convolution(x, projection.weight, projection.bias, projection)
        tokens = graph.norm(graph.tokens(x, width), embedding.normalization)
        if module.cls_token is not None:
            shape = graph.add("Concat", graph.add("Shape", tokens, start=0, end=1), graph.whole(1, width), axis=0)
            tokens = graph.add("Concat", graph.add("Expand", graph.weight(module.cls_token), shape), tokens, axis=1)
        tokens = self.tapped(tokens, 0, "input") if self.config.depth else tokens
        for number, block in enumerate(module.layers):
            tokens = self.block(number, block, tokens, alone and number == self.config.depth - 1)
        return tokens

    def replaced(self, x: str, block: int, part: str, tokens: int) -> str:
        """A part's output, or what its gate puts there."""
        return x if self.gates is None else self.gates.replaced(x, self.config.index, block, part, tokens)

    def tapped(self, x: str, block: int, name: str) -> str:
        """The newest value (B, N, C), as an output if parts can be replaced; returns its name."""
        if self.gates is None:
            return x
        return self.graph.output(block_name(self.config.index, block, name), self.counts[0], self.config.embed_dim)

    def block(self, number: int, block: Block, tokens: str, alone: bool) -> str:
        """(B, N, C) → (B, N, C), or (B, 1, C) for the cls token ``alone``."""
        graph, count = self.graph, self.counts[0]
        branch = self.replaced(self.attention(number, block, tokens, alone), number, "attention", count)
        branch = self.tapped(branch, number, "attention")
        tokens = graph.part(tokens, 0, 1) if alone else self.replaced(tokens, number, "attention_residual", count)
        tokens = graph.add("Add", tokens, branch)
        hidden = graph.linear(graph.norm(tokens, block.layernorm_after), block.intermediate.dense.weight, block.intermediate.dense.bias)
        mlp = graph.linear(graph.activation(hidden, self.activation), block.output.dense.weight, block.output.dense.bias)
        mlp = self.tapped(self.replaced(mlp, number, "mlp", count), number, "mlp")
        return self.tapped(graph.add("Add", self.replaced(tokens, number, "mlp_residual", count), mlp), number, "output")

    def attention(self, number: int, block: Block, tokens: str, alone: bool) -> str:
        """The branch of attention, (B, N, C) or (B, 1, C)."""
        graph, stage = self.graph, self.config
        attention, dense = block.attention.attention, block.attention.output.dense
        normalised = self.tapped(graph.norm(tokens, block.layernorm_before), number, "normalised")
        query, key, value = self.projected(number, block, normalised, alone)
        scale = attention.attend.scale
        of_query, of_key, of_value = (getattr(attention, f"projection_{name}") for name in ("query", "key", "value"))
        if not self.captures:  # the scale is folded into the weights; the keys' bias adds the same to all keys, which softmax cancels
            bias = None if of_query.bias is None else of_query.bias * scale
            query = graph.heads(graph.linear(query, of_query.weight * scale, bias), stage.num_heads, (0, 2, 1, 3))
            key = graph.heads(graph.linear(key, of_key.weight, None), stage.num_heads, (0, 2, 3, 1))
        else:
            depth = stage.embed_dim // stage.num_heads
            queries, keys = self.counts
            query = graph.heads(graph.linear(query, of_query.weight, of_query.bias), stage.num_heads, (0, 2, 1, 3))
            if self.gates is not None:
                self.gates.sharpened(query, stage.index, number)
            query = graph.output(query_name(stage.index, number), stage.num_heads, queries, depth)
            graph.heads(graph.linear(key, of_key.weight, of_key.bias), stage.num_heads, (0, 2, 1, 3))
            key = graph.output(key_name(stage.index, number), stage.num_heads, keys, depth)
            key = graph.add("Mul", graph.add("Transpose", key, perm=[0, 1, 3, 2]), graph.weight(torch.tensor(scale)))
        # attention weights sum to 1, so the values' bias passes through unchanged and can be added afterwards; not where heads are replaced
        value_bias = None if self.gates is None else of_value.bias
        value = graph.heads(graph.linear(value, of_value.weight, value_bias), stage.num_heads, (0, 2, 1, 3))
        weights = graph.add("Softmax", graph.add("MatMul", query, key), axis=-1)
        output = graph.weight(dense.weight.T)
        if self.gates is not None and self.is_last and stage.cls_token:
            self.added(number, weights, value, output, self.gates.kept(stage.index, number))
        mixed = self.replaced(graph.add("MatMul", weights, value), number, "head", self.counts[0])
        mixed = graph.add("Reshape", graph.add("Transpose", mixed, perm=[0, 2, 1, 3]), graph.whole(0, 0, -1))
        folded = self.gates is None and of_value.bias is not None
        bias = dense.bias + dense.weight @ of_value.bias if folded else dense.bias
        return graph.add("Add", graph.add("MatMul", mixed, output), graph.weight(bias))

    def projected(self, number: int, block: Block, tokens: str, alone: bool) -> list[str]:
        """The inputs of the linear layers of query, key and value, each (B, N', C)."""
        graph, stage, attention = self.graph, self.config, block.attention.attention
        rows, columns = self.grids[0]
        cls, spatial = None, tokens
        if stage.cls_token:
            cls, spatial = graph.part(tokens, 0, 1), graph.part(tokens, 1, 1 + rows * columns)
        unchanged = cls if alone and cls else tokens
        if stage.qkv_projection_method == "linear":
            return [unchanged, tokens, tokens]
        picture = graph.picture(spatial, stage.embed_dim, self.grids[0])

        def joined(projected: str, name: str) -> str:
            rows, columns = self.grids[name != "query"]
            part = self.replaced(graph.tokens(projected, stage.embed_dim), number, f"{name}_conv", rows * columns)
            return part if cls is None else graph.add("Concat", cls, part, axis=1)  # it bypasses the convolutions

        if stage.qkv_projection_method == "avg":
            pooled = graph.averaged(picture, stage, self.grids)
            key = joined(pooled, "key")
            return [unchanged, key, key if self.gates is None else joined(pooled, "value")]

        def convolved(name: str) -> str:
            return joined(graph.convolved(picture, getattr(attention, f"convolution_projection_{name}").convolution_projection), name)

        return [cls if alone and cls else convolved("query"), convolved("key"), convolved("value")]

    def added(self, block: int, weights: str, value: str, dense: str, kept: str) -> None:
        """An output: what attention adds to the cls token from each key with a place, (B, keys, C), without biases.

        ``kept``: (B, heads, 1, 1), zero for heads whose values reach no token.
        """
        graph, stage, keys = self.graph, self.config, self.counts[1]
        one, end, axis = graph.whole(1), graph.whole(keys), graph.whole(2)
        of_cls = graph.add("Slice", weights, graph.whole(0), one, axis)  # (B, heads, 1, keys)
        of_cls = graph.add("Transpose", graph.add("Slice", of_cls, one, end, graph.whole(3)), perm=[0, 1, 3, 2])
        of_cls = graph.add("Mul", of_cls, kept)
        each = graph.add("Mul", graph.add("Slice", value, one, end, axis), of_cls)  # (B, heads, keys, D)
        each = graph.add("Reshape", graph.add("Transpose", each, perm=[0, 2, 1, 3]), graph.whole(0, 0, -1))
        graph.add("MatMul", each, dense)
        graph.output(block_name(stage.index, block, "added"), keys - 1, stage.embed_dim)
