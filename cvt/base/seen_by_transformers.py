"""Makes models pass for transformers models in a program that has imported transformers.

transformers checks ``isinstance(model, PreTrainedModel)`` before saving a model: for any other class, its Trainer writes a bare
state dict without a ``config.json``. The models here have the methods that it then calls, but inheriting from PreTrainedModel
would require transformers. Python's ``isinstance`` also checks an object's ``__class__``, so ``__class__`` is a subclass of
both classes once transformers is imported (before or after this library), and the model's own class otherwise. ``type(model)``
is always the model's own class. Nothing in transformers is imported or changed.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

_CLASS = object.__dict__["__class__"]  # the original descriptor, which the property below overrides


class SeenByTransformers:
    """Base of the models."""

    @property
    def __class__(self) -> type:
        base = getattr(sys.modules.get("transformers.modeling_utils"), "PreTrainedModel", None)
        own: Any = type(self)
        return own if base is None or issubclass(own, base) else _of_both(own, base)

    @__class__.setter
    def __class__(self, value: type) -> None:
        _CLASS.__set__(self, value)  # FSDP and parametrizations replace a module's class

    def __reduce_ex__(self, protocol: Any) -> tuple:
        """Pickles by type, as for any object: pickle fails if ``__class__`` differs from the type."""
        return _blank, (type(self),), self.__dict__


def _blank(cls: Any) -> Any:
    return cls.__new__(cls)


@functools.cache
def _of_both(own: Any, base: Any) -> type:
    """A subclass of a model's class and of transformers' base; calling it creates a model of the model's own class."""

    def make(cls: type, *args, **kwargs) -> Any:
        return own(*args, **kwargs)

    names: dict[str, Any] = {"__module__": own.__module__, "__qualname__": own.__qualname__, "__doc__": own.__doc__, "__new__": make}
    return type(own.__name__, (own, base), names)
