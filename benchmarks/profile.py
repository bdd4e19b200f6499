"""Profiles the operators of a forward pass with PyTorch's profiler: ``python -m benchmarks --profile``."""

from __future__ import annotations

from collections import Counter
from typing import Any

import torch
from torch.profiler import ProfilerActivity

from cvt.config import PUBLISHED, CvtConfig

from .peers import CAPTURED, PEERS, PLAIN, RUNNER, lively_model
from .speed import QUICK

PASSES = 5
# Names of operators in the report, by a prefix of their names on a CPU, or by part of their kernels' names on a GPU.
KINDS = {
    "matrix products": ("aten::addmm", "aten::mm", "aten::bmm", "aten::baddbmm", "aten::mkldnn_linear", "mkldnn::", "gemm", "nvjet"),
    "convolutions": ("aten::mkldnn_convolution", "aten::thnn_conv", "aten::_conv_depthwise", "aten::convolution", "conv", "_projections"),
    "attention": ("aten::_scaled_dot_product", "aten::_flash", "flash", "fmha"),
    "BatchNorm": ("aten::native_batch_norm", "aten::batch_norm", "bn_fw", "batch_norm"),
    "LayerNorm": ("aten::native_layer_norm", "layer_norm", "_statistics", "_norm"),
    "activation": ("aten::gelu", "gelu"),
    "copies and concatenations": ("aten::copy_", "aten::cat", "aten::clone", "aten::to_mkldnn", "aten::to_dense", "memcpy", "copy", "cat"),
    "additions and products": ("aten::add", "aten::mul", "add", "mul"),
}  # fmt: skip


def kind(name: str) -> str:
    """The kind of an operator or kernel; the first that fits."""
    lower = name.lower()
    for found, beginnings in KINDS.items():
        if any(lower.startswith(each) if each.startswith("aten::") else each in lower for each in beginnings):
            return found
    return "all else"


def shares(run, x: torch.Tensor) -> tuple[float, dict[str, float]]:
    """Milliseconds of one pass in operators, and the share of every kind, the largest first."""
    activities = [ProfilerActivity.CUDA] if x.is_cuda else [ProfilerActivity.CPU]
    for _ in range(3):
        run(x)
    with torch.profiler.profile(activities=activities) as seen:
        for _ in range(PASSES):
            run(x)
        if x.is_cuda:
            torch.cuda.synchronize()
    times: Counter[str] = Counter()
    for event in seen.key_averages():
        times[kind(event.key)] += event.self_device_time_total if x.is_cuda else event.self_cpu_time_total
    total = sum(times.values())
    return total / PASSES / 1000, {name: time / total for name, time in times.most_common()}


def report(device: str, quick: bool) -> list[dict[str, Any]]:
    """Prints a table for batches of one and eight (on a GPU, 64), a column for each way to run a CvT-13; returns its values."""
    dtype = torch.float16 if device == "cuda" else torch.float32
    config, side = (CvtConfig(**QUICK), 32) if quick else (CvtConfig(**PUBLISHED["CvT-13"]), 224)
    model = lively_model(config).to(device, dtype)
    found = []
    for batch in (1, 64 if device == "cuda" else 8):
        x = torch.randn(batch, config.num_channels, side, side).to(device, dtype)
        columns = {}
        with torch.inference_mode():
            for name in (PLAIN, RUNNER, CAPTURED):
                milliseconds, parts = shares(PEERS[name](model, x), x)
                columns[name] = (milliseconds, parts)
                found.append({"batch": batch, "who": name, "milliseconds": milliseconds, "shares": parts})
        print(f"\n| batch {batch} | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
        print(f"| all operators | {' | '.join(f'{total:.1f} ms' for total, _ in columns.values())} |")
        for each in dict.fromkeys(part for _, parts in columns.values() for part in parts):
            print(f"| {each} | {' | '.join(f'{100 * parts.get(each, 0):.0f} %' for _, parts in columns.values())} |")
    return found
