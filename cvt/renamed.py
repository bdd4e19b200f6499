"""Modules under the names that they had in earlier versions, for programs that were written or exported then.

An old name is imported as the module it now is: the same object, loaded only when somebody asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import CodeType, ModuleType


class _Renamed(MetaPathFinder, Loader):
    def __init__(self, names: Mapping[str, str]):
        self.names = names

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in self.names else None

    def exec_module(self, module: ModuleType) -> None:
        sys.modules[module.__name__] = import_module(self.names[module.__name__])  # which import returns

    def get_code(self, fullname: str) -> CodeType:
        """What ``python -m`` runs."""
        return compile(f"import runpy; runpy.run_module({self.names[fullname]!r}, run_name='__main__')", fullname, "exec")


def keep(package: str, names: Mapping[str, str]) -> None:
    """Makes modules of ``package`` importable by old names too; ``names``: old, without the package's own → new."""
    sys.meta_path.append(_Renamed({f"{package}.{old}": new for old, new in names.items()}))
