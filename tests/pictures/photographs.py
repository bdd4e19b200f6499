"""The photographs that ship, and the class of each, as their list of sources says."""

import re

from tests.helpers import ROOT

PHOTOGRAPHS = ROOT / "examples"
_ROW = re.compile(r"^\| `([^`]+)`[^|]*\|[^|]*\| `(\d+)` ", re.M)


def class_of() -> dict[str, int]:
    """File name → label of the embedded model."""
    rows = _ROW.findall((PHOTOGRAPHS / "SOURCES.md").read_text(encoding="utf-8"))
    return {name: int(label) for name, label in rows}
