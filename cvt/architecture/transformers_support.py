"""Which architectures of this library transformers' CvT does not support."""

from __future__ import annotations

from ..config import CvtConfig


def what_transformers_lacks(config: CvtConfig) -> str:
    """A sentence on what transformers' CvT does not support in this architecture; empty if it computes the same."""
    lacks = []
    if set(config.qkv_projection_method) != {"dw_bn"}:
        lacks.append("a projection without convolution")
    if any(config.cls_token[:-1]):
        lacks.append("a cls token before the last stage")
    if not config.cls_token[-1]:
        lacks.append("a last stage without cls token")
    if any(depth <= index for index, depth in enumerate(config.depth)):
        lacks.append("a stage of so few blocks")
    if config.hidden_act != "gelu" or config.layer_norm_eps != 1e-5:
        lacks.append("this activation or LayerNorm epsilon")
    if any(isinstance(each, tuple) for name in ("patch_sizes", "patch_stride", "patch_padding") for each in getattr(config, name)):
        lacks.append("oblong patches")
    if config.position_embedding:
        lacks.append("a position embedding")
    if config.padding_mode != "zeros":
        lacks.append("circular padding")
    if config.carry_cls_token:
        lacks.append("a cls token that goes from stage to stage")
    return f"This library opens the folder; transformers does not have {', or '.join(lacks)}." if lacks else ""
