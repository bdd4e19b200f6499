"""Writes the site's files, the same bytes for the same content, and names them all together."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any


def write_packed(path: Path, content: bytes) -> None:
    """Writes bytes compressed: not every web server compresses what it sends, and browsers can unpack it."""
    path.write_bytes(gzip.compress(content, 6, mtime=0))


def write_json(path: Path, value: Any) -> None:
    """Writes a value as JSON."""
    path.write_text(json.dumps(value, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


def digest(folder: Path) -> str:
    """A name of all files in a folder, by their paths and contents."""
    found = hashlib.sha256()
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        found.update(f"{path.relative_to(folder).as_posix()} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return found.hexdigest()[:16]
