"""CvT, bottom-up: conv embedding, conv projection, attention, MLP, block, stage, model, classifier.

Data flow: pixel_values (B, C, H, W) → in every stage, a strided, overlapping convolution makes tokens, and blocks of
pre-norm attention and MLP refine them → the last stage's cls token (or the mean of its tokens) → classifier → logits.
Queries, keys and values pass through a depth-wise convolution with BatchNorm before their linear layers; for keys and values
it has a stride, so attention is rectangular. There is no positional embedding, so any input size works; one that is added for an
ablation is resized.

Layout: tokens are (B, H·W, C) throughout. As a picture, (B, C, H, W), they are a view of the same memory (channels last),
so converting between the two costs nothing.

Sources: the paper, arXiv 2103.15808 (section 3); the authors' code, github.com/microsoft/CvT; Hugging Face's documentation of
CvT, for the names and outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .config import CvtConfig, StageConfig
from .fields import nearest
from .outputs import CvtModelOutput, ImageClassifierOutput, chosen, classification_loss
from .pretrained import CvtPreTrainedModel


def to_picture(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    """(B, H·W, C) → (B, C, H, W), a view."""
    return tokens.unflatten(1, grid).permute(0, 3, 1, 2)  # (B, H, W, C) → (B, C, H, W)


def to_tokens(picture: Tensor) -> Tensor:
    """(B, C, H, W) → (B, H·W, C), a view where the picture is channels-last."""
    return picture.flatten(2).transpose(1, 2)  # (B, C, H·W) → (B, H·W, C)


def quick_gelu(x: Tensor) -> Tensor:
    """x · σ(1.702 x), the approximation of GELU in the authors' code."""
    return x * torch.sigmoid(1.702 * x)


ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {"gelu": F.gelu, "quick_gelu": quick_gelu}


class DropPath(nn.Module):
    """Stochastic depth: in training, drops a residual branch for whole samples and scales it up for the others.

    The rate is a buffer, so that ``torch.compile`` builds one graph for all blocks. Source: arXiv 1603.09382.
    """

    def __init__(self, rate: float):
        super().__init__()
        # On the CPU even if the model is built on the meta device, because no file contains the value.
        self.register_buffer("rate", torch.tensor(rate, device="cpu"), persistent=False)

    def forward(self, branch: Tensor) -> Tensor:
        if not self.training:
            return branch
        kept = torch.rand(branch.shape[0], 1, 1, device=branch.device) >= self.rate  # (B, 1, 1)
        return branch * (kept / (1 - self.rate)).to(branch.dtype)


def drop_path(rate: float) -> nn.Module:
    return DropPath(rate) if rate > 0 else nn.Identity()


class ConvEmbedding(nn.Module):
    """Convolutional token embedding: a strided, overlapping convolution, then LayerNorm. Source: section 3.1."""

    def __init__(self, stage: StageConfig, eps: float):
        super().__init__()
        self.projection = nn.Conv2d(
            stage.in_channels,
            stage.embed_dim,
            stage.patch_size,
            stride=stage.patch_stride,
            padding=stage.patch_padding,
            padding_mode=stage.padding_mode,
        )
        self.normalization = nn.LayerNorm(stage.embed_dim, eps=eps)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """(B, C_in, H_in, W_in) → tokens (B, H·W, C), grid (H, W)."""
        x = self.projection(x.to(self.projection.weight.dtype))
        return self.normalization(to_tokens(x)), x.shape[2:]


class Embedding(nn.Module):
    """Wraps the conv embedding, for the name that it has in files."""

    def __init__(self, stage: StageConfig, eps: float):
        super().__init__()
        self.convolution_embeddings = ConvEmbedding(stage, eps)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        return self.convolution_embeddings(x)


class ConvProjection(nn.Module):
    """A depth-wise convolution with BatchNorm, on pictures. Source: section 3.2."""

    def __init__(self, dim: int, kernel: int, stride: int, padding: int, padding_mode: str = "zeros"):
        super().__init__()
        self.convolution = nn.Conv2d(dim, dim, kernel, stride, padding, groups=dim, bias=False, padding_mode=padding_mode)
        self.normalization = nn.BatchNorm2d(dim)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) → (B, C, H', W')."""
        return self.normalization(self.convolution(x))


class Projection(nn.Module):
    """Applied to tokens before the linear layer of query, key or value; None leaves them unchanged."""

    def __init__(self, convolution_projection: nn.Module | None):
        super().__init__()
        self.convolution_projection = convolution_projection

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """(B, H·W, C) on ``grid`` → (B, H'·W', C)."""
        if self.convolution_projection is None:
            return tokens
        return to_tokens(self.convolution_projection(to_picture(tokens, grid)))


def projections(stage: StageConfig) -> tuple[Projection, Projection, Projection]:
    """The modules before the linear layers of query, key and value: "dw_bn" convolves, "avg" pools keys and values, "linear" is none."""
    kernel, of_query, of_key = stage.kernel_qkv, (stage.stride_q, stage.padding_q), (stage.stride_kv, stage.padding_kv)
    if stage.qkv_projection_method == "dw_bn":
        query, key, value = (
            Projection(ConvProjection(stage.embed_dim, kernel, *each, stage.padding_mode)) for each in (of_query, of_key, of_key)
        )
        return query, key, value
    if stage.qkv_projection_method == "avg":
        key, value = (Projection(nn.AvgPool2d(kernel, *of_key, ceil_mode=True)) for _ in range(2))
        return Projection(None), key, value
    return Projection(None), Projection(None), Projection(None)


class AttentionWeights:
    """Collects the attention weights of every block of one forward pass.

    Not a list, because module wrappers (FSDP, accelerate) copy the lists passed to them.
    """

    def __init__(self):
        self.found: list[Tensor] = []


def attention_weights(query: Tensor, key: Tensor, scale: float) -> Tensor:
    """softmax(q kᵀ · scale) in at least float32: (B, heads, Q, D), (B, heads, K, D) → (B, heads, Q, K), rows sum to 1.

    Source: arXiv 2103.15808, eq. 2 and 3; the scale is embed_dim ** -0.5 as in the authors' code.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    with torch.autocast(query.device.type, enabled=False):
        return torch.softmax((query.to(dtype) * scale) @ key.to(dtype).transpose(-1, -2), dim=-1)


class ScaledDotProductAttention(nn.Module):
    """softmax(q kᵀ · scale) v, as its own module so that a forward hook sees q, k and v.

    ``attn_implementation`` "sdpa" is PyTorch's fused kernel, which never materialises the weights. "eager" does, so that they can be
    returned and differentiated twice.
    """

    def __init__(self, scale: float, dropout: float):
        super().__init__()
        self.scale, self.dropout = scale, dropout
        self.attn_implementation = "sdpa"

    def forward(self, query: Tensor, key: Tensor, value: Tensor, weights: AttentionWeights | None = None) -> Tensor:
        """(B, heads, Q, D), (B, heads, K, D) twice → (B, heads, Q, D). If ``weights`` are collected, those mix the values."""
        dropout = self.dropout if self.training else 0.0
        if weights is None and self.attn_implementation == "sdpa":
            return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, scale=self.scale)
        mixing = attention_weights(query, key, self.scale)
        if weights is not None:
            weights.found.append(mixing)
        return F.dropout(mixing, dropout).to(value.dtype) @ value


class SelfAttention(nn.Module):
    """Multi-head attention behind convolutional projections; keys and values may have a smaller grid than queries."""

    def __init__(self, stage: StageConfig):
        super().__init__()
        dim = stage.embed_dim
        self.num_heads, self.has_cls = stage.num_heads, stage.cls_token
        query, key, value = projections(stage)
        self.convolution_projection_query = query
        self.convolution_projection_key = key
        self.convolution_projection_value = value
        self.projection_query = nn.Linear(dim, dim, bias=stage.qkv_bias)
        self.projection_key = nn.Linear(dim, dim, bias=stage.qkv_bias)
        self.projection_value = nn.Linear(dim, dim, bias=stage.qkv_bias)
        # The authors scale by the width of all heads together, not of one head.
        self.attend = ScaledDotProductAttention(dim**-0.5, stage.attention_drop_rate)

    def forward(self, tokens: Tensor, grid: tuple[int, int], weights: AttentionWeights | None = None) -> Tensor:
        """(B, N, C) → (B, N, C), with N = H·W, or 1 + H·W with the cls token first."""
        cls, spatial = (tokens[:, :1], tokens[:, 1:]) if self.has_cls else (None, tokens)

        def project(projection: Projection, linear: nn.Linear) -> Tensor:
            x = projection(spatial, grid)  # (B, H'·W', C)
            if cls is not None:
                x = torch.cat((cls, x), dim=1)  # the cls token skips the convolutions
            return linear(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N', D)

        query = project(self.convolution_projection_query, self.projection_query)
        key = project(self.convolution_projection_key, self.projection_key)
        value = project(self.convolution_projection_value, self.projection_value)
        return self.attend(query, key, value, weights=weights).transpose(1, 2).flatten(2)  # (B, N, heads, D) → (B, N, C)


class Output(nn.Module):
    """The linear layer and dropout at the end of attention and of the MLP."""

    def __init__(self, width_in: int, width_out: int, drop_rate: float):
        super().__init__()
        self.dense = nn.Linear(width_in, width_out)
        self.dropout = nn.Dropout(drop_rate)

    def forward(self, x: Tensor) -> Tensor:
        return self.dropout(self.dense(x))


class Attention(nn.Module):
    """Self-attention followed by a linear layer."""

    def __init__(self, stage: StageConfig):
        super().__init__()
        self.attention = SelfAttention(stage)
        self.output = Output(stage.embed_dim, stage.embed_dim, stage.drop_rate)

    def forward(self, tokens: Tensor, grid: tuple[int, int], weights: AttentionWeights | None = None) -> Tensor:
        """(B, N, C) → (B, N, C)."""
        return self.output(self.attention(tokens, grid, weights))


class Intermediate(nn.Module):
    """The first half of the MLP: linear layer, activation, dropout."""

    def __init__(self, stage: StageConfig, hidden_act: str):
        super().__init__()
        self.dense = nn.Linear(stage.embed_dim, stage.mlp_dim)
        self.activation = ACTIVATIONS[hidden_act]
        self.dropout = nn.Dropout(stage.drop_rate)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, C) → (B, N, mlp_dim)."""
        return self.dropout(self.activation(self.dense(tokens)))


class Block(nn.Module):
    """Pre-norm attention and MLP, each with a residual connection."""

    def __init__(self, stage: StageConfig, hidden_act: str, eps: float, drop_path_rate: float):
        super().__init__()
        self.attention = Attention(stage)
        self.intermediate = Intermediate(stage, hidden_act)
        self.output = Output(stage.mlp_dim, stage.embed_dim, stage.drop_rate)
        self.drop_path = drop_path(drop_path_rate)
        self.layernorm_before = nn.LayerNorm(stage.embed_dim, eps=eps)
        self.layernorm_after = nn.LayerNorm(stage.embed_dim, eps=eps)

    def forward(self, tokens: Tensor, grid: tuple[int, int], weights: AttentionWeights | None = None) -> Tensor:
        """(B, N, C) → (B, N, C)."""
        tokens = tokens + self.drop_path(self.attention(self.layernorm_before(tokens), grid, weights))
        return tokens + self.drop_path(self.mlp(self.layernorm_after(tokens)))

    def mlp(self, tokens: Tensor) -> Tensor:
        return self.output(self.intermediate(tokens))


class FrozenStatistics:
    """A context in which BatchNorms in training do not update their running statistics.

    Gradient checkpointing runs a block a second time; without this, that pass would count as another batch.
    """

    def __init__(self, block: nn.Module):
        self.norms = [module for module in block.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]

    def __enter__(self) -> None:
        self.before = [(norm.momentum, norm.num_batches_tracked) for norm in self.norms]
        for norm in self.norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None

    def __exit__(self, *error) -> None:
        for norm, (momentum, count) in zip(self.norms, self.before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


def resized_positions(learnt: Tensor, grid: tuple[int, int], onto: tuple[int, int]) -> Tensor:
    """Vectors (1, H·W, C) of one grid for another, bicubic."""
    if tuple(onto) == grid:
        return learnt
    return to_tokens(F.interpolate(to_picture(learnt, grid), size=tuple(onto), mode="bicubic", align_corners=False))


class PositionEmbedding(nn.Module):
    """A learnt vector for every token of ``grid``, resized to any other grid. Not in the paper; for ablations."""

    def __init__(self, grid: tuple[int, int], dim: int):
        super().__init__()
        self.grid, self.position_embedding = grid, nn.Parameter(torch.zeros(1, grid[0] * grid[1], dim))

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """Tokens (B, H·W, C) with their positions added."""
        return tokens + resized_positions(self.position_embedding, self.grid, grid)


class CarriedCls(nn.Module):
    """Brings the previous stage's cls token to this stage's width. Not in the paper; for ablations."""

    def __init__(self, width_in: int, width_out: int, eps: float):
        super().__init__()
        self.normalization, self.projection = nn.LayerNorm(width_in, eps=eps), nn.Linear(width_in, width_out)

    def forward(self, cls: Tensor) -> Tensor:
        """(B, 1, C_in) → (B, 1, C)."""
        return self.projection(self.normalization(cls))


class Stage(nn.Module):
    """Conv embedding and blocks at one resolution; the cls token, if any, exists only within its stage unless it is carried."""

    def __init__(self, stage: StageConfig, hidden_act: str, eps: float):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, stage.embed_dim)) if stage.cls_token else None
        self.positions = PositionEmbedding(stage.position_grid, stage.embed_dim) if stage.position_grid else None
        self.carried_cls = CarriedCls(stage.carried_width, stage.embed_dim, eps) if stage.carried_width else None
        self.embedding = Embedding(stage, eps)
        self.dropout = nn.Dropout(stage.drop_rate)
        self.layers = nn.ModuleList(Block(stage, hidden_act, eps, rate) for rate in stage.drop_path_rates)
        self.gradient_checkpointing = False

    def forward(self, x: Tensor, weights: AttentionWeights | None = None, cls: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(B, C_in, H_in, W_in) → feature map (B, C, H, W), cls token (B, 1, C) or None.

        ``weights``, if given, collects each block's attention weights, (B, heads, queries, keys). ``cls``: the previous stage's cls
        token, which only a stage reads that it is carried to.
        """
        tokens, grid = self.embedding(x)  # (B, H·W, C)
        if self.positions is not None:
            tokens = self.positions(tokens, grid)
        if self.cls_token is not None:
            start = self.cls_token if self.carried_cls is None else self.cls_token + self.carried_cls(cls)
            tokens = torch.cat((start.expand(tokens.shape[0], -1, -1), tokens), dim=1)  # (B, 1 + H·W, C)
        tokens = self.dropout(tokens)
        for layer in self.layers:
            if self.gradient_checkpointing and self.training:
                again = nullcontext(), FrozenStatistics(layer)  # contexts for the first pass and for its repetition
                tokens = checkpoint(layer, tokens, grid, weights, use_reentrant=False, context_fn=lambda again=again: again)
            else:
                tokens = layer(tokens, grid, weights)
        if self.cls_token is None:
            return to_picture(tokens, grid), None
        return to_picture(tokens[:, 1:], grid), tokens[:, :1]


class Encoder(nn.Module):
    """The stages, one after the other."""

    def __init__(self, config: CvtConfig):
        super().__init__()
        self.stages = nn.ModuleList(Stage(stage, config.hidden_act, config.layer_norm_eps) for stage in config.stages)

    def forward(self, x: Tensor, weights: AttentionWeights | None = None) -> tuple[tuple[Tensor, ...], Tensor | None]:
        """(B, num_channels, H, W) → every stage's feature map, and the last stage's cls token or None."""
        maps, cls = [], None
        for stage in self.stages:
            x, cls = stage(x, weights, cls)
            maps.append(x)
        return tuple(maps), cls


class CvtModel(CvtPreTrainedModel):
    """The stages of a CvT, without a classifier.

    Args:
        add_pooling_layer: ignored; Hugging Face documents it, but a CvT has no pooling layer.
    Raises:
        ValueError: pixel_values with another number of channels than the config, or too small for its stages.
    """

    def __init__(self, config: CvtConfig, add_pooling_layer: bool = True):
        super().__init__(config)
        config = self.config  # a transformers config was converted
        self.encoder = Encoder(config)
        self.init_weights(self)
        self.set_attn_implementation(getattr(config, "_attn_implementation", None) or "sdpa")
        if getattr(config, "gradient_checkpointing", False):  # the older way to enable it
            self.gradient_checkpointing_enable()

    def forward(
        self,
        pixel_values: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        output_attentions: bool | None = None,
        **kwargs,
    ) -> CvtModelOutput | tuple:
        """Runs the stages.

        Args:
            pixel_values: (B, num_channels, H, W) floats, normalised as by the image processor, with H and W large enough for
                the stages. They are converted to the dtype of the weights.
            output_hidden_states: also return every stage's feature map.
            return_dict: return a ``CvtModelOutput``; if False, a tuple of its values that are not None.
            output_attentions: also return every block's attention weights, stage by stage; they are differentiable.
            kwargs: arguments of transformers' models that do not apply to a CvT; see ``check_unused``.
        If one of the three switches is None, the config's field with the same name applies.
        Returns:
            last_hidden_state (B, C, H', W') of the last stage, cls_token_value (B, 1, C) or None, hidden_states a tuple of
            (B, C_i, H_i, W_i), attentions a tuple of (B, heads, queries, keys).
        """
        check_unused(kwargs)
        check_pixels(pixel_values, self.config)
        weights = AttentionWeights() if chosen(output_attentions, self.config, "output_attentions") else None
        maps, cls = self.encoder(pixel_values, weights)
        output = CvtModelOutput(
            last_hidden_state=maps[-1],
            cls_token_value=cls,
            hidden_states=maps if chosen(output_hidden_states, self.config, "output_hidden_states") else None,
            attentions=None if weights is None else tuple(weights.found),
        )
        return output if chosen(return_dict, self.config, "return_dict") else output.to_tuple()


class CvtForImageClassification(CvtPreTrainedModel):
    """A CvT with a linear classifier on the last stage's cls token, or without one on the mean of its tokens."""

    def __init__(self, config: CvtConfig):
        super().__init__(config)
        config = self.config  # a transformers config was converted
        self.num_labels = config.num_labels  # the classifier's size; transformers' models have this attribute too
        self.cvt = CvtModel(config, add_pooling_layer=False)
        width = config.embed_dim[-1]
        self.layernorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.classifier = nn.Linear(width, config.num_labels) if config.num_labels else nn.Identity()
        self.init_weights(self.classifier)

    def forward(
        self,
        pixel_values: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        output_attentions: bool | None = None,
        **kwargs,
    ) -> ImageClassifierOutput | tuple:
        """Computes the logits, and the loss if labels are given.

        Args:
            pixel_values: (B, num_channels, H, W) floats.
            labels: (B,) class indices; (B, num_labels) zeros and ones for several classes at once; floats for regression,
                if ``num_labels`` is 1 or the config's problem_type says so. See ``outputs.classification_loss``.
            output_hidden_states, return_dict, output_attentions, kwargs: as in ``CvtModel``.
        Returns:
            loss (a scalar) or None, logits (B, num_labels), hidden_states, attentions.
        """
        features = self.cvt(pixel_values, output_hidden_states, return_dict=True, output_attentions=output_attentions, **kwargs)
        logits = self.classifier(self.pooled(features))
        output = ImageClassifierOutput(
            loss=None if labels is None else classification_loss(logits, labels, self.config),
            logits=logits,
            hidden_states=features.hidden_states,
            attentions=features.attentions,
        )
        return output if chosen(return_dict, self.config, "return_dict") else output.to_tuple()

    def pooled(self, features: CvtModelOutput) -> Tensor:
        """The classifier's input, (B, C): the normalised cls token, or the mean of the normalised tokens."""
        if features.cls_token_value is not None:
            return self.layernorm(features.cls_token_value).squeeze(1)  # (B, 1, C) → (B, C)
        return self.layernorm(to_tokens(features.last_hidden_state)).mean(dim=1)  # (B, H·W, C) → (B, C)


def check_pixels(pixel_values: Tensor | None, config: CvtConfig) -> None:
    if not isinstance(pixel_values, Tensor):
        raise ValueError("pixel_values must be a tensor: call model(**inputs) or model(inputs.pixel_values).")
    if pixel_values.ndim != 4 or pixel_values.shape[1] != config.num_channels or not pixel_values.is_floating_point():
        raise ValueError(
            f"pixel_values must be floats (batch, {config.num_channels}, height, width), not {tuple(pixel_values.shape)} of "
            f"{pixel_values.dtype}: make them from a picture with CvtImageProcessor."
        )
    if not torch.compiler.is_compiling():
        config.grids(*pixel_values.shape[2:])


# Arguments that callers pass to any of transformers' image models, and that do not affect what a CvT computes.
WITHOUT_MEANING = ("interpolate_pos_encoding", "num_items_in_batch", "use_cache")
ARGUMENTS = ("pixel_values", "labels", "output_hidden_states", "return_dict", "output_attentions", *WITHOUT_MEANING)


def check_unused(arguments: dict) -> None:
    """Accepts arguments of ``forward`` that are None or known to have no effect.

    Raises:
        TypeError: any other argument; the message suggests the nearest name.
    """
    for name, value in arguments.items():
        if value is not None and name not in WITHOUT_MEANING:
            raise TypeError(f"forward() got an unexpected argument {name!r}{nearest(name, ARGUMENTS)}")
