"""Devices and dtypes by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import torch

from ..fields import shown

_ANY = ("auto", "balanced", "balanced_low_0", "sequential")  # strategies of device_map; a CvT fits on one device, so all mean the same


Name: TypeAlias = str | int | torch.device | Mapping[str, str | int | torch.device] | None


def as_device(device: Name) -> torch.device:
    """A device that a model can run on.

    Args:
        device: PyTorch's name for it, such as "cpu", "cuda:1" or "mps", or a CUDA number; "auto" is CUDA if there is a GPU, else
            the CPU; None and -1 are the CPU. Hugging Face's ``device_map`` is accepted if it names one device.
    Raises:
        ValueError: a device that this machine does not have, or a map that distributes a model over several.
    """
    if isinstance(device, Mapping):
        devices = list(dict.fromkeys(device.values()))
        if len(devices) != 1:
            raise ValueError(
                f"device_map must name one device, as in {{'': 'cuda'}}, not {shown(device)}: accelerate's dispatch_model distributes "
                "a loaded model over several."
            )
        return as_device(devices[0])
    if device is None or device == -1:
        return torch.device("cpu")
    if device in _ANY:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    device = f"cuda:{device}" if isinstance(device, int) else device
    try:
        found = torch.device(device)
        if found.type == "cpu":
            return torch.device("cpu")  # "cpu:0" is the same device but compares unequal
        torch.zeros(1, device=found).cpu()  # "meta" has tensors too, but without values
    except Exception as error:  # each device type raises its own error if PyTorch was built without it
        there = ["auto", "cpu"] + [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise ValueError(f"There is no device {str(device)!r} here: choose one of {', '.join(there)}.") from error
    return found


def choose_device(name: Name = "auto") -> tuple[torch.device, torch.dtype]:
    """The device of this name, and the fastest dtype for a CvT on it: float16 on CUDA, else float32.

    Arguments and errors as for ``as_device``.
    """
    device = as_device(name)
    return device, torch.float16 if device.type == "cuda" else torch.float32


def as_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """A float dtype by name; None for "auto", which keeps every tensor's dtype in the file."""
    if isinstance(dtype, str) and dtype != "auto":
        dtype = getattr(torch, dtype.removeprefix("torch."), dtype)
    if dtype is None:
        return torch.float32
    if dtype == "auto":
        return None
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype must be torch.float32, torch.float16 or torch.bfloat16, not {dtype!r}.")
    return dtype
