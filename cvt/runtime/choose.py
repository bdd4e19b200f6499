"""Where and in which numbers a model runs."""

from __future__ import annotations

import torch


def choose_device(name: str = "auto") -> tuple[torch.device, torch.dtype]:
    """The device of this name, and the float type in which a CvT runs best on it.

    Args:
        name: "auto" for CUDA where there is a GPU and else the CPU, or any device of PyTorch's: "cpu", "cuda:1", "mps".
    Returns:
        float16 on CUDA, float32 elsewhere.
    Raises:
        ValueError: a device that there is not.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" makes tensors too, but without numbers
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # which of them depends on how PyTorch was built
        there = ["cpu"] + [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise ValueError(f"There is no device {name!r} here: choose auto or one of {', '.join(there)}.") from error
    return device, torch.float16 if device.type == "cuda" else torch.float32
