"""Loads Gradio without what nothing here uses, but which takes more than a third of the time and of the memory of loading it.

Whenever Gradio is loaded, it parses the source of each of its components and the stub beside it, to write that stub anew where they
differ. This takes 1.6 of 4 seconds on an AMD EPYC. Nobody reads the stubs here, and in Gradio's own package they are there already.

And it loads pandas, up to another second and 35 MB, or 66 where pyarrow is installed, so that its cache for functions can tell whether
an argument is a table. Here that is loaded when the cache, or anything else, first uses it.

Where ``spaces`` has loaded Gradio before, as on a Space with lent GPUs, nothing changes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module that is loaded when something in it is first asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


@contextmanager
def _without_stubs(module: ModuleType) -> Iterator[None]:
    yield
    module.create_or_modify_pyi = lambda *given: None  # type: ignore[attr-defined] # called for each component


@contextmanager
def _pandas_later(module: ModuleType) -> Iterator[None]:
    later = _Later("pandas")
    later.__spec__ = PathFinder.find_spec("pandas")
    sys.modules.setdefault("pandas", later)
    try:
        yield
    finally:
        if sys.modules.get("pandas") is later:  # everybody else gets pandas itself
            del sys.modules["pandas"]


CHANGED: dict[str, Callable[[ModuleType], AbstractContextManager[None]]] = {  # what is around the loading of a module
    "gradio.component_meta": _without_stubs,
    "gradio.caching": _pandas_later,
}


class _Finder:
    """Finds these modules, and nothing else."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in CHANGED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_changed(module: ModuleType) -> None:
                with CHANGED[name](module):
                    load(module)

            spec.loader.exec_module = load_changed  # type: ignore[method-assign]
        return spec


def load_lightly() -> None:
    """To be called before Gradio is imported; later, it does nothing."""
    if "gradio" not in sys.modules and _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
