"""The authors' own checkpoints: a CvT's architecture from nothing but its tensors.

Source: github.com/microsoft/CvT. Its files hold tensors alone, so what has no shape (strides, paddings, heads) is what all
of its published models share: patch strides 4-2-2, heads of 64 channels, keys and values at stride 2, QuickGELU.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from torch import Tensor

HEAD_DIM = 64  # numbers of a head in every model of the authors
PATCHES = {7: (4, 2), 3: (2, 1)}  # kernel of a conv embedding: its stride and padding
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def config_values(state: dict[str, Tensor], path: Path) -> dict[str, Any]:
    """The architecture of the authors' model whose tensors these are, under the names they have here, as arguments of ``CvtConfig``.

    Args:
        path: the file; its name tells the side of the pictures it was trained on, as in CvT-13-384x384-IN-1k.pth.
    Raises:
        ValueError: tensors that no CvT of the authors has, or an architecture that tensors cannot tell.
    """
    stages = [_infer_stage(state, index) for index in range(_count(state, r"cvt\.encoder\.stages\.(\d+)\."))]
    head = state.get("classifier.weight")
    return {
        "num_channels": state["cvt.encoder.stages.0.embedding.convolution_embeddings.projection.weight"].shape[1],
        "num_labels": 0 if head is None or head.ndim == 0 else head.shape[0],
        "image_size": input_side(path),
        "hidden_act": "quick_gelu",
        "drop_path_rate": [0.0] * (len(stages) - 1) + [0.1],
        **{name: [stage[name] for stage in stages] for name in stages[0]},
    }


def input_side(path: Path) -> int:
    """The side in pixels that the name of one of the authors' files tells; 224 where it tells none."""
    match = re.search(r"(\d+)x\1(?!\d)", path.name)
    return int(match[1]) if match else 224


def processor_values(path: Path) -> dict[str, Any]:
    """How the authors prepare pictures for the model of this file, as arguments of ``CvtImageProcessor``."""
    return {"size": input_side(path), "image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD}


def _infer_stage(state: dict[str, Tensor], index: int) -> dict:
    stage, block = f"cvt.encoder.stages.{index}", f"cvt.encoder.stages.{index}.layers.0"
    attention = f"{block}.attention.attention"
    convolution = state.get(f"{attention}.convolution_projection_query.convolution_projection.convolution.weight")
    needed = {"conv embedding": f"{stage}.embedding.convolution_embeddings.projection.weight", "MLP": f"{block}.intermediate.dense.weight"}
    absent = [part for part, name in needed.items() if name not in state]
    if absent or convolution is None:
        part = absent[0] if absent else "conv projection"
        raise _untellable(f"stage {index + 1} has no {part}")
    patches, mlp = state[needed["conv embedding"]], state[needed["MLP"]]  # (C, C_in, kernel, kernel), (mlp_dim, C)
    if (patches.ndim, mlp.ndim, convolution.ndim) != (4, 2, 4):
        raise _untellable(f"stage {index + 1} has tensors of other shapes than a CvT's")
    width, kernel = patches.shape[0], patches.shape[-1]
    if kernel not in PATCHES or width % HEAD_DIM:
        raise _untellable(f"stage {index + 1} is {width} wide with a {kernel}×{kernel} conv embedding, unlike any of the authors'")
    stride, padding = PATCHES[kernel]
    return {
        "embed_dim": width,
        "num_heads": width // HEAD_DIM,
        "depth": _count(state, rf"cvt\.encoder\.stages\.{index}\.layers\.(\d+)\."),
        "patch_sizes": kernel,
        "patch_stride": stride,
        "patch_padding": padding,
        "mlp_ratio": mlp.shape[0] / width,
        "qkv_bias": f"{attention}.projection_query.bias" in state,
        "cls_token": f"{stage}.cls_token" in state,
        "kernel_qkv": convolution.shape[-1],
        "padding_q": convolution.shape[-1] // 2,
        "padding_kv": convolution.shape[-1] // 2,
    }


def _untellable(reason: str) -> ValueError:
    return ValueError(f"The architecture cannot be told from the tensors of this file: {reason}. Give it as config=CvtConfig(...).")


def _count(state: dict[str, Tensor], pattern: str) -> int:
    """One more than the highest number that ``pattern`` finds in the names."""
    return 1 + max((int(match[1]) for match in (re.match(pattern, name) for name in state) if match), default=-1)
