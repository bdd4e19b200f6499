"""What the image processor returns: tensors by name, which a model takes as ``model(**inputs)``."""

from __future__ import annotations

from collections import UserDict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..fields import shown

TENSOR_TYPES = ("pt", "np")


class BatchFeature(UserDict):
    """``pixel_values``, and whatever is added, by name or attribute; ``data`` is the plain dict.

    Args:
        data: values by name.
        tensor_type: "pt" or "np" turns lists of numbers and arrays into tensors or arrays; None leaves everything as it is.
    Source: Hugging Face's documentation of BatchFeature.
    """

    def __init__(self, data: dict[str, Any] | None = None, tensor_type: str | None = None, **values: Any):
        super().__init__(data, **values)
        self.convert_to_tensors(tensor_type)

    def __getattr__(self, name: str) -> Any:
        try:
            return self.__dict__["data"][name]  # through __dict__, which a copy in the making does not have filled yet
        except KeyError as error:
            raise AttributeError(f"There is no {name!r} in this batch.") from error

    def convert_to_tensors(self, tensor_type: str | None = None) -> BatchFeature:
        """Turns lists of numbers and arrays into tensors ("pt") or arrays ("np"), in place.

        Raises:
            ValueError: another type, or values of several shapes.
        """
        check_tensor_type(tensor_type)
        if tensor_type is not None:
            for name, value in self.data.items():
                self.data[name] = _stacked(name, value, torch.as_tensor if tensor_type == "pt" else np.asarray)
        return self

    def to(self, *args: Any, **kwargs: Any) -> BatchFeature:
        """Moves all tensors to a device and casts those of floats to a dtype, in place, as ``torch.Tensor.to`` takes both.

        Labels and other whole numbers stay what they are.
        Raises:
            ValueError: neither a device nor a dtype. TypeError: a dtype before a device, which PyTorch does not take either.
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
    """A list of numbers, arrays or tensors as one; anything else, such as names, as it is."""
    several = isinstance(value, (list, tuple)) and len(value) > 0
    try:
        if several and isinstance(value[0], (Tensor, np.ndarray)):
            value = torch.stack(list(value)) if isinstance(value[0], Tensor) else np.stack(value)
        elif several and np.asarray(value).dtype.kind not in "biuf":
            return value
    except (ValueError, RuntimeError) as error:  # NumPy's, and torch.stack's
        raise ValueError(f"{name} does not make one tensor, since its values have several shapes.") from error
    return convert(value) if isinstance(value, (list, tuple, np.ndarray, Tensor)) else value


def _target(*args: Any, device: Any = None, dtype: Any = None, non_blocking: bool = False, **_: Any) -> tuple[Any, Any, bool]:
    """(device, dtype, non_blocking) of the arguments that ``torch.Tensor.to`` takes in many orders."""
    for arg in args:
        if isinstance(arg, torch.dtype):
            dtype = arg
        elif isinstance(arg, bool):
            non_blocking = arg
        elif isinstance(arg, (str, int, torch.device)):
            if dtype is not None:
                raise TypeError("The device comes before the dtype, as in batch.to('cuda', torch.float16).")
            device = arg
        elif isinstance(arg, Tensor):
            device, dtype = arg.device, arg.dtype
        elif arg is not None:
            raise ValueError(f"A batch is moved to a device or a dtype, such as 'cuda' or torch.float16, not {shown(arg)}.")
    return device, dtype, non_blocking
