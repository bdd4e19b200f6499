"""Forward hooks that read or change a model's calls, for one caller and within its ``with`` block."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import nn

# Every thread and task has its own context, so a hook can tell whether a call belongs to its caller.
_active: contextvars.ContextVar[tuple[object, ...]] = contextvars.ContextVar("active hooks", default=())

Before = Callable[[nn.Module, tuple], tuple | None]  # returns other inputs, or None
After = Callable[[nn.Module, tuple, Any], Any]  # returns another output, or None


@contextmanager
def hooked(
    befores: Iterable[tuple[nn.Module, Before]] = (), afters: Iterable[tuple[nn.Module, After]] = (), first: bool = True
) -> Iterator[None]:
    """Within the block, calls from this context run these hooks; calls from other threads or tasks never do.

    All are removed when the block ends, also by an exception.

    Args:
        befores, afters: modules with hooks before and after their calls; those of one module run in the given order.
        first: whether they run before the hooks already there. Those that change something do, so that ``capture`` sees what they
            changed; those that only read come last.
    """
    mine = object()

    def bound(hook: Callable) -> Callable:
        return lambda *call: hook(*call) if mine in _active.get() else None

    with ExitStack() as undo:
        token = _active.set((*_active.get(), mine))
        undo.callback(_active.reset, token)
        for module, before in _ordered(befores, first):
            undo.callback(module.register_forward_pre_hook(bound(before), prepend=first).remove)
        for module, after in _ordered(afters, first):
            undo.callback(module.register_forward_hook(bound(after), prepend=first).remove)
        yield


def _ordered(hooks: Iterable, first: bool) -> list:
    """In the order of registration: each of the ``first`` is put before the ones already there."""
    return list(hooks)[:: -1 if first else 1]
