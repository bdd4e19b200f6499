"""How transformers sees the models, in a program that has loaded it.

transformers asks ``isinstance(model, PreTrainedModel)`` before it saves a model as one: its Trainer writes a bare state dict
without a ``config.json`` for any other. The models here have the methods that it then calls, but to inherit from
PreTrainedModel would be to need transformers. Python's ``isinstance`` also asks an object for its ``__class__``, so that is a
class of both where transformers is loaded, whichever was imported first, and the model's own where it is not. ``type(model)``
is the model's own always. Nothing of transformers is imported or changed.
"""

from __future__ import annotations

import functools
import sys
from typing import Any

_CLASS = object.__dict__["__class__"]  # what a class without the property below has


class SeenByTransformers:
    """Base of the models."""

    @property
    def __class__(self) -> type:
        base = getattr(sys.modules.get("transformers.modeling_utils"), "PreTrainedModel", None)
        own: Any = type(self)
        return own if base is None or issubclass(own, base) else _of_both(own, base)

    @__class__.setter
    def __class__(self, value: type) -> None:
        _CLASS.__set__(self, value)  # FSDP and parametrizations exchange a module's class

    def __reduce_ex__(self, protocol: Any) -> tuple:
        """As for any object, by its type: pickle takes offence where ``__class__`` is another."""
        return _blank, (type(self),), self.__dict__


def _blank(cls: Any) -> Any:
    return cls.__new__(cls)


@functools.cache
def _of_both(own: Any, base: Any) -> type:
    """A class that is a model's own and transformers' base; to call it makes a model of the model's own class."""

    def make(cls: type, *args, **kwargs) -> Any:
        return own(*args, **kwargs)

    names: dict[str, Any] = {"__module__": own.__module__, "__qualname__": own.__qualname__, "__doc__": own.__doc__, "__new__": make}
    return type(own.__name__, (own, base), names)
