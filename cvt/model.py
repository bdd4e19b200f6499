"""CvT, bottom-up: conv embedding, conv projection, attention, MLP, block, stage, model, classifier.

One picture's way: pixel_values (B, C, H, W) → in every stage a strided, overlapping convolution makes tokens, and blocks of
pre-norm attention and MLP refine them → the last stage's cls token (or the mean of its tokens) → classifier → logits.
Queries, keys and values pass a depth-wise convolution with BatchNorm before their linear layers; keys and values with a
stride, so attention is rectangular. There is no positional embedding, so any input size works.

Layout: tokens are (B, H·W, C) throughout. As a picture, (B, C, H, W), they are a view of the same memory (channels last),
so that going to and fro costs nothing.

Sources: the paper, arXiv 2103.15808 (section 3); the authors' implementation, github.com/microsoft/CvT; Hugging Face's
documentation of CvT, whose names and outputs these are.
"""

from __future__ import annotations

from contextlib import nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .config import CvtConfig, StageConfig
from .linear import Linear
from .outputs import CvtModelOutput, ImageClassifierOutput, classification_loss
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


ACTIVATIONS = {"gelu": F.gelu, "quick_gelu": quick_gelu}


class DropPath(nn.Module):
    """Stochastic depth: in training, drops a residual branch for a whole sample and scales the others up.

    The rate is a buffer, so that ``torch.compile`` builds one graph for all blocks. Source: arXiv 1603.09382.
    """

    def __init__(self, rate: float):
        super().__init__()
        # On the CPU even while a model is built on the meta device: no file would bring the value back.
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
            stage.in_channels, stage.embed_dim, stage.patch_size, stride=stage.patch_stride, padding=stage.patch_padding
        )
        self.normalization = nn.LayerNorm(stage.embed_dim, eps=eps)

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """(B, C_in, H_in, W_in) → tokens (B, H·W, C), grid (H, W)."""
        x = self.projection(x)
        return self.normalization(to_tokens(x)), x.shape[2:]


class ConvProjection(nn.Module):
    """Convolutional projection: a depth-wise convolution with BatchNorm, before a linear layer. Source: section 3.2."""

    def __init__(self, dim: int, kernel: int, stride: int, padding: int):
        super().__init__()
        self.convolution = nn.Conv2d(dim, dim, kernel, stride=stride, padding=padding, groups=dim, bias=False)
        self.normalization = nn.BatchNorm2d(dim)

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """(B, H·W, C) on ``grid`` → (B, H'·W', C)."""
        x = to_picture(tokens, grid)
        if self.training:
            return to_tokens(self.normalization(self.convolution(x)))
        weight, bias = self.folded()
        conv = self.convolution
        return to_tokens(F.conv2d(x, weight, bias, conv.stride, conv.padding, groups=conv.groups))

    def folded(self) -> tuple[Tensor, Tensor]:
        """Weight and bias of the one convolution that equals convolution and BatchNorm in evaluation mode.

        Folding nine numbers a channel costs far less than a pass of BatchNorm over all tokens, so it is done on every call
        and never goes stale.
        """
        norm, weight = self.normalization, self.convolution.weight
        precise = torch.promote_types(weight.dtype, torch.float32)
        scale = norm.weight.to(precise) * torch.rsqrt(norm.running_var.to(precise) + norm.eps)  # (C,)
        bias = norm.bias.to(precise) - norm.running_mean.to(precise) * scale  # (C,)
        return (weight * scale[:, None, None, None]).to(weight.dtype), bias.to(weight.dtype)


class PoolProjection(nn.Module):
    """The "avg" projection of keys and values: average pooling, nothing learned."""

    def __init__(self, kernel: int, stride: int, padding: int):
        super().__init__()
        self.pool = nn.AvgPool2d(kernel, stride=stride, padding=padding, ceil_mode=True)

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        """(B, H·W, C) on ``grid`` → (B, H'·W', C)."""
        return to_tokens(self.pool(to_picture(tokens, grid)))


class NoProjection(nn.Module):
    """Tokens as they are: the "linear" projection, and the queries of "avg"."""

    def forward(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        return tokens


def projections(stage: StageConfig) -> tuple[nn.Module, nn.Module, nn.Module]:
    """The modules before the linear layers of query, key and value."""
    kernel, method = stage.kernel_qkv, stage.qkv_projection_method
    if method == "dw_bn":
        settings = [(stage.stride_q, stage.padding_q)] + [(stage.stride_kv, stage.padding_kv)] * 2
        return tuple(ConvProjection(stage.embed_dim, kernel, stride, padding) for stride, padding in settings)
    if method == "avg":
        pools = [PoolProjection(kernel, stage.stride_kv, stage.padding_kv) for _ in range(2)]
        return NoProjection(), *pools
    return NoProjection(), NoProjection(), NoProjection()


def attention_weights(query: Tensor, key: Tensor, scale: float) -> Tensor:
    """softmax(q kᵀ · scale) in at least float32: (B, heads, Q, D), (B, heads, K, D) → (B, heads, Q, K), rows sum to 1.

    Source: arXiv 2103.15808, eq. 2 and 3; the scale is embed_dim ** -0.5 as in the authors' code.
    """
    dtype = torch.promote_types(query.dtype, torch.float32)
    with torch.autocast(query.device.type, enabled=False):
        return torch.softmax((query.to(dtype) * scale) @ key.to(dtype).transpose(-1, -2), dim=-1)


class ScaledDotProductAttention(nn.Module):
    """softmax(q kᵀ · scale) v by PyTorch's fused kernel, in a module of its own so that a forward hook sees q, k and v."""

    def __init__(self, scale: float, dropout: float):
        super().__init__()
        self.scale, self.dropout = scale, dropout

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B, heads, Q, D), (B, heads, K, D) twice → (B, heads, Q, D)."""
        dropout = self.dropout if self.training else 0.0
        return F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, scale=self.scale)


class Attention(nn.Module):
    """Multi-head attention behind convolutional projections; keys and values may have a smaller grid than queries."""

    def __init__(self, stage: StageConfig):
        super().__init__()
        dim = stage.embed_dim
        self.num_heads = stage.num_heads
        self.convolution_query, self.convolution_key, self.convolution_value = projections(stage)
        self.query = Linear(dim, dim, bias=stage.qkv_bias)
        self.key = Linear(dim, dim, bias=stage.qkv_bias)
        self.value = Linear(dim, dim, bias=stage.qkv_bias)
        # The authors scale by the width of all heads together, not by one head's.
        self.attend = ScaledDotProductAttention(dim**-0.5, stage.attention_drop_rate)
        self.output = Linear(dim, dim)
        self.dropout = nn.Dropout(stage.drop_rate)

    def forward(self, tokens: Tensor, grid: tuple[int, int], weights: list[Tensor] | None = None) -> Tensor:
        """(B, N, C) → (B, N, C), with N = H·W, or 1 + H·W with the cls token first; ``weights`` collects the attention."""
        has_cls = tokens.shape[1] != grid[0] * grid[1]
        cls, spatial = (tokens[:, :1], tokens[:, 1:]) if has_cls else (None, tokens)

        def project(convolution: nn.Module, linear: nn.Linear) -> Tensor:
            x = convolution(spatial, grid)  # (B, H'·W', C)
            if cls is not None:
                x = torch.cat((cls, x), dim=1)  # the cls token takes no part in convolutions
            return linear(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, N', D)

        query = project(self.convolution_query, self.query)
        key = project(self.convolution_key, self.key)
        value = project(self.convolution_value, self.value)
        if weights is not None:
            weights.append(attention_weights(query, key, self.attend.scale))
        context = self.attend(query, key, value).transpose(1, 2).flatten(2)  # (B, N, heads, D) → (B, N, C)
        return self.dropout(self.output(context))


class Mlp(nn.Module):
    """Linear, activation, linear, with dropout after both."""

    def __init__(self, stage: StageConfig, hidden_act: str):
        super().__init__()
        self.intermediate = Linear(stage.embed_dim, stage.mlp_dim)
        self.activation = ACTIVATIONS[hidden_act]
        self.output = Linear(stage.mlp_dim, stage.embed_dim)
        self.dropout = nn.Dropout(stage.drop_rate)

    def forward(self, tokens: Tensor) -> Tensor:
        hidden = self.dropout(self.activation(self.intermediate(tokens)))  # (B, N, mlp_dim)
        return self.dropout(self.output(hidden))  # (B, N, C)


class Block(nn.Module):
    """Pre-norm attention and MLP, each added to what it read."""

    def __init__(self, stage: StageConfig, hidden_act: str, eps: float, drop_path_rate: float):
        super().__init__()
        self.layernorm_before = nn.LayerNorm(stage.embed_dim, eps=eps)
        self.attention = Attention(stage)
        self.layernorm_after = nn.LayerNorm(stage.embed_dim, eps=eps)
        self.mlp = Mlp(stage, hidden_act)
        self.drop_path = drop_path(drop_path_rate)

    def forward(self, tokens: Tensor, grid: tuple[int, int], weights: list[Tensor] | None = None) -> Tensor:
        """(B, N, C) → (B, N, C)."""
        tokens = tokens + self.drop_path(self.attention(self.layernorm_before(tokens), grid, weights))
        return tokens + self.drop_path(self.mlp(self.layernorm_after(tokens)))


class FrozenStatistics:
    """While entered, BatchNorms in training leave their running statistics alone.

    Gradient checkpointing runs a block a second time; without this, that pass would count as another batch.
    """

    def __init__(self, block: nn.Module):
        self.norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm2d)]

    def __enter__(self) -> None:
        self.before = [(norm.momentum, norm.num_batches_tracked) for norm in self.norms]
        for norm in self.norms:
            norm.momentum, norm.num_batches_tracked = 0.0, None

    def __exit__(self, *error) -> None:
        for norm, (momentum, count) in zip(self.norms, self.before, strict=True):
            norm.momentum, norm.num_batches_tracked = momentum, count


class Stage(nn.Module):
    """Conv embedding and blocks at one resolution; the cls token, where there is one, is born and ends here."""

    def __init__(self, stage: StageConfig, hidden_act: str, eps: float):
        super().__init__()
        self.embedding = ConvEmbedding(stage, eps)
        self.cls_token = nn.Parameter(torch.zeros(1, 1, stage.embed_dim)) if stage.cls_token else None
        self.dropout = nn.Dropout(stage.drop_rate)
        self.layers = nn.ModuleList(Block(stage, hidden_act, eps, rate) for rate in stage.drop_path_rates)
        self.gradient_checkpointing = False

    def forward(self, x: Tensor, weights: list[Tensor] | None = None) -> tuple[Tensor, Tensor | None]:
        """(B, C_in, H_in, W_in) → feature map (B, C, H, W), cls token (B, 1, C) or None.

        ``weights``, where given, collects each block's attention weights, (B, heads, queries, keys).
        """
        tokens, grid = self.embedding(x)  # (B, H·W, C)
        if self.cls_token is not None:
            tokens = torch.cat((self.cls_token.expand(tokens.shape[0], -1, -1), tokens), dim=1)  # (B, 1 + H·W, C)
        tokens = self.dropout(tokens)
        for layer in self.layers:
            if self.gradient_checkpointing and self.training:
                again = nullcontext(), FrozenStatistics(layer)  # around the first pass, and around its repetition
                tokens = checkpoint(layer, tokens, grid, weights, use_reentrant=False, context_fn=lambda again=again: again)
            else:
                tokens = layer(tokens, grid, weights)
        if self.cls_token is None:
            return to_picture(tokens, grid), None
        return to_picture(tokens[:, 1:], grid), tokens[:, :1]


class CvtModel(CvtPreTrainedModel):
    """The stages of a CvT, without a classifier.

    Raises:
        ValueError: pixel_values of another shape than the config's, or too small for its stages.
    """

    def __init__(self, config: CvtConfig):
        super().__init__(config)
        self.stages = nn.ModuleList(Stage(stage, config.hidden_act, config.layer_norm_eps) for stage in config.stages)
        self.init_weights(self)

    def forward(
        self,
        pixel_values: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        output_attentions: bool | None = None,
    ) -> CvtModelOutput | tuple:
        """Runs the stages.

        Args:
            pixel_values: (B, num_channels, H, W) floats, normalised as the image processor does; any H and W large enough.
                They are brought to the dtype of the weights.
            output_hidden_states: also return every stage's feature map.
            return_dict: a ``CvtModelOutput``, also if None; if False, a tuple of its values that are not None.
            output_attentions: also return every block's attention weights, stage after stage.
        Returns:
            last_hidden_state (B, C, H', W') of the last stage, cls_token_value (B, 1, C) or None, hidden_states a tuple of
            (B, C_i, H_i, W_i), attentions a tuple of (B, heads, queries, keys).
        """
        check_pixels(pixel_values, self.config)
        x, cls = pixel_values.to(self.dtype), None
        hidden_states, weights = [], [] if output_attentions else None
        for stage in self.stages:
            x, cls = stage(x, weights)
            hidden_states.append(x)
        output = CvtModelOutput(
            last_hidden_state=x,
            cls_token_value=cls,
            hidden_states=tuple(hidden_states) if output_hidden_states else None,
            attentions=tuple(weights) if output_attentions else None,
        )
        return output.to_tuple() if return_dict is False else output


class CvtForImageClassification(CvtPreTrainedModel):
    """A CvT with a linear classifier on the last stage's cls token, or on the mean of its tokens where it has none."""

    def __init__(self, config: CvtConfig):
        super().__init__(config)
        self.cvt = CvtModel(config)
        width = config.embed_dim[-1]
        self.layernorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.classifier = Linear(width, config.num_labels) if config.num_labels else nn.Identity()
        self.init_weights(self.classifier)

    def forward(
        self,
        pixel_values: Tensor | None = None,
        labels: Tensor | None = None,
        output_hidden_states: bool | None = None,
        return_dict: bool | None = None,
        output_attentions: bool | None = None,
    ) -> ImageClassifierOutput | tuple:
        """Logits, and the loss where labels are given.

        Args:
            pixel_values: (B, num_channels, H, W) floats.
            labels: (B,) class indices; (B, num_labels) zeros and ones for several classes at once; floats to regress
                where ``num_labels`` is 1 or the config's problem_type says so. See ``outputs.classification_loss``.
            output_hidden_states, return_dict, output_attentions: as in ``CvtModel``.
        Returns:
            loss (a scalar) or None, logits (B, num_labels), hidden_states, attentions.
        """
        features = self.cvt(pixel_values, output_hidden_states, output_attentions=output_attentions)
        logits = self.classifier(self.pooled(features))
        output = ImageClassifierOutput(
            loss=None if labels is None else classification_loss(logits, labels, self.config),
            logits=logits,
            hidden_states=features.hidden_states,
            attentions=features.attentions,
        )
        return output.to_tuple() if return_dict is False else output

    def pooled(self, features: CvtModelOutput) -> Tensor:
        """What the classifier reads, (B, C): the normalised cls token, or the mean of the normalised tokens."""
        if features.cls_token_value is not None:
            return self.layernorm(features.cls_token_value).squeeze(1)  # (B, 1, C) → (B, C)
        return self.layernorm(to_tokens(features.last_hidden_state)).mean(dim=1)  # (B, H·W, C) → (B, C)


def check_pixels(pixel_values: Tensor | None, config: CvtConfig) -> None:
    if not isinstance(pixel_values, Tensor):
        raise ValueError("pixel_values must be a tensor, as in model(**inputs) or model(inputs.pixel_values).")
    if pixel_values.ndim != 4 or pixel_values.shape[1] != config.num_channels or not pixel_values.is_floating_point():
        raise ValueError(
            f"pixel_values must be floats (batch, {config.num_channels}, height, width), not {tuple(pixel_values.shape)} of "
            f"{pixel_values.dtype}: use CvtImageProcessor to make them from a picture."
        )
    if not torch.compiler.is_compiling():
        config.grids(*pixel_values.shape[2:])
