"""Devices and dtypes by the names that people use for them."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from ..fields import shown

_ANY = ("auto", "balanced", "balanced_low_0", "sequential")  # a CvT fits on one device, whatever the way to share it out


def as_device(device: str | int | torch.device | None) -> torch.device:
    """The device of this name, a CUDA number, or -1 for the CPU. Raises ValueError where this machine cannot load a model to it."""
    if device is None or device == -1:
        return torch.device("cpu")
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device("cuda", device) if isinstance(device, int) else torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"There is no kind of device called {device!r}: use 'cpu' or 'cuda'.") from error
    if device.type == "cpu":
        return torch.device("cpu")  # "cpu:0" is the same, but not to all who are handed it
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(f"There is no CUDA device {device.index or 0} on this machine: use device='cpu'.")
    try:
        torch.empty(1, device=device).cpu()
    except Exception as error:  # every kind of device fails in its own way where PyTorch was built without it, or has no data
        raise ValueError(f"A model cannot be loaded to the device {str(device)!r} on this machine: use device='cpu'.") from error
    return device


def mapped_device(device_map: str | int | torch.device | Mapping | None) -> str | int | torch.device | None:
    """The one device of a ``device_map`` of Hugging Face's, for ``as_device``.

    Raises:
        ValueError: a map that shares the model out among several devices.
    """
    if isinstance(device_map, Mapping):
        devices = list(dict.fromkeys(device_map.values()))
        if len(devices) != 1:
            raise ValueError(
                f"device_map must name one device, as in {{'': 'cuda'}}, not {shown(device_map)}: accelerate's dispatch_model shares "
                "a loaded model out among several."
            )
        return devices[0]
    return "auto" if device_map in _ANY else device_map


def as_dtype(dtype: torch.dtype | str | None) -> torch.dtype | None:
    """A dtype of floats by name; None for "auto", which leaves every tensor as the file has it."""
    if isinstance(dtype, str) and dtype != "auto":
        dtype = getattr(torch, dtype.removeprefix("torch."), dtype)
    if dtype is None:
        return torch.float32
    if dtype == "auto":
        return None
    if not isinstance(dtype, torch.dtype) or not dtype.is_floating_point:
        raise ValueError(f"dtype must be torch.float32, torch.float16 or torch.bfloat16, not {dtype!r}.")
    return dtype
