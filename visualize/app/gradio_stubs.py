"""Loads Gradio without the stubs that it writes for editors.

Whenever Gradio is loaded, it parses the source of each of its components and the stub beside it, to write that anew where they differ.
This is two fifths of what loading it takes, 1.6 of 4 seconds on an AMD EPYC. Nobody reads the stubs here, and in Gradio's own package
they are there already. Where ``spaces`` has loaded Gradio before, as on a Space with lent GPUs, nothing changes.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

WRITER = "gradio.component_meta", "create_or_modify_pyi"  # the module and its function, which is called for each component


class _Finder:
    """Finds the module of the function, and nothing else."""

    @classmethod
    def find_spec(cls, name: str, path: Any = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != WRITER[0]:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load = spec.loader.exec_module

            def load_without(module: ModuleType) -> None:
                load(module)
                setattr(module, WRITER[1], lambda *given: None)

            spec.loader.exec_module = load_without  # type: ignore[method-assign]
        return spec


def leave_alone() -> None:
    """To be called before Gradio is imported; later, it does nothing."""
    if WRITER[0] not in sys.modules and _Finder not in sys.meta_path:
        sys.meta_path.insert(0, _Finder)
