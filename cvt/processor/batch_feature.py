"""The image processor's output: tensors by name, for ``model(**inputs)``."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..fields import shown

TENSOR_TYPES = ("pt", "np")


class BatchFeature(UserDict):
    """Holds ``pixel_values`` and other values, by key or attribute; ``data`` is the plain dict.

    Args:
        data: values by name.
        tensor_type: "pt" or "np" turns lists of numbers and arrays into tensors or arrays; None changes nothing.
    Source: Hugging Face's documentation of BatchFeature.
    """

    def __init__(self, data: dict[str, Any] | None = None, tensor_type: str | None = None, **values: Any):
        super().__init__(data, **values)
        self.convert_to_tensors(tensor_type)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["data"][name]  # via __dict__, because it is still empty while a copy is made
        except KeyError as error:
            raise AttributeError(f"There is no {name!r} in this batch.") from error

    def convert_to_tensors(self, tensor_type: str | None = None) -> BatchFeature:
        """Turns lists of numbers and arrays into tensors ("pt") or arrays ("np"), in place.

        Raises:
            ValueError: another type, or values of different shapes.
        """
        check_tensor_type(tensor_type)
        if tensor_type is not None:
            for name, value in self.data.items():
                self.data[name] = _stacked(name, value, torch.as_tensor if tensor_type == "pt" else np.asarray)
        return self

    def to(self, *args: Any, **kwargs: Any) -> BatchFeature:
        """Moves all tensors to a device and casts float tensors to a dtype, in place; arguments as for ``torch.Tensor.to``.

        Labels and other integers keep their dtype.
        Raises:
            ValueError: neither a device nor a dtype. TypeError: a dtype before a device, which PyTorch does not accept either.
        """
        device, dtype, non_blocking = _target(*args, **kwargs)

        def moved(value: Any) -> Any:
            if isinstance(value, Tensor):
                return value.to(device=device, dtype=dtype if value.is_floating_point() else None, non_blocking=non_blocking)
            return type(value)(map(moved, value)) if type(value) in (list, tuple) else value

        self.data = {name: moved(value) for name, value in self.data.items()}
        return self


def check_tensor_type(tensor_type: Any) -> None:
    if tensor_type is not None and (not isinstance(tensor_type, str) or tensor_type not in TENSOR_TYPES):
        raise ValueError(f"return_tensors is {shown(getattr(tensor_type, 'value', tensor_type))}: choose 'pt', 'np' or None.")


def _stacked(name: str, value: Any, convert: Any) -> Any:
    """Stacks a list of numbers, arrays or tensors; anything else, such as names, is returned unchanged."""
    several = isinstance(value, (list, tuple)) and len(value) > 0
    try:
        if several and isinstance(value[0], (Tensor, np.ndarray)):
            value = torch.stack(list(value)) if isinstance(value[0], Tensor) else np.stack(value)
        elif several and np.asarray(value).dtype.kind not in "biuf":
            return value
    except (ValueError, RuntimeError) as error:  # from NumPy, and from torch.stack
        raise ValueError(f"{name} cannot become one tensor because its values have different shapes.") from error
    return convert(value) if isinstance(value, (list, tuple, np.ndarray, Tensor)) else value


def _target(*args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, **_: Any) -> tuple[Any, Any, bool]:
    """(device, dtype, non_blocking) from the arguments of ``torch.Tensor.to``."""
    for arg in args:
        if isinstance(arg, torch.dtype):
            dtype = arg
        elif isinstance(arg, bool):
            non_blocking = arg
        elif isinstance(arg, (str, int, torch.device)):
            if dtype is not None:
                raise TypeError("Give the device before the dtype, as in batch.to('cuda', torch.float16).")
            device = arg
        elif isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif arg is not None:
            raise ValueError(f"Give a device or a dtype, such as 'cuda' or torch.float16, not {shown(arg)}.")
    return device, dtype, non_blocking
