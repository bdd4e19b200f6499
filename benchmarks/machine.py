"""The machine that the numbers were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import torch


def processor() -> str:
    """The processor's name, if the system knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def machine(device: str) -> dict[str, Any]:
    """JSON values: names of processor and GPU, versions, threads, and how busy the machine was."""
    values = {
        "processor": processor(),
        "vectors": torch.backends.cpu.get_cpu_capability(),
        "cpus": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
    return values | ({"gpu": torch.cuda.get_device_name()} if device == "cuda" else {})


def in_words(values: dict[str, Any]) -> str:
    gpu = f"{values['gpu']}; " if "gpu" in values else ""
    return (
        f"{gpu}{values['processor']} ({values['vectors']}), {values['threads']} threads of PyTorch on {values['cpus']} CPUs, load "
        f"{values['load']} at the start. torch {values['torch']}, Python {values['python']}."
    )
