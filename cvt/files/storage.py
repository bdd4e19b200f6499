"""Files on this machine, written whole or not at all, and read with sentences for what is wrong with them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..fields import shown

if TYPE_CHECKING:
    from .hub import Folder, Repository

CONFIG, PROCESSOR = "config.json", "preprocessor_config.json"  # as Hugging Face names them


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary file to write, which becomes ``path`` in one step at the end: no reader and no crash meets half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: Path, values: dict[str, Any]) -> None:
    """Writes a JSON file, whole or not at all."""
    with replacing(Path(path)) as temporary:
        temporary.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The settings in a JSON file.

    Raises:
        ValueError: no such file, no JSON, or no settings in it.
    """
    if not path.is_file():
        raise ValueError(f"There is no file {shown(path.name)} that can be read.")
    try:
        return parsed(path)
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be used: {error}.") from error


def parsed(path: Path) -> dict[str, Any]:
    """The same of a file that exists; the ValueError says in a few words what is wrong with it."""
    try:
        values = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # not UTF-8, not JSON, or brackets without end
        raise ValueError("it is damaged, it is not JSON") from error
    if not isinstance(values, dict):
        raise ValueError("it holds no settings")
    return values


def check_folder(path: str | Path) -> Path:
    """A path at which a folder is or can be made. Raises ValueError where a file has that name."""
    path = Path(path)
    if path.is_file():
        raise ValueError(f"{shown(path.name)} is a file: name a folder to save to.")
    return path


def json_file(source: str | Path | None) -> Path | None:
    """The JSON file that ``source`` names instead of a folder."""
    try:
        path = Path(source or "").expanduser()
        return path if path.suffix == ".json" and path.is_file() else None
    except (OSError, ValueError, RuntimeError, TypeError):
        return None  # no name that a file can have


def read_settings(files: Folder | Repository, name: str) -> dict[str, Any] | None:
    """The settings in one of ``files``; None where there is no such file.

    One that was damaged in the Hub's cache is downloaded anew, once.
    """
    path = files.find(name)
    if path is None:
        return None
    try:
        return parsed(path)
    except ValueError as error:
        rejected = files.reject(path, str(error))
        if path.exists():
            raise rejected from error
    try:
        again = files.find(name)
        return None if again is None else parsed(again)
    except ValueError:
        raise rejected from None
