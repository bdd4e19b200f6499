"""What a CvT costs, in closed form: parameters, multiply-adds, memory, grids and receptive fields of a configuration.

Nothing is built and PyTorch is not needed, so an answer takes microseconds and an over-large model can be refused before
anything is allocated.

Conventions. One picture at a time. A multiply-add (MAC) is one multiplication with its addition, in convolutions, linear
layers and the two products of attention; normalisation, activation, softmax, pooling and biases are not counted. PyTorch's
``FlopCounterMode`` gives exactly twice this, and the published figures agree: CvT-13 4.57 billion at 224×224, CvT-21
7.18, CvT-W24 at 384×384 194.2 (the authors' model list, github.com/microsoft/CvT). Parameters are what training
changes; BatchNorm's running statistics are buffers, and count only in ``weight_bytes``.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..config import CvtConfig, Size, StageConfig
from .geometry import pixels

FLOAT_BYTES = 4  # memory is given for float32
COUNTER_BYTES = 8  # BatchNorm's count of batches, an int64


@dataclass(frozen=True)
class Cost:
    """The cost of one part of the model."""

    parameters: int = 0
    macs: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs)

    def __mul__(self, times: int) -> Cost:
        return Cost(self.parameters * times, self.macs * times)


@dataclass(frozen=True)
class StageParts:
    """One stage's cost by part, summed over its blocks."""

    embedding: Cost  # the conv embedding's convolution, the cls token and what carries it here, and learnt positions
    conv_projections: Cost  # depth-wise convolutions before q, k and v, with BatchNorm
    linear_projections: Cost  # to q, k and v
    attention: Cost  # q kᵀ and weights · v: no parameters
    attention_output: Cost
    mlp: Cost
    norms: Cost  # LayerNorms: no multiply-adds by the convention


@dataclass(frozen=True)
class StageCost:
    """One stage at its input size.

    Attributes:
        query_grid, key_grid: (rows, columns). queries, keys: their tokens, with the cls token if there is one.
        attention_entries: weights of all attention matrices of the stage's blocks and heads, which are not stored as floats.
        activation_bytes: see ``CvtCost.activation_bytes``, while this stage runs.
        captured_bytes: q and k of every block and the feature map, which a capture keeps after the pass. A runner on a CPU
            keeps up to 6 MB more for all stages together: quantised weights.
        field: (height, width) of the pixels that reach one token of the stage's output if every token attended to itself alone:
            through conv embeddings and every block's query projection. Anything beyond came through attention. It may
            be larger than the picture: the rest is padding.
    """

    index: int
    depth: int
    num_heads: int
    query_grid: Size
    key_grid: Size
    queries: int
    keys: int
    attention_entries: int
    activation_bytes: int
    captured_bytes: int
    field: Size
    parts: StageParts

    @property
    def parameters(self) -> int:
        return total(self.parts).parameters

    @property
    def macs(self) -> int:
        return total(self.parts).macs


@dataclass(frozen=True)
class CvtCost:
    """A whole model at one input size.

    Attributes:
        classifier: the last LayerNorm and the linear layer.
        weight_bytes: parameters and BatchNorm's buffers, in float32.
        activation_bytes: peak memory of the tensors of one picture's forward pass, in float32, in evaluation mode without gradients:
            the input, the feature maps of earlier stages, and the live tensors of the running block or embedding. Scratch memory
            inside PyTorch's kernels is not counted, nor are attention matrices, since the fused kernel forms none.
    """

    height: int
    width: int
    stages: tuple[StageCost, ...]
    classifier: Cost
    weight_bytes: int
    activation_bytes: int

    @property
    def parameters(self) -> int:
        return sum(stage.parameters for stage in self.stages) + self.classifier.parameters

    @property
    def macs(self) -> int:
        return sum(stage.macs for stage in self.stages) + self.classifier.macs

    @property
    def attention_entries(self) -> int:
        return sum(stage.attention_entries for stage in self.stages)

    @property
    def captured_bytes(self) -> int:
        return sum(stage.captured_bytes for stage in self.stages)

    @property
    def memory_bytes(self) -> int:
        """Peak memory of running one picture under a capture: weights, activations, and captured tensors."""
        return self.weight_bytes + self.activation_bytes + self.captured_bytes


def total(parts: StageParts) -> Cost:
    """All parts of a stage together."""
    return sum((getattr(parts, each.name) for each in fields(parts)), Cost())


def cost(config: CvtConfig, height: int, width: int) -> CvtCost:
    """What ``config`` costs for one picture of (height, width) pixels.

    Raises:
        ValueError: the input is too small for a stage.
    """
    stages, kept = [], config.num_channels * height * width  # live numbers besides the running stage's
    reach, buffers = pixels(height, width), 0
    for stage, (query_grid, key_grid) in zip(config.stages, config.grids(height, width), strict=True):
        reach = reach.convolved(query_grid, stage.patch_size, stage.patch_stride, stage.patch_padding)
        if stage.qkv_projection_method == "dw_bn":
            # all blocks' query projections together reach as far as a single one with the sum of their kernels' margins
            kernel, padding = 1 + stage.depth * (stage.kernel_qkv - 1), stage.depth * stage.padding_q
            reach = reach.convolved(query_grid, (kernel, kernel), (1, 1), (padding, padding))
            buffers += 3 * stage.depth * (2 * stage.embed_dim * FLOAT_BYTES + COUNTER_BYTES)
        queries, keys = (grid[0] * grid[1] + stage.cls_token for grid in (query_grid, key_grid))
        stages.append(
            StageCost(
                index=stage.index,
                depth=stage.depth,
                num_heads=stage.num_heads,
                query_grid=query_grid,
                key_grid=key_grid,
                queries=queries,
                keys=keys,
                attention_entries=stage.depth * stage.num_heads * queries * keys,
                activation_bytes=FLOAT_BYTES * (kept + _alive(stage, queries, keys, config.hidden_act)),
                captured_bytes=FLOAT_BYTES * stage.embed_dim * (stage.depth * (queries + keys) + query_grid[0] * query_grid[1]),
                field=reach.field,
                parts=_parts(stage, query_grid, key_grid),
            )
        )
        kept += queries * stage.embed_dim
    dim, labels = config.embed_dim[-1], config.num_labels
    classifier = Cost(2 * dim + (dim * labels + labels), dim * labels)
    parameters = sum(stage.parameters for stage in stages) + classifier.parameters
    return CvtCost(
        height=height,
        width=width,
        stages=tuple(stages),
        classifier=classifier,
        weight_bytes=FLOAT_BYTES * parameters + buffers,
        activation_bytes=max(stage.activation_bytes for stage in stages),
    )


def _parts(stage: StageConfig, query_grid: Size, key_grid: Size) -> StageParts:
    dim, cls = stage.embed_dim, int(stage.cls_token)
    tokens, key_tokens = query_grid[0] * query_grid[1], key_grid[0] * key_grid[1]
    queries, keys = tokens + cls, key_tokens + cls

    patch = stage.in_channels * dim * stage.patch_size[0] * stage.patch_size[1]
    places = stage.position_grid or (0, 0)
    carried = stage.carried_width or 0
    handed_on = Cost(carried * dim + dim, carried * dim) if carried else Cost()  # the linear layer
    conv_projections = Cost()
    if stage.qkv_projection_method == "dw_bn":
        kernel = dim * stage.kernel_qkv**2
        conv_projections = Cost(3 * (kernel + 2 * dim), kernel * (tokens + 2 * key_tokens))
    return StageParts(
        embedding=Cost(patch + dim + cls * dim + places[0] * places[1] * dim, patch * tokens) + handed_on,
        conv_projections=conv_projections * stage.depth,
        linear_projections=Cost(3 * (dim * dim + stage.qkv_bias * dim), dim * dim * (queries + 2 * keys)) * stage.depth,
        attention=Cost(0, 2 * queries * keys * dim) * stage.depth,
        attention_output=Cost(dim * dim + dim, dim * dim * queries) * stage.depth,
        mlp=Cost(2 * dim * stage.mlp_dim + stage.mlp_dim + dim, 2 * dim * stage.mlp_dim * queries) * stage.depth,
        norms=Cost(2 * dim + 2 * carried + stage.depth * 4 * dim, 0),
    )


def _alive(stage: StageConfig, queries: int, keys: int, hidden_act: str) -> int:
    """The most numbers live at once while a stage runs, besides its input; follows ``model.py`` line by line."""
    query, key, hidden = queries * stage.embed_dim, keys * stage.embed_dim, queries * stage.mlp_dim
    moments = [2 * query]  # the embedding before and after its LayerNorm, or before and after the cls token is added
    if stage.depth:
        # the block's input, the same normalised, and q stay while k and v are projected and attention runs
        moments += [3 * query + 3 * key, 4 * query + 2 * key]
        # the block's input, the sum after attention, the same normalised, the hidden layer before and after activation
        moments += [3 * query + (2 if hidden_act == "gelu" else 3) * hidden, 4 * query + hidden]
    return max(moments)
