"""One stage of a CvT in plain numbers: its sizes, its grids for an input, and checks that its settings fit together.

Source: arXiv 2103.15808, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .fields import ConfigError, Remedy, Size


def conv_output(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output size of a convolution along one axis; zero or negative if the kernel does not fit."""
    return (size + 2 * padding - kernel) // stride + 1


def pooled_output(size: int, kernel: int, stride: int, padding: int) -> int:
    """Output size of an average pool with ``ceil_mode=True``; the last window must start inside the input or left padding."""
    out = -((size + 2 * padding - kernel) // -stride) + 1
    return out - 1 if (out - 1) * stride >= size + padding else out


@dataclass(frozen=True)
class StageConfig:
    """One stage of a ``CvtConfig``: plain numbers, with sizes as (height, width) pairs."""

    index: int
    in_channels: int
    patch_size: Size
    patch_stride: Size
    patch_padding: Size
    embed_dim: int
    num_heads: int
    depth: int
    mlp_ratio: float
    attention_drop_rate: float
    drop_rate: float
    drop_path_rate: float
    qkv_bias: bool
    cls_token: bool
    qkv_projection_method: str
    kernel_qkv: int
    padding_kv: int
    stride_kv: int
    padding_q: int
    stride_q: int
    # options for ablations, see CvtConfig
    padding_mode: str = "zeros"
    position_grid: Size | None = None  # for which a position embedding is learnt, (rows, columns)
    carried_width: int | None = None  # width of the cls token that the stage before hands on

    @property
    def head_dim(self) -> int:
        return self.embed_dim // self.num_heads

    @property
    def mlp_dim(self) -> int:
        return int(self.embed_dim * self.mlp_ratio)

    @property
    def drop_path_rates(self) -> tuple[float, ...]:
        """The probability per block that its branches are dropped: from 0 in the first to ``drop_path_rate`` in the last."""
        if self.depth == 1:
            return (0.0,)
        return tuple(self.drop_path_rate * layer / (self.depth - 1) for layer in range(self.depth))

    def query_grid(self, height: int, width: int) -> Size:
        """(rows, columns) of tokens from this stage's conv embedding for a (height, width) input."""
        rows, columns = zip(self.patch_size, self.patch_stride, self.patch_padding, strict=True)
        return conv_output(height, *rows), conv_output(width, *columns)

    def key_grid(self, height: int, width: int) -> Size:
        """(rows, columns) of keys and values for a query grid of (height, width)."""
        if self.qkv_projection_method == "linear":
            return height, width
        output = pooled_output if self.qkv_projection_method == "avg" else conv_output
        rows, columns = (output(size, self.kernel_qkv, self.stride_kv, self.padding_kv) for size in (height, width))
        return rows, columns

    def pads(self, before: Size, grid: Size) -> bool:
        """Whether an input of size ``before``, and this stage's ``grid``, can be padded: a circle goes around at most once."""
        projected = max(self.padding_q, self.padding_kv) if self.qkv_projection_method == "dw_bn" else 0
        needed = [*zip(before, self.patch_padding, strict=True), *((side, projected) for side in grid)]
        return self.padding_mode == "zeros" or all(padding <= side for side, padding in needed)


def check_stage(stage: StageConfig) -> None:
    """Refuses settings that are valid one by one but cannot be combined."""

    def refused(template: str, field: str, remedy: tuple[str, Any] | None = None, **values: Any) -> ConfigError:
        change = remedy and Remedy(stage.index, *remedy)
        return ConfigError(template, field, stage.index, getattr(stage, field), change, {"stage": stage.index + 1, **values})

    if stage.embed_dim % stage.num_heads:
        # not all divisors: an untrusted file may give a width of billions
        near = range(max(1, stage.num_heads - 1000), min(stage.embed_dim, stage.num_heads + 1000) + 1)
        divisors = [heads for heads in near if stage.embed_dim % heads == 0]
        nearest = min(divisors, key=lambda heads: abs(heads - stage.num_heads), default=1)
        raise refused(
            "{where} is {shown}, which is not divisible by {heads} heads: "
            "use {num_heads} {nearest}, or a width that is a multiple of {heads}.",
            "embed_dim",
            ("num_heads", nearest),
            heads=stage.num_heads,
            nearest=nearest,
        )
    if stage.padding_mode == "circular" and stage.qkv_projection_method == "avg":
        raise refused(
            '{where} is {shown}, whose pools pad with zeros: with {padding_mode} "circular" choose dw_bn or linear.',
            "qkv_projection_method",
            ("qkv_projection_method", "dw_bn"),
        )
    if stage.mlp_dim < 1:
        raise refused("{where} is {shown}, which leaves the MLP without units: use a larger ratio.", "mlp_ratio")
    if stage.qkv_projection_method == "dw_bn":
        if stage.stride_q != 1:
            raise refused(
                "{where} is {shown}, but a block adds its output to its input, so the query grid must keep "
                "its size. Use {stride_q} 1, or a larger {patch_stride}.",
                "stride_q",
                ("stride_q", 1),
            )
        if 2 * stage.padding_q != stage.kernel_qkv - 1:
            odd = stage.kernel_qkv % 2
            fits = "{padding_q} {half}" if odd else "an odd {kernel_qkv} with half of it as {padding_q}"
            half = stage.kernel_qkv // 2
            raise refused(
                "{kernel_qkv} {kernel} with {padding_q} {padding} in stage {stage} changes the size of the query grid, "
                f"but the residual connection needs it unchanged: use {fits}.",
                "padding_q",
                ("padding_q", half) if odd else None,
                kernel=stage.kernel_qkv,
                padding=stage.padding_q,
                half=half,
            )
    if stage.qkv_projection_method == "avg" and 2 * stage.padding_kv > stage.kernel_qkv:
        half = stage.kernel_qkv // 2
        remedy = ("padding_kv", half)
        raise refused("{where} is {shown}: average pooling allows at most half of {kernel_qkv}, {half}.", "padding_kv", remedy, half=half)
